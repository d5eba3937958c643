/* key_for_partition.c: Inverse of murmur2: its steps are undone from the last to the first. See key_for_partition.h. */
#include "kafka/produce/key_for_partition.h"

#include <assert.h>

#define SEED UINT32_C(0x9747b28c) /* the start value of Kafka's producers */
#define FACTOR UINT32_C(0x5bd1e995)
#define INVERSE UINT32_C(0xe59b19bd) /* of the factor, modulo 2^32 */

struct text key_for_partition(int32_t partition, char bytes[PARTITION_KEY_BYTES])
{
	static_assert(FACTOR * INVERSE == 1, "one undoes the other");
	assert(partition >= 0);
	uint32_t hash = (uint32_t)partition;
	hash ^= hash >> 15 ^ hash >> 30;
	hash *= INVERSE;
	hash ^= hash >> 13 ^ hash >> 26;
	hash ^= (SEED ^ PARTITION_KEY_BYTES) * FACTOR;
	hash *= INVERSE;
	hash ^= hash >> 24;
	hash *= INVERSE;
	for (int i = 0; i < PARTITION_KEY_BYTES; i++)
		bytes[i] = (char)(hash >> 8 * i & 0xff);
	return (struct text){bytes, PARTITION_KEY_BYTES};
}
