/* feature_state.h: what is kept of all features of one key, as one value.
 *
 *   version 1, unused, how many slots (2 bytes), newest time (8)
 *   for each slot: what it keeps (4), size in bytes (4), elements (2), capacity (2)
 *   zeros to a multiple of 8, then the slots' bytes, in their order, each a multiple of 8
 *
 * A slot is what one form keeps, for each element of its series one piece, one behind the
 * other; of texts, one window of them all. Where integers of 2^53 or more came, a window of their
 * rests for each element stands behind these pieces: the size of the slot tells. It is found by a number that says what it
 * keeps, so that features may be added and taken away, and the others go on. Numbers are
 * in the machine's order.
 *
 * Pure. Any thread may call.
 */
#ifndef SLUICE_NUMERIC_FEATURE_STATE_H
#define SLUICE_NUMERIC_FEATURE_STATE_H

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
#define FEATURE_CAPACITY_TEXTS 65535 /* of a slot that keeps texts, in one window of all elements */

struct feature_state {
	int64_t newest_ms;
	size_t count;
	const char *value; /* NULL: nothing is kept */
	size_t length;
};

/* A value as it was written, aligned to 8; it is borrowed. False: it is of another
 * version, or damaged. */
bool feature_state_read(const void *value, size_t length, struct feature_state *state);

/* The slot that keeps this; `likely`: where it is looked for first. False: none does. */
bool feature_state_find(const struct feature_state *state, uint32_t keeps, size_t likely, struct feature_slot *slot);

/* The n-th, of `count`; those before it are gone through. */
struct feature_slot feature_state_slot(const struct feature_state *state, size_t nth);

size_t feature_state_bytes(const struct feature_slot *slots, size_t count);

/* Writes so many bytes at `to`, which is aligned to 8. */
void feature_state_write(void *to, int64_t newest_ms, const struct feature_slot *slots, size_t count);

void feature_state_date(void *value, int64_t newest_ms); /* changes the newest time of one that was read */

#endif
