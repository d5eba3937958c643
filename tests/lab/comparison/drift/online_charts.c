/* online_charts.c: see online_charts.h. */
#include "comparison/drift/online_charts.h"

#include <math.h>

enum online_verdict ewma_chart_add(struct ewma_chart *chart, double number)
{
	double weight = chart->weight;
	chart->level = weight * number + (1 - weight) * chart->level;
	chart->faded *= (1 - weight) * (1 - weight);
	double limit = chart->width * chart->deviation * sqrt(weight / (2 - weight) * (1 - chart->faded));
	return fabs(chart->level - chart->mean) > limit ? ONLINE_ALARM : ONLINE_STABLE;
}

void ddm_begin(struct ddm *detector, const struct ddm_options *options)
{
	*detector = (struct ddm){.options = *options, .least_rate = (double)INFINITY};
}

enum online_verdict ddm_add(struct ddm *detector, bool wrong)
{
	const struct ddm_options options = detector->options;
	if (detector->alarmed)
		ddm_begin(detector, &options);
	double count = (double)++detector->count;
	detector->rate += ((wrong ? 1 : 0) - detector->rate) / count;
	double deviation = sqrt(fmax(0, detector->rate * (1 - detector->rate)) / count), bound = detector->rate + deviation;
	if (detector->count <= options.least)
		return ONLINE_STABLE;
	if (bound <= detector->least_rate + detector->least_deviation) {
		detector->least_rate = detector->rate;
		detector->least_deviation = deviation;
	}
	detector->alarmed = bound > detector->least_rate + options.alarm * detector->least_deviation;
	if (detector->alarmed)
		return ONLINE_ALARM;
	return bound > detector->least_rate + options.warning * detector->least_deviation ? ONLINE_WARNING : ONLINE_STABLE;
}

void eddm_begin(struct eddm *detector, const struct eddm_options *options)
{
	*detector = (struct eddm){.options = *options, .greatest = -1};
}

/* The mean distance and twice its deviation, with that of this error. */
static double eddm_distance(struct eddm *detector)
{
	const double distance = (double)(detector->count - detector->last_error), before = distance - detector->mean;
	detector->errors++;
	detector->last_error = detector->count;
	detector->mean += before / (double)detector->errors;
	detector->squares += before * (distance - detector->mean);
	const double variance = detector->errors > 1 ? detector->squares / (double)(detector->errors - 1) : 0;
	return detector->mean + 2 * sqrt(variance);
}

enum online_verdict eddm_add(struct eddm *detector, bool wrong)
{
	const struct eddm_options options = detector->options;
	if (detector->alarmed)
		eddm_begin(detector, &options);
	detector->count++;
	const double distance = wrong ? eddm_distance(detector) : 0;
	if (wrong && detector->count > options.least && distance > detector->greatest) {
		detector->greatest = distance;
	} else if (wrong && detector->errors > options.least) {
		const double part = distance / detector->greatest;
		detector->alarmed = part < options.alarm;
		if (!detector->alarmed)
			detector->warns = part < options.warning;
	}
	return detector->alarmed ? ONLINE_ALARM : detector->warns ? ONLINE_WARNING : ONLINE_STABLE;
}

/* ---- HDDM ---- */

/* The first number is the first cut. */
void hddm_begin(struct hddm *detector, const struct hddm_options *options)
{
	static const struct hddm_cut none = {.bound = (double)INFINITY};
	*detector = (struct hddm){.options = *options, .all.spread = 1, .rise = none, .fall = none};
}

/* Whether chance alone, so often, does not explain how far the cut's means are apart to that side (1: a rise, -1: a fall). */
typedef bool hddm_differs(const struct hddm *detector, const struct hddm_cut *cut, double side, double chance);

static enum online_verdict hddm_side(const struct hddm *detector, const struct hddm_cut *cut, double side, hddm_differs *differs)
{
	if (differs(detector, cut, side, detector->options.alarm))
		return ONLINE_ALARM;
	return differs(detector, cut, side, detector->options.warning) ? ONLINE_WARNING : ONLINE_STABLE;
}

static enum online_verdict hddm_judge(struct hddm *detector, hddm_differs *differs)
{
	const enum online_verdict rise = hddm_side(detector, &detector->rise, 1, differs);
	const enum online_verdict fall =
		detector->options.both_sides ? hddm_side(detector, &detector->fall, -1, differs) : ONLINE_STABLE;
	detector->alarmed = rise == ONLINE_ALARM || fall == ONLINE_ALARM;
	detector->warns = rise == ONLINE_WARNING || fall == ONLINE_WARNING;
	return detector->alarmed ? ONLINE_ALARM : detector->warns ? ONLINE_WARNING : ONLINE_STABLE;
}

static void hddm_restart(struct hddm *detector)
{
	const struct hddm_options options = detector->options;
	if (detector->alarmed)
		hddm_begin(detector, &options);
}

/* How far the mean may be from the rate, but for the chance. */
static double hddm_a_bound(const struct hddm_mean *mean, double chance)
{
	return sqrt(log(1 / chance) / (2 * (double)mean->count));
}

static bool hddm_a_differs(const struct hddm *detector, const struct hddm_cut *cut, double side, double chance)
{
	const double all = (double)detector->all.count, first = (double)cut->before.count;
	const double more = side * (detector->all.mean - cut->before.mean);
	return first < all && more >= sqrt((all - first) / (first * all) / 2 * log(2 / chance));
}

static void hddm_a_cut(const struct hddm *detector, struct hddm_cut *cut, double side)
{
	const double chance = detector->options.alarm;
	if (cut->before.count == 0 || side * cut->before.mean + hddm_a_bound(&cut->before, chance) >=
					      side * detector->all.mean + hddm_a_bound(&detector->all, chance))
		cut->before = detector->all;
}

enum online_verdict hddm_a_add(struct hddm *detector, bool wrong)
{
	hddm_restart(detector);
	struct hddm_mean *all = &detector->all;
	all->count++;
	all->mean += ((wrong ? 1 : 0) - all->mean) / (double)all->count;
	hddm_a_cut(detector, &detector->rise, 1);
	hddm_a_cut(detector, &detector->fall, -1);
	return hddm_judge(detector, hddm_a_differs);
}

static double hddm_w_bound(double spread, double chance)
{
	return sqrt(spread * log(1 / chance) / 2);
}

static bool hddm_w_differs(const struct hddm *detector, const struct hddm_cut *cut, double side, double chance)
{
	(void)detector;
	return cut->before.count > 0 && cut->since.count > 0 &&
	       side * (cut->since.mean - cut->before.mean) > hddm_w_bound(cut->before.spread + cut->since.spread, chance);
}

static void hddm_mean_weigh(struct hddm_mean *mean, double number, double weight)
{
	mean->mean = mean->count++ == 0 ? number : weight * number + (1 - weight) * mean->mean;
	mean->spread = weight * weight + (1 - weight) * (1 - weight) * mean->spread;
}

static void hddm_w_cut(const struct hddm *detector, struct hddm_cut *cut, double number, double side)
{
	const double bound = side * detector->all.mean + hddm_w_bound(detector->all.spread, detector->options.alarm);
	if (bound < cut->bound)
		*cut = (struct hddm_cut){.before = detector->all, .since.spread = 1, .bound = bound};
	else
		hddm_mean_weigh(&cut->since, number, detector->options.weight);
}

enum online_verdict hddm_w_add(struct hddm *detector, bool wrong)
{
	const double number = wrong ? 1 : 0;
	hddm_restart(detector);
	hddm_mean_weigh(&detector->all, number, detector->options.weight);
	hddm_w_cut(detector, &detector->rise, number, 1);
	hddm_w_cut(detector, &detector->fall, number, -1);
	return hddm_judge(detector, hddm_w_differs);
}
