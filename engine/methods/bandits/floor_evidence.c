/* floor_evidence.c: see floor_evidence.h. */
#include "methods/bandits/floor_evidence.h"

#include <math.h>

double floor_share(double explore, size_t arms, double probability)
{
	return fmin(1, explore / ((double)arms * probability));
}

static void weighted_moments_merge(struct weighted_moments *into, const struct weighted_moments *from)
{
	const double weight = into->weight + from->weight;
	if (!(from->weight > 0))
		return;
	const double away = from->mean - into->mean, share = from->weight / weight;
	into->squares += from->squares + away * away * into->weight * share;
	into->mean += away * share;
	into->weight = weight;
}

/* A share of what is kept counts no longer. */
static void floor_evidence_fade(struct floor_evidence *evidence, double share)
{
	struct weighted_moments *kept = &evidence->kept;
	const struct weighted_moments gone = {kept->weight * share, kept->mean, kept->squares * share};
	weighted_moments_merge(&evidence->faded, &gone);
	kept->weight -= gone.weight;
	kept->squares -= gone.squares;
}

void floor_evidence_add(struct floor_evidence *evidence, double reward, double share)
{
	const struct weighted_moments one = {share, reward, 0};
	floor_evidence_fade(evidence, share / FLOOR_PLAYS_KEPT);
	weighted_moments_merge(&evidence->kept, &one);
}

void floor_evidence_merge(struct floor_evidence *into, const struct floor_evidence *from)
{
	weighted_moments_merge(&into->faded, &from->faded);
	weighted_moments_merge(&into->kept, &from->kept);
	if (into->kept.weight > FLOOR_PLAYS_KEPT)
		floor_evidence_fade(into, 1 - FLOOR_PLAYS_KEPT / into->kept.weight);
}
