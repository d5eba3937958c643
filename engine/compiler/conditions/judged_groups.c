/* judged_groups.c: see judged_groups.h. A slot has flags, by which both threads agree: the worker names a slot only while its
 * flags are FREE, and the other thread reads a name only while they are not. */
#include "compiler/conditions/judged_groups.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/memory.h"
#include "observe/counts.h"

#define CHAINS 1024 /* a power of 2 */

enum slot_flags { SLOT_FREE = 0, SLOT_HELD = 1, SLOT_BROKEN = 2, SLOT_NAMING = 4 };

struct group_slot {
	atomic_uint flags;
	_Atomic(int64_t) first_ms; /* time of the first message that was noted as held since the last take; 0: none */
	uint32_t length;
	char name[ALERT_GROUP_BYTES_MAX];
	/* The worker's: */
	struct list_node by_age; /* the group that was noted as held longest ago is first */
	struct group_slot *next; /* in its chain */
	uint64_t hash;
	int64_t held_ms;
	int64_t begun_ms; /* judged_groups_begin() was true; 0: never */
};

struct judged_groups {
	struct missed_groups missed; /* counts of the worker */
	atomic_size_t count;
	struct list by_age;
	struct group_slot *chains[CHAINS];
	struct group_slot slots[ALERT_GROUPS_MAX];
};

struct judged_groups *judged_groups_open(void)
{
	return memory_take_table(1, sizeof(struct judged_groups));
}

void judged_groups_close(struct judged_groups *groups)
{
	memory_give_table(groups, 1, sizeof *groups);
}

bool judged_groups_any(const struct judged_groups *groups)
{
	return groups->by_age.first != NULL;
}

/* ---- the worker ---- */

static struct group_slot **slot_chain(struct judged_groups *groups, uint64_t hash)
{
	return &groups->chains[hash % CHAINS];
}

static struct group_slot *slot_find(struct judged_groups *groups, struct text group, uint64_t hash)
{
	struct group_slot *slot = *slot_chain(groups, hash);
	while (slot && (slot->hash != hash || !text_equal((struct text){slot->name, slot->length}, group)))
		slot = slot->next;
	return slot;
}

static void slot_unchain(struct judged_groups *groups, struct group_slot *slot)
{
	struct group_slot **at = slot_chain(groups, slot->hash);
	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	list_remove(&slot->by_age);
}

/* A slot that has no name yet, or that of the group which is not needed any more; being named. NULL: there is none. */
static struct group_slot *slot_free(struct judged_groups *groups, int64_t now_ms, int64_t keep_ms)
{
	const size_t count = atomic_load_explicit(&groups->count, memory_order_relaxed);
	struct group_slot *oldest = groups->by_age.first ? LIST_OWNER(groups->by_age.first, struct group_slot, by_age) : NULL;
	unsigned flags = SLOT_FREE;
	if (oldest && now_ms - oldest->held_ms > keep_ms &&
	    atomic_compare_exchange_strong_explicit(&oldest->flags, &flags, SLOT_NAMING, memory_order_acquire,
						    memory_order_relaxed)) {
		slot_unchain(groups, oldest);
		return oldest;
	}
	if (count == ALERT_GROUPS_MAX)
		return NULL;
	atomic_store_explicit(&groups->slots[count].flags, SLOT_NAMING, memory_order_relaxed);
	atomic_store_explicit(&groups->count, count + 1, memory_order_release);
	return &groups->slots[count];
}

/* Names a slot for a group of which a message met the condition. */
static void slot_name(struct judged_groups *groups, struct group_slot *slot, struct text group, uint64_t hash, int64_t now_ms,
		      int64_t at_ms)
{
	struct group_slot **chain = slot_chain(groups, hash);
	memcpy(slot->name, group.bytes, group.length);
	slot->length = (uint32_t)group.length;
	slot->hash = hash;
	slot->held_ms = now_ms;
	slot->begun_ms = 0;
	slot->next = *chain;
	*chain = slot;
	list_add(&groups->by_age, &slot->by_age);
	atomic_store_explicit(&slot->first_ms, at_ms, memory_order_relaxed);
	atomic_store_explicit(&slot->flags, SLOT_HELD, memory_order_release);
}

void judged_groups_miss(struct judged_groups *groups, enum group_miss miss)
{
	count_add(&groups->missed.of[miss], 1);
}

void judged_groups_note(struct judged_groups *groups, struct text group, bool held, int64_t now_ms, int64_t keep_ms, int64_t at_ms)
{
	if (group.length > ALERT_GROUP_BYTES_MAX) {
		if (held)
			judged_groups_miss(groups, GROUP_MISS_LONG);
		return;
	}
	const uint64_t hash = hash_text(group, 0);
	struct group_slot *slot = slot_find(groups, group, hash);
	if (!slot && held) {
		slot = slot_free(groups, now_ms, keep_ms);
		if (slot)
			slot_name(groups, slot, group, hash, now_ms, at_ms);
		else
			judged_groups_miss(groups, GROUP_MISS_FULL);
		return;
	}
	if (!slot)
		return;
	if (held) {
		slot->held_ms = now_ms;
		list_remove(&slot->by_age);
		list_add(&groups->by_age, &slot->by_age);
		judged_first_note(&slot->first_ms, at_ms);
	}
	atomic_fetch_or_explicit(&slot->flags, held ? SLOT_HELD : SLOT_BROKEN, memory_order_release);
}

bool judged_groups_begin(struct judged_groups *groups, struct text group, int64_t now_ms, int64_t every_ms, int64_t since_ms)
{
	struct group_slot *slot = slot_find(groups, group, hash_text(group, 0));
	const bool is_first =
		slot && (slot->begun_ms == 0 || slot->begun_ms <= since_ms || now_ms - slot->begun_ms >= every_ms);
	if (is_first)
		slot->begun_ms = now_ms;
	return is_first;
}

/* ---- the other thread ---- */

void judged_groups_take(struct judged_groups *groups, judged_groups_taker *take, void *context)
{
	const size_t count = atomic_load_explicit(&groups->count, memory_order_acquire);
	for (size_t i = 0; i < count; i++) {
		struct group_slot *slot = &groups->slots[i];
		unsigned flags = atomic_load_explicit(&slot->flags, memory_order_acquire);
		if (flags == SLOT_FREE || flags & SLOT_NAMING)
			continue;
		char name[ALERT_GROUP_BYTES_MAX];
		const struct text group = {name, slot->length};
		memcpy(name, slot->name, group.length);
		flags = atomic_exchange_explicit(&slot->flags, SLOT_FREE, memory_order_acq_rel);
		take(context, group,
		     (struct alert_judgement){.held = flags & SLOT_HELD,
					      .broken = flags & SLOT_BROKEN,
					      .at_ms = flags & SLOT_HELD ? atomic_exchange_explicit(&slot->first_ms, 0,
												    memory_order_acquire)
									 : 0});
	}
}

void judged_groups_add_missed(const struct judged_groups *groups, struct missed_groups *missed)
{
	for (size_t i = 0; i < GROUP_MISSES; i++)
		missed->of[i] += count_read(&groups->missed.of[i]);
}
