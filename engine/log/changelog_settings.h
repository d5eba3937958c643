/* changelog_settings.h: settings of changelog topics by which Kafka would delete state.
 *
 * A changelog has to be compacted, and compacted only: with `delete` in its cleanup.policy Kafka
 * deletes what is older than its retention. For commands: it waits for Kafka.
 */
#ifndef SLUICE_LOG_CHANGELOG_SETTINGS_H
#define SLUICE_LOG_CHANGELOG_SETTINGS_H

#include "log/client.h"

/* Of removals, which Kafka tells for so long; snapshots are not used for longer than that. */
#define REMOVALS_TOLD_LEAST_MS ((int64_t)12 * 3600 * 1000)

enum changelog_fault {
	CHANGELOG_DELETES, /* state is, or will be, deleted: nothing may rely on it */
	CHANGELOG_FORGETS, /* a snapshot that is used may bring back what was removed */
};

/* What is wrong, in words that end with what to do. */
typedef void changelog_found(void *context, const char *topic, enum changelog_fault fault, const char *words);

/* Asks for the settings of these topics and tells of each that is wrong. A Kafka that does not
 * tell them (no right to, too old) has none that are wrong. False: memory ran out (SYSTEM). */
bool changelog_settings_look(rd_kafka_t *client, const char *const *topics, size_t count, changelog_found *found, void *context,
			     struct error *error);

#endif
