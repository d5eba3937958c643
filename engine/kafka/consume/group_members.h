/* group_members.h: Members of a consumer group, as its coordinator describes them, and the topics that they read.
 *
 * These calls wait for Kafka: they are for commands, and for threads of their own. All requests about groups are made
 * here, by librdkafka's older call. Its DescribeConsumerGroups (2.0.2) frees memory that a later answer still uses,
 * when the broker does not support the request, as that of `sluice dev`.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "kafka/record.h"

#define GROUP_MEMBERS_WAIT_MS 2000 /* for the answers of all brokers; a dead one gives none, and is not the coordinator */
#define GROUP_MEMBER_TEXT_MAX 256

enum members_found {
	MEMBERS_NONE,	 /* no member reads them, or the login may not see the group, or this Kafka does not support the request */
	MEMBERS_READ,	 /* a member reads one: `who` has the member and the topic */
	MEMBERS_UNKNOWN, /* the group rebalances, or its coordinator has just started, as `who` describes: try again */
	MEMBERS_UNSEEN,	 /* a broker gave no answer, and no other has the group: unread, unless that broker is its coordinator */
};

/* Whether a member of the group reads one of the topics. */
enum members_found group_members_find(rd_kafka_t *client, const char *group, const char *const *topics, size_t count,
				      char who[GROUP_MEMBER_TEXT_MAX]);

/* Whether the members of the group read all of the topics. MEMBERS_NONE: the group is stable, and no member reads
 * one of them. MEMBERS_UNKNOWN also if the group cannot be seen, or Kafka does not support the request. */
enum members_found group_members_cover(rd_kafka_t *client, const char *group, const char *const *topics, size_t count);

/* Whether a member of the group has that `group.instance.id`: then `host` has its address, as its broker sees it. */
bool group_members_host(rd_kafka_t *client, const char *group, const char *instance, char host[GROUP_MEMBER_TEXT_MAX]);

/* Whether this Kafka supports requests about groups, if it answers in time. */
bool group_members_are_known(rd_kafka_t *client, const char *group);
