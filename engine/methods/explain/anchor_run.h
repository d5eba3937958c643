/* anchor_run.h: Search for the anchor of one row, by perturbations in batches that the caller sends to the model.
 *
 * The first batch is the row and the background. It says which answers count as that of the row: the same class, or for a number
 * the same decile of the background's answers. Each later batch is answered before the next one is made. A perturbation
 * under a rule is a background row whose features of the rule come from background rows in the row's own bins, each from another.
 *
 * A run can be explained at any time once the first batch is answered: the better the more was answered.
 */
#pragma once

#include "methods/explain/anchors.h"
#include "methods/explain/explanation.h"

#define ANCHOR_THRESHOLD 0.95 /* of precision; also the confidence of its bounds */
#define ANCHOR_BATCH 100      /* perturbations of a rule at a time */

struct anchor_run;

struct anchor_table {
	size_t features, count; /* count: rows of the background */
	const double *row, *background;
	const struct text *names; /* of features */
	size_t most;		  /* perturbations, beside the first batch */
	uint64_t seed;
};

/* A run in the arena, which borrows the table and what it points to. NULL: as of anchor_search_open(). */
struct anchor_run *anchor_run_open(struct arena *arena, const struct anchor_table *table, struct error *error);

/* Rows of the next batch, at most `most` but for the first, which is whole. 0: the search is over. */
size_t anchor_run_next(struct anchor_run *run, size_t most);

/* Fills in the rows of that batch. */
void anchor_run_fill(struct anchor_run *run, double *rows);

/* Takes in a number for each row of that batch, which is the class if `classes`. What is not finite failed. False: REMOTE, the row
 * itself or more than half of the background failed; INPUT, the row, which has a feature that is no finite number. */
bool anchor_run_take(struct anchor_run *run, const double *answers, bool classes, struct error *error);

/* The batch failed as a whole: its perturbations count as asked for, and are not known. */
void anchor_run_miss(struct anchor_run *run);

/* The best rule so far, in the arena. False: LIMIT, the first batch is not answered, or the arena is full. */
bool anchor_run_explain(const struct anchor_run *run, struct explanation *explanation, struct arena *arena, struct error *error);
