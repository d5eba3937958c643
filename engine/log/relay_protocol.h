/* relay_protocol.h: Kafka requests and responses that the relay in front of the embedded broker answers or
 * changes, as bytes. The relay's own (relay.h); pure.
 *
 * librdkafka's mock speaks early versions of few requests. So ApiVersions is answered here, in every version,
 * with what is offered; so are DescribeConfigs and CreateTopics, which the mock has not. Metadata of
 * versions 3 and 4 is put to it as version 2. In Metadata and FindCoordinator the broker's address
 * becomes the relay's.
 */
#ifndef SLUICE_LOG_RELAY_PROTOCOL_H
#define SLUICE_LOG_RELAY_PROTOCOL_H

#include "base/text.h"

enum relay_api {
	RELAY_PRODUCE = 0,
	RELAY_METADATA = 3,
	RELAY_FIND_COORDINATOR = 10,
	RELAY_API_VERSIONS = 18,
	RELAY_CREATE_TOPICS = 19,
	RELAY_DESCRIBE_CONFIGS = 32,
};

#define RELAY_PARTITIONS_MAX 1000 /* of a topic that a client makes */

/* What every request begins with, behind its length. */
struct relay_request {
	int16_t api, version;
	int32_t correlation;
	struct text header; /* all of it, the client's name too; empty: the request is none */
	struct text body;
};

struct relay_request relay_request_read(struct text frame);

/* Whether the broker's answer to a request to produce is not for the client (acks 0). */
bool relay_is_silent(const struct relay_request *request);

/* Makes a topic of so many partitions; gives one of Kafka's error codes, 0: it is made. */
struct relay_topics {
	int16_t (*make)(void *context, struct text name, int32_t partitions);
	void *context;
};

/* Appends the whole answer, with its length. False: the request is not one that is answered here. */
bool relay_answer(const struct relay_request *request, const struct relay_topics *topics, struct buffer *out);

/* Appends the request, with its length, as the broker is asked it. `all`: it asks for all topics, because the client
 * wants none made by asking. */
void relay_ask(const struct relay_request *request, bool *all, struct buffer *out);

/* Appends what the broker answered, with its length, with `host` and `port` for the broker's. `request` is the
 * client's; where `all` topics were asked for, those that it names are taken out. False: it cannot be read. */
bool relay_change(const struct relay_request *request, bool all, struct text response, const char *host, int32_t port,
		  struct buffer *out);

#endif
