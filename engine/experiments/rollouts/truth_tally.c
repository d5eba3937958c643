/* truth_tally.c: see truth_tally.h. Values that wait are a heap, by the end of their windows. Units are in a table with open
 * addressing, which doubles. */
#include "experiments/rollouts/truth_tally.h"

#include <math.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/number/duration.h"
#include "experiments/rollouts/running_cap.h"

#define UNITS_AT_FIRST 1024
#define WAITING_AT_FIRST 256
#define TABLE_DIGITS 16 /* of the version of a table in an exposure */

/* What is judged of a request: its accuracy, then the metrics. */
#define JUDGED_MAX (1 + EXPERIMENT_METRICS_MAX)

struct truth_unit {
	uint64_t unit; /* 0: the place is free */
	double sum;    /* of the values of its requests */
	uint32_t requests;
	uint16_t arm;
	uint8_t judged;
	bool has_value : 1; /* a value of it was counted, or waits */
	bool came : 1;	    /* feedback that names it alone, in time */
	bool came_late : 1; /* likewise, after its window */
};

/* A value whose window is not over. */
struct waiting_truth {
	int64_t due_ms;
	uint64_t unit;
	double value;
	uint16_t arm;
	uint8_t judged;
};

/* Outcomes of a sample, and what they stand for. */
struct sampled_number {
	int64_t count, sum;
};

/* Of one outcome of an arm. */
struct outcome_arrivals {
	struct sampled_number late;
	bool has_past; /* one that is counted as joined is of an earlier stage */
};

struct truth_tally {
	struct truth_tally_config config;
	size_t judged_count;
	struct text names[JUDGED_MAX];
	uint64_t seed; /* of the hashes of units */
	struct running_cap *caps[EXPERIMENT_METRICS_MAX];
	struct waiting_truth *waiting;
	size_t waiting_count, waiting_room;
	int64_t passed_ms;
	struct truth_unit *units;
	size_t unit_count, unit_places; /* a power of two */
	struct outcome_arrivals arrivals[ASSIGNMENT_WAYS_MAX][JUDGED_MAX];
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

static struct truth_unit *unit_place(struct truth_unit *units, size_t places, const struct truth_unit *unit)
{
	size_t at = (size_t)(unit->unit + unit->judged) & (places - 1);
	while (units[at].unit != 0 &&
	       (units[at].unit != unit->unit || units[at].arm != unit->arm || units[at].judged != unit->judged))
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
			*unit_place(units, places, &tally->units[i]) = tally->units[i];
	if (!units)
		return false;
	memory_give(tally->units);
	tally->units = units;
	tally->unit_places = places;
	return true;
}

/* NULL: there is no place for a new one. */
static struct truth_unit *unit_take(struct truth_tally *tally, const struct truth_unit *unit)
{
	if (2 * (tally->unit_count + 1) > tally->unit_places && !units_grow(tally))
		return NULL;
	struct truth_unit *found = unit_place(tally->units, tally->unit_places, unit);
	if (found->unit != 0)
		return found;
	if (tally->unit_count >= tally->config.units_max)
		return NULL;
	tally->unit_count++;
	*found = *unit;
	return found;
}

/* ---- counting ---- */

/* A value of a request of the unit, which may have had others. */
static void accuracy_count(struct truth_counts *counts, const struct truth_unit *unit, double value)
{
	if (unit->requests > 0)
		mean_add(counts, unit->sum / unit->requests, -1);
	mean_add(counts, (unit->sum + value) / (unit->requests + 1), 1);
	counts->requests++;
}

/* NULL: there is no space for the unit, which is counted among the losses. `alone` is that of a request without one. */
static struct truth_unit *unit_of(struct truth_tally *tally, const struct waiting_value *value, size_t judged,
				  struct truth_unit *alone)
{
	const struct truth_counts *counts = &tally->counts[value->arm];
	const int64_t units = judged == 0 ? counts->units : (int64_t)counts->metrics[judged - 1].units.count;
	*alone = (struct truth_unit){.unit = value->unit, .arm = (uint16_t)value->arm, .judged = (uint8_t)judged};
	struct truth_unit *unit = value->unit != 0 ? unit_take(tally, alone) : alone;
	if (unit && (unit->has_value || units < TRUTH_COUNT_MAX))
		return unit;
	tally->losses.crowded++;
	return NULL;
}

static void value_count(struct truth_tally *tally, size_t judged, const struct waiting_value *value)
{
	struct truth_counts *counts = &tally->counts[value->arm];
	struct truth_unit alone, *unit = unit_of(tally, value, judged, &alone);
	if (!unit)
		return;
	if (judged == 0)
		accuracy_count(counts, unit, value->value);
	else
		metric_counts_value(&counts->metrics[judged - 1], tally->config.ratios[judged - 1], unit->sum, unit->requests,
				    value->value);
	unit->sum += value->value;
	unit->requests++;
	unit->has_value = true;
}

/* ---- caps ---- */

struct waited {
	struct truth_tally *tally;
	size_t judged;
};

static void value_waited(void *context, const struct waiting_value *value)
{
	const struct waited *waited = context;
	value_count(waited->tally, waited->judged, value);
}

/* A value waits until the cap of its metric is known. */
static void value_cap(struct truth_tally *tally, size_t judged, struct waiting_value *value)
{
	struct running_cap *cap = tally->caps[judged - 1];
	struct truth_unit alone, *unit = unit_of(tally, value, judged, &alone);
	struct waited waited = {tally, judged};
	if (!unit)
		return;
	value->is_first = !unit->has_value;
	unit->has_value = true;
	if (running_cap_wait(cap, value))
		running_cap_give(cap, value_waited, &waited);
}

static void value_take(struct truth_tally *tally, size_t judged, struct waiting_value *value)
{
	const struct running_cap *cap = judged > 0 ? tally->caps[judged - 1] : NULL;
	if (cap && !running_cap_is_known(cap)) {
		value_cap(tally, judged, value);
		return;
	}
	if (cap)
		value->value = running_cap_apply(cap, value->value);
	value_count(tally, judged, value);
}

/* ---- values that wait ---- */

static void waiting_count_first(struct truth_tally *tally)
{
	struct waiting_truth *heap = tally->waiting;
	const struct waiting_truth first = heap[0], last = heap[--tally->waiting_count];
	struct waiting_value value = {.unit = first.unit, .arm = first.arm, .value = first.value};
	size_t at = 0;
	for (size_t child = 1; child < tally->waiting_count; child = 2 * at + 1) {
		child += child + 1 < tally->waiting_count && heap[child + 1].due_ms < heap[child].due_ms;
		if (heap[child].due_ms >= last.due_ms)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = last;
	value_take(tally, first.judged, &value);
}

static void value_wait(struct truth_tally *tally, const struct waiting_truth *value)
{
	if (tally->waiting_count >= tally->config.waiting_max) {
		waiting_count_first(tally);
		tally->losses.early++;
	}
	struct waiting_truth *heap = memory_grow(tally->waiting, tally->waiting_count, &tally->waiting_room, WAITING_AT_FIRST,
						 sizeof *heap);
	if (!heap) {
		tally->losses.crowded++;
		return;
	}
	tally->waiting = heap;
	size_t at = tally->waiting_count++;
	for (; at > 0 && heap[(at - 1) / 2].due_ms > value->due_ms; at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = *value;
}

void truth_tally_pass(struct truth_tally *tally, int64_t time_ms)
{
	if (time_ms > tally->passed_ms)
		tally->passed_ms = time_ms;
	while (tally->waiting_count > 0 && tally->waiting[0].due_ms <= tally->passed_ms)
		waiting_count_first(tally);
}

/* ---- arrivals ---- */

static void arrival_count(struct truth_tally *tally, size_t arm, size_t judged, int64_t joined, int64_t late)
{
	struct truth_counts *counts = &tally->counts[arm];
	struct metric_counts *metric = judged > 0 ? &counts->metrics[judged - 1] : NULL;
	*(metric ? &metric->joined : &counts->joined) += joined;
	*(metric ? &metric->late : &counts->late) += late;
}

static int64_t sampled_estimate(const struct sampled_number *number)
{
	return number->count < TRUTH_SAMPLED_LEAST ? number->count : number->sum;
}

static void late_count(struct truth_tally *tally, size_t arm, size_t judged, int64_t weight)
{
	struct sampled_number *number = &tally->arrivals[arm][judged].late;
	const int64_t before = sampled_estimate(number);
	number->count++;
	number->sum += weight;
	arrival_count(tally, arm, judged, 0, sampled_estimate(number) - before);
}

/* An outcome of an earlier stage says only that outcomes come, or that they are late, where this one has none in time. */
static void past_count(struct truth_tally *tally, size_t arm, size_t judged, const struct outcome *outcome)
{
	const struct truth_counts *counts = &tally->counts[arm];
	const int64_t joined = judged > 0 ? counts->metrics[judged - 1].joined : counts->joined;
	const int64_t late = judged > 0 ? counts->metrics[judged - 1].late : counts->late;
	const bool is_before = outcome->written_ms < tally->config.since_ms;
	bool *has_past = &tally->arrivals[arm][judged].has_past;
	if (joined > *has_past || (is_before && joined + late > 0))
		return;
	if (outcome->kind == OUTCOME_LATE) {
		late_count(tally, arm, judged, is_before ? 1 : outcome->weight);
	} else if (!*has_past) {
		arrival_count(tally, arm, judged, 1, 0);
		*has_past = true;
	}
}

/* Whether it is the first outcome of its unit, in time or late; one of a request is, since it comes once. */
static bool arrival_is_news(struct truth_tally *tally, size_t arm, size_t judged, const struct outcome *outcome, uint64_t hash)
{
	const struct truth_unit one = {.unit = hash, .arm = (uint16_t)arm, .judged = (uint8_t)judged};
	const bool is_late = outcome->kind == OUTCOME_LATE;
	if (!outcome->by_unit)
		return true;
	struct truth_unit *unit = unit_take(tally, &one);
	if (!unit || unit->came || (is_late && unit->came_late))
		return false;
	unit->came |= !is_late;
	unit->came_late |= is_late;
	return true;
}

/* ---- outcomes ---- */

enum outcome_stage { OF_NONE, OF_PRESENT, OF_EARLIER };

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

static enum outcome_stage stage_of(const struct truth_tally *tally, const struct exposure *exposure, size_t *arm)
{
	const struct truth_tally_config *config = &tally->config;
	for (*arm = 0; *arm < config->arms && !text_is(exposure->variant, config->names[*arm]);)
		++*arm;
	if (*arm == config->arms || !assigned_reason_has_table(exposure->reason) ||
	    !text_is(exposure->experiment, config->experiment))
		return OF_NONE;
	if (exposure->time_ms < config->since_ms)
		return config->began_ms > 0 && exposure->time_ms >= config->began_ms ? OF_EARLIER : OF_NONE;
	if (!table_is(exposure->table, config->table))
		return OF_NONE;
	return *arm != config->paired || baseline_has(&config->baseline, exposure->unit, &exposure->origin) ? OF_PRESENT : OF_NONE;
}

static bool value_is_sound(bool is_accuracy, double value)
{
	return is_accuracy ? value >= 0 && value <= 1 : fabs(value) <= TRUTH_VALUE_MAX;
}

static void value_came(struct truth_tally *tally, enum outcome_stage stage, size_t arm, size_t judged,
		       const struct outcome *outcome, double value)
{
	const struct exposure *exposure = &outcome->exposure;
	const uint64_t unit = exposure->unit.length > 0 ? hash_text(exposure->unit, tally->seed) : 0;
	const int64_t second_ms = exposure->time_ms / MS_PER_S * MS_PER_S + MS_PER_S; /* windows are of whole seconds */
	const struct waiting_truth waiting = {.due_ms = second_ms + tally->config.window_ms,
					      .unit = unit,
					      .value = value,
					      .arm = (uint16_t)arm,
					      .judged = (uint8_t)judged};
	if (!value_is_sound(judged == 0, value)) {
		tally->losses.refused++;
		return;
	}
	if (arrival_is_news(tally, arm, judged, outcome, unit)) {
		if (stage == OF_EARLIER)
			past_count(tally, arm, judged, outcome);
		else if (outcome->kind == OUTCOME_LATE)
			late_count(tally, arm, judged, outcome->weight);
		else
			arrival_count(tally, arm, judged, 1, 0);
	}
	if (stage == OF_PRESENT && outcome->kind == OUTCOME_JOINED)
		value_wait(tally, &waiting);
}

void truth_tally_outcome(struct truth_tally *tally, const struct outcome *outcome)
{
	size_t arm;
	const enum outcome_stage stage = stage_of(tally, &outcome->exposure, &arm);
	if (stage == OF_NONE || (outcome->kind != OUTCOME_JOINED && outcome->kind != OUTCOME_LATE))
		return;
	tally->losses.unjudged += outcome->unjudged && !outcome_metric_find(outcome, tally->names[0]);
	for (size_t i = 0; i < tally->judged_count; i++) {
		const struct outcome_metric *metric = outcome_metric_find(outcome, tally->names[i]);
		const bool is_uncomputed = metric && metric->how == OUTCOME_COMPUTED && isnan(metric->value);
		if (metric && !is_uncomputed)
			value_came(tally, stage, arm, i, outcome, metric->value);
	}
	truth_tally_pass(tally, tally->passed_ms);
}

bool truth_values_check(const struct feedback *feedback, struct error *error)
{
	bool is_sound = !feedback->has_reward || value_is_sound(false, feedback->reward);
	for (size_t i = 0; i < feedback->metric_count; i++)
		is_sound &= value_is_sound(text_is(feedback->metrics[i].name, ROLLOUT_ACCURACY), feedback->metrics[i].value);
	return is_sound || error_set(error, ERROR_INPUT, PLACE_NONE,
				     "its metric `" ROLLOUT_ACCURACY "` is not from 0 to 1, or another one is above %g; correct it",
				     TRUTH_VALUE_MAX);
}

/* ---- counts ---- */

const struct truth_counts *truth_tally_counts(const struct truth_tally *tally)
{
	return tally->counts;
}

struct truth_tally_losses truth_tally_losses(const struct truth_tally *tally)
{
	return tally->losses;
}

/* ---- opening ---- */

static bool caps_open(struct truth_tally *tally)
{
	const struct truth_tally_config *config = &tally->config;
	bool good = true;
	for (size_t i = 0; good && i < config->metric_count; i++)
		good = config->caps[i] == 0 || (tally->caps[i] = running_cap_open(config->caps[i]));
	return good;
}

struct truth_tally *truth_tally_open(const struct truth_tally_config *config, struct error *error)
{
	assert(config->experiment && config->names && config->arms <= ASSIGNMENT_WAYS_MAX && config->waiting_max > 0);
	assert(config->metric_count <= EXPERIMENT_METRICS_MAX && (config->metrics || config->metric_count == 0));
	struct truth_tally *tally = memory_take(1, sizeof *tally);
	if (tally) {
		tally->config = *config;
		tally->seed = hash_key(text_of(config->experiment));
		tally->judged_count = 1 + config->metric_count;
		tally->names[0] = TEXT(ROLLOUT_ACCURACY);
		for (size_t i = 0; i < config->metric_count; i++)
			tally->names[1 + i] = text_of(config->metrics[i]);
	}
	if (tally && caps_open(tally))
		return tally;
	truth_tally_close(tally);
	error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
	return NULL;
}

void truth_tally_close(struct truth_tally *tally)
{
	if (!tally)
		return;
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++)
		running_cap_close(tally->caps[i]);
	memory_give(tally->waiting);
	memory_give(tally->units);
	memory_give(tally);
}
