/* Calls by gRPC when things are in the way: few streams, a server that leaves, refuses or
 * dies, a deadline that passes, a caller that does not care any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/grpc_stand.h"

enum { CODE_REFUSED = 7, CODE_CANCEL = 8, CODE_CALM = 11 };

static void turn_for_ms(struct stand *stand, int64_t ms)
{
	for (int64_t until = loop_now_ms(stand->loop) + ms; loop_now_ms(stand->loop) < until;)
		turn(stand);
}

/* ---- few streams ---- */

static void calls_beyond_the_servers_streams_wait_in_order(void **state)
{
	struct stand *stand = *state;
	stand->puppet.streams = 2;
	for (size_t i = 0; i < 6; i++)
		begin(stand, i);
	turn_until_asked(stand, 2);
	turn_for_ms(stand, 50);
	assert_int_equal(stand->puppet.asked_count, 2); /* the others wait */
	stand->puppet.asked = say_yes;
	say_yes(&stand->puppet.lines[0], stand->puppet.ids[0]);
	say_yes(&stand->puppet.lines[0], stand->puppet.ids[1]);
	turn_until_told(stand, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(stand->order[i], i);
}

static void a_server_may_allow_fewer_streams_on_the_way(void **state)
{
	struct stand *stand = *state;
	for (size_t i = 0; i < 10; i++)
		begin(stand, i);
	turn_until_asked(stand, 10);
	struct puppet_line *line = &stand->puppet.lines[0];
	puppet_settings(line, 3);
	turn_for_ms(stand, 50);
	for (size_t i = 10; i < 20; i++)
		begin(stand, i);
	for (size_t i = 0; i < 8; i++)
		say_yes(line, stand->puppet.ids[i]); /* two are left: one more may come */
	turn_until_asked(stand, 11);
	turn_for_ms(stand, 50);
	assert_int_equal(stand->puppet.asked_count, 11);
	puppet_settings(line, 100);
	turn_until_asked(stand, 20);
	for (size_t i = 8; i < 20; i++)
		say_yes(line, stand->puppet.ids[i]);
	turn_until_told(stand, 20);
	assert_int_equal(stand->puppet.line_count, 1);
}

static void calls_beyond_one_connection_get_another(void **state)
{
	struct stand *stand = *state;
	stand->puppet.streams = 2;
	stand->limits.connections = 2;
	for (size_t i = 0; i < 5; i++)
		begin(stand, i);
	turn_until_asked(stand, 4);
	turn_for_ms(stand, 50);
	assert_int_equal(stand->puppet.asked_count, 4);
	assert_int_equal(stand->puppet.line_count, 2);
}

/* ---- servers that leave or refuse ---- */

static void after_goaway_what_it_accepted_ends_and_the_rest_goes_anew(void **state)
{
	struct stand *stand = *state;
	for (size_t i = 0; i < 4; i++)
		begin(stand, i);
	turn_until_asked(stand, 4);
	stand->puppet.asked = say_yes;
	puppet_goaway(&stand->puppet.lines[0], stand->puppet.ids[1], 0, "");
	begin(stand, 4);
	turn_until_told(stand, 3); /* on a new connection: 2, 3 and 4 */
	assert_int_equal(stand->puppet.line_count, 2);
	say_yes(&stand->puppet.lines[0], stand->puppet.ids[0]);
	say_yes(&stand->puppet.lines[0], stand->puppet.ids[1]);
	turn_until_told(stand, 5);
	const size_t expected[] = {2, 3, 4, 0, 1};
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(stand->order[i], expected[i]);
		assert_string_equal(stand->calls[i].text, "yes");
	}
	turn_for_ms(stand, 50);
	assert_int_equal(stand->puppet.lines[0].watch.descriptor, -1); /* it is closed when it has nothing left */
}

static void refuse_once(struct puppet_line *line, int32_t id)
{
	if (line->puppet->asked_count <= 2)
		puppet_number(line, FRAME_RESET, id, CODE_REFUSED);
	else
		say_yes(line, id);
}

static void refused_streams_go_anew(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = refuse_once;
	begin(stand, 0);
	begin(stand, 1);
	turn_until_told(stand, 2);
	assert_string_equal(stand->calls[0].text, "yes");
	assert_string_equal(stand->calls[1].text, "yes");
	assert_int_equal(stand->puppet.asked_count, 4);
}

static void refuse(struct puppet_line *line, int32_t id)
{
	puppet_number(line, FRAME_RESET, id, CODE_REFUSED);
}

static void a_server_that_always_refuses_is_told_to_the_caller(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = refuse;
	struct call *call = ask_once(stand);
	assert_fails(call, ERROR_REMOTE, "refused /inference.GRPCInferenceService/ModelInfer 7 times");
	assert_true(call->reply.unprocessed);
}

static void go_away_angrily(struct puppet_line *line, int32_t id)
{
	puppet_goaway(line, id, CODE_CALM, "too_many_pings");
	puppet_hang_up(line);
}

static void a_goaway_with_a_reason_is_the_reason_of_what_is_lost(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = go_away_angrily;
	struct call *call = ask_once(stand);
	assert_fails(call, ERROR_REMOTE, "ENHANCE_YOUR_CALM too_many_pings");
	assert_true(call->reply.lost);
}

static void reset_it(struct puppet_line *line, int32_t id)
{
	puppet_number(line, FRAME_RESET, id, CODE_CANCEL);
}

static void a_reset_stream_is_named(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = reset_it;
	assert_fails(ask_once(stand), ERROR_REMOTE, "by resetting the stream (CANCEL)");
}

/* ---- connections that come to nothing ---- */

static void hang_up(struct puppet_line *line, int32_t id)
{
	(void)id;
	puppet_hang_up(line);
}

static void a_connection_lost_during_the_call_is_told(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = hang_up;
	struct call *call = ask_once(stand);
	assert_fails(call, ERROR_REMOTE, "lost the connection");
	assert_true(call->reply.lost);
	assert_false(call->reply.unprocessed); /* it may have been */
	stand->puppet.asked = say_yes;
	begin(stand, 1); /* the next call gets a new one */
	turn_until_told(stand, 2);
	assert_string_equal(stand->calls[1].text, "yes");
}

static void a_refused_connection_is_told_to_all_who_wait(void **state)
{
	struct stand *stand = *state;
	loop_unwatch(stand->loop, &stand->puppet.listener);
	shutdown(stand->puppet.listener.descriptor, SHUT_RDWR); /* nobody listens there any more */
	begin(stand, 0);
	begin(stand, 1);
	turn_until_told(stand, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_fails(&stand->calls[i], ERROR_REMOTE, "could not be reached: Connection refused");
		assert_true(stand->calls[i].reply.lost);
		assert_true(stand->calls[i].reply.unprocessed);
	}
}

static void a_server_that_never_greets_is_told_in_time(void **state)
{
	struct stand *stand = *state;
	stand->puppet.mute = 1;
	stand->limits.connect_ms = 50;
	struct call *call = ask_once(stand);
	assert_fails(call, ERROR_REMOTE, "could not be reached: no HTTP/2 connection stood in time");
	assert_true(call->reply.unprocessed);
}

static void an_unknown_host_is_told(void **state)
{
	struct stand *stand = *state;
	memcpy(stand->address, "nowhere.invalid:1", sizeof "nowhere.invalid:1");
	assert_fails(ask_once(stand), ERROR_REMOTE, "nowhere.invalid:1 could not be reached");
}

static void a_name_is_looked_up(void **state)
{
	struct stand *stand = *state;
	char port[16];
	memcpy(port, strchr(stand->address, ':'), strlen(strchr(stand->address, ':')) + 1);
	memcpy(stand->address, "localhost", 9);
	memcpy(stand->address + 9, port, strlen(port) + 1);
	stand->puppet.asked = say_yes;
	assert_string_equal(ask_once(stand)->text, "yes");
}

static void an_address_without_a_port_is_no_address(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	struct grpc_call call = {.address = "somewhere", .path = "/a/B", .timeout_ms = 1};
	stand->grpc = grpc_open(stand->loop, &stand->limits, NULL, &error);
	assert_false(grpc_start(stand->grpc, &call, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
}

/* ---- time ---- */

static void a_deadline_ends_the_call_and_the_stream(void **state)
{
	struct stand *stand = *state;
	struct call *call = begin_with(stand, 0, TEXT("ask"), 60);
	turn_until_told(stand, 1);
	assert_fails(call, ERROR_REMOTE, "did not answer /inference.GRPCInferenceService/ModelInfer within 60 ms");
	assert_true(call->reply.timed_out);
	turn_for_ms(stand, 20);
	assert_int_equal(stand->puppet.resets, 1);
	assert_int_equal(stand->puppet.last_reset_code, CODE_CANCEL);
	say_yes(&stand->puppet.lines[0], stand->puppet.ids[0]); /* too late: nobody hears it */
	stand->puppet.asked = say_yes;
	begin(stand, 1);
	turn_until_told(stand, 2);
	assert_string_equal(stand->calls[1].text, "yes");
	assert_int_equal(stand->puppet.line_count, 1);
}

static void a_deadline_passes_in_the_line_too(void **state)
{
	struct stand *stand = *state;
	stand->puppet.streams = 1;
	begin(stand, 0);
	begin_with(stand, 1, TEXT("ask"), 60);
	turn_until_told(stand, 1);
	assert_true(stand->calls[1].reply.timed_out);
	assert_true(stand->calls[1].reply.unprocessed);
	assert_int_equal(stand->puppet.asked_count, 1);
}

static void a_call_whose_time_is_over_is_not_sent(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = say_yes;
	ask_once(stand);
	struct call *call = begin_with(stand, 1, TEXT("ask"), 0);
	turn_until_told(stand, 2);
	turn_for_ms(stand, 30);
	assert_true(call->reply.timed_out);
	assert_true(call->reply.unprocessed);
	assert_int_equal(stand->puppet.asked_count, 1);
}

static void a_dead_server_is_noticed_by_a_ping(void **state)
{
	struct stand *stand = *state;
	stand->limits.silence_ms = 40;
	struct call *call = begin(stand, 0);
	turn_until_asked(stand, 1);
	stand->puppet.mute = 1;
	turn_until_told(stand, 1);
	assert_fails(call, ERROR_REMOTE, "stopped answering");
	assert_int_equal(stand->puppet.pings, 1);
}

/* Each call ends at its deadline before the server has been silent for long enough, and none is open for longer. */
static void a_dead_server_is_noticed_though_no_call_lasts(void **state)
{
	struct stand *stand = *state;
	stand->limits.silence_ms = 100;
	stand->puppet.asked = say_yes;
	ask_once(stand);
	stand->puppet.asked = NULL;
	stand->puppet.mute = stand->puppet.stingy = 1;
	for (size_t calls = 2; calls < 20 && stand->puppet.line_count == 1; calls++) {
		begin_with(stand, 1, TEXT("ask"), 30);
		turn_until_told(stand, calls);
	}
	assert_int_equal(stand->puppet.line_count, 2);
}

static void a_slow_server_is_pinged_twice_and_then_left_in_peace(void **state)
{
	struct stand *stand = *state;
	stand->limits.silence_ms = 20;
	begin(stand, 0);
	turn_for_ms(stand, 400);
	assert_int_equal(stand->puppet.pings, 2);
	assert_int_equal(stand->told, 0);
}

static void an_idle_connection_is_closed(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = say_yes;
	stand->limits.connection_idle_s = 0;
	stand->limits.silence_ms = 20; /* it is looked after so often */
	ask_once(stand);
	for (int looks = 0; looks < 100 && stand->puppet.lines[0].watch.descriptor != -1; looks++)
		turn_for_ms(stand, 20);
	assert_int_equal(stand->puppet.lines[0].watch.descriptor, -1);
	assert_int_equal(stand->puppet.goaways, 1);
	begin(stand, 1);
	turn_until_told(stand, 2);
	assert_int_equal(stand->puppet.line_count, 2);
}

/* ---- calls that nobody waits for ---- */

static void a_forgotten_call_is_never_told_and_makes_room(void **state)
{
	struct stand *stand = *state;
	stand->puppet.streams = 2;
	for (size_t i = 0; i < 4; i++)
		begin(stand, i);
	turn_until_asked(stand, 2);
	grpc_forget(stand->grpc, &stand->calls[2].call); /* from the line */
	grpc_forget(stand->grpc, &stand->calls[0].call); /* from the wire */
	stand->puppet.asked = say_yes;
	turn_until_told(stand, 1);
	assert_int_equal(stand->order[0], 3);
	assert_int_equal(stand->puppet.resets, 1);
	assert_int_equal(stand->puppet.asked_count, 3);
}

static void a_call_forgotten_before_it_was_sent_keeps_no_stream(void **state)
{
	struct stand *stand = *state;
	stand->puppet.streams = 1;
	stand->puppet.asked = say_yes;
	ask_once(stand);
	for (size_t i = 0; i < 5; i++) {
		struct call *call = begin(stand, 1 + i);
		grpc_forget(stand->grpc, &call->call);
	}
	begin(stand, 6);
	turn_until_told(stand, 2);
	assert_string_equal(stand->calls[6].text, "yes");
	assert_int_equal(stand->puppet.asked_count, 2);
}

static void forget_the_next(struct grpc_call *grpc_call, const struct grpc_reply *reply)
{
	(void)reply;
	struct call *call = grpc_call->context;
	call->stand->told++;
	grpc_forget(call->stand->grpc, &(call + 1)->call);
}

static void done_may_forget_others(void **state)
{
	struct stand *stand = *state;
	begin(stand, 0)->call.done = forget_the_next;
	begin(stand, 1);
	turn_until_asked(stand, 2);
	say_yes(&stand->puppet.lines[0], stand->puppet.ids[0]); /* both are known in one turn */
	say_yes(&stand->puppet.lines[0], stand->puppet.ids[1]);
	turn_for_ms(stand, 50);
	assert_int_equal(stand->told, 1);
	assert_int_equal(stand->calls[1].told, 0);
}

static void closing_forgets_what_is_under_way(void **state)
{
	struct stand *stand = *state;
	stand->puppet.streams = 1;
	begin(stand, 0);
	begin(stand, 1);
	turn_until_asked(stand, 1);
	grpc_close(stand->grpc);
	stand->grpc = NULL;
	turn_for_ms(stand, 30);
	assert_int_equal(stand->told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(calls_beyond_the_servers_streams_wait_in_order),
		STORY(a_server_may_allow_fewer_streams_on_the_way),
		STORY(calls_beyond_one_connection_get_another),
		STORY(after_goaway_what_it_accepted_ends_and_the_rest_goes_anew),
		STORY(refused_streams_go_anew),
		STORY(a_server_that_always_refuses_is_told_to_the_caller),
		STORY(a_goaway_with_a_reason_is_the_reason_of_what_is_lost),
		STORY(a_reset_stream_is_named),
		STORY(a_connection_lost_during_the_call_is_told),
		STORY(a_refused_connection_is_told_to_all_who_wait),
		STORY(a_server_that_never_greets_is_told_in_time),
		STORY(an_unknown_host_is_told),
		STORY(a_name_is_looked_up),
		STORY(an_address_without_a_port_is_no_address),
		STORY(a_deadline_ends_the_call_and_the_stream),
		STORY(a_deadline_passes_in_the_line_too),
		STORY(a_call_whose_time_is_over_is_not_sent),
		STORY(a_dead_server_is_noticed_by_a_ping),
		STORY(a_dead_server_is_noticed_though_no_call_lasts),
		STORY(a_slow_server_is_pinged_twice_and_then_left_in_peace),
		STORY(an_idle_connection_is_closed),
		STORY(a_forgotten_call_is_never_told_and_makes_room),
		STORY(a_call_forgotten_before_it_was_sent_keeps_no_stream),
		STORY(done_may_forget_others),
		STORY(closing_forgets_what_is_under_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
