/* answer_decode_test.c: answers are read from a topic whatever format they left in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graphs.h"
#include "message/answer_decode.h"
#include "message/reply.h"

static struct arena *arena;
static struct buffer bytes;

static int memory_open(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 20);
	buffer_open(&bytes, (size_t)1 << 20);
	return arena ? 0 : -1;
}

static int memory_close(void **state)
{
	(void)state;
	buffer_close(&bytes);
	arena_close(arena);
	return 0;
}

static void decode(const struct format *format, const struct answer *answer, struct headers headers, struct decoded_answer *found)
{
	const struct message message = {
		.arena = arena, .id = TEXT("r1"), .payload_id = TEXT("r1"), .seldon_form = SELDON_NDARRAY, .format = format};
	struct error error = {0};
	buffer_clear(&bytes);
	assert_true(answer_encode(&message, answer, format, NULL, &bytes, &error));
	assert_true(answer_decode(headers, buffer_view(&bytes), NULL, arena, found, &error));
}

static void an_answer_is_read_in_every_format(void **state)
{
	(void)state;
	const struct answer answer = {.payload = payload_made(arena, "data=[1]1,2")};
	const struct header type = {TEXT("content-type"), format_seldon_protobuf.content_types[0]};
	for (const struct format *const *format = format_table; *format && (*format)->name; format++) {
		struct decoded_answer found;
		/* This one is known by its content type alone. */
		decode(*format, &answer, (struct headers){*format == &format_seldon_protobuf, &type}, &found);
		if (!found.readable || found.failed)
			fail_msg("an answer in %s is not read", (*format)->name);
		assert_int_equal(found.payload.tensors.count, 1);
		assert_int_equal(found.payload.tensors.items[0]->count, 2);
		assert_true(tensor_number(found.payload.tensors.items[0], 1) == 2);
	}
}

/* Alone it has no name. */
static void columns_of_v1_are_read(void **state)
{
	static const char *const bodies[] = {"{\"outputs\":{\"x\":[1,2],\"y\":[3]}}", "{\"outputs\":[1,2]}",
					     "{\"outputs\":[[1],[2]]}"};
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct decoded_answer found;
		struct error error = {0};
		assert_true(answer_decode((struct headers){0}, text_of(bodies[i]), NULL, arena, &found, &error));
		assert_true(found.readable && found.format == &format_v1);
		assert_int_equal(found.payload.tensors.count, i == 0 ? 2 : 1);
		assert_true(text_is(found.payload.tensors.items[0]->name, i == 0 ? "x" : "output-0"));
		assert_true(tensor_number(found.payload.tensors.items[0], 1) == 2);
	}
}

static void an_error_is_told_from_an_answer_by_its_header_or_its_words(void **state)
{
	(void)state;
	const struct header kind = {{"sluice-error", 12}, {"INPUT", 5}};
	struct error error = {0};
	error_set(&error, ERROR_INPUT, PLACE_NONE, "no such thing");
	const struct answer answer = {.error = &error};
	for (const struct format *const *format = format_table; *format && (*format)->name; format++) {
		struct decoded_answer found;
		decode(*format, &answer, (struct headers){1, &kind}, &found);
		assert_true(found.failed);
		assert_false(found.readable);
		assert_true(text_is(found.kind, "INPUT"));
		if (*format != &format_seldon_protobuf /* known by its content type alone */ &&
		    !text_is(found.words, "no such thing"))
			fail_msg("the words of an error in %s are not found", (*format)->name);
	}
	struct decoded_answer found;
	decode(&format_avro, &answer, (struct headers){0}, &found);
	assert_true(found.failed);
	assert_true(text_is(found.words, "no such thing"));
	decode(&format_oip_json, &answer, (struct headers){0}, &found);
	assert_true(found.failed);
	assert_true(text_is(found.words, "no such thing"));
}

static void the_id_is_that_of_the_header_before_that_of_the_answer(void **state)
{
	(void)state;
	const struct header id = {{"x-request-id", 12}, {"other", 5}};
	const struct answer answer = {.payload = payload_made(arena, "x=1")};
	struct decoded_answer found;
	decode(&format_oip_json, &answer, (struct headers){0}, &found);
	assert_true(text_is(found.id, "r1"));
	decode(&format_oip_json, &answer, (struct headers){1, &id}, &found);
	assert_true(text_is(found.id, "other"));
}

static void a_request_without_an_id_has_that_of_its_gateway_or_origin(void **state)
{
	const struct header headers[] = {{TEXT(REPLY_ORIGIN_HEADER), TEXT("in/0/5")},
					 {TEXT(REPLY_DEFAULT_ID_HEADER), TEXT("given")}};
	(void)state;
	const struct answer answer = {.payload = payload_made(arena, "x=1")};
	struct decoded_answer found;
	decode(&format_oip_json, &answer, (struct headers){2, headers}, &found);
	assert_true(text_is(answer_request_id(&found, (struct headers){2, headers}, arena), "r1"));
	found.id = (struct text){0};
	assert_true(text_is(answer_request_id(&found, (struct headers){2, headers}, arena), "given"));
	assert_true(text_is(answer_request_id(&found, (struct headers){1, headers}, arena), "in-0-5"));
	assert_int_equal(answer_request_id(&found, (struct headers){0}, arena).length, 0);
}

static void what_is_no_answer_is_only_bytes(void **state)
{
	(void)state;
	struct decoded_answer found;
	struct error error = {0};
	assert_true(answer_decode((struct headers){0}, TEXT("\xFF\xFE"), NULL, arena, &found, &error));
	assert_false(found.readable);
	assert_false(found.failed);
	assert_int_equal(found.words.length, 2);
}

static void the_end_of_a_submitted_request_is_no_answer(void **state)
{
	const struct header filtered[] = {{TEXT(REPLY_OUTCOME_HEADER), TEXT(REPLY_FILTERED)},
					  {TEXT("x-request-id"), TEXT("r")}};
	struct error error = {0};
	struct decoded_answer found;
	(void)state;
	assert_true(answer_decode((struct headers){2, filtered}, (struct text){0}, NULL, arena, &found, &error));
	assert_false(found.readable || found.failed);
	assert_true(text_is(found.ended, REPLY_FILTERED));
	assert_true(text_is(found.id, "r"));
	assert_true(answer_decode((struct headers){1, filtered + 1}, (struct text){0}, NULL, arena, &found, &error));
	assert_false(found.readable || found.failed); /* a tombstone */
	assert_int_equal(found.ended.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_is_read_in_every_format, memory_open, memory_close),
		cmocka_unit_test_setup_teardown(columns_of_v1_are_read, memory_open, memory_close),
		cmocka_unit_test_setup_teardown(an_error_is_told_from_an_answer_by_its_header_or_its_words, memory_open,
						memory_close),
		cmocka_unit_test_setup_teardown(the_id_is_that_of_the_header_before_that_of_the_answer, memory_open, memory_close),
		cmocka_unit_test_setup_teardown(a_request_without_an_id_has_that_of_its_gateway_or_origin, memory_open,
						memory_close),
		cmocka_unit_test_setup_teardown(what_is_no_answer_is_only_bytes, memory_open, memory_close),
		cmocka_unit_test_setup_teardown(the_end_of_a_submitted_request_is_no_answer, memory_open, memory_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
