/* rollout_state.c: State of a rollout as bytes; see rollout.h.
 *
 * A record (methods/bandits/stored_record.h) of the fields in their order, with the counts and trackers that the plan has. One walk
  * writes and reads it. */
#include "methods/bandits/stored_record.h"
#include "base/number/moment.h"
#include "experiments/rollouts/rollout_parts.h"

#define MARK UINT64_C(0x74756f6c6c720000) /* "rllout", and two bytes for the version */
#define VERSION_RATIOS 4		  /* the first one that has the effects of ratios */
#define VERSION_SKIPPED 5		  /* the first one that says how much of a stage was skipped */

/* Writes where `out` is given, else reads. */
struct state_walk {
	struct buffer *out;
	struct stored *in;
	unsigned version;
};

static uint64_t walk_number(struct state_walk *walk, uint64_t number)
{
	if (!walk->out)
		return stored_take(walk->in);
	stored_put(walk->out, number);
	return number;
}

/* A number below `limit`; another one is damage. */
static uint32_t walk_below(struct state_walk *walk, uint64_t number, uint64_t limit)
{
	number = walk_number(walk, number);
	if (number < limit)
		return (uint32_t)number;
	if (walk->in)
		walk->in->sound = false;
	return 0;
}

static void walk_moment(struct state_walk *walk, int64_t *moment)
{
	*moment = (int64_t)walk_number(walk, (uint64_t)*moment);
	if (walk->in && (*moment < -MOMENT_MS_MOST || *moment > MOMENT_MS_MOST)) /* others subtract it */
		walk->in->sound = false;
}

static void walk_double(struct state_walk *walk, double *number)
{
	if (walk->out)
		stored_put_numbers(walk->out, number, 1);
	else
		*number = stored_take_number(walk->in);
}

static void walk_moments(struct state_walk *walk, struct moments *moments)
{
	moments->count = walk_number(walk, moments->count);
	walk_double(walk, &moments->mean);
	walk_double(walk, &moments->squares);
}

static void walk_spread(struct state_walk *walk, struct cluster_mean *spread)
{
	spread->count = walk_number(walk, spread->count);
	spread->clusters = walk_number(walk, spread->clusters);
	walk_double(walk, &spread->sum);
	walk_double(walk, &spread->squares);
	walk_double(walk, &spread->products);
	walk_double(walk, &spread->sizes);
}

static void walk_arrivals(struct state_walk *walk, struct truth_arrivals *arrivals)
{
	arrivals->in_time = walk_number(walk, arrivals->in_time);
	arrivals->late = walk_number(walk, arrivals->late);
}

static void walk_counts(struct state_walk *walk, const struct rollout_plan *plan, struct rollout_counts *counts, size_t rules)
{
	counts->requests = walk_number(walk, counts->requests);
	counts->errors = walk_number(walk, counts->errors);
	walk_spread(walk, &counts->errors_spread);
	for (size_t i = 0; i < rules; i++) {
		counts->above[i] = walk_number(walk, counts->above[i]);
		walk_spread(walk, &counts->above_spread[i]);
	}
	counts->alone = walk_number(walk, counts->alone);
	walk_moments(walk, &counts->accuracy);
	for (size_t i = 0; i < plan->metric_count; i++)
		walk_moments(walk, &counts->metrics[i]);
	if (walk->version == ROLLOUT_STATE_VERSION_LEAST)
		return;
	walk_arrivals(walk, &counts->accuracy_arrivals);
	for (size_t i = 0; i < plan->metric_count; i++)
		walk_arrivals(walk, &counts->arrivals[i]);
	for (size_t i = 0; walk->version >= VERSION_RATIOS && i < plan->metric_count; i++)
		walk_double(walk, &counts->ratio_effects[i]);
}

static void walk_candidate(struct state_walk *walk, const struct rollout_plan *plan, struct rollout_state *state, size_t candidate,
			   size_t rules)
{
	walk_counts(walk, plan, &state->candidates[candidate], rules);
	if (walk->version > ROLLOUT_STATE_VERSION_LEAST)
		state->unreached[candidate] = walk_number(walk, state->unreached[candidate]);
	for (size_t i = 0; i < rules; i++) {
		struct rollout_tracker *tracker = &state->trackers[candidate][i];
		walk_double(walk, &tracker->watch.level);
		walk_double(walk, &tracker->tau2);
		walk_double(walk, &tracker->difference);
		walk_double(walk, &tracker->interval.low);
		walk_double(walk, &tracker->interval.high);
		tracker->judged = walk_below(walk, tracker->judged, 2);
		tracker->scarcity = walk_below(walk, tracker->scarcity, SCARCITIES);
	}
}

static void walk_state(struct state_walk *walk, const struct rollout_plan *plan, struct rollout_state *state)
{
	state->phase = (enum rollout_phase)walk_below(walk, state->phase, ROLLOUT_PHASES);
	state->stage = walk_below(walk, state->stage, plan->stage_count);
	state->epoch = walk_number(walk, state->epoch);
	state->moves = walk_number(walk, state->moves);
	state->command = walk_number(walk, state->command);
	const uint32_t waits = walk_below(walk, (uint64_t)state->waiting + state->declined, 3); /* 2: it was declined */
	state->waiting = waits > 0;
	state->declined = waits == 2;
	state->truth = walk_below(walk, state->truth, 2);
	walk_moment(walk, &state->began_ms);
	walk_moment(walk, &state->paused_ms);
	walk_moment(walk, &state->held_ms);
	if (walk->version >= VERSION_SKIPPED)
		walk_moment(walk, &state->skipped_ms);
	walk_moment(walk, &state->extent_ms);
	walk_moment(walk, &state->looked_ms);
	const size_t rules = plan->stages[state->stage].rule_count;
	walk_counts(walk, plan, &state->control, rules);
	for (size_t i = 0; i < plan->candidates; i++)
		walk_candidate(walk, plan, state, i, rules);
}

void rollout_state_write(const struct rollout_plan *plan, const struct rollout_state *state, struct buffer *out)
{
	const size_t begin = out->length;
	struct rollout_state copy = *state;
	struct state_walk walk = {.out = out, .version = ROLLOUT_STATE_VERSION};
	stored_put(out, MARK | ROLLOUT_STATE_VERSION);
	stored_put(out, state->plan);
	walk_state(&walk, plan, &copy);
	stored_end(out, begin);
}

bool rollout_state_read(const struct rollout_plan *plan, struct text bytes, struct rollout_state *state, struct error *error)
{
	struct stored record = {"state of the rollout", MARK, ROLLOUT_STATE_VERSION, bytes, 0, true,
				"Promote or roll back by hand, and apply the experiment with a change, as of a label."};
	struct state_walk walk = {.in = &record};
	if (!stored_begin(&record, error))
		return false;
	walk.version = stored_version(&record);
	if (walk.version < ROLLOUT_STATE_VERSION_LEAST)
		return stored_damaged(&record, error);
	*state = (struct rollout_state){.plan = stored_take(&record)};
	if (record.sound && state->plan != rollout_plan_hash(plan))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "The stored state of the rollout is of another plan. Begin the rollout again, or restore the "
				 "stages and criteria by which it began.");
	walk_state(&walk, plan, state);
	return stored_ended(&record) || stored_damaged(&record, error);
}
