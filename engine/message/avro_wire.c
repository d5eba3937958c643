/* avro_wire.c: see avro_wire.h. */
#include "message/avro_wire.h"

struct avro_long avro_long_beyond(const unsigned char *at, const unsigned char *end)
{
	uint64_t bits = 0;
	for (unsigned shift = 0; shift < 7 * AVRO_LONG_BYTES_MAX && at < end; shift += 7) {
		unsigned char byte = *at++;
		bits |= (uint64_t)(byte & 0x7F) << shift;
		if (byte < 0x80)
			return (struct avro_long){avro_from_zigzag(bits), at};
	}
	return (struct avro_long){0, NULL};
}
