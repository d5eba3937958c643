/* unit_outcomes.c: see unit_outcomes.h. Exposures are a ring of slots. A bucket has the slot of its newest exposure, and an
 * exposure says how many slots before it the next older one of its bucket is. So nothing is to be removed when an exposure ends:
 * links that lead beyond the open ones have ended too. */
#include "experiments/unit_outcomes.h"

#include <assert.h>

#include "base/hash.h"
#include "base/memory.h"
#include "experiments/join_keys.h"

#define OUTCOMES_AT_FIRST 256
#define MS_PER_SECOND 1000 /* the join's exposures have whole seconds, and are open so much longer */

struct unit_exposure {
	uint64_t unit;
	int64_t time_ms;
	uint32_t older;	  /* slots before it; 0: none */
	uint32_t outcome; /* number and 1 of the first value that waits; 0: none */
};

struct waiting_outcome {
	struct unit_outcome outcome;
	uint32_t next; /* number and 1; 0: the last */
};

struct unit_outcomes {
	struct unit_exposure *exposures;
	uint32_t *buckets;		      /* slot and 1 of the newest exposure */
	size_t slots, mask;		      /* exposures; buckets less 1 */
	size_t newest, open;		      /* slot; exposures that are open */
	int64_t window_ms, now_ms, turned_ms; /* now: time of the latest exposure */
	struct waiting_outcome *waiting;
	size_t waiting_count, waiting_capacity;
	uint32_t spare;			      /* number and 1 of the first value that was given away */
	struct state_table *ids, *ids_before; /* hashes of feedback_ids of this window, and of the one before */
};

static_assert(sizeof(struct unit_exposure) + sizeof(uint32_t) == UNIT_OUTCOMES_ENTRY_BYTES,
	      "the memory of an exposure is promised");

/* ---- exposures ---- */

/* How many slots it is before the newest. */
static size_t slot_age(const struct unit_outcomes *outcomes, size_t slot)
{
	return (outcomes->newest + outcomes->slots - slot) % outcomes->slots;
}

static size_t slot_before(const struct unit_outcomes *outcomes, size_t slot, size_t distance)
{
	return (slot + outcomes->slots - distance) % outcomes->slots;
}

/* The newest exposure of a bucket; SIZE_MAX: none is open. Its slot may have an exposure of another bucket by now: then a walk
 * would find nothing, after many steps. */
static size_t bucket_newest(const struct unit_outcomes *outcomes, size_t bucket)
{
	const size_t slot = (size_t)outcomes->buckets[bucket] - 1;
	return outcomes->buckets[bucket] != 0 && slot_age(outcomes, slot) < outcomes->open &&
			       (outcomes->exposures[slot].unit & outcomes->mask) == bucket
		       ? slot
		       : SIZE_MAX;
}

/* The next older one of its bucket; SIZE_MAX: none is open. */
static size_t exposure_older(const struct unit_outcomes *outcomes, size_t slot)
{
	const size_t distance = outcomes->exposures[slot].older;
	return distance > 0 && slot_age(outcomes, slot) + distance < outcomes->open ? slot_before(outcomes, slot, distance)
										    : SIZE_MAX;
}

/* The last exposure of the unit before that time; SIZE_MAX: none is open. */
static size_t exposure_find(const struct unit_outcomes *outcomes, uint64_t unit, int64_t time_ms)
{
	size_t slot = bucket_newest(outcomes, unit & outcomes->mask);
	while (slot != SIZE_MAX && (outcomes->exposures[slot].unit != unit || outcomes->exposures[slot].time_ms > time_ms))
		slot = exposure_older(outcomes, slot);
	return slot;
}

/* A feedback_id is kept for one window at least: then the exposure that it was for is over. */
static void ids_turn(struct unit_outcomes *outcomes)
{
	if (outcomes->now_ms - outcomes->turned_ms <= outcomes->window_ms + MS_PER_SECOND)
		return;
	outcomes->turned_ms = outcomes->now_ms;
	table_close(outcomes->ids_before);
	outcomes->ids_before = outcomes->ids;
	outcomes->ids = NULL;
}

void unit_outcomes_expose(struct unit_outcomes *outcomes, size_t slot, uint64_t unit, int64_t time_ms)
{
	assert(slot < outcomes->slots && outcomes->open < outcomes->slots);
	const size_t bucket = unit & outcomes->mask;
	outcomes->newest = slot;
	outcomes->open++;
	outcomes->exposures[slot] = (struct unit_exposure){.unit = unit, .time_ms = time_ms};
	const size_t older = bucket_newest(outcomes, bucket);
	if (older != SIZE_MAX)
		outcomes->exposures[slot].older = (uint32_t)slot_age(outcomes, older);
	outcomes->buckets[bucket] = (uint32_t)slot + 1;
	if (time_ms > outcomes->now_ms)
		outcomes->now_ms = time_ms;
	ids_turn(outcomes);
}

uint64_t unit_outcomes_end(struct unit_outcomes *outcomes, size_t slot, uint32_t arm,
			   void (*take)(void *context, uint64_t unit, uint32_t arm, const struct unit_outcome *outcome),
			   void *context)
{
	assert(outcomes->open > 0 && slot_age(outcomes, slot) == outcomes->open - 1);
	const struct unit_exposure *exposure = &outcomes->exposures[slot];
	for (uint32_t link = exposure->outcome; link != 0;) {
		struct waiting_outcome *waiting = &outcomes->waiting[link - 1];
		const uint32_t next = waiting->next;
		take(context, exposure->unit, arm, &waiting->outcome);
		waiting->next = outcomes->spare;
		outcomes->spare = link;
		link = next;
	}
	outcomes->open--;
	return exposure->unit;
}

/* ---- feedback ---- */

/* Number and 1; 0: there is no space. */
static uint32_t waiting_take(struct unit_outcomes *outcomes)
{
	const uint32_t spare = outcomes->spare;
	if (spare != 0) {
		outcomes->spare = outcomes->waiting[spare - 1].next;
		return spare;
	}
	if (outcomes->waiting_count == UNIT_OUTCOMES_MAX)
		return 0;
	struct waiting_outcome *waiting = memory_grow(outcomes->waiting, outcomes->waiting_count, &outcomes->waiting_capacity,
						      OUTCOMES_AT_FIRST, sizeof *waiting);
	if (!waiting)
		return 0;
	outcomes->waiting = waiting;
	return (uint32_t)++outcomes->waiting_count;
}

static bool outcomes_wait(struct unit_outcomes *outcomes, size_t slot, const struct unit_outcome *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint32_t number = waiting_take(outcomes);
		uint32_t *first = &outcomes->exposures[slot].outcome;
		if (number == 0)
			return false;
		outcomes->waiting[number - 1] = (struct waiting_outcome){values[i], *first};
		*first = number;
	}
	return true;
}

static bool id_is_known(const struct unit_outcomes *outcomes, struct text key)
{
	uint32_t ignored;
	return (outcomes->ids && join_number_find(outcomes->ids, key, &ignored)) ||
	       (outcomes->ids_before && join_number_find(outcomes->ids_before, key, &ignored));
}

static bool id_put(struct unit_outcomes *outcomes, struct text key)
{
	struct error ignored = {0};
	if (!outcomes->ids)
		outcomes->ids = table_open();
	return outcomes->ids && table_count(outcomes->ids) < UNIT_OUTCOMES_MAX && join_number_put(outcomes->ids, key, 0, &ignored);
}

enum unit_outcome_fate unit_outcomes_add(struct unit_outcomes *outcomes, uint64_t unit, const struct feedback *feedback,
					 const struct unit_outcome *values, size_t count)
{
	const uint64_t id = hash_bytes(feedback->feedback_id.bytes, feedback->feedback_id.length, unit);
	const struct text key = {(const char *)&id, feedback->feedback_id.length > 0 ? sizeof id : 0};
	const size_t slot = exposure_find(outcomes, unit, feedback->time_ms + FEEDBACK_AHEAD_MS);
	if (key.length > 0 && id_is_known(outcomes, key))
		return UNIT_OUTCOME_REPEATED;
	if (slot == SIZE_MAX)
		return UNIT_OUTCOME_UNKNOWN;
	if (feedback->time_ms > outcomes->exposures[slot].time_ms + MS_PER_SECOND + outcomes->window_ms)
		return UNIT_OUTCOME_LATE;
	if ((key.length > 0 && !id_put(outcomes, key)) || !outcomes_wait(outcomes, slot, values, count))
		return UNIT_OUTCOME_CROWDED;
	return UNIT_OUTCOME_WAITS;
}

/* ---- opening ---- */

struct unit_outcomes *unit_outcomes_open(size_t slots, int64_t window_ms, struct error *error)
{
	assert(slots > 0 && slots < UINT32_MAX);
	struct unit_outcomes *outcomes = memory_take(1, sizeof *outcomes);
	size_t buckets = 1;
	while (2 * buckets <= slots)
		buckets *= 2;
	if (outcomes) {
		*outcomes = (struct unit_outcomes){.slots = slots, .mask = buckets - 1, .window_ms = window_ms};
		outcomes->exposures = memory_take(slots, sizeof *outcomes->exposures);
		outcomes->buckets = memory_take(buckets, sizeof *outcomes->buckets);
		if (outcomes->exposures && outcomes->buckets)
			return outcomes;
	}
	unit_outcomes_close(outcomes);
	error_memory(error, ERROR_SYSTEM, "reserving memory for outcomes of units");
	return NULL;
}

void unit_outcomes_close(struct unit_outcomes *outcomes)
{
	if (!outcomes)
		return;
	memory_give(outcomes->exposures);
	memory_give(outcomes->buckets);
	memory_give(outcomes->waiting);
	table_close(outcomes->ids);
	table_close(outcomes->ids_before);
	memory_give(outcomes);
}
