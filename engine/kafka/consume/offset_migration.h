/* offset_migration.h: Migration of committed offsets between groups: a new group continues where a former one stopped.
 *
 * The name of the group that reads a pipeline contains its delivery, and whether it reads topics of others. When that
 * changes between two starts, another group reads the topics. Without migration it would begin at the start of its
 * topics and answer all kept requests again. Or it would begin at offsets that it committed when the delivery was
 * last the same.
 *
 * So before the group is joined, offsets are migrated. In each partition where a former group has committed more, that
 * offset is committed for the new group. All are committed in one transaction. Its producer first fences those of other
 * engines, then reads the offsets again. So of engines that start together only one migrates, and no offset is moved
 * back.
 *
 * While a member of a former group still reads such a topic, nothing is moved. Otherwise both groups would answer new
 * requests, and both would count them in the state of steps. The migration waits for the members to leave, and
 * reports that. An engine with the former files that is started later waits in the same way. That a group has no
 * member is accepted only from an answer of its coordinator; without one, nothing is moved.
 *
 * In the same transaction the former groups' commits of these partitions get a mark (kafka/consume/commit_mark.h): an engine that
  * was frozen meanwhile, and joins a former group when it comes back, does not read them. A topic that a former group still reads
 * for another pipeline gets no mark. Before the transaction is committed the members of the former groups are looked at
 * again, so one that joined before sees the mark or is waited for. A migration back removes the mark.
 *
 * An operator who resets offsets, to have requests answered again, must also reset those of the former group.
 *
 * For commands, before any worker starts: this waits for Kafka.
 */
#pragma once

#include "kafka/record.h"

#define OFFSET_MIGRATION_FORMERS_MAX 3
#define OFFSET_MIGRATION_LOOK_MS 500	 /* between two checks whether members of a former group have left */
#define OFFSET_MIGRATION_UNKNOWN_MS 5000 /* for a coordinator to report members, where members are not waited for */
#define OFFSET_MIGRATION_WAIT_MS 20000	 /* for each answer: longer than a transaction that the group's engine left open */

struct offset_migration_topic {
	const char *name;
	const char *formers[OFFSET_MIGRATION_FORMERS_MAX]; /* groups that may have read it for the pipeline; NULL: end of list */
	bool shared; /* one of them still reads it for another pipeline: its members are ignored */
};

struct offset_migration_config {
	const char *brokers;
	struct properties consumer, producer;
	const char *group;
	/* Called while members of a former group read, or its coordinator gives no answer, with the time since
	 * that began. False: the wait ends. NULL: members are not waited for. */
	bool (*waits)(void *context, const char *who, int64_t waited_ms);
	void *context;
	bool *unmarked; /* set if Kafka does not let the login mark the commits of former groups; NULL: not wanted */
};

/* `moved`: number of partitions in which the group continues where a former one stopped. Groups that Kafka does
 * not let the login see are treated as absent. REMOTE: Kafka does not answer; SYSTEM: it refuses. */
bool offset_migration_carry_out(const struct offset_migration_config *config, const struct offset_migration_topic *topics,
				size_t count, size_t *moved, struct error *error);
