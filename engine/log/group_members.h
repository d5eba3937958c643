/* group_members.h: members of a consumer group, as its coordinator describes them: whether one of them reads topics.
 *
 * For commands, before any worker starts: it waits for Kafka.
 */
#ifndef SLUICE_LOG_GROUP_MEMBERS_H
#define SLUICE_LOG_GROUP_MEMBERS_H

#include <librdkafka/rdkafka.h>

#include "log/record.h"

#define GROUP_MEMBERS_WAIT_MS 10000 /* for the coordinator's answer */
#define GROUP_MEMBER_TEXT_MAX 256

enum members_found {
	MEMBERS_NONE,	 /* nobody reads them, or the login may not see it, or no answer came */
	MEMBERS_READ,	 /* `who` names one, and the topic */
	MEMBERS_UNKNOWN, /* the group rebalances: who reads what is said soon */
};

/* Whether a member of the group reads one of the topics. */
enum members_found group_members_find(rd_kafka_t *client, const char *group, const char *const *topics, size_t count,
				      char who[GROUP_MEMBER_TEXT_MAX]);

#endif
