/* gates.c: Gates of nodes: the arrivals of their sources, the condition to open, and the payload that goes through.
 *
 * A gate has one state for each source: pending, came, dead (will never come), failed. It opens when all came; or
 * when at least `need` came and the others are settled or `within_ms` has passed. So an inner join needs all, an
 * outer join one within its window, and `any` one at once. A gate that can no longer get what it needs passes that
 * on, so that joins and answers after it are settled at once too.
 *
 * The window does not close on a source that an outage delays (outage.c).
 *
 * On a cycle, and after one, another round may bring what this one did not: there nothing is dead until all is quiet.
 */
#include <assert.h>

#include "flow/run.h"

#define OUTAGE_LOOK_MS 250 /* interval at which a shorter window checks whether the outage that pauses it still lasts */

static size_t tally_settled(const struct tally *tally)
{
	return (size_t)tally->came + tally->dead + tally->failed;
}

static uint16_t *tally_count(struct tally *tally, enum arrival_state state)
{
	return state == ARRIVAL_CAME ? &tally->came : state == ARRIVAL_DEAD ? &tally->dead : &tally->failed;
}

/* Of an `any` join that waits for its triggers: another source came first, so this one is not in it. On a cycle each
 * arrival is taken. */
static bool arrival_is_surplus(const struct run *run, const struct flow_edge *edge)
{
	const struct flow_node *node = &run->flow->nodes[edge->node];
	const struct gate *gate = &node->inputs;
	if (edge->trigger || !gate->each || node->recurring)
		return false;
	for (size_t i = 0; i < gate->count; i++)
		if (run->arrivals[gate->first + i].state == ARRIVAL_CAME &&
		    gate->leader[i] != gate->leader[edge->arrival - gate->first])
			return true;
	return false;
}

void arrival_mark(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload)
{
	struct node_state *node_state = &run->node_states[edge->node];
	struct flow_arrival *arrival = &run->arrivals[edge->arrival];
	struct tally *tally = edge->trigger ? &node_state->triggers : &node_state->inputs;
	if (state == ARRIVAL_CAME && arrival_is_surplus(run, edge))
		state = ARRIVAL_DEAD;
	if (arrival->state != ARRIVAL_PENDING)
		--*tally_count(tally, arrival->state);
	++*tally_count(tally, state);
	*arrival = (struct flow_arrival){payload, state};
	if (state == ARRIVAL_CAME)
		node_state->fresh = true;
}

static bool gate_hopeless(const struct gate *gate, const struct tally *tally)
{
	return gate->count - tally->dead - tally->failed < gate->need;
}

/* Time after the first arrival at which the gate opens, with the sources that have come so far; INT64_MAX: it lacks
 * sources that it needs. */
static int64_t gate_opens_ms(const struct gate *gate, const struct tally *tally)
{
	if (tally->came == gate->count)
		return 0;
	if (tally->came < gate->need)
		return INT64_MAX;
	return tally_settled(tally) == gate->count ? 0 : gate->within_ms;
}

/* Time after the first arrival at which the window closes on missing sources; INT64_MAX: none is missing, or another
 * round may bring it. */
static int64_t gate_fails_ms(const struct gate *gate, const struct tally *tally)
{
	bool lacks = gate_opens_ms(gate, tally) == INT64_MAX && !gate_hopeless(gate, tally);
	return lacks ? gate->join->window_ms : INT64_MAX;
}

/* Begin of the window that closes on missing sources. */
static int64_t lacks_since_ms(const struct run *run, size_t index)
{
	int64_t since_ms = run->node_states[index].since_ms,
		stood_ms = run->outages ? run->outages->node_states[index].stood_ms : 0;
	return stood_ms > since_ms ? stood_ms : since_ms;
}

static const struct error *source_error(const struct run *run, const struct source *source)
{
	return node_state_seen(run, source->step)->error;
}

/* The error of the first source that failed, if the gate passes it on. For an outer join a failure is only a missing
 * source, unless all have failed. */
static const struct error *gate_error(const struct run *run, const struct gate *gate, const struct tally *tally)
{
	if (gate->count == 0 || (gate->join->type == JOIN_OUTER && tally->failed < gate->count))
		return NULL;
	for (size_t i = 0; i < gate->count; i++)
		if (run->arrivals[gate->first + i].state == ARRIVAL_FAILED)
			return source_error(run, &gate->join->sources[i]);
	return NULL;
}

void node_state_end(struct run *run, size_t index, const struct error *error)
{
	struct node_state *node_state = &run->node_states[index];
	node_state->stage = error ? NODE_FAILED : NODE_DEAD;
	node_state->error = error;
	node_state->ticking = false;
	node_state->childless = true;
	if (run->child && part_of_gathering(run, index)) {
		part_settle(run, index);
		return;
	}
	if (run->flow->nodes[index].stateful)
		ordered_gate_pass(run, &run->flow->nodes[index]);
	struct task *task = arena_take_raw(run->message->arena, sizeof *task);
	if (!task)
		return; /* the run ends because memory ran out */
	*task = (struct task){.node = index, .kind = error ? TASK_FAILED : TASK_DEAD};
	run_push(run, task);
}

/* ---- payload of a gate ---- */

/* The output of each source; NULL if it gave none. The list must outlive the next round of a cycle, for kinds that
 * read their sources separately. */
static const struct payload *const *gate_sources(const struct run *run, const struct gate *gate)
{
	const struct payload **sources = arena_take_raw(run->message->arena, gate->count * sizeof *sources);
	for (size_t i = 0; sources && i < gate->count; i++) {
		const struct flow_arrival *arrival = &run->arrivals[gate->first + i];
		sources[i] = arrival->state == ARRIVAL_CAME ? arrival->payload : NULL;
	}
	return sources;
}

static const struct payload *gate_join(const struct run *run, const struct gate *gate, const struct payload *const *came)
{
	return came ? sources_join(run->message->arena, gate->join->sources, gate->leader, gate->count, came) : NULL;
}

const struct payload *gate_collect(const struct run *run, const struct gate *gate)
{
	return gate->plain ? run->arrivals[gate->first].payload : gate_join(run, gate, gate_sources(run, gate));
}

/* ---- opening of a gate ---- */

/* Prepares the gate for the next round: sources that can come again must come again; `any` starts without arrivals. */
static void gate_rearm(struct run *run, const struct gate *gate, struct tally *tally)
{
	for (size_t i = 0; i < gate->count; i++) {
		struct flow_arrival *arrival = &run->arrivals[gate->first + i];
		const struct source *source = &gate->join->sources[i];
		bool again = gate->each || (source->point != SOURCE_REQUEST && run->flow->nodes[source->step].recurring);
		if (!again || arrival->state == ARRIVAL_PENDING)
			continue;
		--*tally_count(tally, arrival->state);
		*arrival = (struct flow_arrival){0};
	}
}

static void node_state_exhausted(struct run *run, size_t index)
{
	struct node_state *node_state = &run->node_states[index];
	const struct graph *graph = run->flow->graph;
	struct error error = {0};
	error_set(&error, ERROR_LIMIT, graph->steps[index].spec->here,
		  "Max step revisits (%lld) exceeded by step `%s`; let the cycle end sooner, or raise maxStepRevisits",
		  (long long)graph->max_visits - 1, graph->steps[index].name);
	node_state->stage = NODE_FAILED;
	node_state->error = run_keep_error(run, &error);
	if (graph->steps[index].answers)
		run_answer_error(run, node_state->error);
}

/* What a visit leaves behind that only passes its input. */
static void node_note(struct run *run, const struct flow_node *node, const struct payload *input)
{
	struct node_state *node_state = &run->node_states[node->index];
	node_state->sent = node_state->gave = input;
	if (node->counts)
		count_add(&node->counts->duration.buckets[0], 1);
	outlet_deliver(run, &node->sent, ARRIVAL_CAME, input, NULL);
}

struct visit *node_state_go(struct run *run, size_t index, const struct payload *input)
{
	struct flow_node *node = &run->flow->nodes[index];
	if (!node->graph_step) {
		run_answer_payload(run, input);
		return NULL;
	}
	if (node->noted) {
		node_note(run, node, input);
		return NULL;
	}
	struct visit *visit = arena_take_raw(run->message->arena, sizeof *visit);
	if (!visit)
		return NULL;
	visit->task.node = index;
	visit->task.kind = TASK_VISIT;
	visit->flow = run->flow;
	visit->run = run;
	visit->node = node;
	visit->message = run->message;
	visit->arena = run->message->arena;
	visit->input = input;
	memset(&visit->emitted, 0, sizeof *visit - offsetof(struct visit, emitted));
	run_push(run, &visit->task);
	return visit;
}

static void node_state_fire(struct run *run, size_t index)
{
	struct node_state *node_state = &run->node_states[index];
	struct flow_node *node = &run->flow->nodes[index];
	node_state->ticking = false;
	node_state->fresh = false;
	if (node->recurring && node->graph_step && ++node_state->visits > run->flow->graph->max_visits) {
		node_state_exhausted(run, index);
		return;
	}
	node_state->stage = node->recurring && node->graph_step ? NODE_OPEN : NODE_FIRED;
	const struct gate *inputs = &node->inputs;
	const struct payload *const *came = inputs->count > 1 ? gate_sources(run, inputs) : NULL;
	const struct payload *input = came ? gate_join(run, inputs, came) : gate_collect(run, inputs);
	if (run->child && part_of_gathering(run, index)) {
		part_bring(run, index, input);
		return;
	}
	struct visit *visit = node_state_go(run, index, input);
	if (visit)
		visit->sources = came;
	if (node->recurring) {
		gate_rearm(run, &node->inputs, &node_state->inputs);
		gate_rearm(run, &node->triggers, &node_state->triggers);
	}
}

static bool node_state_opens(const struct run *run, size_t index, int64_t waited_ms)
{
	struct flow_node *node = &run->flow->nodes[index];
	const struct node_state *node_state = &run->node_states[index];
	return node_state->fresh && waited_ms >= gate_opens_ms(&node->inputs, &node_state->inputs) &&
	       waited_ms >= gate_opens_ms(&node->triggers, &node_state->triggers);
}

void node_state_settle(struct run *run, size_t index)
{
	struct flow_node *node = &run->flow->nodes[index];
	struct node_state *node_state = &run->node_states[index];
	int64_t now_ms = run->flow->now_ms;
	if (node_state_opens(run, index, node_state->ticking ? now_ms - node_state->since_ms : 0)) {
		if (node->in_later_stage)
			node_state->stage = NODE_FIRED;
		else
			node_state_fire(run, index);
		return;
	}
	bool hopeless = gate_hopeless(&node->inputs, &node_state->inputs) || gate_hopeless(&node->triggers, &node_state->triggers);
	if (hopeless && !node->recurring) {
		const struct error *error = gate_error(run, &node->inputs, &node_state->inputs);
		node_state_end(run, index, error ? error : gate_error(run, &node->triggers, &node_state->triggers));
	} else if (!node_state->ticking && node_state->fresh && !node->in_later_stage) {
		node_state->ticking = true;
		node_state->since_ms = now_ms;
	}
}

bool node_is_left_out(const struct run *run, size_t index)
{
	const struct sample *sample = run->flow->nodes[index].sample;
	return sample && !sample_has(sample, run->message);
}

static bool edge_is_meant(const struct run *run, const struct flow_edge *edge, const char *only)
{
	const struct graph_step *step = run->flow->nodes[edge->node].graph_step;
	return !only || (step && strcmp(step->name, only) == 0);
}

/* Delivers to a node without a join: an output continues, and a missing one ends the node. */
static void deliver_alone(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload)
{
	const struct gate *gate = &run->flow->nodes[edge->node].inputs;
	run->arrivals[edge->arrival] = (struct flow_arrival){payload, state};
	if (state == ARRIVAL_CAME) {
		run->node_states[edge->node].stage = NODE_FIRED;
		(void)node_state_go(run, edge->node, gate_collect(run, gate));
	} else {
		node_state_end(run, edge->node, state == ARRIVAL_FAILED ? source_error(run, &gate->join->sources[0]) : NULL);
	}
}

static void deliver_whole(struct run *run, const struct flow_edge *edges, size_t count, const struct payload *payload)
{
	for (size_t i = 0; i < count; i++) {
		run->node_states[edges[i].node].stage = NODE_FIRED;
		(void)node_state_go(run, edges[i].node, payload);
	}
}

/* Whether the edge's node gets anything of a payload that came. */
static bool edge_finds(const struct run *run, const struct flow_edge *edge, const struct payload *payload, const char *only)
{
	return (source_finds(edge->tensor, payload) || edge->watches) && edge_is_meant(run, edge, only);
}

void outlet_deliver_each(struct run *run, const struct outlet *outlet, enum arrival_state state, const struct payload *payload,
			 const char *only)
{
	if (outlet->whole && state == ARRIVAL_CAME && !only && payload->tensors.count) {
		deliver_whole(run, outlet->edges, outlet->count, payload);
		return;
	}
	for (size_t i = 0; i < outlet->count; i++) {
		const struct flow_edge *edge = &outlet->edges[i];
		struct node_state *node_state = &run->node_states[edge->node];
		bool lost = state == ARRIVAL_CAME && !edge_finds(run, edge, payload, only);
		enum arrival_state its_state = lost ? ARRIVAL_DEAD : state;
		if (edge->alone) {
			deliver_alone(run, edge, its_state, payload);
			continue;
		}
		bool last = i + 1 == outlet->count || outlet->edges[i + 1].node != edge->node;
		if (edge->descends) {
			descend(run, edge, its_state, payload, last);
			continue;
		}
		if (node_state->stage != NODE_OPEN)
			continue;
		if (node_is_left_out(run, edge->node)) {
			node_state->stage = NODE_DEAD;
			continue;
		}
		arrival_mark(run, edge, its_state, payload);
		if (last)
			node_state_settle(run, edge->node);
	}
}

/* ---- time ---- */

static int64_t node_state_fails_ms(const struct flow_node *node, const struct node_state *node_state)
{
	int64_t inputs_ms = gate_fails_ms(&node->inputs, &node_state->inputs);
	int64_t triggers_ms = gate_fails_ms(&node->triggers, &node_state->triggers);
	return inputs_ms < triggers_ms ? inputs_ms : triggers_ms;
}

int64_t node_state_due_ms(const struct run *run, size_t index)
{
	const struct node_state *node_state = &run->node_states[index];
	const struct flow_node *node = &run->flow->nodes[index];
	if (!node_state->ticking || node_state->stage != NODE_OPEN)
		return INT64_MAX;
	int64_t inputs_ms = gate_opens_ms(&node->inputs, &node_state->inputs);
	int64_t triggers_ms = gate_opens_ms(&node->triggers, &node_state->triggers);
	int64_t due_ms = inputs_ms > triggers_ms ? inputs_ms : triggers_ms; /* both gates must be open */
	if (due_ms != INT64_MAX)
		return node_state->since_ms + due_ms;
	due_ms = node_state_fails_ms(node, node_state);
	return due_ms == INT64_MAX ? INT64_MAX : lacks_since_ms(run, index) + due_ms;
}

static const struct source *first_pending(const struct run *run, const struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++)
		if (run->arrivals[gate->first + i].state == ARRIVAL_PENDING)
			return &gate->join->sources[i];
	return NULL;
}

static void node_state_late(struct run *run, size_t index)
{
	const struct flow_node *node = &run->flow->nodes[index];
	const struct graph_step *step = node->graph_step;
	bool inputs = gate_fails_ms(&node->inputs, &run->node_states[index].inputs) != INT64_MAX;
	const struct gate *gate = inputs ? &node->inputs : &node->triggers;
	const struct source *source = first_pending(run, gate);
	assert(source); /* a gate whose window closes lacks a source */
	struct error error = {0};
	if (step && gate->need < gate->count)
		error_set(&error, ERROR_LIMIT, source->place,
			  "step `%s` needs %zu of its members, and `" TEXT_FORMAT
			  "` had not come when the join window of %lld ms had passed; give that one a `timeout`, or need fewer",
			  step->name, gate->need, TEXT_ARGUMENTS(source->reference), (long long)gate->join->window_ms);
	else
		error_set(&error, ERROR_LIMIT, source->place,
			  "the join window of %lld ms of %s%s%s has passed, and `" TEXT_FORMAT
			  "` has not come; raise joinWindowMs, or join with `outer` or `any`",
			  (long long)gate->join->window_ms, step ? "step `" : "the output", step ? step->name : "", step ? "`" : "",
			  TEXT_ARGUMENTS(source->reference));
	node_state_end(run, index, run_keep_error(run, &error));
}

/* Whether an outage delayed the missing source: then the window starts again. During the outage this is checked
 * regularly, however short the window is. */
static bool node_state_stands_still(struct run *run, size_t index, int64_t window_ms)
{
	int64_t outage_ms = outage_of_lacked_ms(run, index), now_ms = run->flow->now_ms;
	if (outage_ms >= now_ms && window_ms < OUTAGE_LOOK_MS)
		outage_ms = now_ms + OUTAGE_LOOK_MS - window_ms;
	if (outage_ms + window_ms <= now_ms)
		return false;
	outage_stand(run, index, outage_ms);
	return true;
}

void node_state_window_closed(struct run *run, size_t index)
{
	const struct node_state *node_state = &run->node_states[index];
	int64_t now_ms = run->flow->now_ms, window_ms = node_state_fails_ms(&run->flow->nodes[index], node_state);
	if (node_state_opens(run, index, now_ms - node_state->since_ms))
		node_state_fire(run, index);
	else if (window_ms != INT64_MAX && now_ms - lacks_since_ms(run, index) >= window_ms &&
		 !node_state_stands_still(run, index, window_ms))
		node_state_late(run, index);
}

bool run_settle_quiet(struct run *run)
{
	const struct flow *flow = run->flow;
	for (size_t i = 0; i <= flow->count; i++) {
		size_t index = i < flow->count ? flow->graph->order[i] : i;
		const struct node_state *node_state = &run->node_states[index];
		if (node_state->stage != NODE_OPEN || !node_state->fresh) /* checked first, because it holds for most */
			continue;
		if (flow->nodes[index].in_later_stage || !run_has(run, flow->nodes[index].comes))
			continue;
		if (node_state->inputs.came >= flow->nodes[index].inputs.need &&
		    node_state->triggers.came >= flow->nodes[index].triggers.need) {
			node_state_fire(run, index);
			return true;
		}
	}
	return false;
}
