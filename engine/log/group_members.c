/* group_members.c: see group_members.h. */
#include "log/group_members.h"

#include <stdio.h>
#include <string.h>

static bool is_among(const char *topic, const char *const *topics, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(topics[i], topic) == 0)
			return true;
	return false;
}

static bool member_reads(const rd_kafka_MemberDescription_t *member, const char *const *topics, size_t count,
			 char who[GROUP_MEMBER_TEXT_MAX])
{
	const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(member);
	const rd_kafka_topic_partition_list_t *list = assignment ? rd_kafka_MemberAssignment_partitions(assignment) : NULL;
	const char *instance = rd_kafka_MemberDescription_group_instance_id(member);
	for (int i = 0; list && i < list->cnt; i++) {
		if (!is_among(list->elems[i].topic, topics, count))
			continue;
		(void)snprintf(who, GROUP_MEMBER_TEXT_MAX, "%.64s at %.64s reads %.100s",
			       instance ? instance : rd_kafka_MemberDescription_consumer_id(member),
			       rd_kafka_MemberDescription_host(member), list->elems[i].topic);
		return true;
	}
	return false;
}

static enum members_found members_look(const rd_kafka_ConsumerGroupDescription_t *group, const char *const *topics, size_t count,
				       char who[GROUP_MEMBER_TEXT_MAX])
{
	size_t members = rd_kafka_ConsumerGroupDescription_member_count(group);
	rd_kafka_consumer_group_state_t state = rd_kafka_ConsumerGroupDescription_state(group);
	if (rd_kafka_ConsumerGroupDescription_error(group) || members == 0)
		return MEMBERS_NONE;
	for (size_t i = 0; i < members; i++)
		if (member_reads(rd_kafka_ConsumerGroupDescription_member(group, i), topics, count, who))
			return MEMBERS_READ;
	bool moves = state == RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE ||
		     state == RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE;
	return moves ? MEMBERS_UNKNOWN : MEMBERS_NONE;
}

enum members_found group_members_find(rd_kafka_t *client, const char *group, const char *const *topics, size_t count,
				      char who[GROUP_MEMBER_TEXT_MAX])
{
	size_t groups = 0;
	enum members_found found = MEMBERS_NONE;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_DescribeConsumerGroups(client, &group, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, GROUP_MEMBERS_WAIT_MS);
	if (event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
		const rd_kafka_ConsumerGroupDescription_t **described = rd_kafka_DescribeConsumerGroups_result_groups(
			rd_kafka_event_DescribeConsumerGroups_result(event), &groups);
		if (groups == 1)
			found = members_look(described[0], topics, count, who);
	}
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	return found;
}
