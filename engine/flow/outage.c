/* outage.c: Joins during model outages: when the sources that a join lacks last waited for a model whose servers were
 * unreachable. Computed when a window is due, so a message that meets no outage pays nothing.
 *
 * For visits in progress, the calls are asked. A call that is answered has left a note in the node states of the
 * entered message, which count for its offspring too. A visit that is parked before a stateful step waits for
 * whatever the earlier messages of its partition wait for.
 */
#include "flow/run.h"

static int64_t later_of(int64_t one, int64_t other)
{
	return one > other ? one : other;
}

/* ---- notes ---- */

/* Finds or makes the notes of a run. NULL: the arena is full, which ends the message. */
static struct run_outages *outages_of(struct run *run)
{
	size_t node_states = run->flow->count + 1;
	if (!run->outages)
		run->outages = arena_take(run->message->arena, 1,
					  sizeof *run->outages + node_states * sizeof run->outages->node_states[0]);
	return run->outages;
}

void outage_note(struct run *run, size_t node, int64_t outage_ms)
{
	struct run_outages *outages = outages_of(run_root(run));
	if (!outages)
		return;
	outages->node_states[node].waited_ms = later_of(outages->node_states[node].waited_ms, outage_ms);
	outages->latest_ms = later_of(outages->latest_ms, outage_ms);
}

void outage_stand(struct run *run, size_t index, int64_t until_ms)
{
	struct run_outages *outages = outages_of(run);
	if (outages)
		outages->node_states[index].stood_ms = until_ms;
}

static int64_t latest_of(const struct run *root)
{
	return root->outages ? root->outages->latest_ms : 0;
}

void outage_note_call(const struct visit *visit, const struct call *call)
{
	if (call->outage_ms == 0)
		return;
	if (visit->run)
		outage_note(visit->run, visit->node->index, call->outage_ms);
	else
		batch_note_outage(visit->batch, call->outage_ms);
}

/* ---- visits in progress ---- */

static int64_t calls_outage_ms(const struct visit *visit)
{
	const struct flow_environment *environment = &visit->flow->environment;
	int64_t latest_ms = 0;
	for (const struct pending *pending = visit->calls; pending; pending = pending->next)
		if (pending->open)
			latest_ms = later_of(latest_ms, environment->outage_ms(environment->context, &pending->call));
	return latest_ms;
}

static int64_t visit_outage_ms(const struct visit *visit, size_t depth);

/* Latest outage that delayed visits of the run, or of children of its message. `lacked`: only at those nodes; NULL:
 * at any. */
static int64_t run_outage_ms(const struct run *run, const bool *lacked, size_t depth)
{
	int64_t latest_ms = 0;
	for (const struct visit *visit = run->waiting; visit; visit = visit->next)
		if (!lacked || lacked[visit->node->index])
			latest_ms = later_of(latest_ms, visit_outage_ms(visit, depth));
	for (const struct child_group *child_group = run->child_groups; child_group; child_group = child_group->next)
		for (const struct child *child = child_group->first; child; child = child->next)
			if (child->run && !child->ended)
				latest_ms = later_of(latest_ms, run_outage_ms(child->run, lacked, depth));
	return latest_ms;
}

/* The recursion passes each ordered gate at most once, so its depth is limited by their number. */
static int64_t visit_outage_ms(const struct visit *visit, size_t depth)
{
	const struct visit *caller = visit->batch ? batch_visit(visit->batch) : visit;
	const struct run *ahead = visit->parked && depth < visit->flow->ordered_gate_count ? ordered_gate_turn(visit) : NULL;
	int64_t latest_ms = caller ? calls_outage_ms(caller) : 0;
	if (!ahead || ahead == visit->run)
		return latest_ms;
	const struct run *root = run_root_seen(ahead);
	return later_of(latest_ms, later_of(latest_of(root), run_outage_ms(root, NULL, depth + 1)));
}

int64_t flow_outage_ms(const struct flow *flow, const struct message *message)
{
	const struct run *run = run_find(flow, message);
	if (!run || !flow->environment.outage_ms)
		return 0;
	return later_of(latest_of(run), run_outage_ms(run, NULL, 0));
}

/* ---- missing sources of a node ---- */

static void mark_pending(const struct run *run, const struct gate *gate, bool *lacked)
{
	for (size_t i = 0; i < gate->count; i++) {
		const struct source *source = &gate->join->sources[i];
		if (run->arrivals[gate->first + i].state == ARRIVAL_PENDING && source->point != SOURCE_REQUEST)
			lacked[source->step] = true;
	}
}

static bool mark_sources(const struct join *join, bool *lacked)
{
	bool more = false;
	for (size_t i = 0; i < join->count; i++) {
		const struct source *source = &join->sources[i];
		if (source->point == SOURCE_REQUEST || lacked[source->step])
			continue;
		lacked[source->step] = more = true;
	}
	return more;
}

/* Marks the missing sources of a node, and all nodes before them. Each step is after its sources, except on a cycle. */
static void mark_lacked(const struct run *run, size_t index, bool *lacked)
{
	const struct flow *flow = run->flow;
	memset(lacked, false, flow->count + 1);
	mark_pending(run, &flow->nodes[index].inputs, lacked);
	mark_pending(run, &flow->nodes[index].triggers, lacked);
	for (bool more = true; more;) {
		more = false;
		for (size_t i = flow->count; i-- > 0;) {
			const struct graph_step *step = &flow->graph->steps[flow->graph->order[i]];
			if (!lacked[flow->graph->order[i]])
				continue;
			bool inputs = mark_sources(&step->inputs, lacked), triggers = mark_sources(&step->triggers, lacked);
			more |= (inputs || triggers) && flow->graph->cyclic;
		}
	}
}

int64_t outage_of_lacked_ms(const struct run *run, size_t index)
{
	const struct flow *flow = run->flow;
	const struct run *root = run_root_seen(run);
	if (!flow->environment.outage_ms)
		return 0;
	mark_lacked(run, index, flow->lacked);
	int64_t latest_ms = run_outage_ms(root, flow->lacked, 0);
	for (size_t i = 0; root->outages && i < flow->count; i++)
		if (flow->lacked[i])
			latest_ms = later_of(latest_ms, root->outages->node_states[i].waited_ms);
	return latest_ms;
}
