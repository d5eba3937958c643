/* listed_record.h: Record that a step lists with a message, and that leaves with it (engine/outputs/listed_records.h): a verdict on
 * a window, a report of importance, or what an observer has learnt. A struct of such a record begins with a struct listed_record.
 */
#pragma once

enum listed_kind {
	LISTED_VERDICT,	   /* struct drift_score */
	LISTED_IMPORTANCE, /* struct importance_report */
	LISTED_LEARNT	   /* struct outlier_learnt */
};

struct listed_record {
	struct listed_record *next; /* of the same message */
	enum listed_kind kind;
};
