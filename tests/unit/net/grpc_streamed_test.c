/* grpc_streamed_test.c: Tests of conversations whose messages are answered later, on the gRPC server; the caller is a puppet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_wire.h"
#include "tests/unit/gzip_whole.h"
#include "tests/unit/puppet.h"

#define WAIT_MS 5000
#define MESSAGE_BYTES ((size_t)16000)
#define OPEN_MAX 64 /* messages that are passed on before any is answered */
#define WINDOW_BYTES ((size_t)8 << 20)
#define KEPT_MAX 1000

struct kept {
	struct grpc_request *request;
	size_t bytes;
	char text[24];
};

struct stand {
	struct loop *loop;
	struct grpc_server *server;
	struct grpc_server_config config;
	struct body_budget bodies;
	struct puppet puppet;
	struct puppet_line *line;
	struct kept kept[KEPT_MAX]; /* messages */
	size_t count, answered;
};

static void on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context, (void)path;
	grpc_server_answer(request, GRPC_OK, (struct text){0}, body);
}

static bool on_asked(void *context, struct grpc_request *request, struct text path, int *status, const char **words)
{
	(void)context, (void)request, (void)status, (void)words;
	return text_is(path, "/talk");
}

static bool on_message(void *context, struct grpc_request *request, struct text path, struct text message)
{
	struct stand *stand = context;
	struct kept *kept = &stand->kept[stand->count++];
	assert_true(stand->count <= KEPT_MAX && text_is(path, "/talk"));
	*kept = (struct kept){.request = request, .bytes = message.length};
	(void)snprintf(kept->text, sizeof kept->text, "%.*s", (int)(message.length < 20 ? message.length : 20), message.bytes);
	if (text_is(message, "at once")) {
		grpc_conversation_answer(request, message.length, message);
		stand->answered++;
	}
	return !text_is(message, "bad");
}

static void serve(struct stand *stand)
{
	grpc_server_close(stand->server);
	stand->server = grpc_server_open(stand->loop, &stand->config, &(struct error){0});
	assert_non_null(stand->server);
}

static int set_up(void **state)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .bodies = {.limit_bytes = (size_t)64 << 20}};
	stand.config = (struct grpc_server_config){.message_bytes = MESSAGE_BYTES,
						   .metadata_bytes = 1000,
						   .streams = 8,
						   .connections = 4,
						   .bodies = &stand.bodies,
						   .called = on_called,
						   .converses = on_asked,
						   .received = on_message,
						   .context = &stand};
	stand.puppet.loop = stand.loop;
	serve(&stand);
	*state = &stand;
	return 0;
}

static void answer(struct stand *stand, size_t number, const char *text)
{
	stand->answered++;
	grpc_conversation_answer(stand->kept[number].request, stand->kept[number].bytes, text_of(text));
}

/* All is given back when the connection has gone and all is answered. */
static int tear_down(void **state)
{
	struct stand *stand = *state;
	puppet_hang_up_all(&stand->puppet);
	for (size_t i = 0; i < 20; i++)
		assert_true(loop_turn(stand->loop, 1, &(struct error){0}));
	if (stand->answered == stand->count) {
		assert_true(grpc_server_drain(stand->server));
		assert_int_equal(stand->bodies.used_bytes, 0);
	}
	grpc_server_close(stand->server);
	loop_close(stand->loop);
	return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void turn(const struct stand *stand)
{
	assert_true(loop_turn(stand->loop, 5, &(struct error){0}));
}

static void turn_until_heard(const struct stand *stand, const char *words)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; !strstr(stand->puppet.heard, words); turn(stand))
		if (loop_now_ms(stand->loop) > until_ms)
			assert_string_equal(stand->puppet.heard, words);
}

static void turn_until_received(const struct stand *stand, size_t count)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; stand->count < count; turn(stand))
		if (loop_now_ms(stand->loop) > until_ms)
			assert_int_equal(stand->count, count);
}

static void turn_for_a_while(const struct stand *stand)
{
	for (size_t i = 0; i < 20; i++)
		turn(stand);
}

static void begin(struct stand *stand, int32_t id, const char *timeout, const char *coding)
{
	if (!stand->line)
		stand->line = puppet_dial(&stand->puppet, grpc_server_port(stand->server));
	puppet_headers(stand->line, id, 0, ":method", "POST", ":scheme", "http", ":path", "/talk", ":authority", "us", "te",
		       "trailers", "content-type", "application/grpc", timeout ? "grpc-timeout" : "x-none", timeout ? timeout : "",
		       "grpc-encoding", coding ? coding : "identity", NULL);
}

static void say_bytes(const struct stand *stand, int32_t id, int flags, struct text message)
{
	static unsigned char bytes[GRPC_PREFIX_BYTES + MESSAGE_BYTES + 1];
	assert_true(message.length <= sizeof bytes - GRPC_PREFIX_BYTES);
	grpc_prefix_write(bytes, message.length);
	memcpy(bytes + GRPC_PREFIX_BYTES, message.bytes, message.length);
	puppet_frame(stand->line, FRAME_DATA, flags, id, bytes, GRPC_PREFIX_BYTES + message.length);
}

static void say(const struct stand *stand, int32_t id, int flags, const char *message)
{
	say_bytes(stand, id, flags, text_of(message));
}

static void half_close(const struct stand *stand, int32_t id)
{
	puppet_frame(stand->line, FRAME_DATA, FLAG_END_STREAM, id, "", 0);
}

/* ---- answers ---- */

static void messages_are_answered_in_the_order_of_the_answers(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, NULL, NULL);
	say(stand, 1, 0, "one");
	say(stand, 1, 0, "two");
	say(stand, 1, 0, "three");
	turn_until_received(stand, 3);
	assert_string_equal(stand->kept[2].text, "three");
	answer(stand, 2, "333");
	turn_until_heard(stand, "1 data 8\n");
	answer(stand, 0, "1");
	turn_until_heard(stand, "1 data 8\n1 data 6\n");
	answer(stand, 1, "22");
	turn_until_heard(stand, "1 data 8\n1 data 6\n1 data 7\n");
	assert_null(strstr(stand->puppet.heard, "grpc-status"));
	half_close(stand, 1);
	turn_until_heard(stand, "1 grpc-status: 0\n1 end\n");
}

static void what_is_open_when_the_caller_ends_is_answered_before_the_status(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, NULL, NULL);
	say(stand, 1, 0, "one");
	say(stand, 1, FLAG_END_STREAM, "two");
	turn_until_received(stand, 2);
	turn_for_a_while(stand);
	assert_false(grpc_request_is_over(stand->kept[0].request));
	assert_string_equal(stand->puppet.heard, "");
	answer(stand, 1, "22");
	turn_until_heard(stand, "1 data 7\n");
	turn_for_a_while(stand);
	assert_null(strstr(stand->puppet.heard, "grpc-status"));
	answer(stand, 0, "1");
	turn_until_heard(stand, "1 data 6\n1 grpc-status: 0\n1 end\n");
}

static void a_message_that_is_cut_ends_it_after_what_is_open(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, NULL, NULL);
	say(stand, 1, 0, "one");
	puppet_frame(stand->line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\5he", 7);
	turn_until_received(stand, 1);
	answer(stand, 0, "1");
	turn_until_heard(stand,
			 "1 data 6\n1 grpc-status: 13\n1 grpc-message: the message is shorter than its prefix says\n1 end\n");
}

static void a_message_that_cannot_be_read_ends_it_at_once(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, NULL, NULL);
	say(stand, 1, 0, "at once");
	say(stand, 1, 0, "open");
	say(stand, 1, 0, "bad");
	say(stand, 1, 0, "later");
	turn_until_heard(stand, "1 data 12\n1 grpc-status: 3\n1 grpc-message: the message cannot be read\n1 end\n");
	assert_int_equal(stand->count, 3);
	assert_true(grpc_request_is_over(stand->kept[1].request));
	answer(stand, 1, "nobody has it");
	stand->answered++; /* the bad one */
}

/* ---- how much is open ---- */

static void at_most_so_many_messages_are_open(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, NULL, NULL);
	for (size_t i = 0; i < OPEN_MAX + 10; i++)
		say(stand, 1, i == OPEN_MAX + 9 ? FLAG_END_STREAM : 0, "x");
	turn_for_a_while(stand);
	assert_int_equal(stand->count, OPEN_MAX);
	answer(stand, 5, "");
	assert_int_equal(stand->count, OPEN_MAX); /* not from within an answer */
	turn_until_received(stand, OPEN_MAX + 1);
	turn_for_a_while(stand);
	assert_int_equal(stand->count, OPEN_MAX + 1);
	for (size_t i = 0; i < OPEN_MAX + 10; i++) {
		turn_until_received(stand, i + 1);
		if (i != 5)
			answer(stand, i, "");
	}
	turn_until_heard(stand, "1 grpc-status: 0\n1 end\n");
}

/* The connection's window is 65,535 bytes: answers that are not read are no open messages. */
static void answers_that_are_not_read_leave_place_for_messages(void **state)
{
	static char long_answer[4000];
	struct stand *stand = *state;
	memset(long_answer, 'a', sizeof long_answer - 1);
	begin(stand, 1, NULL, NULL);
	for (size_t i = 0; i < 2 * OPEN_MAX; i++)
		say(stand, 1, 0, "x");
	for (size_t i = 0; i < 2 * OPEN_MAX; i++) {
		turn_until_received(stand, i + 1);
		answer(stand, i, long_answer);
	}
	puppet_number(stand->line, FRAME_WINDOW, 0, 1 << 20);
	half_close(stand, 1);
	turn_until_heard(stand, "1 grpc-status: 0\n1 end\n");
}

/* Where no budget limits them, all messages together have 16 times the longest one: what has been taken does not count. */
static void a_long_stream_needs_no_budget(void **state)
{
	static char message[MESSAGE_BYTES / 2];
	struct stand *stand = *state;
	stand->config.bodies = NULL;
	serve(stand);
	begin(stand, 1, NULL, NULL);
	for (size_t i = 0; i < OPEN_MAX + 200; i++) {
		say_bytes(stand, 1, 0, (struct text){message, sizeof message});
		if (i < OPEN_MAX)
			continue;
		turn_until_received(stand, OPEN_MAX + (i - OPEN_MAX));
		for (size_t turns = 0; turns < 3; turns++) /* it waits for an answer to another one */
			assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
		answer(stand, i - OPEN_MAX, "");
	}
	turn_until_received(stand, OPEN_MAX + 200);
	for (size_t i = 200; i < OPEN_MAX + 200; i++)
		answer(stand, i, "");
	half_close(stand, 1);
	turn_until_heard(stand, "1 grpc-status: 0\n1 end\n");
}

/* 64 of them are taken out of the window, which is widened when half of it is. */
static void a_caller_that_is_faster_is_slowed_by_its_window(void **state)
{
	static char message[MESSAGE_BYTES];
	const size_t count = WINDOW_BYTES / (GRPC_PREFIX_BYTES + MESSAGE_BYTES);
	struct stand *stand = *state;
	memset(message, 'm', sizeof message);
	begin(stand, 1, NULL, NULL);
	for (size_t i = 0; i < count; i++) {
		say_bytes(stand, 1, 0, (struct text){message, sizeof message});
		assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
	}
	turn_for_a_while(stand);
	assert_int_equal(stand->count, OPEN_MAX);
	const size_t before = stand->puppet.widened_bytes; /* its window was small until it has answered the settings */
	assert_true(before < 65536);
	assert_in_range(stand->bodies.used_bytes, (count - OPEN_MAX) * MESSAGE_BYTES, 2 * WINDOW_BYTES + OPEN_MAX * MESSAGE_BYTES);
	for (size_t i = 0; i < count; i++) {
		turn_until_received(stand, i + 1);
		answer(stand, i, "");
		stand->puppet.heard[0] = '\0';
	}
	turn_for_a_while(stand);
	assert_in_range(stand->puppet.widened_bytes - before, WINDOW_BYTES / 2, WINDOW_BYTES);
	assert_true(stand->bodies.used_bytes < WINDOW_BYTES / 16);
	half_close(stand, 1);
	turn_until_heard(stand, "1 grpc-status: 0\n1 end\n");
}

static void messages_that_are_large_are_fewer_at_once(void **state)
{
	static char piece[16000];
	const size_t large = 1 << 20;
	struct stand *stand = *state;
	unsigned char prefix[GRPC_PREFIX_BYTES];
	stand->config.message_bytes = large;
	serve(stand);
	begin(stand, 1, NULL, NULL);
	grpc_prefix_write(prefix, large);
	for (size_t i = 0; i < 6; i++) {
		puppet_frame(stand->line, FRAME_DATA, 0, 1, prefix, sizeof prefix);
		for (size_t left = large, now; left > 0; left -= now) {
			now = left < sizeof piece ? left : sizeof piece;
			puppet_frame(stand->line, FRAME_DATA, 0, 1, piece, now);
			assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
		}
	}
	turn_for_a_while(stand);
	assert_int_equal(stand->count, 4);
	assert_true(stand->bodies.used_bytes > 6 * large);
	for (size_t i = 0; i < 6; i++) {
		turn_until_received(stand, i + 1);
		answer(stand, i, "");
	}
	half_close(stand, 1);
	turn_until_heard(stand, "1 grpc-status: 0\n1 end\n");
}

static void a_budget_that_is_used_up_ends_it(void **state)
{
	static char message[MESSAGE_BYTES];
	struct stand *stand = *state;
	stand->bodies.limit_bytes = 20 * MESSAGE_BYTES;
	begin(stand, 1, NULL, NULL);
	say(stand, 1, 0, "first");
	turn_until_received(stand, 1);
	turn_for_a_while(stand); /* its window is small until it has answered the settings */
	for (size_t i = 0; i < 30; i++)
		say_bytes(stand, 1, 0, (struct text){message, sizeof message});
	turn_until_heard(stand, "1 grpc-status: 8\n");
	assert_non_null(strstr(stand->puppet.heard, "too many messages at once; call again later"));
	assert_in_range(stand->count, 10, 20);
	for (size_t i = 0; i < stand->count; i++)
		answer(stand, i, "");
}

/* Each costs the server more than its few bytes do: others have their turn between them. */
static void a_flood_of_short_messages_takes_many_turns(void **state)
{
	static const char message[] = "\0\0\0\0\7at once";
	static char many[100 * (sizeof message - 1)];
	const size_t count = 900, a_turn = 3 * 128; /* before, in and after the events of a turn */
	struct stand *stand = *state;
	for (size_t i = 0; i < 100; i++)
		memcpy(many + i * (sizeof message - 1), message, sizeof message - 1);
	for (int32_t id = 1; id <= 5; id += 2) {
		begin(stand, id, NULL, NULL);
		for (size_t i = 0; i < count / 300; i++)
			puppet_frame(stand->line, FRAME_DATA, i + 1 == count / 300 ? FLAG_END_STREAM : 0, id, many, sizeof many);
	}
	for (size_t before = 0; stand->count < count; before = stand->count) {
		turn(stand);
		assert_in_range(stand->count - before, 0, a_turn);
	}
	for (int32_t id = 1; id <= 5; id += 2) {
		char words[40];
		(void)snprintf(words, sizeof words, "%d grpc-status: 0\n", id);
		turn_until_heard(stand, words);
	}
	assert_int_equal(stand->count, count);
}

/* Though nothing else happens: two have what a turn takes, and two the next. */
static void streams_beyond_what_a_turn_takes_have_their_turn(void **state)
{
	struct stand *stand = *state;
	for (int32_t id = 1; id <= 9; id += 2) {
		begin(stand, id, NULL, NULL);
		for (size_t i = 0; i < OPEN_MAX; i++)
			say(stand, id, 0, "x");
	}
	turn_until_received(stand, 5 * OPEN_MAX);
	for (size_t i = 0; i < 5 * OPEN_MAX; i++)
		answer(stand, i, "");
}

/* The puppet heeds no window, so one that is not widened ends the connection. */
static void a_connection_carries_any_number_of_messages(void **state)
{
	static char message[MESSAGE_BYTES];
	struct stand *stand = *state;
	const int32_t calls = (int32_t)(9 * WINDOW_BYTES / MESSAGE_BYTES); /* the window of a connection is that of 8 streams */
	begin(stand, 1, NULL, NULL);
	for (int32_t id = 3; id < 3 + 2 * calls; id += 2) {
		puppet_headers(stand->line, id, 0, ":method", "POST", ":scheme", "http", ":path", "/x", ":authority", "us", "te",
			       "trailers", "content-type", "application/grpc", NULL);
		say_bytes(stand, id, FLAG_END_STREAM, (struct text){message, sizeof message});
		puppet_number(stand->line, FRAME_WINDOW, 0, MESSAGE_BYTES + GRPC_PREFIX_BYTES);
		stand->puppet.heard[0] = '\0';
		turn_until_heard(stand, "grpc-status: 0\n");
		assert_null(strstr(stand->puppet.heard, "goaway"));
	}
	half_close(stand, 1);
	turn_until_heard(stand, "1 grpc-status: 0\n");
}

/* ---- how it ends ---- */

static void a_deadline_ends_it_with_what_is_open(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, "100m", NULL);
	say(stand, 1, 0, "at once");
	say(stand, 1, 0, "open");
	turn_until_received(stand, 2);
	assert_in_range(grpc_request_left_ms(stand->kept[1].request), 0, 100);
	turn_until_heard(stand, "1 data 12\n1 grpc-status: 4\n");
	assert_true(grpc_request_is_over(stand->kept[1].request));
	answer(stand, 1, "late");
	turn_for_a_while(stand);
	assert_null(strstr(stand->puppet.heard, "1 data 9\n"));
}

static void a_reset_ends_it_with_what_is_open(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, NULL, NULL);
	say(stand, 1, 0, "one");
	say(stand, 1, 0, "two");
	turn_until_received(stand, 2);
	puppet_number(stand->line, FRAME_RESET, 1, 8);
	turn_for_a_while(stand);
	assert_true(grpc_request_is_over(stand->kept[0].request));
	assert_false(grpc_server_drain(stand->server));
	answer(stand, 0, "1");
	assert_true(grpc_request_is_over(stand->kept[1].request)); /* it is still there for the second one */
	answer(stand, 1, "22");
	turn_for_a_while(stand);
	assert_null(strstr(stand->puppet.heard, "1 data"));
}

static void a_caller_that_has_gone_leaves_its_messages_to_be_answered(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, NULL, NULL);
	for (size_t i = 0; i < OPEN_MAX + 10; i++)
		say(stand, 1, 0, "x");
	turn_until_received(stand, OPEN_MAX);
	puppet_hang_up(stand->line);
	turn_for_a_while(stand);
	assert_true(grpc_request_is_over(stand->kept[0].request));
	for (size_t i = 0; i < OPEN_MAX; i++)
		answer(stand, i, "x");
	turn_for_a_while(stand);
	assert_int_equal(stand->count, OPEN_MAX);
}

static void one_that_is_finished_answers_what_is_open_and_takes_no_more(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, NULL, NULL);
	for (size_t i = 0; i < OPEN_MAX + 10; i++)
		say(stand, 1, 0, "x");
	turn_until_received(stand, OPEN_MAX);
	grpc_conversation_finish(stand->kept[0].request, GRPC_UNAUTHENTICATED, "show who you are");
	say(stand, 1, 0, "late");
	for (size_t i = 0; i < OPEN_MAX; i++) {
		turn_for_a_while(stand);
		assert_null(strstr(stand->puppet.heard, "grpc-status"));
		answer(stand, i, "");
		say(stand, 1, 0, "late");
		turn_for_a_while(stand);
		assert_int_equal(stand->count, OPEN_MAX);
	}
	turn_until_heard(stand, "1 grpc-status: 16\n1 grpc-message: show who you are\n1 end\n");
	assert_int_equal(stand->count, OPEN_MAX);
}

static void a_drain_answers_what_is_open(void **state)
{
	struct stand *stand = *state;
	begin(stand, 1, NULL, NULL);
	say(stand, 1, 0, "one");
	turn_until_received(stand, 1);
	assert_false(grpc_server_drain(stand->server));
	turn_until_heard(stand, "goaway");
	turn_for_a_while(stand);
	assert_null(strstr(stand->puppet.heard, "grpc-status"));
	answer(stand, 0, "1");
	turn_until_heard(stand, "1 data 6\n1 grpc-status: 14\n1 grpc-message: the server is stopping\n1 end\n");
}

/* Of the rest of a message that never comes; the pings of its caller do not help it. */
static void a_message_that_does_not_end_ends_it(void **state)
{
	struct stand *stand = *state;
	stand->config.silence_ms = 100;
	serve(stand);
	begin(stand, 1, NULL, NULL);
	say(stand, 1, 0, "open");
	turn_until_received(stand, 1);
	for (int64_t until_ms = loop_now_ms(stand->loop) + 1000; loop_now_ms(stand->loop) < until_ms; turn(stand))
		;
	assert_null(strstr(stand->puppet.heard, "grpc-status")); /* between messages it may wait */
	answer(stand, 0, "1");
	puppet_frame(stand->line, FRAME_DATA, 0, 1, "\0\0\0\0\5he", 7);
	turn_until_heard(stand, "1 grpc-status: 4\n1 grpc-message: the message did not come in time\n");
}

/* ---- compression ---- */

static void compressed_messages_are_decompressed(void **state)
{
	struct stand *stand = *state;
	struct gzip *gzip = gzip_open();
	struct buffer frame;
	char plain[MESSAGE_BYTES + 1];
	memset(plain, 'p', sizeof plain);
	begin(stand, 1, NULL, "gzip");
	say(stand, 1, 0, "plain");
	for (size_t length = MESSAGE_BYTES; length <= MESSAGE_BYTES + 1; length++) {
		buffer_open(&frame, (size_t)1 << 20);
		buffer_append(&frame, "\1\0\0\0\0", GRPC_PREFIX_BYTES);
		assert_int_equal(gzip_whole(gzip, (struct text){plain, length}, length, &frame), GZIP_WHOLE);
		assert_true(frame.length - GRPC_PREFIX_BYTES < 256);
		frame.bytes[GRPC_PREFIX_BYTES - 1] = (char)(frame.length - GRPC_PREFIX_BYTES);
		puppet_frame(stand->line, FRAME_DATA, 0, 1, frame.bytes, frame.length);
		buffer_close(&frame);
	}
	gzip_close(gzip);
	turn_until_heard(stand, "1 grpc-status: 8\n1 grpc-message: a message cannot be decompressed, or is too long when it is\n");
	assert_int_equal(stand->count, 2);
	assert_string_equal(stand->kept[0].text, "plain");
	assert_string_equal(stand->kept[1].text, "pppppppppppppppppppp");
	assert_int_equal(stand->kept[1].bytes, MESSAGE_BYTES);
	answer(stand, 0, "");
	answer(stand, 1, "");
}

/* Together they are more than a turn decompresses: what comes behind waits for them. */
static void long_compressed_messages_keep_their_order(void **state)
{
	struct stand *stand = *state;
	struct gzip *gzip = gzip_open();
	struct buffer frame;
	static char plain[MESSAGE_BYTES];
	begin(stand, 1, NULL, "gzip");
	for (size_t i = 0; i < 9; i++) {
		memset(plain, 'a' + (int)i, sizeof plain);
		buffer_open(&frame, (size_t)1 << 20);
		buffer_append(&frame, "\1\0\0\0\0", GRPC_PREFIX_BYTES);
		if (i % 4 == 3)
			buffer_append(&frame, plain, 20);
		else
			assert_int_equal(gzip_whole(gzip, (struct text){plain, sizeof plain}, sizeof plain, &frame), GZIP_WHOLE);
		frame.bytes[0] = i % 4 != 3;
		frame.bytes[GRPC_PREFIX_BYTES - 1] = (char)(frame.length - GRPC_PREFIX_BYTES);
		puppet_frame(stand->line, FRAME_DATA, i == 8 ? FLAG_END_STREAM : 0, 1, frame.bytes, frame.length);
		buffer_close(&frame);
	}
	gzip_close(gzip);
	while (stand->count == 0)
		turn(stand);
	assert_in_range(stand->count, 1, 5); /* 16,000 bytes each */
	turn_until_received(stand, 9);
	for (size_t i = 0; i < 9; i++) {
		const char words[] = {(char)('a' + i), '\0'};
		assert_int_equal(strspn(stand->kept[i].text, words), 20);
		answer(stand, i, "");
	}
	turn_until_heard(stand, "1 grpc-status: 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(messages_are_answered_in_the_order_of_the_answers),
		STORY(what_is_open_when_the_caller_ends_is_answered_before_the_status),
		STORY(a_message_that_is_cut_ends_it_after_what_is_open),
		STORY(a_message_that_cannot_be_read_ends_it_at_once),
		STORY(at_most_so_many_messages_are_open),
		STORY(answers_that_are_not_read_leave_place_for_messages),
		STORY(a_long_stream_needs_no_budget),
		STORY(a_caller_that_is_faster_is_slowed_by_its_window),
		STORY(messages_that_are_large_are_fewer_at_once),
		STORY(a_budget_that_is_used_up_ends_it),
		STORY(a_flood_of_short_messages_takes_many_turns),
		STORY(streams_beyond_what_a_turn_takes_have_their_turn),
		STORY(a_connection_carries_any_number_of_messages),
		STORY(a_deadline_ends_it_with_what_is_open),
		STORY(a_reset_ends_it_with_what_is_open),
		STORY(a_caller_that_has_gone_leaves_its_messages_to_be_answered),
		STORY(one_that_is_finished_answers_what_is_open_and_takes_no_more),
		STORY(a_drain_answers_what_is_open),
		STORY(a_message_that_does_not_end_ends_it),
		STORY(compressed_messages_are_decompressed),
		STORY(long_compressed_messages_keep_their_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
