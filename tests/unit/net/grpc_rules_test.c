/* Calls by gRPC to servers that use what HTTP/2 allows: windows, padding, interim answers, long headers, pings; and to
 * servers that break its rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/grpc_stand.h"

enum { FLAG_PADDED = 8, SETTING_WINDOW = 4 };
enum { DEFAULT_WINDOW = 65535 };

static void set_one(struct puppet_line *line, unsigned char setting, uint32_t value)
{
	const unsigned char payload[] = {0,
					 setting,
					 (unsigned char)(value >> 24),
					 (unsigned char)(value >> 16),
					 (unsigned char)(value >> 8),
					 (unsigned char)value};
	puppet_frame(line, FRAME_SETTINGS, 0, 0, payload, sizeof payload);
}

static void turn_for_ms(struct stand *stand, int64_t ms)
{
	for (int64_t until = loop_now_ms(stand->loop) + ms; loop_now_ms(stand->loop) < until;)
		turn(stand);
}

/* ---- windows ---- */

/* A line whose server has greeted by settings of the story's. */
static struct puppet_line *greet(struct stand *stand, uint32_t window)
{
	stand->puppet.mute = 1; /* its own settings, and acknowledgements, are not sent */
	while (stand->puppet.line_count == 0 || !stand->puppet.lines[0].greeted)
		turn(stand);
	set_one(&stand->puppet.lines[0], SETTING_WINDOW, window);
	return &stand->puppet.lines[0];
}

static void assert_sent(struct stand *stand, int64_t bytes)
{
	turn_for_ms(stand, 40);
	assert_int_equal(stand->puppet.data_bytes, bytes);
}

/* The puppet widens the connection's window by what has come, so here the stream's is what counts. */
static void a_message_goes_as_far_as_its_window(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = say_yes;
	stand->puppet.mute = 1;
	begin_with(stand, 0, TEXT("0123456789"), 5000); /* 15 bytes with the prefix */
	struct puppet_line *line = greet(stand, 3);
	assert_sent(stand, 3); /* not even the prefix */
	set_one(line, SETTING_WINDOW, 1);
	puppet_number(line, FRAME_WINDOW, 1, 2); /* the window was -2, and is 0 */
	assert_sent(stand, 3);
	puppet_number(line, FRAME_WINDOW, 1, 4);
	assert_sent(stand, 7);
	set_one(line, SETTING_WINDOW, 5);
	assert_sent(stand, 11);
	puppet_number(line, FRAME_WINDOW, 1, 100);
	turn_until_told(stand, 1);
	assert_string_equal(stand->calls[0].text, "yes");
	assert_int_equal(stand->puppet.data_bytes, 15);
}

static void messages_go_as_far_as_the_connections_window(void **state)
{
	static char much[50000];
	struct stand *stand = *state;
	stand->puppet.asked = say_yes;
	stand->puppet.stingy = 1;
	begin_with(stand, 0, (struct text){much, sizeof much}, 5000);
	begin_with(stand, 1, (struct text){much, sizeof much}, 5000);
	while (stand->puppet.line_count == 0)
		turn(stand);
	assert_sent(stand, DEFAULT_WINDOW);
	puppet_number(&stand->puppet.lines[0], FRAME_WINDOW, 0, 20);
	assert_sent(stand, DEFAULT_WINDOW + 20);
	puppet_number(&stand->puppet.lines[0], FRAME_WINDOW, 0, 100000);
	turn_until_told(stand, 2);
	assert_int_equal(stand->puppet.data_bytes, 2 * (5 + sizeof much));
}

static void streams_share_the_connections_window_in_turns(void **state)
{
	static char much[100000];
	struct stand *stand = *state;
	stand->puppet.asked = say_yes;
	for (size_t i = 0; i < 10; i++)
		begin_with(stand, i, (struct text){much, sizeof much}, 20000);
	turn_until_told(stand, 10);
	assert_int_equal(stand->puppet.data_bytes, 10 * (5 + sizeof much));
}

static void answer_in_pieces(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_frame(line, FRAME_DATA, FLAG_PADDED, id, "\4\0\0\0\0\0\0\0\0", 9); /* four bytes of the prefix, and padding */
	puppet_frame(line, FRAME_DATA, FLAG_PADDED, id, "\0\3", 2);
	puppet_frame(line, FRAME_DATA, FLAG_PADDED, id, "\1y\0", 3);
	puppet_frame(line, FRAME_DATA, 0, id, "", 0);
	puppet_frame(line, FRAME_DATA, 0, id, "es", 2);
	puppet_trailers(line, id, "0", NULL);
}

static void padding_is_no_part_of_an_answer(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = answer_in_pieces;
	assert_string_equal(ask_once(stand)->text, "yes");
}

/* Streams that stay open while others come and go, answered in an odd order: each answer finds its own call. */
static void streams_end_in_any_order(void **state)
{
	struct stand *stand = *state;
	int32_t open[7];
	size_t count = 0, known = 0;
	stand->limits.streams = sizeof open / sizeof *open;
	for (size_t i = 0; i < 200; i++)
		begin(stand, i);
	while (stand->told < 200) {
		turn_until_asked(stand, known + 1 < 200 ? known + 1 : 200);
		while (known < stand->puppet.asked_count && count < sizeof open / sizeof *open)
			open[count++] = stand->puppet.ids[known++];
		size_t chosen = stand->told % 5 ? count - 1 : 0, before = stand->told;
		say_yes(&stand->puppet.lines[0], open[chosen]);
		open[chosen] = open[--count];
		turn_until_told(stand, before + 1);
		assert_string_equal(stand->calls[stand->order[before]].text, "yes");
	}
}

/* ---- headers ---- */

static void answer_after_interim(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, ":status", "103", "link", "</x>", NULL);
	puppet_headers(line, id, 0, ":status", "100", NULL);
	say_yes(line, id);
}

static void interim_answers_are_passed_over(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = answer_after_interim;
	assert_string_equal(ask_once(stand)->text, "yes");
}

static void answer_at_length(struct puppet_line *line, int32_t id)
{
	static char filler[40000];
	memset(filler, 'f', sizeof filler - 1);
	puppet_headers(line, id, 0, ":status", "200", "x-filler", filler, "content-type", "application/grpc", NULL);
	puppet_message(line, id, "yes");
	puppet_trailers(line, id, "0", NULL);
}

static void headers_may_take_several_frames(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = answer_at_length;
	assert_string_equal(ask_once(stand)->text, "yes");
}

/* An answer that ends before the message is sent: the rest of it is not sent. */
static void an_early_answer_ends_the_request(void **state)
{
	static char much[200000];
	struct stand *stand = *state;
	stand->puppet.mute = 1;
	begin_with(stand, 0, (struct text){much, sizeof much}, 5000);
	struct puppet_line *line = greet(stand, DEFAULT_WINDOW);
	assert_sent(stand, DEFAULT_WINDOW);
	puppet_headers(line, 1, FLAG_END_STREAM, ":status", "200", "content-type", "application/grpc", "grpc-status", "8", NULL);
	turn_until_told(stand, 1);
	assert_int_equal(stand->calls[0].reply.status, 8);
	turn_for_ms(stand, 20);
	assert_int_equal(stand->puppet.resets, 1);
	stand->puppet.asked = say_yes;
	begin(stand, 1);
	turn_until_told(stand, 2);
	assert_string_equal(stand->calls[1].text, "yes");
	assert_int_equal(stand->puppet.line_count, 1);
}

/* ---- rules that are broken ---- */

static size_t rule;

static const struct {
	const char *words; /* of the failure */
	int type, flags;
	int32_t id; /* -1: the call's */
	const char *payload;
	size_t length;
} rules[] = {
	{"FLOW_CONTROL_ERROR", FRAME_WINDOW, 0, 0, "\x7f\xff\xff\xff", 4},
	{"PROTOCOL_ERROR", FRAME_WINDOW, 0, 0, "\0\0\0\0", 4},
	{"PROTOCOL_ERROR", FRAME_WINDOW, 0, 99, "\0\0\0\1", 4},
	{"FLOW_CONTROL_ERROR", FRAME_WINDOW, 0, -1, "\x7f\xff\xff\xff", 4},
	{"PROTOCOL_ERROR", FRAME_WINDOW, 0, -1, "\0\0\0\0", 4},
	{"PROTOCOL_ERROR", FRAME_RESET, 0, 99, "\0\0\0\0", 4},
	{"PROTOCOL_ERROR", FRAME_RESET, 0, 2, "\0\0\0\0", 4},
	{"PROTOCOL_ERROR", FRAME_DATA, 0, 99, "", 0},
	{"PROTOCOL_ERROR", FRAME_SETTINGS, 0, 0, "\0\2\0\0\0\1", 6},
	{"FLOW_CONTROL_ERROR", FRAME_SETTINGS, 0, 0, "\0\4\x80\0\0\0", 6},
	{"PROTOCOL_ERROR", FRAME_SETTINGS, 0, 0, "\0\5\0\0\x3f\xff", 6},
	{"PROTOCOL_ERROR", FRAME_SETTINGS, 0, 0, "\0\5\1\0\0\0", 6},
	{"FRAME_SIZE_ERROR", FRAME_PING, 0, 0, "1234567", 7},
	{"PROTOCOL_ERROR", FRAME_PUSH, 0, -1, "\0\0\0\2", 4},
	{"PROTOCOL_ERROR", FRAME_CONTINUATION, 0, -1, "", 0},
	{"PROTOCOL_ERROR", FRAME_HEADERS, FLAG_END_HEADERS, -1, "\0\3foo\3bar", 9}, /* no status */
	{"PROTOCOL_ERROR", FRAME_HEADERS, FLAG_END_HEADERS | 1, -1,
	 "\x8\3"
	 "100",
	 5}, /* interim, and the end */
	{"PROTOCOL_ERROR", FRAME_HEADERS, FLAG_END_HEADERS, -1,
	 "\x8\3"
	 "101",
	 5}, /* of HTTP/1 only */
	{"PROTOCOL_ERROR", FRAME_HEADERS, FLAG_END_HEADERS | 1, -1,
	 "\x88\xf\xd\1"
	 "5",
	 5}, /* 5 bytes, and none come */
};

static void break_rule(struct puppet_line *line, int32_t id)
{
	puppet_frame(line, rules[rule].type, rules[rule].flags, rules[rule].id < 0 ? id : rules[rule].id, rules[rule].payload,
		     rules[rule].length);
}

static void broken_rules_are_named(void **state)
{
	struct stand *stand = *state;
	for (rule = 0; rule < sizeof rules / sizeof *rules; rule++) {
		stand->puppet.asked = break_rule;
		begin(stand, 0);
		turn_until_told(stand, stand->told + 1);
		if (stand->calls[0].reply.error.kind != ERROR_REMOTE ||
		    !strstr(stand->calls[0].reply.error.text, rules[rule].words) ||
		    !strstr(stand->calls[0].reply.error.text, "the rules of HTTP/2"))
			fail_msg("row %zu: `%s`, not %s", rule, stand->calls[0].reply.error.text, rules[rule].words);
		stand->puppet.asked = say_yes; /* the client is as good as new */
		begin(stand, 1);
		turn_until_told(stand, stand->told + 1);
		assert_string_equal(stand->calls[1].text, "yes");
		if (stand->puppet.lines[stand->puppet.line_count - 1].watch.descriptor >= 0 && stand->puppet.line_count > 12) {
			puppet_hang_up_all(&stand->puppet);
			turn_for_ms(stand, 10);
			stand->puppet.line_count = 0;
		}
	}
}

static void two_heads(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_begin_answer(line, id);
}

static void headers_twice_are_against_the_rules(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = two_heads;
	assert_fails(ask_once(stand), ERROR_REMOTE, "against the rules of HTTP/2 (PROTOCOL_ERROR)");
}

static void status_in_trailers(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_message(line, id, "yes");
	puppet_headers(line, id, FLAG_END_STREAM, ":status", "200", "grpc-status", "0", NULL);
}

static void trailers_have_no_status_of_http(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = status_in_trailers;
	assert_fails(ask_once(stand), ERROR_REMOTE, "against the rules of HTTP/2 (PROTOCOL_ERROR)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_message_goes_as_far_as_its_window),
		STORY(messages_go_as_far_as_the_connections_window),
		STORY(streams_end_in_any_order),
		STORY(streams_share_the_connections_window_in_turns),
		STORY(padding_is_no_part_of_an_answer),
		STORY(interim_answers_are_passed_over),
		STORY(headers_may_take_several_frames),
		STORY(an_early_answer_ends_the_request),
		STORY(broken_rules_are_named),
		STORY(headers_twice_are_against_the_rules),
		STORY(trailers_have_no_status_of_http),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
