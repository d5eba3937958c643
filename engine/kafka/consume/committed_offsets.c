/* committed_offsets.c: see committed_offsets.h. */
#include "kafka/consume/committed_offsets.h"

#include "base/memory.h"

/* Of a topic that the login may not see any more the group tells nothing. */
static rd_kafka_resp_err_t entry_take(const rd_kafka_topic_partition_t *entry, struct committed_offset *committed)
{
	committed->is_denied = entry->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
	committed->offset = entry->offset < 0 ? OFFSET_NONE : entry->offset;
	return committed->is_denied ? RD_KAFKA_RESP_ERR_NO_ERROR : entry->err;
}

static rd_kafka_resp_err_t list_take(const rd_kafka_topic_partition_list_t *list, struct settlement *settlement, bool *is_told)
{
	struct committed_offset *committed = memory_take((size_t)list->cnt, sizeof *committed);
	rd_kafka_resp_err_t code = committed ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__FAIL;
	for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
		code = entry_take(&list->elems[i], &committed[i]);
	*is_told = code == RD_KAFKA_RESP_ERR_NO_ERROR && settlement_resolve(settlement, committed);
	memory_give(committed);
	return code;
}

rd_kafka_resp_err_t committed_offsets_read(const struct consumer *consumer, struct settlement *settlement, int timeout_ms,
					   bool *is_told)
{
	*is_told = false;
	rd_kafka_topic_partition_list_t *list = consumer_list(consumer, settlement->positions);
	rd_kafka_resp_err_t code = rd_kafka_committed(consumer_client(consumer), list, timeout_ms);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = list_take(list, settlement, is_told);
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

void committed_offsets_forget(struct settlement *settlement)
{
	for (size_t i = 0; i < settlement->positions.count; i++)
		settlement->positions.items[i].offset = OFFSET_UNKNOWN;
}
