/* isolation.h: Isolation forest (Liu, Ting and Zhou 2008), learnt of reference rows: `sluice fit outlier` writes it, and
 * methods/predictors/predictor.h reads and asks it.
 *
 * Each tree is grown of some rows, drawn without putting back, by splits at random: any feature that varies among the
 * rows of a node, at a threshold drawn evenly between its least and greatest number. A tree ends where rows are alone or
 * equal, or at as many levels as a balanced tree of its rows would have. A strange row is alone after few splits.
 *
 * Numbers are rounded to float, as scikit-learn's are; what is too large for one counts as the largest float. A missing
 * number (NaN) goes right, as where the forest is asked. The same rows, settings and seed give the same bytes everywhere.
 *
 * Pure; any thread may call.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"
#include "methods/numeric/table.h"

#define ISOLATION_TREES 100	      /* as usual: more barely change the order of scores */
#define ISOLATION_SAMPLE 256	      /* rows a tree; more hide outliers among one another */
#define ISOLATION_TREES_MAX 10000     /* a row passes all of them */
#define ISOLATION_SAMPLE_MAX 65536    /* 16 levels */
#define ISOLATION_LIMIT_USUAL 0.5     /* of scores where no share is declared: no stranger than a row drawn anywhere */
#define ISOLATION_SHARE_MAX 0.5	      /* of outliers: if they were most rows, they would be what is usual */

struct isolation_settings {
	size_t trees;
	size_t sample; /* rows a tree is grown of; of a smaller reference all */
	uint64_t seed;
	double share; /* of the reference that is to be outlying; 0: the limit is ISOLATION_LIMIT_USUAL */
};

/* Appends the forest's file to `file`, `limit` in it: a row is an outlier above that score, which is the predictor's
 * answer with its sign turned, from 0 to 1. CONFIG: settings out of bounds, fewer than two rows, or no column that
 * varies. LIMIT: the file is larger than its buffer may be. */
bool isolation_fit(const struct table *reference, const struct isolation_settings *settings, struct buffer *file,
		   struct error *error);

/* The share of the rows whose score by the forest's file is above the limit. False: SYSTEM, or the file is none (CONFIG). */
bool isolation_share(const struct table *rows, struct text forest, double limit, double *share, struct error *error);
