/* avro_test.c: our own Avro codec, held against avro-c: the same bytes, the same
 * content, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>

#include "message/avro/avro.h"

#include <avro.h>
#include <cmocka.h>

#include "base/memory.h"
#include "tests/unit/graphs.h"
#include "message/avro/avro_wire.h"
#include "message/avro/schemas.h"
#include "tests/unit/payloads.h"

#define HEAD_BYTES 10 /* of single-object encoding */
#define CEILING ((size_t)1 << 20)

static struct arena *arena;
static struct buffer out;

static int set_up(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 24);
	buffer_open(&out, CEILING);
	return arena ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	buffer_close(&out);
	return 0;
}

/* What avro-c makes of a record: read by the schema of that name and written anew. */
static size_t through_avro_c(const char *schema_name, struct text body, char *again, size_t room)
{
	avro_schema_t schema;
	avro_value_t value;
	const char *json = schema_json(schema_name);
	assert_int_equal(avro_schema_from_json_length(json, strlen(json), &schema), 0);
	avro_value_iface_t *class = avro_generic_class_from_schema(schema);
	assert_int_equal(avro_generic_value_new(class, &value), 0);
	avro_reader_t reader = avro_reader_memory(body.bytes, (int64_t)body.length);
	avro_writer_t writer = avro_writer_memory(again, (int64_t)room);
	if (avro_value_read(reader, &value) || avro_value_write(writer, &value))
		fail_msg("avro-c: %s", avro_strerror());
	size_t length = (size_t)avro_writer_tell(writer);
	avro_writer_free(writer);
	avro_reader_free(reader);
	avro_value_decref(&value);
	avro_value_iface_decref(class);
	avro_schema_decref(schema);
	return length;
}

static void expect_as_avro_c_writes(const char *schema_name)
{
	static char again[CEILING];
	struct text body = {out.bytes + HEAD_BYTES, out.length - HEAD_BYTES};
	size_t length = through_avro_c(schema_name, body, again, sizeof again);
	assert_int_equal(length, body.length);
	assert_memory_equal(again, body.bytes, length);
}

static struct message message_drawn(uint64_t *seed)
{
	struct message message = {.arena = arena, .id = TEXT("orders-3-17")};
	if (seed_next(seed) % 2)
		message.payload_id = TEXT("r-1");
	if (seed_next(seed) % 2)
		message.deadline_ms = (int64_t)(seed_next(seed) >> 20);
	if (seed_next(seed) % 2)
		message.origin = (struct origin){TEXT("orders"), (int32_t)(seed_next(seed) % 64), (int64_t)(seed_next(seed) >> 30)};
	size_t count = seed_next(seed) % 3;
	struct text *names = ARENA_ARRAY(arena, struct text, count);
	for (size_t i = 0; i < count; i++)
		names[i] = text_drawn(arena, seed);
	message.wanted = (struct tensors_wanted){count, names};
	return message;
}

/* What is read next lies where messages before it were: nothing of theirs may be left in it. */
static void arena_soil(void)
{
	char *soiled = arena_take_raw(arena, CEILING);
	assert_non_null(soiled);
	memset(soiled, 0xFF, CEILING);
	arena_reset(arena);
}

static void expect_no_model(struct tensors tensors)
{
	for (size_t i = 0; i < tensors.count; i++)
		assert_null(tensors.items[i]->model);
}

static void a_request_is_written_as_avro_c_does_and_comes_back_whole(void **state)
{
	(void)state;
	uint64_t seed = 1;
	arena_soil();
	for (int round = 0; round < 2000; round++) {
		struct error error = {0};
		struct message sent = message_drawn(&seed);
		struct payload payload = payload_drawn(arena, &seed);
		buffer_clear(&out);
		assert_true(avro_request_encode(&sent, &payload, &out, &error));
		expect_as_avro_c_writes("request");
		struct message read = {.arena = arena};
		assert_true(format_avro.decode(&read, buffer_view(&out), NULL, &error));
		assert_true(text_equal(read.payload_id, sent.payload_id.bytes ? sent.payload_id : sent.id));
		assert_true(read.deadline_ms == sent.deadline_ms);
		assert_true(text_equal(read.origin.topic, sent.origin.topic) && read.origin.partition == sent.origin.partition &&
			    read.origin.offset == sent.origin.offset);
		assert_int_equal(read.wanted.count, sent.wanted.count);
		for (size_t i = 0; i < read.wanted.count; i++)
			assert_true(text_equal(read.wanted.names[i], sent.wanted.names[i]));
		assert_true(tensors_equal(read.payload.tensors, payload.tensors));
		assert_true(tensors_equal(read.payload.marks, payload.marks));
		assert_true(parameters_equal(read.payload.parameters, payload.parameters));
		expect_no_model(read.payload.tensors);
		expect_no_model(read.payload.marks);
		arena_reset(arena);
	}
}

static void a_caller_sets_no_headers_of_answers(void **state)
{
	(void)state;
	struct error error = {0};
	struct message sent = {.arena = arena}, read = {.arena = arena};
	const struct payload *made = payload_made(arena, "header:sluice-error=1 kept=2 header:x-trace=3");
	struct payload payload = {.tensors = payload_made(arena, "x=1")->tensors, .marks = made->tensors};
	buffer_clear(&out);
	assert_true(avro_request_encode(&sent, &payload, &out, &error));
	assert_true(format_avro.decode(&read, buffer_view(&out), NULL, &error));
	assert_int_equal(read.payload.marks.count, 1);
	assert_true(text_is(read.payload.marks.items[0]->name, "kept"));
	assert_int_equal(read.payload.tensors.count, 1);
	arena_reset(arena);
}

static void an_answer_is_written_as_avro_c_does_and_comes_back_whole(void **state)
{
	(void)state;
	uint64_t seed = 2;
	for (int round = 0; round < 2000; round++) {
		struct error error = {0};
		struct message message = message_drawn(&seed);
		struct payload payload = payload_drawn(arena, &seed);
		struct answer answer = {.payload = &payload};
		struct avro_answer read;
		buffer_clear(&out);
		assert_true(format_avro.encode(&message, &answer, NULL, &out, &error));
		expect_as_avro_c_writes("response");
		assert_true(avro_answer_decode(buffer_view(&out), NULL, arena, &read, &error));
		assert_false(read.failed);
		assert_true(text_equal(read.id, message.payload_id.bytes ? message.payload_id : message.id));
		assert_true(tensors_equal(read.payload.tensors, payload.tensors));
		assert_true(tensors_equal(read.payload.marks, payload.marks));
		assert_true(parameters_equal(read.payload.parameters, payload.parameters));
		assert_true(text_equal(read.payload.model_name, payload.model_name));
		assert_true(text_equal(payload_version(&read.payload), payload_version(&payload)));
		arena_reset(arena);
	}
}

static void an_error_answer_says_so_in_the_record(void **state)
{
	(void)state;
	struct error error = {0};
	struct error cause = {0};
	struct message message = {.arena = arena, .id = TEXT("7")};
	struct answer answer = {.error = &cause};
	struct avro_answer read;
	error_set(&cause, ERROR_LIMIT, (struct place){"pipeline.yaml", 31, 12}, "too late by %d ms; ask sooner", 3);
	buffer_clear(&out);
	assert_true(format_avro.encode(&message, &answer, NULL, &out, &error));
	expect_as_avro_c_writes("response");
	assert_true(avro_answer_decode(buffer_view(&out), NULL, arena, &read, &error));
	assert_true(read.failed);
	assert_int_equal(read.error.kind, ERROR_LIMIT);
	assert_string_equal(read.error.text, "too late by 3 ms; ask sooner");
	assert_string_equal(read.error.place.file, "pipeline.yaml");
	assert_int_equal(read.error.place.line, 31);
	assert_int_equal(read.error.place.column, 12);
	assert_int_equal(read.payload.tensors.count, 0);
}

static void a_record_cut_anywhere_is_an_input_error(void **state)
{
	(void)state;
	uint64_t seed = 3;
	for (int round = 0; round < 50; round++) {
		struct error error = {0};
		struct message message = message_drawn(&seed);
		struct payload payload = payload_drawn(arena, &seed);
		buffer_clear(&out);
		assert_true(avro_request_encode(&message, &payload, &out, &error));
		for (size_t length = 0; length < out.length; length++) {
			struct error cut = {0};
			struct message read = {.arena = arena};
			assert_false(format_avro.decode(&read, (struct text){out.bytes, length}, NULL, &cut));
			assert_int_equal(cut.kind, ERROR_INPUT);
		}
		arena_reset(arena);
	}
}

static void refuses(const char *body, size_t length, const char *words)
{
	struct error error = {0};
	struct message read = {.arena = arena};
	assert_false(avro_request_read(&read, (struct text){body, length}, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
}

/* id, deadline and parameters, all empty: 00 00 00. */
static void hostile_bodies_are_refused(void **state)
{
	(void)state;
	refuses("\x00\x00\x00\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 13, "its last fields");
	refuses("\x02\xFF\x00\x00\x00\x00\x00\x00\x00\x00", 10, "not UTF-8");
	refuses("\x00\x00\x00\x02\x02x\x32\x00\x00\x00\x00\x00\x00\x00\x00\x00", 16, "datatype");
	refuses("\x00\x00\x00\x02\x02x\x14\x02\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00", 18, "dimension");
	refuses("\x00\x00\x00\x02\x02x\x14\x02\x02\x00\x06\x01\x02\x03\x00\x00\x00\x00\x00\x00\x00", 21,
		"take 4 bytes, its data has 3");
	refuses("\x00\x00\x00\x00\x00\x00\x00\x00\x00zz", 11, "2 bytes follow");
	refuses("\x00\x00\x02\x02p\x0A\x00\x00\x00\x00\x00\x00\x00", 13, "kind of a parameter");
}

/* Lists in several blocks, some with their size in bytes: other writers may. */
static void blocks_of_any_form_are_read(void **state)
{
	(void)state;
	static const char body[] = "\x00\x00\x00"
				   "\x02\x02x\x04\x01\x02\x02\x02\x06\x00\x0C"
				   "abcdef\x00\x00"
				   "\x02\x02o\x01\x04\x02p\x00\x00\x00\x00\x00";
	struct error error = {0};
	struct message read = {.arena = arena};
	assert_true(avro_request_read(&read, (struct text){body, sizeof body - 1}, &error));
	assert_int_equal(read.payload.tensors.count, 1);
	const struct tensor *x = read.payload.tensors.items[0];
	assert_int_equal(x->rank, 2);
	assert_int_equal(x->shape[0], 1);
	assert_int_equal(x->shape[1], 3);
	assert_int_equal(read.wanted.count, 2);
	assert_true(text_is(read.wanted.names[1], "p"));
}

static void headers_go_before_what_the_record_says(void **state)
{
	(void)state;
	struct error error = {0};
	struct message sent = {.arena = arena, .deadline_ms = 1000, .origin = {TEXT("first"), 1, 2}};
	buffer_clear(&out);
	assert_true(avro_request_encode(&sent, &(struct payload){0}, &out, &error));
	struct message read = {.arena = arena, .deadline_ms = 900, .origin = {TEXT("second"), 3, 4}};
	assert_true(format_avro.decode(&read, buffer_view(&out), NULL, &error));
	assert_true(read.deadline_ms == 900);
	assert_true(text_is(read.origin.topic, "second"));
	assert_null(read.payload_id.bytes);
}

static void reading_and_writing_take_nothing_from_a_warm_heap(void **state)
{
	(void)state;
	uint64_t seed = 4;
	struct error error = {0};
	struct arena *own = arena_open(CEILING);
	struct payload payload = payload_drawn(arena, &seed);
	struct answer answer = {.payload = &payload};
	struct message message = {.arena = own};
	struct buffer request;
	buffer_open(&request, CEILING);
	assert_true(avro_request_encode(&message, &payload, &request, &error));
	uint64_t taken = 0;
	for (int round = 0; round < 3; round++) {
		if (round == 2)
			taken = memory_taken();
		arena_reset(own);
		buffer_clear(&out);
		struct message read = {.arena = own};
		assert_true(format_avro.decode(&read, buffer_view(&request), NULL, &error));
		assert_true(format_avro.encode(&read, &answer, NULL, &out, &error));
	}
#ifndef ARENA_EVERY_ALLOCATION_APART
	assert_true(memory_taken() == taken);
#else
	(void)taken;
#endif
	buffer_close(&request);
	arena_close(own);
}

/* Each number has one form of its length: else what is read would not be what was written. */
static void numbers_have_64_bits(void **state)
{
	static const struct {
		unsigned char bytes[AVRO_LONG_BYTES_MAX + 1];
		int64_t number; /* 0: it is none */
	} rows[] = {{{0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, INT64_MAX},
		    {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, INT64_MIN},
		    {{0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, (INT64_C(1) << 62) - 1},
		    {{0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x03}, 0},
		    {{0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 0x00}, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct avro_cursor cursor = avro_cursor_of((struct text){(const char *)rows[i].bytes, sizeof rows[i].bytes});
		assert_int_equal(avro_read_long(&cursor), rows[i].number);
		assert_int_equal(avro_failed(&cursor), rows[i].number == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_caller_sets_no_headers_of_answers),
		cmocka_unit_test(a_request_is_written_as_avro_c_does_and_comes_back_whole),
		cmocka_unit_test(an_answer_is_written_as_avro_c_does_and_comes_back_whole),
		cmocka_unit_test(an_error_answer_says_so_in_the_record),
		cmocka_unit_test(a_record_cut_anywhere_is_an_input_error),
		cmocka_unit_test(hostile_bodies_are_refused),
		cmocka_unit_test(numbers_have_64_bits),
		cmocka_unit_test(blocks_of_any_form_are_read),
		cmocka_unit_test(headers_go_before_what_the_record_says),
		cmocka_unit_test(reading_and_writing_take_nothing_from_a_warm_heap),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
