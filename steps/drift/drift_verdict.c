/* drift_verdict.c: see drift_verdict.h. */
#include "steps/drift/drift_verdict.h"

#include <math.h>

/* Names live longer than a past's monitor. */
static struct text name_copy(struct text name, struct arena *arena)
{
	return (struct text){arena_copy(arena, name.bytes, name.length), name.length};
}

static struct drift_statistic statistic_of(const struct monitor_test *test, struct text name)
{
	return (struct drift_statistic){.feature = name,
					.method = monitor_method_names[test->method],
					.effect = test->effect,
					.limit = test->level,
					.statistic = test->statistic,
					.p = test->p,
					.established = test->established};
}

struct drift_times drift_verdict_times(const struct monitor_verdict *verdict)
{
	const struct monitor_times *times = &verdict->times;
	return (struct drift_times){.unjudged = times->unjudged,
				    .rate = times->rate,
				    .rate_low = times->rate_low,
				    .rate_high = times->rate_high,
				    .age_ms = times->age_ms,
				    .age_most_ms = times->age_most_ms,
				    .rate_alarm = times->rate_alarm,
				    .age_alarm = times->age_alarm};
}

bool drift_verdict_lists(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena)
{
	size_t tests = 0;
	for (size_t i = 0; i < verdict->feature_count; i++)
		tests += verdict->features[i].test_count;
	tests += verdict->joint_count;
	struct drift_statistic *statistics = ARENA_ARRAY(arena, struct drift_statistic, tests + 1);
	struct drift_quality *quality = ARENA_ARRAY(arena, struct drift_quality, verdict->feature_count + 1);
	if (!statistics || !quality)
		return false;
	for (size_t i = 0; i < verdict->feature_count; i++) {
		const struct monitor_feature *feature = &verdict->features[i];
		const struct monitor_quality *found = &feature->quality;
		const struct text name = name_copy(feature->name, arena);
		if (!name.bytes)
			return false;
		const struct drift_quality made = {.feature = name,
						   .values = feature->count,
						   .missing = found->missing,
						   .mistyped = found->mistyped,
						   .outside = found->outside,
						   .unseen = found->unseen,
						   .still = found->still,
						   .alarm = monitor_quality_alarm(found),
						   .missing_alarm = found->missing_alarm,
						   .mistyped_alarm = found->mistyped_alarm,
						   .outside_alarm = found->outside_alarm,
						   .unseen_alarm = found->unseen_alarm,
						   .still_alarm = found->still_alarm};
		if (!score->early)
			quality[score->quality_count++] = made;
		for (size_t j = 0; j < feature->test_count; j++)
			statistics[score->statistic_count++] = statistic_of(&feature->tests[j], name);
	}
	for (size_t i = 0; i < verdict->joint_count; i++) {
		const struct text name = name_copy(verdict->joints[i].name, arena);
		if (!name.bytes)
			return false;
		statistics[score->statistic_count++] = statistic_of(&verdict->joints[i].test, name);
	}
	score->statistics = statistics;
	score->quality = quality;
	return true;
}

bool drift_verdict_lacking(struct drift_score *score, const struct drift_comparison *comparison, struct arena *arena)
{
	const size_t all = comparison->lacking_count, count = all < DRIFT_LACKING_NAMED ? all : DRIFT_LACKING_NAMED;
	struct text *names = ARENA_ARRAY(arena, struct text, count + 1);
	for (size_t i = 0; names && i < count; i++)
		names[i] = name_copy(comparison->lacking[i], arena);
	score->lacking_count = names ? count : 0;
	score->lacking = names;
	return names && !arena_failed(arena);
}

static double share_of(uint64_t some, uint64_t all)
{
	return all ? (double)some / (double)all : (double)NAN;
}

void drift_verdict_last(struct last_verdict *last, const struct monitor_verdict *verdict, const struct drift_estimates *estimates)
{
	last->quality_alarm = verdict->quality_alarm;
	last->missing_share = last->mistyped_share = last->outside_share = last->unseen_share = (double)NAN;
	for (size_t i = 0; i < verdict->feature_count; i++) {
		const struct monitor_feature *feature = &verdict->features[i];
		const struct monitor_quality *quality = &feature->quality;
		const uint64_t all = feature->count + quality->missing + quality->mistyped;
		last->missing_share = fmax(last->missing_share, share_of(quality->missing, all));
		last->mistyped_share = fmax(last->mistyped_share, share_of(quality->mistyped, all));
		last->outside_share = fmax(last->outside_share, share_of(quality->outside, feature->count));
		last->unseen_share = fmax(last->unseen_share, share_of(quality->unseen, feature->count));
	}
	last->accuracy = estimates->accuracy.value;
	last->accuracy_low = estimates->accuracy.low;
	last->accuracy_high = estimates->accuracy.high;
	last->precision = estimates->precision.value;
	last->recall = estimates->recall.value;
	last->messages_per_minute = verdict->times.rate;
	last->newest_age_ms = verdict->times.age_ms;
	last->auc = estimates->auc.value;
	last->error = estimates->error.value;
}
