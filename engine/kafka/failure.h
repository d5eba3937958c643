/* failure.h: Meaning of an error of librdkafka or of a broker. Pure; private to log. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* Whether a read may be retried: Kafka is unreachable, or the partition has no leader yet, as in a new topic. */
bool failure_is_passing(rd_kafka_resp_err_t code);

/* Whether the broker does not show a topic or a partition. It will show it later if the topic is new, or the
 * broker has just started. */
bool failure_is_absence(rd_kafka_resp_err_t code);

/* Whether Kafka, or its producer, refused a record or its batch as too large. */
bool failure_is_of_size(rd_kafka_resp_err_t code);

/* Whether the login lacks a right, and what to do then, as the end of a sentence; "": it lacks none. */
bool failure_is_denial(rd_kafka_resp_err_t code);
const char *failure_advice(rd_kafka_resp_err_t code);

/* Whether another client would get the same error: a missing right, or a wrong setting. */
bool failure_is_lasting(rd_kafka_resp_err_t code);
