/* outcome.h: Outcome of an exposure: a record of a pipeline's outcomes topic (schemas/outcome.avsc, single-object Avro).
 *
 * An exposure gets any number of outcomes by feedback, each value of a name once. One without the value that is waited for gets an
 * outcome when its window ends, or when it gives its place to newer ones. An answer without an experiment is an exposure whose
 * experiment is empty.
 *
 * Texts borrow from what is read, lists live in the arena. Pure.
 */
#pragma once

#include "message/records/exposure.h"

enum outcome_kind {
	OUTCOME_JOINED,	  /* feedback came within the window */
	OUTCOME_LATE,	  /* feedback came after it */
	OUTCOME_ENDED,	  /* the window ended without the value that is waited for */
	OUTCOME_FORGOTTEN, /* the exposure gave its place to newer ones without that */
	OUTCOME_KINDS
};

/* How the value of an outcome came about. */
enum outcome_how {
	OUTCOME_SENT,	 /* the feedback has it */
	OUTCOME_JUDGED,	 /* 1: the feedback's truth is the label of the answer; 0: it is another one */
	OUTCOME_COMPUTED, /* by the expression of a metric that the pipeline declares */
	OUTCOME_HOWS
};

struct outcome_metric {
	struct text name; /* FEEDBACK_REWARD: the reward */
	double value;
	enum outcome_how how;
};

/* A row of a step `drift` that the truth is of. */
struct observed_row {
	struct text step, segment;
	int64_t window, identity; /* 64 bits each */
	int32_t row, class, classes;
	double first, second;
};

/* A value of a metric that the pipeline declares, as /metrics counts it. */
struct outcome_sample {
	struct text metric;
	double value; /* NaN: it could not be computed, which is counted too */
	size_t label_count;
	const struct text *labels; /* in the order in which the metric declares them */
};

struct outcome {
	enum outcome_kind kind;
	struct exposure exposure;
	int64_t happened_ms; /* as the feedback says, else as `written_ms`; 0: no feedback came */
	int64_t written_ms;  /* time of the feedback's record */
	struct origin source; /* of the feedback; topic empty: none */
	struct text feedback_id;
	bool by_unit;	/* the feedback named the unit alone */
	bool unjudged; /* it had a truth, and the answer or the truth has no label */
	int64_t weight; /* OUTCOME_LATE: how many exposures this one stands for; else 1 */
	size_t metric_count;
	const struct outcome_metric *metrics; /* those that count: the first of each name of an exposure */
	struct tensors truth;
	struct tensors answer, request; /* where a declared metric reads them; else empty */
	size_t observed_count;
	const struct observed_row *observed;
	size_t sample_count;
	const struct outcome_sample *samples; /* of an answer itself */
};

/* Appends the record; the arena is for lists of it. LIMIT: it does not fit. */
bool outcome_encode(const struct outcome *outcome, struct arena *arena, struct buffer *out, struct error *error);

/* Decodes a record. INPUT: it is no outcome of this version, or broken. */
bool outcome_decode(struct text bytes, struct arena *arena, struct outcome *outcome, struct error *error);

const char *outcome_kind_name(enum outcome_kind kind); /* "joined" */
const char *outcome_how_name(enum outcome_how how);    /* "sent" */

/* Its metric of that name; NULL: it has none. */
const struct outcome_metric *outcome_metric_find(const struct outcome *outcome, struct text name);
