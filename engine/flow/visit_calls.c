/* visit_calls.c: Calls that a visit makes: of models and pipelines, shadow requests, and perturbed requests. */
#include <assert.h>

#include "base/memory.h"
#include "flow/run.h"

/* Fills in a call that is zeroed but for what only shadow requests have. */
static void call_fill(struct call *call, const struct visit *visit, enum call_target target, const char *name,
		      const struct payload *request)
{
	const struct graph_step *graph_step = visit->node->graph_step;
	call->target = graph_callee(visit->flow->graph, target, name);
	call->name = name;
	call->request = request;
	call->message = visit->message;
	call->timeout_ms = graph_step->timeout_ms;
	call->outputs = visit->node->outputs;
	call->timeout_own = graph_step->spec->timeout_ns > 0;
	call->kept_ms = graph_step->kept_ms;
	call->once = call->once || visit->message->copied;
	call->outage_fails = visit->message->outage_fails;
}

void visit_copy(struct visit *visit, enum call_target target, const char *name, const struct payload *request)
{
	visit_copy_to(visit, graph_callee(visit->flow->graph, target, name), name, request, NULL);
}

void visit_copy_to(struct visit *visit, enum call_target target, const char *name, const struct payload *request,
		   const struct mirrored_result *of)
{
	struct call call = {.once = true};
	call_fill(&call, visit, target, name, request);
	if (visit->flow->environment.copy)
		visit->flow->environment.copy(visit->flow->environment.context, &call, of);
}

/* A call that has not begun; NULL: memory ran out. */
static struct call *call_make(struct visit *visit, enum call_target target, const char *name, const struct payload *request,
			      struct error *error)
{
	const struct call_rules *rules = visit->node->step.kind->calls;
	assert(rules && rules->answered); /* the reply needs a receiver */
	struct pending *pending = arena_take_raw(visit->arena, sizeof *pending);
	if (!pending)
		return error_null(error_memory(error, ERROR_LIMIT, "calling a model"));
	memory_clear(pending, sizeof *pending);
	pending->visit = visit;
	pending->open = true;
	pending->next = visit->calls;
	visit->calls = pending;
	visit->turns = true;
	call_fill(&pending->call, visit, target, visit->model && target == CALL_MODEL ? visit->model : name, request);
	pending->call.owner = pending;
	return &pending->call;
}

/* Lets an experiment of the call choose. The calls of a batch are not split. */
static bool call_split(struct call *call, struct error *error)
{
	struct pending *pending = call->owner;
	const struct visit *visit = pending->visit;
	const struct graph_experiment *experiment =
		visit->run ? graph_experiment_find(visit->flow->graph, visit->node->index, call->target, call->name) : NULL;
	return !experiment || experiment_choose(pending, experiment, error);
}

struct call *visit_call(struct visit *visit, enum call_target target, const char *name, const struct payload *request,
			struct error *error)
{
	struct call *call = call_make(visit, target, name, request, error);
	if (!call)
		return NULL;
	if (visit->flow->graph->experiment_count > 0 && !call_split(call, error)) {
		((struct pending *)call->owner)->open = false;
		return NULL;
	}
	visit->flow->environment.call(visit->flow->environment.context, call);
	return call;
}

struct call *visit_perturb(struct visit *visit, const char *model, const struct payload *request, int64_t due_ms,
			   struct error *error)
{
	const size_t explained = visit->node->graph_step->explained_index;
	struct call *call = call_make(visit, CALL_MODEL, experiment_answered_by(visit, explained, model), request, error);
	if (!call)
		return NULL;
	call->due_ms = due_ms;
	call->once = call->uncached = true;
	visit->flow->environment.call(visit->flow->environment.context, call);
	return call;
}
