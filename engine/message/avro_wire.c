/* avro_wire.c: see avro_wire.h. */
#include "message/avro_wire.h"

int64_t avro_long_beyond(struct avro_cursor *cursor)
{
	uint64_t bits = 0;
	for (unsigned i = 0; i < AVRO_LONG_BYTES_MAX && cursor->at < cursor->end; i++) {
		unsigned char byte = *cursor->at++;
		bits |= (uint64_t)(byte & 0x7F) << (7 * i);
		if (byte < 0x80)
			return avro_from_zigzag(bits);
	}
	avro_fail(cursor);
	return 0;
}
