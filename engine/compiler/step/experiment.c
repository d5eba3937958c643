/* experiment.c: Choices of an experiment, and what follows from its specification; see experiment.h. */
#include "compiler/step/experiment.h"

#include <math.h>

#include "base/hash.h"
#include "base/number/duration.h"

/* No resource has such a name, so neither seed is that of a table of candidates. */
#define LAYER_SALT "layer:"
#define HOLDOUT_SALT "holdout:"

static uint64_t salted_seed(const char *salt, const char *name)
{
	return hash_bytes(name, strlen(name), hash_bytes(salt, strlen(salt), 0));
}

static size_t buckets_of(double part)
{
	return (size_t)llround(fmax(0, fmin(part, 1)) * ASSIGNMENT_BUCKETS);
}

static size_t layer_end(const struct layer_part *layer)
{
	return buckets_of(layer->from + layer->share);
}

struct audience audience_of(const struct layer_part *layer, double holdout)
{
	const bool has_layer = layer->here.line > 0 && layer->name.text;
	return (struct audience){.layer = has_layer ? salted_seed(LAYER_SALT, layer->name.text) : 0,
				 .holdout = salted_seed(HOLDOUT_SALT, ""),
				 .from = has_layer ? buckets_of(layer->from) : 0,
				 .to = has_layer ? layer_end(layer) : ASSIGNMENT_BUCKETS,
				 .held = buckets_of(holdout)};
}

static size_t bucket_by(uint64_t seed, struct text unit, const struct origin *origin)
{
	return unit.length > 0 ? assignment_bucket(seed, unit) : assignment_bucket_of_origin(seed, origin);
}

enum audience_verdict audience_has(const struct audience *audience, struct text unit, const struct origin *origin)
{
	if (audience->held > 0 && bucket_by(audience->holdout, unit, origin) < audience->held)
		return AUDIENCE_HELD;
	if (audience->from == 0 && audience->to == ASSIGNMENT_BUCKETS)
		return AUDIENCE_IN;
	const size_t bucket = bucket_by(audience->layer, unit, origin);
	return bucket >= audience->from && bucket < audience->to ? AUDIENCE_IN : AUDIENCE_OTHER_LAYER;
}

bool layer_parts_overlap(const struct layer_part *a, const struct layer_part *b)
{
	return a->here.line > 0 && b->here.line > 0 && a->name.text && b->name.text && strcmp(a->name.text, b->name.text) == 0 &&
	       buckets_of(a->from) < layer_end(b) && buckets_of(b->from) < layer_end(a);
}

bool experiment_answers(const struct experiment_spec *experiment)
{
	return experiment->candidates.count > 0 || experiment->default_name.text;
}

bool experiment_is_staged(const struct experiment_spec *experiment)
{
	const struct rollout *rollout = &experiment->progressive;
	return rollout->here.line > 0 && rollout->enabled && (rollout->stages.count > 0 || rollout->schedule.count > 0) &&
	       experiment->default_name.text;
}

unsigned latency_percentile(const char *metric)
{
	const struct text name = text_of(metric), start = TEXT(LATENCY_PERCENTILE);
	const struct text digits = text_starts_with(name, start) ? text_from(name, start.length) : (struct text){0};
	unsigned percentile = 0;
	if (digits.length > 2 || (digits.length > 0 && digits.bytes[0] == '0'))
		return 0;
	for (size_t i = 0; i < digits.length; i++) {
		if (digits.bytes[i] < '0' || digits.bytes[i] > '9')
			return 0;
		percentile = 10 * percentile + (unsigned)(digits.bytes[i] - '0');
	}
	return percentile;
}

enum experiment_metric experiment_metric_find(const char *metric)
{
	return strcmp(metric, "error_rate") == 0 ? METRIC_ERROR_RATE
	       : latency_percentile(metric) > 0	 ? METRIC_LATENCY
	       : strcmp(metric, "accuracy") == 0 ? METRIC_ACCURACY
						 : METRIC_OF_FEEDBACK;
}

size_t experiment_metrics(const struct experiment_spec *experiment, const char *names[EXPERIMENT_METRICS_MAX])
{
	const struct success_criterion *criteria = experiment->criteria.items;
	size_t count = 0;
	for (size_t i = 0; i < experiment->criteria.count; i++) {
		bool is_new = criteria[i].metric && experiment_metric_find(criteria[i].metric) == METRIC_OF_FEEDBACK;
		for (size_t j = 0; j < i; j++)
			is_new &= !strings_equal(criteria[j].metric, criteria[i].metric);
		if (!is_new)
			continue;
		if (count < EXPERIMENT_METRICS_MAX)
			names[count] = criteria[i].metric;
		count++;
	}
	return count;
}

int64_t experiment_window_ms(const struct experiment_spec *experiment)
{
	const struct rollout *rollout = &experiment->progressive;
	const int64_t window_ms = rollout->here.line > 0 ? rollout->outcome_window_ns / NS_PER_MS : EXPERIMENT_WINDOW_MS;
	return window_ms > 0 ? window_ms : 1;
}

bool experiment_writes_moves(const struct experiment_spec *experiment)
{
	const struct move_action *actions = experiment->actions.items;
	for (size_t i = 0; i < experiment->actions.count; i++)
		if (actions[i].type == MOVE_TOPIC)
			return experiment_is_rolled_out(experiment);
	return false;
}

bool experiment_is_rolled_out(const struct experiment_spec *experiment)
{
	return experiment->default_name.text && (experiment_is_staged(experiment) || experiment_keeps_weights(experiment));
}

bool experiment_has_baseline(const struct experiment_spec *experiment)
{
	return (experiment->progressive.here.line > 0 && experiment->progressive.baseline == BASELINE_CONCURRENT) ||
	       (experiment->promotion.here.line > 0 && experiment->promotion.baseline == BASELINE_CONCURRENT);
}

bool experiment_keeps_weights(const struct experiment_spec *experiment)
{
	return experiment->promotion.here.line > 0 && !experiment_is_staged(experiment);
}

size_t experiment_candidate(const struct experiment_spec *experiment, const struct name *name)
{
	const struct candidate *candidates = experiment->candidates.items;
	size_t i = 0;
	while (i < experiment->candidates.count && !(name->text && strings_equal(candidates[i].name.text, name->text)))
		i++;
	return i;
}

/* The choices with the weights as they are written. */
static size_t shares_list(const struct experiment_spec *experiment, struct share shares[ASSIGNMENT_WAYS_MAX])
{
	const struct candidate *candidates = experiment->candidates.items;
	size_t count = experiment->candidates.count;
	const bool outside = experiment->default_name.text && experiment_candidate(experiment, &experiment->default_name) == count;
	if (count + outside > ASSIGNMENT_WAYS_MAX)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!candidates[i].name.text)
			return 0;
		shares[i] = (struct share){candidates[i].name.text, (double)candidates[i].weight};
	}
	if (outside)
		shares[count++] = (struct share){experiment->default_name.text, 0};
	return count;
}

static double weights_sum(const struct share *shares, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += shares[i].weight;
	return sum;
}

size_t experiment_shares_at(const struct experiment_spec *experiment, double percent, struct share shares[ASSIGNMENT_WAYS_MAX])
{
	const size_t rest = experiment_candidate(experiment, &experiment->default_name); /* also of a default that is outside */
	const size_t count = shares_list(experiment, shares);
	if (rest < count)
		shares[rest].weight = 0;
	const double sum = weights_sum(shares, count);
	for (size_t i = 0; i < count; i++) {
		const double part = sum > 0 ? shares[i].weight / sum : 1 / (double)(count - 1);
		shares[i].weight = i == rest ? 100 - percent : part * percent;
	}
	return count;
}

static double first_percent(const struct rollout *rollout)
{
	const struct rollout_stage *stages = rollout->stages.items;
	return rollout->stages.count > 0 ? (double)stages[0].weight : fmax(0, fmin(rollout->schedule.items[0], 100));
}

size_t experiment_shares(const struct experiment_spec *experiment, struct share shares[ASSIGNMENT_WAYS_MAX])
{
	const size_t count = shares_list(experiment, shares);
	if (count > 1 && experiment_is_staged(experiment))
		return experiment_shares_at(experiment, first_percent(&experiment->progressive), shares);
	if (!(weights_sum(shares, count) > 0))
		for (size_t i = 0; i < count; i++)
			shares[i].weight = 1;
	return count;
}

enum experiment_exposures experiment_exposures_of(const struct experiment_spec *experiment)
{
	const bool decides = experiment->bandits.here.line > 0 || experiment_is_rolled_out(experiment);
	if (experiment->exposures != EXPOSURES_DEFAULT)
		return (enum experiment_exposures)experiment->exposures;
	return decides ? EXPOSURES_FULL : EXPOSURES_THIN;
}
