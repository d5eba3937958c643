/* answer_watches_test.c: Watches of submitted requests: their events, when they search, and what ends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/calls/answer_watches.h"

#define ID "1-2-1700000000000-4-00112233445566778899aabbccddeeff"
#define LOCATION "/v2/pipelines/p/requests/" ID

struct watcher {
	size_t begun, ended, comments;
	int refused; /* status; 0: not refused */
	bool is_over, is_deaf, is_named; /* the refusal has the id of the request */
	char events[512];
};

struct watch_stand {
	struct loop *loop;
	struct answer_watches *watches;
	struct poll_request searches[WATCHES_MAX * 4];
	size_t count;	/* of searches so far */
	int64_t allowed_ms; /* to watches that begin */
	bool is_full;	/* polls take no more */
	struct watcher watchers[WATCHES_MAX + 1];
};

static bool on_search(void *context, const struct poll_request *request)
{
	struct watch_stand *stand = context;
	if (stand->is_full)
		return false;
	stand->searches[stand->count++] = *request;
	return true;
}

static int watch_stand_open(void **state)
{
	static struct watch_stand stand;
	struct error error = {0};
	stand = (struct watch_stand){.loop = loop_open_virtual(0, &error)};
	const struct answer_watches_config config = {on_search, &stand};
	stand.watches = answer_watches_open(stand.loop, &config, &error);
	assert_non_null(stand.watches);
	*state = &stand;
	return 0;
}

static int watch_stand_close(void **state)
{
	struct watch_stand *stand = *state;
	answer_watches_close(stand->watches);
	loop_close(stand->loop);
	return 0;
}

#define WATCH_STORY(name) cmocka_unit_test_setup_teardown(name, watch_stand_open, watch_stand_close)

/* ---- callers ---- */

static void on_refused(void *context, const struct call_outcome *outcome)
{
	struct watcher *watcher = context;
	watcher->refused = outcome->status;
	watcher->is_named = text_is(outcome->id, ID);
}

static void on_begun(void *context)
{
	((struct watcher *)context)->begun++;
}

static bool on_event(void *context, struct text piece)
{
	struct watcher *watcher = context;
	const size_t length = strlen(watcher->events);
	if (watcher->is_deaf)
		return false;
	if (text_is(piece, WATCH_COMMENT))
		watcher->comments++;
	else
		(void)snprintf(watcher->events + length, sizeof watcher->events - length, TEXT_FORMAT, TEXT_ARGUMENTS(piece));
	return true;
}

static void on_end(void *context)
{
	((struct watcher *)context)->ended++;
}

static bool is_over(void *context)
{
	return ((const struct watcher *)context)->is_over;
}

static const struct answer_watch_caller caller = {on_refused, on_begun, on_event, on_end, is_over};

static enum answer_watch_start watch_as(struct watch_stand *stand, size_t number, uint64_t share, bool heads_only)
{
	struct answer_watch_request request = {.inputs = "in",
					       .outputs = "out",
					       .location = TEXT(LOCATION),
					       .share = share,
					       .heads_only = heads_only,
					       .allowed_ms = stand->allowed_ms,
					       .caller = &caller,
					       .context = &stand->watchers[number]};
	assert_true(submission_read(TEXT(ID), &request.submission));
	return answer_watches_begin(stand->watches, &request);
}

static void watch_within(struct watch_stand *stand, size_t number, int64_t allowed_ms)
{
	stand->allowed_ms = allowed_ms;
	assert_int_equal(watch_as(stand, number, 0, false), WATCH_STARTED);
	stand->allowed_ms = 0;
}

static struct watcher *watch(struct watch_stand *stand)
{
	assert_int_equal(watch_as(stand, 0, 0, false), WATCH_STARTED);
	return &stand->watchers[0];
}

/* ---- time and searches ---- */

static void pass(struct watch_stand *stand, int64_t ms)
{
	struct error error = {0};
	const int64_t until_ms = loop_now_ms(stand->loop) + ms;
	for (;;) {
		int64_t step_ms = loop_now_ms(stand->loop) + 50;
		assert_true(loop_turn(stand->loop, 0, &error));
		loop_wake(stand->loop, loop_now_ms(stand->loop));
		if (loop_now_ms(stand->loop) >= until_ms)
			return;
		loop_wake(stand->loop, step_ms < until_ms ? step_ms : until_ms);
	}
}

/* Ends the search of that number. */
static void found(struct watch_stand *stand, size_t number, enum answer_search_outcome state, struct call_outcome outcome)
{
	struct arena *arena = arena_open((size_t)1 << 16);
	const struct poll_request *search = &stand->searches[number];
	assert_true(number < stand->count);
	search->found->outcome = state;
	outcome.arena = arena;
	search->ended(search->context, &outcome);
	arena_close(arena);
}

static void found_nothing(struct watch_stand *stand, size_t number)
{
	found(stand, number, ANSWER_PENDING, (struct call_outcome){.end = CALL_ACCEPTED, .status = 202});
}

static void found_answer(struct watch_stand *stand, size_t number)
{
	found(stand, number, ANSWER_FOUND,
	      (struct call_outcome){
		      .end = CALL_ANSWERED, .status = 200, .content_type = TEXT("application/json"), .body = TEXT("{\"a\":1}")});
}

#define ACCEPTED "event: accepted\ndata: {\"id\":\"" ID "\"}\n\n"
#define PENDING "event: pending\ndata: {\"id\":\"" ID "\",\"status\":202}\n\n"
#define ANSWER_NAME "event: answer\nid: " ID "\ndata: {\"id\":\"" ID "\",\"status\":200"
#define ANSWER_BEGIN ANSWER_NAME ",\"content_type\":\"application/json\",\"body\":"
#define ANSWER ANSWER_BEGIN "{\"a\":1}}\n\n"

/* ---- a watch ---- */

static void a_watch_ends_with_the_answer(void **state)
{
	struct watch_stand *stand = *state;
	struct watcher *watcher = watch(stand);
	pass(stand, 0);
	assert_int_equal(stand->count, 1);
	assert_int_equal(stand->searches[0].found->next, -1);
	assert_int_equal(watcher->begun, 0); /* whether there is such a request is not known yet */
	found_nothing(stand, 0);
	assert_int_equal(watcher->begun, 1);
	assert_string_equal(watcher->events, ACCEPTED);
	pass(stand, WATCH_PAUSE_MS_LEAST + 50);
	assert_int_equal(stand->count, 2);
	found_answer(stand, 1);
	assert_string_equal(watcher->events, ACCEPTED ANSWER);
	assert_int_equal(watcher->ended, 1);
	assert_int_equal(answer_watches_count(stand->watches), 0);
	pass(stand, WATCH_MS_MAX * 2);
	assert_int_equal(stand->count, 2);
	assert_int_equal(watcher->ended, 1);
}

/* Also while its search runs; and no longer than others watch. */
static void a_watch_ends_with_the_time_of_its_caller(void **state)
{
	struct watch_stand *stand = *state;
	const struct watcher *brief = &stand->watchers[0], *endless = &stand->watchers[1];
	watch_within(stand, 0, 2000);
	watch_within(stand, 1, 10 * (int64_t)WATCH_MS_MAX);
	pass(stand, 0);
	assert_int_equal(stand->searches[0].allowed_ms, 2000); /* the first one ends by itself */
	assert_int_equal(stand->searches[1].allowed_ms, WATCH_MS_MAX);
	found_nothing(stand, 0);
	found_nothing(stand, 1);
	pass(stand, 1900);
	assert_int_equal(brief->ended, 0);
	pass(stand, 200);
	assert_string_equal(brief->events, ACCEPTED PENDING);
	assert_int_equal(brief->ended, 1);
	assert_int_equal(endless->ended, 0);
}

static void an_answer_that_is_there_ends_its_watch_at_once(void **state)
{
	struct watch_stand *stand = *state;
	struct watcher *watcher = watch(stand);
	pass(stand, 0);
	found_answer(stand, 0);
	assert_string_equal(watcher->events, ACCEPTED ANSWER);
	assert_int_equal(watcher->ended, 1);
}

static void what_a_poll_refuses_is_refused(void **state)
{
	static const struct {
		enum answer_search_outcome found;
		int status;
	} rows[] = {{ANSWER_NOBODYS, 404}, {ANSWER_EXPIRED, 410}, {ANSWER_UNKNOWN, 503}};
	struct watch_stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct watcher *watcher = watch(stand);
		pass(stand, 100);
		found(stand, i, rows[i].found, (struct call_outcome){.end = CALL_FAILED, .status = rows[i].status});
		assert_int_equal(watcher->refused, rows[i].status);
		assert_int_equal(watcher->begun + watcher->ended, 0);
		assert_int_equal(answer_watches_count(stand->watches), 0);
	}
	stand->is_full = true;
	struct watcher *watcher = watch(stand);
	watcher->refused = 0;
	pass(stand, 100);
	assert_int_equal(watcher->refused, 503);
	assert_true(watcher->is_named);
	assert_int_equal(answer_watches_count(stand->watches), 0);
}

static void a_failed_answer_is_an_event_also_if_it_is_there(void **state)
{
	struct watch_stand *stand = *state;
	struct watcher *watcher = watch(stand);
	pass(stand, 0);
	found(stand, 0, ANSWER_FOUND,
	      (struct call_outcome){
		      .end = CALL_FAILED, .status = 503, .content_type = TEXT("application/json"), .body = TEXT("{}")});
	assert_int_equal(watcher->refused, 0);
	assert_string_equal(watcher->events, ACCEPTED "event: failed\ndata: {\"id\":\"" ID "\",\"status\":503,"
						      "\"content_type\":\"application/json\",\"body\":{}}\n\n");
}

static void a_request_that_kafka_deletes_meanwhile_fails(void **state)
{
	struct watch_stand *stand = *state;
	struct watcher *watcher = watch(stand);
	pass(stand, 0);
	found_nothing(stand, 0);
	pass(stand, 200);
	found(stand, 1, ANSWER_EXPIRED, (struct call_outcome){.end = CALL_FAILED, .status = 410});
	assert_non_null(strstr(watcher->events, "event: failed\nid: " ID "\ndata: {\"id\":\"" ID "\",\"status\":410"));
	assert_int_equal(watcher->ended, 1);
}

static void a_watch_outlives_a_search_that_fails(void **state)
{
	struct watch_stand *stand = *state;
	struct watcher *watcher = watch(stand);
	pass(stand, 0);
	found_nothing(stand, 0);
	pass(stand, 200);
	found(stand, 1, ANSWER_UNKNOWN, (struct call_outcome){.end = CALL_FAILED, .status = 503});
	stand->is_full = true;
	pass(stand, 1000);
	stand->is_full = false;
	pass(stand, 1000);
	found_answer(stand, 2);
	assert_string_equal(watcher->events, ACCEPTED ANSWER);
}

/* ---- searches ---- */

static void searches_become_rarer_and_continue(void **state)
{
	struct watch_stand *stand = *state;
	struct watcher *watcher = watch(stand);
	size_t ended = 0;
	int64_t last_ms = 0;
	for (int i = 0; i < 12000; i++) { /* ten minutes */
		pass(stand, 50);
		while (ended < stand->count) {
			assert_int_equal(stand->searches[ended].found->next, (int64_t)ended - 1);
			assert_in_range(loop_now_ms(stand->loop) - last_ms, 0, WATCH_PAUSE_MS_MAX + 100);
			last_ms = loop_now_ms(stand->loop);
			stand->searches[ended].found->next = (int64_t)ended;
			found_nothing(stand, ended++);
		}
		if (i == 20) /* a second */
			assert_in_range(ended, 5, 11);
	}
	assert_in_range(ended, 100, 150);
	assert_int_equal(watcher->comments, WATCH_MS_MAX / WATCH_COMMENT_MS - 1);
	pass(stand, 100);
	assert_string_equal(watcher->events, ACCEPTED PENDING);
	assert_int_equal(watcher->ended, 1);
}

static void few_searches_run_at_once_and_each_has_its_turn(void **state)
{
	struct watch_stand *stand = *state;
	for (size_t i = 0; i < WATCH_SEARCHES * 3; i++)
		assert_int_equal(watch_as(stand, i, 0, false), WATCH_STARTED);
	pass(stand, 1000);
	assert_int_equal(stand->count, WATCH_SEARCHES);
	for (size_t i = 0; i < WATCH_SEARCHES * 3; i++) {
		found_nothing(stand, i);
		pass(stand, 50);
	}
	for (size_t i = 0; i < WATCH_SEARCHES * 3; i++)
		assert_int_equal(stand->watchers[i].begun, 1);
}

/* ---- limits ---- */

static void a_gateway_has_so_many_watches_and_no_more(void **state)
{
	struct watch_stand *stand = *state;
	for (size_t i = 0; i < WATCHES_MAX; i++)
		assert_int_equal(watch_as(stand, i, 0, false), WATCH_STARTED);
	assert_int_equal(watch_as(stand, WATCHES_MAX, 0, false), WATCH_NO_PLACE);
	pass(stand, 0);
	found_answer(stand, 0);
	assert_int_equal(watch_as(stand, WATCHES_MAX, 0, false), WATCH_STARTED);
	assert_int_equal(answer_watches_count(stand->watches), WATCHES_MAX);
}

static void a_caller_has_a_share_of_the_watches(void **state)
{
	struct watch_stand *stand = *state;
	for (size_t i = 0; i < WATCHES_MAX / WATCHES_SHARES; i++)
		assert_int_equal(watch_as(stand, i, 7, false), WATCH_STARTED);
	assert_int_equal(watch_as(stand, WATCHES_MAX, 7, false), WATCH_NO_SHARE);
	assert_int_equal(watch_as(stand, WATCHES_MAX, 9, false), WATCH_STARTED);
	pass(stand, 0);
	found_answer(stand, 0);
	assert_int_equal(watch_as(stand, 0, 7, false), WATCH_STARTED);
}

/* ---- other ends ---- */

static void who_leaves_frees_the_watch(void **state)
{
	struct watch_stand *stand = *state;
	struct watcher *watcher = watch(stand);
	pass(stand, 0);
	found_nothing(stand, 0);
	pass(stand, 200);
	assert_int_equal(stand->count, 2);
	watcher->is_over = true;
	pass(stand, WATCH_LOOK_MS + 50);
	assert_int_equal(watcher->ended, 1);
	assert_int_equal(answer_watches_count(stand->watches), 1); /* its search runs */
	found_answer(stand, stand->count - 1);
	assert_int_equal(answer_watches_count(stand->watches), 0);
	assert_string_equal(watcher->events, ACCEPTED);
	assert_int_equal(watcher->ended, 1);
}

static void who_does_not_read_is_let_go(void **state)
{
	struct watch_stand *stand = *state;
	struct watcher *watcher = watch(stand);
	watcher->is_deaf = true;
	pass(stand, 0);
	found_nothing(stand, 0);
	assert_int_equal(watcher->ended, 1);
	assert_int_equal(answer_watches_count(stand->watches), 0);
}

static void a_head_alone_ends_when_the_stream_would_begin(void **state)
{
	struct watch_stand *stand = *state;
	assert_int_equal(watch_as(stand, 0, 0, true), WATCH_STARTED);
	pass(stand, 0);
	found_nothing(stand, 0);
	assert_int_equal(stand->watchers[0].begun + stand->watchers[0].ended, 2);
	assert_string_equal(stand->watchers[0].events, "");
	assert_int_equal(answer_watches_count(stand->watches), 0);
}

static void a_gateway_that_stops_ends_its_watches(void **state)
{
	struct watch_stand *stand = *state;
	struct watcher *watcher = watch(stand);
	pass(stand, 0);
	answer_watches_drain(stand->watches);
	found_nothing(stand, 0);
	pass(stand, 100);
	assert_string_equal(watcher->events, ACCEPTED PENDING);
	assert_int_equal(watcher->ended, 1);
}

/* ---- events ---- */

static const char *event_of(const char *type, struct text body)
{
	static char event[1024];
	struct arena *arena = arena_open((size_t)1 << 16);
	const struct header set[] = {{TEXT("x-model"), TEXT("m")}, {TEXT("x-\"two"), TEXT("\xff")}};
	const struct call_outcome outcome = {.end = CALL_ANSWERED,
					     .status = 200,
					     .content_type = text_of(type),
					     .id = TEXT("r"),
					     .body = body,
					     .headers = {2, set},
					     .arena = arena};
	struct buffer out;
	buffer_open(&out, WATCH_EVENT_BYTES_MAX);
	watch_event_end(&out, &outcome, TEXT(ID), TEXT(LOCATION));
	const char *at = strstr(out.bytes, ",\"request_id\"");
	(void)snprintf(event, sizeof event, "%.*s", (int)(out.length - (size_t)(at - out.bytes)), at);
	buffer_close(&out);
	arena_close(arena);
	return event;
}

#define EVENT(type, body) \
	",\"request_id\":\"r\",\"content_type\":\"" type "\",\"headers\":{\"x-model\":\"m\",\"x-\\\"two\":\"\xef\xbf\xbd\"}," body \
	"}\n\n"

static void an_event_is_one_line_of_json_whatever_the_body_is(void **state)
{
	(void)state;
	assert_string_equal(event_of("application/json", TEXT("{\"a\":\n\r\n[1]}")),
			    EVENT("application/json", "\"body\":{\"a\":   [1]}"));
	assert_string_equal(event_of("Application/JSON ; charset=utf-8", TEXT("\"a\\nb\"")),
			    EVENT("Application/JSON ; charset=utf-8", "\"body\":\"a\\nb\""));
	assert_string_equal(event_of("application/json", TEXT("{\"a\":1}\n\nevent: answer")),
			    EVENT("application/json", "\"body_base64\":\"eyJhIjoxfQoKZXZlbnQ6IGFuc3dlcg==\""));
	assert_string_equal(event_of("application/json", TEXT("\"\xff\"")), EVENT("application/json", "\"body_base64\":\"Iv8i\""));
	assert_string_equal(event_of("application/x-protobuf", TEXT("1")),
			    EVENT("application/x-protobuf", "\"body_base64\":\"MQ==\""));
}

static void an_event_that_is_too_long_says_where_to_poll(void **state)
{
	struct arena *arena = arena_open((size_t)1 << 16);
	static char body[WATCH_EVENT_BYTES_MAX];
	struct buffer out;
	const size_t fits = WATCH_EVENT_BYTES_MAX - strlen(ANSWER_BEGIN "}\n\n");
	(void)state;
	memset(body, '1', sizeof body);
	buffer_open(&out, WATCH_EVENT_BYTES_MAX);
	for (size_t more = 0; more < 2; more++) {
		const struct call_outcome outcome = {.end = CALL_ANSWERED,
						     .status = 200,
						     .content_type = TEXT("application/json"),
						     .body = {body, fits + more},
						     .arena = arena};
		watch_event_end(&out, &outcome, TEXT(ID), TEXT(LOCATION));
		assert_false(buffer_failed(&out));
		if (more == 0)
			assert_int_equal(out.length, WATCH_EVENT_BYTES_MAX);
	}
	assert_true(text_is(buffer_view(&out), ANSWER_NAME ",\"location\":\"" LOCATION "\"}\n\n"));
	buffer_close(&out);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_STORY(a_watch_ends_with_the_answer),
		WATCH_STORY(a_watch_ends_with_the_time_of_its_caller),
		WATCH_STORY(an_answer_that_is_there_ends_its_watch_at_once),
		WATCH_STORY(what_a_poll_refuses_is_refused),
		WATCH_STORY(a_failed_answer_is_an_event_also_if_it_is_there),
		WATCH_STORY(a_request_that_kafka_deletes_meanwhile_fails),
		WATCH_STORY(a_watch_outlives_a_search_that_fails),
		WATCH_STORY(searches_become_rarer_and_continue),
		WATCH_STORY(few_searches_run_at_once_and_each_has_its_turn),
		WATCH_STORY(a_gateway_has_so_many_watches_and_no_more),
		WATCH_STORY(a_caller_has_a_share_of_the_watches),
		WATCH_STORY(who_leaves_frees_the_watch),
		WATCH_STORY(who_does_not_read_is_let_go),
		WATCH_STORY(a_head_alone_ends_when_the_stream_would_begin),
		WATCH_STORY(a_gateway_that_stops_ends_its_watches),
		cmocka_unit_test(an_event_is_one_line_of_json_whatever_the_body_is),
		cmocka_unit_test(an_event_that_is_too_long_says_where_to_poll),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
