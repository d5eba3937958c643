/* unit_join_feedback.c: Feedback of a join, by the units that it belongs to; see unit_join_parts.h. */
#include <math.h>
#include <stdlib.h>

#include "base/number/duration.h"
#include "experiments/analysis/joined_metrics.h"
#include "experiments/analysis/unit_join_parts.h"
#include "message/records/answer_label.h"

static int feedback_compare(const void *left, const void *right)
{
	const struct met_feedback *a = left, *b = right;
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

struct feedback_joining {
	struct unit_join *join;
	const uint32_t *places; /* of exposures by their numbers */
	uint32_t *reached;	/* of a unit's first exposure: its last one before the feedback so far, which is sorted by time */
	int64_t now_ms;
};

enum feedback_end { FEEDBACK_JOINED, FEEDBACK_UNKNOWN, FEEDBACK_LATE, FEEDBACK_EARLY, FEEDBACK_LEFT_OUT, FEEDBACK_OPEN };

/* Where feedback belongs: a unit, and of its requests the time and the probability. */
struct feedback_target {
	uint32_t unit;
	int64_t from_ms, to_ms; /* of its exposures */
	double probability;
	uint32_t exposure;
};

static void target_exposure(const struct met_exposure *exposures, uint32_t place, struct feedback_target *target)
{
	const struct met_exposure *exposure = &exposures[place];
	*target = (struct feedback_target){exposure->unit, exposure->time_ms, exposure->time_ms, exposure->probability, place};
}

static bool target_of_request(const struct feedback_joining *self, const struct met_feedback *met, struct feedback_target *target)
{
	const struct met_exposure *exposures = self->join->exposures.items;
	uint32_t number;
	if (!join_number_find(self->join, met->request, &number))
		return false;
	target_exposure(exposures, self->places[number], target);
	return true;
}

/* Where a policy chose: the last request of the unit before the feedback, else the first one, as the learner has it, which knows
 * requests by whole seconds. */
static bool target_of_last(const struct feedback_joining *self, const struct met_feedback *met, struct feedback_target *target)
{
	struct unit_join *join = self->join;
	const struct met_exposure *exposures = join->exposures.items;
	uint32_t first;
	if (met->unit.length == 0 || !join_number_find(join, join_key_print(join, 'u', 0, met->unit), &first))
		return false;
	uint32_t *place = &self->reached[first];
	for (uint32_t later = exposures[*place].later; later != NONE; later = exposures[*place].later) {
		if (exposures[later].time_ms / MS_PER_S > met->time_ms / MS_PER_S)
			break;
		*place = later;
	}
	target_exposure(exposures, *place, target);
	return true;
}

/* The last unit of that text that began before the feedback, else the first. */
static bool target_of_unit(const struct feedback_joining *self, const struct met_feedback *met, struct feedback_target *target)
{
	struct unit_join *join = self->join;
	uint32_t unit;
	if (met->unit.length == 0 || !join_number_find(join, join_key_print(join, 'u', 0, met->unit), &unit))
		return false;
	while (join->units[unit].first_ms > met->time_ms && join->units[unit].previous != NONE)
		unit = join->units[unit].previous;
	*target = (struct feedback_target){unit, join->units[unit].first_ms, join->units[unit].last_ms, 0,
					   NONE};
	return true;
}

static enum feedback_end feedback_target(const struct feedback_joining *self, const struct met_feedback *met,
					 struct feedback_target *target)
{
	const int64_t window_ms = self->join->options.window_ms;
	if (!(met->request.length > 0	     ? target_of_request(self, met, target)
	      : self->join->joined->adaptive ? target_of_last(self, met, target)
					     : target_of_unit(self, met, target)))
		return FEEDBACK_UNKNOWN;
	if (target->unit == NONE || self->join->units[target->unit].mixed)
		return FEEDBACK_LEFT_OUT;
	if (met->time_ms > 0 && met->time_ms + FEEDBACK_AHEAD_MS < target->from_ms)
		return FEEDBACK_EARLY;
	if (window_ms > 0 && met->time_ms > target->to_ms + window_ms)
		return FEEDBACK_LATE;
	return window_ms > 0 && target->from_ms + window_ms > self->now_ms ? FEEDBACK_OPEN : FEEDBACK_JOINED;
}

/* Whether the value of a request was met before, by its id or by its origin; then it does not count. Of a unit all values
 * count. */
static bool value_repeated(const struct feedback_joining *self, const struct feedback_target *target, struct text metric,
			   struct error *error)
{
	uint32_t known;
	if (target->exposure == NONE)
		return false;
	const struct text key = join_key_print(self->join, 'm', target->exposure, metric);
	return !key.bytes || join_number_find(self->join, key, &known) || !join_number_put(self->join, key, 0, error);
}

/* One typing error must not decide, or keep a metric from being decided, for good: it is named. */
static void value_exceeds(const struct feedback_joining *self, const struct met_feedback *met, const struct feedback_target *target,
			  const struct feedback_metric *outcome, struct joined_metric *metric)
{
	struct unit_join *join = self->join;
	const struct met_exposure *exposures = join->exposures.items;
	metric->excess++;
	if (join->counts.excess++ > 0)
		return;
	join->joined->excess = (struct joined_excess){.metric = outcome->name, .unit = met->unit, .value = outcome->value};
	if (target->exposure != NONE) {
		join->joined->excess.request = exposures[target->exposure].id;
		join->joined->excess.unit = exposures[target->exposure].unit_text;
	}
}

/* There are too many metrics for it. */
static void value_crowd(struct unit_join *join, struct text metric)
{
	if (!join->options.named && join->counts.crowded++ == 0)
		join->joined->crowded = metric;
}

static bool value_join(const struct feedback_joining *self, const struct met_feedback *met, const struct feedback_target *target,
		       const struct feedback_metric *outcome, size_t *added, struct error *error)
{
	struct unit_join *join = self->join;
	struct joined_metric *metric = joined_metric_find(join, outcome->name);
	if (!metric) {
		value_crowd(join, outcome->name);
		++*added; /* it says something, so that the feedback is no second one */
		return true;
	}
	const struct analysis_value value = {.time_ms = met->time_ms > 0 ? met->time_ms : target->from_ms,
					     .unit = target->unit,
					     .value = outcome->value,
					     .probability = target->probability,
					     .exposure = target->exposure};
	if (value_repeated(self, target, outcome->name, error) || !isfinite(value.value))
		return error->kind == ERROR_NONE;
	++*added;
	if (fabs(value.value) > JOIN_VALUE_MOST) {
		value_exceeds(self, met, target, outcome, metric);
		return true;
	}
	return joined_metric_add(metric, &value, join->arena) ||
	       error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
}

/* The value was computed when the feedback was read: an engine is to have computed it too. */
static bool computed_note(const struct feedback_joining *self, const struct feedback_target *target, struct text name,
			  struct error *error)
{
	struct joined_metric *metric = joined_metric_find(self->join, name);
	if (!metric)
		return true;
	metric->computed++;
	return target->exposure == NONE ||
	       join_number_put(self->join, join_key_print(self->join, 'd', target->exposure, name), 1, error);
}

/* The accuracy of the request by its truth. False: there is none, or what was answered cannot be judged by it. */
static bool truth_judge(const struct feedback_joining *self, const struct met_feedback *met, const struct feedback_target *target,
			struct feedback_metric *judged)
{
	const struct met_exposure *exposures = self->join->exposures.items;
	if (met->truth.length == 0)
		return false;
	struct text prediction = {0};
	if (target->exposure != NONE)
		prediction = exposures[target->exposure].prediction;
	self->join->counts.unjudged += prediction.length == 0;
	*judged = (struct feedback_metric){TEXT(ACCURACY_METRIC), text_equal(prediction, met->truth)};
	return prediction.length > 0;
}

/* What an engine has computed, after all that was sent: a value that is not known by then counts too. */
static bool feedback_join_engine(const struct feedback_joining *self, const struct met_feedback *met, struct error *error)
{
	struct feedback_target target;
	uint32_t known;
	size_t added = 0;
	if (feedback_target(self, met, &target) != FEEDBACK_JOINED)
		return true;
	for (size_t i = 0; i < met->count; i++) {
		const struct feedback_metric *outcome = &met->metrics[i];
		const struct text key = join_key_print(self->join, 'd', target.exposure, outcome->name);
		struct joined_metric *metric = joined_metric_find(self->join, outcome->name);
		if (metric && join_number_find(self->join, key, &known)) { /* it was computed when feedback was read */
			metric->of_engines += known;		   /* 1: and this is the first of an engine */
			if (!join_number_put(self->join, key, 0, error))
				return false;
		} else if (!value_join(self, met, &target, outcome, &added, error)) {
			return false;
		}
	}
	return true;
}

static bool feedback_join_one(const struct feedback_joining *self, const struct met_feedback *met, struct error *error)
{
	struct unit_join *join = self->join;
	struct feedback_target target;
	uint32_t known;
	size_t added = 0;
	if (met->feedback_id.length > 0) {
		const struct text key = join_key_print(join, 'f', 0, met->feedback_id);
		if (join_number_find(join, key, &known)) {
			join->counts.doubled++;
			return true;
		}
		if (!join_number_put(join, key, 0, error))
			return false;
	}
	switch (feedback_target(self, met, &target)) {
	case FEEDBACK_UNKNOWN:
		join->counts.unknown++;
		return true;
	case FEEDBACK_LATE:
		join->counts.late++;
		return true;
	case FEEDBACK_EARLY:
		join->counts.early++;
		return true;
	case FEEDBACK_LEFT_OUT:
		join->counts.feedback_left_out++;
		return true;
	case FEEDBACK_OPEN:
		return true;
	case FEEDBACK_JOINED:
		break;
	}
	struct feedback_metric judged;
	const bool is_judged = truth_judge(self, met, &target, &judged);
	for (size_t i = 0; i < met->count; i++) {
		const size_t before = added;
		if (!value_join(self, met, &target, &met->metrics[i], &added, error) ||
		    (added > before && i >= met->computed_from && i < met->computed_to &&
		     !computed_note(self, &target, met->metrics[i].name, error)))
			return false;
	}
	if (is_judged && !value_join(self, met, &target, &judged, &added, error))
		return false;
	join->counts.doubled += met->count + is_judged > 0 && added == 0;
	return true;
}

static int64_t join_now(const struct unit_join *join)
{
	const struct met_feedback *feedback = join->feedback.items;
	const int64_t exposed_ms = join->joined->last_ms;
	const int64_t heard_ms = join->feedback.count > 0 ? feedback[join->feedback.count - 1].time_ms : 0;
	if (join->options.until_ms > 0)
		return join->options.until_ms;
	return exposed_ms > heard_ms ? exposed_ms : heard_ms;
}

bool unit_join_place_feedback(struct unit_join *join, struct error *error)
{
	const struct met_exposure *exposures = join->exposures.items;
	struct met_feedback *items = join->feedback.items;
	uint32_t *places = ARENA_ARRAY(join->arena, uint32_t, join->exposures.count + 1);
	uint32_t *reached = ARENA_ARRAY(join->arena, uint32_t, join->exposures.count + 1);
	struct feedback_joining self = {.join = join, .places = places, .reached = reached};
	bool good = true;
	if (!places || !reached)
		return error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
	if (join->feedback.count > 0)
		qsort(items, join->feedback.count, sizeof *items, feedback_compare);
	self.now_ms = join->now_ms = join_now(join);
	for (size_t i = 0; i < join->exposures.count; i++) {
		places[exposures[i].number] = (uint32_t)i;
		reached[i] = (uint32_t)i;
		join->counts.open +=
			join->options.window_ms > 0 && exposures[i].time_ms + join->options.window_ms > self.now_ms;
	}
	for (size_t i = 0; good && i < join->feedback.count; i++)
		good = items[i].of_engine || feedback_join_one(&self, &items[i], error);
	for (size_t i = 0; good && i < join->feedback.count; i++)
		good = !items[i].of_engine || feedback_join_engine(&self, &items[i], error);
	return good;
}
