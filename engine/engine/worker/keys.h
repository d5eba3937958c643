/* keys.h: Table of the last in-flight message of each key. Private to the queues.
 *
 * It maps the hash of a key to the last in-flight message of that key, so that the next in-flight message of the key is queued
 * after it. Two keys with the same hash count as one: the later message then waits longer than it must, and order is still right.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inflight;

struct keyed {
	uint64_t key; /* 0: the slot is free */
	struct inflight *last;
};

struct keys {
	struct keyed *items;
	size_t capacity; /* a power of two, at least twice the count */
	size_t count;
};

void keys_close(struct keys *keys);

/* Last in-flight message of that key, which is not 0, for the caller to read and to set. A key that is not in the table
 * is added, with NULL as its last in-flight message. NULL: memory ran out. */
struct inflight **keys_last(struct keys *keys, uint64_t key);

/* Removes the key if that in-flight message is its last. */
void keys_drop(struct keys *keys, uint64_t key, const struct inflight *last);
