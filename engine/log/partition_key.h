/* partition_key.h: the key of a record that is to stand in the partition of a given number.
 *
 * Kafka's default partitioner hashes a key by murmur2, without its sign, modulo the number of partitions. For
 * keys of four bytes murmur2 can be inverted: for each number there is the one key whose hash it is. So a record
 * with that key stands in the partition of that number, or in the number modulo the number of partitions where its topic has
 * fewer, whoever produces it, and however many partitions the topic has when it does.
 */
#ifndef SLUICE_LOG_PARTITION_KEY_H
#define SLUICE_LOG_PARTITION_KEY_H

#include <stdint.h>

#include "base/text.h"

#define PARTITION_KEY_BYTES 4

/* `partition` is not negative. The text borrows `bytes`. */
struct text partition_key(int32_t partition, char bytes[PARTITION_KEY_BYTES]);

#endif
