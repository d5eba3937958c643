/* ordered_gate.c: Ordered gates of stateful steps: the order in which messages come to them, and the state of the
 * steps.
 *
 * A line has for each ordered gate the run whose turn it is: the first that has not passed there. A run passes when
 * its visit has ended, when it can no longer come to the step, and when it ends. If the visit of the next run has
 * come already, it is parked among the waiting visits, and becomes a task again. A kind with in_turn() comes to its gate at
 * the end of a visit, others at the beginning.
 */
#include <assert.h>

#include "base/memory.h"
#include "flow/run.h"
#include "observe/verdict_board.h"

#define SHOWN_BYTES_MAX ((size_t)8 << 20) /* what a step takes to find its verdicts in its state */

struct line {
	struct flow *flow;
	struct store *store;
	struct run *first, *last;
	struct run *turns[STORE_SCOPES_MAX]; /* NULL: all runs inside have passed */
};

/* ---- turns ---- */

/* The run's turn has come. If its visit is parked, it becomes a task. */
static void unpark(struct run *run, const struct flow_node *node)
{
	for (struct visit *visit = run->waiting; visit; visit = visit->next) {
		if (!visit->parked || visit->node != node)
			continue;
		run_push(run, &visit->task);
		run_wake(run);
		return;
	}
}

/* Gives the turn to the first run, from `run` on, that has not passed. */
static void turn_give(struct line *line, const struct flow_node *node, struct run *run)
{
	while (run && run->node_states[node->index].passed)
		run = run->behind;
	line->turns[node->ordered_gate] = run;
	if (run)
		unpark(run, node);
}

/* The run has passed, or leaves. Runs that waited for it were also delayed by the outages that delayed it. */
static void turn_hand_on(struct line *line, const struct flow_node *node, struct run *run)
{
	const struct run_outages *outages = run_root(run)->outages;
	int64_t outage_ms = outages ? outages->latest_ms : 0;
	turn_give(line, node, run->behind);
	struct run *next = line->turns[node->ordered_gate];
	if (outage_ms > 0 && next)
		outage_note(next, node->index, outage_ms);
}

void ordered_gate_pass(struct run *run, const struct flow_node *node)
{
	assert(node->stateful);
	struct line *line = run->line;
	if (node->recurring || run->node_states[node->index].passed)
		return; /* on a cycle it may come again, and passes when it ends */
	run->node_states[node->index].passed = true;
	if (line && line->turns[node->ordered_gate] == run)
		turn_hand_on(line, node, run);
}

const struct run *ordered_gate_turn(const struct visit *visit)
{
	const struct line *line = visit->run->line;
	return line ? line->turns[visit->node->ordered_gate] : NULL;
}

static void visit_refuse(struct visit *visit)
{
	struct error *error = visit->run->error;
	error->kind = ERROR_NONE;
	error_set(error, ERROR_SYSTEM, visit->node->step.place,
		  "step `%s` cannot keep state here: the partition was revoked, or has no state", visit->node->step.name);
	visit_finish(visit, STEP_FAIL, error);
}

void ordered_gate_enter(struct visit *visit)
{
	assert(visit->run && visit->node->stateful);
	struct line *line = visit->run->line;
	visit->parked = line && line->turns[visit->node->ordered_gate] != visit->run;
	if (visit->parked)
		visit_wait(visit);
	else if (line)
		visit_run(visit);
	else
		visit_refuse(visit);
}

/* ---- lines ---- */

struct store_scopes flow_scopes(const struct flow *flow)
{
	uint32_t scope;
	return (struct store_scopes){flow->ordered_gate_count + flow_joins_parts(flow, &scope), flow->scopes};
}

/* The entry of the step that an observer observes; another step has its own. */
static struct verdict_entry *entry_of(const struct flow *flow, const struct step *step)
{
	char watched[STORE_SCOPE_BYTES_MAX + 1];
	const char *observer = step->name;
	if (!step_is_observer(step))
		return step_explains(step) ? verdict_board_entry(flow->environment.board, flow->graph->name, step->name) : NULL;
	const size_t length = strlen(observer) - strlen(OBSERVER_SUFFIX);
	if (length >= sizeof watched)
		return NULL;
	memcpy(watched, observer, length);
	watched[length] = '\0';
	return verdict_board_entry(flow->environment.board, flow->graph->name, watched);
}

void flow_verdicts_lend(const struct flow *flow, const struct store *store)
{
	for (uint32_t scope = 0; scope < flow->ordered_gate_count; scope++) {
		const struct step *step = &flow->nodes[flow->ordered_gates[scope]].step;
		struct verdict_entry *entry = store_has_scope(store, scope) ? entry_of(flow, step) : NULL;
		if (entry)
			verdict_entry_lend(entry);
	}
}

/* Shows those of a node, which recalls its state as in the visit of a message. What it would remember is dropped. */
static void node_show(struct flow *flow, struct line *line, struct flow_node *node)
{
	struct arena *arena = arena_open(SHOWN_BYTES_MAX);
	struct message message = {.arena = arena};
	struct run run = {.flow = flow, .message = &message, .line = line};
	struct visit visit = {.flow = flow, .run = &run, .node = node, .message = &message, .arena = arena};
	if (arena)
		node->step.kind->observes->show(&node->step, &visit);
	arena_close(arena);
}

void flow_verdicts_show(struct flow *flow, struct line *line)
{
	for (uint32_t scope = 0; scope < flow->ordered_gate_count; scope++) {
		struct flow_node *node = &flow->nodes[flow->ordered_gates[scope]];
		const struct observer_rules *rules = node->step.kind->observes;
		if (rules && rules->show && store_has_scope(line->store, scope))
			node_show(flow, line, node);
	}
}

static bool node_awaits_time(struct flow *flow, struct line *line, struct flow_node *node, struct awaited_time *awaited)
{
	struct arena *arena = step_awaits_time(&node->step) ? arena_open(SHOWN_BYTES_MAX) : NULL;
	if (!arena)
		return false;
	struct message message = {.arena = arena};
	struct run run = {.flow = flow, .message = &message, .line = line};
	struct visit visit = {.flow = flow, .run = &run, .node = node, .message = &message, .arena = arena};
	const bool awaits = node->step.kind->observes->awaits_time(&node->step, &visit, awaited);
	arena_close(arena);
	return awaits;
}

bool flow_awaits_time(struct flow *flow, struct line *line, struct awaited_time *awaited)
{
	bool awaits = false;
	for (uint32_t scope = 0; scope < flow->ordered_gate_count; scope++) {
		struct awaited_time its;
		if (!store_has_scope(line->store, scope) ||
		    !node_awaits_time(flow, line, &flow->nodes[flow->ordered_gates[scope]], &its))
			continue;
		if (!awaits || its.due_ms - its.clock_ms < awaited->due_ms - awaited->clock_ms)
			*awaited = its;
		awaits = true;
	}
	return awaits;
}

bool flow_joins_parts(const struct flow *flow, uint32_t *scope)
{
	const struct graph_part *part = flow->graph->part;
	*scope = (uint32_t)flow->ordered_gate_count;
	return part && (part->gathers || part->parent_count > 1);
}

struct line *line_open(struct flow *flow, struct store *store, struct error *error)
{
	assert(flow);
	struct line *line = memory_take(1, sizeof *line);
	if (!line)
		return error_null(error_memory(error, ERROR_SYSTEM, "keeping the messages of a partition in order"));
	line->flow = flow;
	line->store = store;
	return line;
}

void line_close(struct line *line)
{
	if (!line)
		return;
	struct flow *flow = line->first ? line->flow : NULL;
	struct run *behind;
	for (struct run *run = line->first; run; run = behind) {
		behind = run->behind;
		run->line = NULL;
		run->ahead = run->behind = NULL;
		for (size_t i = 0; i < flow->ordered_gate_count; i++)
			unpark(run, &flow->nodes[flow->ordered_gates[i]]);
	}
	memory_give(line);
	if (flow)
		flow_work(flow);
}

void line_abandon(struct line *line)
{
	line->first = line->last = NULL;
}

void line_join(struct run *run, struct line *line)
{
	assert(!run->line);
	run->line = line;
	run->ahead = line->last;
	*(line->last ? &line->last->behind : &line->first) = run;
	line->last = run;
	for (size_t i = 0; i < line->flow->ordered_gate_count; i++)
		if (!line->turns[i])
			line->turns[i] = run;
}

void line_insert(struct run *run, struct run *ahead)
{
	struct line *line = ahead->line;
	assert(line && !run->line);
	run->line = line;
	run->ahead = ahead;
	run->behind = ahead->behind;
	*(ahead->behind ? &ahead->behind->ahead : &line->last) = run;
	ahead->behind = run;
}

void line_leave(struct run *run)
{
	struct line *line = run->line;
	assert(line);
	const struct flow *flow = line->flow;
	*(run->ahead ? &run->ahead->behind : &line->first) = run->behind;
	*(run->behind ? &run->behind->ahead : &line->last) = run->ahead;
	run->line = NULL;
	for (size_t i = 0; i < flow->ordered_gate_count; i++)
		if (line->turns[i] == run)
			turn_hand_on(line, &flow->nodes[flow->ordered_gates[i]], run);
}

/* ---- state of a visit ---- */

enum step_verdict visit_in_turn(struct visit *visit, void *work)
{
	assert(visit->node->stateful && visit->node->step.kind->state->in_turn && !visit->ends_in_turn);
	visit->ends_in_turn = true;
	visit->work = work;
	return STEP_IN_TURN;
}

/* The kind has state rules, the step collects no children, and the visit has its turn. */
static bool visit_may_keep(const struct visit *visit)
{
	return visit->node->stateful && (visit->ends_in_turn || !visit->node->step.kind->state->in_turn);
}

static struct store *store_of(const struct visit *visit)
{
	return visit->run && visit->run->line ? visit->run->line->store : NULL;
}

bool visit_recall(struct visit *visit, struct text key, struct text *value)
{
	const struct write *write = visit->drafts ? drafts_find(visit->drafts, key) : NULL;
	const struct store *store = store_of(visit);
	assert(visit_may_keep(visit)); /* number 0 would be the state of another step */
	if (write)
		*value = write->value;
	return write ? write->value.bytes != NULL : store && store_read(store, visit->node->ordered_gate, key, value);
}

/* The visit's draft of that key; it is made if there is none. */
static struct write *draft(struct visit *visit, struct text key, struct error *error)
{
	assert(visit_may_keep(visit));
	if (!visit->drafts)
		visit->drafts = ARENA_NEW(visit->arena, struct drafts);
	struct write *write = visit->drafts ? drafts_find(visit->drafts, key) : NULL;
	if (visit->drafts && !write)
		write = drafts_add(visit->drafts, key, visit->arena);
	if (write)
		write->scope = visit->node->ordered_gate;
	else
		error_memory(error, ERROR_LIMIT, "remembering");
	return write;
}

/* NULL: the partition was revoked. */
static const struct store *store_to_write(const struct visit *visit, struct error *error)
{
	const struct store *store = store_of(visit);
	if (!store)
		error_set(error, ERROR_SYSTEM, visit->node->step.place, "step `%s` has no state, because its partition was revoked",
			  visit->node->step.name);
	return store;
}

/* Steps that watch change boards, and list records, while they run, so a write of theirs cannot be refused when the visit ends:
 * each is refused by itself, at once. Of other steps, all writes of the visit are judged together at its end. */
static bool is_refused_at_once(const struct visit *visit)
{
	return visit->node->step.kind->monitors || visit->node->step.kind->observes;
}

static bool fits_alone(const struct visit *visit, const struct store *store, struct text key, size_t size, struct error *error)
{
	const struct write alone = {.scope = visit->node->ordered_gate, .key = key, .value = {"", size}}; /* its length counts */
	return store_has_room(store, &alone, error);
}

void *visit_remember(struct visit *visit, struct text key, size_t size, struct error *error)
{
	const struct store *store = store_to_write(visit, error);
	struct text before = {0};
	(void)visit_recall(visit, key, &before);
	if (!store || !store_may_write(store, visit->node->ordered_gate, key.length, size, error) ||
	    (is_refused_at_once(visit) && !fits_alone(visit, store, key, size, error)))
		return NULL;
	struct write *write = draft(visit, key, error);
	if (write && write->value.bytes && write->value.length == size)
		return (void *)write->value.bytes;
	char *bytes = write ? arena_take_raw(visit->arena, size) : NULL;
	if (!bytes)
		return error_null(error_memory(error, ERROR_LIMIT, "remembering"));
	size_t same = before.length < size ? before.length : size;
	if (same)
		memcpy(bytes, before.bytes, same);
	if (size > same)
		memset(bytes + same, 0, size - same);
	write->value = (struct text){bytes, size};
	return bytes;
}

bool visit_forget(struct visit *visit, struct text key, struct error *error)
{
	const struct store *store = store_to_write(visit, error);
	struct write *write =
		store && store_may_write(store, visit->node->ordered_gate, key.length, 0, error) ? draft(visit, key, error) : NULL;
	if (write)
		write->value = (struct text){0};
	return write != NULL;
}

/* Settles a visit. Its writes become those of the message when they are in the journal. */
bool visit_settle(struct visit *visit, enum step_verdict verdict, struct error *error)
{
	assert(visit->drafts);
	struct run *root = run_root(visit->run);
	struct store *store = verdict == STEP_FAIL ? NULL : store_of(visit);
	struct write *write = visit->drafts->newest;
	visit->drafts = NULL;
	if (!store)
		return true;
	error->kind = ERROR_NONE;
	if (!is_refused_at_once(visit) && !store_has_room(store, write, error))
		return false;
	for (struct write *next; write; write = next) {
		next = write->next;
		if (!store_journal(store, write, error))
			break;
		write->next = root->message->writes;
		root->message->writes = write;
	}
	return !write;
}
