/* propensity.h: Test of recorded probabilities: whether the arms were chosen with the probabilities that the records name.
 *
 * Estimates of a policy weigh records by 1 / probability, so probabilities that are not true make them wrong. A record has the
 * probability of its own arm alone, which may depend on its context and on all records before it. Bets against them multiply a
 * wealth whose mean stays at most 1 while they are true:
 *
 *   an arm is chosen more often   1 - l + l [arm was chosen] / p
 *   all probabilities are high    1 - l + l [p > 1 / (m + 1)] / (m p), as m arms at most can have such a p
 *
 * They are refuted when the mean of all wealths is 1 / PROPENSITY_ALPHA or more, which has at most that chance.
 *
 * Pure data without pointers, O(1) for each record. One thread at a time.
 */
#pragma once

#include "methods/bandits/bandit.h"
#include "methods/statistics/sample_ratio.h"

#define PROPENSITY_ALPHA SPLIT_ALPHA
#define PROPENSITY_STAKES 6
#define PROPENSITY_SHARED 4 /* arms that may have one high probability */

struct propensity_test {
	size_t arms;
	uint64_t records;
	uint64_t chosen[BANDIT_ARMS_MOST];
	double recorded[BANDIT_ARMS_MOST]; /* sum of the probabilities with which the arm was chosen */
	/* Logarithms of wealths. Those of arms are relative to an arm that was never chosen. */
	double of_arm[BANDIT_ARMS_MOST][PROPENSITY_STAKES];
	double of_all[PROPENSITY_SHARED][PROPENSITY_STAKES];
};

/* `arms` from 1 to BANDIT_ARMS_MOST. */
void propensity_begin(struct propensity_test *test, size_t arms);

/* A choice, in the order of time, with its recorded probability above 0 and at most 1. Records of one unit, which keeps its arm,
 * are one choice: its first. */
void propensity_add(struct propensity_test *test, size_t arm, double probability);

struct propensity_verdict {
	bool refuted;
	size_t arm;	 /* whose probabilities differ most from its share */
	uint64_t chosen; /* times, of so many records */
	uint64_t records;
	double recorded; /* the mean of its probabilities, where it was chosen */
};

struct propensity_verdict propensity_verdict(const struct propensity_test *test);
