/* feature_state.h: State of all features of one key, as one stored value.
 *
 *   version 1, unused, number of slots (2 bytes), newest time (8)
 *   for each slot: id of its contents (4), size in bytes (4), elements (2), capacity (2)
 *   zeros to a multiple of 8, then the slots' bytes, in their order, each a multiple of 8
 *
 * A slot is the state of one form: one piece for each element of its series, contiguous; for texts, one window of
 * them all. If integers of 2^53 or more came, a window of their rests for each element follows these pieces; the size
 * of the slot shows that. A slot is found by the id of its contents, so that features may be added and removed while
 * the others continue. Numbers are in the machine's byte order.
 *
 * Pure. Any thread may call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEATURE_STATE_VERSION 1

struct feature_slot {
	uint32_t keeps;
	uint32_t size_bytes;
	uint16_t elements;
	uint16_t capacity;
	const void *bytes; /* borrowed */
};

#define FEATURE_ELEMENTS_MAX 65535
#define FEATURE_CAPACITY_TEXTS 65535 /* of a slot of texts, in one window of all elements */

struct feature_state {
	int64_t newest_ms;
	size_t count;
	const char *value; /* NULL: no state */
	size_t length;
};

/* Parses a stored value, aligned to 8; it is borrowed. False: it has another version, or is damaged. */
bool feature_state_read(const void *value, size_t length, struct feature_state *state);

/* The slot with this id; `likely`: the index that is tried first. False: there is none. */
bool feature_state_find(const struct feature_state *state, uint32_t keeps, size_t likely, struct feature_slot *slot);

/* The n-th of `count` slots; it reads the slots before it. */
struct feature_slot feature_state_slot(const struct feature_state *state, size_t nth);

size_t feature_state_bytes(const struct feature_slot *slots, size_t count);

/* Writes feature_state_bytes() bytes at `to`, which is aligned to 8. */
void feature_state_write(void *to, int64_t newest_ms, const struct feature_slot *slots, size_t count);

void feature_state_date(void *value, int64_t newest_ms); /* changes the newest time of a parsed value */
