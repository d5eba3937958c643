/* unit_outcomes.c: see unit_outcomes.h. Exposures are the ring of the join. A bucket has the slot of its newest exposure, and an
 * exposure says how many slots before it the next older one of its bucket is. So nothing is to be removed when an exposure ends:
 * links that lead beyond the open ones have ended too. */
#include "experiments/outcomes/unit_outcomes.h"

#include <assert.h>

#include "base/number/duration.h"
#include "base/memory.h"
#include "experiments/outcomes/recent_ids.h"

struct unit_outcomes {
	const struct outcome_join *join;
	uint32_t *older;		      /* of each exposure: slots before it; 0: none. NULL: no feedback of a unit has come */
	uint32_t *buckets;		      /* slot and 1 of the newest exposure */
	size_t slots, mask;		      /* of the join; buckets less 1 */
	int64_t window_ms, now_ms;	      /* now: time of the latest exposure */
	struct outcome_values *values;
	struct recent_ids ids; /* then the exposure that feedback was for is over */
};

/* ---- exposures ---- */

/* How many slots it is before the newest. */
static size_t slot_age(const struct unit_outcomes *outcomes, size_t slot)
{
	return (outcome_join_newest(outcomes->join) + outcomes->slots - slot) % outcomes->slots;
}

static bool slot_is_open(const struct unit_outcomes *outcomes, size_t slot)
{
	const size_t open = outcome_join_open_count(outcomes->join);
	return open > 0 && slot_age(outcomes, slot) < open;
}

static size_t bucket_of(const struct unit_outcomes *outcomes, size_t slot)
{
	return outcome_join_unit(outcomes->join, slot) & outcomes->mask;
}

/* The newest exposure of a bucket; SIZE_MAX: none is open. Its slot may have an exposure of another bucket by now: then a walk
 * would find nothing, after many steps. */
static size_t bucket_newest(const struct unit_outcomes *outcomes, size_t bucket)
{
	const size_t slot = (size_t)outcomes->buckets[bucket] - 1;
	return outcomes->buckets[bucket] != 0 && slot_is_open(outcomes, slot) && bucket_of(outcomes, slot) == bucket ? slot
														     : SIZE_MAX;
}

/* The next older one of its bucket; SIZE_MAX: none is open. */
static size_t exposure_older(const struct unit_outcomes *outcomes, size_t slot)
{
	const size_t distance = outcomes->older[slot];
	return distance > 0 && slot_age(outcomes, slot) + distance < outcome_join_open_count(outcomes->join)
		       ? (slot + outcomes->slots - distance) % outcomes->slots
		       : SIZE_MAX;
}

/* The last exposure of the unit before that time; SIZE_MAX: none is open. */
static size_t exposure_find(const struct unit_outcomes *outcomes, uint64_t unit, int64_t time_ms)
{
	const struct outcome_join *join = outcomes->join;
	size_t slot = bucket_newest(outcomes, unit & outcomes->mask);
	while (slot != SIZE_MAX && (outcome_join_unit(join, slot) != unit || outcome_join_exposed_ms(join, slot) > time_ms))
		slot = exposure_older(outcomes, slot);
	return slot;
}

/* Exposures are linked in the order in which they began. */
static void exposure_link(struct unit_outcomes *outcomes, size_t slot)
{
	const size_t bucket = bucket_of(outcomes, slot), older = bucket_newest(outcomes, bucket);
	outcomes->older[slot] = older == SIZE_MAX ? 0 : (uint32_t)((slot + outcomes->slots - older) % outcomes->slots);
	outcomes->buckets[bucket] = (uint32_t)slot + 1;
}

static void open_link(void *context, size_t slot, uint32_t arm, bool has_outcome)
{
	(void)arm, (void)has_outcome;
	exposure_link(context, slot);
}

/* False: memory ran out. */
static bool index_make(struct unit_outcomes *outcomes)
{
	if (outcomes->older)
		return true;
	outcomes->buckets = memory_take_table(outcomes->mask + 1, sizeof *outcomes->buckets);
	outcomes->older = outcomes->buckets ? memory_take_table(outcomes->slots, sizeof *outcomes->older) : NULL;
	if (!outcomes->older) {
		memory_give_table(outcomes->buckets, outcomes->mask + 1, sizeof *outcomes->buckets);
		outcomes->buckets = NULL;
		return false;
	}
	outcome_join_each_open(outcomes->join, open_link, outcomes);
	return true;
}

void unit_outcomes_expose(struct unit_outcomes *outcomes, int64_t time_ms)
{
	if (outcomes->older)
		exposure_link(outcomes, outcome_join_newest(outcomes->join));
	if (time_ms > outcomes->now_ms)
		outcomes->now_ms = time_ms;
	recent_ids_pass(&outcomes->ids, outcomes->now_ms);
}

void unit_outcomes_end(struct unit_outcomes *outcomes, size_t slot, void (*take)(void *context, const struct outcome_value *value),
		       void *context)
{
	outcome_values_take(outcomes->values, slot, take, context);
}

/* ---- feedback ---- */

static bool outcomes_wait(struct unit_outcomes *outcomes, size_t slot, const struct outcome_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (outcome_values_count(outcomes->values) >= UNIT_OUTCOMES_MAX ||
		    !outcome_values_add(outcomes->values, slot, &values[i]))
			return false;
	return true;
}

enum unit_outcome_fate unit_outcomes_add(struct unit_outcomes *outcomes, uint64_t unit, const struct feedback *feedback,
					 const struct outcome_value *values, size_t count)
{
	const bool has_id = feedback->feedback_id.length > 0;
	const uint64_t id = recent_id(feedback->feedback_id, unit);
	if (!index_make(outcomes))
		return UNIT_OUTCOME_CROWDED;
	const size_t slot = exposure_find(outcomes, unit, feedback->time_ms + FEEDBACK_AHEAD_MS);
	if (has_id && recent_ids_have(&outcomes->ids, id))
		return UNIT_OUTCOME_REPEATED;
	if (slot == SIZE_MAX)
		return UNIT_OUTCOME_UNKNOWN;
	/* The join's exposures have whole seconds, and are open so much longer. */
	if (feedback->time_ms > outcome_join_exposed_ms(outcomes->join, slot) + MS_PER_S + outcomes->window_ms)
		return UNIT_OUTCOME_LATE;
	if ((has_id && !recent_ids_put(&outcomes->ids, id)) || !outcomes_wait(outcomes, slot, values, count))
		return UNIT_OUTCOME_CROWDED;
	return UNIT_OUTCOME_WAITS;
}

/* ---- opening ---- */

struct unit_outcomes *unit_outcomes_open(const struct outcome_join *join, int64_t window_ms, struct error *error)
{
	struct unit_outcomes *outcomes = memory_take(1, sizeof *outcomes);
	const size_t slots = outcome_join_capacity(join);
	size_t buckets = 1;
	assert(slots > 0);
	while (2 * buckets <= slots)
		buckets *= 2;
	if (outcomes) {
		*outcomes = (struct unit_outcomes){.join = join,
						   .slots = slots,
						   .mask = buckets - 1,
						   .window_ms = window_ms,
						   .ids = {.window_ms = window_ms + MS_PER_S}};
		outcomes->values = outcome_values_open();
		if (outcomes->values)
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
	memory_give_table(outcomes->older, outcomes->slots, sizeof *outcomes->older);
	memory_give_table(outcomes->buckets, outcomes->mask + 1, sizeof *outcomes->buckets);
	outcome_values_close(outcomes->values);
	recent_ids_close(&outcomes->ids);
	memory_give(outcomes);
}
