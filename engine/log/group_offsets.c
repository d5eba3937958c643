/* group_offsets.c: see group_offsets.h. */
#include "log/group_offsets.h"

#include "log/client.h"

/* False: the event has not all of them. */
static bool offsets_take(rd_kafka_event_t *event, rd_kafka_topic_partition_list_t *list)
{
	size_t count = 0;
	const rd_kafka_ListConsumerGroupOffsets_result_t *result =
		rd_kafka_event_error(event) ? NULL : rd_kafka_event_ListConsumerGroupOffsets_result(event);
	const rd_kafka_group_result_t **groups = result ? rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count) : NULL;
	if (count != 1 || rd_kafka_group_result_error(groups[0]))
		return false;
	const rd_kafka_topic_partition_list_t *found = rd_kafka_group_result_partitions(groups[0]);
	for (int i = 0; i < list->cnt; i++) {
		rd_kafka_topic_partition_t *at = &list->elems[i];
		const rd_kafka_topic_partition_t *its = rd_kafka_topic_partition_list_find(found, at->topic, at->partition);
		if (!its)
			return false;
		at->offset = its->offset;
		at->err = its->err;
	}
	return true;
}

bool group_offsets_read(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
	char words[LIBRARY_TEXT_MAX];
	if (list->cnt == 0)
		return true;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
	rd_kafka_ListConsumerGroupOffsets_t *question = rd_kafka_ListConsumerGroupOffsets_new(group, list);
	(void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, words, sizeof words);
	rd_kafka_ListConsumerGroupOffsets(client, &question, 1, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
	const bool read = event && offsets_take(event, list);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_ListConsumerGroupOffsets_destroy(question);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	return read;
}
