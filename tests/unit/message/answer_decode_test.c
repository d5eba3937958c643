/* answer_decode_test.c: answers are read from a topic whatever format they left in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/graphs.h"
#include "message/formats/answer_decode.h"
#include "message/records/answer_tensors.h"
#include "message/records/record_payload.h"
#include "message/records/reply.h"
#include "message/rows.h"

static struct arena *arena;
static struct buffer bytes;

static int memory_open(void **state)
{
	(void)state;
	arena = arena_open((size_t)16 << 20);
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

/* ---- names of tensors ---- */

static const enum seldon_form seldon_forms[] = {SELDON_NONE, SELDON_NDARRAY, SELDON_TENSOR,
						SELDON_TEXT, SELDON_BINARY,  SELDON_JSON};

/* The headers of an answer in that format; content types are always there. */
static struct headers named_headers(const struct format *format, struct tensors tensors, struct header items[2])
{
	items[0] = (struct header){TEXT("content-type"), format->content_types[0]};
	items[1] = (struct header){TEXT(ANSWER_TENSORS_HEADER), answer_tensors_write(tensors, format, arena)};
	return (struct headers){1 + (items[1].value.length > 0), items};
}

static void expect_tensors(struct tensors found, struct tensors wanted, const char *what)
{
	if (found.count != wanted.count)
		fail_msg("%s: %zu tensors of %zu", what, found.count, wanted.count);
	for (size_t i = 0; i < wanted.count; i++) {
		const struct tensor *expected = wanted.items[i], *tensor = tensors_find(found, expected->name);
		if (!tensor || tensor->rank != expected->rank || tensor->count != expected->count)
			fail_msg("%s: a tensor has another name or shape", what);
		for (uint32_t j = 0; j < tensor->rank; j++)
			assert_int_equal(tensor->shape[j], expected->shape[j]);
		for (size_t j = 0; j < tensor->count; j++) {
			if (expected->datatype == DATATYPE_BYTES)
				assert_true(text_equal(((const struct text *)tensor->data)[j],
						       ((const struct text *)expected->data)[j]));
			else
				assert_true(tensor_number(tensor, j) == tensor_number(expected, j));
		}
	}
}

/* By the decoder of answers, and by that of what a record gives to a step or a metric. */
static void expect_names_kept(const struct format *format, enum seldon_form form, bool columns, const char *tensors)
{
	const struct payload *payload = payload_made(arena, tensors);
	const struct answer answer = {.payload = payload};
	const struct message message = {
		.arena = arena, .id = TEXT("r1"), .payload_id = TEXT("r1"), .seldon_form = form, .v1_columns = columns};
	struct header items[2];
	const struct headers headers = named_headers(format, payload->tensors, items);
	struct error error = {0};
	struct decoded_answer found;
	struct record_payload made;
	buffer_clear(&bytes);
	assert_true(answer_encode(&message, &answer, format, NULL, &bytes, &error));
	const struct text value = text_copied(arena, buffer_view(&bytes));
	assert_true(answer_decode(headers, value, NULL, arena, &found, &error));
	assert_true(found.readable);
	assert_false(found.unnamed);
	expect_tensors(found.payload.tensors, payload->tensors, format->name);
	assert_true(record_payload_decode(headers, value, 0, NULL, NULL, arena, &made, &error));
	assert_false(made.unnamed);
	expect_tensors(made.payload.tensors, payload->tensors, format->name);
}

static void an_answer_in_each_form_has_the_names_that_the_engine_gave(void **state)
{
	static const struct format *const formats[] = {&format_oip_json, &format_v1, &format_seldon, &format_seldon_protobuf};
	static const char *const tensors[] = {"y=3", "y=[2]1,2,3,4,5,6", "y=3 z=4,5", "y=3,4 z=5,6", "the\"y\"=[1]7"};
	(void)state;
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		for (size_t j = 0; j < sizeof seldon_forms / sizeof *seldon_forms; j++)
			for (size_t k = 0; k < sizeof tensors / sizeof *tensors; k++) {
				expect_names_kept(formats[i], seldon_forms[j], false, tensors[k]);
				expect_names_kept(formats[i], seldon_forms[j], true, tensors[k]);
			}
}

static void an_answer_of_a_former_release_has_no_names(void **state)
{
	static const struct {
		const char *body;
		bool unnamed;
	} answers[] = {{"{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[3.0]}}", true},
		       {"{\"meta\":{},\"jsonData\":{\"y\":[3.0],\"z\":[4.0]}}", true},
		       {"{\"predictions\":[3.0]}", true},
		       {"{\"predictions\":[{\"y\":3.0,\"z\":4.0}]}", false},
		       {"{\"error\":\"no such thing\"}", false}};
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct error error = {0};
		struct decoded_answer found;
		assert_true(answer_decode((struct headers){0}, text_of(answers[i].body), NULL, arena, &found, &error));
		assert_int_equal(found.unnamed, answers[i].unnamed);
	}
}

/* A caller of Kafka may send any header. */
static void names_that_do_not_fit_the_tensors_change_nothing(void **state)
{
	static const char *const values[] = {"",
					     "[]",
					     "{}",
					     "[1]",
					     "[{}]",
					     "[{\"name\":7}]",
					     "[{\"name\":\"y\"",
					     "[{\"name\":\"y\",\"shape\":[\"a\"]}]",
					     "[{\"name\":\"y\"},{\"name\":\"z\"}]"};
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		const struct header header = {TEXT(ANSWER_TENSORS_HEADER), text_of(values[i])};
		struct error error = {0};
		struct decoded_answer found;
		assert_true(
			answer_decode((struct headers){1, &header}, TEXT("{\"predictions\":[3.0]}"), NULL, arena, &found, &error));
		assert_true(found.readable);
		assert_true(found.unnamed);
		assert_int_equal(found.payload.tensors.count, 1);
	}
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
		cmocka_unit_test_setup_teardown(an_answer_in_each_form_has_the_names_that_the_engine_gave, memory_open,
						memory_close),
		cmocka_unit_test_setup_teardown(an_answer_of_a_former_release_has_no_names, memory_open, memory_close),
		cmocka_unit_test_setup_teardown(names_that_do_not_fit_the_tensors_change_nothing, memory_open, memory_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
