/* online.c: Detectors of a change, one number at a time; see online.h. */
#include "drift/online.h"

#include <math.h>

void page_hinkley_begin(struct page_hinkley *detector, const struct page_hinkley_options *options)
{
	/* The greatest sum starts at -1 as in river, so that a sum that only falls has fallen from there. */
	*detector = (struct page_hinkley){.options = *options, .least_up = (double)INFINITY, .most_down = -1};
}

enum online_verdict page_hinkley_add(struct page_hinkley *detector, double number)
{
	const struct page_hinkley_options options = detector->options;
	if (detector->alarmed)
		page_hinkley_begin(detector, &options);
	detector->mean += (number - detector->mean) / (double)++detector->count;
	double deviation = number - detector->mean;
	detector->up = options.fading * detector->up + deviation - options.delta;
	detector->down = options.fading * detector->down + deviation + options.delta;
	detector->least_up = fmin(detector->least_up, detector->up);
	detector->most_down = fmax(detector->most_down, detector->down);
	bool rises = detector->up - detector->least_up > options.threshold && options.sides != ONLINE_DOWN;
	bool falls = detector->most_down - detector->down > options.threshold && options.sides != ONLINE_UP;
	detector->alarmed = detector->count >= options.least && (rises || falls);
	return detector->alarmed ? ONLINE_ALARM : ONLINE_STABLE;
}

enum online_sides cusum_add(struct cusum *detector, double number)
{
	double z = (number - detector->mean) / detector->deviation;
	detector->up = fmax(0, detector->up + z - detector->slack);
	detector->down = fmax(0, detector->down - z - detector->slack);
	enum online_sides side = detector->up > detector->threshold	? ONLINE_UP
				 : detector->down > detector->threshold ? ONLINE_DOWN
									: ONLINE_BOTH;
	if (side != ONLINE_BOTH)
		detector->up = detector->down = 0;
	return side;
}

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
