/* visit.c: Visit of one message at one step: the inputs that the step sees, and its verdict. */
#include <assert.h>

#include "base/number/duration.h"
#include "flow/model_switch.h"
#include "flow/run.h"
#include "message/records/explained.h"
#include "message/records/listed_record.h"

/* ---- functions that steps call ---- */

struct arena *visit_arena(struct visit *visit)
{
	return visit->arena;
}

const struct payload *visit_input(const struct visit *visit)
{
	return visit->input;
}

bool visit_source(const struct visit *visit, size_t nth, const char **step, const struct payload **payload)
{
	const struct gate *gate = &visit->node->inputs;
	if (nth >= gate->count)
		return false;
	const struct source *source = &gate->join->sources[nth];
	*step = source->step == STEP_NONE ? visit->flow->graph->name : visit->flow->graph->steps[source->step].name;
	if (!visit->sources || visit->gathers)
		*payload = visit->input;
	else
		*payload = visit->sources[nth] ? source_select(visit->arena, source, visit->sources[nth]) : NULL;
	return true;
}

void visit_emit(struct visit *visit, const struct payload *payload)
{
	visit->emitted = payload;
}

void visit_pass(struct visit *visit)
{
	visit->emitted = visit->input;
}

void visit_only_to(struct visit *visit, const char *step)
{
	visit->only_to = step;
	visit->turns = true;
}

bool visit_way(struct visit *visit, size_t *way, struct error *error)
{
	assert(visit->node->step.assignment); /* its kind has shares */
	const struct graph_experiment *split = visit->flow->graph->steps[visit->node->index].split;
	if (split)
		return experiment_choose_way(visit, split, way, error);
	*way = assignment_of_message(visit->node->step.assignment, visit->message);
	return true;
}

bool visit_is_drawn(const struct visit *visit, const char *salt, double percent)
{
	return assignment_draws(salt, visit->message, percent);
}

/* The output of a node. Children read the outputs of their parents' nodes. */
static const struct payload *run_gave(const struct run *run, size_t node)
{
	while (run->child && !run->node_states[node].gave)
		run = run->child->child_group->parent;
	return run->node_states[node].gave;
}

static bool find_step_tensor(const void *context, struct text step, struct text tensor, const struct tensor **found)
{
	const struct visit *visit = context;
	const struct graph *graph = visit->flow->graph;
	for (size_t i = 0; visit->run && i < graph->count; i++) {
		if (!text_is(step, graph->steps[i].name))
			continue;
		const struct payload *gave = run_gave(visit->run, i);
		*found = gave ? tensors_find(gave->tensors, tensor) : NULL;
		return true;
	}
	return false;
}

static const struct payload *find_step_gave(const void *context, struct text step)
{
	const struct visit *visit = context;
	for (size_t i = 0; visit->run && i < visit->flow->graph->count; i++)
		if (text_is(step, visit->flow->graph->steps[i].name))
			return run_gave(visit->run, i);
	return NULL;
}

struct scope visit_scope(const struct visit *visit, const struct tensors *made)
{
	return (struct scope){
		.message = visit->message,
		.made = made,
		.payload = visit->input,
		.step_tensor = find_step_tensor,
		.step_gave = find_step_gave,
		.context = visit,
		.pipeline = visit->node->step.pipeline,
		.step = visit->node->step.name,
		.variant = visit->message->assigned ? graph_variant(visit->flow->graph, visit->message) : NULL,
	};
}

bool visit_judge(struct visit *visit, const struct expression *condition, bool *holds, struct error *error)
{
	struct scope scope = visit_scope(visit, NULL);
	return expression_judge(condition, &scope, visit->arena, holds, error);
}

int64_t visit_now_ms(const struct visit *visit)
{
	return visit->flow->now_ms;
}

void visit_explain(struct visit *visit, struct explained *made)
{
	const struct explained **end = &message_root(visit->message)->explained;
	while (*end)
		end = (const struct explained **)(uintptr_t)&(*end)->next; /* they are of visits of this message */
	*end = made;
}

void visit_list(struct visit *visit, struct listed_record *record)
{
	struct listed_record **end = &message_root(visit->message)->listed;
	while (*end)
		end = &(*end)->next;
	*end = record;
}

/* The source with the inputs of the explained step; the plan has put it there. */
static size_t explained_source(const struct visit *visit)
{
	const struct join *join = visit->node->inputs.join;
	for (size_t i = 0; i < join->count; i++)
		if (join->sources[i].point == SOURCE_STEP_INPUTS && join->sources[i].tensor.length == 0 &&
		    visit->node->graph_step->explained_index == join->sources[i].step)
			return i;
	assert(false);
	return 0;
}

const struct payload *visit_explained(const struct visit *visit, const struct payload **others)
{
	const struct gate *gate = &visit->node->inputs;
	const size_t count = gate->count, which = explained_source(visit);
	if (!visit->sources) { /* it lists those inputs alone */
		*others = visit->input;
		return visit->input;
	}
	const struct payload **came = arena_take_raw(visit->arena, count * sizeof *came);
	if (!came)
		return NULL;
	for (size_t i = 0; i < count; i++)
		came[i] = i == which ? NULL : visit->sources[i];
	*others = sources_join(visit->arena, gate->join->sources, gate->leader, count, came);
	return *others ? visit->sources[which] : NULL;
}

/* ---- course of a visit ---- */

void visit_wait(struct visit *visit)
{
	assert(visit->run);
	struct run *run = visit->run;
	if (visit->waiting)
		return;
	visit->waiting = true;
	visit->next = run->waiting;
	if (visit->next)
		visit->next->previous = visit;
	run->waiting = visit;
}

static void visit_unlink(struct visit *visit)
{
	if (!visit->waiting)
		return;
	visit->waiting = false;
	if (visit->next)
		visit->next->previous = visit->previous;
	*(visit->previous ? &visit->previous->next : &visit->run->waiting) = visit->next;
	visit->next = visit->previous = NULL;
}

/* A candidate that has not replied when the request's deadline passes has failed. */
static void call_abandon(struct pending *pending)
{
	const struct visit *visit = pending->visit;
	const int64_t deadline_ms = visit->message ? visit->message->deadline_ms : 0;
	const struct flow_environment *environment = &visit->flow->environment;
	if (deadline_ms > 0 && deadline_ms <= visit->flow->now_ms) {
		pending->call.error.kind = ERROR_LIMIT;
		experiment_ended(pending);
		if (pending->call.mirrored)
			environment->mirrored(environment->context, pending->call.mirrored, NULL);
	}
	if (pending->call.mirrored)
		environment->unmirrored(environment->context, pending->call.mirrored);
	if (environment->forget)
		environment->forget(environment->context, &pending->call);
}

void visit_abandon(struct visit *visit)
{
	for (struct pending *pending = visit->calls; pending; pending = pending->next)
		if (pending->open)
			call_abandon(pending);
	if (!visit->run)
		return;
	if (visit->batch)
		batch_leave(visit);
	visit_unlink(visit);
}

static void tap(struct visit *visit, enum tap_point point, const struct payload *payload)
{
	const struct flow *flow = visit->flow;
	flow->environment.tap(flow->environment.context, visit->message, point, visit->task.node, payload);
}

/* Selects the model by the switch of the reference dialect. */
static bool visit_switch(struct visit *visit, struct error *error)
{
	return model_switch_apply(&visit->node->graph_step->model_switch, &visit->node->step, visit->input, visit->arena,
				  &visit->model, &visit->input, error);
}

/* A step that declares one output gives its only tensor that name, unless it asks its model for outputs by name. */
static const struct payload *declared(struct visit *visit, const struct payload *payload)
{
	const struct name_list *outputs = &visit->node->graph_step->spec->outputs;
	if (outputs->count != 1 || visit->node->outputs.count || payload->tensors.count != 1)
		return payload;
	struct text name = text_of(outputs->items[0].text);
	if (text_equal(payload->tensors.items[0]->name, name))
		return payload;
	struct payload *copy = ARENA_NEW(visit->arena, struct payload);
	const struct tensor **items = arena_take_raw(visit->arena, sizeof *items);
	if (!copy || !items)
		return payload;
	*copy = *payload;
	items[0] = tensor_renamed(visit->arena, payload->tensors.items[0], name);
	copy->tensors = (struct tensors){1, items};
	return copy;
}

/* Delivers the output of a visit. */
static void visit_gave(struct visit *visit, const struct payload *gave)
{
	struct run *run = visit->run;
	struct flow_node *node = visit->node;
	struct node_state *node_state = &run->node_states[visit->task.node];
	if (!node->plain)
		gave = declared(visit, gave);
	node_state->gave = gave;
	node_state->only_to = visit->only_to;
	if (gave->tensors.count == 0)
		node_state->silence = SILENCE_EMPTY;
	if (run->flow->environment.tap)
		tap(visit, TAP_STEP_OUTPUTS, gave);
	outlet_deliver(run, &node->gave, ARRIVAL_CAME, gave, visit->only_to);
}

/* Evaluates `when` and the choice of a model, before the step gets anything. False: the visit has ended. */
static bool visit_admit(struct visit *visit)
{
	struct run *run = visit->run;
	struct flow_node *node = visit->node;
	const struct step_spec *spec = node->graph_step->spec;
	struct error *error = run->error;
	bool holds = true;
	error->kind = ERROR_NONE;
	if ((spec->when && !visit_judge(visit, spec->when, &holds, error)) ||
	    (holds && node->graph_step->model_switch.decision.length && !visit_switch(visit, error))) {
		visit_finish(visit, STEP_FAIL, error);
		outlet_deliver(run, &node->sent, ARRIVAL_FAILED, NULL, NULL);
		return false;
	}
	if (holds)
		return true;
	run->node_states[visit->task.node].silence = SILENCE_WHEN;
	outlet_deliver(run, &node->sent, ARRIVAL_DEAD, NULL, NULL);
	visit_finish(visit, STEP_DONE, NULL);
	return false;
}

void visit_run(struct visit *visit)
{
	struct error *error = visit->run->error;
	struct step *step = &visit->node->step;
	error->kind = ERROR_NONE;
	visit_verdict(visit, visit->ends_in_turn ? step->kind->state->in_turn(step, visit, visit->work, error)
						 : step->kind->run(step, visit, error), error);
}

/* Where a visit that ended at once may go on as the visit of the next step, so that a
 * chain costs one: to one step, which alone gets what came. NULL: nowhere. That the run is
 * not answered was seen when the chain began: no step of it answers. */
static struct flow_node *next_of(const struct visit *visit, const struct flow_node *node)
{
	struct flow_node *next = node->gave.next;
	return visit->turns ? NULL : next;
}

/* A chain of plain steps. `is_counted` is constant, so that steps that nobody counts cost nothing more. */
static inline __attribute__((always_inline)) void visit_chain(struct visit *visit, bool is_counted)
{
	struct run *run = visit->run;
	struct error *error = run->error;
	struct flow_node *node = visit->node;
	struct node_state *node_state = &run->node_states[node->index];
	for (;;) {
		error->kind = ERROR_NONE;
		enum step_verdict verdict = node->step.kind->run(&node->step, visit, error);
		const struct payload *gave = visit->emitted;
		if (verdict != STEP_DONE || !gave || gave->tensors.count == 0) {
			visit_verdict(visit, verdict, error);
			return;
		}
		if (is_counted)
			count_add(&node->counts->duration.buckets[0], 1);
		node_state->gave = gave;
		struct flow_node *next = next_of(visit, node);
		if (!next)
			break;
		node = next;
		node_state = &run->node_states[next->index];
		node_state->stage = NODE_FIRED;
		visit->task.node = next->index;
		visit->node = next;
		visit->input = gave;
		visit->emitted = NULL;
	}
	node_state->only_to = visit->only_to;
	outlet_deliver(run, &node->gave, ARRIVAL_CAME, visit->emitted, visit->only_to);
}

/* All that a plain node has not, or that is counted; apart, so that it costs those nothing. */
static __attribute__((noinline)) void visit_start_fully(struct visit *visit)
{
	struct run *run = visit->run;
	struct flow_node *node = visit->node;
	if (!visit->ends_in_turn)
		visit->began_ms = visit->flow->now_ms;
	if (node->plain && !run->answered) {
		visit_chain(visit, true);
		return;
	}
	if (visit->parked) {
		ordered_gate_enter(visit);
		return;
	}
	if (!visit_admit(visit))
		return;
	run->node_states[visit->task.node].sent = visit->input;
	if (visit->flow->environment.tap && !visit->gathers)
		tap(visit, TAP_STEP_INPUTS, visit->input);
	outlet_deliver(run, &node->sent, ARRIVAL_CAME, visit->input, NULL);
	if (node->graph_step->spec->batch.size > 0) {
		visit_wait(visit);
		batch_join(visit);
		return;
	}
	if (node->stateful && !node->step.kind->state->in_turn)
		ordered_gate_enter(visit);
	else
		visit_run(visit);
}

void visit_start(struct visit *visit)
{
	if (visit->node->chains && !visit->run->answered)
		visit_chain(visit, false);
	else
		visit_start_fully(visit);
}

static bool visit_expects(const struct visit *visit)
{
	for (const struct pending *pending = visit->calls; pending; pending = pending->next)
		if (pending->open)
			return true;
	return false;
}

void visit_verdict(struct visit *visit, enum step_verdict verdict, struct error *error)
{
	if (verdict == STEP_WAIT) {
		if (visit_expects(visit)) {
			if (visit->run)
				visit_wait(visit);
			return;
		}
		verdict = STEP_FAIL;
		error_set(error, ERROR_SYSTEM, visit->node->step.place, "step `%s` waits and asked for nothing; please report this",
			  visit->node->step.name);
	}
	if (verdict == STEP_IN_TURN)
		ordered_gate_enter(visit);
	else if (visit->run)
		visit_finish(visit, verdict, error);
	else
		batch_verdict(visit->batch, verdict, error);
}

/* Number of tries of a step: that of its call with the most attempts. */
static unsigned visit_attempts(const struct visit *visit)
{
	unsigned most = 1;
	for (const struct pending *pending = visit->calls; pending; pending = pending->next)
		if (pending->call.attempts > most)
			most = pending->call.attempts;
	return most;
}

static void visit_failed(struct visit *visit, const struct error *error)
{
	struct run *run = visit->run;
	struct node_state *node_state = &run->node_states[visit->task.node];
	node_state->sent = visit->input;
	node_state->error = run_keep_error(run, error);
	node_state->attempts = visit_attempts(visit);
	if (!visit->node->recurring)
		node_state->stage = NODE_FAILED;
	if (!run->failure && (visit->node->graph_step->answers || !run->flow->graph->has_output))
		run->failure = node_state->error;
	outlet_deliver(run, &visit->node->gave, ARRIVAL_FAILED, NULL, NULL);
}

static void visit_gave_nothing(struct visit *visit, bool dropped)
{
	struct run *run = visit->run;
	struct node_state *node_state = &run->node_states[visit->task.node];
	if (dropped) {
		node_state->silence = SILENCE_DROPPED;
		run->dropped |= visit->node->graph_step->answers || !run->flow->graph->has_output;
	} else if (node_state->silence == SILENCE_NONE) {
		node_state->silence = SILENCE_EMPTY;
	}
	outlet_deliver(run, &visit->node->gave, ARRIVAL_DEAD, NULL, NULL);
}

/* Emits the children that a step has made. False: it made none, and its verdict applies to the message itself. */
static bool visit_multiply(struct visit *visit, enum step_verdict *verdict, const struct error **error)
{
	struct run *run = visit->run;
	struct node_state *node_state = &run->node_states[visit->task.node];
	struct child_group *child_group = child_group_of(visit);
	if (child_group && *verdict == STEP_DONE) {
		if (timers_reserve(run->flow, child_group->count)) {
			child_group_begin(visit, child_group);
			return true;
		}
		*verdict = STEP_FAIL;
		run->error->kind = ERROR_NONE;
		*error = run->error;
		error_memory(run->error, ERROR_LIMIT, "making many messages of one");
	}
	if (child_group)
		child_group_forget(visit, child_group);
	node_state->childless = true;
	if (*verdict == STEP_DONE && !visit->emitted && node_state->silence == SILENCE_NONE &&
	    !gather_nothing(run, visit->task.node))
		*verdict = STEP_DROP;
	return false;
}

static void visit_count(const struct visit *visit, enum step_verdict verdict, const struct error *error)
{
	struct step_counts *counts = visit->node->counts;
	if (!counts)
		return;
	const int64_t took_ms = visit->flow->now_ms - visit->began_ms;
	if (took_ms == 0) /* nearly always */
		count_add(&counts->duration.buckets[0], 1);
	else
		duration_count(&counts->duration, (uint64_t)took_ms * US_PER_MS);
	if (verdict == STEP_FAIL)
		count_add(&counts->errors[error->kind - 1], 1);
}

void visit_finish(struct visit *visit, enum step_verdict verdict, const struct error *error)
{
	visit_unlink(visit);
	if (visit->node->stateful) {
		if (visit->drafts && !visit_settle(visit, verdict, visit->run->error)) {
			verdict = STEP_FAIL;
			error = visit->run->error;
		}
		ordered_gate_pass(visit->run, visit->node);
	}
	visit_count(visit, verdict, error);
	if (visit->node->multiplies && visit_multiply(visit, &verdict, &error))
		return;
	if (verdict == STEP_DONE && visit->emitted)
		visit_gave(visit, visit->emitted);
	else if (verdict == STEP_FAIL)
		visit_failed(visit, error);
	else
		visit_gave_nothing(visit, verdict == STEP_DROP);
}
