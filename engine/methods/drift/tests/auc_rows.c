/* auc_rows.c: Exact area under the ROC curve; see auc_rows.h. */
#include "methods/drift/tests/auc_rows.h"

#include <math.h>

#include "base/memory.h"
#include "methods/numeric/quantile.h"

#define ROWS_FIRST 256

static void row_put(struct auc_rows *rows, double row)
{
	double *grown = memory_grow(rows->rows, rows->count, &rows->room, ROWS_FIRST, sizeof *rows->rows);
	if (!grown) {
		rows->failed = true;
		return;
	}
	rows->rows = grown;
	rows->rows[rows->count++] = row;
}

void auc_rows_add(struct auc_rows *rows, double probability, bool positive)
{
	if (probability >= 0 && probability <= 1)
		row_put(rows, copysign(probability, positive ? 1 : -1));
}

struct text auc_rows_bytes(const struct auc_rows *rows)
{
	return (struct text){(const char *)rows->rows, rows->count * sizeof *rows->rows};
}

void auc_rows_add_bytes(struct auc_rows *rows, struct text bytes)
{
	for (size_t at = 0; at + sizeof(double) <= bytes.length; at += sizeof(double)) {
		double row;
		memcpy(&row, bytes.bytes + at, sizeof row);
		row_put(rows, row);
	}
}

/* Puts the positive rows in front, without signs. How many they are. */
static size_t rows_part(double *rows, size_t count)
{
	size_t positives = 0;
	for (size_t i = 0; i < count; i++) {
		const double row = rows[i];
		if (signbit(row)) {
			rows[i] = -row;
			continue;
		}
		rows[i] = rows[positives];
		rows[positives++] = row;
	}
	return positives;
}

/* Pairs in order, of sorted rows. */
static double pairs_ordered(const double *positives, size_t positive_count, const double *negatives, size_t negative_count)
{
	double twice = 0;
	size_t below = 0, until = 0; /* negative rows below the positive one, and those up to it */
	for (size_t i = 0; i < positive_count; i++) {
		while (below < negative_count && negatives[below] < positives[i])
			below++;
		while (until < negative_count && negatives[until] <= positives[i])
			until++;
		twice += (double)(below + until);
	}
	return twice / 2;
}

struct auc_area auc_rows_area(struct auc_rows *rows)
{
	const size_t count = rows->count, positives = rows_part(rows->rows, count), negatives = count - positives;
	rows->count = 0;
	if (positives == 0 || negatives == 0)
		return (struct auc_area){count, (double)NAN};
	quantile_sort(rows->rows, positives);
	quantile_sort(rows->rows + positives, negatives);
	const double ordered = pairs_ordered(rows->rows, positives, rows->rows + positives, negatives);
	return (struct auc_area){count, ordered / ((double)positives * (double)negatives)};
}

void auc_rows_close(struct auc_rows *rows)
{
	memory_give(rows->rows);
	*rows = (struct auc_rows){0};
}
