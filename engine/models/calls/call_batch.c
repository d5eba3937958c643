/* call_batch.c: see call_batch.h. */
#include "models/calls/call_batch.h"

#include "base/memory.h"
#include "message/records/trace_context.h"
#include "message/rows.h"

#define CALL_BATCH_WINDOW_START_US 250

int64_t call_batch_window_due_us(const struct call_batch_window *window, int64_t since_us, size_t under_way)
{
	return under_way == 0 ? since_us : since_us + window->us;
}

void call_batch_window_left(struct call_batch_window *window, size_t calls, bool backlog)
{
	assert(calls > 0);
	if (backlog)
		window->us = window->us ? window->us * 2 : CALL_BATCH_WINDOW_START_US;
	else if (calls <= 1)
		window->us = window->us / 2 < CALL_BATCH_WINDOW_START_US ? 0 : window->us / 2;
	if (window->us > window->most_us)
		window->us = window->most_us;
}

/* ---- merges ---- */

#define CARRIAGE_BYTES_MAX ((size_t)256 << 20) /* the limit of a call's bytes comes first */

/* Rows of a queued call; 0: it is sent alone. A shadow request is sent alone, because it is not retried. */
static size_t merge_rows(const struct queued_call *queued_call)
{
	return queued_call->alone || queued_call->attempts.call->once ? 0 : payload_row_count(queued_call->attempts.call->request);
}

static bool parameter_equals(const struct parameter *one, const struct parameter *other)
{
	if (one->type != other->type || !text_equal(one->name, other->name))
		return false;
	switch (one->type) {
	case PARAMETER_FLAG:
		return one->value.flag == other->value.flag;
	case PARAMETER_TEXT:
		return text_equal(one->value.text, other->value.text);
	case PARAMETER_INTEGER:
	case PARAMETER_UNSIGNED:
	case PARAMETER_NUMBER:
		break;
	}
	return one->value.natural == other->value.natural; /* all eight bytes of the union */
}

static bool parameters_equal(struct parameters one, struct parameters other)
{
	if (one.count != other.count)
		return false;
	for (size_t i = 0; i < one.count; i++)
		if (!parameter_equals(&one.items[i], &other.items[i]))
			return false;
	return true;
}

static bool wanted_equal(struct tensors_wanted one, struct tensors_wanted other)
{
	if (one.count != other.count)
		return false;
	for (size_t i = 0; i < one.count; i++)
		if (!text_equal(one.names[i], other.names[i]))
			return false;
	return true;
}

/* Whether both can be in one call. Both must have rows. */
static bool merge_fits(const struct queued_call *one, const struct queued_call *other)
{
	const struct payload *a = one->attempts.call->request, *b = other->attempts.call->request;
	if (!wanted_equal(one->attempts.call->outputs, other->attempts.call->outputs))
		return false;
	if (!payloads_agree(a, b) || !parameters_equal(a->parameters, b->parameters))
		return false;
	for (size_t i = 0; i < a->tensors.count; i++)
		if (!parameters_equal(a->tensors.items[i]->parameters, b->tensors.items[i]->parameters))
			return false;
	return true;
}

static struct batch_call *batch_call_ready(struct queued_call *call_batch)
{
	if (!call_batch->batch_call && (call_batch->batch_call = memory_take(1, sizeof *call_batch->batch_call)))
		call_batch->batch_call->arena = arena_open(CARRIAGE_BYTES_MAX);
	if (!call_batch->batch_call || !call_batch->batch_call->arena)
		return NULL;
	arena_reset(call_batch->batch_call->arena);
	return call_batch->batch_call;
}

/* The latest deadline of the members. As long as one of them waits, the call is needed. */
static int64_t latest_deadline_ms(const struct queued_call *call_batch)
{
	int64_t latest_ms = 0;
	for (const struct queued_call *member = call_batch->members; member; member = member->next_member) {
		int64_t deadline_ms = call_deadline_ms(member->attempts.call);
		if (deadline_ms == 0)
			return 0;
		latest_ms = deadline_ms > latest_ms ? deadline_ms : latest_ms;
	}
	return latest_ms;
}

/* Copies the names, because their deployment may end before the call. */
static struct tensors_wanted outputs_copied(struct arena *arena, struct tensors_wanted outputs)
{
	struct text *names = outputs.count ? ARENA_ARRAY(arena, struct text, outputs.count) : NULL;
	for (size_t i = 0; names && i < outputs.count; i++)
		names[i] = text_copied(arena, outputs.names[i]);
	return (struct tensors_wanted){names ? outputs.count : 0, names};
}

/* The trace of the first member that has one: a call belongs to one trace. Copied as the names are. */
static struct headers trace_copied(struct arena *arena, const struct queued_call *call_batch)
{
	struct header items[TRACE_HEADERS_MAX];
	struct trace_context trace = {0};
	for (const struct queued_call *member = call_batch->members; member && !trace.parent.bytes; member = member->next_member)
		trace = message_trace(member->attempts.call->message);
	const size_t count = trace_headers_write(&trace, items);
	return count > 0 ? headers_copied(arena, (struct headers){count, items}) : (struct headers){0};
}

/* Builds the batch's call from its members' calls. False: memory. */
static bool merge_load(struct queued_call *call_batch)
{
	assert(call_batch->members && call_batch->rows > 0);
	struct batch_call *batch_call = batch_call_ready(call_batch);
	const struct call *first = call_batch->members->attempts.call;
	size_t count = 0;
	if (!batch_call)
		return false;
	for (const struct queued_call *member = call_batch->members; member; member = member->next_member)
		count++;
	const struct payload **parts = ARENA_ARRAY(batch_call->arena, const struct payload *, count);
	count = 0;
	for (const struct queued_call *member = call_batch->members; parts && member; member = member->next_member)
		parts[count++] = member->attempts.call->request;
	if (!parts)
		return false;
	batch_call->payload = (struct payload){.tensors = payloads_joined(batch_call->arena, parts, count, call_batch->rows),
					       .parameters = parameters_copied(batch_call->arena, first->request->parameters)};
	batch_call->message = (struct message){.arena = batch_call->arena,
					       .id = text_copied(batch_call->arena, first->message->id),
					       .headers = trace_copied(batch_call->arena, call_batch),
					       .deadline_ms = latest_deadline_ms(call_batch)};
	batch_call->call = (struct call){
		.target = first->target, .name = first->name, .request = &batch_call->payload, .message = &batch_call->message};
	batch_call->call.outputs = outputs_copied(batch_call->arena, first->outputs);
	return !arena_failed(batch_call->arena);
}

/* This member's part of the batch's reply, from row `first` on, in the arena of its message. NULL: that arena
 * is full. */
static const struct payload *merge_part(const struct queued_call *member, const struct payload *reply, size_t first)
{
	assert(member->call_batch && first + member->rows <= member->call_batch->rows);
	return payload_rows(member->attempts.call->message->arena, reply, first, member->rows, member->call_batch->rows);
}

/* Whether each tensor of the reply has as many rows as the call. */
static bool merge_is_by_rows(const struct payload *reply, size_t rows)
{
	for (size_t i = 0; i < reply->tensors.count; i++) {
		const struct tensor *tensor = reply->tensors.items[i];
		if (tensor->rank == 0 || (size_t)tensor->shape[0] != rows)
			return false;
	}
	return true;
}

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

bool batch_outcome_split(struct batch_outcome *outcome, struct call_batching *call_batching, struct queued_call *call_batch,
		   const struct attempt *attempt)
{
	assert(call_batch->members);
	const struct payload *reply = attempt->status == 200 ? attempt->payload : NULL;
	*outcome = (struct batch_outcome){.call_queue = call_batching->call_queue,
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

static void cut_part(struct batch_outcome *outcome, const struct queued_call *member, size_t row)
{
	outcome->attempt.payload = merge_part(member, outcome->reply, row);
	outcome->attempt.fault = NULL;
	if (outcome->attempt.payload)
		return;
	error_memory(&outcome->fault, ERROR_LIMIT, "taking a model's reply");
	outcome->attempt.fault = &outcome->fault;
}

struct queued_call *batch_outcome_next(struct batch_outcome *outcome)
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
