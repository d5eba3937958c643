/* learner_records.h: For tests of learners of bandits: the arms `old` and `new`, what a learner is told of them, and its records.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "methods/bandits/policy.h"
#include "experiments/bandits/learner.h"
#include "tests/unit/arena_fixture.h"

#define NOW_MS INT64_C(1800000000000)

static const struct text arms[] = {{"old", 3}, {"new", 3}};

static inline struct exposure exposure_of(size_t arm, int64_t time_ms)
{
	return (struct exposure){.time_ms = time_ms,
				 .experiment = TEXT("e"),
				 .variant = arms[arm],
				 .probability = 0.5,
				 .reason = ASSIGNED_POLICY};
}

static inline void expose(struct learner *learner, size_t arm, int64_t time_ms)
{
	const struct exposure exposure = exposure_of(arm, time_ms);
	learner_expose(learner, &exposure);
}

/* What became of an exposure: its outcome has one value. */
static inline void became(struct learner *learner, enum outcome_kind kind, const struct exposure *exposure, struct text name,
			  double value)
{
	const struct outcome_metric metric = {.name = name, .value = value};
	const struct outcome outcome = {.kind = kind, .exposure = *exposure, .metric_count = name.length > 0, .metrics = &metric};
	learner_outcome(learner, &outcome);
}

static inline void earn(struct learner *learner, const struct exposure *exposure, double value)
{
	became(learner, OUTCOME_JOINED, exposure, TEXT("reward"), value);
}

static inline void reward(struct learner *learner, size_t arm, double value, int64_t time_ms)
{
	const struct exposure exposure = exposure_of(arm, time_ms);
	earn(learner, &exposure, value);
}

static inline void play_end(struct learner *learner, size_t arm, int64_t time_ms)
{
	const struct exposure exposure = exposure_of(arm, time_ms);
	became(learner, OUTCOME_ENDED, &exposure, TEXT(""), 0);
}

/* The learner of a record, for its figures. */
static inline const struct bandit *recorded(struct learner *learner, struct policy_record *record)
{
	struct error error = {0};
	if (!learner_record(learner, NOW_MS, record, &error))
		fail_msg("no record: %s", error.text);
	const struct bandit *bandit = bandit_read(arena, record->learner, &error);
	assert_non_null(bandit);
	return bandit;
}

/* The record apart from its learner, as Kafka would keep it. */
static inline struct policy_record kept(const struct policy_record *record)
{
	struct policy_record copy = *record;
	copy.policy = (struct text){arena_copy(arena, record->policy.bytes, record->policy.length), record->policy.length};
	copy.learner = (struct text){arena_copy(arena, record->learner.bytes, record->learner.length), record->learner.length};
	return copy;
}
