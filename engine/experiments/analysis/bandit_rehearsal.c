/* bandit_rehearsal.c: see bandit_rehearsal.h. */
#include "experiments/analysis/bandit_rehearsal.h"

#include <stdlib.h>

#include "base/number/duration.h"
#include "experiments/bandits/learner.h"
#include "message/records/feedback.h"
#include "message/rows.h"
#include "observe/policy_board.h"

#define POLICIES_AT_FIRST 64

struct rehearsing_bandits {
	const struct bandit_rehearsal_config *config;
	const struct joined *joined;
	struct arena *arena;
	struct bandit_rehearsal *out;
	struct learner *learner;
	struct policy_board *board;
	struct policy_entry *entry;
	size_t room;	/* of policies */
	int64_t due_ms; /* the end of the interval */
	int64_t version;
	size_t of_joined[BANDIT_ARMS_MOST]; /* the joined arm of each; `arms` of joined: no record has it */
	bool *has_reward;		    /* of each exposure */
	size_t ended;			    /* exposures whose window is over */
};

/* A reward, and when it came. */
struct past_reward {
	int64_t time_ms;
	uint32_t exposure;
	double value;
};

static int rewards_compare(const void *left, const void *right)
{
	const struct past_reward *a = left, *b = right;
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	return (a->exposure > b->exposure) - (a->exposure < b->exposure);
}

/* The rewards of requests, by time: none comes before its choice. NULL: the arena is full. */
static struct past_reward *rewards_list(const struct joined *joined, const struct joined_metric *metric, struct arena *arena,
					size_t *count)
{
	struct past_reward *list = ARENA_ARRAY(arena, struct past_reward, metric->count + 1);
	*count = 0;
	for (size_t i = 0; list && i < metric->count; i++) {
		const struct analysis_value *value = &metric->values[i];
		if (value->exposure == UINT32_MAX || value->enters)
			continue;
		const int64_t chosen_ms = joined->exposures[value->exposure].time_ms;
		list[(*count)++] = (struct past_reward){value->time_ms > chosen_ms ? value->time_ms : chosen_ms, value->exposure,
							value->value};
	}
	if (*count > 0)
		qsort(list, *count, sizeof *list, rewards_compare);
	return list;
}

/* ---- policies ---- */

/* False: the arena is full. */
static bool policy_add(struct rehearsing_bandits *self, int64_t from_ms, int64_t rewards)
{
	struct bandit_rehearsal *out = self->out;
	struct rehearsed_policy *last = out->count > 0 ? &out->policies[out->count - 1] : NULL;
	if (last && last->requests == 0) { /* nothing was chosen by it */
		last->from_ms = from_ms;
		last->rewards = rewards;
		return true;
	}
	struct rehearsed_policy *items =
		arena_grow(self->arena, out->policies, out->count, &self->room, POLICIES_AT_FIRST, sizeof *items);
	double *chances = ARENA_ARRAY(self->arena, double, out->arms);
	uint64_t *recorded = ARENA_ARRAY(self->arena, uint64_t, out->arms);
	if (!items || !chances || !recorded)
		return false;
	out->policies = items;
	items[out->count++] =
		(struct rehearsed_policy){.from_ms = from_ms, .rewards = rewards, .chances = chances, .recorded = recorded};
	return true;
}

/* What is learnt by then is the policy. */
static bool policy_renew(struct rehearsing_bandits *self, int64_t now_ms, struct error *error)
{
	struct policy_record record;
	if (!learner_record(self->learner, now_ms, &record, error))
		return error->kind == ERROR_NONE;
	if (record.version == self->version)
		return true;
	self->version = record.version;
	return policy_entry_set(self->entry, &record, now_ms, error) &&
	       (policy_add(self, now_ms, record.rewards) || error_memory(error, ERROR_SYSTEM, "rehearsing bandits"));
}

/* Ends the intervals before a time. */
static bool intervals_end(struct rehearsing_bandits *self, int64_t time_ms, struct error *error)
{
	if (time_ms < self->due_ms)
		return true;
	const int64_t interval_ms = self->config->interval_ms, end_ms = self->due_ms;
	self->due_ms = time_ms + interval_ms - (time_ms - end_ms) % interval_ms;
	return policy_renew(self, end_ms, error);
}

/* ---- choices ---- */

/* The chances of a request by the policy in force. */
static void chances_find(const struct rehearsing_bandits *self, const struct exposure *exposure, double chances[BANDIT_ARMS_MOST])
{
	const struct policy_in_force *force = policy_entry_hold(self->entry);
	double features[CONTEXT_FEATURES_MAX], x[CONTEXT_LENGTH_MAX];
	if (!force)
		memcpy(chances, self->config->weights, self->out->arms * sizeof *chances);
	if (force && force->form.count > 0) {
		learner_context(&force->form, exposure, features);
		context_vector(&force->form, force->scales, features, x);
	}
	if (force)
		policy_probabilities(force->policy, force->form.count > 0 ? x : NULL, chances);
	policy_entry_release(self->entry);
}

static void choice_count(const struct rehearsing_bandits *self, size_t number, const struct exposure *exposure)
{
	const struct bandit_rehearsal *out = self->out;
	const size_t arms = self->joined->arms, arm = self->joined->exposures[number].arm;
	struct rehearsed_policy *policy = &out->policies[out->count - 1];
	double chances[BANDIT_ARMS_MOST];
	chances_find(self, exposure, chances);
	policy->requests++;
	for (size_t i = 0; i < out->arms; i++) {
		policy->chances[i] += (chances[i] - policy->chances[i]) / (double)policy->requests;
		policy->recorded[i] += self->of_joined[i] == arm;
		if (self->of_joined[i] < arms)
			out->chances[number * arms + self->of_joined[i]] = chances[i];
	}
}

/* ---- records ---- */

static struct exposure exposure_of(const struct rehearsing_bandits *self, size_t number)
{
	const struct joined_exposure *one = &self->joined->exposures[number];
	return (struct exposure){.time_ms = one->time_ms,
				 .experiment = text_of(self->config->experiment),
				 .variant = self->joined->arm_names[one->arm],
				 .probability = one->probability,
				 .unit = one->unit,
				 .reason = one->reason,
				 .feature_count = one->feature_count,
				 .features = one->features,
				 .text_count = one->text_count,
				 .texts = one->texts};
}

/* Ends the windows that are over by then, as the join of an engine does: its time is that of choices. */
static void windows_end(struct rehearsing_bandits *self, int64_t time_ms)
{
	for (; self->ended < self->joined->exposure_count; self->ended++) {
		const struct outcome outcome = {.kind = OUTCOME_ENDED, .exposure = exposure_of(self, self->ended)};
		if (outcome.exposure.time_ms / MS_PER_S * MS_PER_S + MS_PER_S + self->config->window_ms > time_ms)
			return;
		if (!self->has_reward[self->ended])
			learner_outcome(self->learner, &outcome);
	}
}

static bool exposure_rehearse(struct rehearsing_bandits *self, size_t number, struct error *error)
{
	const struct exposure exposure = exposure_of(self, number);
	if (!intervals_end(self, exposure.time_ms, error))
		return false;
	choice_count(self, number, &exposure);
	windows_end(self, exposure.time_ms);
	learner_expose(self->learner, &exposure);
	return true;
}

static bool reward_rehearse(struct rehearsing_bandits *self, const struct past_reward *reward, struct error *error)
{
	const struct outcome_metric value = {.name = TEXT(FEEDBACK_REWARD), .value = reward->value};
	const struct outcome outcome = {.exposure = exposure_of(self, reward->exposure), .metric_count = 1, .metrics = &value};
	if (!intervals_end(self, reward->time_ms, error))
		return false;
	if (reward->time_ms > outcome.exposure.time_ms + self->config->window_ms) {
		self->out->late++;
		return true;
	}
	if (!self->has_reward[reward->exposure])
		learner_outcome(self->learner, &outcome);
	self->has_reward[reward->exposure] = true;
	return true;
}

/* In the order of time, a choice before a reward of the same moment. */
static bool records_rehearse(struct rehearsing_bandits *self, const struct past_reward *rewards, size_t count, struct error *error)
{
	const struct joined *joined = self->joined;
	size_t next = 0;
	for (size_t i = 0; i < joined->exposure_count; i++) {
		for (; next < count && rewards[next].time_ms < joined->exposures[i].time_ms; next++)
			if (!reward_rehearse(self, &rewards[next], error))
				return false;
		if (!exposure_rehearse(self, i, error))
			return false;
	}
	for (; next < count; next++)
		if (!reward_rehearse(self, &rewards[next], error))
			return false;
	return true;
}

/* ---- beginning and end ---- */

static bool rehearsing_open(struct rehearsing_bandits *self, struct error *error)
{
	const struct bandit_rehearsal_config *config = self->config;
	const struct joined *joined = self->joined;
	struct bandit_rehearsal *out = self->out;
	out->arms = config->options.arms;
	out->names = ARENA_ARRAY(self->arena, struct text, out->arms);
	self->has_reward = ARENA_ARRAY(self->arena, bool, joined->exposure_count + 1);
	out->chances = ARENA_ARRAY(self->arena, double, joined->exposure_count * joined->arms + 1);
	for (size_t i = 0; out->names && i < out->arms; i++) {
		size_t arm = 0;
		while (arm < joined->arms && !text_equal(joined->arm_names[arm], config->arms[i]))
			arm++;
		self->of_joined[i] = arm;
		out->names[i] = text_copied(self->arena, config->arms[i]);
	}
	const struct learner_config learner = {.experiment = config->experiment,
					       .options = config->options,
					       .arms = config->arms,
					       .priors = config->priors,
					       .context = config->context};
	self->due_ms = joined->first_ms + config->interval_ms;
	self->board = policy_board_open();
	self->entry = policy_board_entry(self->board, "", config->experiment);
	if (arena_failed(self->arena) || !self->entry || !policy_add(self, joined->first_ms, 0))
		return error_memory(error, ERROR_SYSTEM, "rehearsing bandits");
	self->learner = learner_open(&learner, error);
	return self->learner && learner_warm(self->learner, error) && policy_renew(self, joined->first_ms, error);
}

bool bandit_rehearse(const struct bandit_rehearsal_config *config, const struct joined *joined, const struct joined_metric *metric,
		     struct arena *arena, struct bandit_rehearsal *rehearsal, struct error *error)
{
	struct rehearsing_bandits self = {.config = config, .joined = joined, .arena = arena, .out = rehearsal, .version = -1};
	size_t count;
	*rehearsal = (struct bandit_rehearsal){0};
	const struct past_reward *rewards = rewards_list(joined, metric, arena, &count);
	bool good = (rewards || error_memory(error, ERROR_SYSTEM, "rehearsing bandits")) && rehearsing_open(&self, error) &&
		    records_rehearse(&self, rewards, count, error);
	if (good) {
		const struct learner_counts counts = learner_counts(self.learner);
		rehearsal->rewards = counts.rewards;
		rehearsal->refused = counts.refused + metric->excess; /* which learners refuse too */
		rehearsal->count -= rehearsal->policies[rehearsal->count - 1].requests == 0;
	}
	learner_close(self.learner);
	policy_board_close(self.board);
	return good;
}
