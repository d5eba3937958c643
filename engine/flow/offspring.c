/* offspring.c: one message into many, and back: what a visit makes goes on in runs of its
 * own, in the arena of the message that was entered.
 *
 * A run knows of the stations where its own message comes; of those before, its parent
 * does. What comes of a station there, for one that offspring come to, is marked where the
 * message is and given to all of its offspring, also to those that are made later.
 *
 * Where the station that should have multiplied a message made nothing of it (it failed,
 * dropped it, or passed it on), what stands behind it is the message's own.
 */
#include "base/memory.h"
#include "flow/run.h"

#define ID_HEADER TEXT("x-request-id")

/* ---- whose is what ---- */

static size_t own_level(const struct run *run)
{
	return run->child ? run->child->brood->station : STEP_NONE;
}

bool run_has_level(const struct run *run, size_t level)
{
	for (size_t own = own_level(run); level != own; level = run->flow->stations[level].gives)
		if (level == STEP_NONE || !run->halts[level].barren)
			return false;
	return true;
}

const struct run *run_where(const struct run *run, size_t station)
{
	while (run->child && !run_has(run, run->flow->stations[station].gives))
		run = run->child->brood->parent;
	return run;
}

bool run_is_answered_above(const struct run *run)
{
	size_t output = run->flow->stations[run->flow->count].comes;
	while (!run->answered && run->child && !run_has(run, output))
		run = run->child->brood->parent;
	return run->answered;
}

/* Whether what comes at `level` are offspring of that station, or theirs. */
static bool is_behind(const struct flow *flow, size_t level, size_t station)
{
	while (level != STEP_NONE && level != station)
		level = flow->stations[level].gives;
	return level == station;
}

static struct brood *brood_towards(const struct run *run, size_t level)
{
	struct brood *brood = run->broods;
	while (brood && !(brood->begun && is_behind(run->flow, level, brood->station)))
		brood = brood->next;
	return brood;
}

/* ---- what a visit makes ---- */

static bool too_many(const struct visit *visit, struct error *error)
{
	return error_set(error, ERROR_LIMIT, visit->station->step.place,
			 "step `%s` would make more than %d messages of one, which is the most; send less at once",
			 visit->station->step.name, OFFSPRING_MAX);
}

struct brood *brood_of(const struct visit *visit)
{
	struct brood *brood = visit->run->broods;
	while (brood && brood->station != visit->task.station)
		brood = brood->next;
	return brood;
}

static struct brood *brood_make(const struct visit *visit)
{
	struct brood *brood = ARENA_NEW(visit->arena, struct brood);
	if (!brood)
		return NULL;
	brood->parent = visit->run;
	brood->station = visit->task.station;
	brood->end = &brood->first;
	brood->next = visit->run->broods;
	visit->run->broods = brood;
	return brood;
}

void brood_forget(struct visit *visit, struct brood *brood)
{
	struct brood **at = &visit->run->broods;
	while (*at != brood)
		at = &(*at)->next;
	*at = brood->next;
	run_root(visit->run)->offspring -= (uint32_t)brood->count;
}

/* Its headers are the parent's but for the id, which its answer shows again. */
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
	struct brood *brood = brood_of(visit);
	struct child *child = arena_take_raw(visit->arena, sizeof *child);
	if (!brood)
		brood = brood_make(visit);
	if (!brood || !child)
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
	child->brood = brood;
	*brood->end = child;
	brood->end = &child->next;
	brood->count++;
	root->offspring++;
	return true;
}

const struct message *visit_message(const struct visit *visit)
{
	return visit->message;
}

/* ---- going on ---- */

/* What has come already of stations where the parent is. */
static void inherit(struct run *run, const struct run *parent)
{
	const struct flow *flow = run->flow;
	const struct inlets *inlets = &flow->stations[own_level(run)].inlets;
	for (size_t i = 0; i < inlets->count; i++) {
		const struct flow_edge *edge = inlets->items[i];
		const struct flow_arrival *arrival = &parent->arrivals[edge->arrival];
		if (arrival->state != ARRIVAL_PENDING)
			arrival_mark(run, edge, arrival->state, arrival->payload);
	}
	for (size_t i = 0; i < inlets->count; i++) {
		size_t station = inlets->items[i]->station;
		if (run->halts[station].stage == HALT_OPEN && run_has(run, flow->stations[station].comes))
			halt_settle(run, station);
	}
}

/* Those stateful stations that its offspring come to are theirs. */
static void leave_ordered_gates(struct run *parent, size_t station)
{
	const struct flow *flow = parent->flow;
	for (size_t i = 0; i < flow->ordered_gate_count; i++) {
		const struct station *ordered_gate = &flow->stations[flow->ordered_gates[i]];
		if (is_behind(flow, ordered_gate->comes, station))
			ordered_gate_pass(parent, ordered_gate);
	}
}

/* All stand in their line before the first goes on. */
static bool children_begin(struct brood *brood)
{
	struct run *parent = brood->parent, *ahead = parent;
	const struct flow *flow = parent->flow;
	for (struct child *child = brood->first; child; child = child->next) {
		struct run *run = run_begin_child(child);
		if (!run)
			return false; /* the root ends for want of memory */
		child->run = run;
		brood->alive++;
		for (size_t i = 0; i < flow->ordered_gate_count; i++)
			run->halts[flow->ordered_gates[i]].passed =
				!is_behind(flow, flow->stations[flow->ordered_gates[i]].comes, brood->station);
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
	const struct station *station = &flow->stations[child->brood->station];
	if (flow->outside.tap)
		flow->outside.tap(flow->outside.context, run->message, TAP_STEP_OUTPUTS, station->index, child->payload);
	run->halts[station->index].gave = child->payload;
	inherit(run, child->brood->parent);
	outlet_deliver(run, &station->gave, ARRIVAL_CAME, child->payload, only_to);
	run_wake(run);
}

void brood_begin(struct visit *visit, struct brood *brood)
{
	struct run *parent = visit->run;
	brood->begun = true;
	if (!children_begin(brood))
		return;
	leave_ordered_gates(parent, brood->station);
	for (struct child *child = brood->first; child; child = child->next)
		child_go(child, visit->only_to);
}

/* ---- what comes of stations where the message is ---- */

static void descend_to(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload,
		       bool last)
{
	if (run->halts[edge->station].stage == HALT_OPEN) {
		arrival_mark(run, edge, state, payload);
		if (last)
			halt_settle(run, edge->station);
	}
	run_wake(run);
}

void descend(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload, bool last)
{
	size_t comes = run->flow->stations[edge->station].comes;
	if (run_has(run, comes)) {
		descend_to(run, edge, state, payload, last);
		return;
	}
	if (run->halts[edge->station].stage == HALT_OPEN)
		arrival_mark(run, edge, state, payload);
	const struct brood *brood = brood_towards(run, comes);
	for (struct child *child = brood ? brood->first : NULL; child; child = child->next)
		if (child->run && !child->ended)
			descend(child->run, edge, state, payload, last);
}

/* Something may still come for it of where it comes from, which matters. */
bool run_expects(const struct run *run)
{
	const struct inlets *inlets = &run->flow->stations[own_level(run)].inlets;
	for (size_t i = 0; i < inlets->count; i++) {
		const struct flow_edge *edge = inlets->items[i];
		if (run->halts[edge->station].stage == HALT_OPEN && run->arrivals[edge->arrival].state == ARRIVAL_PENDING &&
		    run_minds(run, &run->flow->stations[edge->station]))
			return true;
	}
	return false;
}

/* ---- gathering ---- */

bool part_of_gathering(const struct run *run, size_t station)
{
	const struct station *its = &run->flow->stations[station];
	return its->gathers && own_level(run) == its->comes;
}

/* A part that failed fails the whole, unless the station joins what there is. */
static bool is_strict(const struct station *station)
{
	return station->graph_step->inputs.type == JOIN_INNER;
}

static const struct child *first_failed(const struct brood *brood, size_t station)
{
	const struct child *child = brood->first;
	while (child && child->run->halts[station].stage != HALT_FAILED)
		child = child->next;
	return child;
}

static void gather_failed(struct run *run, size_t station, const struct child *child)
{
	const struct error *error = child->run->halts[station].error;
	struct error whole = {0};
	error_set(&whole, error->kind, error->place, "part `" TEXT_FORMAT "` failed: %s",
		  TEXT_ARGUMENTS(child->offspring.message.id), error->text);
	halt_end(run, station, run_keep_error(run, &whole));
}

/* Whatever came was dropped, or gave nothing. */
static void gather_lost(struct run *run, size_t station, const struct brood *brood)
{
	bool dropped = false;
	for (const struct child *child = brood->first; child; child = child->next)
		dropped |= child->run->dropped;
	run->dropped |= dropped;
	run->halts[station].silence = dropped ? SILENCE_DROPPED : SILENCE_EMPTY;
	halt_end(run, station, NULL);
}

static void gather(struct run *run, size_t station, const struct brood *brood)
{
	size_t most = brood ? brood->count : 0;
	struct parts *parts = arena_take_raw(run->message->arena, sizeof *parts + most * sizeof *parts->items);
	size_t count = 0;
	for (const struct child *child = brood ? brood->first : NULL; parts && child; child = child->next)
		if (child->run->halts[station].stage == HALT_FIRED)
			parts->items[count++] = (struct part){child, child->run->halts[station].sent};
	if (!parts)
		return; /* the root ends for want of memory */
	const struct child *failed = brood ? first_failed(brood, station) : NULL;
	if (failed && (count == 0 || is_strict(&run->flow->stations[station]))) {
		gather_failed(run, station, failed);
	} else if (count == 0 && brood) {
		gather_lost(run, station, brood);
	} else {
		run->halts[station].stage = HALT_FIRED;
		struct visit *visit = halt_go(run, station, run->halts[run->flow->stations[station].comes].sent);
		parts->count = count;
		if (visit) {
			visit->parts = parts;
			visit->gathers = true;
		}
	}
	run_wake(run);
}

void part_settle(struct run *run, size_t station)
{
	const struct brood *brood = run->child->brood;
	struct halt *halt = &brood->parent->halts[station];
	if ((size_t)++halt->visits == brood->count && halt->stage == HALT_OPEN)
		gather(brood->parent, station, brood);
}

void part_bring(struct run *run, size_t station, const struct payload *payload)
{
	const struct flow *flow = run->flow;
	run->halts[station].sent = payload;
	if (flow->outside.tap && payload)
		flow->outside.tap(flow->outside.context, run->message, TAP_STEP_INPUTS, station, payload);
	part_settle(run, station);
}

bool gather_nothing(struct run *run, size_t station)
{
	bool gathered = false;
	for (size_t i = 0; i < run->flow->count; i++) {
		if (!run->flow->stations[i].gathers || run->flow->stations[i].comes != station)
			continue;
		gather(run, i, NULL);
		gathered = true;
	}
	return gathered;
}

bool visit_part(const struct visit *visit, size_t nth, struct text *id, const struct payload **payload)
{
	if (!visit->gathers) { /* what should have made parts passed the message on */
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

/* ---- the whole family ---- */

bool run_has_young(const struct run *run)
{
	for (const struct brood *brood = run->broods; brood; brood = brood->next)
		if (brood->alive > 0)
			return true;
	return false;
}

void child_end(struct run *run)
{
	struct child *child = run->child;
	struct run *parent = child->brood->parent;
	child->ended = true;
	child->offspring.outcome = run->outcome;
	child->offspring.answer = run->answer;
	run_leave(run);
	if (!parent->failure)
		parent->failure = run->flow->graph->has_output ? NULL : run->failure;
	if (--child->brood->alive == 0)
		run_wake(parent);
}

void family_wake(struct run *run)
{
	for (struct brood *brood = run->broods; brood; brood = brood->next)
		for (struct child *child = brood->first; child; child = child->next) {
			if (!child->run || child->ended)
				continue;
			run_wake(child->run);
			family_wake(child->run);
		}
}

/* Those of its family that are listed to be worked off no longer are. */
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
	for (struct brood *brood = run->broods; brood; brood = brood->next)
		for (struct child *child = brood->first; child; child = child->next) {
			if (!child->run || child->ended)
				continue;
			child->ended = true;
			children_leave(child->run);
			run_leave(child->run);
		}
}

/* Of one key several may have written, and what is released last counts. */
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
	const struct brood *brood = brood_towards(run, run->flow->stations[run->flow->count].comes);
	if (!brood) {
		run_answer_error(run, error);
		return;
	}
	for (struct child *child = brood->first; child; child = child->next)
		if (child->run)
			family_answer_error(child->run, error);
}

/* ---- the answers ---- */

static struct offspring **list(const struct brood *brood, struct offspring **end)
{
	size_t output = brood->parent->flow->stations[brood->parent->flow->count].comes;
	for (struct child *child = brood->first; child; child = child->next) {
		const struct brood *further = brood_towards(child->run, output);
		if (further) {
			end = list(further, end);
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
	const struct brood *brood = brood_towards(run, run->flow->stations[run->flow->count].comes);
	if (!brood || run->child)
		return brood != NULL;
	struct offspring *first = NULL;
	*list(brood, &first) = NULL;
	run->message->offspring = first;
	run_answer_parted(run);
	return true;
}
