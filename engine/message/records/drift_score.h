/* drift_score.h: Verdict of a step `drift` on one closed window: a record of its pipeline's drift topic
 * (schemas/drift_score.avsc, single-object Avro).
 *
 * Verdicts are listed with the message that closed the window, in its arena, and leave in its transaction. So does the notice
 * that a segment's state begins anew, for the feed alone. The realised numbers of a window are a later record, which judges
 * nothing.
 */
#pragma once

#include "message/message.h"
#include "message/records/listed_record.h"

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
	uint64_t values, missing, mistyped, outside, unseen;
	bool still, alarm;
	bool missing_alarm, mistyped_alarm, outside_alarm, unseen_alarm, still_alarm; /* of which `alarm` is */
};

/* When the messages of a window came. NaN or infinite: not known, or no bound. */
struct drift_times {
	const char *unjudged; /* why there are no bounds; NULL: there are */
	double rate, rate_low, rate_high; /* messages a minute */
	double age_ms, age_most_ms;	  /* the longest time without a newer event */
	bool rate_alarm, age_alarm;
};

enum drift_metric { OF_ACCURACY, OF_PRECISION, OF_RECALL, OF_AUC, OF_ABSOLUTE_ERROR, DRIFT_METRICS };
extern const char *const drift_metric_names[DRIFT_METRICS]; /* of how good a model is: "accuracy" */

/* How good a classifier probably is in a window, with the band in which the realised number lies. */
struct drift_estimate {
	const char *metric; /* "accuracy" */
	double value, low, high;
};

/* What became of rows of a window, beside the estimate of the same rows. NaN: not known. */
struct drift_realisation {
	const char *metric; /* as of an estimate */
	uint64_t rows;
	double value, estimate, low, high;
	const char *band; /* "held", "left"; "": too few rows to say */
};

/* How many values of a feature are in each bin, in the reference and in the window. */
struct drift_spread {
	struct text feature;
	size_t edge_count;
	const double *edges; /* of numbers: bins - 1, between them; else none */
	size_t name_count;
	const struct text *names; /* of categories: bins - 2; the last two are of the other ones, and of those never seen */
	size_t bins;
	const double *reference, *current; /* counts */
};

#define DRIFT_SEGMENTS_MAX 1000	      /* of a step */
#define DRIFT_SEGMENT_BYTES_MAX 256 /* of the name of one */

struct drift_score {
	struct listed_record listed; /* with a message */
	const char *pipeline, *step;
	struct text segment; /* empty: of all messages */
	uint64_t identity;   /* of what is compared with what (message/records/feed_record.h) */
	bool begins; /* no verdict: the segment's state begins anew, so the feed has none of it any more */
	uint64_t window; /* its number in the segment, from 0 */
	int64_t begin_ms, end_ms;
	uint64_t messages;
	uint64_t unusable; /* messages that came and are not in the window */
	bool unusable_alarm; /* of quality */
	uint64_t late;
	uint64_t beyond; /* rows of segments beyond the limit, since the step's verdict before */
	enum drift_verdict verdict;
	double score;	       /* NaN while learning */
	const char *reference; /* its file */
	uint64_t reference_rows;
	size_t statistic_count;
	const struct drift_statistic *statistics;
	size_t quality_count;
	const struct drift_quality *quality;
	size_t spread_count;
	const struct drift_spread *spreads;
	uint64_t estimated_rows; /* that the estimates are of */
	size_t estimate_count;
	const struct drift_estimate *estimates;
	bool settled;	 /* the later record of a window, with its realised numbers: it judges nothing */
	uint64_t truths; /* of it: rows that had feedback */
	uint64_t unfit;	 /* and rows with feedback that cannot be compared with them */
	uint64_t unkept; /* and rows of the estimate that did not wait for feedback, which are beyond a limit */
	size_t realised_count;
	const struct drift_realisation *realised;
	struct drift_times times;
	bool early;	    /* of a window that has not ended */
	uint64_t alarm_row; /* at which an online method raised an alarm before the end, from 1; 0: none did */
	int64_t alarm_ms;   /* its time */
	const char *uncompared; /* why nothing, or a set, cannot be compared; NULL: all can, or no reference is there yet */
	size_t lacking_count; /* columns of the messages that the reference lacks; the first of them */
	const struct text *lacking;
};

/* Of which nothing is known. */
struct drift_times drift_times_unknown(void);

#define DRIFT_FEATURE_BYTES 128
#define DRIFT_TEST_BYTES 16

/* The feature that has moved most in a window: that of the established test whose effect is furthest above its limit. */
struct drift_cause {
	char feature[DRIFT_FEATURE_BYTES]; /* a long name is cut off; empty: no test is established */
	char test[DRIFT_TEST_BYTES];	   /* its method, "ks" */
	double effect, p;
};

struct drift_cause drift_cause_make(struct text feature, struct text test, double effect, double p);
struct drift_cause drift_cause_of(const struct drift_score *score);

/* "feature x.a by ks: effect 0.31, p 2.1e-09"; "": no test is established. */
#define DRIFT_CAUSE_WORDS_BYTES 256
void drift_cause_words(const struct drift_cause *cause, char words[DRIFT_CAUSE_WORDS_BYTES]);

/* Appends the record. LIMIT: it does not fit. */
bool drift_score_encode(const struct drift_score *score, struct buffer *out, struct error *error);

/* Reads a record, also one of the former schema (tests/data/avro), without its identity; texts are in the arena and in the bytes.
 * Names of metrics, methods and bands may be those of a later version. False: it is none, or the arena is full. */
bool drift_score_decode(struct text bytes, struct arena *arena, struct drift_score *score);

/* The later record of a window, with its realised numbers, as it is read. */
struct settled_score {
	struct text pipeline, step, segment;
	uint64_t window, messages, truths;
	uint64_t unkept, unfit;	  /* 0 in records of a program that did not count them */
	int64_t begin_ms, end_ms; /* the least and the greatest time of its messages */
	size_t realised_count;
	struct drift_realisation realised[DRIFT_METRICS];
};

#define SETTLED_SCORE_BYTES_MAX ((size_t)64 << 10) /* of an arena: a settled record has no lists but that of its realised numbers */

/* The same of a settled record, with known names alone. False: also of a verdict, and then `settled` has no meaning. */
bool settled_score_decode(struct text bytes, struct arena *arena, struct settled_score *settled);
