/* truth_tally.c: see truth_tally.h. What feedback leaves for the end of the window is beside the join, by the slot of its exposure
 * (experiments/outcomes/outcome_values.h). Units are in a table with open addressing, which doubles. */
#include "experiments/rollouts/truth_tally.h"

#include <assert.h>
#include <math.h>

#include "base/number/duration.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number/number.h"
#include "experiments/rollouts/arrival_tally.h"
#include "experiments/outcomes/outcome_join.h"
#include "experiments/outcomes/outcome_values.h"
#include "experiments/rollouts/running_cap.h"

#define UNITS_AT_FIRST 1024
#define TABLE_DIGITS 16 /* of the version of a table in an exposure */

struct truth_unit {
	uint64_t unit; /* 0: the place is free */
	double sum;    /* of the values of its requests */
	uint32_t requests;
	uint16_t arm;
	uint8_t judged;
	bool has_value; /* a value of it was counted, or waits */
};

struct truth_tally {
	struct truth_tally_config config;
	struct outcome_join *join;
	size_t judged_count;
	struct running_cap *caps[EXPERIMENT_METRICS_MAX];
	struct outcome_values *values; /* of feedback, until their exposures are over */
	struct arrival_tally arrivals;
	struct truth_unit *units;
	size_t unit_count, unit_places; /* a power of two */
	struct truth_counts counts[ASSIGNMENT_WAYS_MAX];
	struct truth_tally_losses losses;
	struct error refused; /* the first of the refused feedback */
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

/* ---- exposures ---- */

/* An exposure that is over, and the values of its own request. */
struct over_exposure {
	struct truth_tally *tally;
	uint64_t unit;
	uint32_t arm;
	double values[JUDGED_MAX];
};

static void exposure_value(const struct over_exposure *over, size_t judged, double number)
{
	struct waiting_value value = {.unit = over->unit, .arm = over->arm, .value = number};
	value_take(over->tally, judged, &value);
}

/* Values of the unit count before those of the request. */
static void outcome_take(void *context, const struct outcome_value *outcome)
{
	struct over_exposure *over = context;
	if (outcome->of_unit)
		exposure_value(over, outcome->metric, outcome->value);
	else
		over->values[outcome->metric] = outcome->value;
}

static void exposure_ended(void *context, size_t slot)
{
	struct truth_tally *tally = context;
	const struct arrived_exposure ended = {.request = outcome_join_request(tally->join, slot),
					       .time_ms = outcome_join_exposed_ms(tally->join, slot),
					       .arm = outcome_join_arm(tally->join, slot),
					       .outcomes = outcome_join_metrics(tally->join, slot),
					       .has_label = outcome_join_has_label(tally->join, slot)};
	arrival_tally_end(&tally->arrivals, &ended);
}

static void exposure_closed(void *context, size_t slot, uint32_t arm, bool has_outcome)
{
	struct truth_tally *tally = context;
	struct over_exposure over = {.tally = tally, .unit = outcome_join_unit(tally->join, slot), .arm = arm};
	(void)has_outcome;
	exposure_ended(tally, slot);
	for (size_t i = 0; i < tally->judged_count; i++)
		over.values[i] = (double)NAN;
	outcome_values_take(tally->values, slot, outcome_take, &over);
	for (size_t i = 0; i < tally->judged_count; i++)
		if (!isnan(over.values[i]))
			exposure_value(&over, i, over.values[i]);
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

/* Of an earlier stage of the rollout, whichever table it had. Its second is whole, as that of the join is. */
static void past_expose(struct truth_tally *tally, const struct exposure *exposure, size_t arm)
{
	const struct feedback naming = {.id = exposure->id};
	const struct arrived_exposure past = {.request = outcome_join_feedback_request(tally->join, &naming),
					      .unit = outcome_join_unit_hash(tally->join, exposure->unit),
					      .time_ms = exposure->time_ms / MS_PER_S * MS_PER_S,
					      .arm = arm,
					      .has_label = exposure->prediction.length > 0};
	if (tally->config.began_ms > 0 && exposure->time_ms >= tally->config.began_ms)
		arrival_tally_add_past(&tally->arrivals, &past);
}

void truth_tally_expose(struct truth_tally *tally, const struct exposure *exposure)
{
	const struct truth_tally_config *config = &tally->config;
	size_t arm = 0;
	outcome_join_pass(tally->join, exposure->time_ms); /* whosever it is */
	while (arm < config->arms && !text_is(exposure->variant, config->names[arm]))
		arm++;
	if (arm == config->arms || !assigned_reason_has_table(exposure->reason) ||
	    !text_is(exposure->experiment, config->experiment))
		return;
	if (exposure->time_ms < config->since_ms) {
		past_expose(tally, exposure, arm);
		return;
	}
	if (!table_is(exposure->table, config->table))
		return;
	if (arm == config->paired && !baseline_has(&config->baseline, exposure->unit, &exposure->origin))
		return;
	const struct outcome_exposure one = outcome_exposure_of(exposure, arm);
	if (outcome_join_expose(tally->join, &one) != EXPOSURE_OPENED)
		return;
	const size_t slot = outcome_join_newest(tally->join);
	const struct arrived_exposure seen = {
		.unit = outcome_join_unit(tally->join, slot), .time_ms = outcome_join_exposed_ms(tally->join, slot), .arm = arm};
	if (exposure->unit.length > 0)
		arrival_tally_see_unit(&tally->arrivals, &seen);
}

void truth_tally_pass(struct truth_tally *tally, int64_t time_ms)
{
	outcome_join_pass(tally->join, time_ms);
}

/* ---- feedback ---- */

static void value_joined(void *context, const struct joined_outcome *outcome)
{
	struct truth_tally *tally = context;
	const struct outcome_value value = {.metric = outcome->metric, .value = outcome->value};
	assert(outcome->metric < tally->judged_count);
	arrival_tally_join(&tally->arrivals, outcome->arm, outcome->metric);
	tally->losses.crowded += !outcome_values_add(tally->values, outcome->slot, &value);
}

const struct feedback_metric *truth_accuracy(const struct feedback *feedback)
{
	return feedback_metric_find(feedback, TEXT(ROLLOUT_ACCURACY));
}

unsigned truth_metrics(const struct feedback *feedback, const char *const *names, size_t count, double *values)
{
	unsigned has = 0;
	assert(count <= EXPERIMENT_METRICS_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct feedback_metric *metric = feedback_metric_find(feedback, text_of(names[i]));
		const bool is_reward = feedback->has_reward && strcmp(names[i], FEEDBACK_REWARD) == 0;
		values[i] = is_reward ? feedback->reward : metric ? metric->value : (double)NAN;
		if (is_reward || metric)
			has |= 1U << i;
	}
	return has;
}

/* The outcomes of a feedback that are judged by themselves, as metrics. Returns how many; SIZE_MAX: one is none. */
static size_t outcomes_list(const struct truth_tally *tally, const struct feedback *feedback,
			    struct feedback_metric outcomes[JUDGED_MAX])
{
	const struct feedback_metric *accuracy = truth_accuracy(feedback);
	double values[EXPERIMENT_METRICS_MAX];
	const unsigned has = truth_metrics(feedback, tally->config.metrics, tally->config.metric_count, values);
	size_t count = 0;
	if (accuracy && (accuracy->value < 0 || accuracy->value > 1))
		return SIZE_MAX;
	if (accuracy)
		outcomes[count++] = *accuracy;
	for (size_t i = 0; i < tally->config.metric_count; i++) {
		if (!(has & 1U << i))
			continue;
		if (fabs(values[i]) > TRUTH_VALUE_MAX)
			return SIZE_MAX;
		outcomes[count++] = (struct feedback_metric){text_of(tally->config.metrics[i]), values[i]};
	}
	return count;
}

static bool outcomes_check(size_t count, struct error *error)
{
	return count != SIZE_MAX || error_set(error, ERROR_INPUT, PLACE_NONE,
					      "its metric `" ROLLOUT_ACCURACY "` is not from 0 to 1, or another one is above %g; "
					      "correct it",
					      TRUTH_VALUE_MAX);
}

/* Index of a metric among what is judged; the count of these: it is none. */
static size_t judged_index(const struct truth_tally *tally, struct text metric)
{
	size_t i = 1;
	while (i < tally->judged_count && !text_is(metric, tally->config.metrics[i - 1]))
		i++;
	return text_is(metric, ROLLOUT_ACCURACY) ? 0 : i;
}

/* A bit of each outcome that is judged by itself. */
static unsigned outcome_bits(const struct truth_tally *tally, const struct feedback *reduced)
{
	unsigned bits = 0;
	for (size_t i = 0; i < reduced->metric_count; i++)
		bits |= 1U << judged_index(tally, reduced->metrics[i].name);
	return bits;
}

/* False: too many wait, or memory ran out. */
static bool unit_values_wait(struct truth_tally *tally, size_t slot, const struct feedback *reduced)
{
	for (size_t i = 0; i < reduced->metric_count; i++) {
		const struct feedback_metric *metric = &reduced->metrics[i];
		const struct outcome_value value = {judged_index(tally, metric->name), metric->value, true};
		if (outcome_values_of_units(tally->values) >= TRUTH_UNIT_VALUES_MAX ||
		    !outcome_values_add(tally->values, slot, &value))
			return false;
	}
	return true;
}

/* Feedback that names a unit alone. Its truth says nothing: no answer of the unit is known to be the one that it is of. */
static void unit_feedback(struct truth_tally *tally, const struct feedback *reduced, bool is_judged)
{
	size_t slot;
	const uint64_t unit = outcome_join_unit_hash(tally->join, reduced->unit);
	if (reduced->experiment.length > 0 && !text_is(reduced->experiment, tally->config.experiment))
		return;
	tally->losses.unjudged += is_judged;
	if (reduced->metric_count == 0)
		return;
	enum unit_fate fate = outcome_join_unit_find(tally->join, reduced, &slot);
	if (fate == UNIT_FOUND && !unit_values_wait(tally, slot, reduced))
		fate = UNIT_CROWDED;
	tally->losses.unknown += fate == UNIT_UNKNOWN;
	tally->losses.late += fate == UNIT_LATE;
	tally->losses.crowded += fate == UNIT_CROWDED;
	arrival_tally_unit(&tally->arrivals, unit, outcome_bits(tally, reduced), reduced->time_ms, fate == UNIT_FOUND,
			   fate == UNIT_LATE || fate == UNIT_UNKNOWN);
}

static void request_feedback(struct truth_tally *tally, const struct feedback *reduced, bool is_judged)
{
	char room[LABEL_ROOM];
	const struct text truth = is_judged ? truth_label(&reduced->truth, room) : (struct text){0};
	if (reduced->metric_count > 0)
		outcome_join_feedback(tally->join, reduced, value_joined, tally);
	if (is_judged && (truth.length == 0 || !outcome_join_judge(tally->join, reduced, truth, 0, value_joined, tally)))
		tally->losses.unjudged++;
	if (reduced->experiment.length == 0 || text_is(reduced->experiment, tally->config.experiment))
		arrival_tally_request(&tally->arrivals, outcome_join_feedback_request(tally->join, reduced),
				      outcome_bits(tally, reduced), truth.length > 0);
}

void truth_tally_refuse(struct truth_tally *tally, const struct error *refused)
{
	if (tally->losses.refused++ == 0)
		tally->refused = *refused;
}

void truth_tally_feedback(struct truth_tally *tally, const struct feedback *feedback, int64_t time_ms)
{
	struct error refused = {0};
	struct feedback_metric outcomes[JUDGED_MAX];
	const bool is_judged = !truth_accuracy(feedback) && !tally->config.computed && feedback->truth.count > 0;
	const size_t count = outcomes_list(tally, feedback, outcomes);
	if (count == 0 && !is_judged)
		return;
	if (!feedback_check(feedback, time_ms, &refused) || !outcomes_check(count, &refused)) {
		truth_tally_refuse(tally, &refused);
		return;
	}
	struct feedback reduced = *feedback;
	reduced.has_reward = false;
	reduced.metric_count = count;
	reduced.metrics = outcomes;
	if (reduced.time_ms == 0)
		reduced.time_ms = time_ms;
	tally->arrivals.feedback_ms = time_ms;
	if (feedback->id.length == 0 && feedback->origin.topic.length == 0)
		unit_feedback(tally, &reduced, is_judged);
	else
		request_feedback(tally, &reduced, is_judged);
}

bool truth_tally_lacks(const struct truth_tally *tally, const struct feedback *feedback, int64_t time_ms, const char *metric,
		       struct open_request *found)
{
	const size_t judged = judged_index(tally, text_of(metric));
	struct feedback timed = *feedback;
	struct error refused = {0};
	if (timed.time_ms == 0)
		timed.time_ms = time_ms;
	return judged < tally->judged_count && feedback_check(feedback, time_ms, &refused) &&
	       outcome_join_lacks(tally->join, &timed, judged, found);
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
	losses.late += join.late;
	losses.unknown += join.unknown;
	return losses;
}

const char *truth_tally_refusal(const struct truth_tally *tally)
{
	return tally->refused.text;
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

static bool tally_reserve(struct truth_tally *tally, struct error *error)
{
	struct text names[JUDGED_MAX] = {TEXT(ROLLOUT_ACCURACY)};
	for (size_t i = 1; i < tally->judged_count; i++)
		names[i] = text_of(tally->config.metrics[i - 1]);
	const struct outcome_join_config join = {.memory_bytes = tally->config.memory_bytes,
						 .window_ms = tally->config.window_ms,
						 .seed = hash_key(text_of(tally->config.experiment)),
						 .metric_count = tally->judged_count,
						 .metrics = names,
						 .judges = true,
						 .closed = exposure_closed,
						 .late = exposure_ended,
						 .context = tally};
	tally->join = outcome_join_open(&join, error);
	if (!tally->join)
		return false;
	tally->values = outcome_values_open();
	return (tally->values && caps_open(tally)) ||
	       error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
}

struct truth_tally *truth_tally_open(const struct truth_tally_config *config, struct error *error)
{
	assert(config->experiment && config->names);
	assert(config->metric_count <= EXPERIMENT_METRICS_MAX && (config->metrics || config->metric_count == 0));
	struct truth_tally *tally = memory_take(1, sizeof *tally);
	if (!tally) {
		struct truth_past past = config->past;
		truth_past_close(&past);
		error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
		return NULL;
	}
	tally->config = *config;
	tally->judged_count = 1 + config->metric_count;
	if (arrival_tally_open(&tally->arrivals, config, tally->counts, error) && config->arms <= ASSIGNMENT_WAYS_MAX &&
	    tally_reserve(tally, error))
		return tally;
	truth_tally_close(tally);
	return NULL;
}

static void open_give(void *context, size_t slot, uint32_t arm, bool has_outcome)
{
	(void)arm, (void)has_outcome;
	exposure_ended(context, slot);
}

struct truth_past truth_tally_give_past(struct truth_tally *tally)
{
	outcome_join_each_open(tally->join, open_give, tally);
	return arrival_tally_give_past(&tally->arrivals);
}

void truth_tally_close(struct truth_tally *tally)
{
	if (!tally)
		return;
	outcome_join_close(tally->join);
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++)
		running_cap_close(tally->caps[i]);
	outcome_values_close(tally->values);
	arrival_tally_close(&tally->arrivals);
	memory_give(tally->units);
	memory_give(tally);
}
