/* report_split.c: Health of an experiment's split: whether units came to the variants as planned, and whether they have feedback
 * alike. See report.h. */
#include "experiments/analysis/report.h"

#include <math.h>

#define SHARE_ROUNDED 1e-6 /* shares that sum to 1 but for this are all that there are */

/* ---- units ---- */

/* Arms of an epoch and, last, those that nobody met. */
struct split_epoch {
	size_t arms;
	double counts[ANALYSIS_ARMS_MAX + 1], shares[ANALYSIS_ARMS_MAX + 1];
};

/* False: a probability is not known. */
static bool epoch_shares(const struct joined *joined, const struct joined_epoch *epoch, struct split_epoch *made)
{
	double sum = 0;
	for (size_t arm = 0; arm < joined->arms; arm++) {
		made->shares[arm] = isnan(epoch->shares[arm]) ? 0 : epoch->shares[arm];
		sum += made->shares[arm];
		if (epoch->firsts[arm] > 0 && isnan(epoch->shares[arm]))
			return false;
	}
	made->shares[joined->arms] = sum < 1 - SHARE_ROUNDED ? 1 - sum : 0;
	made->arms = joined->arms + (made->shares[joined->arms] > 0);
	return sum > 0 && sum < 1 + SHARE_ROUNDED;
}
static void split_count(const struct joined *joined, struct report_split *split)
{
	for (size_t arm = 0; joined->adaptive && arm < joined->arms; arm++)
		split->counts[arm] = (double)joined->arm_units[arm];
	for (size_t i = 0; !joined->adaptive && i < joined->epoch_count; i++)
		for (size_t arm = 0; arm < joined->arms; arm++)
			split->counts[arm] += joined->epochs[i].firsts[arm];
}

/* The evidence against the split is strongest where its p-value was last made smaller. */
static void split_look(struct split_watch *watch, uint64_t units, int64_t now_ms, struct report_split *split)
{
	const double p = split_watch_look(watch);
	if (p >= split->p)
		return;
	split->p = p;
	split->worst_units = units;
	split->worst_ms = now_ms;
}

/* A look after each moment in which units came. Within a millisecond their order is that in which partitions were read, which is
 * another one the next time. */
static void split_watch_all(const struct joined *joined, struct split_epoch *epochs, struct report_split *split)
{
	struct split_watch watch = {0};
	uint64_t units = 0;
	int64_t now_ms = 0;
	for (size_t i = 0; i < joined->unit_count; i++) {
		const struct analysis_unit *unit = &joined->units[i];
		struct split_epoch *epoch = &epochs[unit->epoch];
		if (joined->earlier[i] != UINT32_MAX)
			continue; /* a unit counts once, in the epoch of its first exposure */
		if (joined->begins_ms[i] != now_ms)
			split_look(&watch, units, now_ms, split);
		now_ms = joined->begins_ms[i];
		split_watch_add(&watch, epoch->counts, epoch->shares, epoch->arms, unit->arm);
		units++;
	}
	split_look(&watch, units, now_ms, split);
}

/* What is expected over all epochs, against what was met. Where arms that were met have the whole of an epoch, as after a rollout,
 * nobody is expected of the others. */
static void split_sum(const struct joined *joined, const struct split_epoch *epochs, struct report_split *split)
{
	double expected[ANALYSIS_ARMS_MAX + 1] = {0}, met[ANALYSIS_ARMS_MAX + 1] = {0};
	bool unknown[ANALYSIS_ARMS_MAX] = {0};
	for (size_t i = 0; i < joined->epoch_count; i++) {
		double units = 0;
		for (size_t arm = 0; arm < joined->arms; arm++)
			units += epochs[i].counts[arm];
		for (size_t arm = 0; arm <= joined->arms; arm++) {
			expected[arm] += units * epochs[i].shares[arm];
			met[arm] += epochs[i].counts[arm];
			if (arm < joined->arms && epochs[i].shares[joined->arms] > 0)
				unknown[arm] = unknown[arm] || (units > 0 && isnan(joined->epochs[i].shares[arm]));
		}
	}
	split->chi_square = split_test(met, expected, joined->arms + (expected[joined->arms] > 0), SPLIT_ALPHA);
	for (size_t arm = 0; arm < joined->arms; arm++)
		split->expected[arm] = unknown[arm] ? (double)NAN : expected[arm];
}

bool report_test_split(struct report *report, struct arena *arena)
{
	const struct joined *joined = report->joined;
	struct report_split *split = &report->split;
	struct split_epoch *epochs = ARENA_ARRAY(arena, struct split_epoch, joined->epoch_count + 1);
	if (!epochs)
		return false;
	split_count(joined, split);
	if (joined->adaptive || joined->arms < 2)
		return true;
	split->p = 1;
	for (size_t i = 0; i < joined->epoch_count; i++)
		if (!epoch_shares(joined, &joined->epochs[i], &epochs[i]))
			return true;
	split_watch_all(joined, epochs, split);
	split->tested = joined->epoch_count > 0;
	split->mismatch = split->tested && split->p < SPLIT_ALPHA;
	split_sum(joined, epochs, split);
	return true;
}

/* ---- their feedback ---- */

enum { UNIT_DUE = 1, UNIT_HEARD = 2 };

/* Units of an epoch with a value of the metric and without, as they come. */
struct heard_epoch {
	struct share_watch watch;
	double counts[ANALYSIS_ARMS_MAX][2];
	int64_t now_ms; /* of the last unit */
};

/* Where a policy chose, requests of a unit depend on each other until its next version, so they are one. */
static uint32_t feedback_unit(const struct joined *joined, uint32_t unit)
{
	return joined->adaptive ? joined->units[unit].cluster : unit;
}

static void feedback_mark(const struct joined *joined, const struct joined_metric *metric, uint8_t *marks)
{
	for (size_t i = 0; i < joined->exposure_count; i++)
		if (joined->exposures[i].joined_unit != UINT32_MAX)
			marks[feedback_unit(joined, joined->exposures[i].joined_unit)] |= UNIT_DUE;
	for (size_t i = 0; i < metric->count; i++)
		marks[feedback_unit(joined, metric->values[i].unit)] |= UNIT_HEARD;
}

/* In the order in which they began; those whose windows are all open wait. Looks are as those at the split. */
static void feedback_watch(const struct joined *joined, uint8_t *marks, struct heard_epoch *epochs)
{
	for (uint32_t i = 0; i < joined->unit_count; i++) {
		const struct analysis_unit *unit = &joined->units[i];
		struct heard_epoch *epoch = &epochs[unit->epoch];
		uint8_t *mark = &marks[feedback_unit(joined, i)];
		if (!(*mark & UNIT_DUE))
			continue;
		if (joined->begins_ms[i] != epoch->now_ms)
			(void)share_watch_look(&epoch->watch);
		epoch->now_ms = joined->begins_ms[i];
		share_watch_add(&epoch->watch, epoch->counts[unit->arm], (*mark & UNIT_HEARD) != 0);
		*mark = 0; /* it counts once */
	}
}

/* Units return in later epochs, so those are dependent: their p-values share alpha, as those of a difference do. An epoch without
 * any feedback says nothing. */
static void feedback_conclude(const struct joined *joined, struct heard_epoch *epochs, struct report_split *split)
{
	double number = 0;
	for (size_t i = 0; i < joined->epoch_count; i++) {
		struct heard_epoch *epoch = &epochs[i];
		if (epoch->watch.with == 0)
			continue;
		number++;
		const double weight = epoch_weight(number);
		const double p = fmin(1, share_watch_look(&epoch->watch) / weight);
		if (number > 1 && p >= split->feedback_p)
			continue;
		split->feedback_p = p;
		split->feedback_epoch = i;
		for (size_t arm = 0; arm < joined->arms; arm++) {
			split->heard[arm] = epoch->counts[arm][1];
			split->due[arm] = epoch->counts[arm][0] + epoch->counts[arm][1];
		}
	}
	split->feedback_differs = split->feedback_p < SPLIT_ALPHA;
}

bool report_test_feedback(struct report *report, const struct joined_metric *metric, struct arena *arena)
{
	const struct joined *joined = report->joined;
	uint8_t *marks = ARENA_ARRAY(arena, uint8_t, joined->unit_count + 1);
	struct heard_epoch *epochs = ARENA_ARRAY(arena, struct heard_epoch, joined->epoch_count + 1);
	if (!marks || !epochs)
		return false;
	report->split.feedback_p = 1;
	feedback_mark(joined, metric, marks);
	feedback_watch(joined, marks, epochs);
	feedback_conclude(joined, epochs, &report->split);
	return true;
}
