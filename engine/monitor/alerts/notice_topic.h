/* notice_topic.h: Writer of notices to a pipeline's topic. Its calls wait for Kafka: for the notifier's thread.
 *
 * Notices are rare, so each has a client of its own, and nothing is kept between two.
 */
#pragma once

#include <stdatomic.h>

#include "kafka/record.h"
#include "net/http/post.h"

struct notice_topic_config {
	const char *brokers;
	struct properties producer;
};

/* Writes a record and waits until Kafka has it, at most POST_MS. `given_up`: as of a struct post_request. POST_REFUSED: Kafka would
 * refuse it each time, as it is too large for the topic, or invalid. */
enum post_outcome notice_topic_write(const struct notice_topic_config *config, const char *topic, struct text key,
				     struct text value, const atomic_bool *given_up, struct error *error);
