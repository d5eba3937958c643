/* truth_tally.c: see truth_tally.h. What feedback leaves for the end of the window is in a table beside the join, by the number of
 * the join's entry. Units are in a table with open addressing, which doubles. */
#include "experiments/truth_tally.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"
#include "experiments/outcome_join.h"

#define UNITS_AT_FIRST 1024
#define TABLE_DIGITS 16 /* of the version of a table in an exposure */

/* Of an open exposure. */
struct open_truth {
	uint64_t unit;	 /* hash; 0: none */
	double accuracy; /* where an outcome was joined */
};

struct truth_unit {
	uint64_t unit; /* 0: the place is free */
	double sum;    /* of the accuracies of its requests */
	uint32_t requests;
	uint32_t arm;
};

struct truth_tally {
	struct truth_tally_config config;
	struct outcome_join *join;
	struct open_truth *open; /* of each entry of the join */
	struct truth_unit *units;
	size_t unit_count, unit_places; /* a power of two */
	struct truth_counts counts[ASSIGNMENT_WAYS_MAX];
	struct truth_tally_losses losses;
};

/* ---- units ---- */

static void mean_add(struct truth_counts *counts, double mean, int sign)
{
	const int64_t scaled = llround(mean * TRUTH_SCALE);
	counts->sum += sign * scaled;
	counts->squares += sign * scaled * scaled;
	counts->units += sign;
}

static struct truth_unit *unit_place(struct truth_unit *units, size_t places, uint64_t unit, uint32_t arm)
{
	size_t at = (size_t)unit & (places - 1);
	while (units[at].unit != 0 && (units[at].unit != unit || units[at].arm != arm))
		at = (at + 1) & (places - 1);
	return &units[at];
}

/* False: memory ran out. */
static bool units_grow(struct truth_tally *tally)
{
	const size_t places = tally->unit_places ? 2 * tally->unit_places : UNITS_AT_FIRST;
	struct truth_unit *units = memory_take(places, sizeof *units);
	for (size_t i = 0; units && i < tally->unit_places; i++)
		if (tally->units[i].unit != 0)
			*unit_place(units, places, tally->units[i].unit, tally->units[i].arm) = tally->units[i];
	if (!units)
		return false;
	memory_give(tally->units);
	tally->units = units;
	tally->unit_places = places;
	return true;
}

/* NULL: there is no place for a new one. */
static struct truth_unit *unit_take(struct truth_tally *tally, uint64_t unit, uint32_t arm)
{
	if (2 * (tally->unit_count + 1) > tally->unit_places && !units_grow(tally))
		return NULL;
	struct truth_unit *found = unit_place(tally->units, tally->unit_places, unit, arm);
	if (found->unit != 0)
		return found;
	if (tally->unit_count >= tally->config.units_max)
		return NULL;
	tally->unit_count++;
	*found = (struct truth_unit){.unit = unit, .arm = arm};
	return found;
}

static void accuracy_count(struct truth_tally *tally, const struct open_truth *open, uint32_t arm)
{
	struct truth_counts *counts = &tally->counts[arm];
	struct truth_unit alone = {.unit = 0}, *unit = open->unit != 0 ? unit_take(tally, open->unit, arm) : &alone;
	if (!unit || (unit->requests == 0 && counts->units == TRUTH_COUNT_MAX)) {
		tally->losses.crowded++;
		return;
	}
	if (unit->requests > 0)
		mean_add(counts, unit->sum / unit->requests, -1);
	unit->sum += open->accuracy;
	unit->requests++;
	counts->requests++;
	mean_add(counts, unit->sum / unit->requests, 1);
}

/* ---- exposures ---- */

static void exposure_closed(void *context, size_t slot, uint32_t arm, bool has_outcome)
{
	struct truth_tally *tally = context;
	if (has_outcome)
		accuracy_count(tally, &tally->open[slot], arm);
}

static bool table_is(struct text digits, uint64_t table)
{
	uint64_t read = 0;
	if (digits.length != TABLE_DIGITS)
		return false;
	for (size_t i = 0; i < digits.length; i++) {
		const char digit = digits.bytes[i];
		if (!(digit >= '0' && digit <= '9') && !(digit >= 'a' && digit <= 'f'))
			return false;
		read = read << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	return read == table;
}

void truth_tally_expose(struct truth_tally *tally, const struct exposure *exposure)
{
	const struct truth_tally_config *config = &tally->config;
	size_t arm = 0;
	while (arm < config->arms && !text_is(exposure->variant, config->names[arm]))
		arm++;
	if (arm == config->arms || exposure->reason != ASSIGNED_STAGE || exposure->time_ms < config->since_ms ||
	    !text_is(exposure->experiment, config->experiment) || !table_is(exposure->table, config->table))
		return;
	if (arm == config->paired && !baseline_has(&config->baseline, exposure->unit, &exposure->origin))
		return;
	const struct outcome_exposure one = outcome_exposure_of(exposure, arm);
	(void)outcome_join_expose(tally->join, &one);
}

/* ---- feedback ---- */

static void accuracy_joined(void *context, const struct joined_outcome *outcome)
{
	struct truth_tally *tally = context;
	tally->open[outcome->slot] = (struct open_truth){outcome->unit, outcome->value};
}

const struct feedback_metric *truth_accuracy(const struct feedback *feedback)
{
	for (size_t i = 0; i < feedback->metric_count; i++)
		if (text_is(feedback->metrics[i].name, ROLLOUT_ACCURACY))
			return &feedback->metrics[i];
	return NULL;
}

void truth_tally_feedback(struct truth_tally *tally, const struct feedback *feedback, int64_t time_ms)
{
	struct error refused = {0};
	const struct feedback_metric *accuracy = truth_accuracy(feedback);
	char room[LABEL_ROOM];
	if (!accuracy && (tally->config.computed || feedback->truth.count == 0))
		return;
	if (!feedback_check(feedback, time_ms, &refused) || (accuracy && (accuracy->value < 0 || accuracy->value > 1))) {
		tally->losses.refused++;
		return;
	}
	struct feedback reduced = *feedback;
	reduced.has_reward = false;
	reduced.metric_count = accuracy ? 1 : 0;
	reduced.metrics = accuracy;
	if (reduced.time_ms == 0)
		reduced.time_ms = time_ms;
	struct text truth = {0};
	if (!accuracy)
		truth = truth_label(&feedback->truth, room);
	if (accuracy)
		outcome_join_feedback(tally->join, &reduced, accuracy_joined, tally);
	else if (truth.length == 0 || !outcome_join_judge(tally->join, &reduced, truth, 0, accuracy_joined, tally))
		tally->losses.unjudged++;
}

/* ---- counts ---- */

const struct truth_counts *truth_tally_counts(const struct truth_tally *tally)
{
	return tally->counts;
}

struct truth_tally_losses truth_tally_losses(const struct truth_tally *tally)
{
	struct truth_tally_losses losses = tally->losses;
	const struct outcome_join_counts join = outcome_join_counts(tally->join);
	losses.dropped = join.dropped;
	losses.late = join.late;
	losses.unknown = join.unknown;
	return losses;
}

struct moments truth_moments(const struct truth_counts *counts)
{
	if (counts->units == 0)
		return (struct moments){0};
	const double scale = TRUTH_SCALE, sum = (double)counts->sum / scale;
	const double squares = (double)counts->squares / scale / scale - sum * sum / (double)counts->units;
	return (struct moments){(uint64_t)counts->units, sum / (double)counts->units, fmax(squares, 0)};
}

bool truth_counts_rose(const struct truth_counts *before, const struct truth_counts *now)
{
	return now->units >= before->units && now->units <= TRUTH_COUNT_MAX && now->requests >= before->requests &&
	       now->requests >= now->units && now->sum >= 0 && now->sum <= now->units * TRUTH_SCALE && now->squares >= 0 &&
	       now->squares <= now->sum * TRUTH_SCALE;
}

/* ---- opening ---- */

static bool tally_reserve(struct truth_tally *tally, struct error *error)
{
	const struct text accuracy = TEXT(ROLLOUT_ACCURACY);
	const size_t join_bytes = OUTCOME_ENTRY_BYTES + 2 * sizeof(uint32_t); /* with its index, and what the answer said */
	const size_t entries = tally->config.memory_bytes / (join_bytes + sizeof *tally->open);
	const struct outcome_join_config join = {.memory_bytes = entries * join_bytes,
						 .window_ms = tally->config.window_ms,
						 .seed = hash_key(text_of(tally->config.experiment)),
						 .metric_count = 1,
						 .metrics = &accuracy,
						 .judges = true,
						 .closed = exposure_closed,
						 .context = tally};
	tally->join = outcome_join_open(&join, error);
	if (!tally->join)
		return false;
	tally->open = memory_take(outcome_join_capacity(tally->join), sizeof *tally->open);
	return tally->open || error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
}

struct truth_tally *truth_tally_open(const struct truth_tally_config *config, struct error *error)
{
	assert(config->experiment && config->names);
	struct truth_tally *tally = memory_take(1, sizeof *tally);
	if (!tally) {
		error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
		return NULL;
	}
	tally->config = *config;
	if (config->arms <= ASSIGNMENT_WAYS_MAX && tally_reserve(tally, error))
		return tally;
	truth_tally_close(tally);
	return NULL;
}

void truth_tally_close(struct truth_tally *tally)
{
	if (!tally)
		return;
	outcome_join_close(tally->join);
	memory_give(tally->open);
	memory_give(tally->units);
	memory_give(tally);
}
