/* carry.c: Results carried between the stages of a pipeline. When a message enters, the results of earlier stages
 * settle its sources; when it leaves, its own results go with it. */
#include "flow/run.h"

#include <assert.h>

#include "message/key.h"
#include "message/records/slice.h"
#include "compiler/graph/names.h"

/* ---- in ---- */

static enum arrival_state arrival_of(enum given_state state)
{
	return state == GIVEN_CAME ? ARRIVAL_CAME : state == GIVEN_DEAD ? ARRIVAL_DEAD : ARRIVAL_FAILED;
}

/* The step of a carried result; STEP_NONE if that step is not before this stage. */
static size_t step_of(const struct run *run, const struct given *given)
{
	const struct graph *graph = run->flow->graph;
	size_t step = names_find(graph->names, given->step);
	return step != NAME_NONE && graph->part->sides[step] == STEP_BEFORE ? step : STEP_NONE;
}

static void carry_take(struct run *run, size_t step, const struct given *given)
{
	const struct graph *graph = run->flow->graph;
	struct node_state *node_state = &run->node_states[step];
	if (given->state == GIVEN_FAILED) {
		node_state->stage = NODE_FAILED;
		node_state->error = given->error;
		node_state->attempts = given->attempts;
	} else if (given->inputs) {
		node_state->sent = given->payload;
	} else if (given->state == GIVEN_CAME) {
		node_state->stage = NODE_FIRED;
		node_state->gave = given->payload;
		if (given->only_to.length)
			node_state->only_to = arena_copy(run->message->arena, given->only_to.bytes, given->only_to.length);
	} else {
		node_state->stage = given->silence == SILENCE_NONE ? NODE_DEAD : NODE_FIRED;
		node_state->silence = (unsigned char)given->silence;
		run->dropped |= given->silence == SILENCE_DROPPED && (graph->steps[step].answers || !graph->has_output);
	}
}

/* Each observer of the stage gets the rows of a slice that are in its share. */
static void rows_draw(const struct run *run)
{
	const struct graph *graph = run->flow->graph;
	for (size_t i = 0; graph->part->observes && i < graph->count; i++) {
		const size_t watched = graph_step_watched(graph, i);
		if (graph->part->sides[i] == STEP_HERE && watched < graph->count) /* none: it has the request, which is no slice */
			slice_draw(run->message, graph->steps[watched].name, graph->steps[i].name);
	}
}

void run_take_carried(struct run *run)
{
	rows_draw(run);
	const struct carried *carried = run->message->carried;
	for (size_t i = 0; carried && i < carried->count; i++) {
		size_t step = step_of(run, &carried->items[i]);
		if (step != STEP_NONE)
			carry_take(run, step, &carried->items[i]);
	}
	/* Without an output, no stage answers for the others. Each stage reports its own failures. */
	if (carried && carried->answered && run->flow->graph->has_output) {
		run->answered = true;
		run->outcome = FLOW_PASSED;
	}
}

/* Settles inputs and outputs of an earlier step that no carried result mentions. */
static void deliver_missing(struct run *run, size_t step, const bool delivered[2])
{
	const struct carried *carried = run->message->carried;
	const struct error *missing = carried ? carried->missing : NULL;
	const struct flow_node *node = &run->flow->nodes[step];
	enum arrival_state state = missing ? ARRIVAL_FAILED : ARRIVAL_DEAD;
	if (missing && !delivered[0] && !delivered[1]) {
		run->node_states[step].stage = NODE_FAILED;
		run->node_states[step].error = missing;
	}
	if (!delivered[0])
		outlet_deliver(run, &node->sent, state, NULL, NULL);
	if (!delivered[1])
		outlet_deliver(run, &node->gave, state, NULL, NULL);
}

void run_deliver_carried(struct run *run)
{
	const struct flow *flow = run->flow;
	const struct carried *carried = run->message->carried;
	bool *delivered = ARENA_ARRAY(run->message->arena, bool, 2 * flow->count);
	if (!delivered)
		return; /* the run ends because memory ran out */
	for (size_t i = 0; carried && i < carried->count; i++) {
		const struct given *given = &carried->items[i];
		size_t step = step_of(run, given);
		if (step == STEP_NONE || delivered[2 * step + !given->inputs])
			continue;
		const struct flow_node *node = &flow->nodes[step];
		delivered[2 * step + !given->inputs] = true;
		outlet_deliver(run, given->inputs ? &node->sent : &node->gave, arrival_of(given->state), given->payload,
			       given->inputs ? NULL : run->node_states[step].only_to);
	}
	for (size_t i = 0; i < flow->count; i++)
		if (flow->graph->part->sides[i] == STEP_BEFORE)
			deliver_missing(run, i, &delivered[2 * i]);
}

/* ---- out ---- */

static bool may_still_run(const struct run *run, size_t step)
{
	const struct node_state *node_state = &run->node_states[step];
	return (node_state->stage == NODE_FIRED || (node_state->stage == NODE_OPEN && !node_is_left_out(run, step))) &&
	       run_needs(run, &run->flow->nodes[step]);
}

static bool goes_on_to(const struct run *run, const struct graph_next *next)
{
	if (next->always || (next->answer && !run->answered))
		return true;
	for (size_t i = 0; i < next->observer_count; i++)
		if (may_still_run(run, next->observers[i]))
			return true;
	for (size_t i = 0; next->observer_count == 0 && i < run->flow->count; i++)
		if (next->steps[i] && may_still_run(run, i))
			return true;
	return false;
}

/* What an observer gets of the payload: the tensors that it reads, and nothing else. NULL: memory ran out, which the arena
 * remembers. */
static const struct payload *payload_watched(const struct run *run, size_t observer, const struct payload *payload)
{
	struct arena *arena = run->message->arena;
	const struct step step = step_seen(run->flow->graph, observer);
	struct payload *watched = ARENA_NEW(arena, struct payload);
	struct tensors_builder list;
	if (!watched)
		return NULL;
	tensors_begin(&list, arena, payload->tensors.count);
	for (size_t i = 0; i < payload->tensors.count; i++)
		if (step.kind->observes->reads(&step, payload->tensors.items[i]))
			tensors_add(&list, payload->tensors.items[i]);
	watched->tensors = tensors_end(&list);
	return watched;
}

/* Written where it stays: one that is copied is read back before all of it has been written. */
static void given_fill(struct given *given, const struct run *run, size_t step, bool inputs, uint64_t next)
{
	const struct node_state *node_state = &run->node_states[step];
	const struct payload *payload = inputs ? node_state->sent : node_state->gave;
	*given = (struct given){0};
	given->step = text_of(run->flow->graph->steps[step].name);
	given->inputs = inputs;
	given->next = next;
	given->state = GIVEN_DEAD;
	if (payload) {
		given->state = GIVEN_CAME;
		given->payload = payload;
		if (!inputs)
			given->only_to = text_of(node_state->only_to);
	} else if (node_state->error) {
		given->state = GIVEN_FAILED;
		given->error = node_state->error;
		given->attempts = node_state->attempts;
	} else {
		given->silence = (enum silence)node_state->silence;
	}
}

/* The inputs of a step for its observer alone. Beside others it also gets messages that are not in its share. */
static void leave_watched(const struct run *run, struct carried *carried, struct given *items, size_t observer, size_t next)
{
	struct given *given = &items[carried->count++];
	given_fill(given, run, graph_step_watched(run->flow->graph, observer), true, (uint64_t)1 << next);
	given->left_out = run->flow->graph->part->next[next].observer_count > 1 && !may_still_run(run, observer);
	if (given->payload)
		given->payload = payload_watched(run, observer, given->payload);
}

static void carry_to_observers(const struct run *run, struct carried *carried, struct given *items)
{
	const struct graph_part *part = run->flow->graph->part;
	for (size_t i = 0; i < part->next_count; i++)
		for (size_t j = 0; carried->next >> i & 1 && part->next[i].slices && j < part->next[i].observer_count; j++)
			leave_watched(run, carried, items, part->next[i].observers[j], i);
}

static void carry_next_stages(const struct run *run, struct carried *carried, struct given *items)
{
	const struct graph_part *part = run->flow->graph->part;
	uint64_t with_results = 0;
	for (size_t i = 0; i < part->next_count; i++)
		with_results |= part->next[i].results ? carried->next & (uint64_t)1 << i : 0;
	for (size_t step = 0; with_results && step < run->flow->count; step++) {
		uint64_t inputs = 0, outputs = 0;
		for (size_t i = 0; i < part->next_count; i++) {
			uint64_t going = with_results & (uint64_t)1 << i;
			inputs |= part->next[i].inputs[step] && !part->next[i].slices ? going : 0;
			outputs |= part->next[i].outputs[step] ? going : 0;
		}
		if (inputs)
			given_fill(&items[carried->count++], run, step, true, inputs);
		if (outputs)
			given_fill(&items[carried->count++], run, step, false, outputs);
	}
	carried->items = items;
}

/* ---- keys ---- */

/* The key of a link. A key that cannot be evaluated is omitted: the step that needs it fails with the reason. */
static struct text key_of(struct run *run, const struct graph_next *next)
{
	struct flow_node *node = &run->flow->nodes[next->key_step];
	const struct payload *input = gate_collect(run, &node->inputs);
	struct error error = {0};
	if (!input)
		return (struct text){0};
	const struct visit visit = {.flow = run->flow, .run = run, .node = node, .message = run->message, .input = input};
	struct scope scope = visit_scope(&visit, NULL);
	const struct tensor *key = expression_evaluate(next->key_expression, &scope, run->message->arena, &error);
	return key ? key_of_tensor(key, run->message->arena) : (struct text){0};
}

static bool carry_to(struct run *run, uint64_t next)
{
	const struct graph_part *part = run->flow->graph->part;
	struct arena *arena = run->message->arena;
	struct carried *carried = ARENA_NEW(arena, struct carried);
	/* Observers give nothing themselves, so their places are enough for what they get. */
	struct given *items = arena_take_raw(arena, 2 * run->flow->count * sizeof *items);
	struct text *keys = ARENA_ARRAY(arena, struct text, part->next_count);
	if (!carried || !items || !keys)
		return false;
	carried->next = next;
	carried->answered = run->answered;
	carried->keys = keys;
	carry_next_stages(run, carried, items);
	carry_to_observers(run, carried, items);
	for (size_t i = 0; i < part->next_count; i++)
		if (next >> i & 1 && part->next[i].key == STAGE_KEY_EXPRESSION)
			keys[i] = part->next[i].key_text.bytes ? part->next[i].key_text : key_of(run, &part->next[i]);
	run->message->carried = carried;
	return !arena_failed(arena);
}

bool run_leave_carried(struct run *run)
{
	const struct graph_part *part = run->flow->graph->part;
	uint64_t next = 0;
	assert(part && part->next_count <= 64); /* a bit each */
	for (size_t i = 0; i < part->next_count; i++)
		next |= goes_on_to(run, &part->next[i]) ? (uint64_t)1 << i : 0;
	run->message->carried = NULL;
	return next == 0 || carry_to(run, next);
}

void run_fail_rest(struct run *run, const struct error *error)
{
	const struct error *kept = run_keep_error(run, error);
	for (size_t i = 0; i < run->flow->count; i++) {
		struct node_state *node_state = &run->node_states[i];
		bool ended = node_state->gave || node_state->error || node_state->silence != SILENCE_NONE ||
			     node_state->stage == NODE_DEAD;
		if (run->flow->graph->part->sides[i] != STEP_HERE || ended)
			continue;
		node_state->stage = NODE_FAILED;
		node_state->error = kept;
	}
}
