/* subpipelines.c: Subpipelines: pipelines that steps of other pipelines call. Each runs whole, in a flow of its own in the
 * caller's worker. Its messages are in the caller's arena.
 *
 * There is no second topic, so a subpipeline is answered in the transaction of its caller. Its stages are not split,
 * and it has no taps.
 */
#include "base/memory.h"
#include "flow/rollout_choices.h"
#include "engine/worker/parts.h"

#define DEPTH_MAX 16 /* pipelines that call pipelines */

struct subpipeline_call {	/* a call in progress */
	struct message message; /* first: the flow returns it by its address */
	struct call *call;
	struct flow_owner *flow_owner; /* the owner of the called pipeline's flow */
	struct subpipeline_call *next, *previous;
	int64_t taken_ms; /* by the worker's clock */
	bool begun;
};

/* ---- flows of called pipelines ---- */

static void subpipeline_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer);

bool subpipeline_open(struct worker_stage *stage, const struct flow_environment *of_stage, struct error *error)
{
	const struct stage_config *config = stage->config;
	if (config->called_count == 0)
		return true;
	stage->called = memory_take(config->called_count, sizeof *stage->called);
	if (!stage->called)
		return error_memory(error, ERROR_SYSTEM, "opening the pipelines that a pipeline calls");
	for (size_t i = 0; i < config->called_count; i++) {
		struct flow_owner *flow_owner = &stage->called[i];
		struct flow_environment environment = *of_stage;
		environment.context = flow_owner;
		environment.finished = subpipeline_finished;
		environment.tap = NULL;
		environment.board = NULL;
		environment.learns_as = config->graph->name;
		environment.step_counts = config->called[i].step_counts;
		flow_owner->stage = stage;
		flow_owner->name = config->called[i].name;
		if (config->called[i].counts)
			flow_owner->counts = &config->called[i].counts[stage->worker->config->number];
		flow_owner->flow = flow_open(config->called[i].graph, &environment, error);
		if (!flow_owner->flow)
			return false;
	}
	return true;
}

void subpipeline_close(struct worker_stage *stage)
{
	for (size_t i = 0; stage->called && i < stage->config->called_count; i++)
		flow_close(stage->called[i].flow);
	memory_give(stage->called);
}

static struct flow_owner *flow_owner_find(const struct worker_stage *stage, const char *name)
{
	for (size_t i = 0; i < stage->config->called_count; i++)
		if (strcmp(stage->called[i].name, name) == 0)
			return &stage->called[i];
	return NULL;
}

/* ---- calls ---- */

static void subpipeline_add(struct worker *worker, struct subpipeline_call *nested)
{
	nested->call->under_way = nested;
	nested->next = worker->subpipeline_calls;
	if (nested->next)
		nested->next->previous = nested;
	worker->subpipeline_calls = nested;
	worker->subpipeline_waiting++;
	nested->taken_ms = loop_now_ms(worker->loop);
	call_count_in(nested->flow_owner->counts);
}

static void subpipeline_remove(struct worker *worker, struct subpipeline_call *nested)
{
	nested->call->under_way = NULL;
	if (nested->next)
		nested->next->previous = nested->previous;
	*(nested->previous ? &nested->previous->next : &worker->subpipeline_calls) = nested->next;
	worker->subpipeline_waiting -= !nested->begun;
}

/* The call in which the calling message itself runs; NULL: none. A shadow request has none, because it has a message
 * of its own. */
static const struct subpipeline_call *subpipeline_of(const struct call *call)
{
	const struct flow_owner *flow_owner = call->asker;
	return flow_owner->name && call->owner ? (const struct subpipeline_call *)message_root(call->message) : NULL;
}

/* Depth of a call. Pipelines may call each other in a circle only to a depth of DEPTH_MAX. */
static unsigned depth_of(const struct call *call)
{
	unsigned depth = 0;
	for (const struct subpipeline_call *caller; (caller = subpipeline_of(call)); call = caller->call)
		depth++;
	return depth;
}

bool subpipeline_call(struct flow_owner *flow_owner, struct call *call)
{
	struct worker_stage *stage = flow_owner->stage;
	struct flow_owner *called = call->target == CALL_PIPELINE ? flow_owner_find(stage, call->name) : NULL;
	if (!called)
		return false;
	struct subpipeline_call *nested = NULL;
	if (depth_of(call) >= DEPTH_MAX)
		error_set(&call->error, ERROR_LIMIT, PLACE_NONE, "pipelines call each other more than %d deep, at `%s`", DEPTH_MAX,
			  call->name);
	else if (!(nested = ARENA_NEW(call->message->arena, struct subpipeline_call)))
		error_memory(&call->error, ERROR_LIMIT, "calling a pipeline");
	if (!nested) {
		returned_calls_add(stage->worker, call);
		return true;
	}
	nested->message = *call->message;
	nested->message.payload = *call->request;
	nested->message.deadline_ms = call_deadline_ms(call);
	nested->message.outage_fails = call->outage_fails;
	nested->message.wanted = (struct tensors_wanted){0};
	nested->message.wanted_each = NULL;
	nested->message.carried = NULL;
	nested->message.rollouts = NULL;
	nested->message.waited_ms = 0;
	nested->message.waits_until_ms = loop_now_ms(stage->worker->loop);
	nested->message.line = NULL;
	nested->message.writes = NULL;
	nested->message.parent = NULL;
	nested->message.offspring = NULL;
	nested->call = call;
	nested->flow_owner = called;
	subpipeline_add(stage->worker, nested);
	return true;
}

/* NULL: the call has another target, or is not in progress. */
static struct subpipeline_call *subpipeline_under_way(const struct call *call)
{
	return call->target == CALL_PIPELINE ? call->under_way : NULL;
}

void subpipeline_forget(struct worker *worker, const struct call *call)
{
	struct subpipeline_call *nested = subpipeline_under_way(call);
	if (!nested)
		return;
	subpipeline_remove(worker, nested);
	call_count_forgotten(nested->flow_owner->counts);
	if (nested->begun)
		flow_abandon(nested->flow_owner->flow, &nested->message);
	rollout_choices_pass(&nested->message, call->message, call->error.kind != ERROR_NONE);
}

bool subpipeline_waited(const struct call *call, int64_t *waited_ms)
{
	const struct subpipeline_call *nested = subpipeline_under_way(call);
	if (!nested)
		return false;
	*waited_ms = nested->begun ? flow_waited_ms(nested->flow_owner->flow, &nested->message) : 0;
	return true;
}

bool subpipeline_outage(const struct call *call, int64_t *outage_ms)
{
	const struct subpipeline_call *nested = subpipeline_under_way(call);
	if (!nested)
		return false;
	*outage_ms = nested->begun ? flow_outage_ms(nested->flow_owner->flow, &nested->message) : 0;
	return true;
}

bool subpipeline_standing(const struct call *call, enum standing *standing)
{
	const struct subpipeline_call *nested = subpipeline_under_way(call);
	if (nested)
		*standing = nested->begun ? flow_standing(nested->flow_owner->flow, &nested->message) : STANDING_UNSENT;
	return nested != NULL;
}

int64_t subpipeline_needed_outage(const struct worker_stage *stage, const char *name)
{
	const struct stage_config *config = stage->config;
	int64_t latest_ms = 0;
	for (size_t i = 0; i < config->called_count; i++)
		for (size_t j = 0; strcmp(config->called[i].name, name) == 0 && j < config->called[i].needed_count; j++) {
			const struct call call = {.target = CALL_MODEL, .name = config->called[i].needed[j]};
			const int64_t outage_ms = caller_outage_ms(stage->shared->caller, &call);
			latest_ms = outage_ms > latest_ms ? outage_ms : latest_ms;
		}
	return latest_ms;
}

static void subpipeline_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct subpipeline_call *nested = (struct subpipeline_call *)message;
	struct worker *worker = ((struct flow_owner *)context)->stage->worker;
	struct call *call = nested->call;
	subpipeline_remove(worker, nested);
	call_take_answer(call, outcome, answer);
	call_take_assigned(call, message);
	rollout_choices_pass(message, call->message, call->error.kind != ERROR_NONE);
	/* Several answers are an error for a caller that expects one. */
	const struct answer counted = {.error = outcome == FLOW_PARTED ? &call->error : answer->error};
	call_count_out(nested->flow_owner->counts, outcome, &counted, loop_now_ms(worker->loop) - nested->taken_ms);
	call->attempts = answer->attempts;
	call->waited_ms = message->waited_ms;
	call->outage_ms = answer->outage_ms;
	returned_calls_add(worker, call);
}

static struct subpipeline_call *first_waiting(const struct worker *worker)
{
	struct subpipeline_call *nested = worker->subpipeline_calls;
	while (nested && nested->begun)
		nested = nested->next;
	return nested;
}

void subpipeline_advance(struct worker *worker)
{
	for (struct subpipeline_call *nested; worker->subpipeline_waiting > 0 && (nested = first_waiting(worker));) {
		struct call *call = nested->call;
		nested->begun = true;
		worker->subpipeline_waiting--;
		if (flow_enter(nested->flow_owner->flow, &nested->message, loop_now_ms(worker->loop), &call->error))
			continue;
		subpipeline_remove(worker, nested);
		rollout_choices_pass(&nested->message, call->message, true);
		const struct answer refused = {.error = &call->error};
		call_count_out(nested->flow_owner->counts, FLOW_ANSWER, &refused, 0);
		returned_calls_add(worker, call);
	}
}

/* ---- time ---- */

bool subpipeline_advance_first(struct worker_stage *stage, int64_t now_ms)
{
	struct flow *first = NULL;
	for (size_t i = 0; i < stage->config->called_count; i++)
		if (!first || flow_due_ms(stage->called[i].flow) < flow_due_ms(first))
			first = stage->called[i].flow;
	if (!first || flow_due_ms(first) > now_ms)
		return false;
	flow_advance(first, now_ms);
	return true;
}

int64_t subpipeline_due_ms(const struct worker_stage *stage)
{
	int64_t due_ms = INT64_MAX;
	for (size_t i = 0; i < stage->config->called_count; i++)
		if (flow_due_ms(stage->called[i].flow) < due_ms)
			due_ms = flow_due_ms(stage->called[i].flow);
	return due_ms;
}
