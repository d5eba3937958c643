/* sequence.h: Always-valid comparison of two arms, which may be read at every look (METHODS: mixture SPRT, confidence
 * sequences; Robbins 1970, Johari and others 2017).
 *
 * An epoch is a span of constant probabilities; units are compared within it alone. Each epoch has a weight, and the
 * weights sum to at most 1: its p-value counts as p / weight, its interval is the one at alpha x weight. So the smallest
 * p-value and the intersection of intervals hold over all looks and epochs. The plug-in variance makes them asymptotic:
 * looks before the end of an epoch's burn-in are not counted. That of means is never below what both arms together show
 * (difference_variance). Rates of which either outcome is too scarce for it are compared
 * without a normal approximation (methods/statistics/rate_difference.h): by both rates at a tenth of the epoch's alpha, and by the
  * arms that rare outcomes came from at three tenths where outcomes are still scarce with so many units that their rate is known to
   * be far below 1 %. The looks after them have the rest. Which of them look follows from numbers of units and outcomes, and from
    * no difference; the shares of those that do sum to 1.
 *
 * Pure data without pointers: it is copied and kept as it is. One thread at a time.
 */
#pragma once

#include "methods/numeric/moments.h"
#include "methods/statistics/rates.h"

/* The logarithm of the likelihood ratio of a difference of the variance `variance`: differences drawn from a normal of
 * the variance `tau2`, against none. */
double sequence_log_ratio(double difference, double variance, double tau2);

/* Half of the width of the confidence sequence around the difference. */
double sequence_half_width(double variance, double tau2, double alpha);

/* ---- burn-in ---- */

#define BURN_IN_UNITS 100  /* of each arm: the mean is about normal from there on */
#define BURN_IN_OUTCOMES 20 /* of rates, of each outcome in each arm */

/* How scarce an outcome of rates was in an epoch: too scarce for burn-in, also with so many units in each arm. */
enum scarcity { OUTCOMES_PLENTY, OUTCOMES_SCARCE, OUTCOMES_RARE };

#define SCARCITIES 3
#define RARE_UNITS 10000 /* with 20 outcomes: rates of .2 % */

/* The shares of an epoch's alpha: of looks at both rates, at the arms that rare outcomes came from, and of looks after these. */
#define SCARCE_SHARE 0.1
#define RARE_SHARE 0.3
double plenty_share(enum scarcity scarcity);

/* What a look at rates finds of which an outcome is scarce, once outcomes were as scarce as this. */
enum scarcity scarcity_of(enum scarcity before, double control_units, double treatment_units);

/* The differences of scarce rates that a look allows at alpha: as rate_difference() has them. */
struct interval scarce_difference(enum scarcity scarcity, struct rate control, struct rate treatment, double kept, double alpha);

/* What the smallest p-value of a sequence is of; while that is 1, what the last look was by. */
enum sequence_method { METHOD_NONE, METHOD_NORMAL, METHOD_RATES, METHOD_BINOMIAL };

const char *sequence_method_name(enum sequence_method method); /* "conditional binomial" */

/* Of means and deviations that can be compared. The squares of smaller ones vanish, and their variance with them, so that any
 * difference would be certain; those of larger ones are infinite. */
#define COMPARED_LEAST 1e-100
#define COMPARED_MOST 1e140

/* Whether the mean and the deviation of an arm are between these limits, or both 0, or of no unit. */
bool moments_comparable(const struct moments *arm);

/* Whether both arms have enough, and can be compared; `rates` are of values 0 and 1. */
bool burn_in_over(const struct moments *control, const struct moments *treatment, bool rates);

/* The rate of units whose values are from 0 to 1. */
struct rate moments_rate(const struct moments *arm);

/* The variance of the treatment's mean less `kept` times the control's. Of means it is the larger one of Welch's, by the variance
 * of each arm, and Student's, by their common variance. A small arm of skewed values has few of the largest ones at first, or none:
 * its mean is too low then, and its own variance much too small. The other arm has seen more of them, and by its variance such a
 * mean is too low by about one standard error at most (Cauchy and Schwarz). Arms of equally many units have both variances
 * alike. Rates have Welch's: their burn-in waits for both outcomes in each arm. */
double difference_variance(const struct moments *control, const struct moments *treatment, double kept, bool rates);

/* The variance of differences to look for: the practical threshold (a share of the control's mean), at least a fiftieth
 * of the units' standard deviation. */
double burn_in_tau2(const struct moments *control, const struct moments *treatment, double practical);

/* ---- epochs ---- */

/* The share of alpha that the nth of epochs has, of which none is the first of a stage: over all of them at most 1. */
double epoch_weight(double number);

struct sequence {
	double alpha;
	double tau2;	 /* 0 until the first burn-in is over; then it stays */
	uint32_t stages; /* that are declared; 0: none, then all epochs are further ones */
	uint32_t begun;	 /* first epochs of stages so far, at most `stages` */
	uint32_t further; /* other epochs so far */
	double weight;	 /* of the current epoch */
	enum scarcity scarcity; /* of its looks */
	double p;	 /* over all looks and epochs */
	enum sequence_method method; /* that it is by */
	struct interval interval; /* at alpha, over all looks and epochs */
	double evidence;	  /* sum of weight x likelihood ratio of the epochs that ended: an e-value with the current one */
	double current_ratio;	  /* the logarithm of the current epoch's likelihood ratio */
	double precision, weighted; /* sums over ended epochs of 1 / variance, and of difference / variance */
	double difference, variance; /* of the last look of the current epoch; the variance is 0 before one */
	struct interval last;	     /* the interval of that look alone */
};

/* Before any epoch. */
struct sequence sequence_begin(double alpha, uint32_t stages);

/* A new epoch begins; `stage` says that it is the first of a declared stage. */
void sequence_epoch(struct sequence *sequence, bool stage);

/* A look: unit means of both arms within the current epoch. False: burn-in is not over, nothing has changed. */
bool sequence_look(struct sequence *sequence, const struct moments *control, const struct moments *treatment, bool rates,
		   double practical);

/* A look at rates whose outcomes are too scarce for burn-in. False: that is not so, or there are too few units. */
bool sequence_look_scarce(struct sequence *sequence, const struct moments *control, const struct moments *treatment);

/* A look with a difference and its variance that were estimated otherwise (AIPW), whose tau2 is known. */
void sequence_look_at(struct sequence *sequence, double difference, double variance);

/* The inverse-variance mean over epochs, held inside the interval. NaN before any look. */
double sequence_estimate(const struct sequence *sequence);

/* The sum over epochs of weight x current likelihood ratio, for several metrics (e-BH). */
double sequence_e_value(const struct sequence *sequence);

/* Whether the hypothesis of no difference is rejected. */
static inline bool sequence_decided(const struct sequence *sequence)
{
	return sequence->p <= sequence->alpha;
}

/* ---- several metrics ---- */

/* e-BH (Wang and Ramdas, 2022): which of `count` e-values are discoveries at a false discovery rate of alpha. How many. */
size_t e_discoveries(const double *values, size_t count, double alpha, bool *discovered);
