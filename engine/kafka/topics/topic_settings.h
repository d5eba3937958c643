/* topic_settings.h: Settings of topics as the brokers have them, read by the admin API.
 *
 * For commands, before any worker starts: these calls wait for Kafka.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "kafka/record.h"

#define TOPIC_SETTINGS_AT_ONCE 200    /* topics of one request: Kafka answers with some KiB for each */
#define TOPIC_SETTINGS_WAIT_MS 10000 /* for each answer */

/* Receives one setting of a topic, which is given by its index among the names. `value` is NULL if Kafka does not
 * show it. */
typedef void topic_setting_seen(void *context, size_t topic, const char *name, const char *value);

/* Calls `seen` for each setting of each topic. Left out are topics that do not exist, and those that the login may
 * not describe (DescribeConfigs). So are the topics of a request that Kafka does not answer. False: CONFIG (a
 * client cannot be opened) or SYSTEM (memory ran out). */
bool topic_settings_read(const char *brokers, struct properties properties, const char *const *names, size_t count,
			 topic_setting_seen *seen, void *context, struct error *error);

/* Whether the setting is max.message.bytes, the largest batch of records that the topic accepts; `*bytes` is above 0. */
bool topic_setting_record_bytes(const char *name, const char *value, size_t *bytes);

/* A wait for answers that another thread may end. */
struct settings_wait {
	const atomic_bool *stopping; /* ends the wait within TOPIC_SETTINGS_STOP_MS */
	bool is_unanswered;	     /* it ended before Kafka had answered all requests */
};
#define TOPIC_SETTINGS_STOP_MS 2000 /* metadata is asked again then: librdkafka cannot end a request for it */

/* As topic_settings_read(), by an open client, with such a wait; NULL: nothing ends it. A request that Kafka refuses is answered.
 * False: memory ran out (SYSTEM). */
bool topic_settings_await(rd_kafka_t *client, const char *const *names, size_t count, topic_setting_seen *seen, void *context,
			  struct settings_wait *wait, struct error *error);

/* Kafka's metadata of all topics, or of those that the client knows; to be destroyed by rd_kafka_metadata_destroy(). NULL: Kafka
 * has not answered. */
const struct rd_kafka_metadata *topic_metadata_await(rd_kafka_t *client, bool all, struct settings_wait *wait);
