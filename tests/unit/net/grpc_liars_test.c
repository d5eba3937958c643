/* Calls by gRPC to servers that lie: each lie is told to the caller by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/grpc_stand.h"

static void assert_lie(struct stand *stand, void (*lie)(struct puppet_line *line, int32_t id), const char *words)
{
	stand->puppet.asked = lie;
	assert_fails(ask_once(stand), ERROR_REMOTE, words);
	stand->puppet.asked = say_yes; /* the client is as good as new */
	begin(stand, 1);
	turn_until_told(stand, 2);
	assert_string_equal(stand->calls[1].text, "yes");
}

static void without_trailers(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_message(line, id, "yes");
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, NULL, 0);
}

static void an_answer_without_trailers(void **state)
{
	assert_lie(*state, without_trailers, "without a grpc-status at its end");
}

static void status_at_the_beginning_only(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, ":status", "200", "content-type", "application/grpc", "grpc-status", "0", NULL);
	puppet_message(line, id, "yes");
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, NULL, 0);
}

static void a_status_that_is_not_at_the_end(void **state)
{
	assert_lie(*state, status_at_the_beginning_only, "without a grpc-status at its end");
}

static void trailers_without_status(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_message(line, id, "yes");
	puppet_headers(line, id, FLAG_END_STREAM, "x-other", "1", NULL);
}

static void trailers_that_say_no_status(void **state)
{
	assert_lie(*state, trailers_without_status, "without a grpc-status at its end");
}

static void status_in_words(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_trailers(line, id, "fine", "words");
}

static void a_status_that_is_no_number_is_unknown(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = status_in_words;
	struct call *call = ask_once(stand);
	assert_int_equal(call->reply.status, 2);
	assert_string_equal(call->text, "words");
}

static void nothing_but_ok(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_trailers(line, id, "0", NULL);
}

static void an_ok_without_a_message(void **state)
{
	assert_lie(*state, nothing_but_ok, "OK, but without a message");
}

static void cut_short(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_frame(line, FRAME_DATA, 0, id, "\0\0\0\0\11yes", 8);
	puppet_trailers(line, id, "0", NULL);
}

static void a_message_shorter_than_its_prefix_says(void **state)
{
	assert_lie(*state, cut_short, "OK, but cut its message short");
}

static void overlong(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_frame(line, FRAME_DATA, 0, id, "\0\0\0\0\2yes", 8);
	puppet_trailers(line, id, "0", NULL);
}

static void a_message_longer_than_its_prefix_says(void **state)
{
	assert_lie(*state, overlong, "with more than one message, or a longer one than announced");
}

static void two_messages(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_message(line, id, "yes");
	puppet_message(line, id, "no");
	puppet_trailers(line, id, "0", NULL);
}

static void two_messages_to_one_question(void **state)
{
	assert_lie(*state, two_messages, "with more than one message");
}

static void compressed(struct puppet_line *line, int32_t id)
{
	puppet_begin_answer(line, id);
	puppet_frame(line, FRAME_DATA, 0, id, "\1\0\0\0\3yes", 8);
	puppet_trailers(line, id, "0", NULL);
}

static void a_compressed_message(void **state)
{
	assert_lie(*state, compressed, "with a compressed message, which was not asked for");
}

static void web_page(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, ":status", "200", "content-type", "text/html", NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, "<html>", 6);
}

static void a_page_instead_of_grpc(void **state)
{
	assert_lie(*state, web_page, "without gRPC, by its content-type");
}

static void in_http1(struct puppet_line *line, int32_t id)
{
	(void)id;
	const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
	puppet_say(line, answer, sizeof answer - 1);
}

static void http1_amidst_the_frames(void **state)
{
	assert_lie(*state, in_http1, "lost the connection: it broke the rules of HTTP/2");
}

/* Its first words: what a server of HTTP/1 says to the preface. */
static void assert_greeting(struct stand *stand, const void *greeting, size_t length, const char *words)
{
	stand->puppet.mute = 1;
	struct call *call = begin(stand, 0);
	while (stand->puppet.line_count == 0 || !stand->puppet.lines[0].greeted)
		turn(stand);
	puppet_say(&stand->puppet.lines[0], greeting, length);
	turn_until_told(stand, 1);
	assert_fails(call, ERROR_REMOTE, words);
	assert_true(call->reply.unprocessed);
}

static void a_server_of_http1(void **state)
{
	const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
	assert_greeting(*state, answer, sizeof answer - 1, "could not be reached: it uses HTTP/1, not HTTP/2");
}

static void a_server_of_something_else(void **state)
{
	const char answer[] = "220 mail.example.org ESMTP ready for whatever you may have to say\r\n";
	assert_greeting(*state, answer, sizeof answer - 1, "could not be reached: it broke the rules of HTTP/2");
}

static void capital_header(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, ":status", "200", "Content-Type", "application/grpc", NULL);
}

static void headers_that_http2_forbids(void **state)
{
	assert_lie(*state, capital_header, "against the rules of HTTP/2 (PROTOCOL_ERROR)");
}

static void data_first(struct puppet_line *line, int32_t id)
{
	puppet_message(line, id, "yes");
}

static void data_before_headers(void **state)
{
	assert_lie(*state, data_first, "HTTP/2");
}

static void bad_compression(struct puppet_line *line, int32_t id)
{
	puppet_frame(line, FRAME_HEADERS, FLAG_END_HEADERS, id, "\xff\xff\xff\xff\xff\xff", 6);
}

static void headers_that_cannot_be_decoded(void **state)
{
	assert_lie(*state, bad_compression, "COMPRESSION_ERROR");
}

static void giant_frame(struct puppet_line *line, int32_t id)
{
	(void)id;
	puppet_say(line, "\xff\xff\xff\0\0\0\0\0\1", 9);
}

static void a_frame_beyond_what_was_agreed(void **state)
{
	assert_lie(*state, giant_frame, "FRAME_SIZE_ERROR");
}

static void foreign_stream(struct puppet_line *line, int32_t id)
{
	puppet_answer(line, id + 100, "yes");
}

static void an_answer_nobody_asked_for(void **state)
{
	assert_lie(*state, foreign_stream, "HTTP/2");
}

static void unknown_frames_first(struct puppet_line *line, int32_t id)
{
	puppet_frame(line, 0xbe, 0xff, id, "whatever", 8);
	puppet_frame(line, 0xbf, 0, 0, "", 0);
	say_yes(line, id);
}

static void frames_of_unknown_types_are_passed_over(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = unknown_frames_first;
	assert_string_equal(ask_once(stand)->text, "yes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_answer_without_trailers),
		STORY(a_status_that_is_not_at_the_end),
		STORY(trailers_that_say_no_status),
		STORY(a_status_that_is_no_number_is_unknown),
		STORY(an_ok_without_a_message),
		STORY(a_message_shorter_than_its_prefix_says),
		STORY(a_message_longer_than_its_prefix_says),
		STORY(two_messages_to_one_question),
		STORY(a_compressed_message),
		STORY(a_page_instead_of_grpc),
		STORY(http1_amidst_the_frames),
		STORY(a_server_of_http1),
		STORY(a_server_of_something_else),
		STORY(headers_that_http2_forbids),
		STORY(data_before_headers),
		STORY(headers_that_cannot_be_decoded),
		STORY(a_frame_beyond_what_was_agreed),
		STORY(an_answer_nobody_asked_for),
		STORY(frames_of_unknown_types_are_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
