/* group_members.c: Members of groups, by librdkafka's older call; see group_members.h, also for the reason. */
#include "kafka/consume/group_members.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define UNIQUE_CHARACTERS 37 /* that Kafka adds to the name of a static member: a hyphen and a UUID */

/* The assignment of a member, as Kafka's own assignors write it: a version, then topics, each with its partitions. */
struct group_assignment {
	const unsigned char *at, *end;
};

static bool assignment_skip(struct group_assignment *assignment, size_t length)
{
	if ((size_t)(assignment->end - assignment->at) < length)
		return false;
	assignment->at += length;
	return true;
}

static bool assignment_short(struct group_assignment *assignment, size_t *value)
{
	uint16_t wire;
	if (!assignment_skip(assignment, sizeof wire))
		return false;
	memcpy(&wire, assignment->at - sizeof wire, sizeof wire);
	*value = be16toh(wire);
	return true;
}

static bool assignment_long(struct group_assignment *assignment, size_t *value)
{
	uint32_t wire;
	if (!assignment_skip(assignment, sizeof wire))
		return false;
	memcpy(&wire, assignment->at - sizeof wire, sizeof wire);
	*value = be32toh(wire);
	return true;
}

/* The first topic of the assignment that is in the list; NULL: none is, or the assignment has another format. */
static const char *assignment_find(struct group_assignment assignment, const char *const *topics, size_t count)
{
	size_t version, names, length, partitions;
	if (!assignment_short(&assignment, &version) || !assignment_long(&assignment, &names))
		return NULL;
	while (names-- > 0) {
		if (!assignment_short(&assignment, &length) || !assignment_skip(&assignment, length))
			return NULL;
		const char *name = (const char *)assignment.at - length;
		if (!assignment_long(&assignment, &partitions) || !assignment_skip(&assignment, partitions * sizeof(int32_t)))
			return NULL;
		for (size_t i = 0; partitions > 0 && i < count; i++)
			if (strlen(topics[i]) == length && memcmp(topics[i], name, length) == 0)
				return topics[i];
	}
	return NULL;
}

static bool member_reads(const struct rd_kafka_group_member_info *member, const char *const *topics, size_t count,
			 char who[GROUP_MEMBER_TEXT_MAX])
{
	const unsigned char *bytes = member->member_assignment;
	size_t size = member->member_assignment_size > 0 ? (size_t)member->member_assignment_size : 0;
	if (!bytes) /* while the group rebalances */
		return false;
	const char *topic = assignment_find((struct group_assignment){bytes, bytes + size}, topics, count);
	if (!topic)
		return false;
	size_t length = strlen(member->member_id);
	if (length > UNIQUE_CHARACTERS && member->member_id[length - UNIQUE_CHARACTERS] == '-')
		length -= UNIQUE_CHARACTERS;
	(void)snprintf(who, GROUP_MEMBER_TEXT_MAX, "%.*s at %.64s reads %.100s", length < 64 ? (int)length : 64, member->member_id,
		       member->client_host, topic);
	return true;
}

static enum members_found members_look(const struct rd_kafka_group_info *group, const char *const *topics, size_t count,
				       char who[GROUP_MEMBER_TEXT_MAX])
{
	if (group->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
		return MEMBERS_NONE;
	(void)snprintf(who, GROUP_MEMBER_TEXT_MAX, "%s", group->err ? rd_kafka_err2str(group->err) : "it rebalances");
	if (group->err)
		return MEMBERS_UNKNOWN;
	for (int i = 0; i < group->member_cnt; i++)
		if (member_reads(&group->members[i], topics, count, who))
			return MEMBERS_READ;
	bool moves = strcmp(group->state, "PreparingRebalance") == 0 || strcmp(group->state, "CompletingRebalance") == 0;
	return moves && group->member_cnt > 0 ? MEMBERS_UNKNOWN : MEMBERS_NONE;
}

/* Whether each topic is assigned to a member. */
static bool members_cover(const struct rd_kafka_group_info *group, const char *const *topics, size_t count)
{
	char who[GROUP_MEMBER_TEXT_MAX];
	for (size_t i = 0; i < count; i++) {
		bool read = false;
		for (int j = 0; !read && j < group->member_cnt; j++)
			read = member_reads(&group->members[j], &topics[i], 1, who);
		if (!read)
			return false;
	}
	return true;
}

/* The description of the group, in the returned list. Both may be NULL. */
static const struct rd_kafka_group_list *group_describe(rd_kafka_t *client, const char *group,
							const struct rd_kafka_group_info **found, rd_kafka_resp_err_t *code)
{
	const struct rd_kafka_group_list *groups = NULL;
	*found = NULL;
	*code = rd_kafka_list_groups(client, group, &groups, GROUP_MEMBERS_WAIT_MS);
	for (int i = 0; groups && i < groups->group_cnt; i++)
		if (strcmp(groups->groups[i].group, group) == 0)
			*found = &groups->groups[i];
	return groups;
}

static bool is_answer(rd_kafka_resp_err_t code)
{
	return !code || code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
}

enum members_found group_members_find(rd_kafka_t *client, const char *group, const char *const *topics, size_t count,
				      char who[GROUP_MEMBER_TEXT_MAX])
{
	const struct rd_kafka_group_info *described;
	rd_kafka_resp_err_t code;
	const struct rd_kafka_group_list *groups = group_describe(client, group, &described, &code);
	enum members_found found = described	     ? members_look(described, topics, count, who)
				   : is_answer(code) ? MEMBERS_NONE
						     : MEMBERS_UNSEEN;
	if (groups)
		rd_kafka_group_list_destroy(groups);
	return found;
}

enum members_found group_members_cover(rd_kafka_t *client, const char *group, const char *const *topics, size_t count)
{
	const struct rd_kafka_group_info *described;
	rd_kafka_resp_err_t code;
	const struct rd_kafka_group_list *groups = group_describe(client, group, &described, &code);
	enum members_found found = described || is_answer(code) ? MEMBERS_UNKNOWN : MEMBERS_UNSEEN;
	if (described && !described->err && strcmp(described->state, "Stable") == 0)
		found = members_cover(described, topics, count) ? MEMBERS_READ : MEMBERS_NONE;
	if (groups)
		rd_kafka_group_list_destroy(groups);
	return found;
}

/* The id of a static member begins with its instance id. */
static bool is_instance(const struct rd_kafka_group_member_info *member, const char *instance)
{
	const size_t length = strlen(instance);
	return strlen(member->member_id) == length + UNIQUE_CHARACTERS && memcmp(member->member_id, instance, length) == 0 &&
	       member->member_id[length] == '-';
}

/* Java writes an address without a name as "/10.0.0.5". */
static bool host_find(const struct rd_kafka_group_info *group, const char *instance, char host[GROUP_MEMBER_TEXT_MAX])
{
	for (int i = 0; i < group->member_cnt; i++) {
		const char *address = group->members[i].client_host;
		if (!address || !is_instance(&group->members[i], instance))
			continue;
		(void)snprintf(host, GROUP_MEMBER_TEXT_MAX, "%s", address[0] == '/' ? address + 1 : address);
		return host[0];
	}
	return false;
}

bool group_members_host(rd_kafka_t *client, const char *group, const char *instance, char host[GROUP_MEMBER_TEXT_MAX])
{
	const struct rd_kafka_group_info *described;
	rd_kafka_resp_err_t code;
	const struct rd_kafka_group_list *groups = group_describe(client, group, &described, &code);
	bool found = described && !described->err && host_find(described, instance, host);
	if (groups)
		rd_kafka_group_list_destroy(groups);
	return found;
}

bool group_members_are_known(rd_kafka_t *client, const char *group)
{
	const struct rd_kafka_group_info *described;
	rd_kafka_resp_err_t code;
	const struct rd_kafka_group_list *groups = group_describe(client, group, &described, &code);
	if (groups)
		rd_kafka_group_list_destroy(groups);
	return code != RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
}
