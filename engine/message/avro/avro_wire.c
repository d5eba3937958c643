/* avro_wire.c: see avro_wire.h. */
#include "message/avro/avro_wire.h"

struct avro_long avro_long_beyond(const unsigned char *at, const unsigned char *end)
{
	uint64_t bits = 0;
	const unsigned last = 7 * (AVRO_LONG_BYTES_MAX - 1);
	for (unsigned shift = 0; shift < last && at < end; shift += 7) {
		unsigned char byte = *at++;
		bits |= (uint64_t)(byte & 0x7F) << shift;
		if (byte < 0x80)
			return (struct avro_long){avro_from_zigzag(bits), at};
	}
	if (at < end && *at <= 1) /* of the last byte a number of 64 bits has one bit */
		return (struct avro_long){avro_from_zigzag(bits | (uint64_t)*at << last), at + 1};
	return (struct avro_long){0, NULL};
}

/* Eight hexadecimal digits at once: an answer may carry an exposure, so each has its share of what a message costs. Each step
 * doubles the distance of the halves, from 16 bits to 4; then each byte has one digit, the first one the lowest. */
static uint64_t hex_digits(uint32_t bits)
{
	const uint64_t sixes = 0x0606060606060606, ones = 0x0101010101010101;
	uint64_t spread = __builtin_bswap32(bits);
	spread = (spread | spread << 16) & 0x0000ffff0000ffff;
	spread = (spread | spread << 8) & 0x00ff00ff00ff00ff;
	spread = (spread >> 4 | spread << 8) & 0x0f0f0f0f0f0f0f0f;
	const uint64_t is_letter = (spread + sixes) >> 4 & ones;
	return spread + '0' * ones + is_letter * ('a' - '0' - 10);
}

char *avro_table_digits(char *to, uint64_t table)
{
	const uint64_t digits[] = {hex_digits((uint32_t)(table >> 32)), hex_digits((uint32_t)table)};
	static_assert(sizeof digits == AVRO_TABLE_DIGITS, "of the whole version");
	memcpy(to, digits, sizeof digits);
	return to + sizeof digits;
}

char *avro_put_table(char *to, uint64_t table)
{
	return avro_table_digits(avro_put_small(to, AVRO_TABLE_DIGITS), table);
}
