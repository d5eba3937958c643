/* kept_answers.h: Kept answers: what an engine has answered for a pipeline, kept until feedback comes, so that metrics of truth and
 * reward are counted by it.
 *
 * An answer is kept as bytes, with its request where a metric names that. It is joined with feedback by the outcome join
 * (experiments/outcomes/outcome_join.h), within KEPT_WINDOW_MS. Each metric counts an answer once: with the first feedback that has
  * what the metric needs of it, truth or reward, or a value of the metric's name, which then is the value. Feedback of answers that
   * are not here says nothing: another engine gave them, or it is late. When the memory is full the oldest answers are dropped;
 * their feedback is counted as lost.
 *
 * Pure. Belongs to one thread, but for kept_answer_encode().
 */
#ifndef SLUICE_EXPERIMENTS_OUTCOMES_KEPT_ANSWERS_H
#define SLUICE_EXPERIMENTS_OUTCOMES_KEPT_ANSWERS_H

#include "experiments/outcomes/metric_value.h"
#include "experiments/outcomes/outcome_join.h"

#define KEPT_METRICS_MAX FEEDBACK_METRICS_COUNTED /* each has a bit of the join */
#define KEPT_WINDOW_MS (INT64_C(24) * 3600 * 1000)
#define KEPT_ANSWER_BYTES_MAX ((size_t)64 << 10) /* of one answer: a larger one is not kept */
#define KEPT_INDEX_BYTES ((size_t)16 << 20)	   /* 460,000 answers */
#define KEPT_RECORD_BYTES ((size_t)48 << 20)	   /* of all answers: that many of 100 bytes */

/* A metric of the pipeline and its series, to which only the owner of the kept answers adds. */
struct kept_metric {
	const struct pipeline_metric *metric;
	struct series_table *table;
	bool published; /* its values are passed to the listener */
};

/* Gets the values that feedback gave to metrics, the mean of several elements, unless the feedback had them by itself. */
struct kept_listener {
	void *context;
	void (*computed)(void *context, const struct feedback *feedback, const struct feedback_metric *values, size_t count);
};

/* Appends an answer with all that metrics may name. It works in the arena. LIMIT: it is too large. */
bool kept_answer_encode(const struct judged_answer *judged, bool with_request, struct arena *arena, struct buffer *out,
			struct error *error);

struct kept_answers;

/* NULL: SYSTEM. */
struct kept_answers *kept_answers_open(const char *pipeline, size_t index_bytes, size_t record_bytes, struct error *error);
void kept_answers_close(struct kept_answers *kept); /* NULL is fine */

/* The metrics from now on; borrowed. If they have other names than before, all answers are dropped. */
bool kept_answers_use(struct kept_answers *kept, const struct kept_metric *metrics, size_t count, struct error *error);

void kept_answers_listen(struct kept_answers *kept, struct kept_listener listener); /* {0}: nobody listens */

void kept_answers_add(struct kept_answers *kept, struct text answer);

/* With the time of its record. False: a metric needs it, and no answer of its request is kept. */
bool kept_answers_feedback(struct kept_answers *kept, const struct feedback *feedback, int64_t time_ms);

/* How often feedback came for an answer that was dropped, since it was asked last. */
uint64_t kept_answers_lost(struct kept_answers *kept);

/* Those that are kept, and for which no metric has counted feedback yet. */
size_t kept_answers_waiting(const struct kept_answers *kept);

size_t kept_answers_count(const struct kept_answers *kept); /* those that are kept with their bytes */

#endif
