/* lead_group.h: Group of engines that lead: the member that Kafka assigned partition 0 of a topic leads that topic. So at most one
 * engine leads a topic, but for the moment in which Kafka takes the partition from one that stopped answering. What such an engine
 * still writes is fenced: by its transactional id, or by the generation of the group, which Kafka checks where positions are
 * committed with a membership (kafka/produce/fenced_writer.h).
 *
 * When a member comes or goes, all topics are assigned anew. A member that is closed leaves the group, and another one leads in
 * about a second; one with an instance keeps its topics until its session is over, so that a restart moves nothing.
 *
 * Belongs to one thread. It reads no records.
 */
#ifndef SLUICE_KAFKA_CONSUME_LEAD_GROUP_H
#define SLUICE_KAFKA_CONSUME_LEAD_GROUP_H

#include "kafka/record.h"

#define LEAD_GROUP_SESSION_MS 6000

struct lead_group;

struct lead_group_config {
	const char *brokers;
	const char *group;
	const char *instance; /* of a static member, unique in the group; NULL: the member is not static */
	size_t topic_count;
	const char *const *topics;
	struct properties properties;
};

/* Joins the group. The configuration is borrowed; its topics may change by lead_group_follow(). NULL: CONFIG or SYSTEM. */
struct lead_group *lead_group_open(const struct lead_group_config *config, struct error *error);
void lead_group_close(struct lead_group *group); /* NULL is fine */

/* Changes the topics, which are copied. All are assigned anew. */
bool lead_group_follow(struct lead_group *group, const char *const *topics, size_t count, struct error *error);

/* Takes what Kafka has assigned and revoked since the last call. To be called every second; never waits. False: SYSTEM, the group
 * cannot be joined, for want of a right for example, or another member has the instance; the group is to be closed, and may be
 * opened again. */
bool lead_group_look(struct lead_group *group, struct error *error);

/* Whether this member leads the topic, as of the last look. */
bool lead_group_leads(const struct lead_group *group, const char *topic);

/* Number of assignments so far. Where it has changed between two looks, another member may have led a topic in between. */
uint64_t lead_group_assignments(const struct lead_group *group);

/* Looks, for a member of one topic that joins the group at the first call, and again after a failure. `*group` is NULL while it has
 * not joined. */
bool lead_group_seek(struct lead_group **group, const struct lead_group_config *config, bool *held, struct error *error);

#endif
