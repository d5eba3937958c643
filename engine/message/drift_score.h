/* drift_score.h: Verdict of a step `drift` on one closed window: a record of its pipeline's drift topic
 * (schemas/drift_score.avsc, single-object Avro).
 *
 * Verdicts are listed with the message that closed the window, in its arena, and leave in its transaction. So does the notice
 * that a segment's state begins anew, for the feed alone.
 */
#ifndef SLUICE_MESSAGE_DRIFT_SCORE_H
#define SLUICE_MESSAGE_DRIFT_SCORE_H

#include "message/message.h"

enum drift_verdict { DRIFT_LEARNING, DRIFT_STEADY, DRIFT_FOUND, DRIFT_VERDICTS };
extern const char *const drift_verdict_names[DRIFT_VERDICTS]; /* "learning" */

/* One feature by one method. */
struct drift_statistic {
	struct text feature;
	const char *method;
	double effect, limit, statistic, p;
	bool established;
};

struct drift_quality {
	struct text feature;
	uint64_t values, missing, outside, unseen;
	bool still, alarm;
};

/* How good a classifier probably is in a window, with the band in which the realised number lies. */
struct drift_estimate {
	const char *metric; /* "accuracy" */
	double value, low, high;
};

#define DRIFT_SEGMENTS_MAX 1000	      /* of a step */
#define DRIFT_SEGMENT_BYTES_MAX 256 /* of the name of one */

struct drift_score {
	const struct drift_score *next; /* an earlier one of the same message */
	const char *pipeline, *step;
	struct text segment; /* empty: of all messages */
	uint64_t identity;   /* of what is compared with what (message/feed_record.h) */
	bool begins; /* no verdict: the segment's state begins anew, so the feed has none of it any more */
	uint64_t window; /* its number in the segment, from 0 */
	int64_t begin_ms, end_ms;
	uint64_t messages;
	uint64_t unusable; /* messages that came and are not in the window */
	uint64_t late;
	uint64_t beyond; /* rows of segments beyond the limit, since the step's verdict before */
	enum drift_verdict verdict;
	double score;	       /* 0 while learning */
	const char *reference; /* its file */
	uint64_t reference_rows;
	size_t statistic_count;
	const struct drift_statistic *statistics;
	size_t quality_count;
	const struct drift_quality *quality;
	uint64_t estimated_rows; /* that the estimates are of */
	size_t estimate_count;
	const struct drift_estimate *estimates;
	size_t lacking_count; /* columns of the messages that the reference lacks; the first of them */
	const struct text *lacking;
};

/* Appends the record. LIMIT: it does not fit. */
bool drift_score_encode(const struct drift_score *score, struct buffer *out, struct error *error);

#endif
