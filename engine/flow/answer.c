/* answer.c: what a message is answered: the joined tensors it asked for, the error that
 * counts, or, when nothing can come out, which tensor or step was missing. */
#include "flow/run.h"

static void answer_give(struct run *run, enum flow_outcome outcome)
{
	const struct flow *flow = run->flow;
	run->answered = true;
	run->outcome = outcome;
	if (flow->outside.tap && outcome == FLOW_ANSWER && run->answer.payload)
		flow->outside.tap(flow->outside.context, run->message, TAP_PIPELINE_OUTPUTS, STEP_NONE, run->answer.payload);
	if (flow->outside.answer)
		flow->outside.answer(flow->outside.context, run->message, outcome, &run->answer);
}

void run_answer_error(struct run *run, const struct error *error)
{
	if (run->answered)
		return;
	run->answer = (struct answer){.error = error};
	answer_give(run, run->flow->graph->has_output ? FLOW_ANSWER : FLOW_NO_ANSWER);
}

/* Of the joined tensors those that the request asked for; NULL when it was answered
 * with an error instead. */
static const struct payload *payload_wanted(struct run *run, const struct payload *payload)
{
	struct error error = {0};
	struct payload *selected = ARENA_NEW(run->message->arena, struct payload);
	if (!selected)
		return NULL; /* the run ends for want of memory */
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
		payload = payload_wanted(run, payload);
		if (!payload)
			return;
	}
	run->answer = (struct answer){.payload = payload};
	answer_give(run, FLOW_ANSWER);
}

/* ---- no output, and why ---- */

static const struct source *first_missing(const struct run *run, const struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++)
		if (run->arrivals[gate->first + i].state != ARRIVAL_CAME)
			return &gate->join->sources[i];
	return NULL;
}

/* The source for want of which a halt never ran; NULL when it did run. */
static const struct source *halt_missing(const struct run *run, size_t index)
{
	const struct station *station = &run->flow->stations[index];
	if (run->halts[index].stage == HALT_FIRED || run->halts[index].sent)
		return NULL;
	const struct source *source = first_missing(run, &station->inputs);
	return source ? source : first_missing(run, &station->triggers);
}

/* Goes back from a source that gave nothing to the one where it began. */
static const struct source *root_of(const struct run *run, const struct source *source)
{
	for (size_t steps = 0; steps < run->flow->count && source->step != STEP_NONE; steps++) {
		const struct source *before = halt_missing(run, source->step);
		if (!before)
			break;
		source = before;
	}
	return source;
}

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
	if (run->halts[source->step].error) {
		text = arena_print(arena, "step `%s` failed: %s", name, run->halts[source->step].error->text);
		return text ? text : "";
	}
	switch (run->halts[source->step].silence) {
	case SILENCE_WHEN:
		text = arena_print(arena, "the condition `when` of step `%s` does not hold", name);
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

/* Every source of the answer was in vain: where each of them began to be, once. */
static void explain_nothing(const struct run *run, struct error *error)
{
	const struct gate *gate = &run->flow->stations[run->flow->count].inputs;
	char why[ERROR_TEXT_MAX] = "";
	struct place place = run->flow->graph->resource ? run->flow->graph->resource->place : PLACE_NONE;
	size_t length = 0;
	for (size_t i = 0; i < gate->count; i++) {
		if (run->arrivals[gate->first + i].state == ARRIVAL_CAME)
			continue;
		const struct source *root = root_of(run, &gate->join->sources[i]);
		const char *reason = reason_print(run, root);
		if (strstr(why, reason) || length + strlen(reason) + 3 > sizeof why)
			continue;
		if (length == 0)
			place = root->place;
		const char *between = length ? "; " : "";
		memcpy(why + length, between, strlen(between));
		length += strlen(between);
		memcpy(why + length, reason, strlen(reason) + 1);
		length += strlen(reason);
	}
	error_set(error, ERROR_INPUT, place, "no output: %s", length ? why : "no step that gives it was reached");
}

void run_answer_nothing(struct run *run)
{
	if (run->answered)
		return;
	if (!run->flow->graph->has_output) {
		run->answer = (struct answer){.error = run->failure};
		answer_give(run, FLOW_NO_ANSWER);
	} else if (run->failure && run->flow->graph->cyclic) { /* elsewhere failures have come to the answer by themselves */
		run_answer_error(run, run->failure);
	} else if (run->dropped) {
		answer_give(run, FLOW_DROPPED);
	} else {
		struct error error = {0};
		explain_nothing(run, &error);
		run_answer_error(run, run_keep_error(run, &error));
	}
}
