/* computed_feedback.h: Computed feedback: values of metrics that an engine has computed by feedback, written to the feedback topic,
 * so that learners of bandits and rollouts read them as if the caller had sent them. Their feedback_id is FEEDBACK_COMPUTED.
 *
 * A value may be written twice: whoever joins feedback counts the first one. Writing waits for nothing. Closing waits for Kafka, at
 * most COMPUTED_CLOSE_MS. What Kafka does not take is logged and lost.
 *
 * Belongs to one thread.
 */
#ifndef SLUICE_ENGINE_LEARN_COMPUTED_FEEDBACK_H
#define SLUICE_ENGINE_LEARN_COMPUTED_FEEDBACK_H

#include "kafka/record.h"
#include "message/records/feedback.h"
#include "observe/log_sink.h"

#define COMPUTED_CLOSE_MS 5000

struct computed_feedback;

struct computed_feedback_config {
	const char *brokers;
	struct properties producer;
	const char *feedback; /* topic */
	const struct log_sink *log; /* NULL: nothing is logged */
};

/* Everything in the configuration is borrowed. NULL: CONFIG or SYSTEM. */
struct computed_feedback *computed_feedback_open(const struct computed_feedback_config *config, struct error *error);
void computed_feedback_close(struct computed_feedback *computed); /* NULL is fine */

/* Writes the values for the answer of that feedback, with its time. */
void computed_feedback_write(struct computed_feedback *computed, const struct feedback *feedback,
			     const struct feedback_metric *values, size_t count);

/* Learns what Kafka has taken. */
void computed_feedback_turn(struct computed_feedback *computed);

#endif
