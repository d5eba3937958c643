/* Calls of a model over HTTP, with a server on the same loop that answers by a script:
 * one line of the script for each request, in the order they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "tests/unit/caller_stand.h"
#include "models/calls/chaos.h"
#include "models/calls/wire.h"

#define SUM "{\"model_name\":\"m\",\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[3]}]}"
#define SAYS_SUM SAYS(200, SUM)

static int set_up(void **state)
{
	static struct caller_stand stand;
	caller_stand_open(&stand);
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	caller_stand_close(*state);
	return 0;
}

/* ---- the stories ---- */

static void a_call_goes_out_as_json_and_comes_back_as_tensors(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS_SUM);
	struct call *call = caller_stand_begin(stand, 0);
	assert_string_equal(stand->order, ""); /* never before the caller has returned */
	caller_stand_wait(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_float_equal(tensor_number(tensors_find(call->reply->tensors, TEXT("y")), 0), 3, 0);
	assert_non_null(strstr(stand->last_request, "POST /v2/models/m/infer HTTP/1.1\r\n"));
	assert_non_null(strstr(stand->last_request, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(stand->last_request, "\"r-1\""));
}

static void what_the_caller_got_wrong_is_said_in_the_servers_words_and_not_repeated(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS(400, "{\"error\":\"x must be \\\"big\\\"\",\"code\":7}"));
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_int_equal(call->error.kind, ERROR_INPUT);
	assert_non_null(strstr(call->error.text, "x must be \"big\""));
	assert_int_equal(stand->requests, 1);
}

static void an_overloaded_server_is_asked_again(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS(503, "busy"), HANGS_UP, SAYS_SUM);
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_non_null(call->reply);
	assert_int_equal(stand->requests, 3);
}

static void a_server_that_stays_broken_is_remote_with_its_last_words(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS(500, "one"), SAYS(500, "two"), SAYS(500, "plain words"));
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_int_equal(call->error.kind, ERROR_REMOTE);
	assert_non_null(strstr(call->error.text, "plain words"));
}

static void a_server_that_sends_its_callers_elsewhere_says_nothing_else(void **state)
{
	struct caller_stand *stand = *state;
	static const char page[] = "<html>moved</html>";
	caller_stand_plays(stand, SAYS(301, page), SAYS(301, page), SAYS(301, page));
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_int_equal(call->error.kind, ERROR_REMOTE);
	assert_non_null(strstr(call->error.text, "another address, which is not followed"));
	assert_non_null(strstr(call->error.text, "status 301"));
}

static void calls_beyond_the_limit_wait_in_line_in_order(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, IS_SILENT, SAYS_SUM, SAYS_SUM, SAYS_SUM, SAYS_SUM, SAYS_SUM);
	for (size_t i = 0; i < 5; i++)
		caller_stand_begin(stand, i);
	caller_stand_wait(stand, 4);
	assert_int_equal(stand->requests, 5);
	assert_string_equal(stand->order + 1, "234"); /* one of the first two was left without an answer */
}

/* ---- replies that lie unread ---- */

static struct {
	const struct wire_config *callers;
	struct wire_config own;
	int64_t unread_us;
	bool paused;
} overheard;

static void on_arrived(void *context, struct queued_call *queued_call, struct attempt *attempt)
{
	(void)context;
	overheard.callers->arrived(overheard.callers->context, queued_call, attempt);
	overheard.unread_us = attempt->unread_us;
}

static struct wire *overheard_open(void *context, struct loop *loop, const struct wire_config *config, struct error *error)
{
	overheard.callers = config;
	overheard.own = *config;
	overheard.own.arrived = on_arrived;
	return wire_usual.open(context, loop, &overheard.own, error);
}

static void on_paused(void *context, int64_t since_ms)
{
	(void)context, (void)since_ms;
	overheard.paused = true;
}

/* Where this thread is kept from its processor for as long as a pause, that is told otherwise: until once it is not. */
static void a_reply_has_been_unread_since_this_thread_looked(void **state)
{
	struct caller_stand *stand = *state;
	const struct timespec work = {.tv_nsec = 20 * (long)NS_PER_MS};
	static struct wire_operations operations; /* for longer than the caller */
	struct pause_watch watch = {.paused = on_paused};
	operations = wire_usual;
	operations.open = overheard_open;
	stand->config.wire = &operations;
	loop_watch_pauses(stand->loop, &watch);
	for (int i = 0; i == 0 || overheard.paused; i++) {
		assert_in_range(i, 0, 100);
		overheard.paused = false;
		caller_stand_plays(stand, SAYS_SUM);
		caller_stand_begin(stand, 0);
		while (stand->requests < 1)
			caller_stand_turn(stand, 5000);
		(void)nanosleep(&work, NULL);
		caller_stand_wait(stand, 1);
	}
	assert_true(overheard.unread_us >= work.tv_nsec / NS_PER_US);
	loop_unwatch_pauses(stand->loop, &watch);
}

static void a_forgotten_call_is_never_answered_and_makes_room(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, IS_SILENT, IS_SILENT, SAYS_SUM);
	for (size_t i = 0; i < 4; i++)
		caller_stand_begin(stand, i);
	while (stand->requests < 2)
		caller_stand_turn(stand, 5000);
	caller_forget(stand->caller, &stand->calls[2]); /* from the line */
	caller_forget(stand->caller, &stand->calls[0]); /* from the wire */
	caller_stand_wait(stand, 1);
	assert_string_equal(stand->order, "3");
	assert_int_equal(stand->requests, 3);
}

static void an_answer_beyond_the_limit_is_refused(void **state)
{
	static char much[2000];
	struct caller_stand *stand = *state;
	memset(much, 'x', sizeof much - 1);
	caller_stand_plays(stand, SAYS(200, much));
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_int_equal(call->error.kind, ERROR_LIMIT);
	assert_non_null(strstr(call->error.text, "1024"));
}

static void a_model_without_an_endpoint_is_a_fault_of_the_configuration(void **state)
{
	struct caller_stand *stand = *state;
	struct call call = {.name = "unknown", .message = &stand->message};
	struct error error = {0};
	caller_stand_ensure(stand);
	assert_false(caller_call(stand->caller, &call, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "unknown"));
}

static void a_model_that_is_away_is_waited_for(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS_SUM, SAYS_SUM, SAYS_SUM, SAYS_SUM, SAYS_SUM, SAYS_SUM);
	int listener = stand->listener.descriptor;
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	loop_unwatch(stand->loop, &stand->listener);
	close(listener);
	for (size_t i = 0; i < 6; i++)
		caller_stand_begin(stand, i);
	int64_t until_ms = loop_now_ms(stand->loop) + 700;
	while (loop_now_ms(stand->loop) < until_ms)
		caller_stand_turn(stand, 10);
	assert_string_equal(stand->order, "");
	assert_string_equal(stand->told, "away ");
	listener = socket(AF_INET, SOCK_STREAM, 0);
	int yes = 1;
	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, CALLER_STAND_CONNECTIONS), 0);
	assert_true(loop_watch(stand->loop, &stand->listener, listener, EPOLLIN, &(struct error){0}));
	caller_stand_wait(stand, 6);
	assert_string_equal(stand->told, "away back ");
	for (int i = 0; i < 6; i++) {
		assert_string_equal(stand->calls[i].error.text, "");
		assert_int_equal(stand->calls[i].attempts, 1);
	}
}

/* Its model is not counted as unreachable any more, whoever calls it then. */
static void a_caller_that_closes_takes_back_that_its_model_is_away(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS_SUM);
	loop_unwatch(stand->loop, &stand->listener);
	close(stand->listener.descriptor);
	caller_stand_begin(stand, 0);
	int64_t until_ms = loop_now_ms(stand->loop) + 20000;
	while (!stand->told[0] && loop_now_ms(stand->loop) < until_ms)
		caller_stand_turn(stand, 10);
	assert_string_equal(stand->told, "away ");
	caller_close(stand->caller);
	stand->caller = NULL;
	assert_string_equal(stand->told, "away left ");
	stand->listener.descriptor = socket(AF_INET, SOCK_STREAM, 0); /* which the stand closes */
	assert_true(loop_watch(stand->loop, &stand->listener, stand->listener.descriptor, EPOLLIN, &(struct error){0}));
}

static void a_callers_deadline_goes_along(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS_SUM);
	stand->message.deadline_ms = loop_now_ms(stand->loop) + 5000;
	caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	const char *header = strstr(stand->last_request, "x-deadline-ms: ");
	assert_non_null(header);
	long long deadline_ms = strtoll(header + strlen("x-deadline-ms: "), NULL, 10);
	assert_in_range(deadline_ms, time_of_day_ms(), time_of_day_ms() + 5000);
}

#define TRACE_PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void the_trace_of_a_request_goes_along(void **state)
{
	const struct header headers[] = {
		{TEXT("x-mine"), TEXT("m")}, {TEXT("Traceparent"), TEXT(TRACE_PARENT)}, {TEXT("tracestate"), TEXT("a=1,b=2")}};
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS_SUM);
	stand->message.headers = (struct headers){3, headers};
	stand->message.deadline_ms = loop_now_ms(stand->loop) + 5000;
	caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_non_null(strstr(stand->last_request, "\r\ntraceparent: " TRACE_PARENT "\r\n"));
	assert_non_null(strstr(stand->last_request, "\r\ntracestate: a=1,b=2\r\n"));
	assert_non_null(strstr(stand->last_request, "\r\nx-deadline-ms: "));
	assert_null(strstr(stand->last_request, "x-mine"));
}

/* Any producer may have written the record. */
static void a_trace_that_is_no_text_of_a_header_costs_no_call(void **state)
{
	const struct header headers[] = {{TEXT("traceparent"), TEXT(TRACE_PARENT "\r\nx: y")}, {TEXT("tracestate"), TEXT("a=1")}},
				   state_alone[] = {{TEXT("traceparent"), TEXT(TRACE_PARENT)}, {TEXT("tracestate"), TEXT("a\n=1")}};
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS_SUM);
	stand->message.headers = (struct headers){2, headers};
	assert_string_equal(caller_stand_begin(stand, 0)->error.text, "");
	caller_stand_wait(stand, 1);
	assert_null(strstr(stand->last_request, "trace"));
	caller_stand_plays(stand, SAYS_SUM);
	stand->message.headers = (struct headers){2, state_alone};
	assert_string_equal(caller_stand_begin(stand, 0)->error.text, "");
	caller_stand_wait(stand, 1);
	assert_non_null(strstr(stand->last_request, "\r\ntraceparent: " TRACE_PARENT "\r\n"));
	assert_null(strstr(stand->last_request, "tracestate"));
}

static void the_models_parameters_go_along_behind_the_requests(void **state)
{
	static const struct parameter parameter = {.name = {"batch_size", 10}, .type = PARAMETER_INTEGER, .value.integer = 32};
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS_SUM);
	stand->model.parameters = (struct parameters){1, &parameter};
	caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_non_null(strstr(stand->last_request, "\"parameters\":{\"batch_size\":32}"));
}

static void a_model_that_is_not_loaded_yet_is_asked_again(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, SAYS(404, "{\"error\":\"no model m\"}"), SAYS_SUM);
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_int_equal(call->attempts, 2);
}

static void tensors_go_as_binary_data_where_the_server_offers_it(void **state)
{
	struct caller_stand *stand = *state;
	stand->metadata = "{\"name\":\"s\",\"extensions\":[\"binary_tensor_data\"]}";
	caller_stand_plays(stand, SAYS_SUM);
	caller_stand_ensure(stand);
	while (stand->questions < 1)
		caller_stand_turn(stand, 1000);
	for (int i = 0; i < 20; i++) /* the answer is on its way */
		caller_stand_turn(stand, 5);
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_non_null(strstr(stand->last_request, "Inference-Header-Content-Length: "));
	assert_non_null(strstr(stand->last_request, "\"binary_data_size\":8"));
}

static void other_protocols_are_spoken_where_the_address_says_so(void **state)
{
	static const struct {
		const char *path, *sent, *answer, *name;
	} rows[] = {
		{"/v1", "{\"instances\":[1.0,2.0]}", "{\"predictions\":[3]}", "output-0"},
		{"/api/v1.0/predictions", "{\"meta\":{\"puid\":\"r-1\"},\"data\":{\"names\":[],\"ndarray\":[1.0,2.0]}}",
		 "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[3.0]}}", "data"},
		{"/invocations", "{\"inputs\":[1.0,2.0]}", "{\"predictions\":[3.0]}", "output-0"},
	};
	struct caller_stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		caller_stand_plays(stand, SAYS(200, rows[i].answer));
		stand->model.addresses =
			addresses_read(arena_print(stand->arena, "%s%s", stand->base, rows[i].path), "m", true, stand->arena);
		struct call *call = caller_stand_begin(stand, 0);
		caller_stand_wait(stand, 1);
		assert_string_equal(call->error.text, "");
		assert_non_null(strstr(stand->last_request, rows[i].sent));
		assert_float_equal(tensor_number(tensors_find(call->reply->tensors, text_of(rows[i].name)), 0), 3, 0);
		caller_close(stand->caller);
		stand->caller = NULL;
	}
}

/* ---- rehearsals ---- */

static void rehearse(struct caller_stand *stand, const char *rules)
{
	struct error error = {0};
	stand->config.wire = &wire_chaos;
	stand->config.wire_context = chaos_read(rules, stand->arena, &error);
	assert_string_equal(error.text, "");
}

static void a_rehearsed_error_is_an_answer_without_asking_the_model(void **state)
{
	struct caller_stand *stand = *state;
	rehearse(stand, "model m: 503");
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_int_equal(call->error.kind, ERROR_REMOTE);
	assert_non_null(strstr(call->error.text, "503"));
	assert_non_null(strstr(call->error.text, "chaos"));
	assert_int_equal(call->attempts, 3);
	assert_int_equal(stand->requests, 0);
}

static void a_rehearsed_delay_comes_before_the_models_answer(void **state)
{
	struct caller_stand *stand = *state;
	rehearse(stand, "models: +80ms, +40ms; model other: 503");
	caller_stand_plays(stand, SAYS_SUM);
	struct call *call = caller_stand_begin(stand, 0);
	int64_t begun_ms = loop_now_ms(stand->loop);
	caller_stand_wait(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_in_range(loop_now_ms(stand->loop) - begun_ms, 119, 5000);
	assert_int_equal(stand->requests, 1);
}

static void a_delay_beyond_the_timeout_is_a_timeout(void **state)
{
	struct caller_stand *stand = *state;
	rehearse(stand, "model m: silent");
	stand->model.timeout_ms = 20;
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	assert_int_equal(call->error.kind, ERROR_REMOTE);
	assert_non_null(strstr(call->error.text, "20 ms"));
	assert_int_equal(stand->requests, 0);
}

#define WORK_MS 40 /* less than the pause before a second attempt */

/* What the loop's thread does before it makes the call: the time of the last wake-up is then that far behind. */
static struct call *begin_after_work(struct caller_stand *stand)
{
	caller_stand_ensure(stand);
	const int64_t until_us = loop_clock_us(stand->loop) + WORK_MS * US_PER_MS;
	while (loop_clock_us(stand->loop) < until_us)
		;
	stand->message.deadline_ms = loop_clock_us(stand->loop) / US_PER_MS + 2 * WORK_MS;
	struct call *call = caller_stand_begin(stand, 0);
	caller_stand_wait(stand, 1);
	return call;
}

/* It had 30 s for its answer. The time that its message had left ended before, and that is what is told. */
static void what_a_deadline_ends_is_told_so_however_busy_the_thread_is(void **state)
{
	struct caller_stand *stand = *state;
	caller_stand_plays(stand, IS_SILENT);
	const struct call *call = begin_after_work(stand);
	assert_int_equal(call->error.kind, ERROR_LIMIT);
	assert_non_null(strstr(call->error.text, "m : the deadline passed before"));
	assert_true(loop_clock_us(stand->loop) / US_PER_MS >= stand->message.deadline_ms);
}

static void so_is_what_it_ends_of_a_rehearsal(void **state)
{
	struct caller_stand *stand = *state;
	rehearse(stand, "model m: silent");
	assert_non_null(strstr(begin_after_work(stand)->error.text, "m : the deadline passed before"));
	assert_int_equal(stand->requests, 0);
}

static void what_is_held_back_can_be_forgotten(void **state)
{
	struct caller_stand *stand = *state;
	rehearse(stand, "model m: +10s");
	caller_stand_plays(stand, SAYS_SUM);
	caller_stand_begin(stand, 0);
	caller_stand_turn(stand, 0);
	caller_forget(stand->caller, &stand->calls[0]);
	caller_stand_turn(stand, 10);
	assert_string_equal(stand->order, "");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_call_goes_out_as_json_and_comes_back_as_tensors),
		STORY(what_the_caller_got_wrong_is_said_in_the_servers_words_and_not_repeated),
		STORY(an_overloaded_server_is_asked_again),
		STORY(a_server_that_stays_broken_is_remote_with_its_last_words),
		STORY(a_server_that_sends_its_callers_elsewhere_says_nothing_else),
		STORY(calls_beyond_the_limit_wait_in_line_in_order),
		STORY(a_reply_has_been_unread_since_this_thread_looked),
		STORY(a_forgotten_call_is_never_answered_and_makes_room),
		STORY(an_answer_beyond_the_limit_is_refused),
		STORY(a_model_that_is_away_is_waited_for),
		STORY(a_caller_that_closes_takes_back_that_its_model_is_away),
		STORY(a_callers_deadline_goes_along),
		STORY(the_trace_of_a_request_goes_along),
		STORY(a_trace_that_is_no_text_of_a_header_costs_no_call),
		STORY(the_models_parameters_go_along_behind_the_requests),
		STORY(a_model_that_is_not_loaded_yet_is_asked_again),
		STORY(tensors_go_as_binary_data_where_the_server_offers_it),
		STORY(other_protocols_are_spoken_where_the_address_says_so),
		STORY(a_model_without_an_endpoint_is_a_fault_of_the_configuration),
		STORY(a_rehearsed_error_is_an_answer_without_asking_the_model),
		STORY(a_rehearsed_delay_comes_before_the_models_answer),
		STORY(a_delay_beyond_the_timeout_is_a_timeout),
		STORY(what_a_deadline_ends_is_told_so_however_busy_the_thread_is),
		STORY(so_is_what_it_ends_of_a_rehearsal),
		STORY(what_is_held_back_can_be_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
