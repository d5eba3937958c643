/* learner.c: see learner.h. What an exposure leaves for its reward, its chance and its features, is in a table beside the
 * join, by the number of the join's entry. */
#include "experiments/bandits/learner.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "base/memory.h"
#include "experiments/bandits/learner_records.h"
#include "message/records/answer_label.h"
#include "message/rows.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define WIDTH_LEAST 1e-12 /* of a feature, relative to its mean: one that does not vary keeps the width 1 */

/* Of a computed metric: feedback from which an engine is to compute it has come. */
#define CAUSE "cause"
#define CAUSE_BIT 1U

/* ---- what is learnt ---- */

static const double *vector_of(const struct learner *learner, const double *open, double x[CONTEXT_LENGTH_MAX])
{
	if (learner->config.context.count == 0)
		return NULL;
	context_vector(&learner->config.context, learner->scales, open + 1, x);
	return x;
}

void learner_refuse(struct learner *learner, const struct error *refused)
{
	if (learner->counts.refused++ == 0)
		learner->refusal = *refused;
}

static void reward_learn(struct learner *learner, const double *open, size_t arm, double value, bool exposed)
{
	double x[CONTEXT_LENGTH_MAX];
	struct error refused = {0};
	exposed = exposed && bandit_arm(learner->bandit, arm)->pending > 0;
	const bool is_exp3 = learner->config.options.kind == BANDIT_EXP3;
	const struct bandit_reward reward = {arm,     vector_of(learner, open, x), value, is_exp3 ? open[0] : 1,
					     exposed, is_exp3 ? 0 : open[0]};
	if (bandit_reward(learner->bandit, &reward, &refused)) {
		learner->rewards++;
		learner->counts.rewards++;
		return;
	}
	learner_refuse(learner, &refused);
	if (exposed)
		(void)bandit_expire(learner->bandit, arm, reward.x, &refused);
}

static void play_tell(struct learner *learner, const double *open, size_t arm)
{
	double x[CONTEXT_LENGTH_MAX];
	struct error ignored = {0};
	(void)bandit_expose(learner->bandit, arm, vector_of(learner, open, x), &ignored);
}

/* ---- the scale ---- */

static void open_tell(void *context, size_t slot, uint32_t arm, bool has_outcome)
{
	struct learner *learner = context;
	if (!has_outcome)
		play_tell(learner, learner->open + slot * learner->stride, arm);
}

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

void learner_scale_set(struct learner *learner)
{
	for (size_t i = 0; i < learner->config.context.count; i++) {
		const struct moments *moments = &learner->moments[i];
		const double deviation = sqrt(moments_variance(moments, 1));
		const bool varies = isfinite(deviation) && deviation > WIDTH_LEAST * fmax(1, fabs(moments->mean));
		learner->scales[i] = (struct context_scale){.center = moments->mean, .width = varies ? deviation : 1};
	}
	texts_set(learner);
	learner->scaled = true;
	outcome_join_each_open(learner->join, open_tell, learner);
	for (size_t i = 0; i < learner->early_count; i++)
		reward_learn(learner, learner->early_open + i * learner->stride, learner->early[i].arm, learner->early[i].reward,
			     false);
	learner->early_count = 0;
}

static void reward_wait(struct learner *learner, const double *open, size_t arm, double value)
{
	memcpy(learner->early_open + learner->early_count * learner->stride, open, learner->stride * sizeof *open);
	learner->early[learner->early_count++] = (struct early_reward){arm, value};
	if (learner->early_count == LEARNER_EARLY_MAX)
		learner_scale_set(learner);
}

/* ---- exposures ---- */

static size_t arm_find(const struct learner *learner, struct text variant)
{
	size_t i = 0;
	while (i < learner->config.options.arms && !text_equal(learner->config.arms[i], variant))
		i++;
	return i;
}

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

static void features_take(struct learner *learner, const struct exposure *exposure, double *features)
{
	const struct context_form *context = &learner->config.context;
	learner_context(context, exposure, features);
	for (size_t i = 0; !learner->replays && i < context->count; i++) {
		if (isnan(features[i]))
			text_count(learner, i, text_find(exposure, context->names[i]));
		learner->counts.missing += is_missing(&learner->scales[i], features[i]);
		if (!isnan(features[i]))
			moments_add(&learner->moments[i], features[i]);
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

void learner_expose(struct learner *learner, const struct exposure *exposure)
{
	const size_t arm = arm_find(learner, exposure->variant);
	if (!text_is(exposure->experiment, learner->config.experiment) || arm == learner->config.options.arms ||
	    !assigned_reason_is_chance(exposure->reason)) {
		learner->counts.others++;
		return;
	}
	const struct outcome_exposure one = outcome_exposure_of(exposure, arm);
	const enum exposure_fate fate = outcome_join_expose(learner->join, &one);
	learner->counts.again += fate == EXPOSURE_REPEATED;
	learner->counts.others += fate == EXPOSURE_DOUBLED || fate == EXPOSURE_LATE || fate == EXPOSURE_REFUSED;
	if (fate != EXPOSURE_OPENED)
		return;
	double *open = learner->open + outcome_join_newest(learner->join) * learner->stride;
	open[0] = chance_of(learner, exposure);
	features_take(learner, exposure, open + 1);
	if (exposure->time_ms > learner->through_ms)
		learner->through_ms = exposure->time_ms;
	learner->counts.exposures++;
	if (learner->scaled && !learner->replays)
		play_tell(learner, open, arm);
}

/* An exposure is over: its window ended, or it gave its place to a newer one. */
static void on_closed(void *context, size_t slot, uint32_t arm, bool has_outcome)
{
	struct learner *learner = context;
	double x[CONTEXT_LENGTH_MAX];
	struct error ignored = {0};
	(void)has_outcome;
	const bool has_reward = outcome_join_has_reward(learner->join, slot);
	learner->counts.uncomputed += !has_reward && !learner->replays && outcome_join_metrics(learner->join, slot) & CAUSE_BIT;
	if (!has_reward && learner->scaled && !learner->replays)
		(void)bandit_expire(learner->bandit, arm, vector_of(learner, learner->open + slot * learner->stride, x), &ignored);
}

/* ---- feedback ---- */

static void on_joined(void *context, const struct joined_outcome *outcome)
{
	struct learner *learner = context;
	const double *open = learner->open + outcome->slot * learner->stride;
	if (learner->replays)
		return;
	if (learner->scaled)
		reward_learn(learner, open, outcome->arm, outcome->value, true);
	else
		reward_wait(learner, open, outcome->arm, outcome->value);
}

/* The feedback with its reward alone. False: it has none. */
static bool reward_find(const struct learner *learner, const struct feedback *feedback, struct feedback *reduced)
{
	*reduced = *feedback;
	reduced->metric_count = 0;
	reduced->has_reward = feedback_earns(feedback, learner->config.reward_metric, learner->config.computed, &reduced->reward);
	return reduced->has_reward;
}

static void cause_met(void *context, const struct joined_outcome *outcome)
{
	(void)context;
	(void)outcome;
}

/* Feedback without the metric that engines compute by it: its value comes as a record of theirs, and is counted then. */
static void cause_note(struct learner *learner, const struct feedback *reduced)
{
	const struct feedback_metric named = {TEXT(CAUSE), 0};
	struct feedback cause = *reduced;
	const struct outcome_join_counts before = outcome_join_counts(learner->join);
	cause.metrics = &named;
	cause.metric_count = 1;
	outcome_join_feedback(learner->join, &cause, cause_met, learner);
	const struct outcome_join_counts after = outcome_join_counts(learner->join);
	learner->of_causes.again += after.again - before.again;
	learner->of_causes.late += after.late - before.late;
	learner->of_causes.unknown += after.unknown - before.unknown;
}

void learner_feedback(struct learner *learner, const struct feedback *feedback, int64_t time_ms)
{
	struct feedback reduced;
	struct error refused = {0};
	if (feedback->experiment.length > 0 && !text_is(feedback->experiment, learner->config.experiment)) {
		learner->counts.others++;
		return;
	}
	if (!feedback_check(feedback, time_ms, &refused)) {
		learner_refuse(learner, &refused);
		return;
	}
	const bool has_reward = reward_find(learner, feedback, &reduced);
	char room[LABEL_ROOM];
	const struct text truth = !has_reward && learner->config.judges ? truth_label(&feedback->truth, room) : (struct text){0};
	if (reduced.time_ms == 0)
		reduced.time_ms = time_ms;
	if (has_reward)
		outcome_join_feedback(learner->join, &reduced, on_joined, learner);
	else if (truth.length == 0 || !outcome_join_judge(learner->join, &reduced, truth, OUTCOME_REWARD, on_joined, learner))
		learner->counts.others++;
	const bool names_request = feedback->id.length > 0 || feedback->origin.topic.length > 0;
	if (!has_reward && learner->config.computed && names_request && (feedback->truth.count > 0 || feedback->has_reward))
		cause_note(learner, &reduced);
}

bool learner_lacks(const struct learner *learner, const struct feedback *feedback, int64_t time_ms, struct open_request *found)
{
	struct feedback timed = *feedback;
	struct error refused = {0};
	if (timed.time_ms == 0)
		timed.time_ms = time_ms;
	return learner->config.computed && feedback_check(feedback, time_ms, &refused) &&
	       outcome_join_lacks(learner->join, &timed, OUTCOME_REWARD, found);
}

/* ---- replay and counts ---- */

void learner_replay(struct learner *learner, bool replays)
{
	learner->replays = replays;
}

struct learner_counts learner_counts(const struct learner *learner)
{
	struct learner_counts counts = learner->counts;
	const struct outcome_join_counts join = outcome_join_counts(learner->join);
	counts.again += join.again - learner->of_causes.again;
	counts.late = join.late - learner->of_causes.late;
	counts.unknown = join.unknown - learner->of_causes.unknown;
	counts.by_unit = join.by_unit;
	counts.feedback_dropped = join.feedback_dropped;
	counts.dropped = join.dropped;
	return counts;
}

const char *learner_refusal(const struct learner *learner)
{
	return learner->refusal.text;
}

/* ---- opening ---- */

static bool learner_reserve(struct learner *learner, struct error *error)
{
	const struct learner_config *config = &learner->config;
	const size_t entries = config->memory_bytes / (OUTCOME_BYTES_MOST + learner->stride * sizeof(double));
	const struct text cause = TEXT(CAUSE);
	const struct outcome_join_config join = {.memory_bytes = entries * OUTCOME_BYTES_MOST,
						 .metric_count = 1,
						 .metrics = &cause,
						 .by_unit = true,
						 .window_ms = config->window_ms,
						 .seed = hash_key(text_of(config->experiment)),
						 .judges = config->judges,
						 .closed = on_closed,
						 .context = learner};
	learner->join = outcome_join_open(&join, error);
	if (!learner->join)
		return false;
	learner->open = memory_take_table(outcome_join_capacity(learner->join), learner->stride * sizeof(double));
	if (!learner->scaled) {
		learner->early = memory_take(LEARNER_EARLY_MAX, sizeof *learner->early);
		learner->early_open = memory_take(LEARNER_EARLY_MAX, learner->stride * sizeof(double));
	}
	return learner->open && (learner->scaled || (learner->early && learner->early_open));
}

struct learner *learner_open(const struct learner_config *config, struct error *error)
{
	assert(config->experiment && config->arms);
	struct learner *learner = memory_take(1, sizeof *learner);
	if (!learner) {
		error_memory(error, ERROR_SYSTEM, "opening a learner");
		return NULL;
	}
	learner->config = *config;
	learner->stride = 1 + config->context.count;
	learner->scaled = config->context.count == 0;
	buffer_open(&learner->policy_bytes, POLICY_RECORD_BYTES_MAX);
	buffer_open(&learner->learner_bytes, POLICY_RECORD_BYTES_MAX);
	learner->arena = arena_open(ARENA_BYTES);
	if (learner->arena) {
		learner->bandit = bandit_open(learner->arena, &config->options, error);
		learner->policy = policy_open(learner->arena, &config->options, hash_key(text_of(config->experiment)));
	}
	if (learner->bandit && learner->policy && learner_reserve(learner, error))
		return learner;
	learner_close(learner);
	error_memory(error, ERROR_SYSTEM, "opening a learner");
	return NULL;
}

void learner_close(struct learner *learner)
{
	if (!learner)
		return;
	memory_give_table(learner->open, learner->join ? outcome_join_capacity(learner->join) : 0,
			  learner->stride * sizeof(double));
	outcome_join_close(learner->join);
	texts_close(learner);
	memory_give(learner->early);
	memory_give(learner->early_open);
	buffer_close(&learner->policy_bytes);
	buffer_close(&learner->learner_bytes);
	arena_close(learner->arena);
	memory_give(learner);
}
