/* header_block.h: Headers behind the value of a fetched record, read from the bytes in which Kafka keeps them.
 *
 * librdkafka's own parser allocates each header by itself, and frees it with the record: that was a tenth of all that a request
 * through Kafka cost. It returns pointers into the fetched bytes, where a record of format 2 (KIP-98) is: length of what follows,
 * attributes, timestamp, offset, length of the key, key, length of the value, value, number of headers, and each with its two
 * lengths. All numbers but the attributes are varints. A byte of a varint that is not its last one has its highest bit set, so the
 * numbers before the key can be found from there. The length of the record is the bound of its headers.
 *
 * Private to log. Pure.
 */
#pragma once

#include "base/arena.h"
#include "message/message.h"

/* Finds the headers of a record of that key and value, whose bytes are where they were fetched. False: they are in another format.
 * Reads no byte outside a record of format 2; in older formats, none but the six before the value. If the headers are a hundred
 * times as long as the rest, the block may be a part of them only, which header_block_read() refuses. */
bool header_block_find(struct text key, struct text value, struct text *block);

/* Copies the headers; names and values end with a byte 0 that does not count. False: the bytes are not exactly such headers, or
 * memory ran out, which arena_failed() tells. */
bool header_block_read(struct text block, struct arena *arena, struct headers *headers);

/* Finds the last header of that name, compared without case, and copies nothing: `value` borrows from the block; bytes NULL: there
 * is none. False: the bytes are not exactly such headers. */
bool header_block_value(struct text block, struct text name, struct text *value);
