/* learner.c: see learner.h. As long as the scale of features is not known, what is to be learnt waits in a list, in its order. */
#include "experiments/bandits/learner.h"

#include <math.h>

#include "base/hash.h"
#include "base/memory.h"
#include "experiments/bandits/learner_records.h"
#include "message/records/feedback.h"
#include "message/rows.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define EARLY_AT_FIRST 256
#define WIDTH_LEAST 1e-12 /* of a feature, relative to its mean: one that does not vary keeps the width 1 */

/* ---- the scale ---- */

static bool is_text(const struct learner *learner, size_t feature)
{
	return feature != learner->config.context.time &&
	       text_classes_total(learner->texts[feature]) > learner->moments[feature].count;
}

/* How long x may be: a record has about three triangles of it for each arm. */
static size_t length_most(const struct learner *learner)
{
	const size_t bytes = POLICY_RECORD_BYTES_MAX / 4 * 3 / learner->config.options.arms;
	size_t length = CONTEXT_LENGTH_MAX;
	while (length > 1 && 3 * length * (length + 1) / 2 * sizeof(double) > bytes)
		length--;
	return length;
}

bool learner_classes_set(struct learner *learner, size_t feature, const struct text *texts, size_t count)
{
	double *classes = ARENA_ARRAY(learner->arena, double, count + 1);
	struct text *names = ARENA_ARRAY(learner->arena, struct text, count + 1);
	if (!classes || !names)
		return false;
	for (size_t i = 0; i < count; i++) {
		names[i] = text_copied(learner->arena, texts[i]);
		classes[i] = context_text(texts[i]);
	}
	if (arena_failed(learner->arena))
		return false;
	learner->features[feature].classes = names;
	learner->features[feature].class_count = count;
	learner->scales[feature].classes = classes;
	learner->scales[feature].class_count = count;
	return true;
}

bool learner_priors_learn(struct learner *learner, struct error *error)
{
	const double means[CONTEXT_LENGTH_MAX] = {1}; /* of features */
	const bool has_context = learner->config.options.features > 0;
	return bandit_warm(learner->bandit, learner->config.priors, has_context ? means : NULL, error);
}

bool learner_bandit_fit(struct learner *learner, struct error *error)
{
	struct bandit_options options = learner->config.options;
	options.features = context_length(&learner->config.context, learner->scales);
	if (options.features == learner->config.options.features)
		return true;
	struct bandit *bandit = bandit_open(learner->arena, &options, error);
	struct policy *policy = policy_open(learner->arena, &options, hash_key(text_of(learner->config.experiment)));
	if (!bandit || !policy)
		return error_memory(error, ERROR_SYSTEM, "fitting a learner to its features");
	learner->config.options = options;
	learner->bandit = bandit;
	learner->policy = policy;
	return !learner->is_warm || learner_priors_learn(learner, error);
}

static void texts_close(struct learner *learner)
{
	for (size_t i = 0; i < CONTEXT_FEATURES_MAX; i++) {
		text_classes_close(learner->texts[i]);
		learner->texts[i] = NULL;
	}
}

/* Texts share what is left of x. */
static void texts_set(struct learner *learner)
{
	const size_t all = length_most(learner), others = context_length(&learner->config.context, NULL);
	struct text texts[CONTEXT_CLASSES_MAX];
	struct error ignored = {0};
	size_t count = 0;
	bool good = true;
	for (size_t i = 0; i < learner->config.context.count; i++)
		count += is_text(learner, i);
	const size_t room = count > 0 && all + count > others ? (all + count - others) / count : 0;
	for (size_t i = 0; room > 0 && i < learner->config.context.count && good; i++)
		if (is_text(learner, i))
			good = learner_classes_set(learner, i, texts,
						   text_classes_commonest(learner->texts[i], texts,
									  room < CONTEXT_CLASSES_MAX ? room : CONTEXT_CLASSES_MAX));
	if (!good || !learner_bandit_fit(learner, &ignored))
		for (size_t i = 0; i < learner->config.context.count; i++)
			learner->features[i].class_count = learner->scales[i].class_count = 0;
	texts_close(learner);
}

static void scales_find(struct learner *learner)
{
	for (size_t i = 0; i < learner->config.context.count; i++) {
		const struct moments *moments = &learner->moments[i];
		const double deviation = sqrt(moments_variance(moments, 1));
		const bool varies = isfinite(deviation) && deviation > WIDTH_LEAST * fmax(1, fabs(moments->mean));
		learner->scales[i] = (struct context_scale){.center = moments->mean, .width = varies ? deviation : 1};
	}
	texts_set(learner);
	learner->scaled = true;
}

/* ---- what is learnt ---- */

static void reward_learn(struct learner *learner, const struct learner_event *event, const double *x)
{
	struct error refused = {0};
	const bool exposed = event->is_told && bandit_arm(learner->bandit, event->arm)->pending > 0;
	const bool is_exp3 = learner->config.options.kind == BANDIT_EXP3;
	const struct bandit_reward reward = {event->arm, x,	  event->value, is_exp3 ? event->chance : 1,
					     exposed,	 is_exp3 ? 0 : event->chance};
	if (bandit_reward(learner->bandit, &reward, &refused)) {
		learner->rewards++;
		learner->counts.rewards++;
		return;
	}
	if (learner->counts.refused++ == 0)
		learner->refusal = refused;
	if (exposed)
		(void)bandit_expire(learner->bandit, event->arm, x, &refused);
}

static void event_learn(struct learner *learner, const struct learner_event *event, const double *features)
{
	double vector[CONTEXT_LENGTH_MAX];
	const double *x = learner->config.context.count > 0 ? vector : NULL;
	struct error ignored = {0};
	if (x)
		context_vector(&learner->config.context, learner->scales, features, vector);
	switch (event->kind) {
	case LEARNER_PLAY:
		(void)bandit_expose(learner->bandit, event->arm, x, &ignored);
		break;
	case LEARNER_REWARD:
		reward_learn(learner, event, x);
		break;
	case LEARNER_END:
		(void)bandit_expire(learner->bandit, event->arm, x, &ignored);
		break;
	}
}

void learner_scale_set(struct learner *learner)
{
	scales_find(learner);
	for (size_t i = 0; i < learner->early_count; i++)
		event_learn(learner, &learner->early[i], learner->early_features + i * learner->config.context.count);
	memory_give(learner->early);
	memory_give(learner->early_features);
	learner->early = NULL;
	learner->early_features = NULL;
	learner->early_count = learner->early_rewards = 0;
}

/* False: there is no space for it. */
static bool event_wait(struct learner *learner, const struct learner_event *event, const double *features)
{
	const size_t stride = learner->config.context.count, count = learner->early_count;
	size_t room = learner->early_room;
	struct learner_event *early =
		count < LEARNER_EARLY_MOST
			? memory_grow(learner->early, count, &room, EARLY_AT_FIRST, sizeof *early)
			: NULL;
	if (!early)
		return false;
	learner->early = early;
	double *kept = memory_grow(learner->early_features, count, &learner->early_room, EARLY_AT_FIRST, stride * sizeof *kept);
	if (!kept)
		return false;
	learner->early_features = kept;
	early[count] = *event;
	memcpy(kept + count * stride, features, stride * sizeof *kept);
	learner->early_count++;
	learner->early_rewards += event->kind == LEARNER_REWARD;
	return true;
}

static void event_take(struct learner *learner, const struct learner_event *event, const double *features)
{
	const bool waits = !learner->scaled && event_wait(learner, event, features);
	if (waits && learner->early_rewards < LEARNER_EARLY_REWARDS)
		return;
	if (!learner->scaled)
		learner_scale_set(learner);
	if (!waits)
		event_learn(learner, event, features);
}

/* ---- features ---- */

static double number_find(const struct exposure *exposure, struct text name)
{
	double found = (double)NAN;
	for (size_t i = 0; i < exposure->feature_count; i++)
		if (text_equal(exposure->features[i].name, name) && fabs(exposure->features[i].value) <= BANDIT_REWARD_MOST)
			found = exposure->features[i].value;
	return found;
}

static struct text text_find(const struct exposure *exposure, struct text name)
{
	struct text found = {0};
	for (size_t i = 0; i < exposure->text_count; i++)
		if (text_equal(exposure->texts[i].name, name))
			found = exposure->texts[i].value;
	return found;
}

/* Without memory a text is not counted. */
static void text_count(struct learner *learner, size_t feature, struct text text)
{
	if (learner->scaled || text.length == 0)
		return;
	if (!learner->texts[feature])
		learner->texts[feature] = text_classes_open();
	if (learner->texts[feature])
		text_classes_add(learner->texts[feature], text);
}

/* Before the scale is known, no text is of a class. */
static bool is_missing(const struct context_scale *scale, double feature)
{
	return isnan(feature) && context_class(scale, feature) == scale->class_count;
}

void learner_context(const struct context_form *form, const struct exposure *exposure, double *features)
{
	for (size_t i = 0; i < form->count; i++) {
		features[i] = number_find(exposure, form->names[i]);
		const struct text text = isnan(features[i]) ? text_find(exposure, form->names[i]) : (struct text){0};
		if (text.length > 0 && text.length <= CONTEXT_TEXT_BYTES_MAX)
			features[i] = context_text(text);
	}
}

/* What its algorithm has to know of the chance of a choice: EXP3 the probability, Thompson the share that is owed to `explore`.
 * Only policies explore. */
static double chance_of(const struct learner *learner, const struct exposure *exposure)
{
	const double probability = exposure->probability > 0 ? exposure->probability : 1;
	if (learner->config.options.kind == BANDIT_EXP3)
		return probability;
	return exposure->reason == ASSIGNED_POLICY ? bandit_floor_share(&learner->config.options, probability) : 0;
}

/* ---- exposures and outcomes ---- */

/* The arm of an exposure from which it learns; the number of arms: it is none. */
static size_t arm_learnt(const struct learner *learner, const struct exposure *exposure)
{
	const size_t arms = learner->config.options.arms;
	const bool is_own = text_is(exposure->experiment, learner->config.experiment);
	size_t i = is_own && assigned_reason_is_chance(exposure->reason) ? 0 : arms;
	while (i < arms && !text_equal(learner->config.arms[i], exposure->variant))
		i++;
	return i;
}

/* An exposure is one of those by which features are scaled, once. */
static void exposure_sample(struct learner *learner, const struct exposure *exposure, const double *features)
{
	const struct context_form *context = &learner->config.context;
	for (size_t i = 0; i < context->count; i++) {
		if (isnan(features[i]))
			text_count(learner, i, text_find(exposure, context->names[i]));
		learner->counts.missing += is_missing(&learner->scales[i], features[i]);
		if (!isnan(features[i]))
			moments_add(&learner->moments[i], features[i]);
	}
	if (exposure->time_ms > learner->through_ms)
		learner->through_ms = exposure->time_ms;
	learner->counts.exposures++;
}

void learner_expose(struct learner *learner, const struct exposure *exposure)
{
	double features[CONTEXT_FEATURES_MAX];
	const struct learner_event play = {.kind = LEARNER_PLAY, .arm = arm_learnt(learner, exposure)};
	if (play.arm == learner->config.options.arms)
		return;
	if (exposure->time_ms < learner->told_ms)
		learner->told_ms = exposure->time_ms;
	learner_context(&learner->config.context, exposure, features);
	exposure_sample(learner, exposure, features);
	event_take(learner, &play, features);
}

/* Whether the play of the exposure was told, to this learner or to the one whose record it goes on from. */
static bool exposure_was_told(const struct learner *learner, const struct exposure *exposure)
{
	return exposure->time_ms <= learner->before_ms || exposure->time_ms >= learner->told_ms;
}

void learner_outcome(struct learner *learner, const struct outcome *outcome)
{
	const struct exposure *exposure = &outcome->exposure;
	const struct text metric = learner->config.reward_metric;
	const struct outcome_metric *reward = outcome_metric_find(outcome, metric.length > 0 ? metric : TEXT(FEEDBACK_REWARD));
	const bool is_joined = outcome->kind == OUTCOME_JOINED;
	const bool is_uncomputed = is_joined && reward && reward->how == OUTCOME_COMPUTED && isnan(reward->value);
	double features[CONTEXT_FEATURES_MAX] = {0};
	const struct learner_event event = {.kind = is_joined && !is_uncomputed ? LEARNER_REWARD : LEARNER_END,
					    .arm = arm_learnt(learner, exposure),
					    .value = reward ? reward->value : 0,
					    .chance = chance_of(learner, exposure),
					    .is_told = exposure_was_told(learner, exposure)};
	if (event.arm == learner->config.options.arms || outcome->kind == OUTCOME_LATE || (is_joined && !reward))
		return;
	learner->counts.uncomputed += is_uncomputed;
	learner_context(&learner->config.context, exposure, features);
	if (!event.is_told)
		exposure_sample(learner, exposure, features);
	if (event.is_told || event.kind == LEARNER_REWARD)
		event_take(learner, &event, features);
}

/* ---- counts ---- */

struct learner_counts learner_counts(const struct learner *learner)
{
	return learner->counts;
}

const char *learner_refusal(const struct learner *learner)
{
	return learner->refusal.text;
}

/* ---- opening ---- */

struct learner *learner_open(const struct learner_config *config, struct error *error)
{
	assert(config->experiment && config->arms);
	struct learner *learner = memory_take(1, sizeof *learner);
	if (!learner) {
		error_memory(error, ERROR_SYSTEM, "opening a learner");
		return NULL;
	}
	learner->config = *config;
	learner->scaled = config->context.count == 0;
	learner->before_ms = -1;
	learner->told_ms = INT64_MAX;
	buffer_open(&learner->policy_bytes, POLICY_RECORD_BYTES_MAX);
	buffer_open(&learner->learner_bytes, POLICY_RECORD_BYTES_MAX);
	learner->arena = arena_open(ARENA_BYTES);
	if (learner->arena) {
		learner->bandit = bandit_open(learner->arena, &config->options, error);
		learner->policy = policy_open(learner->arena, &config->options, hash_key(text_of(config->experiment)));
	}
	if (learner->bandit && learner->policy)
		return learner;
	learner_close(learner);
	error_memory(error, ERROR_SYSTEM, "opening a learner");
	return NULL;
}

void learner_close(struct learner *learner)
{
	if (!learner)
		return;
	texts_close(learner);
	memory_give(learner->early);
	memory_give(learner->early_features);
	buffer_close(&learner->policy_bytes);
	buffer_close(&learner->learner_bytes);
	arena_close(learner->arena);
	memory_give(learner);
}
