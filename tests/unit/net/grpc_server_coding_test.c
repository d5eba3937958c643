/* grpc_server_coding_test.c: Tests of compressed messages of gRPC's callers: they are served as if they were not, within the same
 * limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/number/random.h"
#include "net/http/body_budget.h"
#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_wire.h"
#include "net/http/gzip.h"
#include "tests/unit/puppet.h"

#define MESSAGE_BYTES 100000
#define GZIP_BITS (MAX_WBITS + 16)
#define ZLIB_BITS MAX_WBITS

static struct loop *loop;
static struct grpc_server *server;
static struct puppet puppet;
static struct body_budget bodies;
static char called[MESSAGE_BYTES]; /* with the last message */
static size_t called_length, called_count;
static int64_t called_age_ms;
static struct text answer; /* to each call, and message */

static void on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context, (void)path;
	memcpy(called, body.bytes ? body.bytes : "", body.length < sizeof called ? body.length : sizeof called);
	called_length = body.length;
	called_age_ms = grpc_request_age_ms(request);
	called_count++;
	grpc_server_answer(request, GRPC_OK, (struct text){0}, answer);
}

static bool on_asked(void *context, struct grpc_request *request, struct text path, int *status, const char **words)
{
	(void)context, (void)request, (void)status, (void)words;
	return text_is(path, "/talk");
}

static bool on_message(void *context, struct grpc_request *request, struct text path, struct text message)
{
	(void)context, (void)path;
	grpc_conversation_answer(request, message.length, answer);
	return true;
}

static int server_begin(void **state)
{
	struct error error = {0};
	(void)state;
	loop = loop_open(&error);
	bodies = (struct body_budget){.limit_bytes = 10 * (size_t)MESSAGE_BYTES};
	const struct grpc_server_config config = {.message_bytes = MESSAGE_BYTES,
						  .metadata_bytes = 1000,
						  .streams = 8,
						  .connections = 4,
						  .bodies = &bodies,
						  .gzips = true,
						  .called = on_called,
						  .converses = on_asked,
						  .received = on_message};
	server = grpc_server_open(loop, &config, &error);
	puppet = (struct puppet){.loop = loop};
	called_length = called_count = 0;
	answer = TEXT("fine");
	return server ? 0 : -1;
}

static int server_end(void **state)
{
	(void)state;
	puppet_hang_up_all(&puppet);
	grpc_server_close(server);
	loop_close(loop);
	return 0;
}

static void hear(const char *words)
{
	for (int64_t until = loop_now_ms(loop) + 5000; !strstr(puppet.heard, words);) {
		if (loop_now_ms(loop) > until)
			assert_string_equal(puppet.heard, words);
		assert_true(loop_turn(loop, 10, &(struct error){0}));
	}
}

/* The message with its prefix, compressed with those bits of zlib; 0: as it is. */
static size_t message_write(char *out, size_t room, int bits, struct text text)
{
	z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text.bytes,
			   .avail_in = (unsigned)text.length,
			   .next_out = (unsigned char *)out + GRPC_PREFIX_BYTES,
			   .avail_out = (unsigned)(room - GRPC_PREFIX_BYTES)};
	size_t length = text.length;
	if (bits == 0) {
		memcpy(out + GRPC_PREFIX_BYTES, text.bytes, text.length);
	} else {
		assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
		assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
		length = stream.total_out;
		(void)deflateEnd(&stream);
	}
	grpc_prefix_write((unsigned char *)out, length);
	out[0] = bits != 0;
	return GRPC_PREFIX_BYTES + length;
}

/* A call on a connection of its own. `accepted`: grpc-accept-encoding; NULL: absent. */
static void call_path(const char *path, const char *coding, const char *accepted, const char *bytes, size_t length)
{
	puppet_hang_up_all(&puppet);
	puppet = (struct puppet){.loop = loop};
	struct puppet_line *line = puppet_dial(&puppet, grpc_server_port(server));
	puppet_headers(line, 1, 0, ":method", "POST", ":scheme", "http", ":path", path, ":authority", "us", "content-type",
		       "application/grpc", "te", "trailers", coding ? "grpc-encoding" : "x-other", coding ? coding : "none",
		       accepted ? "grpc-accept-encoding" : "x-another", accepted ? accepted : "none", NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, bytes, length);
}

static void call(const char *coding, const char *bytes, size_t length)
{
	call_path("/x", coding, NULL, bytes, length);
}

static void call_with(const char *coding, int bits, struct text text)
{
	static char bytes[2 * MESSAGE_BYTES];
	call(coding, bytes, message_write(bytes, sizeof bytes, bits, text));
}

static void a_compressed_message_is_that_which_was_compressed(void **state)
{
	static const struct {
		const char *coding;
		int bits;
	} rows[] = {{"gzip", GZIP_BITS}, {"deflate", ZLIB_BITS}, {"gzip", 0}, {"identity", 0}, {"br", 0}, {NULL, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		call_with(rows[i].coding, rows[i].bits, TEXT("a message, a message, a message"));
		hear("1 grpc-status: 0\n");
		assert_int_equal(called_count, i + 1);
		assert_int_equal(called_length, 31);
		assert_memory_equal(called, "a message, a message, a message", 31);
	}
}

static void a_coding_that_is_not_known_is_refused_with_those_that_are(void **state)
{
	static const char *const codings[] = {"br", "identity", NULL};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		call_with(codings[i], GZIP_BITS, TEXT("a message"));
		hear("1 grpc-status: 12\n");
		hear("1 grpc-accept-encoding: identity,deflate,gzip\n");
		hear("grpc-encoding is not gzip or deflate");
	}
	assert_int_equal(called_count, 0);
}

static void what_is_no_such_compression_is_refused(void **state)
{
	char bytes[200];
	(void)state;
	size_t length = message_write(bytes, sizeof bytes, GZIP_BITS, TEXT("a message"));
	call("deflate", bytes, length);
	hear("1 grpc-status: 13\n");
	length--; /* cut off */
	grpc_prefix_write((unsigned char *)bytes, length - GRPC_PREFIX_BYTES);
	bytes[0] = 1;
	call("gzip", bytes, length);
	hear("1 grpc-status: 13\n");
	bytes[0] = 2; /* no flag of gRPC */
	call("gzip", bytes, length);
	hear("1 grpc-status: 12\n");
	assert_int_equal(called_count, 0);
}

static void the_limit_is_of_the_decompressed_message(void **state)
{
	static char zeros[MESSAGE_BYTES + 1];
	(void)state;
	call_with("gzip", GZIP_BITS, (struct text){zeros, MESSAGE_BYTES});
	hear("1 grpc-status: 0\n");
	assert_int_equal(called_length, MESSAGE_BYTES);
	call_with("deflate", ZLIB_BITS, (struct text){zeros, MESSAGE_BYTES + 1});
	hear("1 grpc-status: 8\n");
	hear("more than 100000 bytes when it is decompressed");
	assert_int_equal(called_count, 1);
	assert_int_equal(bodies.used_bytes, 0); /* all is given back */
}

static void the_budget_of_bodies_is_charged_for_the_decompressed_message(void **state)
{
	static char zeros[MESSAGE_BYTES];
	(void)state;
	bodies.limit_bytes = MESSAGE_BYTES; /* memory is taken in pieces of 64 KiB */
	call_with("gzip", GZIP_BITS, (struct text){zeros, MESSAGE_BYTES});
	hear("1 grpc-status: 8\n");
	hear("too many messages at once");
	call_with("gzip", GZIP_BITS, (struct text){zeros, MESSAGE_BYTES / 8});
	hear("1 grpc-status: 0\n");
	assert_int_equal(called_count, 1);
	assert_int_equal(bodies.used_bytes, 0);
}

/* ---- answers ---- */

/* The length of the answer's message, with its prefix, as it came in one frame. */
static size_t answer_length(void)
{
	const char *data = strstr(puppet.heard, "1 data ");
	assert_non_null(data);
	return strtoul(data + strlen("1 data "), NULL, 10);
}

/* Its caller goes on sending, for which the stream waits. */
static void a_refused_message_is_given_back_at_once(void **state)
{
	static char part[MESSAGE_BYTES / 10] = "\0\0\1\x86\xa0";
	(void)state;
	bodies.limit_bytes = sizeof part;
	struct puppet_line *line = puppet_dial(&puppet, grpc_server_port(server));
	puppet_headers(line, 1, 0, ":method", "POST", ":scheme", "http", ":path", "/s/M", ":authority", "us", "content-type",
		       "application/grpc", "te", "trailers", NULL);
	for (int pieces = 0; pieces < 3; pieces++) {
		puppet_frame(line, FRAME_DATA, 0, 1, part, sizeof part);
		assert_true(loop_turn(loop, 10, &(struct error){0}));
	}
	hear("1 grpc-status: 8\n");
	hear("1 end\n");
	assert_in_range(bodies.used_bytes, 0, 1000); /* its head */
	assert_null(strstr(puppet.heard, "reset"));
}

#define EVERY_CLIENTS "identity, deflate, gzip" /* as grpcio, grpc-go and grpc-java send it */

static void an_answer_is_compressed_for_callers_that_compress_and_accept_it(void **state)
{
	static char long_answer[GZIP_BYTES_MAX + 1];
	static const struct {
		const char *coding, *accepted;
		size_t length;
		bool is_packed;
	} rows[] = {{"gzip", EVERY_CLIENTS, GZIP_BYTES_LEAST, true},
		    {"deflate", "gzip", GZIP_BYTES_LEAST, true},
		    {"gzip", EVERY_CLIENTS, GZIP_BYTES_LEAST - 1, false},
		    {"gzip", "identity, deflate", GZIP_BYTES_LEAST, false},
		    {"gzip", NULL, GZIP_BYTES_LEAST, false},
		    {NULL, EVERY_CLIENTS, GZIP_BYTES_LEAST, false},
		    {"identity", EVERY_CLIENTS, GZIP_BYTES_LEAST, false}};
	const char *const paths[] = {"/x", "/talk"};
	char message[100];
	const size_t length = message_write(message, sizeof message, 0, TEXT("a message"));
	(void)state;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		answer = (struct text){long_answer, rows[i / 2].length};
		call_path(paths[i % 2], rows[i / 2].coding, rows[i / 2].accepted, message, length);
		hear("1 grpc-status: 0\n");
		if (rows[i / 2].is_packed)
			assert_in_range(answer_length(), GRPC_PREFIX_BYTES + 20, 100);
		else
			assert_int_equal(answer_length(), GRPC_PREFIX_BYTES + rows[i / 2].length);
		if (i % 2 == 0) /* a stream says before its first answer what may come */
			assert_int_equal(strstr(puppet.heard, "1 grpc-encoding: gzip\n") != NULL, rows[i / 2].is_packed);
		else if (rows[i / 2].is_packed)
			assert_non_null(strstr(puppet.heard, "1 grpc-encoding: gzip\n"));
	}
	assert_int_equal(bodies.used_bytes, 0);
}

static size_t turns_until_heard(const char *words)
{
	for (size_t turns = 0; turns < 10000; turns++) {
		if (strstr(puppet.heard, words))
			return turns;
		assert_true(loop_turn(loop, 0, &(struct error){0}));
	}
	fail_msg("not heard: %s", words);
	return 0;
}

/* A long message and a long answer are coded in portions: a call that comes later on the same connection is answered before. */
static void others_are_answered_while_a_long_one_is_coded(void **state)
{
	static char long_answer[GZIP_BYTES_MAX], zeros[GZIP_BYTES_MAX], bytes[MESSAGE_BYTES];
	struct random random = {.state = 5};
	(void)state;
	for (size_t i = 0; i < sizeof long_answer; i++)
		long_answer[i] = (char)('0' + random_below(&random, 10));
	bodies.limit_bytes = 4 * sizeof long_answer;
	grpc_server_limit_messages(server, sizeof zeros);
	for (size_t is_answer = 0; is_answer < 2; is_answer++) {
		const struct text message = is_answer ? TEXT("a message") : (struct text){zeros, sizeof zeros};
		answer = is_answer ? (struct text){long_answer, sizeof long_answer} : TEXT("fine");
		call_path("/x", "gzip", EVERY_CLIENTS, bytes, message_write(bytes, sizeof bytes, GZIP_BITS, message));
		while (is_answer && called_count < 3)
			assert_true(loop_turn(loop, 0, &(struct error){0}));
		answer = TEXT("fine");
		puppet_headers(&puppet.lines[0], 3, 0, ":method", "POST", ":scheme", "http", ":path", "/y", ":authority", "us",
			       "content-type", "application/grpc", "te", "trailers", NULL);
		puppet_frame(&puppet.lines[0], FRAME_DATA, FLAG_END_STREAM, 3, bytes,
			     message_write(bytes, sizeof bytes, 0, TEXT("b")));
		turns_until_heard("3 grpc-status: 0\n");
		assert_null(strstr(puppet.heard, "1 "));
		turns_until_heard(is_answer ? "1 data" : "1 grpc-status: 0\n");
		assert_true(!is_answer || strstr(puppet.heard, "1 grpc-encoding: gzip\n"));
		assert_int_equal(called_count, 2 * is_answer + 2);
	}
}

static void a_reset_ends_the_coding(void **state)
{
	static char long_answer[GZIP_BYTES_MAX];
	char bytes[MESSAGE_BYTES / 10];
	static char zeros[MESSAGE_BYTES];
	(void)state;
	bodies.limit_bytes = 4 * sizeof long_answer;
	answer = (struct text){long_answer, sizeof long_answer};
	const size_t length = message_write(bytes, sizeof bytes, GZIP_BITS, (struct text){zeros, sizeof zeros});
	/* It is reset while nothing has come yet, while it is decompressed, and while the answer is compressed. */
	for (size_t turns = 0; turns < 60; turns++) {
		call_path("/x", "gzip", EVERY_CLIENTS, bytes, length);
		for (size_t i = 0; i < turns; i++)
			assert_true(loop_turn(loop, 0, &(struct error){0}));
		puppet_frame(&puppet.lines[0], FRAME_RESET, 0, 1, "\0\0\0\x08", 4);
		for (size_t i = 0; i < 3; i++)
			assert_true(loop_turn(loop, 0, &(struct error){0}));
		assert_int_equal(bodies.used_bytes, 0);
	}
	assert_true(called_count > 0);
	call_path("/x", "gzip", EVERY_CLIENTS, bytes, length); /* the close of the server drops it */
	const size_t before = called_count;
	while (called_count == before)
		assert_true(loop_turn(loop, 0, &(struct error){0}));
}

/* Callers count their time from when they sent it, however long the message takes. */
static void the_age_of_a_call_counts_from_its_head(void **state)
{
	const int64_t message_ms = 100;
	char message[100];
	const size_t length = message_write(message, sizeof message, 0, TEXT("a message"));
	(void)state;
	struct puppet_line *line = puppet_dial(&puppet, grpc_server_port(server));
	puppet_headers(line, 1, 0, ":method", "POST", ":scheme", "http", ":path", "/x", ":authority", "us", "content-type",
		       "application/grpc", "te", "trailers", NULL);
	puppet_frame(line, FRAME_DATA, 0, 1, message, length - 1);
	for (size_t i = 0; i < 5; i++)
		assert_true(loop_turn(loop, 10, &(struct error){0}));
	const int64_t head_ms = loop_now_ms(loop);
	while (loop_now_ms(loop) < head_ms + message_ms)
		assert_true(loop_turn(loop, 10, &(struct error){0}));
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, message + length - 1, 1);
	hear("1 grpc-status: 0\n");
	assert_true(called_age_ms >= message_ms);
}

/* Noise does not become shorter, and what is longer than 1 MiB would delay others. */
static void an_answer_is_not_compressed_where_that_is_of_no_use(void **state)
{
	static char noise[GZIP_BYTES_MAX + 1];
	char message[100];
	const size_t length = message_write(message, sizeof message, 0, TEXT("a message"));
	struct random random = {.state = 1};
	(void)state;
	for (size_t i = 0; i < 4000; i++)
		noise[i] = (char)random_next(&random);
	answer = (struct text){noise, 4000};
	call_path("/x", "gzip", EVERY_CLIENTS, message, length);
	hear("1 grpc-status: 0\n");
	assert_int_equal(answer_length(), GRPC_PREFIX_BYTES + 4000);
	assert_null(strstr(puppet.heard, "1 grpc-encoding"));
	memset(noise, 0, sizeof noise);
	answer = (struct text){noise, sizeof noise};
	bodies.limit_bytes = 4 * sizeof noise;
	call_path("/x", "gzip", EVERY_CLIENTS, message, length);
	hear("1 data 16384\n");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, server_begin, server_end)
	const struct CMUnitTest tests[] = {
		STORY(a_compressed_message_is_that_which_was_compressed),
		STORY(a_coding_that_is_not_known_is_refused_with_those_that_are),
		STORY(what_is_no_such_compression_is_refused),
		STORY(the_limit_is_of_the_decompressed_message),
		STORY(the_budget_of_bodies_is_charged_for_the_decompressed_message),
		STORY(a_refused_message_is_given_back_at_once),
		STORY(an_answer_is_compressed_for_callers_that_compress_and_accept_it),
		STORY(others_are_answered_while_a_long_one_is_coded),
		STORY(a_reset_ends_the_coding),
		STORY(the_age_of_a_call_counts_from_its_head),
		STORY(an_answer_is_not_compressed_where_that_is_of_no_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
