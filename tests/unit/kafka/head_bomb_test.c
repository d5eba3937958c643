/* head_bomb_test.c: Tests of headers of HTTP/2 that are short on the wire and long when they are decoded: their connection ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "net/http/http_head.h"
#include "tests/unit/puppet.h"
#include "tests/unit/server_stand.h"

#define VALUE_BYTES 3500 /* with its name it fits into HPACK's table */
#define CONTINUATIONS 9
#define REFERENCES 6000 /* to 20 MiB, of which each 4 KiB takes a token */
#define LITERAL_BYTES (VALUE_BYTES + 16)

enum { INDEXED_LITERAL = 0x40, FIRST_OF_TABLE = 0xBE };

static struct puppet puppet;

static int bomb_open(void **state)
{
	server_stand_shares = true;
	int code = server_stand_open(state);
	puppet = (struct puppet){.loop = ((struct server_stand *)*state)->loop};
	return code;
}

static int bomb_close(void **state)
{
	puppet_hang_up_all(&puppet);
	return server_stand_close(state);
}

static void hear(const struct server_stand *stand, const char *words)
{
	for (int64_t until = loop_now_ms(stand->loop) + 5000; !strstr(puppet.heard, words);) {
		if (loop_now_ms(stand->loop) > until)
			assert_string_equal(puppet.heard, words);
		assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
	}
}

/* Fields of a GET: `:method`, `:scheme` and `:path` of the static table, and an authority. */
static size_t head_write(char *out)
{
	static const char head[] = "\x82\x86\x84\x01\x01x";
	memcpy(out, head, sizeof head - 1);
	return sizeof head - 1;
}

/* A long field that HPACK's table keeps. */
static size_t literal_write(char *out, char fill)
{
	static const char before[] = {INDEXED_LITERAL, 1, 'n', 127, (VALUE_BYTES - 127) % 128 + 128 - 256,
				      (VALUE_BYTES - 127) / 128};
	memcpy(out, before, sizeof before);
	memset(out + sizeof before, fill, VALUE_BYTES);
	return sizeof before + VALUE_BYTES;
}

/* The table gets its field by a request, and another one refers to it so many times. */
static void bomb_send(struct puppet_line *line, char fill, size_t references)
{
	static char head[LITERAL_BYTES + REFERENCES];
	size_t length = head_write(head);
	length += literal_write(head + length, fill);
	puppet_frame(line, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, head, length);
	length = head_write(head);
	memset(head + length, FIRST_OF_TABLE, references);
	puppet_frame(line, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 3, head, length + references);
}

static void a_head_that_is_long_when_it_is_decoded_ends_its_connection(void **state)
{
	static const char fills[] = {'a', '\x01'}; /* the second one HTTP forbids: such fields are dropped, and cost as much */
	struct server_stand *stand = *state;
	for (size_t i = 0; i < sizeof fills; i++) {
		struct puppet_line *line = puppet_dial(&puppet, server_stand_port(stand));
		bomb_send(line, fills[i], REFERENCES);
		hear(stand, "goaway 3 11\n");
		hear(stand, "closed\n");
		assert_int_equal(grpc_server_counts(stand->front).flooded, i + 1);
		puppet_hang_up_all(&puppet);
		puppet = (struct puppet){.loop = stand->loop};
	}
}

/* nghttp2 takes eight of them, whatever the tokens are. */
static void a_head_of_many_frames_ends_its_connection(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&puppet, server_stand_port(stand));
	char head[64];
	puppet_frame(line, FRAME_HEADERS, FLAG_END_STREAM, 1, head, head_write(head));
	for (size_t i = 0; i < CONTINUATIONS; i++)
		puppet_frame(line, FRAME_CONTINUATION, 0, 1, "\x00\x01n\x01v", 5);
	hear(stand, "goaway 1 11\n");
	hear(stand, "closed\n");
	assert_int_equal(grpc_server_counts(stand->front).flooded, 1);
}

/* As trailers, which nobody reads. */
static void trailers_are_heads_too(void **state)
{
	static char block[LITERAL_BYTES + REFERENCES];
	struct server_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&puppet, server_stand_port(stand));
	puppet_headers(line, 1, 0, ":method", "POST", ":scheme", "http", ":path", "/x", ":authority", "us", NULL);
	size_t length = literal_write(block, 'a');
	memset(block + length, FIRST_OF_TABLE, REFERENCES);
	puppet_frame(line, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1, block, length + REFERENCES);
	hear(stand, "closed\n");
	assert_int_equal(grpc_server_counts(stand->front).flooded, 1);
}

/* It is refused, and others of its connection are served. */
static void a_head_that_is_too_long_once_ends_no_connection(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&puppet, server_stand_port(stand));
	bomb_send(line, 'a', 100);
	hear(stand, "3 :status: 431\n");
	puppet_headers(line, 5, FLAG_END_STREAM, ":method", "GET", ":scheme", "http", ":path", "/short", ":authority", "us", NULL);
	hear(stand, "5 data 6\n");
	assert_int_equal(grpc_server_counts(stand->front).flooded, 0);
}

/* So many headers, the host and a content type among them, of which all but the first few are one byte on the wire. */
static void headers_send(struct puppet_line *line, int32_t id, bool is_call, size_t count)
{
	static const char call[] = "\x83\x86\x84\x01\x01x\x0f\x10\x10"
				   "application/grpc\x40\x01"
				   "a\x01"
				   "b";
	static const char request[] = "\x82\x86\x84\x01\x01x\x0f\x10\x10"
				      "application/json\x40\x01"
				      "a\x01"
				      "b";
	char head[sizeof call + HTTP_REQUEST_FIELDS_MAX];
	const size_t length = sizeof call - 1, more = count - 3;
	memcpy(head, is_call ? call : request, length);
	memset(head + length, FIRST_OF_TABLE, more);
	puppet_frame(line, FRAME_HEADERS, FLAG_END_HEADERS | (is_call ? 0 : FLAG_END_STREAM), id, head, length + more);
	if (is_call)
		puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, "\0\0\0\0\2hi", 7);
}

static void as_many_headers_come_as_over_http_1_1(void **state)
{
	struct server_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&puppet, server_stand_port(stand));
	headers_send(line, 1, false, HTTP_REQUEST_FIELDS_MAX);
	hear(stand, "1 :status: 200\n");
	headers_send(line, 3, false, HTTP_REQUEST_FIELDS_MAX + 1);
	hear(stand, "3 :status: 431\n");
	headers_send(line, 5, true, HTTP_REQUEST_FIELDS_MAX);
	hear(stand, "5 grpc-status: 0\n");
	headers_send(line, 7, true, HTTP_REQUEST_FIELDS_MAX + 1);
	hear(stand, "7 grpc-status: 8\n7 grpc-message: the metadata has more than 128 entries\n");
	headers_send(line, 9, true, 3);
	hear(stand, "9 grpc-status: 0\n");
	assert_int_equal(grpc_server_counts(stand->front).flooded, 0);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, bomb_open, bomb_close)
	const struct CMUnitTest tests[] = {
		STORY(a_head_that_is_long_when_it_is_decoded_ends_its_connection),
		STORY(a_head_of_many_frames_ends_its_connection),
		STORY(trailers_are_heads_too),
		STORY(a_head_that_is_too_long_once_ends_no_connection),
		STORY(as_many_headers_come_as_over_http_1_1),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
