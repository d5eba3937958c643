/* topic_settings.h: Settings of topics as the brokers have them, read by the admin API.
 *
 * For commands, before any worker starts: these calls wait for Kafka.
 */
#ifndef SLUICE_LOG_TOPIC_SETTINGS_H
#define SLUICE_LOG_TOPIC_SETTINGS_H

#include <librdkafka/rdkafka.h>

#include "log/record.h"

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

/* The same by an open client. False: memory ran out (SYSTEM). */
bool topic_settings_ask(rd_kafka_t *client, const char *const *names, size_t count, topic_setting_seen *seen, void *context,
			struct error *error);

#endif
