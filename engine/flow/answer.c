/* answer.c: Answer of a message: the joined tensors that it asked for, or the error that counts. If no output is
 * possible, the error names the missing tensor or step. */
#include "flow/run.h"
#include "message/records/assigned.h"

/* Finds the step of an error: the one that has the same error, by its address. */
static void answer_blame(struct run *run)
{
	for (size_t i = 0; i < run->flow->count; i++)
		if (node_state_seen(run, i)->attempts > 0 && node_state_seen(run, i)->error == run->answer.error) {
			run->answer.step = run->flow->graph->steps[i].name;
			run->answer.attempts = node_state_seen(run, i)->attempts;
			return;
		}
}

static void answer_give(struct run *run, enum flow_outcome outcome)
{
	const struct flow *flow = run->flow;
	if (run->answer.error)
		answer_blame(run);
	run->answered = true;
	run->outcome = outcome;
	if (flow->environment.tap && outcome == FLOW_ANSWER && run->answer.payload)
		flow->environment.tap(flow->environment.context, run->message, TAP_PIPELINE_OUTPUTS, STEP_NONE,
				      run->answer.payload);
	if (run->child_groups)
		family_wake(run);
	if (flow->environment.answer && !run->child)
		flow->environment.answer(flow->environment.context, run->message, outcome, &run->answer);
}

void run_answer_error(struct run *run, const struct error *error)
{
	if (run->answered || !flow_decides(run->flow))
		return;
	run->answer = (struct answer){.error = error};
	answer_give(run, run->flow->graph->has_output ? FLOW_ANSWER : FLOW_NO_ANSWER);
}

void run_answer_parted(struct run *run)
{
	answer_give(run, FLOW_PARTED);
}

/* Of the joined tensors, those that the request asked for. NULL: the request was answered with an error instead. */
static const struct payload *payload_wanted(struct run *run, const struct payload *payload)
{
	struct error error = {0};
	struct payload *selected = ARENA_NEW(run->message->arena, struct payload);
	if (!selected)
		return NULL; /* the run ends because memory ran out */
	*selected = *payload;
	if (answer_select_wanted(run->message, payload, &selected->tensors, &error))
		return selected;
	run_answer_error(run, run_keep_error(run, &error));
	return NULL;
}

void run_answer_payload(struct run *run, const struct payload *payload)
{
	if (run->answered || !payload)
		return;
	if (run->message->wanted.count) {
		if (run->mirrored)
			run_mirror(run, payload); /* all of it, as the mirror is asked for all */
		payload = payload_wanted(run, payload);
		if (!payload)
			return;
	}
	run->answer = (struct answer){.payload = payload};
	answer_give(run, FLOW_ANSWER);
}

/* ---- no output, and why ---- */

struct reasons {
	char text[ERROR_TEXT_MAX];
	size_t length;
	struct place place; /* place of the first */
};

static const char *reason_print(const struct run *run, const struct source *source)
{
	struct arena *arena = run->message->arena;
	const char *text;
	if (source->step == STEP_NONE) {
		text = source->tensor.length
			       ? arena_print(arena, "the request has no tensor `" TEXT_FORMAT "`", TEXT_ARGUMENTS(source->tensor))
			       : "the request has no tensors";
		return text ? text : "";
	}
	const char *name = run->flow->graph->steps[source->step].name;
	const struct node_state *node_state = node_state_seen(run, source->step);
	if (node_state->error) {
		text = arena_print(arena, "step `%s` failed: %s", name, node_state->error->text);
		return text ? text : "";
	}
	switch (node_state->silence) {
	case SILENCE_WHEN:
		text = arena_print(arena, "the condition `when` of step `%s` is false", name);
		break;
	case SILENCE_DROPPED:
		text = arena_print(arena, "step `%s` dropped the message", name);
		break;
	default:
		if (source->tensor.length)
			text = arena_print(arena, "step `%s` gave no tensor `" TEXT_FORMAT "`", name,
					   TEXT_ARGUMENTS(source->tensor));
		else
			text = arena_print(arena, "step `%s` gave no tensors", name);
	}
	return text ? text : "";
}

static void reasons_add(struct reasons *reasons, const struct run *run, const struct source *source)
{
	const char *reason = reason_print(run, source);
	if (strstr(reasons->text, reason) || reasons->length + strlen(reason) + 3 > sizeof reasons->text)
		return;
	if (reasons->length == 0)
		reasons->place = source->place;
	const char *between = reasons->length ? "; " : "";
	memcpy(reasons->text + reasons->length, between, strlen(between));
	reasons->length += strlen(between);
	memcpy(reasons->text + reasons->length, reason, strlen(reason) + 1);
	reasons->length += strlen(reason);
}

static bool node_state_ran(const struct run *run, size_t index)
{
	const struct node_state *node_state = node_state_seen(run, index);
	return node_state->stage == NODE_FIRED || node_state->sent;
}

/* The n-th source of a gate, if the gate stays closed because of it. Sources in progress are not reported; on a cycle
 * no source is in progress by now. */
static const struct source *gate_lacks(const struct run *run, const struct gate *gate, size_t index)
{
	const struct flow_arrival *arrivals = &run->arrivals[gate->first];
	size_t came = 0;
	for (size_t i = 0; i < gate->count; i++)
		came += arrivals[i].state == ARRIVAL_CAME;
	enum arrival_state state = arrivals[index].state;
	bool blamed = state == ARRIVAL_PENDING ? run->flow->graph->cyclic : state != ARRIVAL_CAME;
	return blamed && came < gate->need ? &gate->join->sources[index] : NULL;
}

/* Marks the steps that the gate needs and that never ran. */
static void gate_mark(const struct run *run, const struct gate *gate, bool *never_ran)
{
	for (size_t i = 0; i < gate->count; i++) {
		const struct source *source = gate_lacks(run, gate, i);
		if (source && source->step != STEP_NONE && !node_state_ran(run, source->step))
			never_ran[source->step] = true;
	}
}

/* Collects the reasons of steps that ran and gave no output for the gate. */
static void gate_explain(const struct run *run, const struct gate *gate, struct reasons *reasons)
{
	for (size_t i = 0; i < gate->count; i++) {
		const struct source *source = gate_lacks(run, gate, i);
		if (source && (source->step == STEP_NONE || node_state_ran(run, source->step)))
			reasons_add(reasons, run, source);
	}
}

/* Finds the first reason why there is no answer. */
static void explain_nothing(const struct run *run, struct error *error)
{
	const struct flow *flow = run->flow;
	const struct graph *graph = flow->graph;
	const struct gate *output = &flow->nodes[flow->count].inputs;
	struct reasons reasons = {.place = graph->resource ? graph->resource->place : PLACE_NONE};
	bool *never_ran = ARENA_ARRAY(run->message->arena, bool, flow->count);
	if (never_ran)
		gate_mark(run, output, never_ran);
	for (size_t i = never_ran ? flow->count : 0; i-- > 0;) {
		if (never_ran[graph->order[i]]) {
			const struct run *where = run_where(run, graph->order[i]);
			gate_mark(where, &flow->nodes[graph->order[i]].inputs, never_ran);
			gate_mark(where, &flow->nodes[graph->order[i]].triggers, never_ran);
		}
	}
	gate_explain(run, output, &reasons);
	for (size_t i = 0; never_ran && i < flow->count; i++) {
		if (never_ran[graph->order[i]]) {
			const struct run *where = run_where(run, graph->order[i]);
			gate_explain(where, &flow->nodes[graph->order[i]].inputs, &reasons);
			gate_explain(where, &flow->nodes[graph->order[i]].triggers, &reasons);
		}
	}
	error_set(error, ERROR_INPUT, reasons.place, "no output: %s",
		  reasons.length ? reasons.text : "no step that gives it has run");
}

/* Whether the answer, or a source of it, was dropped on purpose. */
static bool was_dropped(const struct run *run)
{
	while (run->child && !run->dropped)
		run = run->child->child_group->parent;
	return run->dropped;
}

void run_answer_nothing(struct run *run)
{
	if (run->answered)
		return;
	if (!run->flow->graph->has_output) {
		run->answer = (struct answer){.error = run->failure};
		answer_give(run, FLOW_NO_ANSWER);
	} else if (run->failure && run->flow->graph->cyclic) { /* without cycles, failures have reached the answer by themselves */
		run_answer_error(run, run->failure);
	} else if (was_dropped(run)) {
		answer_give(run, FLOW_DROPPED);
	} else {
		struct error error = {0};
		explain_nothing(run, &error);
		run_answer_error(run, run_keep_error(run, &error));
	}
}

static const char *silence_text(enum flow_outcome outcome)
{
	if (outcome == FLOW_PARTED)
		return "answers with many messages, and the caller waits for one: combine them there, with `aggregate: {parts: "
		       "STEP}`";
	return outcome == FLOW_DROPPED ? "dropped the message" : "has none";
}

void call_take_answer(struct call *call, enum flow_outcome outcome, const struct answer *answer)
{
	if (answer->payload)
		call->reply = answer->payload;
	else if (answer->error)
		call->error = *answer->error;
	else
		error_set(&call->error, ERROR_INPUT, PLACE_NONE, "no output: the pipeline `%s` %s", call->name,
			  silence_text(outcome));
}

void call_take_assigned(struct call *call, const struct message *message)
{
	struct message *calling = (struct message *)(uintptr_t)call->message; /* its flow waits for the call */
	if (message->assigned == calling->assigned || assigned_join(calling, message))
		return;
	call->reply = NULL;
	error_memory(&call->error, ERROR_LIMIT, "taking a pipeline's answer");
}
