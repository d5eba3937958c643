/* relay_protocol.h: Kafka requests and responses that the relay in front of the embedded broker answers or changes,
 * as bytes. Private to the relay (relay.h); pure.
 *
 * librdkafka's mock supports early versions of few requests. So ApiVersions is answered here, in every version, with
 * the supported versions. DescribeConfigs and CreateTopics are answered here too, since the mock does not have them.
 * Metadata of versions 3 and 4 is sent to the mock as version 2. In Metadata and FindCoordinator the relay's address
 * replaces the broker's.
 */
#pragma once

#include "base/text.h"

enum relay_api {
	RELAY_PRODUCE = 0,
	RELAY_METADATA = 3,
	RELAY_FIND_COORDINATOR = 10,
	RELAY_API_VERSIONS = 18,
	RELAY_CREATE_TOPICS = 19,
	RELAY_DESCRIBE_CONFIGS = 32,
};

#define RELAY_PARTITIONS_MAX 1000 /* of a topic that a client creates */

/* Start of every request, after its length. */
struct relay_request {
	int16_t api, version;
	int32_t correlation;
	struct text header; /* the whole header, with the client's name; empty: this is no valid request */
	struct text body;
};

struct relay_request relay_request_read(struct text frame);

/* Whether the broker's answer to a produce request is not sent to the client (acks 0). */
bool relay_is_silent(const struct relay_request *request);

/* Creates a topic with so many partitions. Returns one of Kafka's error codes; 0: it is created. */
struct relay_topics {
	int16_t (*make)(void *context, struct text name, int32_t partitions);
	void *context;
};

/* Appends the whole answer, with its length. False: the request is not answered here. */
bool relay_answer(const struct relay_request *request, const struct relay_topics *topics, struct buffer *out);

/* Appends the request to the broker, with its length. `all`: the request is for all topics, because the client
 * does not want missing topics created. */
void relay_ask(const struct relay_request *request, bool *all, struct buffer *out);

/* Appends the broker's answer, with its length, and with `host` and `port` in place of the broker's. `request` is
 * the client's. If `all` topics were requested, only those that the client's request names are kept. False: it
 * cannot be parsed. */
bool relay_change(const struct relay_request *request, bool all, struct text response, const char *host, int32_t port,
		  struct buffer *out);
