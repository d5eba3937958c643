/* correction.c: Corrections of p-values; see correction.h. */
#include "comparison/drift/correction.h"

#include <math.h>
#include <stdlib.h>

const char *const correction_names[CORRECTION_COUNT] = {"bonferroni", "holm", "fdr_bh", "fdr_by"};

struct correction_entry {
	double p;
	size_t at;
};

static int correction_compare(const void *left, const void *right)
{
	const struct correction_entry *a = left, *b = right;
	if (a->p != b->p)
		return a->p < b->p ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

/* What the p-value of a rank, from 0, is multiplied by. */
static double correction_factor(enum correction correction, size_t rank, size_t count)
{
	double all = (double)count, harmonic = 0;
	switch (correction) {
	case CORRECTION_HOLM:
		return (double)(count - rank);
	case CORRECTION_BH:
		return all / (double)(rank + 1);
	case CORRECTION_BY:
		for (size_t i = 1; i <= count; i++)
			harmonic += 1 / (double)i;
		return harmonic * all / (double)(rank + 1);
	case CORRECTION_BONFERRONI:
	case CORRECTION_COUNT:
		break;
	}
	return all;
}

bool correction_adjust(enum correction correction, const double *p, size_t count, double *adjusted, struct arena *arena)
{
	struct correction_entry *entries = ARENA_ARRAY(arena, struct correction_entry, count ? count : 1);
	if (!entries)
		return false;
	for (size_t i = 0; i < count; i++)
		entries[i] = (struct correction_entry){p[i], i};
	qsort(entries, count, sizeof *entries, correction_compare);
	for (size_t i = 0; i < count; i++)
		entries[i].p = fmin(1, entries[i].p * correction_factor(correction, i, count));
	if (correction == CORRECTION_HOLM) /* a step down never rejects what follows one that it kept */
		for (size_t i = 1; i < count; i++)
			entries[i].p = fmax(entries[i].p, entries[i - 1].p);
	else
		for (size_t i = count; i-- > 1;)
			entries[i - 1].p = fmin(entries[i].p, entries[i - 1].p);
	for (size_t i = 0; i < count; i++)
		adjusted[entries[i].at] = entries[i].p;
	return true;
}
