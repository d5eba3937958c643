/* said.h: what librdkafka says by itself, beside what it answers: brokers that it cannot
 * reach, settings that contradict each other.
 */
#ifndef SLUICE_LOG_SAID_H
#define SLUICE_LOG_SAID_H

/* Each line, `Kafka: ...` without its end, goes to `print`, from librdkafka's threads; NULL, as
 * at first: to standard error. For the whole process, and for clients already open too. */
void kafka_said_by(void (*print)(const char *line));

#endif
