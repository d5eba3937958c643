/* grpc_server_conversation_test.c: calls of several messages, and metadata both ways, on the gRPC server; the caller is a puppet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_wire.h"
#include "tests/unit/puppet.h"

#define WAIT_MS 5000
#define METADATA_BYTES ((size_t)150)
#define ANSWER_BYTES 40000 /* to the message "much": more than a few of them are unread with windows of HTTP/2's own */

struct talk_stand {
	struct loop *loop;
	struct grpc_server *server;
	struct grpc_server_config config;
	struct puppet puppet;
	char seen[256]; /* the metadata x-seen of the last unary call */
	int64_t left_ms;
	struct grpc_request *waiting;
	size_t received; /* messages of conversations */
};

/* What is found by number is what is found by name. */
static void assert_known_as_by_name(const struct grpc_request *request)
{
	for (unsigned name = HEADER_OTHER + 1; name < HEADER_NAMES; name++)
		for (size_t place = 0; place < 4; place++) {
			const char *text = header_name_text(name).bytes;
			const struct text known = grpc_request_known(request, name, place);
			assert_ptr_equal(known.bytes, grpc_request_metadata(request, text, place).bytes);
			if (place == 1)
				assert_int_equal(known.bytes != NULL,
						 (grpc_request_repeated(request) & header_name_bit(name)) != 0);
		}
}

static void unary_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	struct talk_stand *stand = context;
	struct text seen = grpc_request_metadata(request, "X-Seen", text_is(path, "/second") ? 1 : 0);
	(void)snprintf(stand->seen, sizeof stand->seen, "%s", seen.bytes ? seen.bytes : "none");
	assert_known_as_by_name(request);
	stand->left_ms = grpc_request_left_ms(request);
	grpc_request_add_field(request, TEXT("X-Told"), TEXT("yes"));
	grpc_request_add_field(request, TEXT("x-line"), TEXT("a\nb"));
	grpc_request_add_field(request, TEXT("x bad"), TEXT("b"));
	grpc_request_add_field(request, TEXT("grpc-status"), TEXT("7"));
	grpc_request_add_field(request, TEXT("x-raw-bin"), TEXT("no base64"));
	grpc_request_add_field(request, TEXT("Content-Type"), TEXT("text/html"));
	if (text_is(path, "/refuse"))
		grpc_server_answer(request, GRPC_NOT_FOUND, TEXT("no"), body);
	else
		grpc_server_answer(request, GRPC_OK, (struct text){0}, body);
}

static bool path_converses(void *context, struct grpc_request *request, struct text path, int *status, const char **words)
{
	struct sockaddr_storage peer;
	(void)context;
	assert_true(grpc_request_peer(request, &peer));
	assert_int_equal(peer.ss_family, AF_INET);
	if (grpc_request_metadata(request, "x-forbidden", 0).bytes) {
		*status = GRPC_PERMISSION_DENIED;
		*words = "you may not";
	}
	return text_is(path, "/talk");
}

static bool talk_said(void *context, struct grpc_request *request, struct text path, struct text message)
{
	struct talk_stand *stand = context;
	struct buffer answer;
	assert_true(text_is(path, "/talk"));
	if (text_is(message, "bad"))
		return false;
	stand->received++;
	buffer_open(&answer, SIZE_MAX);
	buffer_string(&answer, "re:");
	buffer_text(&answer, message);
	for (size_t i = 0; text_is(message, "much") && i < ANSWER_BYTES; i++)
		buffer_byte(&answer, 'x');
	grpc_conversation_answer(request, message.length, buffer_view(&answer));
	buffer_close(&answer);
	return true;
}

static int talk_stand_open(void **state)
{
	static struct talk_stand stand;
	struct error error = {0};
	stand = (struct talk_stand){.loop = loop_open(&error)};
	stand.config = (struct grpc_server_config){.message_bytes = 1000,
						   .metadata_bytes = METADATA_BYTES,
						   .streams = 8,
						   .connections = 4,
						   .called = unary_called,
						   .converses = path_converses,
						   .received = talk_said,
						   .context = &stand};
	stand.server = grpc_server_open(stand.loop, &stand.config, &error);
	assert_non_null(stand.server);
	stand.puppet.loop = stand.loop;
	*state = &stand;
	return 0;
}

static int talk_stand_close(void **state)
{
	struct talk_stand *stand = *state;
	puppet_hang_up_all(&stand->puppet);
	grpc_server_close(stand->server);
	loop_close(stand->loop);
	return 0;
}

#define TALK_STORY(name) cmocka_unit_test_setup_teardown(name, talk_stand_open, talk_stand_close)

static void turn_until_heard(struct talk_stand *stand, const char *words)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; !strstr(stand->puppet.heard, words);) {
		if (loop_now_ms(stand->loop) > until_ms)
			assert_string_equal(stand->puppet.heard, words);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

static struct puppet_line *talk_dial(struct talk_stand *stand)
{
	return puppet_dial(&stand->puppet, grpc_server_port(stand->server));
}

#define HEAD(path)                                                                                                                 \
	":method", "POST", ":scheme", "http", ":path", path, ":authority", "us", "te", "trailers", "content-type",                 \
		"application/grpc"

static void say(struct puppet_line *line, int32_t id, int flags, const char *message)
{
	unsigned char bytes[64] = {0, 0, 0, 0, (unsigned char)strlen(message)};
	memcpy(bytes + GRPC_PREFIX_BYTES, message, strlen(message));
	puppet_frame(line, FRAME_DATA, flags, id, bytes, GRPC_PREFIX_BYTES + strlen(message));
}

static void forget(struct talk_stand *stand)
{
	stand->puppet.heard[0] = '\0';
}

/* ---- conversations ---- */

static void each_message_is_answered_at_once_until_the_caller_ends(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/talk"), NULL);
	say(line, 1, 0, "one");
	turn_until_heard(stand, "1 data 11\n"); /* a prefix, and re:one */
	assert_null(strstr(stand->puppet.heard, "grpc-status"));
	say(line, 1, 0, "three");
	turn_until_heard(stand, "1 data 13\n");
	forget(stand);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "", 0);
	turn_until_heard(stand, "1 grpc-status: 0\n1 end\n");
}

static void messages_in_one_frame_and_cut_anywhere_are_answered_in_order(void **state)
{
	static const unsigned char two[] = {0, 0, 0, 0, 1, 'a', 0, 0, 0, 0, 2, 'b', 'c'};
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/talk"), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, two, sizeof two);
	turn_until_heard(stand, "1 data 19\n1 grpc-status: 0\n1 end\n");
	puppet_headers(line, 3, 0, HEAD("/talk"), NULL);
	for (size_t i = 0; i < sizeof two; i++)
		puppet_frame(line, FRAME_DATA, i + 1 == sizeof two ? FLAG_END_STREAM : 0, 3, two + i, 1);
	turn_until_heard(stand, "3 grpc-status: 0\n3 end\n");
}

/* What was answered is held no more: else all messages together would be too many bytes. */
static void a_conversation_may_be_long(void **state)
{
	static const char message[] = "fifty characters, which is as many as it may hold.";
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/talk"), NULL);
	for (size_t i = 0; i < 500; i++) {
		say(line, 1, i == 499 ? FLAG_END_STREAM : 0, message);
		if (i % 50 == 0)
			assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
	}
	turn_until_heard(stand, "1 grpc-status: 0\n");
}

static void a_conversation_without_a_message_ends_well(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, FLAG_END_STREAM, HEAD("/talk"), NULL);
	turn_until_heard(stand, "1 grpc-status: 0\n1 end\n");
}

static void a_message_that_is_cut_or_cannot_be_read_ends_it(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/talk"), NULL);
	say(line, 1, 0, "good");
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\5he", 7);
	turn_until_heard(stand, "1 grpc-status: 13\n1 grpc-message: the message is shorter than its prefix says\n1 end\n");
	assert_non_null(strstr(stand->puppet.heard, "1 data 12\n"));
	puppet_headers(line, 3, 0, HEAD("/talk"), NULL);
	say(line, 3, 0, "bad");
	turn_until_heard(stand, "3 grpc-status: 3\n");
	puppet_headers(line, 5, 0, HEAD("/talk"), NULL);
	say(line, 5, 0, "good");
	puppet_frame(line, FRAME_DATA, 0, 5, "\1\0\0\0\5hello", 10);
	turn_until_heard(stand, "5 grpc-status: 12\n");
	puppet_headers(line, 7, 0, HEAD("/talk"), NULL);
	puppet_frame(line, FRAME_DATA, 0, 7, "\0\0\0\4\0", 5);
	turn_until_heard(stand, "7 grpc-status: 8\n");
}

/* Answers to "much" that are 4 MiB and not read are enough: other messages wait until they are read. */
static void a_caller_that_does_not_read_its_answers_is_asked_no_more(void **state)
{
	const size_t count = 200, enough = ((size_t)4 << 20) / ANSWER_BYTES;
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand); /* it opens no window: 65,535 bytes are sent */
	puppet_headers(line, 1, 0, HEAD("/talk"), NULL);
	for (size_t i = 0; i < count; i++)
		say(line, 1, i == count - 1 ? FLAG_END_STREAM : 0, "much");
	for (size_t i = 0; i < 20; i++)
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	assert_in_range(stand->received, enough, enough + 3); /* beside those that were sent */
	assert_null(strstr(stand->puppet.heard, "grpc-status"));
	forget(stand);
	puppet_number(line, FRAME_WINDOW, 0, 16 << 20);
	puppet_number(line, FRAME_WINDOW, 1, 16 << 20);
	for (size_t i = 0; i < 1000 && !strstr(stand->puppet.heard, "1 grpc-status: 0\n"); i++) {
		if (!strstr(stand->puppet.heard, "grpc-status"))
			forget(stand);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
	assert_non_null(strstr(stand->puppet.heard, "1 grpc-status: 0\n"));
	assert_int_equal(stand->received, count);
}

/* It is silent for less than the server allows each time, and reads for longer than that in all. */
static void a_caller_that_reads_slowly_is_not_closed(void **state)
{
	enum { SILENCE_MS = 2000, PAUSE_MS = 250, PAUSES = 12 };
	struct talk_stand *stand = *state;
	grpc_server_close(stand->server);
	stand->config.silence_ms = SILENCE_MS;
	stand->server = grpc_server_open(stand->loop, &stand->config, &(struct error){0});
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/talk"), NULL);
	for (size_t i = 0; i < 10; i++)
		say(line, 1, i == 9 ? FLAG_END_STREAM : 0, "much");
	for (size_t i = 0; i < PAUSES; i++) {
		for (int64_t until_ms = loop_now_ms(stand->loop) + PAUSE_MS; loop_now_ms(stand->loop) < until_ms;)
			assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
		assert_null(strstr(stand->puppet.heard, "closed"));
		puppet_number(line, FRAME_WINDOW, 0, 1000);
	}
	puppet_number(line, FRAME_WINDOW, 0, 16 << 20);
	turn_until_heard(stand, "1 grpc-status: 0\n");
}

static void a_deadline_and_a_drain_end_it(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/talk"), "grpc-timeout", "100m", NULL);
	say(line, 1, 0, "one");
	turn_until_heard(stand, "1 grpc-status: 4\n");
	puppet_headers(line, 3, 0, HEAD("/talk"), NULL);
	say(line, 3, 0, "one");
	turn_until_heard(stand, "3 data 11\n");
	(void)grpc_server_drain(stand->server);
	turn_until_heard(stand, "3 grpc-status: 14\n3 grpc-message: the server is stopping\n3 end\n");
	for (size_t i = 0; i < 100 && !grpc_server_drain(stand->server); i++)
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	assert_true(grpc_server_drain(stand->server));
}

/* As a gRPC library stops gracefully: calls that are open when GOAWAY comes go on. */
static void a_server_that_leaves_serves_it_until_it_drains(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/talk"), NULL);
	say(line, 1, 0, "one");
	turn_until_heard(stand, "1 data 11\n");
	grpc_server_leave(stand->server);
	turn_until_heard(stand, "goaway 2147483647 0\n");
	turn_until_heard(stand, "goaway 1 0\n");
	say(line, 1, 0, "three");
	turn_until_heard(stand, "1 data 13\n");
	assert_null(strstr(stand->puppet.heard, "grpc-status"));
	assert_false(grpc_server_drain(stand->server));
	turn_until_heard(stand, "1 grpc-status: 14\n1 grpc-message: the server is stopping\n1 end\n");
	turn_until_heard(stand, "closed\n");
	assert_true(grpc_server_drain(stand->server));
}

/* The caller has not answered the notice yet. */
static void a_server_that_drains_right_after_it_leaves_ends_it(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/talk"), NULL);
	say(line, 1, 0, "one");
	turn_until_heard(stand, "1 data 11\n");
	grpc_server_leave(stand->server);
	assert_false(grpc_server_drain(stand->server));
	turn_until_heard(stand, "1 grpc-status: 14\n1 grpc-message: the server is stopping\n1 end\n");
	turn_until_heard(stand, "closed\n");
}

static void a_caller_that_leaves_takes_its_conversation_along(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand), *other;
	puppet_headers(line, 1, 0, HEAD("/talk"), NULL);
	say(line, 1, 0, "one");
	turn_until_heard(stand, "1 data 11\n");
	puppet_number(line, FRAME_RESET, 1, 8);
	puppet_headers(line, 3, 0, HEAD("/talk"), NULL);
	say(line, 3, 0, "much");
	turn_until_heard(stand, "3 data");
	puppet_hang_up(line);
	forget(stand);
	other = talk_dial(stand);
	puppet_headers(other, 1, 0, HEAD("/talk"), NULL);
	say(other, 1, FLAG_END_STREAM, "last");
	turn_until_heard(stand, "1 data 12\n1 grpc-status: 0\n");
}

static void a_conversation_may_be_refused_before_it_begins(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/talk"), "x-forbidden", "yes", NULL);
	turn_until_heard(stand, "1 grpc-status: 7\n1 grpc-message: you may not\n1 end\n");
	say(line, 1, 0, "one");
	puppet_headers(line, 3, 0, HEAD("/talk"), NULL);
	say(line, 3, FLAG_END_STREAM, "one");
	turn_until_heard(stand, "3 grpc-status: 0\n");
	assert_null(strstr(stand->puppet.heard, "1 data"));
}

/* ---- metadata ---- */

static void metadata_is_read_in_any_case_and_goes_before_an_answer(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/echo"), "x-seen", "first", "x-seen", "second", NULL);
	say(line, 1, FLAG_END_STREAM, "hi");
	turn_until_heard(stand, "1 end\n");
	assert_string_equal(stand->seen, "first");
	assert_int_equal(stand->left_ms, -1);
	assert_string_equal(stand->puppet.heard, "1 :status: 200\n1 content-type: application/grpc\n1 x-told: yes\n1 data 7\n"
						 "1 grpc-status: 0\n1 end\n");
	puppet_headers(line, 5, 0, HEAD("/second"), "x-explain", "1", "x-seen", "first", "x-explain", "2", "x-seen", "second",
		       "seldon", "a", NULL);
	say(line, 5, FLAG_END_STREAM, "hi");
	turn_until_heard(stand, "5 end\n");
	assert_string_equal(stand->seen, "second");
	forget(stand);
	puppet_headers(line, 7, 0, HEAD("/refuse"), "grpc-timeout", "50S", "x-request-id", "mine",
		       NULL);
	say(line, 7, FLAG_END_STREAM, "hi");
	turn_until_heard(stand, "7 end\n");
	assert_string_equal(stand->seen, "none");
	assert_in_range(stand->left_ms, 45000, 50000);
	assert_string_equal(stand->puppet.heard, "7 :status: 200\n7 content-type: application/grpc\n7 x-told: yes\n"
						 "7 x-request-id: mine\n7 sluice-error: INPUT\n7 sluice-place: /refuse\n"
						 "7 grpc-status: 5\n7 grpc-message: no\n7 end\n");
}

/* The server's own refusals, too: the application never had the request. */
static void a_refusal_has_kind_place_and_id_as_metadata(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/cut"), "x-request-id", "mine", NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\5hel", 8);
	turn_until_heard(stand, "1 x-request-id: mine\n1 sluice-error: INPUT\n1 sluice-place: /cut\n1 grpc-status: 13\n");
	puppet_headers(line, 3, 0, HEAD("/cut"), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 3, "\0\0\0", 3);
	turn_until_heard(stand, "3 sluice-error: INPUT\n");
	assert_non_null(strstr(stand->puppet.heard, "3 x-request-id: "));
}

static void an_answer_counts_in_the_budget_of_bodies(void **state)
{
	struct talk_stand *stand = *state;
	static char piece[10000];
	static struct body_budget bodies = {.limit_bytes = 100000};
	grpc_server_close(stand->server);
	stand->config.message_bytes = 100000;
	stand->config.bodies = &bodies;
	stand->server = grpc_server_open(stand->loop, &stand->config, &(struct error){0});
	assert_non_null(stand->server);
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/echo"), NULL);
	puppet_frame(line, FRAME_DATA, 0, 1, "\0\0\0\xd6\xd8", 5); /* 55,000 bytes, and as many of the answer */
	for (int i = 0; i < 5; i++)
		puppet_frame(line, FRAME_DATA, 0, 1, piece, sizeof piece);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, piece, sizeof piece / 2);
	turn_until_heard(stand, "1 grpc-status: 8\n");
	assert_null(strstr(stand->puppet.heard, "1 data"));
	puppet_headers(line, 3, 0, HEAD("/echo"), NULL);
	say(line, 3, FLAG_END_STREAM, "hi");
	turn_until_heard(stand, "3 grpc-status: 0\n3 end\n");
	puppet_hang_up_all(&stand->puppet);
	grpc_server_close(stand->server);
	stand->server = NULL;
	assert_int_equal(bodies.used_bytes, 0);
}

static void the_limit_of_messages_may_change(void **state)
{
	struct talk_stand *stand = *state;
	static char message[1205] = "\0\0\0\4\xb0"; /* 1,200 bytes */
	struct puppet_line *line = talk_dial(stand);
	puppet_headers(line, 1, 0, HEAD("/echo"), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, message, sizeof message);
	turn_until_heard(stand, "1 grpc-status: 8\n");
	grpc_server_limit_messages(stand->server, 1200);
	puppet_headers(line, 3, 0, HEAD("/echo"), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 3, message, sizeof message);
	turn_until_heard(stand, "3 grpc-status: 0\n");
}

static void metadata_has_a_limit(void **state)
{
	static char value[METADATA_BYTES + 1];
	static const char head[] = "te\0trailers\0content-type\0application/grpc\0x-seen\0"; /* all of it is kept */
	const size_t most = METADATA_BYTES - sizeof head; /* with the last NUL */
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	memset(value, 'v', most);
	puppet_headers(line, 1, 0, HEAD("/echo"), "x-seen", value, NULL);
	say(line, 1, FLAG_END_STREAM, "hi");
	turn_until_heard(stand, "1 end\n");
	assert_int_equal(strlen(stand->seen), most);
	value[most] = 'v';
	puppet_headers(line, 3, 0, HEAD("/echo"), "x-seen", value, NULL);
	say(line, 3, FLAG_END_STREAM, "hi");
	turn_until_heard(stand, "3 grpc-status: 8\n3 grpc-message: the metadata has more than 150 bytes\n3 end\n");
}

static void a_deadline_of_nothing_has_passed(void **state)
{
	struct talk_stand *stand = *state;
	struct puppet_line *line = talk_dial(stand);
	(void)snprintf(stand->seen, sizeof stand->seen, "not called");
	puppet_headers(line, 1, 0, HEAD("/echo"), "grpc-timeout", "0m", NULL);
	say(line, 1, FLAG_END_STREAM, "hi");
	turn_until_heard(stand, "1 grpc-status: 4\n");
	assert_string_equal(stand->seen, "not called");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALK_STORY(each_message_is_answered_at_once_until_the_caller_ends),
		TALK_STORY(messages_in_one_frame_and_cut_anywhere_are_answered_in_order),
		TALK_STORY(a_conversation_may_be_long),
		TALK_STORY(a_conversation_without_a_message_ends_well),
		TALK_STORY(a_message_that_is_cut_or_cannot_be_read_ends_it),
		TALK_STORY(a_caller_that_does_not_read_its_answers_is_asked_no_more),
		TALK_STORY(a_caller_that_reads_slowly_is_not_closed),
		TALK_STORY(a_deadline_and_a_drain_end_it),
		TALK_STORY(a_server_that_leaves_serves_it_until_it_drains),
		TALK_STORY(a_server_that_drains_right_after_it_leaves_ends_it),
		TALK_STORY(a_caller_that_leaves_takes_its_conversation_along),
		TALK_STORY(a_conversation_may_be_refused_before_it_begins),
		TALK_STORY(metadata_is_read_in_any_case_and_goes_before_an_answer),
		TALK_STORY(metadata_has_a_limit),
		TALK_STORY(a_refusal_has_kind_place_and_id_as_metadata),
		TALK_STORY(an_answer_counts_in_the_budget_of_bodies),
		TALK_STORY(the_limit_of_messages_may_change),
		TALK_STORY(a_deadline_of_nothing_has_passed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
