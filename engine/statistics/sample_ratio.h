/* sample_ratio.h: Tests of a split: whether units came to the arms as planned (sample ratio mismatch, SRM).
 *
 * The chi-square test is for one look. The sequential test may be read at every look: each unit is one draw from the
 * probabilities of its epoch, against draws from any other (a Dirichlet mixture, all mixtures alike), and the Bayes
 * factors of epochs multiply.
 */
#ifndef SLUICE_STATISTICS_SAMPLE_RATIO_H
#define SLUICE_STATISTICS_SAMPLE_RATIO_H

#include <stdbool.h>
#include <stddef.h>

#define SPLIT_ALPHA 0.001 /* a mismatch is an error of the experiment, so it must be certain */

struct split_test {
	double statistic, freedom, p;
	bool mismatch;
};

/* Shares need not sum to 1. An arm of share 0 with units is a mismatch; without, it is left out. */
struct split_test split_test(const double *counts, const double *shares, size_t arms, double alpha);

/* The logarithm of the Bayes factor of one epoch; 0 without units. */
double split_log_factor(const double *counts, const double *shares, size_t arms);

struct split_watch {
	double before; /* the sum over the epochs that have ended */
	double most;   /* of before and the current one, over all looks */
};

/* A look at the current epoch's counts; the p-value that holds at every look. */
double split_watch_look(struct split_watch *watch, const double *counts, const double *shares, size_t arms);
/* The same at the end of an epoch; its factor counts from now on. */
double split_watch_close(struct split_watch *watch, const double *counts, const double *shares, size_t arms);

#endif
