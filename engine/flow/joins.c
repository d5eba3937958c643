/* joins.c: what comes to a gate, when it opens, and what it lets through.
 *
 * Of each source a gate knows: pending, came, dead (will never come), failed. It opens
 * when all came; or when at least `need` came and the others are settled or `within_ms`
 * has passed. So an inner join needs all, an outer join one within its window, and
 * `any` one at once. A gate that can no longer have what it needs passes that on, so
 * that joins and answers behind it are settled at once too.
 *
 * Where the window would close on what an outage keeps away, it stands still (outage.c).
 *
 * On a cycle, and behind one, another round may bring what this one did not: there
 * nothing is dead until all is quiet.
 */
#include <assert.h>

#include "flow/run.h"

#define OUTAGE_LOOK_MS 250 /* so often a shorter window asks whether an outage that it stands still for lasts */

static size_t tally_settled(const struct tally *tally)
{
	return (size_t)tally->came + tally->dead + tally->failed;
}

static uint16_t *tally_count(struct tally *tally, enum arrival_state state)
{
	return state == ARRIVAL_CAME ? &tally->came : state == ARRIVAL_DEAD ? &tally->dead : &tally->failed;
}

void arrival_mark(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload)
{
	struct halt *halt = &run->halts[edge->station];
	struct flow_arrival *arrival = &run->arrivals[edge->arrival];
	struct tally *tally = edge->trigger ? &halt->triggers : &halt->inputs;
	if (arrival->state != ARRIVAL_PENDING)
		--*tally_count(tally, arrival->state);
	++*tally_count(tally, state);
	*arrival = (struct flow_arrival){payload, state};
	if (state == ARRIVAL_CAME)
		halt->fresh = true;
}

static bool gate_hopeless(const struct gate *gate, const struct tally *tally)
{
	return gate->count - tally->dead - tally->failed < gate->need;
}

/* How long after the first arrival it opens, as things stand; INT64_MAX: it lacks what it
 * needs. */
static int64_t gate_opens_ms(const struct gate *gate, const struct tally *tally)
{
	if (tally->came == gate->count)
		return 0;
	if (tally->came < gate->need)
		return INT64_MAX;
	return tally_settled(tally) == gate->count ? 0 : gate->within_ms;
}

/* How long after the first arrival its window closes on what it lacks; INT64_MAX: it
 * lacks nothing, or waits for what another round may bring. */
static int64_t gate_fails_ms(const struct gate *gate, const struct tally *tally)
{
	bool lacks = gate_opens_ms(gate, tally) == INT64_MAX && !gate_hopeless(gate, tally);
	return lacks ? gate->join->window_ms : INT64_MAX;
}

/* Since when the window runs that closes on what it lacks. */
static int64_t lacks_since_ms(const struct run *run, size_t index)
{
	int64_t since_ms = run->halts[index].since_ms, stood_ms = run->outages ? run->outages->halts[index].stood_ms : 0;
	return stood_ms > since_ms ? stood_ms : since_ms;
}

static const struct error *source_error(const struct run *run, const struct source *source)
{
	return halt_seen(run, source->step)->error;
}

/* The error of the first source that failed, if that is what the gate passes on: for an
 * outer join a failure is but something missing, unless all have failed. */
static const struct error *gate_error(const struct run *run, const struct gate *gate, const struct tally *tally)
{
	if (gate->count == 0 || (gate->join->type == JOIN_OUTER && tally->failed < gate->count))
		return NULL;
	for (size_t i = 0; i < gate->count; i++)
		if (run->arrivals[gate->first + i].state == ARRIVAL_FAILED)
			return source_error(run, &gate->join->sources[i]);
	return NULL;
}

void halt_end(struct run *run, size_t index, const struct error *error)
{
	struct halt *halt = &run->halts[index];
	halt->stage = error ? HALT_FAILED : HALT_DEAD;
	halt->error = error;
	halt->ticking = false;
	halt->barren = true;
	if (run->child && part_of_gathering(run, index)) {
		part_settle(run, index);
		return;
	}
	if (run->flow->stations[index].stateful)
		ordered_gate_pass(run, &run->flow->stations[index]);
	struct task *task = arena_take_raw(run->message->arena, sizeof *task);
	if (!task)
		return; /* the run ends for want of memory anyway */
	*task = (struct task){.station = index, .kind = error ? TASK_FAILED : TASK_DEAD};
	run_push(run, task);
}

/* ---- what goes through ---- */

/* What each source gave; NULL where it gave nothing. It must outlast the next round of a
 * cycle, for kinds that tell their sources apart. */
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

/* ---- when it opens ---- */

/* For the next round: what can come again must; `any` starts from nothing. */
static void gate_rearm(struct run *run, const struct gate *gate, struct tally *tally)
{
	for (size_t i = 0; i < gate->count; i++) {
		struct flow_arrival *arrival = &run->arrivals[gate->first + i];
		const struct source *source = &gate->join->sources[i];
		bool again = gate->each || (source->point != SOURCE_REQUEST && run->flow->stations[source->step].recurring);
		if (!again || arrival->state == ARRIVAL_PENDING)
			continue;
		--*tally_count(tally, arrival->state);
		*arrival = (struct flow_arrival){0};
	}
}

static void halt_exhausted(struct run *run, size_t index)
{
	struct halt *halt = &run->halts[index];
	const struct graph *graph = run->flow->graph;
	struct error error = {0};
	error_set(&error, ERROR_LIMIT, graph->steps[index].spec->here,
		  "Max step revisits (%lld) exceeded by step `%s`; let the cycle end sooner, or raise maxStepRevisits",
		  (long long)graph->max_visits - 1, graph->steps[index].name);
	halt->stage = HALT_FAILED;
	halt->error = run_keep_error(run, &error);
	if (graph->steps[index].answers)
		run_answer_error(run, halt->error);
}

struct visit *halt_go(struct run *run, size_t index, const struct payload *input)
{
	struct station *station = &run->flow->stations[index];
	if (!station->graph_step) {
		run_answer_payload(run, input);
		return NULL;
	}
	struct visit *visit = arena_take_raw(run->message->arena, sizeof *visit);
	if (!visit)
		return NULL;
	visit->task.station = index;
	visit->task.kind = TASK_VISIT;
	visit->flow = run->flow;
	visit->run = run;
	visit->station = station;
	visit->message = run->message;
	visit->arena = run->message->arena;
	visit->input = input;
	memset(&visit->emitted, 0, sizeof *visit - offsetof(struct visit, emitted));
	run_push(run, &visit->task);
	return visit;
}

static void halt_fire(struct run *run, size_t index)
{
	struct halt *halt = &run->halts[index];
	struct station *station = &run->flow->stations[index];
	halt->ticking = false;
	halt->fresh = false;
	if (station->recurring && station->graph_step && ++halt->visits > run->flow->graph->max_visits) {
		halt_exhausted(run, index);
		return;
	}
	halt->stage = station->recurring && station->graph_step ? HALT_OPEN : HALT_FIRED;
	const struct gate *inputs = &station->inputs;
	const struct payload *const *came = inputs->count > 1 ? gate_sources(run, inputs) : NULL;
	const struct payload *input = came ? gate_join(run, inputs, came) : gate_collect(run, inputs);
	if (run->child && part_of_gathering(run, index)) {
		part_bring(run, index, input);
		return;
	}
	struct visit *visit = halt_go(run, index, input);
	if (visit)
		visit->sources = came;
	if (station->recurring) {
		gate_rearm(run, &station->inputs, &halt->inputs);
		gate_rearm(run, &station->triggers, &halt->triggers);
	}
}

static bool halt_opens(const struct run *run, size_t index, int64_t waited_ms)
{
	struct station *station = &run->flow->stations[index];
	const struct halt *halt = &run->halts[index];
	return halt->fresh && waited_ms >= gate_opens_ms(&station->inputs, &halt->inputs) &&
	       waited_ms >= gate_opens_ms(&station->triggers, &halt->triggers);
}

void halt_settle(struct run *run, size_t index)
{
	struct station *station = &run->flow->stations[index];
	struct halt *halt = &run->halts[index];
	int64_t now_ms = run->flow->now_ms;
	if (halt_opens(run, index, halt->ticking ? now_ms - halt->since_ms : 0)) {
		if (station->elsewhere)
			halt->stage = HALT_FIRED;
		else
			halt_fire(run, index);
		return;
	}
	bool hopeless = gate_hopeless(&station->inputs, &halt->inputs) || gate_hopeless(&station->triggers, &halt->triggers);
	if (hopeless && !station->recurring) {
		const struct error *error = gate_error(run, &station->inputs, &halt->inputs);
		halt_end(run, index, error ? error : gate_error(run, &station->triggers, &halt->triggers));
	} else if (!halt->ticking && halt->fresh && !station->elsewhere) {
		halt->ticking = true;
		halt->since_ms = now_ms;
	}
}

static bool edge_is_meant(const struct run *run, const struct flow_edge *edge, const char *only)
{
	const struct graph_step *step = run->flow->stations[edge->station].graph_step;
	return !only || (step && strcmp(step->name, only) == 0);
}

/* There is nothing to join: what comes goes on, and what does not ends the station. */
static void deliver_alone(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload)
{
	const struct gate *gate = &run->flow->stations[edge->station].inputs;
	run->arrivals[edge->arrival] = (struct flow_arrival){payload, state};
	if (state == ARRIVAL_CAME) {
		run->halts[edge->station].stage = HALT_FIRED;
		(void)halt_go(run, edge->station, gate_collect(run, gate));
	} else {
		halt_end(run, edge->station, state == ARRIVAL_FAILED ? source_error(run, &gate->join->sources[0]) : NULL);
	}
}

void outlet_deliver_each(struct run *run, const struct outlet *outlet, enum arrival_state state, const struct payload *payload,
			 const char *only)
{
	for (size_t i = 0; i < outlet->count; i++) {
		const struct flow_edge *edge = &outlet->edges[i];
		struct halt *halt = &run->halts[edge->station];
		bool lost = state == ARRIVAL_CAME && !(source_finds(edge->tensor, payload) && edge_is_meant(run, edge, only));
		enum arrival_state its_state = lost ? ARRIVAL_DEAD : state;
		if (edge->alone) {
			deliver_alone(run, edge, its_state, payload);
			continue;
		}
		bool last = i + 1 == outlet->count || outlet->edges[i + 1].station != edge->station;
		if (edge->descends) {
			descend(run, edge, its_state, payload, last);
			continue;
		}
		if (halt->stage != HALT_OPEN)
			continue;
		arrival_mark(run, edge, its_state, payload);
		if (last)
			halt_settle(run, edge->station);
	}
}

/* ---- time ---- */

static int64_t halt_fails_ms(const struct station *station, const struct halt *halt)
{
	int64_t inputs_ms = gate_fails_ms(&station->inputs, &halt->inputs);
	int64_t triggers_ms = gate_fails_ms(&station->triggers, &halt->triggers);
	return inputs_ms < triggers_ms ? inputs_ms : triggers_ms;
}

int64_t halt_due_ms(const struct run *run, size_t index)
{
	const struct halt *halt = &run->halts[index];
	const struct station *station = &run->flow->stations[index];
	if (!halt->ticking || halt->stage != HALT_OPEN)
		return INT64_MAX;
	int64_t inputs_ms = gate_opens_ms(&station->inputs, &halt->inputs);
	int64_t triggers_ms = gate_opens_ms(&station->triggers, &halt->triggers);
	int64_t due_ms = inputs_ms > triggers_ms ? inputs_ms : triggers_ms; /* both must be open */
	if (due_ms != INT64_MAX)
		return halt->since_ms + due_ms;
	due_ms = halt_fails_ms(station, halt);
	return due_ms == INT64_MAX ? INT64_MAX : lacks_since_ms(run, index) + due_ms;
}

static const struct source *first_pending(const struct run *run, const struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++)
		if (run->arrivals[gate->first + i].state == ARRIVAL_PENDING)
			return &gate->join->sources[i];
	return NULL;
}

static void halt_late(struct run *run, size_t index)
{
	const struct station *station = &run->flow->stations[index];
	const struct graph_step *step = station->graph_step;
	bool inputs = gate_fails_ms(&station->inputs, &run->halts[index].inputs) != INT64_MAX;
	const struct gate *gate = inputs ? &station->inputs : &station->triggers;
	const struct source *source = first_pending(run, gate);
	assert(source); /* a gate whose window ends it waits for something */
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
	halt_end(run, index, run_keep_error(run, &error));
}

/* An outage kept what it lacks away: the window begins anew. While it lasts it is asked for now and then, however
 * short the window. */
static bool halt_stands_still(struct run *run, size_t index, int64_t window_ms)
{
	int64_t outage_ms = outage_of_lacked_ms(run, index), now_ms = run->flow->now_ms;
	if (outage_ms >= now_ms && window_ms < OUTAGE_LOOK_MS)
		outage_ms = now_ms + OUTAGE_LOOK_MS - window_ms;
	if (outage_ms + window_ms <= now_ms)
		return false;
	outage_stand(run, index, outage_ms);
	return true;
}

void halt_window_closed(struct run *run, size_t index)
{
	const struct halt *halt = &run->halts[index];
	int64_t now_ms = run->flow->now_ms, window_ms = halt_fails_ms(&run->flow->stations[index], halt);
	if (halt_opens(run, index, now_ms - halt->since_ms))
		halt_fire(run, index);
	else if (window_ms != INT64_MAX && now_ms - lacks_since_ms(run, index) >= window_ms &&
		 !halt_stands_still(run, index, window_ms))
		halt_late(run, index);
}

bool run_settle_quiet(struct run *run)
{
	const struct flow *flow = run->flow;
	for (size_t i = 0; i <= flow->count; i++) {
		size_t index = i < flow->count ? flow->graph->order[i] : i;
		const struct halt *halt = &run->halts[index];
		if (halt->stage != HALT_OPEN || !halt->fresh) /* as most are: asked first */
			continue;
		if (flow->stations[index].elsewhere || !run_has(run, flow->stations[index].comes))
			continue;
		if (halt->inputs.came >= flow->stations[index].inputs.need &&
		    halt->triggers.came >= flow->stations[index].triggers.need) {
			halt_fire(run, index);
			return true;
		}
	}
	return false;
}
