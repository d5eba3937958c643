/* keys.h: who of a key came last, among the flights in flight. The lanes' own.
 *
 * A table from the hash of a key to the last flight of that key: who comes next stands
 * behind it. Two keys of one hash are taken for one, which holds up and harms nobody.
 */
#ifndef SLUICE_WORKER_KEYS_H
#define SLUICE_WORKER_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flight;

struct keyed {
	uint64_t key; /* 0: free */
	struct flight *last;
};

struct keys {
	struct keyed *items;
	size_t capacity; /* a power of two, at least twice the count */
	size_t count;
};

void keys_close(struct keys *keys);

/* The last flight of that key, whose place is the caller's to set; NULL: memory ran out.
 * A key that was not there is added, with NULL as its last. */
struct flight **keys_last(struct keys *keys, uint64_t key);

/* Takes the key out, when that flight is its last. */
void keys_drop(struct keys *keys, uint64_t key, const struct flight *last);

#endif
