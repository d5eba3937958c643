/* held_slot.h: Slot of a value that readers hold without waiting, while writers replace it.
 *
 * A reader holds the slot, uses the value, and releases the slot, in a few instructions. A value has an arena of its own, which
 * is closed once the value was replaced and no reader holds the slot. A value begins with its `struct held_value`.
 *
 * Any thread may hold and release. Whoever replaces has a lock that excludes other writers.
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>

#include "base/arena.h"

struct held_value {
	struct arena *arena;	 /* in which the value is */
	struct held_value *next; /* that was replaced before */
};

struct held_slot {
	_Atomic(struct held_value *) value;
	atomic_size_t holders;
	struct held_value *replaced; /* not freed yet; of writers */
};

/* NULL: there is none. It is to be released in either case. */
static inline struct held_value *held_slot_hold(struct held_slot *slot)
{
	atomic_fetch_add(&slot->holders, 1);
	return atomic_load(&slot->value);
}

static inline void held_slot_release(struct held_slot *slot)
{
	const size_t before = atomic_fetch_sub(&slot->holders, 1);
	assert(before > 0);
	(void)before;
}

/* For a writer: the value, which stays as long as the writer has its lock. */
static inline struct held_value *held_slot_value(const struct held_slot *slot)
{
	return atomic_load(&slot->value);
}

/* Takes the value, or NULL for none. */
void held_slot_replace(struct held_slot *slot, struct held_value *value);

/* Frees all values. Nobody holds the slot. */
void held_slot_close(struct held_slot *slot);
