/* anchors.h: Anchors: the few features of a row that settle what a model answers, whatever
 * the others are (Ribeiro, Singh and Guestrin, 2018).
 *
 * A rule is a set of features. A row satisfies it if each of them lies in the same bin as in
 * the row that is explained. Coverage is the share of background rows that satisfy it;
 * precision is the share of perturbations under it that the model answers as it answers the row. A
 * perturbation under a rule is a background row whose features of the rule are in the bins of the row, or as in it.
 *
 * A search goes from smaller rules to larger ones. It says which perturbations are to be
 * answered, in batches, and tells by Kullback-Leibler bounds when it knows enough. The best
 * rule has a precision of at least the threshold, then the greatest coverage, then the fewest features.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/number/random.h"

#define ANCHOR_SIZE_MAX 8	/* features of a rule: more of them explain nothing to a reader */
#define ANCHOR_FEATURES_MAX 512 /* of a row: each is asked about many times */
#define ANCHOR_BINS_MAX 16
#define ANCHOR_CLASSES 10 /* deciles in which a number's answers are the same */

struct anchor_rule {
	size_t count;
	uint32_t features[ANCHOR_SIZE_MAX]; /* in ascending order */
};

/* Rows beside the row that is explained. */
struct anchor_rows {
	size_t count, features;
	const bool *matches;   /* [count][features]: lies in the same bin */
	const double *weights; /* of rows; NULL: all alike */
};

struct anchor_measure {
	double precision, coverage; /* precision NaN: no row satisfies the rule */
};

/* Of rows whose answers are known: `agrees` says for each whether it is that of the row that is explained. */
struct anchor_measure anchor_measure(const struct anchor_rows *rows, const bool *agrees, const struct anchor_rule *rule);
double anchor_coverage(const struct anchor_rows *rows, const struct anchor_rule *rule);

/* Whether one rule is better than another. */
bool anchor_better(const struct anchor_rule *rule, const struct anchor_measure *measure, const struct anchor_rule *other,
		   const struct anchor_measure *than, double threshold);

/* The least and the greatest q with count * KL(share, q) <= bound: what a share that was seen may come from. */
double anchor_lower(double share, double count, double bound);
double anchor_upper(double share, double count, double bound);

/* ---- bins ---- */

/* Edges between `bins` bins of equally many numbers, up to ANCHOR_BINS_MAX; NaN has a bin of its own. `numbers` is sorted. */
size_t anchor_edges(double *numbers, size_t count, size_t bins, double edges[ANCHOR_BINS_MAX]);
int64_t anchor_bin(const double *edges, size_t count, double number);

/* The edges between the quartiles of a column of a background; `working` has `count` numbers. */
size_t anchor_column_edges(const double *background, size_t count, size_t features, size_t feature, double *working,
			   double edges[ANCHOR_BINS_MAX]);

/* Fills `matches` for a background in quartiles of its columns. False: LIMIT, `working` is full. */
bool anchor_match(const double *row, const double *background, size_t count, size_t features, bool *matches, struct arena *working,
		  struct error *error);

/* ---- a search ---- */

struct anchor_options {
	double threshold;  /* of precision: 0.95 */
	double confidence; /* that bounds hold: 0.95 */
	size_t most;	   /* features of a rule, up to ANCHOR_SIZE_MAX */
	size_t beam;	   /* rules of a size that are extended: 4 */
	size_t batch;	   /* perturbations of a rule at a time: 32 */
	size_t patience;   /* perturbations of a rule after which it is taken for what it seems: 512 */
	uint64_t seed;
};

struct anchor_search;

struct anchor_question {
	const struct anchor_rule *rule; /* these features as in the row */
	size_t row;			/* all others as in this row of the background */
};

struct anchor_found {
	struct anchor_rule rule;
	struct anchor_measure measure;
	double lower;	  /* bound of the precision */
	size_t questions; /* asked so far */
	bool settled;	  /* the threshold was reached; false: it is the most precise so far */
};

/* A search, which borrows the rows. NULL: CONFIG (no rows, a threshold outside 0..1, ...), LIMIT (too many features), or SYSTEM. */
struct anchor_search *anchor_search_open(struct arena *arena, const struct anchor_rows *rows, const struct anchor_options *options,
					 struct error *error);

/* The next perturbations to be answered, at most `most`; 0: the search is over. They are the same until answered. */
size_t anchor_search_ask(struct anchor_search *search, struct anchor_question *questions, size_t most);

/* Takes in the answers to those, in their order: whether each is that of the row. One that failed is left out by `known` (NULL:
 * none). */
void anchor_search_answer(struct anchor_search *search, const bool *agrees, const bool *known, size_t count);

/* The best rule so far. */
struct anchor_found anchor_search_found(const struct anchor_search *search);
