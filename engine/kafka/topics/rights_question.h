/* rights_question.h: Question which topics the login may not write any more, after a transaction was lost for want of a right:
 * librdkafka does not name a topic that could not be added to a transaction. Private to log.
 *
 * The answers come while another producer is opened. A question that was in vain, since what fails again and again has another
 * reason, is asked less and less often. Belongs to one thread.
 */
#ifndef SLUICE_KAFKA_TOPICS_RIGHTS_QUESTION_H
#define SLUICE_KAFKA_TOPICS_RIGHTS_QUESTION_H

#include <stdatomic.h>

#include "kafka/topics/write_probe.h"

/* Starts as {0}. */
struct rights_question {
	struct write_probe probe;
	int64_t due_ms;	  /* when it may be asked again */
	int64_t pause_ms; /* the pause before; 0: it was not in vain */
};

/* Asks Kafka about each topic, unless it is asked already, or too soon. */
void rights_question_ask(struct rights_question *question, const struct transaction_config *config, const char *const *names,
			 size_t count);

/* Whether it is asked. */
bool rights_question_waits(const struct rights_question *question);

/* Waits at most so long for the answers, or until `stopping`. */
void rights_question_wait(struct rights_question *question, int timeout_ms, const atomic_bool *stopping);

/* Whether the right to a topic is missing, by its number. */
bool rights_question_lacks(const struct rights_question *question, uint32_t topic);

/* Forgets the answers. It was in vain if the login has the right to all of the `count` topics. */
void rights_question_end(struct rights_question *question, size_t count);

/* The same of a question whose answers do not matter any more. */
void rights_question_drop(struct rights_question *question);

/* A transaction was committed: the next question may be asked at once. */
void rights_question_committed(struct rights_question *question);

#endif
