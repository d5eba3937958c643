/* judged_groups.c: see judged_groups.h. A place has flags, by which both threads agree: the worker names a place only while its
 * flags are FREE, and the other thread reads a name only while they are not. */
#include "alerts/judged_groups.h"

#include <stdatomic.h>

#include "base/hash.h"
#include "base/list.h"
#include "observe/counts.h"

#define CHAINS 1024 /* a power of 2 */

enum place_flags { PLACE_FREE = 0, PLACE_HELD = 1, PLACE_BROKEN = 2, PLACE_NAMING = 4 };

struct group_place {
	atomic_uint flags;
	uint32_t length;
	char name[ALERT_GROUP_BYTES_MAX];
	/* The worker's: */
	struct list_node by_age; /* the group that was noted as held longest ago is first */
	struct group_place *next; /* in its chain */
	uint64_t hash;
	int64_t held_ms;
};

struct judged_groups {
	uint64_t beyond; /* a count of the worker */
	atomic_size_t count;
	struct list by_age;
	struct group_place *chains[CHAINS];
	struct group_place places[ALERT_GROUPS_MAX];
};

struct judged_groups *judged_groups_open(struct arena *arena)
{
	return ARENA_NEW(arena, struct judged_groups);
}

bool judged_groups_any(const struct judged_groups *groups)
{
	return groups->by_age.first != NULL;
}

/* ---- the worker ---- */

static struct group_place **place_chain(struct judged_groups *groups, uint64_t hash)
{
	return &groups->chains[hash % CHAINS];
}

static struct group_place *place_find(struct judged_groups *groups, struct text group, uint64_t hash)
{
	struct group_place *place = *place_chain(groups, hash);
	while (place && (place->hash != hash || !text_equal((struct text){place->name, place->length}, group)))
		place = place->next;
	return place;
}

static void place_unchain(struct judged_groups *groups, struct group_place *place)
{
	struct group_place **at = place_chain(groups, place->hash);
	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
	list_remove(&place->by_age);
}

/* A place that has no name yet, or that of the group which is not needed any more; being named. NULL: there is none. */
static struct group_place *place_free(struct judged_groups *groups, int64_t now_ms, int64_t keep_ms)
{
	const size_t count = atomic_load_explicit(&groups->count, memory_order_relaxed);
	struct group_place *oldest =
		groups->by_age.first ? LIST_OWNER(groups->by_age.first, struct group_place, by_age) : NULL;
	unsigned flags = PLACE_FREE;
	if (oldest && now_ms - oldest->held_ms > keep_ms &&
	    atomic_compare_exchange_strong_explicit(&oldest->flags, &flags, PLACE_NAMING, memory_order_acquire,
						    memory_order_relaxed)) {
		place_unchain(groups, oldest);
		return oldest;
	}
	if (count == ALERT_GROUPS_MAX)
		return NULL;
	atomic_store_explicit(&groups->places[count].flags, PLACE_NAMING, memory_order_relaxed);
	atomic_store_explicit(&groups->count, count + 1, memory_order_release);
	return &groups->places[count];
}

/* Names a place for a group of which a message met the condition. */
static void place_name(struct judged_groups *groups, struct group_place *place, struct text group, uint64_t hash, int64_t now_ms)
{
	struct group_place **chain = place_chain(groups, hash);
	memcpy(place->name, group.bytes, group.length);
	place->length = (uint32_t)group.length;
	place->hash = hash;
	place->held_ms = now_ms;
	place->next = *chain;
	*chain = place;
	list_add(&groups->by_age, &place->by_age);
	atomic_store_explicit(&place->flags, PLACE_HELD, memory_order_release);
}

void judged_groups_miss(struct judged_groups *groups)
{
	count_add(&groups->beyond, 1);
}

void judged_groups_note(struct judged_groups *groups, struct text group, bool held, int64_t now_ms, int64_t keep_ms)
{
	if (group.length > ALERT_GROUP_BYTES_MAX) {
		judged_groups_miss(groups);
		return;
	}
	const uint64_t hash = hash_text(group, 0);
	struct group_place *place = place_find(groups, group, hash);
	if (!place && held) {
		place = place_free(groups, now_ms, keep_ms);
		if (place)
			place_name(groups, place, group, hash, now_ms);
		else
			judged_groups_miss(groups);
		return;
	}
	if (!place)
		return;
	if (held) {
		place->held_ms = now_ms;
		list_remove(&place->by_age);
		list_add(&groups->by_age, &place->by_age);
	}
	atomic_fetch_or_explicit(&place->flags, held ? PLACE_HELD : PLACE_BROKEN, memory_order_release);
}

/* ---- the other thread ---- */

void judged_groups_take(struct judged_groups *groups, judged_groups_taker *take, void *context)
{
	const size_t count = atomic_load_explicit(&groups->count, memory_order_acquire);
	for (size_t i = 0; i < count; i++) {
		struct group_place *place = &groups->places[i];
		unsigned flags = atomic_load_explicit(&place->flags, memory_order_acquire);
		if (flags == PLACE_FREE || flags & PLACE_NAMING)
			continue;
		char name[ALERT_GROUP_BYTES_MAX];
		const struct text group = {name, place->length};
		memcpy(name, place->name, group.length);
		flags = atomic_exchange_explicit(&place->flags, PLACE_FREE, memory_order_acq_rel);
		take(context, group, (struct alert_judgement){.held = flags & PLACE_HELD, .broken = flags & PLACE_BROKEN});
	}
}

uint64_t judged_groups_beyond(const struct judged_groups *groups)
{
	return count_read(&groups->beyond);
}
