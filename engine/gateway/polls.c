/* polls.c: see polls.h. */
#include "gateway/polls.h"

#include "base/memory.h"
#include "gateway/call_outcome.h"
#include "message/reply.h"
#include "message/rows.h"
#include "net/loop_task.h"

#define ANSWER_ARENA_BYTES ((size_t)64 << 20) /* of an answer, and of the texts of its search */

struct poll {
	struct loop_task task;
	struct answer_search search;
	struct poll_request request;
};

struct polls {
	struct loop *loop;
	struct polls_config config;
	struct poll items[POLLS_AT_ONCE];
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
	else if (search->outcome == ANSWER_NOBODYS)
		call_outcome_refused(outcome, 404, ERROR_INPUT,
				     search->id.length ? REQUEST_UNKNOWN_WORDS : SUBMISSION_UNKNOWN_WORDS, text_of(search->inputs),
				     named, body);
	else if (search->outcome == ANSWER_ENDED)
		call_outcome_refused(outcome, 410, ERROR_INPUT,
				     "no answer came by the deadline of this request, and none comes any more; send it again",
				     text_of(search->inputs), named, body);
	else if (search->outcome == ANSWER_EXPIRED)
		call_outcome_refused(outcome, 410, ERROR_INPUT,
				     "Kafka has deleted the request, and there is no answer to it; poll within the retention "
				     "of the topic",
				     text_of(search->inputs), named, body);
	else
		call_outcome_refused(outcome, 503, ERROR_REMOTE,
				     search->error.kind == ERROR_NONE ? "the answer cannot be read" : search->error.text,
				     text_of(search->outputs ? search->outputs : search->inputs), named, body);
}

static bool search_was_cancelled(const struct answer_search *search)
{
	const struct header *limit = headers_find(search->headers, TEXT(REPLY_LIMIT_HEADER));
	return search->outcome == ANSWER_FOUND && limit && text_is(limit->value, REPLY_LIMIT_CANCEL);
}

static void polls_on_searched(void *context)
{
	struct poll *poll = context;
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
	arena_close(poll->search.arena);
	poll->search = (struct answer_search){0};
}

static void search_run(void *context)
{
	struct poll *poll = context;
	answer_search_run(&poll->search);
}

/* ---- the beginning ---- */

static bool share_is_used(const struct polls *polls, uint64_t share)
{
	size_t used = 0;
	for (const struct poll *poll = polls->items; poll < polls->items + POLLS_AT_ONCE; poll++)
		used += poll->search.arena && poll->request.share == share;
	return share != 0 && used >= POLLS_AT_ONCE / POLLS_SHARES;
}

static const char *topic_copied(struct arena *arena, const char *topic)
{
	return topic ? arena_copy(arena, topic, strlen(topic)) : NULL;
}

enum poll_start polls_begin(struct polls *polls, const struct poll_request *request)
{
	struct error error = {0};
	struct poll *poll = polls->items;
	if (share_is_used(polls, request->share))
		return POLL_NO_SHARE;
	while (poll < polls->items + POLLS_AT_ONCE && poll->search.arena)
		poll++;
	struct arena *arena = poll < polls->items + POLLS_AT_ONCE ? arena_open(ANSWER_ARENA_BYTES) : NULL;
	if (!arena)
		return POLL_NO_PLACE;
	poll->request = *request;
	poll->request.target = text_copied(arena, request->target);
	poll->search = (struct answer_search){.brokers = polls->config.brokers,
					      .properties = polls->config.consumer,
					      .inputs = topic_copied(arena, request->inputs),
					      .outputs = topic_copied(arena, request->outputs),
					      .explanations = topic_copied(arena, request->explanations),
					      .submission = request->submission,
					      .id = text_copied(arena, request->id),
					      .caller = text_copied(arena, request->caller),
					      .next = request->found ? request->found->next : -1,
					      .arena = arena};
	poll->task = (struct loop_task){.run = search_run, .done = polls_on_searched, .context = poll};
	if (!arena_failed(arena) && loop_task_start(&poll->task, polls->loop, "searches an answer", &error))
		return POLL_STARTED;
	arena_close(arena);
	poll->search = (struct answer_search){0};
	return POLL_NO_PLACE;
}

/* ---- opening and closing ---- */

struct polls *polls_open(struct loop *loop, const struct polls_config *config, struct error *error)
{
	struct polls *polls = memory_take(1, sizeof *polls);
	if (!polls) {
		error_memory(error, ERROR_SYSTEM, "opening a gateway");
		return NULL;
	}
	polls->loop = loop;
	polls->config = *config;
	return polls;
}

void polls_close(struct polls *polls)
{
	if (!polls)
		return;
	for (size_t i = 0; i < POLLS_AT_ONCE; i++) {
		loop_task_end(&polls->items[i].task);
		arena_close(polls->items[i].search.arena);
	}
	memory_give(polls);
}
