/* group_members.h: members of a consumer group, as its coordinator describes them: whether one of them reads topics.
 *
 * For commands, before any worker starts: it waits for Kafka.
 */
#ifndef SLUICE_LOG_GROUP_MEMBERS_H
#define SLUICE_LOG_GROUP_MEMBERS_H

#include <librdkafka/rdkafka.h>

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

#endif
