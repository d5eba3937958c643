/* record.c: Headers of a record, which are parsed only on request, and its release. */
#include "log/record.h"

#include "log/client.h"

#define VARINT_BYTES_MAX 5 /* of a length */

/* Whether the record certainly has no headers. A query for headers makes librdkafka parse them, which costs more than
 * a thousand instructions even if there are none. In Kafka's record format (KIP-98: key, length of the value, value,
 * number of headers) their number is one byte after the value, and librdkafka returns pointers into the fetched
 * bytes. This is recognised by the varint of the value's length between key and value. If it is not there, nothing is
 * concluded. */
static bool is_known_bare(const struct record *record)
{
	if (!record->key.bytes || !record->value.bytes)
		return false;
	const unsigned char *at = (const unsigned char *)record->key.bytes + record->key.length;
	size_t gap = (size_t)((uintptr_t)record->value.bytes - (uintptr_t)at);
	if (gap == 0 || gap > VARINT_BYTES_MAX)
		return false;
	uint64_t length = 0;
	for (size_t i = 0; i < gap; i++) {
		length |= (uint64_t)(at[i] & 0x7f) << (7 * i);
		if ((at[i] & 0x80) == 0 && i + 1 < gap)
			return false;
	}
	bool ends = (at[gap - 1] & 0x80) == 0;
	return ends && length == (uint64_t)record->value.length * 2 && record->value.bytes[record->value.length] == 0;
}

bool record_headers(const struct record *record, struct arena *arena, struct headers *headers, struct error *error)
{
	*headers = record->headers;
	if (!record->held || is_known_bare(record))
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

void record_release(struct record *record)
{
	if (record->held)
		rd_kafka_message_destroy(record->held);
	record->held = NULL;
}
