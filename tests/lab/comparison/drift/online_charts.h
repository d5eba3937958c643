/* online_charts.h: Detectors that no pipeline has, beside those of methods/drift/detectors.h: the EWMA chart of numbers; DDM,
 * EDDM and HDDM of errors.
 *
 * Each is a plain value of a few numbers, set up by its begin function. One that raised an alarm starts anew with the next number.
 */
#pragma once

#include "methods/drift/detectors.h"

/* ---- EWMA chart: a fading mean with its exact limits, which widen at the start; it never restarts ---- */

struct ewma_chart {
	double mean, deviation, weight, width; /* the weight of the newest number; limits in deviations */
	double level;			       /* starts as the mean */
	double faded;			       /* (1 - weight)^(2 count), starts as 1 */
};

enum online_verdict ewma_chart_add(struct ewma_chart *chart, double number);

/* ---- DDM (Gama et al. 2004): the rate of errors beside its lowest upper bound. Where the first numbers are all right
 * that bound is 0, and the first error raises an alarm ---- */

struct ddm_options {
	uint64_t least; /* numbers before the lowest bound is kept */
	double warning, alarm;
};

struct ddm {
	struct ddm_options options;
	uint64_t count;
	double rate, least_rate, least_deviation;
	bool alarmed;
};

void ddm_begin(struct ddm *detector, const struct ddm_options *options);
enum online_verdict ddm_add(struct ddm *detector, bool wrong);

/* ---- EDDM (Baena-Garcia et al. 2006): the distance between errors, mean + 2 deviations, beside its greatest value. It looks at
 * each error, and what it found stands until the next ---- */

struct eddm_options {
	uint64_t least;	       /* numbers before the greatest value is kept, and errors before it is compared */
	double warning, alarm; /* parts of the greatest value */
};

struct eddm {
	struct eddm_options options;
	uint64_t count, errors, last_error;
	double mean, squares, greatest; /* of the distances; squares of their deviations */
	bool warns, alarmed;
};

void eddm_begin(struct eddm *detector, const struct eddm_options *options);

/* ONLINE_ALARM: `warns` says whether it had warned since an error before. */
enum online_verdict eddm_add(struct eddm *detector, bool wrong);

/* ---- HDDM (Frias-Blanco et al. 2015): the rate of errors beside that of the stream's beginning up to the cut where its upper
 * bound is least, or, for a rate that falls, its lower bound is greatest. HDDM-A takes means and Hoeffding's bound; HDDM-W takes
 * means in which later numbers weigh more, McDiarmid's bound, and what came since the cut ---- */

struct hddm_options {
	double warning, alarm; /* the chance of a false one */
	double weight;	       /* HDDM-W: of the newest number */
	bool both_sides;       /* a rate that falls is a change too */
};

struct hddm_mean {
	uint64_t count;
	double mean;
	double spread; /* HDDM-W: sum of the squared weights; 1 before the first number */
};

/* A cut for a rate that moves to one side. */
struct hddm_cut {
	struct hddm_mean before, since;
	double bound; /* HDDM-W: the least so far, as a rise has it */
};

struct hddm {
	struct hddm_options options;
	struct hddm_mean all;
	struct hddm_cut rise, fall;
	bool warns, alarmed;
};

void hddm_begin(struct hddm *detector, const struct hddm_options *options);

/* ONLINE_ALARM: `warns` says whether the other side warns. */
enum online_verdict hddm_a_add(struct hddm *detector, bool wrong);
enum online_verdict hddm_w_add(struct hddm *detector, bool wrong);
