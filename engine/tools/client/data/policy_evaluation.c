/* policy_evaluation.c: see policy_evaluation.h. */
#include "tools/client/data/policy_evaluation.h"

#include <stdlib.h>

#include "base/number/duration.h"
#include "tools/source/policy_file.h"

#define MODEL_LAMBDA 1.0 /* of the ridge regression of rewards, as of LinUCB */

struct policy_evaluation {
	const struct policy_asked *asked;
	struct evaluation_shown *shown;
	const struct joined *joined;
	const struct joined_metric *metric;
	struct arena *arena;
	struct file_policy policy;
	struct bandit_rehearsal rehearsal; /* in its place, without a file */
	size_t features; /* of the reward model: a constant and those of the exposures */
	struct text names[BANDIT_FEATURES_MOST];
};

/* Features that exposures have; the model has no more than it can. */
static void evaluation_find_features(struct policy_evaluation *self)
{
	self->features = 1;
	for (size_t i = 0; i < self->joined->exposure_count; i++)
		for (size_t j = 0; j < self->joined->exposures[i].feature_count; j++) {
			const struct text name = self->joined->exposures[i].features[j].name;
			size_t at = 1;
			while (at < self->features && !text_equal(self->names[at], name))
				at++;
			if (at == self->features && at < BANDIT_FEATURES_MOST)
				self->names[self->features++] = name;
		}
}

static void evaluation_context(const struct policy_evaluation *self, const struct joined_exposure *exposure, double *x)
{
	x[0] = 1;
	for (size_t i = 1; i < self->features; i++)
		x[i] = exposure_feature(exposure, self->names[i]);
}

/* The exposure of a value; NULL: it is of no request, or of no known probability. */
static const struct joined_exposure *evaluation_exposure(const struct policy_evaluation *self, const struct analysis_value *value)
{
	const struct joined_exposure *exposure =
		value->exposure == UINT32_MAX ? NULL : &self->joined->exposures[value->exposure];
	return exposure && exposure->probability > 0 ? exposure : NULL;
}

struct evaluated {
	const struct analysis_value *value;
	const struct joined_exposure *exposure;
};

/* Requests of a unit depend on each other, whichever versions of a policy chose for them: its level is in all their rewards. */
static bool evaluated_depend(const struct evaluated *a, const struct evaluated *b)
{
	return a->exposure->unit.length > 0 && text_equal(a->exposure->unit, b->exposure->unit);
}

static int evaluated_compare(const void *left, const void *right)
{
	const struct evaluated *a = left, *b = right;
	const int order = text_compare(a->exposure->unit, b->exposure->unit);
	return order != 0 ? order : (a->value > b->value) - (a->value < b->value);
}

/* The values that have an exposure, by their units; the others are counted. NULL: the arena is full. */
static struct evaluated *evaluation_list(const struct policy_evaluation *self, size_t *count)
{
	const struct joined_metric *metric = self->metric;
	struct evaluated *list = ARENA_ARRAY(self->arena, struct evaluated, metric->count + 1);
	*count = 0;
	if (!list)
		return NULL;
	for (size_t i = 0; i < metric->count; i++) {
		const struct analysis_value *value = &metric->values[i];
		const struct joined_exposure *exposure = evaluation_exposure(self, value);
		if (exposure)
			list[(*count)++] = (struct evaluated){value, exposure};
	}
	self->shown->without = metric->count - *count + metric->excess;
	if (*count > 0)
		qsort(list, *count, sizeof *list, evaluated_compare);
	return list;
}

/* With which probabilities the policy chooses the variants for the request. */
static void evaluation_chances(const struct policy_evaluation *self, const struct joined_exposure *exposure, double *chances)
{
	const size_t arms = self->joined->arms;
	if (self->asked->policy)
		file_policy_chances(&self->policy, exposure, chances);
	else
		memcpy(chances, self->rehearsal.chances + (size_t)(exposure - self->joined->exposures) * arms,
		       arms * sizeof *chances);
}

/* Who the reward is of: a unit, whose records are of one fold of the model; without one, the request itself. */
static struct text evaluation_unit(const struct evaluated *one)
{
	return one->exposure->unit.length > 0 ? one->exposure->unit
					      : (struct text){(const char *)&one->value->exposure, sizeof one->value->exposure};
}

static bool evaluation_run(struct policy_evaluation *self, struct error *error)
{
	double x[BANDIT_FEATURES_MOST], target[ANALYSIS_ARMS_MAX], expected[ANALYSIS_ARMS_MAX];
	struct off_policy sums;
	size_t count;
	evaluation_find_features(self);
	struct reward_model *model = reward_model_open(self->arena, self->joined->arms, self->features, MODEL_LAMBDA);
	const struct evaluated *list = evaluation_list(self, &count);
	if (!model || !list)
		return error_memory(error, ERROR_SYSTEM, "evaluating a policy");
	if (!off_policy_begin(&sums, self->joined->arms, self->asked->clip, error))
		return false;
	for (const struct evaluated *one = list; one < list + count; one++) {
		evaluation_context(self, one->exposure, x);
		reward_model_add(model, evaluation_unit(one), one->exposure->arm, x, one->value->value);
	}
	for (const struct evaluated *one = list; one < list + count; one++) {
		evaluation_context(self, one->exposure, x);
		reward_model_expect(model, evaluation_unit(one), x, expected);
		evaluation_chances(self, one->exposure, target);
		moments_add(&self->shown->recorded, one->value->value);
		const struct off_policy_record record = {.arm = one->exposure->arm,
							 .reward = one->value->value,
							 .probability = one->exposure->probability,
							 .target = target,
							 .expected = expected};
		if (one > list && evaluated_depend(one, one - 1))
			off_policy_continue(&sums);
		if (!off_policy_add(&sums, &record, error))
			return false;
	}
	if (count == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "no feedback by request has joined an exposure with a probability; send feedback with the "
				 "request's id or origin");
	self->shown->result = off_policy_result(&sums);
	return true;
}

/* A choice with a recorded probability. A default that answered for a variant that failed leaves its choice as it was. */
static bool exposure_is_drawn(const struct joined_exposure *exposure)
{
	return exposure->probability > 0 && exposure->probability <= 1 &&
	       (assigned_reason_is_chance(exposure->reason) || exposure->reason == ASSIGNED_FALLBACK);
}

static int drawn_compare(const void *left, const void *right)
{
	const struct joined_exposure *a = *(const struct joined_exposure *const *)left,
				     *b = *(const struct joined_exposure *const *)right;
	const int order = text_compare(a->unit, b->unit);
	return order != 0 ? order : (a > b) - (a < b);
}

/* Marks the first choice of each unit, which keeps its variant. NULL: the arena is full. */
static const bool *evaluation_firsts(const struct policy_evaluation *self)
{
	const struct joined *joined = self->joined;
	const struct joined_exposure **drawn = ARENA_ARRAY(self->arena, const struct joined_exposure *, joined->exposure_count + 1);
	bool *firsts = ARENA_ARRAY(self->arena, bool, joined->exposure_count + 1);
	size_t count = 0;
	if (!drawn || !firsts)
		return NULL;
	for (size_t i = 0; i < joined->exposure_count; i++)
		if (exposure_is_drawn(&joined->exposures[i]))
			drawn[count++] = &joined->exposures[i];
	if (count > 0)
		qsort(drawn, count, sizeof *drawn, drawn_compare);
	for (size_t i = 0; i < count; i++)
		firsts[drawn[i] - joined->exposures] =
			i == 0 || drawn[i]->unit.length == 0 || !text_equal(drawn[i]->unit, drawn[i - 1]->unit);
	return firsts;
}

/* Tests the recorded probabilities, with feedback or without. */
static bool evaluation_doubt(struct policy_evaluation *self, struct error *error)
{
	const struct joined *joined = self->joined;
	const bool *firsts = evaluation_firsts(self);
	struct propensity_test test;
	if (!firsts)
		return error_memory(error, ERROR_SYSTEM, "evaluating a policy");
	propensity_begin(&test, joined->arms);
	for (size_t i = 0; i < joined->exposure_count; i++)
		if (firsts[i])
			propensity_add(&test, joined->exposures[i].arm, joined->exposures[i].probability);
	self->shown->propensity = propensity_verdict(&test);
	const struct text suspect = joined->arm_names[self->shown->propensity.arm];
	self->shown->suspect = (struct text){arena_copy(self->arena, suspect.bytes, suspect.length), suspect.length};
	return self->shown->suspect.bytes || error_memory(error, ERROR_SYSTEM, "evaluating a policy");
}

/* NULL: no feedback that joined an exposure has it. */
static const struct joined_metric *metric_find(const struct joined *joined, struct text name)
{
	for (size_t i = 0; i < joined->metric_count; i++)
		if (text_equal(joined->metrics[i].name, name))
			return &joined->metrics[i];
	return NULL;
}

static bool evaluation_metric(struct policy_evaluation *self, const struct experiment_data *data, struct error *error)
{
	const struct joined *joined = self->joined;
	struct report_options defaults = {0};
	experiment_data_defaults(data, &defaults);
	const struct text wanted = self->asked->metric     ? text_of(self->asked->metric)
				   : defaults.primary.length > 0 ? defaults.primary
								 : TEXT(JOIN_REWARD);
	self->metric = metric_find(joined, wanted);
	if (self->metric)
		return true;
	const unsigned long long mixed = joined->counts.mixed_units;
	if (joined->metric_count == 0 && mixed > 0)
		return error_set(
			error, ERROR_CONFIG, PLACE_NONE,
			"no feedback of experiment `%s` joined an exposure: %llu unit%s got two variants, and %s feedback is left "
			"out; look for two engines with different files, or several experiments of that name",
			self->asked->experiment, mixed, mixed == 1 ? "" : "s", mixed == 1 ? "its" : "their");
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "no feedback of experiment `%s` that joined an exposure has the metric `" TEXT_FORMAT
			 "`; name another one by --metric",
			 self->asked->experiment, TEXT_ARGUMENTS(wanted));
}

/* ---- the experiment's own bandits ---- */

static bool bandits_rehearse(struct policy_evaluation *self, const struct experiment_data *data, struct error *error)
{
	const char *name = self->asked->experiment;
	size_t at = 0;
	const struct graph *graph = experiment_graph_next(data, name, &at);
	const struct graph_experiment *experiment = graph ? graph_reachable_experiment(graph, name) : NULL;
	if (!experiment || !experiment->learns)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the files have no bandits of `%s`: an Experiment with `bandits`; give them by -f, or a policy by "
				 "--policy FILE",
				 name);
	const struct bandits *bandits = &experiment->spec->bandits;
	const char *rewards = bandits->reward_metric ? bandits->reward_metric : JOIN_REWARD;
	const struct joined_metric *metric = metric_find(self->joined, text_of(rewards));
	struct text *arms = ARENA_ARRAY(self->arena, struct text, experiment->count);
	if (!metric)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "no feedback of experiment `%s` that joined an exposure has the metric `%s`, by which its bandits "
				 "learn",
				 name, rewards);
	for (size_t i = 0; arms && i < experiment->count; i++)
		arms[i] = text_of(experiment->shares[i].name);
	const struct bandit_rehearsal_config config = {
		.experiment = name,
		.options = experiment_bandit(experiment->spec, experiment->count, context_length(&experiment->context, NULL)),
		.arms = arms,
		.priors = experiment->priors,
		.weights = experiment->probabilities,
		.context = experiment->context,
		.interval_ms = bandits->update_interval_ns / NS_PER_MS,
		.window_ms = bandits->outcome_window_ns / NS_PER_MS};
	self->shown->rehearsal = &self->rehearsal;
	return (arms || error_memory(error, ERROR_SYSTEM, "rehearsing bandits")) &&
	       bandit_rehearse(&config, self->joined, metric, self->arena, &self->rehearsal, error);
}

static bool evaluation_policy(struct policy_evaluation *self, const struct experiment_data *data, struct error *error)
{
	return self->asked->policy ? file_policy_open(&self->policy, self->asked->policy, self->joined, self->arena, error)
				   : bandits_rehearse(self, data, error);
}

bool policy_evaluate(const struct workspace *workspace, const struct policy_asked *asked, struct arena *arena,
		     struct evaluation_shown *shown, struct error *error)
{
	struct policy_evaluation *self = ARENA_NEW(arena, struct policy_evaluation);
	struct experiment_asked data_asked = *asked->data;
	const struct name metric_asked = {.text = asked->metric};
	struct experiment_data data;
	if (!self)
		return error_memory(error, ERROR_SYSTEM, "evaluating a policy");
	data_asked.kept[0] = (struct name_list){asked->metric != NULL, &metric_asked};
	*shown = (struct evaluation_shown){.experiment = asked->experiment, .clip = asked->clip, .alpha = asked->alpha};
	*self = (struct policy_evaluation){.asked = asked, .shown = shown, .joined = &data.joined, .arena = arena};
	const bool good = experiment_data_open(workspace, asked->experiment, &data_asked, arena, &data, error) &&
			  evaluation_metric(self, &data, error) && evaluation_policy(self, &data, error) &&
			  evaluation_run(self, error) && evaluation_doubt(self, error);
	if (good) {
		const struct text metric = self->metric->name;
		shown->metric = (struct text){arena_copy(arena, metric.bytes, metric.length), metric.length};
		shown->counts = data.joined.counts;
		shown->adaptive = data.joined.adaptive || shown->rehearsal; /* which learnt from the records before */
	}
	experiment_data_close(&data);
	return good && (shown->metric.bytes || error_memory(error, ERROR_SYSTEM, "evaluating a policy"));
}
