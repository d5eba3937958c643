/* kafka_log.h: The lines that librdkafka and this module have to tell beside their results: brokers that cannot be reached,
 * settings that contradict each other.
 */
#ifndef SLUICE_LOG_KAFKA_LOG_H
#define SLUICE_LOG_KAFKA_LOG_H

#include "observe/log_sink.h"

/* Each line, `Kafka: ...`, goes to the sink, from librdkafka's threads, one at a time; NULL, as at first: plain, to standard
 * error. For the whole process, and for clients already open too. When it returns, nobody is in the sink before. */
void kafka_log_to(const struct log_sink *sink);

#endif
