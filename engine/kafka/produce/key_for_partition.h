/* key_for_partition.h: Key by which a record goes to the partition of a given number.
 *
 * Kafka's default partitioner hashes a key by murmur2, without its sign, modulo the number of partitions. For keys of
 * four bytes murmur2 can be inverted: each number is the hash of exactly one key. So a record with that key goes to
 * the partition of that number. If its topic has fewer partitions, it goes to the number modulo their number. This
 * holds for every producer, however many partitions the topic has at that time.
 */
#pragma once

#include <stdint.h>

#include "base/text.h"

#define PARTITION_KEY_BYTES 4

/* `partition` is not negative. The text borrows `bytes`. */
struct text key_for_partition(int32_t partition, char bytes[PARTITION_KEY_BYTES]);
