/* auc_rows.h: Rows whose probability and class are known, of which the area under the ROC curve is exact: how often a positive row
 * has a larger probability than a negative one; of equal probabilities, half counts. It does not suppose that probabilities are
 * calibrated, so it does not use the bins of auc.h, which see no order among probabilities that are close.
 *
 * Memory: 8 bytes a row. The area costs the sorting of its rows. Pure; any thread may use its own.
 */
#pragma once

#include "base/text.h"

/* Starts zeroed; the caller closes it. */
struct auc_rows {
	size_t count, room;
	double *rows; /* the probability; of a negative row its sign is set */
	bool failed;  /* memory ran out: some are lacking */
};

/* The area of so many rows. NaN: they are of one class. */
struct auc_area {
	uint64_t rows;
	double value;
};

/* A row that has that probability. What is no probability does not count. */
void auc_rows_add(struct auc_rows *rows, double probability, bool positive);

/* All rows as bytes, to be stored: they are those of `rows`. Adds rows from such bytes. */
struct text auc_rows_bytes(const struct auc_rows *rows);
void auc_rows_add_bytes(struct auc_rows *rows, struct text bytes);

/* Takes all rows out; their memory stays. */
struct auc_area auc_rows_area(struct auc_rows *rows);

void auc_rows_close(struct auc_rows *rows);
