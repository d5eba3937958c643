/* batch.c: Batches of messages that go through a step together.
 *
 * An open batch collects messages whose tensors agree in name, datatype and all but the first dimension. With `size`
 * rows, or when its window has passed, it is sent: the step runs once, with the rows of all members. Its result is
 * then split by rows. If the first dimension of a result is not the number of rows, each member gets the whole
 * result.
 *
 * A batch outlives its members, because one may be past its deadline while the call is outstanding. So it copies what
 * it takes from them and what it gives them.
 */
#include "base/memory.h"

#include <assert.h>
#include "flow/run.h"
#include "message/provenance.h"
#include "message/rows.h"

#define BATCH_BYTES_MAX ((size_t)1 << 30) /* of the rows of one batch; a server refuses far less */
#define MEMBERS_AT_FIRST 8

struct batch_member {
	struct visit *visit; /* NULL: it has left */
	size_t rows;	     /* of the batch; 0: it left before the batch was sent */
};

struct batch {
	struct timer timer;
	struct flow *flow;
	struct flow_node *node;
	struct batch *next;
	struct arena *arena;
	size_t rows;
	size_t count, capacity;
	size_t present;
	struct batch_member *members;
	bool flying;
	struct visit visit; /* visit of the step, for all members */
	struct message message;
	struct payload payload;
};

/* ---- collecting ---- */

static bool open_batch_takes(const struct batch *batch, const struct payload *payload)
{
	const struct visit *first = NULL;
	for (size_t i = 0; !first; i++)
		first = batch->members[i].visit;
	return payloads_agree(first->input, payload);
}

static struct batch *batch_make(struct flow *flow, struct flow_node *node)
{
	struct batch *batch = memory_take(1, sizeof *batch);
	if (!batch)
		return NULL;
	batch->arena = arena_open(BATCH_BYTES_MAX);
	if (!batch->arena || !timers_reserve(flow, 1)) {
		arena_close(batch->arena);
		memory_give(batch);
		return NULL;
	}
	flow->batch_count++;
	batch->flow = flow;
	batch->node = node;
	batch->timer.batch = batch;
	return batch;
}

static struct batch *open_batch_begin(struct flow *flow, struct flow_node *node)
{
	struct batch *batch = node->spare;
	if (batch)
		node->spare = batch->next;
	else
		batch = batch_make(flow, node);
	if (!batch)
		return NULL;
	batch->next = node->open_batches;
	node->open_batches = batch;
	batch->timer.serial = ++flow->serial;
	timer_set(flow, &batch->timer, flow->now_ms + batch_window_ms(&node->graph_step->spec->batch));
	return batch;
}

static bool member_add(struct batch *batch, struct visit *visit, size_t rows)
{
	struct batch_member *members =
		arena_grow(batch->arena, batch->members, batch->count, &batch->capacity, MEMBERS_AT_FIRST, sizeof *members);
	if (!members)
		return false;
	batch->members = members;
	members[batch->count++] = (struct batch_member){visit, rows};
	batch->present++;
	batch->rows += rows;
	visit->batch = batch;
	return true;
}

static void list_remove(struct batch **list, struct batch *batch)
{
	while (*list != batch)
		list = &(*list)->next;
	*list = batch->next;
}

static void batch_retire(struct batch *batch)
{
	struct flow_node *node = batch->node;
	list_remove(batch->flying ? &node->flying : &node->open_batches, batch);
	timer_set(batch->flow, &batch->timer, INT64_MAX);
	arena_reset(batch->arena);
	batch->rows = batch->count = batch->capacity = batch->present = 0;
	batch->members = NULL;
	batch->flying = false;
	batch->next = node->spare;
	node->spare = batch;
}

const struct visit *batch_visit(const struct batch *batch)
{
	return batch->flying ? &batch->visit : NULL;
}

/* ---- sending on ---- */

/* Joins the rows of the members that have not left. */
static struct tensors batch_joined(const struct batch *batch)
{
	const struct payload **parts = ARENA_ARRAY(batch->arena, const struct payload *, batch->count);
	size_t count = 0;
	for (size_t i = 0; parts && i < batch->count; i++)
		if (batch->members[i].visit)
			parts[count++] = batch->members[i].visit->input;
	return parts ? payloads_joined(batch->arena, parts, count, batch->rows) : (struct tensors){0};
}

/* Makes the message of the batch: the envelope of the first member, and the latest deadline of all. As long as one
 * member waits, the call is needed; and it waits for the model if one member does. */
static void carrier_make(struct batch *batch, const struct message *first)
{
	struct arena *arena = batch->arena;
	batch->message = *first;
	batch->message.arena = arena;
	batch->message.parent = NULL; /* its parent is in another arena */
	batch->message.id = text_copied(arena, first->id);
	batch->message.payload_id = text_copied(arena, first->payload_id);
	batch->message.key = text_copied(arena, first->key);
	batch->message.origin.topic = text_copied(arena, first->origin.topic);
	batch->message.wanted.count = 0;
	batch->message.headers = headers_copied(arena, first->headers);
	batch->message.places = NULL; /* those of the first one are in its arena, too */
	for (size_t i = 0; i < batch->count; i++) {
		const struct visit *visit = batch->members[i].visit;
		int64_t *latest_ms = &batch->message.deadline_ms;
		if (visit && (visit->message->deadline_ms == 0 || visit->message->deadline_ms > *latest_ms) && *latest_ms != 0)
			*latest_ms = visit->message->deadline_ms;
		batch->message.outage_fails = batch->message.outage_fails && (!visit || visit->message->outage_fails);
	}
}

void batch_send(struct batch *batch)
{
	assert(batch->present > 0 && !batch->flying);
	struct flow_node *node = batch->node;
	const struct visit *first = NULL;
	for (size_t i = 0; !first; i++)
		first = batch->members[i].visit;
	timer_set(batch->flow, &batch->timer, INT64_MAX);
	list_remove(&node->open_batches, batch);
	batch->flying = true;
	batch->next = node->flying;
	node->flying = batch;
	carrier_make(batch, first->message);
	batch->payload = (struct payload){
		.tensors = batch_joined(batch),
		.parameters = parameters_copied(batch->arena, first->input->parameters),
		.replier = repliers_copied(batch->arena, first->input->replier),
	};
	batch->visit = (struct visit){
		.task = first->task,
		.flow = batch->flow,
		.node = node,
		.message = &batch->message,
		.arena = batch->arena,
		.input = &batch->payload,
		.model = first->model,
		.batch = batch,
	};
	struct error error = {0};
	enum step_verdict verdict = STEP_FAIL;
	if (arena_failed(batch->arena))
		error_memory(&error, ERROR_LIMIT, "gathering a batch");
	else
		verdict = node->step.kind->run(&node->step, &batch->visit, &error);
	visit_verdict(&batch->visit, verdict, &error);
}

static void go_alone(struct visit *visit)
{
	struct error error = {0};
	struct step *step = &visit->node->step;
	visit_verdict(visit, step->kind->run(step, visit, &error), &error);
}

void batch_join(struct visit *visit)
{
	assert(visit->run && !visit->batch);
	struct flow_node *node = visit->node;
	size_t rows = payload_row_count(visit->input);
	if (rows == 0) {
		go_alone(visit);
		return;
	}
	struct batch *batch = node->open_batches;
	while (batch && (!open_batch_takes(batch, visit->input) || batch->visit.model != visit->model))
		batch = batch->next;
	if (!batch) {
		batch = open_batch_begin(visit->flow, node);
		if (batch)
			batch->visit.model = visit->model;
	}
	if (!batch || !member_add(batch, visit, rows)) {
		if (batch && batch->present == 0)
			batch_retire(batch);
		struct error error = {0};
		error_memory(&error, ERROR_LIMIT, "gathering a batch");
		visit_finish(visit, STEP_FAIL, &error);
		return;
	}
	if (batch->rows >= (size_t)node->graph_step->spec->batch.size)
		batch_send(batch);
}

void batch_leave(struct visit *visit)
{
	assert(visit->batch);
	struct batch *batch = visit->batch;
	visit->batch = NULL;
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->members[i].visit != visit)
			continue;
		batch->members[i].visit = NULL;
		batch->present--;
		if (batch->flying)
			continue;
		batch->rows -= batch->members[i].rows;
		batch->members[i].rows = 0;
	}
	if (batch->present)
		return;
	if (batch->flying)
		visit_abandon(&batch->visit);
	batch_retire(batch);
}

/* Adds the marks that a member came with to its part of the result: the batch goes without marks. */
static const struct payload *member_marked(const struct visit *visit, const struct payload *part)
{
	const struct tensors own = visit->input->marks;
	if (own.count == 0 || !part)
		return part;
	struct payload *marked = ARENA_NEW(visit->arena, struct payload);
	struct tensors_builder marks;
	tensors_begin(&marks, visit->arena, own.count + part->marks.count);
	for (size_t i = 0; i < own.count; i++)
		tensors_add(&marks, own.items[i]);
	for (size_t i = 0; i < part->marks.count; i++)
		tensors_put(&marks, part->marks.items[i]);
	if (!marked)
		return NULL;
	*marked = *part;
	marked->marks = tensors_end(&marks);
	return marked;
}

void batch_verdict(struct batch *batch, enum step_verdict verdict, const struct error *error)
{
	const struct payload *emitted = batch->visit.emitted;
	for (size_t i = 0, row = 0; i < batch->count; row += batch->members[i].rows, i++) {
		struct visit *visit = batch->members[i].visit;
		if (!visit)
			continue;
		visit->batch = NULL;
		run_root(visit->run)->has_called = true;
		if (verdict == STEP_DONE && emitted)
			visit->emitted = member_marked(
				visit, payload_rows(visit->arena, emitted, row, batch->members[i].rows, batch->rows));
		visit->only_to = batch->visit.only_to;
		visit_finish(visit, verdict, error);
		run_wake(visit->run);
	}
	batch_retire(batch);
}

void batch_note_outage(const struct batch *batch, int64_t outage_ms)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->members[i].visit)
			outage_note(batch->members[i].visit->run, batch->node->index, outage_ms);
}

void batch_note_wait(const struct batch *batch, int64_t waited_ms)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->members[i].visit)
			call_wait_note_member(batch->members[i].visit, waited_ms);
}

static void list_close(struct batch *batch)
{
	while (batch) {
		struct batch *next = batch->next;
		if (batch->flying)
			visit_abandon(&batch->visit);
		batch->flow->batch_count--;
		arena_close(batch->arena);
		memory_give(batch);
		batch = next;
	}
}

void batches_close(struct flow_node *node)
{
	list_close(node->open_batches);
	list_close(node->flying);
	list_close(node->spare);
}
