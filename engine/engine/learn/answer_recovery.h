/* answer_recovery.h: Recovery of answers: a thread that reads answers again from the outputs of their pipeline, for feedback by
 * which no engine has computed the metrics that experiments learn or judge by. Engines compute these for their own answers, which
 * are in memory (engine/learn/feedback_counting.h): those of an engine that was stopped, restarted or killed are lost with it.
 *
 * Whoever leads the join of exposures and feedback becomes a member, and gives it what it reads, after it has joined it: the
 * learner service and the truth service of a pipeline, which share one thread and one list. What both want is read once. It is read
 * when the slower of them has read the feedback that may have the values. A new leader reads the records of the window again, so it
 * has the list of what is wanted anew.
 *
 * The list has its limits (experiments/outcomes/wanted_answers.h). One pass over a span of the outputs serves all that is wanted
  * there, and reads at most RECOVERY_RECORDS_S records a second. The records of requests are read only if a metric names `request.`
   * or `params.`, those of exposures only if one names `latency_ms`, and none at all if a metric is of truth, reward and variant
    * alone. An answer is found by its request's id: in a header, in the answer, or by the origin of a request that has none.
     * Requests in a schema of a registry are not found.
 *
 * Values are computed as engines do it (experiments/outcomes/feedback_value.h), and written to the feedback topic as theirs are
 * (engine/learn/computed_feedback.h): a value that came in between counts, and this one does not. Series of the metrics have them
  * not; the policy board counts them, and what was not found.
 *
 * The calls of a member are by one thread; none waits for Kafka but the close, and an open that meets it.
 */
#ifndef SLUICE_ENGINE_LEARN_ANSWER_RECOVERY_H
#define SLUICE_ENGINE_LEARN_ANSWER_RECOVERY_H

#include <pthread.h>

#include "experiments/outcomes/outcome_join.h"
#include "kafka/record.h"
#include "observe/log_sink.h"
#include "observe/policy_board.h"
#include "compiler/plan/plan.h"
#include "engine/learn/held_feedback.h"

#define RECOVERY_RECORDS_S 20000

struct answer_recovery; /* a member */

struct answer_recovery_config {
	const char *brokers;
	struct properties consumer, producer;
	const struct graph *graph;
	const char *inputs, *outputs, *exposures, *feedback; /* topics */
	const struct pipeline_metric *const *metrics;	     /* that engines compute by feedback, and write to its topic */
	size_t metric_count;				     /* at most FEEDBACK_METRICS_COUNTED */
	struct policy_board *board;			     /* counts it for bandits that learn by a metric; NULL: nobody does */
	const struct log_sink *log;			     /* NULL: nothing is logged */
};

/* What the members of a pipeline share. It starts as {.config = ..., .lock = PTHREAD_MUTEX_INITIALIZER}, and holds nothing when it
 * has no member. */
struct shared_recovery {
	struct answer_recovery_config config;
	pthread_mutex_t lock;		/* of `passes`, while members come and go */
	struct recovery_passes *passes; /* NULL: there is no member */
};

/* An open exposure that lacks a metric. */
struct lacking_exposure {
	struct open_request request;
	const char *variant; /* borrowed */
	int64_t window_ms;
};

/* Whether feedback, which was joined, leaves an open exposure without that metric. */
struct recovery_join {
	void *context;
	bool (*lacks)(void *context, const struct feedback *feedback, int64_t time_ms, const char *metric,
		      struct lacking_exposure *found);
};

/* Becomes a member, and starts the thread if it is the first one. What is shared is borrowed. NULL: SYSTEM. */
struct answer_recovery *answer_recovery_open(struct shared_recovery *shared, struct error *error);

/* Leaves; NULL is fine. The last member stops the thread, and waits for it. What is wanted is forgotten then. */
void answer_recovery_close(struct answer_recovery *member);

/* An exposure was read. NULL is fine, here and below. */
void answer_recovery_expose(struct answer_recovery *member, const struct exposure *exposure, const struct record *record);

/* Feedback was read and joined. */
void answer_recovery_feedback(struct answer_recovery *member, const struct feedback *feedback, const struct held_record *held,
			      struct recovery_join join);

/* All feedback up to that time was read. INT64_MAX: none is read now, and others do not wait for it. */
void answer_recovery_pass(struct answer_recovery *member, int64_t read_ms);

#endif
