/* offspring.c: Offspring: many messages made of one, and their merge. The offspring of a visit go on in runs of their
 * own, in the arena of the message that was entered.
 *
 * A run has the node states of the nodes to which its own message comes; its parent has those of earlier nodes. A
 * result there that is a source of a node of the offspring is marked in the parent's run. It is given to all
 * offspring, also to those that are made later.
 *
 * A node that should have multiplied a message may make nothing of it: it failed, dropped it, or passed it on. Then
 * the nodes after it belong to the message itself.
 */
#include "base/memory.h"

#include <assert.h>
#include "flow/run.h"

#define ID_HEADER TEXT("x-request-id")

/* ---- levels ---- */

static size_t own_level(const struct run *run)
{
	return run->child ? run->child->child_group->node : STEP_NONE;
}

bool run_has_level(const struct run *run, size_t level)
{
	for (size_t own = own_level(run); level != own; level = run->flow->nodes[level].gives)
		if (level == STEP_NONE || !run->node_states[level].childless)
			return false;
	return true;
}

const struct run *run_where(const struct run *run, size_t node)
{
	while (run->child && !run_has(run, run->flow->nodes[node].gives))
		run = run->child->child_group->parent;
	return run;
}

bool run_is_answered_above(const struct run *run)
{
	size_t output = run->flow->nodes[run->flow->count].comes;
	while (!run->answered && run->child && !run_has(run, output))
		run = run->child->child_group->parent;
	return run->answered;
}

/* Whether the messages at `level` are children of that node, or descendants of these. */
static bool is_behind(const struct flow *flow, size_t level, size_t node)
{
	while (level != STEP_NONE && level != node)
		level = flow->nodes[level].gives;
	return level == node;
}

static struct child_group *child_group_towards(const struct run *run, size_t level)
{
	struct child_group *child_group = run->child_groups;
	while (child_group && !(child_group->begun && is_behind(run->flow, level, child_group->node)))
		child_group = child_group->next;
	return child_group;
}

/* ---- making of children ---- */

static bool too_many(const struct visit *visit, struct error *error)
{
	return error_set(error, ERROR_LIMIT, visit->node->step.place,
			 "step `%s` would make more than %d messages of one, which is the limit; send less at once",
			 visit->node->step.name, OFFSPRING_MAX);
}

struct child_group *child_group_of(const struct visit *visit)
{
	struct child_group *child_group = visit->run->child_groups;
	while (child_group && child_group->node != visit->task.node)
		child_group = child_group->next;
	return child_group;
}

static struct child_group *child_group_make(const struct visit *visit)
{
	struct child_group *child_group = ARENA_NEW(visit->arena, struct child_group);
	if (!child_group)
		return NULL;
	child_group->parent = visit->run;
	child_group->node = visit->task.node;
	child_group->end = &child_group->first;
	child_group->next = visit->run->child_groups;
	visit->run->child_groups = child_group;
	return child_group;
}

void child_group_forget(struct visit *visit, struct child_group *child_group)
{
	struct child_group **at = &visit->run->child_groups;
	while (*at != child_group)
		at = &(*at)->next;
	*at = child_group->next;
	run_root(visit->run)->offspring -= (uint32_t)child_group->count;
}

/* Headers of a child: those of the parent, except the id, which its answer contains. */
static struct headers headers_of(const struct message *message, struct text id)
{
	struct headers headers = message->headers;
	if (!headers_find(headers, ID_HEADER))
		return headers;
	struct header *items = ARENA_ARRAY(message->arena, struct header, headers.count);
	for (size_t i = 0; items && i < headers.count; i++) {
		items[i] = headers.items[i];
		if (text_equal_caseless(items[i].name, ID_HEADER))
			items[i].value = id;
	}
	return (struct headers){items ? headers.count : 0, items};
}

bool visit_offspring(struct visit *visit, struct text id, struct text key, int64_t time_ms, const struct payload *payload,
		     struct error *error)
{
	struct run *root = run_root(visit->run);
	if (root->offspring == OFFSPRING_MAX)
		return too_many(visit, error);
	struct child_group *child_group = child_group_of(visit);
	struct child *child = arena_take_raw(visit->arena, sizeof *child);
	if (!child_group)
		child_group = child_group_make(visit);
	if (!child_group || !child)
		return error_memory(error, ERROR_LIMIT, "making many messages of one");
	memory_clear(child, sizeof *child);
	const struct message *parent = visit->message;
	struct message *message = &child->offspring.message;
	*message = *parent;
	message->id = message->payload_id = id;
	message->time_ms = time_ms;
	message->headers = headers_of(parent, id);
	message->parent = visit->run->message;
	message->line = NULL;
	message->writes = NULL;
	message->carried = NULL;
	if (key.bytes)
		message->key = key;
	child->offspring.keyed = key.bytes || (visit->run->child && visit->run->child->offspring.keyed);
	child->payload = payload;
	child->child_group = child_group;
	*child_group->end = child;
	child_group->end = &child->next;
	child_group->count++;
	root->offspring++;
	return true;
}

const struct message *visit_message(const struct visit *visit)
{
	return visit->message;
}

/* ---- runs of children ---- */

/* Gives a child the results of nodes where the parent runs, as far as they exist already. */
static void inherit(struct run *run, const struct run *parent)
{
	const struct flow *flow = run->flow;
	const struct inlets *inlets = &flow->nodes[own_level(run)].inlets;
	for (size_t i = 0; i < inlets->count; i++) {
		const struct flow_edge *edge = inlets->items[i];
		const struct flow_arrival *arrival = &parent->arrivals[edge->arrival];
		if (arrival->state != ARRIVAL_PENDING)
			arrival_mark(run, edge, arrival->state, arrival->payload);
	}
	for (size_t i = 0; i < inlets->count; i++) {
		size_t node = inlets->items[i]->node;
		if (run->node_states[node].stage == NODE_OPEN && run_has(run, flow->nodes[node].comes))
			node_state_settle(run, node);
	}
}

/* Leaves the ordered gates of stateful nodes at which the children arrive instead of the parent. */
static void leave_ordered_gates(struct run *parent, size_t node)
{
	const struct flow *flow = parent->flow;
	for (size_t i = 0; i < flow->ordered_gate_count; i++) {
		const struct flow_node *ordered_gate = &flow->nodes[flow->ordered_gates[i]];
		if (is_behind(flow, ordered_gate->comes, node))
			ordered_gate_pass(parent, ordered_gate);
	}
}

/* Starts the children. All of them enter their line before the first continues. */
static bool children_begin(struct child_group *child_group)
{
	struct run *parent = child_group->parent, *ahead = parent;
	const struct flow *flow = parent->flow;
	for (struct child *child = child_group->first; child; child = child->next) {
		struct run *run = run_begin_child(child);
		if (!run)
			return false; /* the root ends because memory ran out */
		child->run = run;
		child_group->alive++;
		for (size_t i = 0; i < flow->ordered_gate_count; i++)
			run->node_states[flow->ordered_gates[i]].passed =
				!is_behind(flow, flow->nodes[flow->ordered_gates[i]].comes, child_group->node);
		if (parent->line)
			line_insert(run, ahead);
		ahead = run;
	}
	return true;
}

static void child_go(struct child *child, const char *only_to)
{
	struct run *run = child->run;
	const struct flow *flow = run->flow;
	const struct flow_node *node = &flow->nodes[child->child_group->node];
	if (flow->environment.tap)
		flow->environment.tap(flow->environment.context, run->message, TAP_STEP_OUTPUTS, node->index, child->payload);
	run->node_states[node->index].gave = child->payload;
	inherit(run, child->child_group->parent);
	outlet_deliver(run, &node->gave, ARRIVAL_CAME, child->payload, only_to);
	run_wake(run);
}

void child_group_begin(struct visit *visit, struct child_group *child_group)
{
	assert(!child_group->begun);
	struct run *parent = visit->run;
	child_group->begun = true;
	if (!children_begin(child_group))
		return;
	leave_ordered_gates(parent, child_group->node);
	for (struct child *child = child_group->first; child; child = child->next)
		child_go(child, visit->only_to);
}

/* ---- results of nodes where the message itself runs ---- */

static void descend_to(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload,
		       bool last)
{
	if (run->node_states[edge->node].stage == NODE_OPEN) {
		arrival_mark(run, edge, state, payload);
		if (last)
			node_state_settle(run, edge->node);
	}
	run_wake(run);
}

void descend(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload, bool last)
{
	size_t comes = run->flow->nodes[edge->node].comes;
	if (run_has(run, comes)) {
		descend_to(run, edge, state, payload, last);
		return;
	}
	if (run->node_states[edge->node].stage == NODE_OPEN)
		arrival_mark(run, edge, state, payload);
	const struct child_group *child_group = child_group_towards(run, comes);
	for (struct child *child = child_group ? child_group->first : NULL; child; child = child->next)
		if (child->run && !child->ended)
			descend(child->run, edge, state, payload, last);
}

/* Whether a result that matters may still arrive from the run's parent. */
bool run_expects(const struct run *run)
{
	const struct inlets *inlets = &run->flow->nodes[own_level(run)].inlets;
	for (size_t i = 0; i < inlets->count; i++) {
		const struct flow_edge *edge = inlets->items[i];
		if (run->node_states[edge->node].stage == NODE_OPEN && run->arrivals[edge->arrival].state == ARRIVAL_PENDING &&
		    run_needs(run, &run->flow->nodes[edge->node]))
			return true;
	}
	return false;
}

/* ---- collecting ---- */

bool part_of_gathering(const struct run *run, size_t node)
{
	const struct flow_node *its = &run->flow->nodes[node];
	return its->gathers && own_level(run) == its->comes;
}

/* Whether a failed part fails the whole. It does not if the node joins the parts that exist. */
static bool is_strict(const struct flow_node *node)
{
	return node->graph_step->inputs.type == JOIN_INNER;
}

static const struct child *first_failed(const struct child_group *child_group, size_t node)
{
	const struct child *child = child_group->first;
	while (child && child->run->node_states[node].stage != NODE_FAILED)
		child = child->next;
	return child;
}

static void gather_failed(struct run *run, size_t node, const struct child *child)
{
	const struct error *error = child->run->node_states[node].error;
	struct error whole = {0};
	error_set(&whole, error->kind, error->place, "part `" TEXT_FORMAT "` failed: %s",
		  TEXT_ARGUMENTS(child->offspring.message.id), error->text);
	node_state_end(run, node, run_keep_error(run, &whole));
}

/* Handles a group in which all children were dropped or gave no output. */
static void gather_lost(struct run *run, size_t node, const struct child_group *child_group)
{
	bool dropped = false;
	for (const struct child *child = child_group->first; child; child = child->next)
		dropped |= child->run->dropped;
	run->dropped |= dropped;
	run->node_states[node].silence = dropped ? SILENCE_DROPPED : SILENCE_EMPTY;
	node_state_end(run, node, NULL);
}

static void offspring_gather(struct run *run, size_t node, const struct child_group *child_group)
{
	size_t most = child_group ? child_group->count : 0;
	struct parts *parts = arena_take_raw(run->message->arena, sizeof *parts + most * sizeof *parts->items);
	size_t count = 0;
	for (const struct child *child = child_group ? child_group->first : NULL; parts && child; child = child->next)
		if (child->run->node_states[node].stage == NODE_FIRED)
			parts->items[count++] = (struct part){child, child->run->node_states[node].sent};
	if (!parts)
		return; /* the root ends because memory ran out */
	const struct child *failed = child_group ? first_failed(child_group, node) : NULL;
	if (failed && (count == 0 || is_strict(&run->flow->nodes[node]))) {
		gather_failed(run, node, failed);
	} else if (count == 0 && child_group) {
		gather_lost(run, node, child_group);
	} else {
		run->node_states[node].stage = NODE_FIRED;
		struct visit *visit = node_state_go(run, node, run->node_states[run->flow->nodes[node].comes].sent);
		parts->count = count;
		if (visit) {
			visit->parts = parts;
			visit->gathers = true;
		}
	}
	run_wake(run);
}

void part_settle(struct run *run, size_t node)
{
	const struct child_group *child_group = run->child->child_group;
	struct node_state *node_state = &child_group->parent->node_states[node];
	if ((size_t)++node_state->visits == child_group->count && node_state->stage == NODE_OPEN)
		offspring_gather(child_group->parent, node, child_group);
}

void part_bring(struct run *run, size_t node, const struct payload *payload)
{
	const struct flow *flow = run->flow;
	run->node_states[node].sent = payload;
	if (flow->environment.tap && payload)
		flow->environment.tap(flow->environment.context, run->message, TAP_STEP_INPUTS, node, payload);
	part_settle(run, node);
}

bool gather_nothing(struct run *run, size_t node)
{
	bool gathered = false;
	for (size_t i = 0; i < run->flow->count; i++) {
		if (!run->flow->nodes[i].gathers || run->flow->nodes[i].comes != node)
			continue;
		offspring_gather(run, i, NULL);
		gathered = true;
	}
	return gathered;
}

bool visit_part(const struct visit *visit, size_t nth, struct text *id, const struct payload **payload)
{
	if (!visit->gathers) { /* the step that should have made children passed the message on */
		*id = visit->message->id;
		*payload = visit->input;
		return nth == 0;
	}
	if (nth >= visit->parts->count)
		return false;
	*id = visit->parts->items[nth].child->offspring.message.id;
	*payload = visit->parts->items[nth].payload;
	return true;
}

/* ---- all runs of a message ---- */

bool run_has_children(const struct run *run)
{
	for (const struct child_group *child_group = run->child_groups; child_group; child_group = child_group->next)
		if (child_group->alive > 0)
			return true;
	return false;
}

void child_end(struct run *run)
{
	assert(!run->child->ended);
	struct child *child = run->child;
	struct run *parent = child->child_group->parent;
	child->ended = true;
	child->offspring.outcome = run->outcome;
	child->offspring.answer = run->answer;
	run_leave(run);
	if (!parent->failure)
		parent->failure = run->flow->graph->has_output ? NULL : run->failure;
	if (--child->child_group->alive == 0)
		run_wake(parent);
}

void family_wake(struct run *run)
{
	for (struct child_group *child_group = run->child_groups; child_group; child_group = child_group->next)
		for (struct child *child = child_group->first; child; child = child->next) {
			if (!child->run || child->ended)
				continue;
			run_wake(child->run);
			family_wake(child->run);
		}
}

/* Removes the runs of a message and its children from the list of pending work. */
static void family_unlist(const struct run *root)
{
	struct flow *flow = root->flow;
	struct run **at = &flow->ready;
	while (*at) {
		if (*at != root && run_root(*at) == root)
			*at = (*at)->next_ready;
		else
			at = &(*at)->next_ready;
	}
	flow->ready_end = at;
}

static void children_leave(struct run *run)
{
	for (struct child_group *child_group = run->child_groups; child_group; child_group = child_group->next)
		for (struct child *child = child_group->first; child; child = child->next) {
			if (!child->run || child->ended)
				continue;
			child->ended = true;
			children_leave(child->run);
			run_leave(child->run);
		}
}

/* Orders the writes of several children to the same key. The one that is released last is valid. */
static void order_writes(struct message *message)
{
	struct write *newest = message->writes;
	message->writes = NULL;
	for (struct write *older; newest; newest = older) {
		older = newest->next;
		newest->next = message->writes;
		message->writes = newest;
	}
}

void family_leave(struct run *run)
{
	children_leave(run);
	family_unlist(run);
	order_writes(run->message);
}

void family_answer_error(struct run *run, const struct error *error)
{
	const struct child_group *child_group = child_group_towards(run, run->flow->nodes[run->flow->count].comes);
	if (!child_group) {
		run_answer_error(run, error);
		return;
	}
	for (struct child *child = child_group->first; child; child = child->next)
		if (child->run)
			family_answer_error(child->run, error);
}

/* ---- answers ---- */

static struct offspring **offspring_list(const struct child_group *child_group, struct offspring **end)
{
	size_t output = child_group->parent->flow->nodes[child_group->parent->flow->count].comes;
	for (struct child *child = child_group->first; child; child = child->next) {
		const struct child_group *further = child_group_towards(child->run, output);
		if (further) {
			end = offspring_list(further, end);
			continue;
		}
		child->offspring.outcome = child->run->outcome;
		child->offspring.answer = child->run->answer;
		*end = &child->offspring;
		end = (struct offspring **)(uintptr_t)&child->offspring.next;
	}
	return end;
}

bool family_collect(struct run *run)
{
	const struct child_group *child_group = child_group_towards(run, run->flow->nodes[run->flow->count].comes);
	if (!child_group || run->child)
		return child_group != NULL;
	struct offspring *first = NULL;
	*offspring_list(child_group, &first) = NULL;
	run->message->offspring = first;
	run_answer_parted(run);
	return true;
}
