/* control_topics.h: Topics of a namespace's control plane: their names, their creation, and the check of their settings.
 *
 *   <prefix>.<namespace>.control     what the keeper decided; compacted, written by the keeper alone
 *   <prefix>.<namespace>.proposals   what appliers propose
 *   <prefix>.<namespace>.status      beats of the keeper, reports of engines, status of pipelines (observe/status.h)
 *   <prefix>.<namespace>.feed        what observers write, and what outlasts engines of alerts; compacted
 *   <prefix>.<namespace>.artifacts   files that documents name (control/artifacts/artifact.h); compacted
 *
 * Each has one partition. `status` existed before the control plane. Its readers ignore records of other forms.
 */
#pragma once

#include "kafka/topics/topic_setup.h"

struct control_topics {
	const char *prefix; /* of all of them; borrowed */
	const char *control, *proposals, *status, *feed, *artifacts;
	const char *keeper; /* transactional id of the keeper, and the group that commits the offset of proposals */
};

/* CONFIG: it is no name of a namespace. */
bool namespace_check(const char *namespace, struct error *error);

/* Sets the names, in the arena. CONFIG: `namespace` is no name of a namespace. */
bool control_topics_name(struct control_topics *topics, const char *prefix, const char *namespace, struct arena *arena,
			 struct error *error);

/* Ensures that all of them but `artifacts` exist as they must be. With `create`, missing ones are created; `replication` 0 is the
 * broker's default. CONFIG: a topic is missing, has several partitions, would lose records, or was deleted; the error
 * names the command. SYSTEM: Kafka does not answer. Waits for Kafka. */
bool control_topics_ensure(const struct control_topics *topics, const char *brokers, struct properties properties,
			   int64_t replication, bool create, struct error *error);

/* The same without creating any. Once `stopping` is set, it waits some seconds only. NULL: it never is. */
bool control_topics_check(const struct control_topics *topics, const char *brokers, struct properties properties,
			  const atomic_bool *stopping, struct error *error);

/* Ensures the same of `artifacts`, which an applier needs only if documents name files: engines of former versions have none. */
bool control_topics_ensure_artifacts(const struct control_topics *topics, const char *brokers, struct properties properties,
				     int64_t replication, bool create, struct error *error);
