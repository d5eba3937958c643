/* call_batch.c: see call_batch.h. */
#include "models/calls/call_batch.h"

#include <assert.h>

#include "models/calls/merge.h"

/* ---- members ---- */

size_t call_batching_rows_most(const struct call_batching *call_batching)
{
	return call_batching->whole || call_batching->batching->rows_most == 0 ? 1 : call_batching->batching->rows_most;
}

size_t call_batching_rows(const struct call_batching *call_batching, const struct queued_call *queued_call)
{
	return queued_call->members ? queued_call->rows
	       : call_batching_rows_most(call_batching) > 1 ? merge_rows(queued_call) : 0;
}

/* Number of rows that could be sent with the first queued call, at most as many as fit into a call. */
static size_t rows_at_hand(const struct call_batching *call_batching)
{
	const struct queued_call *first = call_batching->call_queue->line.first;
	size_t rows = merge_rows(first), most = call_batching->batching->rows_most, looked = 0;
	for (const struct queued_call *other = first->next; other && rows < most && looked < LOOKED_THROUGH_MAX;
	     other = other->next) {
		looked++;
		if (merge_rows(other) > 0 && merge_fits(first, other))
			rows += merge_rows(other);
	}
	return rows < most ? rows : most;
}

int64_t call_batching_due_us(const struct call_batching *call_batching, int64_t now_us)
{
	const struct queued_call *first = call_batching->call_queue->line.first;
	if (call_batching_rows(call_batching, first) == 0)
		return 0;
	int64_t due_us = call_batch_window_due_us(&call_batching->window, first->at_us, call_batching->call_queue->sent.count);
	return now_us < due_us && rows_at_hand(call_batching) < call_batching->batching->rows_most ? due_us : 0;
}

/* Removes the calls that fit from the queue, after the first one, which was removed already. Returns their number. */
static size_t take_members(struct call_batching *call_batching, struct queued_call *call_batch, struct queued_call *first)
{
	struct queued_calls *line = &call_batching->call_queue->line;
	size_t most = call_batching->batching->rows_most, looked = 0, count = 0;
	struct queued_call **link = &first->next_member;
	call_batch->members = first;
	call_batch->rows = first->rows = merge_rows(first);
	for (struct queued_call *other = line->first, *next; other && looked < LOOKED_THROUGH_MAX; other = next, looked++) {
		next = other->next;
		size_t rows = merge_rows(other);
		if (rows == 0 || call_batch->rows + rows > most || !merge_fits(first, other))
			continue;
		queued_calls_remove(line, other);
		*link = other;
		link = &other->next_member;
		other->rows = rows;
		call_batch->rows += rows;
	}
	*link = NULL;
	for (struct queued_call *member = first; member; member = member->next_member, count++) {
		member->state = QUEUED_CALL_MERGED;
		member->attempts.call->where = CALL_SENT;
		member->call_batch = call_batch;
	}
	return count;
}

static void call_batch_begin(const struct call_batching *call_batching, struct queued_call *call_batch)
{
	int64_t batch_ms = call_batching->batching->timeout_ms;
	attempts_begin(&call_batch->attempts, &call_batch->batch_call->call, 0);
	call_batch->attempts.timeout_ms = batch_ms ? batch_ms : call_batch->members->attempts.timeout_ms;
}

struct queued_call *call_batching_take(struct call_batching *call_batching)
{
	assert(call_batching->call_queue->line.first);
	struct call_queue *call_queue = call_batching->call_queue;
	struct queued_call *first = queued_calls_take(&call_queue->line);
	first->next_member = NULL;
	if (call_batching_rows(call_batching, first) == 0)
		return first;
	struct queued_call *call_batch = call_queue->line.first ? call_queue_take(call_queue) : NULL;
	size_t count = call_batch ? take_members(call_batching, call_batch, first) : 1;
	call_batch_window_left(&call_batching->window, count, call_batch && call_queue->line.first);
	if (count == 1) {
		if (call_batch)
			call_queue_give(call_queue, call_batch);
		return first;
	}
	call_batching->merged += count;
	if (merge_load(call_batch)) {
		call_batch_begin(call_batching, call_batch);
		return call_batch;
	}
	call_batch_unload(call_queue, call_batch);
	return call_batching_take(call_batching);
}

static void unload(struct call_queue *call_queue, struct queued_call *call_batch)
{
	struct queued_call *members[LOOKED_THROUGH_MAX + 1];
	size_t count = 0;
	for (struct queued_call *member = call_batch->members; member; member = member->next_member)
		members[count++] = member;
	while (count > 0) {
		struct queued_call *member = members[--count];
		if (member->attempts.call)
			call_queue_wait(call_queue, member, true);
		else
			call_queue_give(call_queue, member);
	}
	call_queue_give(call_queue, call_batch);
}

void call_batch_unload(struct call_queue *call_queue, struct queued_call *call_batch)
{
	for (struct queued_call *member = call_batch->members; member; member = member->next_member)
		member->alone = true;
	unload(call_queue, call_batch);
}

void call_batch_recalled(struct call_queue *call_queue, struct queued_call *call_batch)
{
	for (struct queued_call *member = call_batch->members; member; member = member->next_member) {
		member->replica = call_batch->replica;
		queued_call_recalled(member);
	}
	unload(call_queue, call_batch);
}

bool call_batch_forgets(struct queued_call *member)
{
	assert(member->state == QUEUED_CALL_MERGED && member->call_batch);
	member->attempts.call = NULL;
	for (const struct queued_call *other = member->call_batch->members; other; other = other->next_member)
		if (other->attempts.call)
			return false;
	return true;
}

/* ---- outcome ---- */

bool outcome_split(struct outcome *outcome, struct call_batching *call_batching, struct queued_call *call_batch,
		   const struct attempt *attempt)
{
	assert(call_batch->members);
	const struct payload *reply = attempt->status == 200 ? attempt->payload : NULL;
	*outcome = (struct outcome){.call_queue = call_batching->call_queue,
				    .call_batch = call_batch,
				    .next = call_batch->members,
				    .reply = reply,
				    .attempt = *attempt};
	if (reply ? merge_is_by_rows(reply, call_batch->rows) : attempt_is_failure(attempt))
		return true;
	call_batching->whole = call_batching->whole || reply;
	call_batch_unload(call_batching->call_queue, call_batch);
	return false;
}

static void cut_part(struct outcome *outcome, const struct queued_call *member, size_t row)
{
	outcome->attempt.payload = merge_part(member, outcome->reply, row);
	outcome->attempt.fault = NULL;
	if (outcome->attempt.payload)
		return;
	error_memory(&outcome->fault, ERROR_LIMIT, "taking a model's reply");
	outcome->attempt.fault = &outcome->fault;
}

struct queued_call *outcome_next(struct outcome *outcome)
{
	for (struct queued_call *member; (member = outcome->next);) {
		size_t row = outcome->row;
		outcome->next = member->next_member;
		outcome->row += member->rows;
		if (!member->attempts.call) {
			call_queue_give(outcome->call_queue, member);
			continue;
		}
		if (outcome->reply) {
			cut_part(outcome, member, row);
		} else {
			member->alone = outcome->attempt.end != ATTEMPT_REFUSED;
			member->answers_seen = outcome->call_batch->answers_seen;
			member->replica = outcome->call_batch->replica;
		}
		return member;
	}
	call_queue_give(outcome->call_queue, outcome->call_batch);
	return NULL;
}
