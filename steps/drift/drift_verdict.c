/* drift_verdict.c: see drift_verdict.h. */
#include "steps/drift/drift_verdict.h"

#include <math.h>
#include <string.h>

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

/* ---- pictures of distributions ---- */

static struct text name_cut(struct text name, struct arena *arena)
{
	size_t length = name.length < SPREAD_NAME_BYTES ? name.length : SPREAD_NAME_BYTES;
	while (length < name.length && length > 0 && ((unsigned char)name.bytes[length] & 0xC0) == 0x80)
		length--;
	return (struct text){arena_copy(arena, name.bytes, length), length};
}

static void numbers_spread(const struct monitor_picture *picture, struct arena *arena, struct drift_spread *into)
{
	const size_t bins = picture->bins;
	double *copies = ARENA_ARRAY(arena, double, 3 * bins);
	if (!copies)
		return;
	memcpy(copies, picture->reference, bins * sizeof *copies);
	memcpy(copies + bins, picture->current, bins * sizeof *copies);
	memcpy(copies + 2 * bins, picture->edges, (bins - 1) * sizeof *copies);
	into->bins = bins;
	into->reference = copies;
	into->current = copies + bins;
	into->edge_count = bins - 1;
	into->edges = copies + 2 * bins;
}

/* The category that is the commonest of the reference beside those that are taken. */
static size_t commonest_of(const struct monitor_picture *picture, size_t known, const bool *taken)
{
	size_t most = 0;
	while (taken[most])
		most++;
	for (size_t i = most + 1; i < known; i++)
		most = !taken[i] && picture->reference[i] > picture->reference[most] ? i : most;
	return most;
}

static void categories_spread(const struct monitor_picture *picture, struct arena *arena, struct drift_spread *into)
{
	const size_t known = picture->bins - 1, own = known < SPREAD_NAMES ? known : SPREAD_NAMES, bins = own + 2;
	bool taken[DRIFT_CATEGORIES_MAX] = {false};
	double *counts = ARENA_ARRAY(arena, double, 2 * bins);
	struct text *names = ARENA_ARRAY(arena, struct text, own + 1);
	if (!counts || !names)
		return;
	double *reference = counts, *current = counts + bins;
	for (size_t i = 0; i < own; i++) {
		const size_t at = commonest_of(picture, known, taken);
		taken[at] = true;
		names[i] = name_cut(picture->categories[at], arena);
		reference[i] = picture->reference[at];
		current[i] = picture->current[at];
	}
	for (size_t i = 0; i < known; i++) {
		reference[own] += taken[i] ? 0 : picture->reference[i];
		current[own] += taken[i] ? 0 : picture->current[i];
	}
	current[own + 1] = picture->current[known];
	into->bins = bins;
	into->reference = reference;
	into->current = current;
	into->name_count = own;
	into->names = names;
}

bool drift_spreads_list(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena)
{
	struct drift_spread *spreads = ARENA_ARRAY(arena, struct drift_spread, verdict->feature_count + 1);
	for (size_t i = 0; spreads && i < verdict->feature_count; i++) {
		const struct monitor_feature *feature = &verdict->features[i];
		if (feature->picture.bins == 0)
			continue;
		struct drift_spread *into = &spreads[score->spread_count++];
		into->feature = (struct text){arena_copy(arena, feature->name.bytes, feature->name.length), feature->name.length};
		(feature->picture.categories ? categories_spread : numbers_spread)(&feature->picture, arena, into);
	}
	score->spreads = spreads;
	return !arena_failed(arena);
}
