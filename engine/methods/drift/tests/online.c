/* online.c: Detectors of a change, one number at a time; see online.h. */
#include "methods/drift/tests/online.h"

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
