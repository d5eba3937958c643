/* gateway_answers_test.c: Tests of what answers of a gateway contain beside their bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/calls/answer_watches.h"
#include "gateway/calls/call_outcome.h"
#include "gateway/calls/seldon_errors.h"
#include "gateway/grpc_outcome.h"
#include "message/formats/oip_json.h"
#include "message/records/reply.h"
#include "models/server/metadata_json.h"
#include "models/server/metadata_protobuf.h"

/* ---- ids ---- */

static void id_count(void *context, struct text name, struct text value)
{
	size_t *bytes = context;
	if (text_is(name, REPLY_ID_HEADER))
		*bytes += value.length;
}

static size_t metadata_id_bytes(struct text id)
{
	size_t bytes = 0;
	const struct call_outcome outcome = {.end = CALL_ANSWERED, .status = 200, .id = id};
	const struct outcome_notes notes = {id_count, &bytes};
	grpc_outcome_note(&outcome, &notes);
	return bytes;
}

static void an_id_that_is_longer_than_the_header_may_be_is_not_in_headers(void **state)
{
	static char bytes[70000];
	const struct text most = {bytes, CALL_ID_BYTES_MAX}, longer = {bytes, CALL_ID_BYTES_MAX + 1}, huge = {bytes, sizeof bytes};
	(void)state;
	memset(bytes, 'i', sizeof bytes);
	assert_int_equal(metadata_id_bytes(most), most.length);
	assert_int_equal(metadata_id_bytes(longer), 0);
	assert_int_equal(metadata_id_bytes(huge), 0);
	assert_true(call_id_is_header(most));
	assert_false(call_id_is_header(longer));
	assert_false(call_id_is_header((struct text){0}));
	assert_false(call_id_is_header(TEXT("two\r\nlines")));
}

/* ---- metadata ---- */

/* The protocol requires a shape of each tensor, and clients refuse metadata without. */
static void each_tensor_in_metadata_has_a_shape(void **state)
{
	const struct tensor_type items[] = {
		{.name = TEXT("any"), .type = {.datatype_known = true, .datatype = DATATYPE_FP32}},
		{.name = TEXT("one"), .type = {.datatype_known = true, .datatype = DATATYPE_INT8, .shape_known = true}},
		{.name = TEXT("rows"),
		 .type = {.datatype_known = true, .datatype = DATATYPE_FP64, .shape_known = true, .rank = 2, .shape = {-1, 3}}},
	};
	const struct tensor_types types = {.count = 3, .items = items};
	const struct tensor_types unknown = {.count = 1, .items = items};
	const struct text any = TEXT("\x22\x17\x0A\x03"
				     "any"
				     "\x12\x04"
				     "FP32"
				     "\x1A\x0A"
				     "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
	struct buffer out;
	(void)state;
	buffer_open(&out, 4096);
	metadata_tensors_write(&out, "inputs", &types);
	assert_true(text_is(buffer_view(&out), ",\"inputs\":[{\"name\":\"any\",\"datatype\":\"FP32\",\"shape\":[-1]},"
					       "{\"name\":\"one\",\"datatype\":\"INT8\",\"shape\":[]},"
					       "{\"name\":\"rows\",\"datatype\":\"FP64\",\"shape\":[-1,3]}]"));
	buffer_clear(&out);
	metadata_tensors_write_protobuf(&out, 4, TENSORS_OF_INFERENCE, &unknown);
	assert_int_equal(out.length, any.length);
	assert_memory_equal(out.bytes, any.bytes, any.length);
	buffer_close(&out);
}

/* ---- watches ---- */

static void a_watch_has_the_type_and_length_of_a_binary_answer(void **state)
{
	const struct header headers[] = {{TEXT("content-type"), TEXT("application/json")}, {TEXT(OIP_LENGTH_HEADER), TEXT("2")}};
	struct arena *arena = arena_open((size_t)1 << 16);
	struct call_outcome outcome;
	struct buffer out;
	(void)state;
	buffer_open(&out, WATCH_EVENT_BYTES_MAX);
	assert_true(call_outcome_read(&outcome, TEXT("{}\x01\x02"), (struct headers){2, headers}, arena));
	outcome.arena = arena;
	watch_event_end(&out, &outcome, TEXT("1"), TEXT("/here"));
	assert_true(text_is(buffer_view(&out),
			    "event: answer\nid: 1\ndata: {\"id\":\"1\",\"status\":200,\"content_type\":"
			    "\"application/octet-stream\",\"header_length\":2,\"body_base64\":\"e30BAg==\"}\n\n"));
	outcome.header_length = TEXT("2x"); /* somebody wrote it to the topic */
	watch_event_end(&out, &outcome, TEXT("1"), TEXT("/here"));
	assert_null(memmem(out.bytes, out.length, "header_length", 13));
	buffer_close(&out);
	arena_close(arena);
}

/* ---- errors in Seldon's form ---- */

static void an_error_of_seldon_names_its_step_once(void **state)
{
	static const struct {
		const char *body, *text;
	} rows[] = {
		/* The words of an engine begin with the step that failed, but not all. */
		{"{\"error\":\"dlin : expected input\",\"step\":\"dlin\"}", "dlin : expected input"},
		{"{\"error\":\"expected input\",\"step\":\"dlin\"}", "dlin : expected input"},
		{"{\"error\":\"dlin : expected input\",\"step\":\"dl\"}", "dl : dlin : expected input"},
		{"{\"error\":\"expected input\"}", "pipe : expected input"},
		{"{\"error\":\"dlin\",\"step\":\"dlin\"}", "dlin : dlin"},
	};
	struct buffer out;
	(void)state;
	buffer_open(&out, CALL_ERROR_BYTES_MAX);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct call_outcome outcome = {
			.end = CALL_FAILED, .status = 422, .body = text_of(rows[i].body), .target = TEXT("pipe")};
		assert_true(seldon_outcome_write(&outcome, false, &out));
		if (!text_is(outcome.body, rows[i].text))
			fail_msg(TEXT_FORMAT, TEXT_ARGUMENTS(outcome.body));
	}
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_that_is_longer_than_the_header_may_be_is_not_in_headers),
		cmocka_unit_test(each_tensor_in_metadata_has_a_shape),
		cmocka_unit_test(a_watch_has_the_type_and_length_of_a_binary_answer),
		cmocka_unit_test(an_error_of_seldon_names_its_step_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
