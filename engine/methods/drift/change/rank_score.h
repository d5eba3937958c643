/* rank_score.h: Scores of numbers by their rank in a reference: the share of the reference below a number, and the normal
 * quantile of that share.
 *
 * Pure; what was learnt may be shared by threads.
 */
#ifndef SLUICE_METHODS_DRIFT_CHANGE_RANK_SCORE_H
#define SLUICE_METHODS_DRIFT_CHANGE_RANK_SCORE_H

#include <stdbool.h>

#include "methods/numeric/table.h"

/* The share, above 0 and below 1, at which a number stands among a reference that it joins; in the middle of those
 * equal to it. */
double rank_share(const struct sorted *reference, double number);

/* Whether the reference has this very number. */
bool rank_has(const struct sorted *reference, double number);

/* normal_quantile() of such shares, from a table. */
struct rank_normal {
	size_t count;	       /* of the reference */
	const double *numbers; /* of the shares (k + 1)/(2 count + 2), k from 0 */
};

bool rank_normal_open(struct rank_normal *table, size_t count, struct arena *arena);

static inline double rank_normal_of(const struct rank_normal *table, double share)
{
	return table->numbers[(size_t)(share * (double)(2 * table->count + 2) - 0.5)];
}

#endif
