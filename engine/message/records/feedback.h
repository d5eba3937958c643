/* feedback.h: Feedback: what became of an answer, as a record of a pipeline's feedback topic (schemas/feedback.avsc,
 * single-object Avro).
 *
 * Feedback names the request by its id or its origin, or all requests of a unit. It has a reward, other numbers, or
 * the truth: what the answer should have been. Callers send JSON, in one of two forms:
 *
 *	{"id": "r-1", "reward": 1.5, "metrics": {"profit": 3.25}, "truth": {"label": [1]}, "time": "2026-01-31T09:30Z"}
 *	{"request": {...}, "response": {"meta": {"puid": "r-1"}}, "reward": 1.5, "truth": {"data": {"ndarray": [1]}}}
 *
 * The second is that of Seldon v1. Without a reward and a truth, it has the reward 0. Members of the first, each optional:
 *
 *	id		the request's id: a text, as in the request
 *	origin		where the request stood: {"topic", "partition", "offset"}, or the text TOPIC-PARTITION-OFFSET
 *	unit		the unit of the experiment; a number counts as its text
 *	experiment	the experiment that it is for
 *	feedback_id	the caller's id of this feedback: the same one twice counts once
 *	time_ms, time	when it happened: milliseconds since 1970, or ISO 8601
 *	reward		a number
 *	metrics		other numbers by their names
 *	truth		tensors: as in Open Inference Protocol V2, or an object of lists, or one list or value (its name
 *			is then `truth`)
 *
 * Texts borrow from what is read, lists live in the arena. Pure.
 */
#pragma once

#include "message/message.h"

#define FEEDBACK_NAME_BYTES_MAX 4096 /* of an id or a unit, as of units in exposures */
#define FEEDBACK_REWARD "reward" /* the reward, where it is named as a metric */
#define FEEDBACK_COMPUTED "sluice-computed" /* the feedback_id of values that an engine has computed; no id of the sender */
#define FEEDBACK_METRICS_MAX 256     /* far more than an experiment declares */
#define FEEDBACK_AHEAD_MS 60000	     /* how far its time may be ahead: two clocks may differ, an hour is a mistake */
/* Of a record: what a topic takes by default, less its batch and key. */
#define FEEDBACK_BYTES_MAX ((size_t)1000000 - 8192)

struct feedback_metric {
	struct text name;
	double value;
};

struct feedback {
	struct text id;		 /* empty: none; likewise the next three */
	struct text unit;
	struct text experiment;
	struct text feedback_id;
	struct origin origin;	 /* topic empty: none */
	int64_t time_ms;	 /* 0: that of the record */
	bool has_reward;
	double reward;
	size_t metric_count;
	const struct feedback_metric *metrics;
	size_t computed_count; /* of the metrics, the last: computed by whoever has read the record */
	struct tensors truth;
};

/* Reads the first form, or Seldon's. INPUT: it is not that form, or a member is unknown or of another type. */
bool feedback_read(struct text json, struct arena *arena, struct feedback *feedback, struct error *error);
bool feedback_read_seldon(struct text json, struct arena *arena, struct feedback *feedback, struct error *error);

/* Reads TOPIC-PARTITION-OFFSET, the id of a request that was sent without one. False: it is not that. */
bool feedback_read_origin(struct text text, struct origin *origin);

/* INPUT: it names no request, has no outcome, is from the future, has a number that is not finite, or has too long a
 * name. To be called before it is written, and after it is read from a topic. */
bool feedback_check(const struct feedback *feedback, int64_t now_ms, struct error *error);

/* Its metric of that name; NULL: it has none. And the value; NaN: it has none. */
const struct feedback_metric *feedback_metric_find(const struct feedback *feedback, struct text name);
double feedback_metric_value(const struct feedback *feedback, struct text name);

/* Whether an engine has computed its metrics, by feedback that is a record of its own. */
static inline bool feedback_is_computed(const struct feedback *feedback)
{
	return text_is(feedback->feedback_id, FEEDBACK_COMPUTED);
}

/* What it earns whoever learns by the metric: its value of the metric, else its reward, unless engines compute the metric, so that
 * without it nothing is known yet. `metric` empty: its reward. False: it earns nothing. */
bool feedback_earns(const struct feedback *feedback, struct text metric, bool computed, double *reward);

/* The key of its record: the id, else the origin as text, else the unit. Exposures have the first two, so both come to
 * the same partition. Bytes NULL: the arena is full. */
struct text feedback_key(const struct feedback *feedback, struct arena *arena);

/* Appends the record. LIMIT: it does not fit into the buffer. */
bool feedback_encode(const struct feedback *feedback, struct buffer *out, struct error *error);

/* Decodes a record: Avro, or JSON of the first form. INPUT: it is neither. */
bool feedback_decode(struct text bytes, struct arena *arena, struct feedback *feedback, struct error *error);
