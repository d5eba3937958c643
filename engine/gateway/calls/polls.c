/* polls.c: see polls.h. */
#include "gateway/calls/polls.h"

#include "base/memory.h"
#include "gateway/calls/call_outcome.h"
#include "message/rows.h"
#include "net/loop_task.h"

#define ANSWER_ARENA_BYTES ((size_t)64 << 20) /* of an answer, and of the texts of its search */

#define LOOK_MS 100			   /* between two looks at those that wait, and at the time of callers */
#define LATE_ARENA_BYTES ((size_t)1 << 16) /* of an outcome without what its search has */
#define LATE_WORDS                                                                                                                 \
	"the time of this call is over, and Kafka has not said yet whether the answer is there; allow more by x-timeout-ms, or "   \
	"ask "                                                                                                                     \
	"again later"
#define DRAIN_WORDS "the gateway stops, and Kafka has not said yet whether the answer is there; ask another one"
#define GONE_WORDS "the caller is gone"

enum poll_state { POLL_FREE, POLL_WAITS, POLL_RUNS };

struct poll {
	struct polls *polls;
	enum poll_state state;
	uint64_t turn;	     /* of its beginning */
	int64_t until_ms;    /* then it waits no more; and if its caller said so, it ends */
	bool is_late;	     /* it has ended before its search */
	atomic_bool stopping; /* the same, for the search */
	const char *refusal; /* NULL: it was not given up while it waited */
	struct loop_task task;
	struct answer_search search;
	struct poll_request request;
};

struct polls {
	struct loop *loop;
	struct polls_config config;
	struct poll items[POLLS_MAX];
	uint64_t turns;
	bool is_draining;
	struct loop_timer look;
	struct arena *late; /* of the outcome of a poll that ends before its search */
};

/* ---- the end of a poll ---- */

/* The place of an error is its request. */
static void error_explain(const struct poll *poll, struct call_outcome *outcome, struct buffer *body)
{
	const struct answer_search *search = &poll->search;
	char place[REPLY_ORIGIN_BYTES_MAX];
	const struct outcome_record record = {.headers = search->headers,
					      .place = submission_origin(&poll->request.submission, search->inputs, place),
					      .id = search->request_id,
					      .arena = search->arena};
	call_outcome_explain(outcome, &record, body);
}

/* There is no answer, nor will there be one, or Kafka did not say. The error names what was polled for. */
static void poll_refuse(const struct poll *poll, struct text named, struct call_outcome *outcome, struct buffer *body)
{
	const struct answer_search *search = &poll->search;
	if (search->outcome == ANSWER_NOBODYS)
		call_outcome_refused(outcome, 404, ERROR_INPUT,
				     search->id.length ? REQUEST_UNKNOWN_WORDS : SUBMISSION_UNKNOWN_WORDS, text_of(search->inputs),
				     named, body);
	else if (search->outcome == ANSWER_ENDED)
		call_outcome_refused(outcome, 410, ERROR_INPUT,
				     "no answer came by the deadline of this request, and none comes any more; send it again",
				     text_of(search->inputs), named, body);
	else if (poll->refusal)
		call_outcome_refused(outcome, 503, ERROR_LIMIT, poll->refusal, text_of(search->inputs), named, body);
	else if (search->outcome == ANSWER_EXPIRED)
		call_outcome_refused(outcome, 410, ERROR_INPUT,
				     "Kafka has deleted the request, and there is no answer to it; poll within the retention "
				     "of the topic",
				     text_of(search->inputs), named, body);
	else
		call_outcome_refused(outcome, 503, ERROR_REMOTE,
				     search->error.kind == ERROR_NONE ? "the answer cannot be read" : search->error.text,
				     text_of(search->outputs ? search->outputs : search->inputs), named, body);
	outcome->id = text_copied(search->arena, named);
}

static void poll_outcome(const struct poll *poll, struct call_outcome *outcome, struct buffer *body)
{
	const struct answer_search *search = &poll->search;
	char id[SUBMISSION_ID_BYTES_MAX];
	struct text named = {id, submission_write(&poll->request.submission, id)};
	if (search->id.length > 0)
		named = search->id;
	if (search->outcome == ANSWER_FOUND && !search->outputs) {
		call_outcome_accepted(outcome, named, body);
		outcome->id = search->request_id;
		return;
	}
	if (search->outcome == ANSWER_FOUND && search->explanations) {
		*outcome = (struct call_outcome){
			.end = CALL_ANSWERED, .status = 200, .body = search->value, .content_type = TEXT("application/json")};
		return;
	}
	if (search->outcome == ANSWER_FOUND && call_outcome_of_end(outcome, search->value, search->headers, search->arena, body))
		return;
	if (search->outcome == ANSWER_FOUND && call_outcome_read(outcome, search->value, search->headers, search->arena)) {
		outcome->id = search->request_id;
		error_explain(poll, outcome, body);
		return;
	}
	if (search->outcome == ANSWER_PENDING)
		call_outcome_pending(outcome, named, body);
	else
		poll_refuse(poll, named, outcome, body);
}

static bool search_was_cancelled(const struct answer_search *search)
{
	const struct header *limit = headers_find(search->headers, TEXT(REPLY_LIMIT_HEADER));
	return search->outcome == ANSWER_FOUND && limit && text_is(limit->value, REPLY_LIMIT_CANCEL);
}

static void poll_release(struct poll *poll)
{
	arena_close(poll->search.arena);
	poll->search = (struct answer_search){0};
	poll->state = POLL_FREE;
}

static void poll_end(struct poll *poll)
{
	struct call_outcome outcome;
	struct buffer body;
	buffer_open(&body, CALL_ERROR_BYTES_MAX);
	poll_outcome(poll, &outcome, &body);
	outcome.arena = poll->search.arena;
	outcome.target = poll->request.target;
	if (poll->request.found)
		*poll->request.found = (struct poll_found){.outcome = poll->search.outcome,
							   .next = poll->search.next,
							   .is_awaited = poll->search.is_awaited,
							   .was_cancelled = search_was_cancelled(&poll->search)};
	poll->request.ended(poll->request.context, &outcome);
	buffer_close(&body);
	poll_release(poll);
}

static bool poll_is_due(const struct poll *poll)
{
	return loop_now_ms(poll->polls->loop) >= poll->until_ms;
}

static bool poll_is_left(const struct poll *poll)
{
	const struct poll_request *request = &poll->request;
	return request->is_over && request->is_over(request->context);
}

/* What the search writes belongs to its thread, if it runs. */
static void poll_end_early(struct poll *poll, int status, const char *words)
{
	char id[SUBMISSION_ID_BYTES_MAX];
	const struct poll_request *request = &poll->request;
	const struct text named =
		request->id.length > 0 ? request->id : (struct text){id, submission_write(&request->submission, id)};
	struct call_outcome outcome;
	struct buffer body;
	buffer_open(&body, CALL_ERROR_BYTES_MAX);
	arena_reset(poll->polls->late);
	call_outcome_refused(&outcome, status, ERROR_LIMIT, words, text_of(request->inputs), named, &body);
	outcome.id = named;
	outcome.arena = poll->polls->late;
	if (request->found)
		*request->found = (struct poll_found){.outcome = ANSWER_UNKNOWN, .next = -1};
	request->ended(request->context, &outcome);
	buffer_close(&body);
	if (poll->state == POLL_WAITS) {
		poll_release(poll);
		return;
	}
	poll->is_late = true;
	atomic_store(&poll->stopping, true);
}

/* Of one that waits. */
static void poll_give_up(struct poll *poll, const char *words)
{
	poll->refusal = words;
	poll->search.outcome = ANSWER_UNKNOWN;
	poll_end(poll);
}

/* ---- the order ---- */

/* How many polls in a state have that caller; `share` 0: all. */
static size_t polls_count(const struct polls *polls, enum poll_state state, uint64_t share)
{
	size_t count = 0;
	for (const struct poll *poll = polls->items; poll < polls->items + POLLS_MAX; poll++)
		count += poll->state == state && (share == 0 || poll->request.share == share);
	return count;
}

static bool poll_may_run(const struct polls *polls, const struct poll *poll)
{
	const uint64_t share = poll->request.share;
	return share == 0 || polls_count(polls, POLL_RUNS, share) < POLLS_AT_ONCE / POLLS_SHARES;
}

/* The oldest that waits and may run. NULL: there is none, or as many run as may. */
static struct poll *poll_next(struct polls *polls)
{
	struct poll *next = NULL;
	if (polls_count(polls, POLL_RUNS, 0) >= POLLS_AT_ONCE)
		return NULL;
	for (struct poll *poll = polls->items; poll < polls->items + POLLS_MAX; poll++)
		if (poll->state == POLL_WAITS && (!next || poll->turn < next->turn) && poll_may_run(polls, poll))
			next = poll;
	return next;
}

static bool poll_start(struct poll *poll)
{
	struct error error = {0};
	const bool good = loop_task_start(&poll->task, poll->polls->loop, "searches an answer", &error);
	if (good)
		poll->state = POLL_RUNS;
	return good;
}

static void waiting_start(struct polls *polls)
{
	for (struct poll *poll = poll_next(polls); poll; poll = poll_next(polls))
		if (poll_is_left(poll))
			poll_end_early(poll, 503, GONE_WORDS);
		else if (!poll_start(poll))
			poll_give_up(poll, poll_refusal_words(POLL_NO_PLACE));
}

static void polls_on_searched(void *context)
{
	struct poll *poll = context;
	if (poll->is_late)
		poll_release(poll);
	else
		poll_end(poll);
	waiting_start(poll->polls);
}

/* ---- those that wait no more ---- */

static bool poll_is_open(const struct poll *poll)
{
	return poll->state == POLL_WAITS || (poll->state == POLL_RUNS && !poll->is_late);
}

/* Whether its time counts: of one that waits, or whose caller has said how long, or of any while the gateway stops. */
static bool poll_is_timed(const struct poll *poll)
{
	return poll->state == POLL_WAITS || poll->request.allowed_ms > 0 || poll->polls->is_draining;
}

static void look_set(struct polls *polls)
{
	struct error error = {0};
	bool is_any_open = false;
	for (const struct poll *poll = polls->items; poll < polls->items + POLLS_MAX; poll++)
		is_any_open = is_any_open || poll_is_open(poll);
	if (is_any_open)
		(void)loop_timer_set(polls->loop, &polls->look, loop_now_ms(polls->loop) + LOOK_MS, &error);
}

/* Ends one whose caller has left, or whose time is over. */
static void poll_look(struct poll *poll)
{
	if (poll_is_left(poll))
		poll_end_early(poll, 503, GONE_WORDS);
	else if (!poll_is_timed(poll) || !poll_is_due(poll))
		return;
	else if (poll->polls->is_draining)
		poll_end_early(poll, 503, DRAIN_WORDS);
	else if (poll->request.allowed_ms > 0)
		poll_end_early(poll, 504, LATE_WORDS);
	else
		poll_give_up(poll, poll_refusal_words(POLL_NO_PLACE));
}

static void polls_on_look(void *context)
{
	struct polls *polls = context;
	for (struct poll *poll = polls->items; poll < polls->items + POLLS_MAX; poll++)
		if (poll_is_open(poll))
			poll_look(poll);
	look_set(polls);
}

static void search_run(void *context)
{
	struct poll *poll = context;
	answer_search_run(&poll->search);
}

/* ---- the beginning ---- */

static bool share_is_used(const struct polls *polls, uint64_t share)
{
	return share != 0 &&
	       polls_count(polls, POLL_WAITS, share) + polls_count(polls, POLL_RUNS, share) >= POLLS_MAX / POLLS_SHARES;
}

static struct poll *poll_free(struct polls *polls)
{
	for (struct poll *poll = polls->items; poll < polls->items + POLLS_MAX; poll++)
		if (poll->state == POLL_FREE)
			return poll;
	return NULL;
}

static const char *topic_copied(struct arena *arena, const char *topic)
{
	return topic ? arena_copy(arena, topic, strlen(topic)) : NULL;
}

/* False: memory ran out. */
static bool poll_prepare(struct polls *polls, struct poll *poll, const struct poll_request *request)
{
	struct arena *arena = arena_open(ANSWER_ARENA_BYTES);
	const int64_t allowed_ms = request->allowed_ms;
	const int64_t wait_ms = polls->is_draining ? POLLS_DRAIN_MS : allowed_ms > 0 ? allowed_ms : polls->config.wait_ms;
	if (!arena)
		return false;
	*poll = (struct poll){.polls = polls,
			      .state = POLL_WAITS,
			      .turn = ++polls->turns,
			      .until_ms = loop_now_ms(polls->loop) + wait_ms,
			      .task = {.run = search_run, .done = polls_on_searched, .context = poll},
			      .request = *request};
	poll->request.target = text_copied(arena, request->target);
	poll->request.inputs = topic_copied(arena, request->inputs);
	poll->request.id = text_copied(arena, request->id);
	poll->search = (struct answer_search){.brokers = polls->config.brokers,
					      .properties = polls->config.consumer,
					      .inputs = poll->request.inputs,
					      .outputs = topic_copied(arena, request->outputs),
					      .explanations = topic_copied(arena, request->explanations),
					      .submission = request->submission,
					      .id = poll->request.id,
					      .caller = text_copied(arena, request->caller),
					      .next = request->found ? request->found->next : -1,
					      .wait_ms = allowed_ms > 0 ? (int)allowed_ms + LOOK_MS : 0,
					      .stopping = &poll->stopping,
					      .arena = arena};
	if (!arena_failed(arena))
		return true;
	poll_release(poll);
	return false;
}

enum poll_start polls_begin(struct polls *polls, const struct poll_request *request)
{
	struct poll *poll = poll_free(polls);
	if (share_is_used(polls, request->share))
		return POLL_NO_SHARE;
	if (!poll || !poll_prepare(polls, poll, request))
		return POLL_NO_PLACE;
	if (poll_next(polls) == poll && !poll_start(poll)) {
		poll_release(poll);
		return POLL_NO_PLACE;
	}
	look_set(polls);
	return POLL_STARTED;
}

/* ---- opening and closing ---- */

struct polls *polls_open(struct loop *loop, const struct polls_config *config, struct error *error)
{
	struct polls *polls = memory_take(1, sizeof *polls);
	if (!polls)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gateway"));
	polls->loop = loop;
	polls->config = *config;
	polls->late = arena_open(LATE_ARENA_BYTES);
	polls->config.wait_ms = config->wait_ms > 0 ? config->wait_ms : POLLS_WAIT_MS;
	polls->look = (struct loop_timer){.due = polls_on_look, .context = polls};
	if (polls->late)
		return polls;
	error_memory(error, ERROR_SYSTEM, "opening a gateway");
	polls_close(polls);
	return NULL;
}

void polls_drain(struct polls *polls)
{
	const int64_t until_ms = loop_now_ms(polls->loop) + POLLS_DRAIN_MS;
	if (polls->is_draining)
		return;
	polls->is_draining = true;
	for (struct poll *poll = polls->items; poll < polls->items + POLLS_MAX; poll++)
		if (poll->until_ms > until_ms || (poll->state == POLL_RUNS && poll->request.allowed_ms == 0))
			poll->until_ms = until_ms;
}

void polls_close(struct polls *polls)
{
	if (!polls)
		return;
	loop_timer_stop(polls->loop, &polls->look);
	for (size_t i = 0; i < POLLS_MAX; i++)
		atomic_store(&polls->items[i].stopping, true);
	for (size_t i = 0; i < POLLS_MAX; i++) {
		loop_task_end(&polls->items[i].task);
		arena_close(polls->items[i].search.arena);
	}
	arena_close(polls->late);
	memory_give(polls);
}
