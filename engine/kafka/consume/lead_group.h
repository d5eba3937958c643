/* lead_group.h: Group of engines that lead: the member that Kafka assigned partition 0 of a topic leads that topic. So at most one
 * engine leads a topic, but for the moment in which Kafka takes the partition from one that stopped answering. What such an engine
 * still writes is fenced: by its transactional id, or by the generation of the group, which Kafka checks where positions are
 * committed with a membership (kafka/produce/fenced_writer.h).
 *
 * When a member comes or goes, all topics are assigned anew: a member learns by a look that it is leaving, leads until the next
 * one, and what it commits until then is accepted. A member that is closed leaves the group, and another one leads in about a
 * second; one with an instance keeps its topics until its session is over, so that a restart moves nothing.
 *
 * The positions up to which leaders have read are committed offsets of the group, with metadata. A member that is `alone` joins no
 * group, and leads all topics: no other engine runs.
 *
 * Belongs to one thread. It reads no records.
 */
#pragma once

#include "kafka/record.h"

#define LEAD_GROUP_SESSION_MS 6000
#define GROUP_ASK_MS 2000
#define GROUP_ALL_PARTITIONS (-1)
#define GROUP_END INT64_MAX

struct lead_group;

struct lead_group_config {
	const char *brokers;
	const char *group;
	const char *instance; /* of a static member, unique in the group; NULL: the member is not static */
	size_t topic_count;
	const char *const *topics;
	struct properties properties;
	bool alone; /* it leads all topics, and joins no group */
};

/* The next offset to read of a partition. */
struct fenced_position {
	const char *topic;
	int32_t partition;
	int64_t offset; /* OFFSET_NONE: none is committed */
	struct text metadata; /* bytes NULL: none */
};

struct group_place {
	int64_t committed;    /* OFFSET_NONE: none is */
	struct text metadata; /* of that */
	int64_t end;	      /* behind the records that are committed now */
};

/* What a leader needs to know of a topic. */
struct group_question {
	const char *topic;
	int32_t partition; /* GROUP_ALL_PARTITIONS: the places of all */
	int64_t time_ms;   /* the first offset of that time or later, or the end, if there is none; or GROUP_END */
	bool is_asked, is_answered; /* one that is not asked yet waits for another one of its partition */
	struct error error; /* REMOTE or SYSTEM; kind ERROR_NONE: it has an answer */
	int64_t offset;
	size_t place_count;
	struct group_place *places;
};

/* Joins the group. The configuration is borrowed; its topics may change by lead_group_follow(). NULL: CONFIG or SYSTEM. */
struct lead_group *lead_group_open(const struct lead_group_config *config, struct error *error);
void lead_group_close(struct lead_group *group); /* NULL is fine */

/* Changes the topics, which are copied. All are assigned anew, unless it follows just these. */
bool lead_group_follow(struct lead_group *group, const char *const *topics, size_t count, struct error *error);

/* Takes what Kafka has assigned and revoked since the last call. To be called every second; never waits. False: SYSTEM, the group
 * cannot be joined, for want of a right for example, or another member has the instance; the group is to be closed, and may be
 * opened again. */
bool lead_group_look(struct lead_group *group, struct error *error);

/* Whether this member leads the topic, as of the last look. */
bool lead_group_leads(const struct lead_group *group, const char *topic);

/* Whether its topics are revoked by the next look. */
bool lead_group_is_leaving(const struct lead_group *group);

/* Number of assignments so far. Where it has changed between two looks, another member may have led a topic in between. */
uint64_t lead_group_assignments(const struct lead_group *group);

/* Answers questions, all by a few requests to each broker, and waits for Kafka, GROUP_ASK_MS at most for each request. Positions
 * are given as soon as no transaction is pending that could change them. What `places` have is in the arena. The group's client
 * fetches nothing: an idle fetch would hold up what the same connection asks. */
void lead_group_ask(struct lead_group *group, struct group_question *const *questions, size_t count, struct arena *arena);

/* Commits positions of a member that is alone; others commit theirs in a transaction (kafka/produce/fenced_writer.h). False:
 * SYSTEM. */
bool lead_group_commit(struct lead_group *group, const struct fenced_position *positions, size_t count, struct error *error);
