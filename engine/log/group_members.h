/* group_members.h: Members of a consumer group, as its coordinator describes them: whether they read topics.
 *
 * These calls wait for Kafka: they are for commands, and for threads of their own. All that is asked of groups begins here:
 * librdkafka's DescribeConsumerGroups frees what a later answer still uses (2.0.2) behind a broker that does not know the
 * question, as that of `sluice dev`.
 */
#ifndef SLUICE_LOG_GROUP_MEMBERS_H
#define SLUICE_LOG_GROUP_MEMBERS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "log/record.h"

#define GROUP_MEMBERS_WAIT_MS 2000 /* for the answers of all brokers: one that is dead gives none, and is not the coordinator */
#define GROUP_MEMBER_TEXT_MAX 256

enum members_found {
	MEMBERS_NONE,	 /* nobody reads them, or the login may not see it, or this Kafka does not know the question */
	MEMBERS_READ,	 /* `who` names one, and the topic */
	MEMBERS_UNKNOWN, /* the group rebalances, or its coordinator has just begun, as `who` says: to be asked again */
	MEMBERS_UNSEEN,	 /* a broker gave no answer, and no other has the group: nobody reads them if its coordinator is another */
};

/* Whether a member of the group reads one of the topics. */
enum members_found group_members_find(rd_kafka_t *client, const char *group, const char *const *topics, size_t count,
				      char who[GROUP_MEMBER_TEXT_MAX]);

/* Whether its members read all of the topics. MEMBERS_NONE: the group is stable, and one of them is given to nobody;
 * MEMBERS_UNKNOWN also where the group cannot be seen, or Kafka does not know the question. */
enum members_found group_members_cover(rd_kafka_t *client, const char *group, const char *const *topics, size_t count);

/* Whether this Kafka answers questions about groups, as far as it says so in time. */
bool group_members_are_known(rd_kafka_t *client, const char *group);

#endif
