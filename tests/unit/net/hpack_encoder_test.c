/* Request headers in HPACK, read back by nghttp2's decoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

#include "net/grpc/hpack_encoder.h"

static struct hpack_encoder encoder;
static nghttp2_hd_inflater *inflater;
static char decoded[65536];
static bool was_kept; /* the first fields of the last request were written as they were kept */

static int set_up(void **state)
{
	(void)state;
	encoder = (struct hpack_encoder){0};
	return nghttp2_hd_inflate_new(&inflater);
}

static int tear_down(void **state)
{
	(void)state;
	nghttp2_hd_inflate_del(inflater);
	return 0;
}

static void decode(struct text block)
{
	const uint8_t *bytes = (const uint8_t *)block.bytes;
	size_t count = block.length, length = 0;
	decoded[0] = '\0';
	for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
		nghttp2_nv field;
		ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &field, &flags, bytes, count, 1);
		assert_true(taken >= 0);
		bytes += taken;
		count -= (size_t)taken;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			length += (size_t)snprintf(decoded + length, sizeof decoded - length, "%s: %s\n", (const char *)field.name,
						   (const char *)field.value);
	}
	nghttp2_hd_inflate_end_headers(inflater);
}

/* Encodes and decodes a request. Returns the length of its block. */
static size_t send_request(const char *path, const char *timeout)
{
	struct buffer out;
	char expected[4096];
	buffer_open(&out, 65536);
	hpack_block_begin(&encoder, &out);
	const size_t begin = out.length;
	was_kept = hpack_kept_write(&encoder, &out, text_of(path));
	if (!was_kept) {
		hpack_field_static(&out, HPACK_METHOD_POST);
		hpack_field_static(&out, HPACK_SCHEME_HTTP);
		hpack_field_of_several(&encoder, &out, HPACK_PATH, TEXT(":path"), text_of(path));
		hpack_field(&encoder, &out, HPACK_AUTHORITY, TEXT(":authority"), TEXT("model:9000"), true);
		hpack_field(&encoder, &out, HPACK_NONE, TEXT("te"), TEXT("trailers"), true);
		hpack_keep(&encoder, &out, begin, 5, text_of(path));
	}
	hpack_field(&encoder, &out, HPACK_NONE, TEXT("grpc-timeout"), text_of(timeout), true);
	hpack_field(&encoder, &out, HPACK_NONE, TEXT("x-id"), TEXT("7"), false);
	assert_false(buffer_failed(&out));
	decode(buffer_view(&out));
	snprintf(expected, sizeof expected,
		 ":method: POST\n:scheme: http\n:path: %s\n:authority: model:9000\nte: trailers\ngrpc-timeout: %s\nx-id: 7\n", path,
		 timeout);
	assert_string_equal(decoded, expected);
	size_t length = out.length;
	buffer_close(&out);
	return length;
}

#define X_ID_BYTES 8 /* of the field that is not kept */

static void what_is_kept_is_a_byte_from_then_on(void **state)
{
	(void)state;
	assert_true(send_request("/a/B", "30S") > 40);
	assert_int_equal(send_request("/a/B", "30S"), 6 + X_ID_BYTES);
	assert_int_equal(send_request("/a/B", "30S"), 6 + X_ID_BYTES);
}

/* What comes out is right each time, which send_request() sees. */
static void fields_are_kept_until_the_table_changes(void **state)
{
	char path[HPACK_KEPT_KEY_BYTES_MAX + 2] = "/";
	(void)state;
	send_request("/a/B", "30S");
	assert_false(was_kept);
	send_request("/a/B", "30S"); /* all have entries now */
	assert_false(was_kept);
	send_request("/a/B", "31S");
	assert_true(was_kept);
	send_request("/a/C", "30S"); /* adds one, which changes the numbers of the others */
	send_request("/a/B", "30S");
	assert_false(was_kept);
	send_request("/a/B", "30S");
	assert_true(was_kept);
	send_request("/a/C", "30S");
	assert_false(was_kept);
	hpack_encoder_resize(&encoder, 1024);
	send_request("/a/C", "30S");
	assert_false(was_kept);
	memset(path + 1, 'p', HPACK_KEPT_KEY_BYTES_MAX); /* longer than what is kept */
	for (int i = 0; i < 3; i++) {
		send_request(path, "30S");
		assert_false(was_kept);
	}
}

static void a_value_that_varies_does_not_fill_the_table(void **state)
{
	(void)state;
	char timeout[16];
	send_request("/a/B", "30S");
	size_t entries = encoder.count;
	for (int i = 0; i < 100; i++) {
		snprintf(timeout, sizeof timeout, "%dm", 2000 + i);
		assert_int_equal(send_request("/a/B", timeout), 5 + 2 + 1 + 5 + X_ID_BYTES); /* two bytes name the entry */
	}
	assert_int_equal(encoder.count, entries);
	assert_int_equal(send_request("/a/B", "30S"), 6 + X_ID_BYTES);
}

/* More paths than entries: the first ones are kept, and the others go as they are. */
static void paths_are_kept_until_the_table_is_full(void **state)
{
	(void)state;
	char path[64];
	for (int turn = 0; turn < 3; turn++)
		for (int i = 0; i < 40; i++) {
			snprintf(path, sizeof path, "/package.Service/Method%d", i);
			send_request(path, "1S");
		}
	assert_int_equal(encoder.count, HPACK_ENTRIES_MAX);
	assert_int_equal(send_request("/package.Service/Method0", "1S"), 6 + X_ID_BYTES);
	char longest[1500];
	memset(longest, 'p', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	send_request(longest, "1S");
}

/* A server may allow a smaller table, none, or more again, at any time. */
static void a_server_sets_the_size_of_its_table(void **state)
{
	(void)state;
	const size_t sizes[] = {0, 4096, 100, 65536, 4096, 0, 0, 90, 4096};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		send_request("/a/B", "30S");
		assert_int_equal(nghttp2_hd_inflate_change_table_size(inflater, sizes[i]), 0);
		hpack_encoder_resize(&encoder, sizes[i]);
		send_request("/a/B", "30S");
		assert_true(nghttp2_hd_inflate_get_dynamic_table_size(inflater) <= sizes[i]);
		assert_int_equal(encoder.count == 0, sizes[i] == 0);
		size_t length = send_request("/a/B", "30S");
		assert_true(sizes[i] < 4096 || length == 6 + X_ID_BYTES);
	}
}

static void lengths_beyond_a_byte(void **state)
{
	(void)state;
	char value[1000];
	struct buffer out;
	for (size_t length = 120; length < sizeof value; length += length < 260 ? 1 : 97) {
		memset(value, 'v', length);
		value[length] = '\0';
		buffer_open(&out, 65536);
		hpack_field(&encoder, &out, HPACK_NONE, TEXT("x"), text_of(value), false);
		decode(buffer_view(&out));
		buffer_close(&out);
		assert_int_equal(strlen(decoded), length + 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_kept_is_a_byte_from_then_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fields_are_kept_until_the_table_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_value_that_varies_does_not_fill_the_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(paths_are_kept_until_the_table_is_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_server_sets_the_size_of_its_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lengths_beyond_a_byte, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
