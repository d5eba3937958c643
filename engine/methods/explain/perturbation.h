/* perturbation.h: Perturbations of one row, in batches that the caller sends to the model, and the explanation that follows
 * from the replies so far.
 *
 * A run begins with the row and the background, and goes on with the coalitions of a
 * sampler. Batches may be as large as a call takes; they are asked for in turn, and answered in
 * any order. A coalition counts if background rows with at least half of the weight were answered
 * under it. A background row that failed under one of these is left out of all, so that they are means over the
 * same rows. Where less than half of the weight is left, each is the mean over what was answered, and the
 * method is a sample.
 *
 * A run can be explained at any time once the row is answered, and at least one pair of coalitions:
 * the better the more was answered.
 *
 * Without a sampler each player is left out alone, and the explanation is permutation importance (importance.h) with the row's own
 * answer as the truth: the mean squared change of the answer when the player has the background's values, with its standard error.
 * These do not add up to anything. Their mean over many rows is the permutation importance of the model.
 */
#pragma once

#include "methods/explain/coalition.h"
#include "methods/explain/explanation.h"
#include "methods/explain/sampler.h"

struct perturbation_run;

/* Which rows of a run a batch has. */
struct perturbation_batch {
	size_t first, rows;
};

/* A run in the arena; game, sampler (NULL: permutation importance), and what they point to, are borrowed. `outputs`: numbers of
 * each answer. NULL: as of coalition_check(); LIMIT, too many outputs; or the arena is full. */
struct perturbation_run *perturbation_open(struct arena *arena, const struct coalition_game *game, const struct sampler *sampler,
					   size_t outputs, struct error *error);

/* The next batch of at most `most` rows. No rows: all have been asked for. */
struct perturbation_batch perturbation_next(struct perturbation_run *run, size_t most);

/* Fills in the rows of a batch, as many numbers each as the game has features. */
void perturbation_fill(const struct perturbation_run *run, struct perturbation_batch batch, double *rows);

/* Takes in the answers of a batch, [rows][outputs]; one that is no finite number failed. */
void perturbation_take(struct perturbation_run *run, struct perturbation_batch batch, const double *answers);

/* The best explanation of what was answered so far, in the arena, whose room is not given back. False: LIMIT, too little was
 * answered, or the arena is full; or the model has no number for an output of the row (by permutation, for none of them): INPUT if
 * a feature of the row is none, else REMOTE. */
bool perturbation_explain(const struct perturbation_run *run, struct explanation *explanation, struct arena *arena,
			  struct error *error);
