/* How gRPC writes things into HTTP/2: messages in pieces, timeouts, words, statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/url.h"
#include "net/grpc/grpc_wire.h"

static void a_message_may_come_in_pieces_cut_anywhere(void **state)
{
	(void)state;
	const uint8_t bytes[] = {0, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o'};
	for (size_t cut = 0; cut <= sizeof bytes; cut++) {
		struct grpc_intake intake = {0};
		struct buffer message;
		buffer_open(&message, 5);
		assert_int_equal(grpc_intake_take(&intake, &message, bytes, cut), GRPC_INTAKE_GOOD);
		assert_int_equal(grpc_intake_is_whole(&intake), cut == sizeof bytes);
		assert_int_equal(grpc_intake_take(&intake, &message, bytes + cut, sizeof bytes - cut), GRPC_INTAKE_GOOD);
		assert_true(grpc_intake_is_whole(&intake));
		assert_true(text_equal(buffer_view(&message), TEXT("hello")));
		buffer_close(&message);
	}
}

static enum grpc_intake_fault fault_of(const uint8_t *bytes, size_t count)
{
	struct grpc_intake intake = {0};
	struct buffer message;
	buffer_open(&message, 4);
	enum grpc_intake_fault fault = grpc_intake_take(&intake, &message, bytes, count);
	buffer_close(&message);
	return fault;
}

static void what_is_wrong_with_a_message_is_seen_at_once(void **state)
{
	(void)state;
	assert_int_equal(fault_of((const uint8_t[]){1, 0, 0, 0, 1}, 5), GRPC_INTAKE_COMPRESSED);
	assert_int_equal(fault_of((const uint8_t[]){0, 0, 0, 0, 5}, 5), GRPC_INTAKE_LARGE);
	assert_int_equal(fault_of((const uint8_t[]){0, 255, 255, 255, 255}, 5), GRPC_INTAKE_LARGE);
	assert_int_equal(fault_of((const uint8_t[]){0, 0, 0, 0, 1, 'a', 0}, 7), GRPC_INTAKE_SECOND);
	assert_int_equal(fault_of((const uint8_t[]){0, 0, 0, 0, 4, 'a', 'b', 'c', 'd'}, 9), GRPC_INTAKE_GOOD);
}

static void a_prefix_says_the_length(void **state)
{
	(void)state;
	unsigned char prefix[GRPC_PREFIX_BYTES];
	grpc_prefix_write(prefix, 0x01020304);
	assert_memory_equal(prefix, "\0\1\2\3\4", GRPC_PREFIX_BYTES);
}

static void timeouts_are_written_in_at_most_eight_digits(void **state)
{
	(void)state;
	static const struct {
		int64_t timeout_ms;
		const char *text;
	} rows[] = {{-5, "1m"},
		    {0, "1m"},
		    {1, "1m"},
		    {30000, "30000m"},
		    {99999999, "99999999m"},
		    {100000000, "100000S"},
		    {INT64_MAX, "99999999S"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[GRPC_TIMEOUT_MAX];
		struct text written = {out, grpc_timeout_write(out, rows[i].timeout_ms)};
		assert_true(text_is(written, rows[i].text));
	}
}

static void timeouts_are_read_in_every_unit_and_rounded_up(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t timeout_ms;
	} good[] = {{"1H", 3600000},
		    {"2M", 120000},
		    {"3S", 3000},
		    {"4m", 4},
		    {"1u", 1},
		    {"1000u", 1},
		    {"1001u", 2},
		    {"1n", 1},
		    {"0m", 0},
		    {"5000000n", 5},
		    {"99999999H", 359999996400000}};
	static const char *const bad[] = {"", "5", "m", "-1m", "1.5S", "1e3m", "123456789m", "1x", " 1m", "1 m"};
	int64_t timeout_ms;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(grpc_timeout_read(text_of(good[i].text), &timeout_ms));
		assert_int_equal(timeout_ms, good[i].timeout_ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(grpc_timeout_read(text_of(bad[i]), &timeout_ms));
}

static void words_are_encoded_and_come_back(void **state)
{
	(void)state;
	struct buffer encoded, words;
	char every[256];
	for (int i = 0; i < 256; i++)
		every[i] = (char)i;
	buffer_open(&encoded, 1024);
	buffer_open(&words, 1024);
	grpc_words_write(&encoded, TEXT("100% größe\n"));
	assert_true(text_is(buffer_view(&encoded), "100%25 gr%C3%B6%C3%9Fe%0A"));
	buffer_clear(&encoded);
	grpc_words_write(&encoded, (struct text){every, sizeof every});
	url_decode(&words, buffer_view(&encoded));
	assert_true(text_equal(buffer_view(&words), (struct text){every, sizeof every}));
	buffer_close(&encoded);
	buffer_close(&words);
}

static void a_status_is_up_to_three_digits(void **state)
{
	(void)state;
	int status;
	assert_true(grpc_status_read(TEXT("0"), &status) && status == 0);
	assert_true(grpc_status_read(TEXT("16"), &status) && status == 16);
	assert_true(grpc_status_read(TEXT("200"), &status) && status == 200);
	assert_false(grpc_status_read(TEXT(""), &status));
	assert_false(grpc_status_read(TEXT("-1"), &status));
	assert_false(grpc_status_read(TEXT("1000"), &status));
	assert_false(grpc_status_read(TEXT("OK"), &status));
}

static void content_types_of_grpc(void **state)
{
	(void)state;
	assert_true(grpc_is_content_type(TEXT("application/grpc")));
	assert_true(grpc_is_content_type(TEXT("Application/gRPC+proto")));
	assert_true(grpc_is_content_type(TEXT("application/grpc; charset=utf-8")));
	assert_true(grpc_is_content_type(TEXT("application/grpc+json")));
	assert_false(grpc_is_content_type(TEXT("application/grpc-web")));
	assert_false(grpc_is_content_type(TEXT("application/json")));
	assert_false(grpc_is_content_type(TEXT("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_may_come_in_pieces_cut_anywhere),
		cmocka_unit_test(what_is_wrong_with_a_message_is_seen_at_once),
		cmocka_unit_test(a_prefix_says_the_length),
		cmocka_unit_test(timeouts_are_written_in_at_most_eight_digits),
		cmocka_unit_test(timeouts_are_read_in_every_unit_and_rounded_up),
		cmocka_unit_test(words_are_encoded_and_come_back),
		cmocka_unit_test(a_status_is_up_to_three_digits),
		cmocka_unit_test(content_types_of_grpc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
