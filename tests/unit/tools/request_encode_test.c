/* request_encode_test.c: requests written in another format: read again, they are the same requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/client/request_encode.h"
#include "message/formats/format.h"
#include "tests/unit/arena_fixture.h"

#define BYTES_MAX ((size_t)1 << 20)

static const char given[] = "{\"id\": \"r-1\", \"parameters\": {\"tier\": \"fast\"}, \"outputs\": [{\"name\": \"p\"}], "
			    "\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1, 2], \"data\": [0.1, 1e300]}, "
			    "{\"name\": \"who\", \"datatype\": \"BYTES\", \"shape\": [1], \"data\": [\"a\\u0000b\"]}]}";

static struct request_encoded encode(enum request_form form, const char *request)
{
	struct request_encoded encoded;
	struct error error = {0};
	if (!request_encode(form, text_of(request), (struct headers){0}, BYTES_MAX, arena, &encoded, &error))
		fail_msg("%s", error.text);
	return encoded;
}

static void is_the_same_request(const struct request_encoded *encoded, const struct format *format)
{
	struct message message = {.arena = arena, .headers = {encoded->header_count, encoded->headers}};
	struct error error = {0};
	double numbers[2];
	if (!message_decode(&message, encoded->bytes, NULL, &error))
		fail_msg("%s", error.text);
	assert_ptr_equal(message.format, format);
	assert_true(text_is(message.payload_id.bytes ? message.payload_id : message.id, "r-1"));
	assert_int_equal(message.wanted.count, 1);
	assert_true(text_is(message.wanted.names[0], "p"));
	assert_int_equal(message.payload.parameters.count, 1);
	const struct tensor *x = tensors_find(message.payload.tensors, TEXT("x"));
	const struct tensor *who = tensors_find(message.payload.tensors, TEXT("who"));
	assert_non_null(x);
	assert_non_null(who);
	assert_int_equal(x->datatype, DATATYPE_FP64);
	assert_int_equal(x->rank, 2);
	memcpy(numbers, x->data, sizeof numbers);
	assert_true(numbers[0] == 0.1 && numbers[1] == 1e300);
	assert_int_equal(who->datatype, DATATYPE_BYTES);
}

static void as_avro_it_is_the_same_request(void **state)
{
	(void)state;
	struct request_encoded encoded = encode(REQUEST_AVRO, given);
	assert_int_equal(encoded.header_count, 1);
	is_the_same_request(&encoded, &format_avro);
	encoded.header_count = 0; /* the bytes alone show their format */
	is_the_same_request(&encoded, &format_avro);
}

static void as_binary_data_it_is_the_same_request(void **state)
{
	(void)state;
	struct request_encoded encoded = encode(REQUEST_BINARY, given);
	is_the_same_request(&encoded, &format_oip_json);
	const char eight[8] = "\x9a\x99\x99\x99\x99\x99\xb9\x3f"; /* 0.1 */
	assert_non_null(memmem(encoded.bytes.bytes, encoded.bytes.length, eight, sizeof eight));
	assert_null(memmem(encoded.bytes.bytes, encoded.bytes.length, "\"data\"", 6));
}

static void as_given_it_is_not_read(void **state)
{
	(void)state;
	struct request_encoded encoded = encode(REQUEST_AS_GIVEN, "no JSON at all");
	assert_true(text_is(encoded.bytes, "no JSON at all"));
	assert_int_equal(encoded.header_count, 0);
}

static void what_has_no_tensors_is_refused(void **state)
{
	(void)state;
	struct request_encoded encoded;
	struct error error = {0};
	assert_false(request_encode(REQUEST_AVRO, TEXT("{\"price\": 3}"), (struct headers){0}, BYTES_MAX, arena, &encoded, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
}

static void a_request_of_more_bytes_than_allowed_is_refused(void **state)
{
	(void)state;
	for (enum request_form form = REQUEST_AVRO; form <= REQUEST_BINARY; form++) {
		struct request_encoded encoded = encode(form, given), again;
		struct error error = {0};
		const size_t less = encoded.bytes.length - 1;
		assert_false(request_encode(form, text_of(given), (struct headers){0}, less, arena, &again, &error));
		assert_int_equal(error.kind, ERROR_LIMIT);
	}
}

static void headers_of_the_format_replace_those_of_the_request(void **state)
{
	(void)state;
	const struct request_encoded encoded = {.header_count = 2,
						.headers = {{TEXT("content-type"), TEXT("new")}, {TEXT("n"), TEXT("1")}}};
	struct header items[4] = {{TEXT("a"), TEXT("kept")}, {TEXT("Content-Type"), TEXT("old")}};
	assert_int_equal(request_headers_put(&encoded, items, 2), 3);
	assert_true(text_is(items[0].value, "kept"));
	assert_true(text_is(items[1].value, "new"));
	assert_true(text_is(items[2].name, "n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_avro_it_is_the_same_request),
		cmocka_unit_test(as_binary_data_it_is_the_same_request),
		cmocka_unit_test(as_given_it_is_not_read),
		cmocka_unit_test(what_has_no_tensors_is_refused),
		cmocka_unit_test(a_request_of_more_bytes_than_allowed_is_refused),
		cmocka_unit_test(headers_of_the_format_replace_those_of_the_request),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
