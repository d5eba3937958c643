/* change_parts.h: State of the change detector, which change_fit.c learns from a reference and change.c reads. */
#pragma once

#include "methods/drift/change/change.h"
#include "methods/drift/change/lasting_spread.h"
#include "methods/drift/change/linear_carry.h"

#define CHANGE_WINDOWS 14
#define CHANGE_LONGEST 256  /* rows of the longest window */
#define CHANGE_SETTLED 64   /* rows that settle at once */
#define CHANGE_RING (CHANGE_LONGEST + CHANGE_SETTLED + 1) /* sums of so many rows back */
#define CHANGE_OF_COLUMN 5 /* series: location, scale, and three of shape */

extern const unsigned change_windows[CHANGE_WINDOWS]; /* rows, rising */
extern const enum change_kind change_column_kinds[CHANGE_OF_COLUMN];

struct change_column {
	size_t place; /* in a row */
	struct sorted values;
	double carry; /* what a level keeps of the one before it, or a number of its own */
	double previous;
	struct linear_carry linear;   /* of numbers, instead of levels; its carry is 0 where levels tell as much */
	struct lasting_spread spread; /* of what is left of levels */
	double lasts;		      /* the logarithm of how much likelier it is that the spread lasts; 0: it does not */
	struct sorted rests;	      /* what is left of levels beside both; none where there is neither */
	bool depends, bursts;	      /* rows follow from rows before by more than the carry; their spread does */
	bool repeats;	      /* a row has the value of the one before it more often than by chance */
	bool ties;	      /* a tenth of its rows or more have the value of another */
	bool lacks;	      /* a value that the reference lacks would be further out than any in a column without ties */
};

/* Whether its rows follow from rows before, in level or spread. */
static inline bool change_column_rests(const struct change_column *column)
{
	return column->carry != 0 || column->lasts > 0;
}

/* Before the first row. */
static inline void change_column_begin(struct change_column *column)
{
	column->previous = column->linear.origin;
	lasting_spread_begin(&column->spread);
}

struct change_window {
	double deviation;     /* of a sum, where rows do not follow from one another */
	double *least, *most; /* of each series: a sum at or outside of these raises an alarm, */
	double *least_with_unseen, *most_with_unseen; /* or of these, if a column that `lacks` has such values in it */
	double joint;	      /* the same of the sum of squares of the levels of all columns */
};

/* Series stand in this order: those of each column; the whitened levels, which count only together; pairs. */
struct change_detector {
	size_t rows, columns, paired, series; /* of the reference; columns that vary; columns that are paired, or 0 */
	size_t stride;			      /* series and what fills them up to a multiple of WIDE */
	struct change_column *watched;
	bool any_lacks;	   /* a column does */
	bool spread_lasts; /* of one column clearly, so that it may of others */
	struct rank_normal normal;
	double *by_rank;       /* [2 rows + 1][CHANGE_OF_COLUMN]: scores by twice how many of the reference are below */
	double *whitening;     /* [paired][paired], lower triangle */
	struct sorted *levels; /* of the reference, whitened, by column; NULL while they are learnt */
	double *means, *factors; /* of each series: a score counts (score - mean) * factor */
	double *learnt;		 /* means of the reference alone */
	size_t settled;		 /* rows since then that count in the means */
	bool stays;		 /* none do any more */
	struct change_window windows[CHANGE_WINDOWS];
	uint64_t filled; /* rows since the windows were empty */
	double *scores, *sums;
	double *ring; /* [CHANGE_RING][stride] */
	uint64_t *unseen, *unseen_ring; /* [columns], [CHANGE_RING][columns]: sums of such values */
};

/* Those of a column, CHANGE_OF_COLUMN of them, at a share of the reference. */
void change_column_score(const struct change_detector *self, double share, double *scores);

/* The raw scores of a row, NaN where a number is missing. */
void change_scores(struct change_detector *self, const double *row, double *scores);
