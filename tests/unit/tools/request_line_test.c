/* request_line_test.c: lines of requests: what they may have around a request, and what is refused. */
#include <cmocka.h>

#include <string.h>

#include "tools/client/request_sender.h"

#include "tests/unit/arena_fixture.h"

static struct request_line line;
static struct error error;

static bool reads(const char *bytes)
{
	error = (struct error){0};
	return request_line_read(text_of(bytes), arena, &line, &error);
}

static void a_line_without_a_request_inside_is_the_request(void **state)
{
	(void)state;
	assert_true(reads("{\"inputs\": [], \"id\": \"of-the-request\"}"));
	assert_true(text_is(line.request, "{\"inputs\": [], \"id\": \"of-the-request\"}"));
	assert_int_equal(line.header_count, 0);
	assert_null(line.key.bytes);
}

static void what_goes_around_a_request_is_its_id_key_and_headers(void **state)
{
	(void)state;
	assert_true(reads("{\"id\": \"r\", \"key\": \"k\", \"headers\": {\"a\": \"1\"}, \"request\": {\"inputs\": []}}"));
	assert_true(text_is(line.request, "{\"inputs\": []}"));
	assert_true(text_is(line.key, "k"));
	assert_int_equal(line.header_count, 2);
	assert_true(text_is(line.headers[0].value, "1"));
	assert_true(text_is(line.headers[1].name, "x-request-id") && text_is(line.headers[1].value, "r"));
	assert_true(reads("{\"id\": \"r\", \"headers\": {\"x-request-id\": \"own\"}, \"body_b64\": \"YWI=\"}"));
	assert_true(text_is(line.request, "ab"));
	assert_int_equal(line.header_count, 1);
}

/* The last one counts, as of other members; the room is that of its own headers. */
static void of_headers_given_twice_the_last_ones_count(void **state)
{
	(void)state;
	assert_true(reads("{\"headers\": {\"a\": \"1\", \"b\": \"2\", \"c\": \"3\", \"d\": \"4\", \"e\": \"5\"}, "
			  "\"headers\": {\"f\": \"6\"}, \"body\": \"x\"}"));
	assert_int_equal(line.header_count, 1);
	assert_true(text_is(line.headers[0].name, "f"));
}

static void what_has_the_wrong_type_is_refused_with_its_name(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {
		{"{\"body\": 1}", "`body` must be a string"},
		{"{\"body\": \"x\", \"headers\": []}", "`headers` must be an object"},
		{"{\"body\": \"x\", \"headers\": {\"a\": 1}}", "`headers` must be a string"},
		{"{\"body_b64\": \"*\"}", "`body_b64` is not base64"},
		{"[]", "the line is not a JSON object"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_false(reads(wrong[i][0]));
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_non_null(strstr(error.text, wrong[i][1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_without_a_request_inside_is_the_request),
		cmocka_unit_test(what_goes_around_a_request_is_its_id_key_and_headers),
		cmocka_unit_test(of_headers_given_twice_the_last_ones_count),
		cmocka_unit_test(what_has_the_wrong_type_is_refused_with_its_name),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
