/* Headers and trailers of answers, written by nghttp2's encoder or by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "net/grpc/grpc_answer_head.h"

static struct memory_pool pool;
static struct grpc_head_reader reader;

static int set_up(void **state)
{
	(void)state;
	return grpc_head_reader_open(&reader, &pool) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	grpc_head_reader_close(&reader);
	memory_pool_close(&pool);
	return 0;
}

static struct grpc_answer_head head_of(const char *bytes, size_t count)
{
	struct grpc_answer_head head;
	assert_true(grpc_head_read(&reader, (const unsigned char *)bytes, count, &head));
	return head;
}

#define HEAD(literal) head_of(literal, sizeof(literal) - 1)

static void assert_head(struct grpc_answer_head head, int http_status, bool is_grpc, int grpc_status)
{
	assert_false(head.malformed);
	assert_int_equal(head.http_status, http_status);
	assert_int_equal(head.is_grpc, is_grpc);
	assert_int_equal(head.grpc_status, grpc_status);
}

/* \x48 keeps a value of :status, \x5f of content-type, \x40 a new name; \x88 is `:status: 200`, entries begin at \xbe. */
static void a_block_of_entries_means_what_its_entries_are_now(void **state)
{
	(void)state;
	assert_head(HEAD("\x88\x5f\x10"
			 "application/grpc"),
		    200, true, GRPC_NO_STATUS);
	assert_head(HEAD("\x40\13grpc-status\0010"), 0, false, 0);
	for (int i = 0; i < 3; i++) {
		assert_head(HEAD("\x88\xbf"), 200, true, GRPC_NO_STATUS);
		assert_head(HEAD("\xbe"), 0, false, 0);
	}
	assert_head(HEAD("\x7e\0015"), 0, false, 5); /* a newer entry with the name of the newest: the numbers have moved */
	for (int i = 0; i < 3; i++) {
		assert_head(HEAD("\xbe"), 0, false, 5);
		assert_head(HEAD("\xbf"), 0, false, 0);
		assert_head(HEAD("\x88\xc0"), 200, true, GRPC_NO_STATUS);
	}
	/* The table is emptied, and has other entries at the same numbers. */
	assert_head(HEAD("\x20\x3f\xe1\x1f\x40\13grpc-status\2"
			 "99"),
		    0, false, 99);
	assert_head(HEAD("\xbe"), 0, false, 99);
}

static void the_last_few_blocks_are_enough_for_more(void **state)
{
	(void)state;
	char bytes[] = "\x40\13grpc-status\0010";
	for (int digit = 0; digit <= 9; digit++) {
		bytes[sizeof bytes - 2] = (char)('0' + digit);
		assert_head(head_of(bytes, sizeof bytes - 1), 0, false, digit);
	}
	for (int turn = 0; turn < 3; turn++)
		for (int digit = 0; digit <= 9; digit++)
			assert_head(head_of((const char[]){(char)(0xbe + 9 - digit)}, 1), 0, false, digit);
}

static void words_are_those_of_the_last_block(void **state)
{
	(void)state;
	struct grpc_answer_head head = HEAD("\x40\14grpc-message\6a%20b%");
	assert_true(head.has_words);
	assert_int_equal(reader.words.length, 4);
	assert_memory_equal(reader.words.bytes, "a b%", 4);
	HEAD("\0\14grpc-message\1x");
	for (int i = 0; i < 2; i++) {
		assert_true(HEAD("\xbe").has_words);
		assert_memory_equal(reader.words.bytes, "a b%", 4);
		HEAD("\0\14grpc-message\1x");
	}
}

static void what_http2_forbids_is_malformed(void **state)
{
	(void)state;
	assert_true(HEAD("\x88\x89").malformed);	       /* two statuses */
	assert_true(HEAD("\0\1a\1b\x88").malformed);	       /* a status after a field */
	assert_true(HEAD("\0\5:path\1/").malformed);	       /* a field of requests */
	assert_true(HEAD("\0\1A\1b").malformed);	       /* a capital letter */
	assert_true(HEAD("\0\0\1b").malformed);		       /* no name */
	assert_true(HEAD("\0\1a\3b\nc").malformed);	       /* a line feed in a value */
	assert_true(HEAD("\0\12connection\5close").malformed); /* of HTTP/1 */
	assert_true(HEAD("\0\x11transfer-encoding\7"
			 "chunked")
			    .malformed);
	assert_true(HEAD("\x8\3two").malformed); /* a status that is none */
	assert_true(HEAD("\x8\2"
			 "20")
			    .malformed);
	assert_true(HEAD("\x8\3"
			 "099")
			    .malformed);
	assert_true(HEAD("\xf\xd\2-1").malformed); /* content-length */
	assert_true(HEAD("\xf\xd\1"
			 "1\xf\xd\1"
			 "1")
			    .malformed);
	assert_int_equal(HEAD("\xf\xd\2"
			      "17")
				 .content_length,
			 17);
	assert_false(HEAD("\x88").malformed);
}

static void the_table_is_kept_through_malformed_blocks(void **state)
{
	(void)state;
	assert_true(HEAD("\0\1A\1b\x40\13grpc-status\0017").malformed);
	assert_head(HEAD("\xbe"), 0, false, 7);
}

static uint32_t fault_of(const char *bytes, size_t count)
{
	struct grpc_answer_head head;
	return grpc_head_read(&reader, (const unsigned char *)bytes, count, &head) ? 0 : reader.fault;
}

static void what_cannot_be_decoded_ends_the_connection(void **state)
{
	(void)state;
	assert_int_equal(fault_of("\xbe", 1), NGHTTP2_COMPRESSION_ERROR); /* an entry that is not there */
}

/* An entry of 4,000 bytes, named again and again: 64 KiB would stand for 256 MiB. */
static void a_bomb_is_not_unpacked(void **state)
{
	(void)state;
	static char bytes[8192] = "\x40\1a\x7f\xa1\x1e"; /* a value of 4000 bytes */
	memset(bytes + 6, 'v', 4000);
	memset(bytes + 4006, '\xbe', 1000);
	assert_int_equal(fault_of(bytes, 4006 + 1000), NGHTTP2_ENHANCE_YOUR_CALM);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_block_of_entries_means_what_its_entries_are_now),
		STORY(the_last_few_blocks_are_enough_for_more),
		STORY(words_are_those_of_the_last_block),
		STORY(what_http2_forbids_is_malformed),
		STORY(the_table_is_kept_through_malformed_blocks),
		STORY(what_cannot_be_decoded_ends_the_connection),
		STORY(a_bomb_is_not_unpacked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
