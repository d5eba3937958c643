/* answer_record_test.c: Tests of the headers of an answer's record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/graphs.h"
#include "message/records/answer_tensors.h"
#include "engine/outputs/answer_record.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

/* Empty: the record has no header with the names of its tensors. */
static struct text tensors_header(const struct format *format, const struct answer *answer, struct arena *arena)
{
	static struct answer_headers headers;
	const struct message message = {.arena = arena, .id = TEXT("r1"), .payload_id = TEXT("r1"), .format = format};
	struct headers all;
	struct error error = {0};
	headers = (struct answer_headers){0};
	assert_true(answer_headers_write(&message, answer, format, &headers, &all, &error));
	const struct header *header = headers_find(all, TEXT(ANSWER_TENSORS_HEADER));
	return header ? header->value : (struct text){0};
}

static void the_record_of_a_form_without_names_has_them_as_a_header(void **state)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	const struct answer answer = {.payload = payload_made(arena, "y=3 z=[2]1,2,3,4")};
	const struct text wanted = TEXT("[{\"name\":\"y\",\"shape\":[1]},{\"name\":\"z\",\"shape\":[2,2]}]");
	struct error wrong = {.kind = ERROR_INPUT};
	const struct answer failed = {.error = &wrong};
	(void)state;
	assert_true(text_equal(tensors_header(&format_v1, &answer, arena), wanted));
	assert_true(text_equal(tensors_header(&format_seldon, &answer, arena), wanted));
	assert_true(text_equal(tensors_header(&format_seldon_protobuf, &answer, arena), wanted));
	assert_int_equal(tensors_header(&format_oip_json, &answer, arena).length, 0);
	assert_int_equal(tensors_header(&format_avro, &answer, arena).length, 0);
	assert_int_equal(tensors_header(&format_seldon, &failed, arena).length, 0);
	arena_close(arena);
}

/* The only value of a header of an answer; bytes NULL: it has none. */
static struct text answer_header(const struct message *message, const struct answer *answer, const char *name)
{
	static struct answer_headers headers;
	struct headers all;
	struct error error = {0};
	headers = (struct answer_headers){0};
	assert_true(answer_headers_write(message, answer, message->format, &headers, &all, &error));
	const struct header *header = headers_find(all, text_of(name));
	for (size_t i = 0; i < all.count; i++)
		assert_true(&all.items[i] == header || !text_equal_caseless(all.items[i].name, text_of(name)));
	return header ? header->value : (struct text){0};
}

static void an_answer_has_the_trace_of_its_request(void **state)
{
	const struct header given[] = {{TEXT("traceparent"), TEXT(PARENT)}, {TEXT("tracestate"), TEXT("a=1")}},
			    invalid[] = {{TEXT("traceparent"), TEXT("00-1")}, {TEXT("tracestate"), TEXT("a=1")}};
	struct arena *arena = arena_open((size_t)1 << 20);
	struct error wrong = {.kind = ERROR_INPUT};
	const struct answer answers[] = {{.payload = payload_made(arena, "y=3")}, {.error = &wrong}};
	struct message message = {.arena = arena, .payload_id = TEXT("r1"), .format = &format_oip_json};
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		message.headers = (struct headers){2, given};
		assert_true(text_is(answer_header(&message, &answers[i], "traceparent"), PARENT));
		assert_true(text_is(answer_header(&message, &answers[i], "tracestate"), "a=1"));
		message.headers = (struct headers){2, invalid};
		assert_null(answer_header(&message, &answers[i], "traceparent").bytes);
		assert_null(answer_header(&message, &answers[i], "tracestate").bytes);
		message.headers = (struct headers){0};
		assert_null(answer_header(&message, &answers[i], "traceparent").bytes);
	}
	arena_close(arena);
}

/* The trace of an answer for which a step set one header; "": none. */
static void assert_trace_set(const char *mark, const char *parent, const char *vendors)
{
	const struct header given[] = {{TEXT("traceparent"), TEXT(PARENT)}, {TEXT("tracestate"), TEXT("a=1")}};
	struct arena *arena = arena_open((size_t)1 << 20);
	struct message message = {.arena = arena, .payload_id = TEXT("r1"), .format = &format_oip_json, .headers = {2, given}};
	struct text value = TEXT("step's");
	const struct tensor set = {.name = text_of(mark), .datatype = DATATYPE_BYTES, .count = 1, .data = &value},
			    *const marks[] = {&set};
	struct payload *payload = payload_made(arena, "y=3");
	payload->marks = (struct tensors){1, marks};
	const struct answer answer = {.payload = payload};
	assert_true(text_equal(answer_header(&message, &answer, "traceparent"), text_of(parent)));
	assert_true(text_equal(answer_header(&message, &answer, "tracestate"), text_of(vendors)));
	arena_close(arena);
}

static void a_header_of_the_trace_that_a_step_sets_takes_the_place_of_the_requests(void **state)
{
	(void)state;
	assert_trace_set(MARK_OF_HEADER "Traceparent", "step's", "");
	assert_trace_set(MARK_OF_HEADER "tracestate", PARENT, "step's");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_of_a_form_without_names_has_them_as_a_header),
		cmocka_unit_test(an_answer_has_the_trace_of_its_request),
		cmocka_unit_test(a_header_of_the_trace_that_a_step_sets_takes_the_place_of_the_requests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
