/* feedback_counting.h: Feedback counting: a thread for a pipeline that declares metrics of truth or reward. It keeps what this
 * engine's workers have answered (observe/answer_queue.h, experiments/outcomes/kept_answers.h), reads the pipeline's feedback
  * topic, and adds to the series of `/metrics`.
 *
 * Every engine reads the whole topic, and counts the feedback of its own answers. So the sum over engines counts each answer once,
 * and there is nothing to hand over. What an engine had answered that was stopped or killed, and no feedback had come for, is not
 * counted; it is logged where the engine stops. Whoever leads experiments that learn computes their values all the same
 * (engine/learn/answer_recovery.h).
 *
 * Values of metrics that are published (struct kept_metric) are also written to the topic, as feedback of the answer
 * (engine/learn/computed_feedback.h).
 *
 * Feedback may come before its answer, as of a backlog. What names no answer that is kept waits, and is tried once more after
 * FEEDBACK_WAIT_MS; or before, if more waits than FEEDBACK_HELD_MAX or FEEDBACK_HELD_BYTES.
 *
 * It reads from the time at which it began. It goes on there after a reload, since what it keeps outlives it.
 */
#ifndef SLUICE_ENGINE_LEARN_FEEDBACK_COUNTING_H
#define SLUICE_ENGINE_LEARN_FEEDBACK_COUNTING_H

#include "experiments/outcomes/kept_answers.h"
#include "kafka/record.h"
#include "observe/answer_queue.h"
#include "observe/log_sink.h"
#include "engine/learn/held_feedback.h"

#define FEEDBACK_WAIT_MS 20000
#define FEEDBACK_HELD_MAX 100000 /* records, also those for answers of other engines */
#define FEEDBACK_HELD_BYTES ((size_t)16 << 20)

/* What outlives a service: of a pipeline, as long as the engine runs. Starts as {0}. */
struct feedback_state {
	struct kept_answers *kept;
	struct held_feedback *held; /* whose answer is not there yet */
	int64_t since_ms; /* time of the latest feedback that was read; 0: none is read yet */
	bool loss_is_logged, drop_is_logged, broken_is_logged;
};

/* Logs how many answers no feedback was counted for; `log` NULL: nothing is logged. */
void feedback_state_close(struct feedback_state *state, const char *pipeline, const struct log_sink *log);

struct feedback_counting;

struct feedback_counting_config {
	const char *brokers;
	struct properties consumer, producer;
	const char *pipeline;
	const char *feedback; /* topic */
	struct answer_queue *const *queues; /* of each worker */
	size_t queue_count;
	const struct kept_metric *metrics;
	size_t metric_count;
	struct feedback_state *state; /* no other thread uses it */
	int64_t wait_ms;	      /* FEEDBACK_WAIT_MS but for tests */
	const struct log_sink *log; /* NULL: nothing is logged */
};

/* Starts the thread. The configuration is copied; what it points to is borrowed. NULL: SYSTEM. */
struct feedback_counting *feedback_counting_open(const struct feedback_counting_config *config, struct error *error);

/* Asks the thread to stop, and does not wait. */
void feedback_counting_stop(struct feedback_counting *counting);

/* Whether the thread has ended: then a close does not wait. */
bool feedback_counting_has_ended(const struct feedback_counting *counting);

/* Stops the thread, and waits for it. NULL is fine. */
void feedback_counting_close(struct feedback_counting *counting);

#endif
