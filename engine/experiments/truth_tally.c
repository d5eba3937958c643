/* truth_tally.c: see truth_tally.h. What feedback leaves for the end of the window is beside the join, by the slot of its exposure
 * (experiments/outcome_values.h). Units are in a table with open addressing, which doubles. */
#include "experiments/truth_tally.h"

#include <assert.h>
#include <math.h>

#include "base/duration.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"
#include "experiments/outcome_join.h"
#include "experiments/running_cap.h"
#include "experiments/unit_outcomes.h"

#define UNITS_AT_FIRST 1024
#define TABLE_DIGITS 16 /* of the version of a table in an exposure */

/* What is judged of a request: its accuracy, then the metrics. */
#define JUDGED_MAX (1 + EXPERIMENT_METRICS_MAX)

struct truth_unit {
	uint64_t unit; /* 0: the place is free */
	double sum;    /* of the values of its requests */
	uint32_t requests;
	uint16_t arm;
	uint8_t judged;
	bool has_value; /* a value of it was counted, or waits */
};

/* Those of a sample, and what they stand for. */
struct sampled_number {
	int64_t count, sum;
};

struct truth_tally {
	struct truth_tally_config config;
	struct outcome_join *join;
	size_t judged_count;
	struct unit_outcomes *outcomes; /* of feedback that names a unit alone */
	struct running_cap *caps[EXPERIMENT_METRICS_MAX];
	struct outcome_values *values; /* of feedback on requests, until their exposures are over */
	struct exposure_sample *ended; /* by requests */
	struct exposure_sample *seen_units; /* the first exposure of each in this stage, over or not; else in an earlier one */
	struct truth_unit *units;
	size_t unit_count, unit_places; /* a power of two */
	struct truth_counts counts[ASSIGNMENT_WAYS_MAX];
	struct sampled_number late[ASSIGNMENT_WAYS_MAX][JUDGED_MAX], of_units[ASSIGNMENT_WAYS_MAX][JUDGED_MAX]; /* in time */
	bool has_past[ASSIGNMENT_WAYS_MAX][JUDGED_MAX]; /* one that is counted as joined is of an earlier stage */
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

static void metric_count(struct metric_counts *counts, const struct truth_unit *unit, double value)
{
	if (unit->requests > 0)
		moments_replace(&counts->units, unit->sum / unit->requests, (unit->sum + value) / (unit->requests + 1));
	else
		moments_add(&counts->units, value);
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
		metric_count(&counts->metrics[judged - 1], unit, value->value);
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

/* A value of the unit of an exposure that is over. */
struct ended_exposure {
	struct truth_tally *tally;
	uint64_t unit;
	uint32_t arm;
};

static void unit_outcome_take(void *context, const struct outcome_value *outcome)
{
	const struct ended_exposure *ended = context;
	struct waiting_value value = {.unit = ended->unit, .arm = ended->arm, .value = outcome->value};
	value_take(ended->tally, outcome->metric, &value);
}

static void outcome_list(void *context, const struct outcome_value *outcome)
{
	double *values = context;
	values[outcome->metric] = outcome->value;
}

static void exposure_ended(void *context, size_t slot)
{
	const struct truth_tally *tally = context;
	const struct sampled_exposure ended = {.key = outcome_join_request(tally->join, slot),
					       .time_ms = outcome_join_exposed_ms(tally->join, slot),
					       .arm = (uint8_t)outcome_join_arm(tally->join, slot),
					       .outcomes = (uint8_t)outcome_join_metrics(tally->join, slot),
					       .lacks_label = !outcome_join_has_label(tally->join, slot)};
	exposure_sample_add(tally->ended, &ended);
}

static void exposure_closed(void *context, size_t slot, uint32_t arm, bool has_outcome)
{
	struct truth_tally *tally = context;
	exposure_ended(tally, slot);
	struct ended_exposure ended = {tally, outcome_join_unit(tally->join, slot), arm};
	double values[JUDGED_MAX];
	unit_outcomes_end(tally->outcomes, slot, unit_outcome_take, &ended);
	for (size_t i = 0; i < tally->judged_count; i++)
		values[i] = (double)NAN;
	if (has_outcome)
		outcome_values_take(tally->values, slot, outcome_list, values);
	for (size_t i = 0; i < tally->judged_count; i++) {
		struct waiting_value value = {.unit = ended.unit, .arm = arm, .value = values[i]};
		if (!isnan(values[i]))
			value_take(tally, i, &value);
	}
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

/* Truths may take longer than a stage. */
static bool exposure_is_past(const struct truth_tally *tally, const struct sampled_exposure *exposure)
{
	return exposure->time_ms + MS_PER_S <= tally->config.since_ms;
}

/* A unit that comes again in a later stage may have another choice. */
static void unit_see(struct truth_tally *tally, const struct sampled_exposure *exposure)
{
	struct sampled_exposure *known = exposure_sample_find(tally->seen_units, exposure->key);
	if (!known || !exposure_is_past(tally, known)) {
		exposure_sample_add(tally->seen_units, exposure);
		return;
	}
	const uint64_t key = known->key;
	*known = *exposure;
	known->key = key;
}

void truth_tally_expose(struct truth_tally *tally, const struct exposure *exposure)
{
	const struct truth_tally_config *config = &tally->config;
	size_t arm = 0;
	outcome_join_pass(tally->join, exposure->time_ms); /* whosever it is */
	while (arm < config->arms && !text_is(exposure->variant, config->names[arm]))
		arm++;
	if (arm == config->arms || exposure->reason != ASSIGNED_STAGE || exposure->time_ms < config->since_ms ||
	    !text_is(exposure->experiment, config->experiment) || !table_is(exposure->table, config->table))
		return;
	if (arm == config->paired && !baseline_has(&config->baseline, exposure->unit, &exposure->origin))
		return;
	const struct outcome_exposure one = outcome_exposure_of(exposure, arm);
	if (outcome_join_expose(tally->join, &one) != EXPOSURE_OPENED)
		return;
	unit_outcomes_expose(tally->outcomes, exposure->time_ms);
	const size_t slot = outcome_join_newest(tally->join);
	const struct sampled_exposure seen = {.key = outcome_join_unit(tally->join, slot),
					      .time_ms = outcome_join_exposed_ms(tally->join, slot),
					      .arm = (uint8_t)arm};
	if (exposure->unit.length > 0)
		unit_see(tally, &seen);
}

void truth_tally_pass(struct truth_tally *tally, int64_t time_ms)
{
	outcome_join_pass(tally->join, time_ms);
}

/* ---- when outcomes come ---- */

static void arrival_count(struct truth_counts *counts, size_t judged, int64_t joined, int64_t late)
{
	struct metric_counts *metric = judged > 0 ? &counts->metrics[judged - 1] : NULL;
	*(metric ? &metric->joined : &counts->joined) += joined;
	*(metric ? &metric->late : &counts->late) += late;
}

static int64_t sampled_estimate(const struct sampled_number *number)
{
	return number->count < TRUTH_SAMPLED_LEAST ? number->count : number->sum;
}

/* Adds one. Returns by how much the estimate rises. */
static int64_t sampled_add(struct sampled_number *number, uint64_t weight)
{
	const int64_t before = sampled_estimate(number);
	number->count++;
	number->sum += (int64_t)weight;
	return sampled_estimate(number) - before;
}

static void late_count(struct truth_tally *tally, size_t arm, size_t judged, uint64_t weight)
{
	arrival_count(&tally->counts[arm], judged, 0, sampled_add(&tally->late[arm][judged], weight));
}

static bool window_is_over(const struct truth_tally *tally, const struct sampled_exposure *exposure, int64_t time_ms)
{
	return time_ms > exposure->time_ms + MS_PER_S + tally->config.window_ms;
}

/* Those outcomes of an exposure that were not counted before; they are now. */
static unsigned news_take(struct sampled_exposure *exposure, unsigned outcomes)
{
	const unsigned news = outcomes & ~(unsigned)exposure->outcomes;
	exposure->outcomes |= (uint8_t)news;
	return news;
}

/* An outcome for an exposure of an earlier stage says only that outcomes come, or that they are late, where this one has none in
 * time. One within its window counts as one, whatever it stands for: it is no outcome of this stage. */
static void past_count(struct truth_tally *tally, size_t arm, size_t judged, bool is_late, uint64_t weight)
{
	const struct truth_counts *counts = &tally->counts[arm];
	const int64_t joined = judged > 0 ? counts->metrics[judged - 1].joined : counts->joined;
	bool *has_past = &tally->has_past[arm][judged];
	if (joined > *has_past)
		return;
	if (is_late)
		late_count(tally, arm, judged, weight);
	else if (!*has_past)
		arrival_count(&tally->counts[arm], judged, 1, 0);
	*has_past |= !is_late;
}

/* Outcomes that the join does not have: their exposure is over, or of an earlier stage. */
static void missed_count(struct truth_tally *tally, struct sampled_exposure *exposure, unsigned outcomes, int64_t time_ms,
			 uint64_t weight)
{
	const bool is_late = window_is_over(tally, exposure, time_ms), is_past = exposure_is_past(tally, exposure);
	if (!is_late && !is_past)
		return;
	const unsigned news = news_take(exposure, outcomes);
	for (size_t i = 0; i < tally->judged_count; i++)
		if (news & 1U << i && is_past)
			past_count(tally, exposure->arm, i, is_late, weight);
		else if (news & 1U << i)
			late_count(tally, exposure->arm, i, weight);
}

/* Feedback that names a request, at the time of its record: what it says of itself may be the time of the event. */
static void request_arrived(struct truth_tally *tally, const struct feedback *feedback, unsigned outcomes, bool has_label,
			    int64_t time_ms)
{
	struct sampled_exposure *exposure =
		exposure_sample_find(tally->ended, outcome_join_feedback_request(tally->join, feedback));
	if (exposure && (feedback->experiment.length == 0 || text_is(feedback->experiment, tally->config.experiment)))
		missed_count(tally, exposure, outcomes | (has_label && !exposure->lacks_label), time_ms,
			     exposure_sample_weight(tally->ended));
}

/* Feedback that names a unit alone. It is late if the unit was seen before it, and no exposure of it is open any more. */
static void unit_arrived(struct truth_tally *tally, const struct feedback *feedback, unsigned outcomes, enum unit_outcome_fate fate,
			 int64_t time_ms)
{
	const uint64_t weight = exposure_sample_weight(tally->seen_units);
	struct sampled_exposure *exposure =
		exposure_sample_find(tally->seen_units, outcome_join_unit_hash(tally->join, feedback->unit));
	if (!exposure)
		return;
	const unsigned news = fate == UNIT_OUTCOME_WAITS ? news_take(exposure, outcomes) : 0;
	for (size_t i = 0; i < tally->judged_count; i++)
		if (news & 1U << i)
			arrival_count(&tally->counts[exposure->arm], i, sampled_add(&tally->of_units[exposure->arm][i], weight), 0);
	if ((fate == UNIT_OUTCOME_LATE || fate == UNIT_OUTCOME_UNKNOWN) && exposure->time_ms <= feedback->time_ms)
		missed_count(tally, exposure, outcomes, time_ms, weight);
}

/* ---- feedback ---- */

static void value_joined(void *context, const struct joined_outcome *outcome)
{
	struct truth_tally *tally = context;
	const struct outcome_value value = {outcome->metric, outcome->value};
	assert(outcome->metric < tally->judged_count);
	arrival_count(&tally->counts[outcome->arm], outcome->metric, 1, 0);
	tally->losses.crowded += !outcome_values_add(tally->values, outcome->slot, &value);
}

const struct feedback_metric *truth_accuracy(const struct feedback *feedback)
{
	for (size_t i = 0; i < feedback->metric_count; i++)
		if (text_is(feedback->metrics[i].name, ROLLOUT_ACCURACY))
			return &feedback->metrics[i];
	return NULL;
}

unsigned truth_metrics(const struct feedback *feedback, const char *const *names, size_t count, double *values)
{
	unsigned has = 0;
	assert(count <= EXPERIMENT_METRICS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (feedback->has_reward && strcmp(names[i], FEEDBACK_REWARD) == 0) {
			values[i] = feedback->reward;
			has |= 1U << i;
		}
		for (size_t j = 0; j < feedback->metric_count && !(has & 1U << i); j++)
			if (text_is(feedback->metrics[j].name, names[i])) {
				values[i] = feedback->metrics[j].value;
				has |= 1U << i;
			}
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

/* Index of a metric among what is judged, of which it is one. */
static size_t judged_index(const struct truth_tally *tally, struct text metric)
{
	size_t i = 0;
	while (i + 1 < tally->judged_count && !text_is(metric, tally->config.metrics[i]))
		i++;
	return text_is(metric, ROLLOUT_ACCURACY) ? 0 : 1 + i;
}

/* A bit of each outcome that is judged by itself. */
static unsigned outcome_bits(const struct truth_tally *tally, const struct feedback *reduced)
{
	unsigned bits = 0;
	for (size_t i = 0; i < reduced->metric_count; i++)
		bits |= 1U << judged_index(tally, reduced->metrics[i].name);
	return bits;
}

/* Feedback that names a unit alone. Its truth says nothing: no answer of the unit is known to be the one that it is of. */
static void unit_feedback(struct truth_tally *tally, const struct feedback *reduced, bool is_judged, int64_t time_ms)
{
	struct outcome_value outcomes[JUDGED_MAX];
	if (reduced->experiment.length > 0 && !text_is(reduced->experiment, tally->config.experiment))
		return;
	tally->losses.unjudged += is_judged;
	for (size_t i = 0; i < reduced->metric_count; i++)
		outcomes[i] = (struct outcome_value){judged_index(tally, reduced->metrics[i].name), reduced->metrics[i].value};
	if (reduced->metric_count == 0)
		return;
	const enum unit_outcome_fate fate = unit_outcomes_add(tally->outcomes, outcome_join_unit_hash(tally->join, reduced->unit),
							      reduced, outcomes, reduced->metric_count);
	tally->losses.unknown += fate == UNIT_OUTCOME_UNKNOWN;
	tally->losses.late += fate == UNIT_OUTCOME_LATE;
	tally->losses.crowded += fate == UNIT_OUTCOME_CROWDED;
	unit_arrived(tally, reduced, outcome_bits(tally, reduced), fate, time_ms);
}

static void request_feedback(struct truth_tally *tally, const struct feedback *reduced, bool is_judged, int64_t time_ms)
{
	char room[LABEL_ROOM];
	const struct text truth = is_judged ? truth_label(&reduced->truth, room) : (struct text){0};
	if (reduced->metric_count > 0)
		outcome_join_feedback(tally->join, reduced, value_joined, tally);
	if (is_judged && (truth.length == 0 || !outcome_join_judge(tally->join, reduced, truth, 0, value_joined, tally)))
		tally->losses.unjudged++;
	request_arrived(tally, reduced, outcome_bits(tally, reduced), truth.length > 0, time_ms);
}

void truth_tally_feedback(struct truth_tally *tally, const struct feedback *feedback, int64_t time_ms)
{
	struct error refused = {0};
	struct feedback_metric outcomes[JUDGED_MAX];
	const bool is_judged = !truth_accuracy(feedback) && !tally->config.computed && feedback->truth.count > 0;
	const size_t count = outcomes_list(tally, feedback, outcomes);
	if (count == 0 && !is_judged)
		return;
	if (!feedback_check(feedback, time_ms, &refused) || count == SIZE_MAX) {
		tally->losses.refused++;
		return;
	}
	struct feedback reduced = *feedback;
	reduced.has_reward = false;
	reduced.metric_count = count;
	reduced.metrics = outcomes;
	if (reduced.time_ms == 0)
		reduced.time_ms = time_ms;
	if (feedback->id.length == 0 && feedback->origin.topic.length == 0)
		unit_feedback(tally, &reduced, is_judged, time_ms);
	else
		request_feedback(tally, &reduced, is_judged, time_ms);
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
	tally->outcomes = unit_outcomes_open(tally->join, tally->config.window_ms, error);
	tally->values = outcome_values_open();
	if (!tally->ended)
		tally->ended = exposure_sample_open();
	if (!tally->seen_units)
		tally->seen_units = exposure_sample_open();
	return (tally->outcomes && tally->values && tally->ended && tally->seen_units && caps_open(tally)) ||
	       error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
}

void truth_past_close(struct truth_past *past)
{
	exposure_sample_close(past->requests);
	exposure_sample_close(past->units);
	*past = (struct truth_past){0};
}

struct truth_tally *truth_tally_open(const struct truth_tally_config *config, struct error *error)
{
	assert(config->experiment && config->names);
	assert(config->metric_count <= EXPERIMENT_METRICS_MAX && (config->metrics || config->metric_count == 0));
	struct truth_tally *tally = memory_take(1, sizeof *tally);
	if (!tally) {
		truth_past_close(&(struct truth_past){config->past.requests, config->past.units});
		error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
		return NULL;
	}
	tally->config = *config;
	tally->ended = config->past.requests;
	tally->seen_units = config->past.units;
	tally->judged_count = 1 + config->metric_count;
	if (config->arms <= ASSIGNMENT_WAYS_MAX && tally_reserve(tally, error))
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
	const struct truth_past past = {tally->ended, tally->seen_units};
	tally->ended = tally->seen_units = NULL;
	return past;
}

void truth_tally_close(struct truth_tally *tally)
{
	if (!tally)
		return;
	outcome_join_close(tally->join);
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++)
		running_cap_close(tally->caps[i]);
	unit_outcomes_close(tally->outcomes);
	outcome_values_close(tally->values);
	exposure_sample_close(tally->ended);
	exposure_sample_close(tally->seen_units);
	memory_give(tally->units);
	memory_give(tally);
}
