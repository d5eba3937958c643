/* record.c: Headers of a record, which are parsed only on request, and its release; sets of partitions. */
#include "kafka/record.h"

#include "kafka/client.h"
#include "kafka/consume/header_block.h"

bool record_headers(const struct record *record, struct arena *arena, struct headers *headers, struct error *error)
{
	struct text block;
	*headers = record->headers;
	if (!record->held || record->is_bare)
		return true;
	if (header_block_find(record->key, record->value, &block) && header_block_read(block, arena, headers))
		return true;
	rd_kafka_headers_t *found;
	if (rd_kafka_message_headers(record->held, &found) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return true; /* it has none */
	size_t count = rd_kafka_header_cnt(found);
	struct header *items = ARENA_ARRAY(arena, struct header, count);
	if (!items)
		return error_memory(error, ERROR_LIMIT, "reading a record's headers");
	for (size_t i = 0; i < count; i++) {
		const char *name;
		const void *value;
		size_t length;
		rd_kafka_header_get_all(found, i, &name, &value, &length);
		items[i] = (struct header){text_of(name), {value, length}};
	}
	*headers = (struct headers){count, items};
	return true;
}

bool record_header_value(struct record *record, struct text name, struct arena *arena, struct text *value,
			 struct error *error)
{
	struct text block;
	struct headers headers;
	if (record->held && header_block_find(record->key, record->value, &block) && header_block_value(block, name, value)) {
		record->is_bare = block.length == 1; /* their number */
		return true;
	}
	if (!arena || !record_headers(record, arena, &headers, error))
		return false;
	const struct header *header = headers_find(headers, name);
	*value = header ? header->value : (struct text){0};
	return true;
}

void record_release(struct record *record)
{
	if (record->held)
		rd_kafka_message_destroy(record->held);
	record->held = NULL;
}

bool positions_have(struct positions positions, uint32_t topic, int32_t partition)
{
	for (size_t i = 0; i < positions.count; i++)
		if (positions.items[i].topic == topic && positions.items[i].partition == partition)
			return true;
	return false;
}

bool positions_include(struct positions all, struct positions some)
{
	for (size_t i = 0; i < some.count; i++)
		if (!positions_have(all, some.items[i].topic, some.items[i].partition))
			return false;
	return true;
}

size_t outgoing_bytes(const struct outgoing *record)
{
	size_t bytes = record->key.length + record->value.length;
	for (size_t i = 0; i < record->headers.count; i++)
		bytes += record->headers.items[i].name.length + record->headers.items[i].value.length;
	return bytes;
}
