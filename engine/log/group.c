/* group.c: see group.h. */
#include "log/group.h"

#include <stdbool.h>
#include <string.h>

#include "log/client.h"

#define ANSWER_WAIT_MS 5000 /* then it is asked again */

static bool has_topic(const rd_kafka_topic_partition_list_t *list, const char *topic)
{
	for (int i = 0; i < list->cnt; i++)
		if (strcmp(list->elems[i].topic, topic) == 0)
			return true;
	return false;
}

static bool has_all_topics(const rd_kafka_topic_partition_list_t *list, const rd_kafka_topic_partition_list_t *wanted)
{
	for (int i = 0; i < wanted->cnt; i++)
		if (!has_topic(list, wanted->elems[i].topic))
			return false;
	return true;
}

static bool is_dealt_out(const rd_kafka_ConsumerGroupDescription_t *group, const char *topic)
{
	for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); i++) {
		const rd_kafka_MemberAssignment_t *assignment =
			rd_kafka_MemberDescription_assignment(rd_kafka_ConsumerGroupDescription_member(group, i));
		if (assignment && has_topic(rd_kafka_MemberAssignment_partitions(assignment), topic))
			return true;
	}
	return false;
}

/* One that is not settled is about to deal out anew by itself. */
static bool leaves_out(rd_kafka_event_t *answer, const rd_kafka_topic_partition_list_t *wanted)
{
	size_t count = 0;
	const rd_kafka_DescribeConsumerGroups_result_t *result = rd_kafka_event_DescribeConsumerGroups_result(answer);
	const rd_kafka_ConsumerGroupDescription_t **groups =
		result ? rd_kafka_DescribeConsumerGroups_result_groups(result, &count) : NULL;
	if (count != 1 || rd_kafka_ConsumerGroupDescription_error(groups[0]) ||
	    rd_kafka_ConsumerGroupDescription_state(groups[0]) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE)
		return false;
	for (int i = 0; i < wanted->cnt; i++)
		if (!is_dealt_out(groups[0], wanted->elems[i].topic))
			return true;
	return false;
}

static bool request(rd_kafka_t *client, const char *group, rd_kafka_queue_t *answers)
{
	char words[LIBRARY_TEXT_MAX];
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
	if (!options)
		return false;
	(void)rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_WAIT_MS, words, sizeof words);
	rd_kafka_DescribeConsumerGroups(client, &group, 1, options, answers);
	rd_kafka_AdminOptions_destroy(options);
	return true;
}

rd_kafka_queue_t *group_ask(rd_kafka_t *client, const char *group, int bell)
{
	rd_kafka_topic_partition_list_t *wanted = NULL, *given = NULL;
	(void)rd_kafka_subscription(client, &wanted);
	(void)rd_kafka_assignment(client, &given);
	rd_kafka_queue_t *answers = wanted && given && !has_all_topics(given, wanted) ? rd_kafka_queue_new(client) : NULL;
	if (wanted)
		rd_kafka_topic_partition_list_destroy(wanted);
	if (given)
		rd_kafka_topic_partition_list_destroy(given);
	if (!answers)
		return NULL;
	client_queue_ring(answers, bell);
	if (request(client, group, answers))
		return answers;
	client_queue_forget(answers);
	return NULL;
}

static rd_kafka_resp_err_t join_anew(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *wanted)
{
	rd_kafka_resp_err_t code = rd_kafka_unsubscribe(client);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_subscribe(client, wanted) : code;
}

bool group_hear(rd_kafka_t *client, const char *group, rd_kafka_queue_t *answers, rd_kafka_resp_err_t *code)
{
	*code = RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_event_t *answer = rd_kafka_queue_poll(answers, 0);
	if (!answer)
		return false;
	bool again = rd_kafka_event_error(answer) == RD_KAFKA_RESP_ERR__TIMED_OUT && request(client, group, answers);
	rd_kafka_topic_partition_list_t *wanted = NULL;
	if (!again && rd_kafka_subscription(client, &wanted) == RD_KAFKA_RESP_ERR_NO_ERROR) {
		if (leaves_out(answer, wanted))
			*code = join_anew(client, wanted);
		rd_kafka_topic_partition_list_destroy(wanted);
	}
	rd_kafka_event_destroy(answer);
	return !again;
}
