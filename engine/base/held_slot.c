/* held_slot.c: see held_slot.h. */
#include "base/held_slot.h"

static void replaced_free(struct held_slot *slot)
{
	while (slot->replaced) {
		struct held_value *old = slot->replaced;
		slot->replaced = old->next;
		arena_close(old->arena);
	}
}

/* Whoever holds a value was counted before it read which. So when nobody is counted after the exchange, nobody has one of those
 * that were replaced. */
void held_slot_replace(struct held_slot *slot, struct held_value *value)
{
	struct held_value *before = atomic_exchange(&slot->value, value);
	assert(before == NULL || before != value);
	if (before) {
		before->next = slot->replaced;
		slot->replaced = before;
	}
	if (atomic_load(&slot->holders) == 0)
		replaced_free(slot);
}

void held_slot_close(struct held_slot *slot)
{
	assert(atomic_load(&slot->holders) == 0);
	held_slot_replace(slot, NULL);
}
