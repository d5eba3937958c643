/* changelog_settings.h: Check of the settings of changelog topics by which Kafka would delete state.
 *
 * A changelog must be compacted, and only compacted: with `delete` in its cleanup.policy Kafka deletes records that
 * are older than its retention. For commands: it waits for Kafka.
 */
#pragma once

#include "kafka/client.h"

/* Least time for which Kafka must keep tombstones of removed keys. Snapshots are not used when they are older than
 * that. */
#define REMOVALS_KEPT_LEAST_MS ((int64_t)12 * 3600 * 1000)

enum changelog_fault {
	CHANGELOG_DELETES, /* state is deleted, or will be: it cannot be relied on */
	CHANGELOG_FORGETS, /* a snapshot in use may restore keys that were removed */
};

/* Reports one wrong setting, in words that end with what to do. */
typedef void changelog_found(void *context, const char *topic, enum changelog_fault fault, const char *words);

/* Reads the settings of these topics and reports each wrong one. If Kafka does not show them (no right to, too
 * old), none is reported. False: memory ran out (SYSTEM). */
bool changelog_settings_look(rd_kafka_t *client, const char *const *topics, size_t count, changelog_found *found, void *context,
			     struct error *error);
