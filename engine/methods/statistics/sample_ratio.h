/* sample_ratio.h: Tests of a split: whether units came to the arms as planned (sample ratio mismatch, SRM).
 *
 * The chi-square test is for one look. The sequential test may be read after each unit: a unit is one draw from the
 * probabilities of its epoch, against draws from any other (a Dirichlet mixture, all mixtures alike), and the Bayes
 * factors of epochs multiply. A split that was wrong for a while and is right on the whole is a mismatch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SPLIT_ALPHA 0.001 /* a mismatch is an error of the experiment, so it must be certain */

struct split_test {
	double statistic, freedom, p;
	bool mismatch;
};

/* Shares need not sum to 1. An arm of share 0 with units is a mismatch; without, it is left out. */
struct split_test split_test(const double *counts, const double *shares, size_t arms, double alpha);

struct split_watch {
	double factor; /* the logarithm of the Bayes factor of all units so far */
	double most;   /* of all looks so far */
};

/* A unit comes to an arm of an epoch, of which the arms have these counts so far and these shares: the count grows. Units of
 * several epochs may come in any order. */
void split_watch_add(struct split_watch *watch, double *counts, const double *shares, size_t arms, size_t arm);

/* A look; the p-value that holds at every look. */
double split_watch_look(struct split_watch *watch);

/* Whether units of all arms share something alike, as having feedback, whatever their share is. The ratio is what arms of their own
 * shares let expect, each by its earlier units (Krichevsky-Trofimov), to what the best common share does: universal inference
 * (Wasserman and others 2020). It needs no probabilities of arms, and holds at every look. */
struct share_watch {
	double expected; /* the logarithm of the likelihood by arms */
	double with, without;
	double most; /* of all looks so far */
};

/* A unit comes: `counts` are those of its arm so far, without and with, and grow. */
void share_watch_add(struct share_watch *watch, double counts[2], bool with);

/* A look; the p-value that holds at every look. */
double share_watch_look(struct share_watch *watch);
