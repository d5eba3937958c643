/* kafka_log.h: Log lines of librdkafka and of this module, beside their results: brokers that cannot be reached,
 * settings that contradict each other. In a sink each fact is logged once in a while, and the lines between are counted; at
 * level debug they are there too.
 */
#pragma once

#include "observe/log_sink.h"

/* Sets the sink of these lines, `Kafka: ...`. They come from librdkafka's threads, one at a time. NULL, the
 * initial sink: plain, to standard error. It holds for the whole process, and for clients already open. When it
 * returns, no thread is in the previous sink. */
void kafka_log_to(const struct log_sink *sink);

/* To be called when Kafka is reachable again: logs how many of librdkafka's lines were not (kafka/repeated_lines.h), if there were
 * any, and its next line is logged whatever it tells. */
void kafka_log_recover(void);

/* Logs a line, `Kafka: ...` without its end, to the same sink. Any thread. */
void kafka_log_say(enum log_level level, const char *line);

/* The same for a line that may come again and again, or from several workers: it is logged as those of librdkafka are. */
void kafka_log_repeat(enum log_level level, const char *line);
