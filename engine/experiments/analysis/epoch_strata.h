/* epoch_strata.h: Epochs of a pair as strata: what was found in each, and its arms over all of them.
 *
 * An epoch counts when burn-in is over in both arms, or when rates have enough units. Those that count are weighed by the precision
 * of their differences, so the difference of the stratified means is the estimate of the sequence, wherever weights moved. While
 * none counts, the one whose smaller arm has the most units stands for all.
 *
 * Pure.
 */
#pragma once

#include "methods/statistics/sequence.h"

struct arm_numbers {
	uint64_t units;
	double mean, sd; /* of units within epochs; NaN: too few */
};

struct pair_epoch {
	bool counts;
	double share; /* in the pair's numbers; 0: it is not in them */
	struct arm_numbers control, treatment;
	double difference, variance; /* of its last look */
	double half;		     /* half the width of its interval there */
	struct interval interval;    /* over its looks, as it counts in that of the pair */
	double p;		     /* likewise */
};

/* Before any look. */
struct pair_epoch pair_epoch_begin(void);

/* The sequence has looked at the epoch. */
void pair_epoch_look(struct pair_epoch *epoch, const struct sequence *sequence);

/* Sets the shares; `least` are the units of the smaller arm in each. How many have one. */
size_t pair_epochs_weigh(struct pair_epoch *epochs, const uint64_t *least, size_t count);

/* The same where epochs cannot be weighed: one stands for all, of those that count the one with the largest of `least`. */
size_t pair_epochs_choose(struct pair_epoch *epochs, const uint64_t *least, size_t count);

/* An arm over strata. Starts from zeroes. */
struct stratified_arm {
	uint64_t units;
	double mean, error; /* the variance of the mean */
	double squares, freedom;
};

void stratified_add(struct stratified_arm *sum, const struct moments *arm, double share);
struct arm_numbers stratified_numbers(const struct stratified_arm *sum);

/* Of as many units, with this mean and this variance of it. */
struct moments stratified_moments(const struct stratified_arm *sum);
