/* experiment_check.c: Faults of an experiment that option rows cannot express; see experiment.h. */
#include <stdarg.h>
#include <stdio.h>

#include "base/suggest.h"
#include "compiler/step/experiment.h"

__attribute__((format(printf, 5, 6))) static void fault_report(const struct experiment_listener *listener,
							       enum experiment_fault fault, struct place place, const char *suggest,
							       const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list values;
	va_start(values, format);
	(void)vsnprintf(text, sizeof text, format, values);
	va_end(values);
	listener->report(listener->context, fault, place, suggest, text);
}

static void check_names(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct candidate *candidates = experiment->candidates.items;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text && experiment_candidate(experiment, &candidates[i].name) < i)
			fault_report(listener, EXPERIMENT_REPEATED, candidates[i].name.place, NULL, "`%s` is a candidate already",
				     candidates[i].name.text);
	if (experiment_candidate(experiment, &experiment->mirror_name) < experiment->candidates.count)
		fault_report(listener, EXPERIMENT_REPEATED, experiment->mirror_name.place, NULL,
			     "the mirror `%s` is a candidate too", experiment->mirror_name.text);
}

static void check_default(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct candidate *candidates = experiment->candidates.items;
	const struct name *name = &experiment->default_name;
	if (!name->text || experiment_is_staged(experiment) || experiment->candidates.count == 0 ||
	    experiment_candidate(experiment, name) < experiment->candidates.count)
		return;
	struct suggestion suggestion = suggest_begin(text_of(name->text));
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text)
			suggest_offer(&suggestion, text_of(candidates[i].name.text));
	fault_report(listener, EXPERIMENT_NO_CANDIDATE, name->place, suggestion.nearest.bytes,
		     "the default `%s` is none of the candidates", name->text);
}

static void check_overrides(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct experiment_override *overrides = experiment->overrides.items;
	for (size_t i = 0; i < experiment->overrides.count; i++) {
		const struct name *name = &overrides[i].candidate;
		if (name->text && !strings_equal(name->text, experiment->default_name.text) &&
		    experiment_candidate(experiment, name) == experiment->candidates.count)
			fault_report(listener, EXPERIMENT_NO_CANDIDATE, name->place, NULL,
				     "the override `%s` is none of the candidates", name->text);
	}
}

static void check_count(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	size_t count = experiment->candidates.count;
	count += experiment_is_staged(experiment) && experiment_candidate(experiment, &experiment->default_name) == count;
	if (count > ASSIGNMENT_WAYS_MAX)
		fault_report(listener, EXPERIMENT_TOO_MANY, experiment->candidates_place, NULL,
			     "the experiment has %zu candidates with its default, and at most %d are allowed; leave some out",
			     count, ASSIGNMENT_WAYS_MAX);
}

static void check_fallback(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	if (experiment->fallback == FALLBACK_DEFAULT && !experiment->default_name.text)
		fault_report(listener, EXPERIMENT_NO_DEFAULT, experiment->here, NULL,
			     "`fallback: default` needs a default: name one of the candidates");
}

/* Units outside of the audience get the default. */
static void check_audience(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct layer_part *layer = &experiment->layer;
	const bool has_layer = layer->here.line > 0;
	const struct place place = has_layer ? layer->here : experiment->holdout_place;
	if ((has_layer || experiment->holdout_place.line > 0) && !experiment->default_name.text)
		fault_report(listener, EXPERIMENT_NO_DEFAULT, place, NULL,
			     "`%s` needs a default, which all other units get: name one of the candidates",
			     has_layer ? "layer" : "holdout");
	if (experiment->holdout >= 1)
		fault_report(listener, EXPERIMENT_ALL_HELD, experiment->holdout_place, NULL,
			     "all units are held out, so each gets the default and none is exposed; hold out fewer");
	if (has_layer && layer->from + layer->share > 1 + 1e-9)
		fault_report(listener, EXPERIMENT_BAD_LAYER, layer->here, NULL,
			     "the part of layer `%s` begins at %g%% and has %g%%, which is beyond 100%%",
			     layer->name.text ? layer->name.text : "", 100 * layer->from, 100 * layer->share);
	if (has_layer && layer->share <= 0)
		fault_report(listener, EXPERIMENT_BAD_LAYER, layer->here, NULL,
			     "the part of layer `%s` is empty, so the experiment has no unit; write a share above 0",
			     layer->name.text ? layer->name.text : "");
}

static void check_unit(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	if (experiment->unit && expression_is_constant(experiment->unit))
		fault_report(listener, EXPERIMENT_IGNORED, expression_place(experiment->unit), NULL,
			     "`unit` is the same for each request, so all get one candidate whatever the weights are; write what "
			     "they differ in, such as `header(\"user\")`, or leave `unit` out: it is the message's key then");
}

static void check_weights(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct candidate *candidates = experiment->candidates.items;
	if (experiment->bandits.here.line > 0 || experiment_is_staged(experiment))
		return;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].weight != 0 || candidates[i].weight_place.line == 0)
			return;
	if (experiment->candidates.count > 0)
		fault_report(listener, EXPERIMENT_NO_WEIGHT, candidates[0].weight_place, NULL,
			     "every weight is 0, so no candidate would ever be chosen");
}

static void check_exploring(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct bandits *bandits = &experiment->bandits;
	if (bandits->explore_place.line > 0 && !(bandits->explore > 0))
		fault_report(listener, EXPERIMENT_NO_EXPLORING, bandits->explore_place, NULL,
			     "without exploring, a candidate that looked bad once is never tried again, and nothing can be learnt "
			     "from what was recorded");
}

static void check_learning(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct bandits *bandits = &experiment->bandits;
	const struct name_list *features = &bandits->context_features;
	if (bandits->here.line == 0)
		return;
	if (experiment_is_staged(experiment) || experiment->promotion.here.line > 0)
		fault_report(listener, EXPERIMENT_NOT_LEARNING, bandits->here, NULL,
			     "bandits choose, so the weights of %s would have no effect, nor a rollback; leave one of the two out",
			     experiment_is_staged(experiment) ? "progressiveDeployment" : "promotionPolicy");
	if (bandits->reward_metric && !*bandits->reward_metric)
		fault_report(
			listener, EXPERIMENT_EMPTY, bandits->reward_metric_place, NULL,
			"`rewardMetric` is empty, so no metric has this name; name one, or leave it out: the `reward` of feedback "
			"counts then");
	const struct place place = features->count > 0 ? features->items[0].place : bandits->here;
	const bool contextual = experiment_bandit(experiment, 2, 2).features > 0;
	if (experiment->exposures == EXPOSURES_THIN || experiment->exposures == EXPOSURES_OFF)
		fault_report(listener, EXPERIMENT_NOT_LEARNING, bandits->here, NULL,
			     "bandits learn from exposures, and `exposures` leaves them out; set `exposures: full`");
	if (features->count > CONTEXT_FEATURES_MAX)
		fault_report(listener, EXPERIMENT_NOT_LEARNING, place, NULL,
			     "there are %zu contextFeatures, and at most %d are allowed; leave some out", features->count,
			     CONTEXT_FEATURES_MAX);
	if (features->count == 0 && bandits->algorithm == ALGORITHM_LINUCB)
		fault_report(listener, EXPERIMENT_NOT_LEARNING, place, NULL,
			     "linucb chooses by a context; name its contextFeatures, or use ucb1");
	if (features->count > 0 && !contextual)
		fault_report(listener, EXPERIMENT_IGNORED, place, NULL,
			     "the algorithm chooses without a context: contextFeatures have no effect; use linucb or "
			     "epsilon-greedy");
	if (bandits->epsilon_place.line > 0 && bandits->algorithm != ALGORITHM_EPSILON_GREEDY)
		fault_report(listener, EXPERIMENT_IGNORED, bandits->epsilon_place, NULL,
			     "the algorithm has no epsilon, so it has no effect; leave it out, or use epsilon-greedy");
	for (size_t i = 0; i < features->count; i++)
		for (size_t j = 0; j < i; j++)
			if (features->items[i].text && strings_equal(features->items[i].text, features->items[j].text))
				fault_report(listener, EXPERIMENT_IGNORED, features->items[i].place, NULL,
					     "`%s` is among the contextFeatures already, so nothing more is known of a request; "
					     "leave it out",
					     features->items[i].text);
}

/* What only a rollout reads, or a schedule. */
static void check_rollout(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct rollout *rollout = &experiment->progressive;
	const struct success_criterion *criteria = experiment->criteria.items;
	const bool rolls_out = rollout->here.line > 0 || experiment->promotion.here.line > 0;
	if (rollout->stages.count > 0 && rollout->every_place.line > 0)
		fault_report(listener, EXPERIMENT_IGNORED, rollout->every_place, NULL,
			     "`every` is of a `schedule`, and stages have durations of their own; leave it out");
	if (!rolls_out && experiment->criteria.count > 0)
		fault_report(
			listener, EXPERIMENT_IGNORED, criteria[0].here, NULL,
			"the experiment has no rollout, so no criterion is judged; write progressiveDeployment or promotionPolicy, "
			"or leave %s out",
			listener->criteria);
	if (!rolls_out && experiment->on_inconclusive_place.line > 0)
		fault_report(listener, EXPERIMENT_IGNORED, experiment->on_inconclusive_place, NULL,
			     "the experiment has no rollout, so `onInconclusive` has no effect; write progressiveDeployment or "
			     "promotionPolicy, or leave it out");
}

static bool warm_start_names(const struct bandits *bandits, const char *candidate)
{
	const struct warm_start *items = bandits->warm_start.items;
	size_t i = 0;
	while (i < bandits->warm_start.count && !strings_equal(items[i].candidate.text, candidate))
		i++;
	return i < bandits->warm_start.count;
}

/* A candidate, or the default that is none of them. */
static void check_warm_name(const struct experiment_spec *experiment, const struct warm_start *warm,
			    const struct experiment_listener *listener)
{
	const struct candidate *candidates = experiment->candidates.items;
	if (!warm->candidate.text || strings_equal(warm->candidate.text, experiment->default_name.text) ||
	    experiment_candidate(experiment, &warm->candidate) < experiment->candidates.count)
		return;
	struct suggestion suggestion = suggest_begin(text_of(warm->candidate.text));
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text)
			suggest_offer(&suggestion, text_of(candidates[i].name.text));
	fault_report(listener, EXPERIMENT_NO_CANDIDATE, warm->candidate.place, suggestion.nearest.bytes,
		     "`%s` of warmStart is none of the candidates", warm->candidate.text);
}

static void check_warm_numbers(const struct experiment_spec *experiment, const struct warm_start *warm,
			       const struct experiment_listener *listener)
{
	const enum bandit_kind kind = experiment_bandit(experiment, 2, 2).kind;
	const bool needs = bandit_needs_deviation(kind);
	if (warm->mean_place.line > 0 && !bandit_takes(kind, warm->mean))
		fault_report(listener, EXPERIMENT_NOT_LEARNING, warm->mean_place, NULL,
			     "%s learns from rewards from 0 to 1, so their mean cannot be %g; write the mean of rewards as "
			     "feedback has them, or use thompson-gaussian",
			     experiment_algorithm(experiment), warm->mean);
	if (needs && warm->plays > 1 && warm->deviation_place.line == 0)
		fault_report(
			listener, EXPERIMENT_NOT_LEARNING, warm->here, NULL,
			"thompson-gaussian needs the `deviation` of the %lld rewards: without it they would count as all equal",
			(long long)warm->plays);
	if (!needs && warm->deviation_place.line > 0)
		fault_report(listener, EXPERIMENT_IGNORED, warm->deviation_place, NULL,
			     "%s knows no deviation of rewards, so it has no effect; leave it out, or use thompson-gaussian",
			     experiment_algorithm(experiment));
}

static void check_warm_start(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	const struct bandits *bandits = &experiment->bandits;
	const struct warm_start *items = bandits->warm_start.items;
	struct share shares[ASSIGNMENT_WAYS_MAX];
	for (size_t i = 0; i < bandits->warm_start.count; i++) {
		check_warm_name(experiment, &items[i], listener);
		check_warm_numbers(experiment, &items[i], listener);
	}
	const size_t count = bandits->warm_start.count > 0 ? experiment_shares(experiment, shares) : 0;
	for (size_t i = 0; i < count && bandits->algorithm == ALGORITHM_EXP3; i++)
		if (!warm_start_names(bandits, shares[i].name)) {
			fault_report(listener, EXPERIMENT_NOT_LEARNING, bandits->warm_start_place, NULL,
				     "exp3 compares what all candidates have gained, and warmStart lacks `%s`; add its plays and "
				     "mean",
				     shares[i].name);
			return;
		}
}

void experiment_faults(const struct experiment_spec *experiment, const struct experiment_listener *listener)
{
	if (experiment->candidates.count == 0 && !experiment->mirror_name.text)
		fault_report(listener, EXPERIMENT_EMPTY,
			     experiment->candidates_place.line > 0 ? experiment->candidates_place : experiment->here, NULL,
			     "the experiment has neither candidates nor a mirror");
	else if (!experiment_answers(experiment))
		fault_report(listener, EXPERIMENT_IGNORED, experiment->mirror_name.place, NULL,
			     "the experiment has a mirror and no candidate, so it answers no request, and nothing is copied; name "
			     "the `default`, which answers");
	check_names(experiment, listener);
	check_default(experiment, listener);
	check_overrides(experiment, listener);
	check_count(experiment, listener);
	check_fallback(experiment, listener);
	check_audience(experiment, listener);
	check_unit(experiment, listener);
	check_weights(experiment, listener);
	check_exploring(experiment, listener);
	check_learning(experiment, listener);
	check_warm_start(experiment, listener);
	check_rollout(experiment, listener);
}
