/* rate_sequence.h: Confidence sequence of a rate, and a watch for a rate that rises above a limit. Both may be read at every
 * look.
 *
 * The sequence is the mixture of all rates with the weights of Beta(1/2, 1/2), against one rate: a test martingale of that
 * rate, so the interval holds at all looks together (Robbins, 1970; Howard and others, 2021). It counts all trials alike, so
 * it sees a late change late. The watch looks for a change: the likelihood ratio of twice the limit against the limit,
 * which starts anew at each look where the evidence before it speaks against a rise (Page, 1954; Lorden, 1971).
 *
 * Pure data without pointers.
 */
#pragma once

#include "methods/statistics/rates.h"

/* The logarithm of the likelihood ratio of the mixture against the rate p. */
double rate_sequence_log_ratio(struct rate rate, double p);

/* The rates against which that ratio is below 1 / alpha. Without trials: 0 to 1. */
struct interval rate_sequence(struct rate rate, double alpha);

/* ---- a rise above a limit ---- */

struct rate_watch {
	double level; /* logarithm of the evidence; starts as 0 */
};

/* A look at what came since the look before. The limit is above 0 and below 1. */
void rate_watch_look(struct rate_watch *watch, struct rate since, double limit);

/* The level of an alarm: a watch of a rate at its limit reaches it within so many looks with a chance of at most alpha. */
double rate_watch_alarm(double looks, double alpha);
