/* avro_foreign_test.c: records of schemas that are not ours: resolved by avro-c,
 * named by a registry's id or a fingerprint, and kept from harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "tests/unit/graphs.h"
#include "message/avro/avro.h"
#include "message/avro/schemas.h"

#include <cmocka.h>

#include "tests/unit/payloads.h"

#define HEAD_BYTES 10
#define CEILING ((size_t)1 << 20)

static struct arena *arena;
static struct buffer out;

/* A registry of one schema, which counts how often it is asked. */
struct registry {
	const char *json;
	unsigned asked;
};

static const char *registry_by_id(void *context, uint32_t id, struct error *error)
{
	struct registry *registry = context;
	(void)error;
	registry->asked++;
	return id == 7 ? registry->json : NULL;
}

static const char *registry_by_fingerprint(void *context, uint64_t fingerprint, struct error *error)
{
	(void)fingerprint;
	return registry_by_id(context, 7, error);
}

static struct schema_source source_of(struct registry *registry)
{
	return (struct schema_source){.context = registry, .by_id = registry_by_id, .by_fingerprint = registry_by_fingerprint};
}

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

/* `body` in Confluent's framing, under the id of the registry's schema. */
static struct text numbered(struct text body)
{
	static const char head[] = {0, 0, 0, 0, 7};
	struct buffer framed;
	buffer_open(&framed, CEILING);
	buffer_append(&framed, head, sizeof head);
	buffer_text(&framed, body);
	struct text kept = {arena_copy(arena, framed.bytes, framed.length), framed.length};
	buffer_close(&framed);
	return kept;
}

/* Our schema under another name: its fingerprint differs, so avro-c reads it. */
static const char *renamed(const char *schema_name, const char *own, const char *other)
{
	const char *json = schema_json(schema_name);
	const char *at = strstr(json, own);
	assert_non_null(at);
	return arena_print(arena, "%.*s%s%s", (int)(at - json), json, other, at + strlen(own));
}

static void a_foreign_schema_gives_the_same_content_as_our_own(void **state)
{
	(void)state;
	uint64_t seed = 11;
	struct arena *kept = arena;
	struct registry registry = {.json = renamed("request", "\"name\": \"Request\"", "\"name\": \"Theirs\"")};
	struct schema_source source = source_of(&registry);
	source.cache = avro_cache_open();
	arena = arena_open((size_t)1 << 24);
	for (int round = 0; round < 500; round++) {
		struct error error = {0};
		struct message sent = {.arena = arena, .payload_id = TEXT("r"), .deadline_ms = 12345, .origin = {TEXT("t"), 1, 99}};
		struct payload payload = payload_drawn(arena, &seed);
		buffer_clear(&out);
		assert_true(avro_request_encode(&sent, &payload, &out, &error));
		struct text body = {out.bytes + HEAD_BYTES, out.length - HEAD_BYTES};
		struct message read = {.arena = arena};
		if (!format_avro.decode(&read, numbered(body), &source, &error))
			fail_msg("%s", error.text);
		assert_true(text_is(read.payload_id, "r"));
		assert_true(read.deadline_ms == 12345 && read.origin.offset == 99 && text_is(read.origin.topic, "t"));
		assert_true(tensors_equal(read.payload.tensors, payload.tensors));
		assert_true(tensors_equal(read.payload.marks, payload.marks));
		assert_true(parameters_equal(read.payload.parameters, payload.parameters));
		arena_reset(arena);
	}
	assert_int_equal(registry.asked, 1);
	avro_cache_close(source.cache);
	arena_close(arena);
	arena = kept;
}

static void a_caller_sets_no_headers_of_answers(void **state)
{
	(void)state;
	struct error error = {0};
	struct registry registry = {.json = renamed("request", "\"name\": \"Request\"", "\"name\": \"Theirs\"")};
	struct schema_source source = source_of(&registry);
	struct message sent = {.arena = arena}, read = {.arena = arena};
	const struct payload *made = payload_made(arena, "kept=2 header:sluice-error=1");
	struct payload payload = {.tensors = payload_made(arena, "x=1")->tensors, .marks = made->tensors};
	source.cache = avro_cache_open();
	buffer_clear(&out);
	assert_true(avro_request_encode(&sent, &payload, &out, &error));
	struct text body = {out.bytes + HEAD_BYTES, out.length - HEAD_BYTES};
	assert_true(format_avro.decode(&read, numbered(body), &source, &error));
	assert_int_equal(read.payload.marks.count, 1);
	assert_true(text_is(read.payload.marks.items[0]->name, "kept"));
	avro_cache_close(source.cache);
}

static void a_foreign_answer_is_read_too(void **state)
{
	(void)state;
	uint64_t seed = 12;
	struct registry registry = {.json = renamed("response", "\"name\": \"Response\"", "\"name\": \"Theirs\"")};
	struct schema_source source = source_of(&registry);
	for (int round = 0; round < 40; round++) {
		struct error error = {0};
		struct error cause = {0};
		struct message message = {.arena = arena, .payload_id = TEXT("r")};
		struct payload payload = payload_drawn(arena, &seed);
		struct answer answer = {.payload = round % 4 ? &payload : NULL, .error = &cause};
		struct avro_answer read;
		error_set(&cause, ERROR_REMOTE, PLACE_NONE, "the model is away; start it");
		buffer_clear(&out);
		assert_true(avro_answer_encode(&message, &answer, NULL, &out, &error));
		if (!avro_answer_decode(numbered((struct text){out.bytes + HEAD_BYTES, out.length - HEAD_BYTES}), &source, arena,
					&read, &error))
			fail_msg("%s", error.text);
		assert_true(text_is(read.id, "r"));
		assert_int_equal(read.failed, round % 4 == 0);
		if (read.failed) {
			assert_int_equal(read.error.kind, ERROR_REMOTE);
			assert_string_equal(read.error.text, "the model is away; start it");
			continue;
		}
		assert_true(tensors_equal(read.payload.tensors, payload.tensors));
		assert_true(parameters_equal(read.payload.parameters, payload.parameters));
		assert_true(text_equal(payload_version(&read.payload), payload_version(&payload)));
	}
}

/* A file beside the tests, in the arena. */
static struct text file_of(const char *path)
{
	static char bytes[1 << 16];
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t length = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	return (struct text){arena_copy(arena, bytes, length), length};
}

static void bytes_of_an_earlier_schema_are_read_today(void **state)
{
	(void)state;
	struct error error = {0};
	struct registry registry = {.json = file_of("tests/data/avro/request-1.avsc").bytes};
	struct schema_source source = source_of(&registry);
	struct message read = {.arena = arena};
	if (!format_avro.decode(&read, file_of("tests/data/avro/request-1.bin"), &source, &error))
		fail_msg("%s", error.text);
	assert_true(text_is(read.payload_id, "old-1"));
	assert_int_equal(read.deadline_ms, 0);
	assert_int_equal(read.payload.marks.count, 0);
	const struct parameter *priority = parameters_find(read.payload.parameters, TEXT("priority"));
	assert_non_null(priority);
	assert_int_equal(priority->type, PARAMETER_INTEGER);
	assert_int_equal(priority->value.integer, 7);
	const struct tensor *x = tensors_find(read.payload.tensors, TEXT("x"));
	assert_non_null(x);
	assert_int_equal(x->datatype, DATATYPE_FP32);
	assert_int_equal(x->rank, 2);
	assert_int_equal(x->shape[1], 3);
	assert_true(((const float *)x->data)[1] == 2.5f);
}

static void the_fingerprint_of_the_kept_bytes_is_that_of_their_schema(void **state)
{
	(void)state;
	struct error error = {0};
	uint64_t fingerprint;
	uint64_t named;
	assert_true(schema_fingerprint(file_of("tests/data/avro/request-1.avsc").bytes, &fingerprint, &error));
	memcpy(&named, file_of("tests/data/avro/request-1.bin").bytes + 2, sizeof named);
	assert_true(fingerprint == named);
}

static void our_own_schema_under_a_number_takes_the_fast_way(void **state)
{
	(void)state;
	uint64_t seed = 13;
	struct error error = {0};
	struct registry registry = {.json = schema_json("request")};
	struct schema_source source = source_of(&registry);
	struct arena *own = arena_open(CEILING);
	struct message sent = {.arena = arena, .payload_id = TEXT("r")};
	struct payload payload = payload_drawn(arena, &seed);
	source.cache = avro_cache_open();
	buffer_clear(&out);
	assert_true(avro_request_encode(&sent, &payload, &out, &error));
	struct text bytes = numbered((struct text){out.bytes + HEAD_BYTES, out.length - HEAD_BYTES});
	uint64_t taken = 0;
	for (int round = 0; round < 3; round++) {
		if (round == 2)
			taken = memory_taken();
		arena_reset(own);
		struct message read = {.arena = own};
		assert_true(format_avro.decode(&read, bytes, &source, &error));
		assert_true(tensors_equal(read.payload.tensors, payload.tensors));
	}
#ifndef ARENA_EVERY_ALLOCATION_APART
	assert_true(memory_taken() == taken);
#else
	(void)taken;
#endif
	assert_int_equal(registry.asked, 1);
	avro_cache_close(source.cache);
	arena_close(own);
}

static void answers_are_numbered_when_the_registry_has_their_schema(void **state)
{
	(void)state;
	struct error error = {0};
	struct schema_source source = {.answer_id = 0x01020304};
	struct message message = {.arena = arena};
	struct payload payload = {0};
	struct answer answer = {.payload = &payload};
	buffer_clear(&out);
	assert_true(format_avro.encode(&message, &answer, &source, &out, &error));
	assert_memory_equal(out.bytes, "\x00\x01\x02\x03\x04", 5);
}

static void many_schemas_do_not_fill_the_cache_for_ever(void **state)
{
	(void)state;
	struct registry registry = {.json = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}"};
	struct schema_source source = source_of(&registry);
	source.cache = avro_cache_open();
	for (uint64_t i = 0; i < 1000; i++) {
		struct error error = {0};
		char bytes[HEAD_BYTES] = "\xC3\x01";
		memcpy(bytes + 2, &i, sizeof i);
		struct message read = {.arena = arena};
		assert_false(format_avro.decode(&read, (struct text){bytes, sizeof bytes}, &source, &error));
		assert_non_null(strstr(error.text, "no field inputs"));
	}
	avro_cache_close(source.cache);
}

static void narrower_and_looser_types_are_promoted(void **state)
{
	(void)state;
	static const char json[] =
		"{\"type\":\"record\",\"name\":\"Theirs\",\"fields\":["
		"{\"name\":\"extra\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},"
		"{\"name\":\"id\",\"type\":[\"null\",\"string\"]},"
		"{\"name\":\"inputs\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"T\",\"fields\":["
		"{\"name\":\"data\",\"type\":\"bytes\"},{\"name\":\"shape\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},"
		"{\"name\":\"datatype\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}},"
		"{\"name\":\"parameters\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"P\",\"fields\":["
		"{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"value\",\"type\":[\"int\",\"string\"]}]}}}]}";
	static const char body[] = "\x00"
				   "\x02\x04id"
				   "\x02\x04\x01\x02\x02\x04\x00\x0AUINT8\x02x\x00"
				   "\x02\x02p\x00\x0D\x00";
	struct error error = {0};
	struct registry registry = {.json = json};
	struct schema_source source = source_of(&registry);
	struct message read = {.arena = arena};
	if (!format_avro.decode(&read, numbered((struct text){body, sizeof body - 1}), &source, &error))
		fail_msg("%s", error.text);
	assert_true(text_is(read.payload_id, "id"));
	const struct tensor *x = tensors_find(read.payload.tensors, TEXT("x"));
	assert_non_null(x);
	assert_int_equal(x->datatype, DATATYPE_UINT8);
	assert_int_equal(x->shape[0], 2);
	assert_memory_equal(x->data, "\x01\x02", 2);
	assert_int_equal(read.payload.parameters.items[0].type, PARAMETER_INTEGER);
	assert_int_equal(read.payload.parameters.items[0].value.integer, -7);
}

static void refuses(const char *json, const char *body, size_t length, const char *words)
{
	struct error error = {0};
	struct registry registry = {.json = json};
	struct schema_source source = source_of(&registry);
	struct message read = {.arena = arena};
	assert_false(format_avro.decode(&read, numbered((struct text){body, length}), &source, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
}

static void what_does_not_resolve_says_why(void **state)
{
	(void)state;
	refuses(NULL, "", 0, "no schema registry knows it");
	refuses("{", "", 0, "not an Avro schema");
	refuses("{\"type\":\"record\",\"name\":\"Tick\",\"fields\":[{\"name\":\"price\",\"type\":\"double\"}]}", "\0\0\0\0\0\0\0\0",
		8,
		"input.tensors");
	refuses("\"long\"", "\x02", 1, "does not resolve");
	refuses("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"inputs\",\"type\":\"long\"}]}", "\x02", 1,
		"does not resolve");
}

static void lengths_are_held_against_what_is_left(void **state)
{
	(void)state;
	static const char text[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}]}";
	static const char nulls[] = "{\"type\":\"record\",\"name\":\"R\","
				    "\"fields\":[{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":\"null\"}}]}";
	static const char nested[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"r\",\"type\":[\"null\",\"R\"]}]}";
	refuses(text, "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 10, "cut off or broken");
	refuses(text, "\x01", 1, "cut off or broken");
	refuses(nulls, "\xFE\xFF\xFF\xFF\x0F\x00", 6, "cut off or broken");
	char deep[200];
	memset(deep, 2, sizeof deep);
	refuses(nested, deep, sizeof deep, "cut off or broken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_foreign_schema_gives_the_same_content_as_our_own),
		cmocka_unit_test(a_caller_sets_no_headers_of_answers),
		cmocka_unit_test(a_foreign_answer_is_read_too),
		cmocka_unit_test(bytes_of_an_earlier_schema_are_read_today),
		cmocka_unit_test(the_fingerprint_of_the_kept_bytes_is_that_of_their_schema),
		cmocka_unit_test(our_own_schema_under_a_number_takes_the_fast_way),
		cmocka_unit_test(answers_are_numbered_when_the_registry_has_their_schema),
		cmocka_unit_test(many_schemas_do_not_fill_the_cache_for_ever),
		cmocka_unit_test(narrower_and_looser_types_are_promoted),
		cmocka_unit_test(what_does_not_resolve_says_why),
		cmocka_unit_test(lengths_are_held_against_what_is_left),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
