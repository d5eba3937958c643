/* last_verdict.h: Verdict on a window of a step `drift`, with the figures of that window. Pure. */
#ifndef SLUICE_OBSERVE_LAST_VERDICT_H
#define SLUICE_OBSERVE_LAST_VERDICT_H

#include "message/records/drift_score.h"

/* The score and the verdict are of the last window that was judged, all else of the last that was closed. NaN: not known. */
struct last_verdict {
	enum drift_verdict verdict; /* DRIFT_LEARNING: no window has been judged */
	double score;
	double quality_alarm;				   /* 1: a value is out of the bounds of quality */
	double missing_share, outside_share, unseen_share; /* of the values, the largest of the features */
	double accuracy, precision, recall;		   /* that are estimated */
	double accuracy_low, accuracy_high;
	double messages_per_minute; /* what came later is behind all else, since drift_window_state.h stores the struct */
	double newest_age_ms;
	double auc, error; /* that are estimated */
	double mistyped_share; /* as the other shares */
	struct drift_cause cause; /* of the score; drift_window_state.h stores it behind all else */
};

/* Of which nothing else is known; and nothing at all. */
struct last_verdict verdict_of(enum drift_verdict verdict, double score);
struct last_verdict verdict_unknown(void);

/* The worse of two for each number: the larger score, shares, age and error, the smaller other estimates and messages a minute.
 * The cause is that of the larger score. */
void verdict_fold(struct last_verdict *into, const struct last_verdict *more);

#endif
