/* outcome_join.c: see outcome_join.h. Entries are a ring in the order in which exposures came. An index of buckets finds
 * them by the hash of their request's id; entries of one bucket are a list, the newest first. */
#include "experiments/outcomes/outcome_join.h"

#include <assert.h>

#include "base/number/duration.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/table.h"

#define REWARD_BIT 1U
#define EXPERIMENTS_AT_FIRST 16
#define KEY_ARENA_BYTES ((size_t)64 << 10) /* far more than the longest id */

struct open_exposure {
	uint64_t id;	/* hash */
	union {
		uint64_t unit; /* hash */
		struct {
			uint32_t tag;	/* the upper half of it */
			uint32_t older; /* entries from here back to the next older one of its bucket, which may be over */
		} chain;		/* of a join by units */
	};
	uint32_t origin; /* part of its hash */
	uint32_t time_s;
	uint32_t next; /* in the list of its bucket: index and 1; 0: the last */
	uint16_t experiment; /* index */
	uint8_t arm;
	uint8_t outcomes; /* bits of those that are joined */
};

static_assert(sizeof(struct open_exposure) == OUTCOME_ENTRY_BYTES, "the memory of an open exposure is promised");

struct outcome_join {
	struct outcome_join_config config;
	uint64_t metrics[OUTCOME_METRICS_MAX]; /* hashes of their names */
	struct open_exposure *ring;
	uint32_t *predictions; /* of each entry: a hash of what its answer said, or 0; NULL: it does not judge */
	uint32_t *buckets;	/* index and 1 of the newest entry; 0: none */
	uint32_t *unit_buckets; /* number of the newest entry, as they were opened; NULL: units are not looked up */
	uint32_t *older;	/* of each entry, as `chain` has it; NULL: the join is by units, or they are not looked up */
	uint32_t opened;	/* number of the newest entry of all; entries that are open have the last numbers */
	struct state_table *ids, *former_ids; /* hashes of feedback_ids, of this window and of the one before; NULL: none came */
	int64_t ids_from_ms;
	uint32_t capacity, mask; /* entries; buckets less 1 */
	uint32_t oldest, count;
	int64_t now_ms; /* of the latest exposure */
	int64_t ended_s;     /* of the latest one whose window is over; -1: there is none */
	struct arena *arena; /* of one key */
	uint64_t *experiments; /* hashes of their names */
	size_t experiment_count, experiment_room;
	struct outcome_join_counts counts;
};

/* ---- names ---- */

static uint64_t text_hash(const struct outcome_join *join, struct text text)
{
	return hash_text(text, join->config.seed);
}

uint64_t outcome_join_unit_hash(const struct outcome_join *join, struct text unit)
{
	return unit.length > 0 ? text_hash(join, unit) : 0;
}

/* Its index; there are few, and nearly always one. SIZE_MAX: there are too many, or memory ran out. */
static size_t experiment_take(struct outcome_join *join, uint64_t experiment)
{
	for (size_t i = 0; i < join->experiment_count; i++)
		if (join->experiments[i] == experiment)
			return i;
	uint64_t *experiments = join->experiment_count < OUTCOME_EXPERIMENTS_MAX
					? memory_grow(join->experiments, join->experiment_count, &join->experiment_room,
						      EXPERIMENTS_AT_FIRST, sizeof *experiments)
					: NULL;
	if (!experiments)
		return SIZE_MAX;
	join->experiments = experiments;
	experiments[join->experiment_count] = experiment;
	return join->experiment_count++;
}

/* ---- entries ---- */

static uint32_t *bucket_of(const struct outcome_join *join, uint64_t id)
{
	return &join->buckets[id & join->mask];
}

/* Removes the oldest entry from the ring. It is the last of its bucket's list. */
static void oldest_remove(struct outcome_join *join)
{
	const struct open_exposure *entry = &join->ring[join->oldest];
	uint32_t *link = bucket_of(join, entry->id);
	if (join->config.closed)
		join->config.closed(join->config.context, join->oldest, entry->arm, entry->outcomes != 0);
	while (*link != join->oldest + 1)
		link = &join->ring[*link - 1].next;
	*link = 0;
	join->oldest = join->oldest + 1 == join->capacity ? 0 : join->oldest + 1;
	join->count--;
}

static int64_t entry_ms(const struct open_exposure *entry)
{
	return (int64_t)entry->time_s * MS_PER_S;
}

void outcome_join_pass(struct outcome_join *join, int64_t time_ms)
{
	while (join->count > 0 && entry_ms(&join->ring[join->oldest]) + MS_PER_S + join->config.window_ms <= time_ms) {
		const int64_t time_s = join->ring[join->oldest].time_s;
		if (time_s > join->ended_s)
			join->ended_s = time_s;
		oldest_remove(join);
		join->counts.expired++;
	}
}

static struct open_exposure *entry_next(const struct outcome_join *join, uint32_t link, uint64_t id)
{
	while (link != 0 && join->ring[link - 1].id != id)
		link = join->ring[link - 1].next;
	return link == 0 ? NULL : &join->ring[link - 1];
}

static uint32_t origin_hash(const struct outcome_join *join, const struct origin *origin)
{
	if (origin->topic.length == 0)
		return 0;
	const int64_t place[2] = {origin->partition, origin->offset};
	return (uint32_t)hash_bytes(place, sizeof place, text_hash(join, origin->topic));
}

/* 0 is of an answer that said nothing. */
static uint32_t prediction_hash(const struct outcome_join *join, struct text prediction)
{
	return prediction.length == 0 ? 0 : (uint32_t)text_hash(join, prediction) | 1;
}

static void entry_add(struct outcome_join *join, const struct open_exposure *made, struct text prediction)
{
	if (join->count == join->capacity) {
		oldest_remove(join);
		join->counts.dropped++;
	}
	uint32_t place = (uint32_t)(((uint64_t)join->oldest + join->count) % join->capacity);
	uint32_t *bucket = bucket_of(join, made->id);
	join->ring[place] = *made;
	join->ring[place].next = *bucket;
	if (join->predictions)
		join->predictions[place] = prediction_hash(join, prediction);
	*bucket = place + 1;
	join->count++;
	join->opened++;
}

/* ---- entries of units ---- */

static uint32_t slot_of(const struct outcome_join *join, uint32_t nth)
{
	return (uint32_t)(((uint64_t)join->oldest + nth) % join->capacity);
}

static uint32_t *unit_bucket(const struct outcome_join *join, uint64_t unit)
{
	return &join->unit_buckets[unit & join->mask];
}

static uint32_t unit_tag(uint64_t unit)
{
	return (uint32_t)(unit >> 32);
}

static bool entry_has_unit(const struct outcome_join *join, const struct open_exposure *entry, uint64_t unit)
{
	return join->config.by_unit ? entry->chain.tag == unit_tag(unit) : entry->unit == unit;
}

static uint32_t *entry_older(const struct outcome_join *join, uint32_t slot)
{
	return join->config.by_unit ? &join->ring[slot].chain.older : &join->older[slot];
}

/* The open entry becomes the newest one of its unit. Nothing is removed when entries end: links beyond the open ones are over. */
static void unit_link(struct outcome_join *join, uint32_t nth, uint64_t unit)
{
	const uint32_t number = join->opened - (join->count - 1 - nth);
	uint32_t *bucket = unit_bucket(join, unit);
	if (unit == 0)
		return;
	*entry_older(join, slot_of(join, nth)) = number - *bucket;
	*bucket = number;
}

/* Units can be looked up from now on. False: memory ran out. */
static bool units_index(struct outcome_join *join)
{
	if (join->unit_buckets)
		return true;
	if (!join->older)
		join->older = memory_take_table(join->capacity, sizeof *join->older);
	if (join->older)
		join->unit_buckets = memory_take_table((size_t)join->mask + 1, sizeof *join->unit_buckets);
	for (uint32_t nth = 0; join->unit_buckets && nth < join->count; nth++)
		unit_link(join, nth, join->ring[slot_of(join, nth)].unit);
	return join->unit_buckets;
}

/* ---- feedback_ids of units ---- */

/* Forgets ids of the window before the last one. */
static void ids_pass(struct outcome_join *join)
{
	if (join->now_ms - join->ids_from_ms <= join->config.window_ms + MS_PER_S)
		return;
	join->ids_from_ms = join->now_ms;
	table_close(join->former_ids);
	join->former_ids = join->ids;
	join->ids = NULL;
}

static bool id_came(const struct outcome_join *join, uint64_t id)
{
	const struct text key = {(const char *)&id, sizeof id};
	struct text ignored;
	return (join->ids && table_read(join->ids, key, &ignored)) ||
	       (join->former_ids && table_read(join->former_ids, key, &ignored));
}

/* False: there are RECENT_IDS_MAX, or memory ran out. */
static bool id_note(struct outcome_join *join, uint64_t id)
{
	if (!join->ids)
		join->ids = table_open();
	return join->ids && table_count(join->ids) < RECENT_IDS_MAX &&
	       table_put(join->ids, (struct text){(const char *)&id, sizeof id}, TEXT(""), false);
}

/* ---- exposures ---- */

static enum exposure_fate exposure_open(struct outcome_join *join, const struct outcome_exposure *exposure)
{
	const uint64_t id = text_hash(join, exposure->id), unit = outcome_join_unit_hash(join, exposure->unit);
	const uint64_t experiment = text_hash(join, exposure->experiment);
	const uint32_t origin = origin_hash(join, &exposure->origin);
	if (exposure->time_ms + join->config.window_ms <= join->now_ms || exposure->time_ms / MS_PER_S <= join->ended_s)
		return EXPOSURE_LATE;
	if (exposure->time_ms > join->now_ms)
		join->now_ms = exposure->time_ms;
	outcome_join_pass(join, join->now_ms);
	ids_pass(join);
	for (const struct open_exposure *entry = entry_next(join, *bucket_of(join, id), id); entry;
	     entry = entry_next(join, entry->next, id))
		if (join->experiments[entry->experiment] == experiment)
			return entry->origin == origin ? EXPOSURE_REPEATED : EXPOSURE_DOUBLED;
	size_t number = exposure->arm < OUTCOME_ARMS_MAX && exposure->time_ms >= 0 ? experiment_take(join, experiment) : SIZE_MAX;
	if (number == SIZE_MAX)
		return EXPOSURE_REFUSED;
	struct open_exposure made = {.id = id,
				     .origin = origin,
				     .time_s = (uint32_t)(exposure->time_ms / MS_PER_S),
				     .experiment = (uint16_t)number,
				     .arm = (uint8_t)exposure->arm};
	if (join->config.by_unit)
		made.chain.tag = unit_tag(unit);
	else
		made.unit = unit;
	entry_add(join, &made, exposure->prediction);
	if (join->unit_buckets)
		unit_link(join, join->count - 1, unit);
	return EXPOSURE_OPENED;
}

enum exposure_fate outcome_join_expose(struct outcome_join *join, const struct outcome_exposure *exposure)
{
	enum exposure_fate fate = exposure_open(join, exposure);
	uint64_t *const counts[] = {[EXPOSURE_OPENED] = &join->counts.opened,
				    [EXPOSURE_REPEATED] = &join->counts.repeated,
				    [EXPOSURE_DOUBLED] = &join->counts.doubled,
				    [EXPOSURE_LATE] = &join->counts.late_exposures,
				    [EXPOSURE_REFUSED] = &join->counts.refused};
	++*counts[fate];
	return fate;
}

/* ---- feedback ---- */

struct joining {
	struct outcome_join *join;
	const struct feedback *feedback;
	void (*joined)(void *context, const struct joined_outcome *outcome);
	void *context;
	uint32_t truth; /* 0: the feedback's own outcomes are joined; else what the truth says, as the metric */
	size_t metric;
	bool without_prediction; /* an exposure that was found had no prediction */
};

static void outcome_add(const struct joining *joining, struct open_exposure *entry, unsigned bit, size_t metric, double value)
{
	if (entry->outcomes & bit) {
		joining->join->counts.again++;
		return;
	}
	const struct joined_outcome outcome = {.arm = entry->arm,
					       .slot = (size_t)(entry - joining->join->ring),
					       .unit = joining->join->config.by_unit ? 0 : entry->unit,
					       .exposed_ms = entry_ms(entry),
					       .metric = metric,
					       .value = value};
	entry->outcomes = (uint8_t)(entry->outcomes | bit);
	joining->join->counts.joined++;
	joining->joined(joining->context, &outcome);
}

static unsigned outcome_bit(size_t metric)
{
	return metric == OUTCOME_REWARD ? REWARD_BIT : REWARD_BIT << (metric + 1);
}

static void entry_judge(struct joining *joining, struct open_exposure *entry)
{
	const uint32_t prediction = joining->join->predictions[entry - joining->join->ring];
	const size_t metric = joining->metric;
	const unsigned bit = outcome_bit(metric);
	if (prediction == 0)
		joining->without_prediction = true;
	else
		outcome_add(joining, entry, bit, metric, prediction == joining->truth);
}

static void entry_join(struct joining *joining, struct open_exposure *entry)
{
	const struct outcome_join *join = joining->join;
	if (joining->truth != 0) {
		entry_judge(joining, entry);
		return;
	}
	const struct feedback *feedback = joining->feedback;
	if (feedback->has_reward)
		outcome_add(joining, entry, REWARD_BIT, OUTCOME_REWARD, feedback->reward);
	for (size_t i = 0; i < feedback->metric_count; i++) {
		uint64_t name = text_hash(join, feedback->metrics[i].name);
		for (size_t j = 0; j < join->config.metric_count; j++)
			if (join->metrics[j] == name)
				outcome_add(joining, entry, outcome_bit(j), j, feedback->metrics[i].value);
	}
}

/* Whether the feedback is for that entry of its request. */
static bool entry_fits(const struct joining *joining, const struct open_exposure *entry)
{
	const struct feedback *feedback = joining->feedback;
	const struct outcome_join *join = joining->join;
	return (feedback->experiment.length == 0 ||
		join->experiments[entry->experiment] == text_hash(join, feedback->experiment)) &&
	       (feedback->origin.topic.length == 0 || entry->origin == 0 ||
		entry->origin == origin_hash(join, &feedback->origin));
}

static bool is_in_window(const struct joining *joining, const struct open_exposure *entry)
{
	return joining->feedback->time_ms <= entry_ms(entry) + MS_PER_S + joining->join->config.window_ms;
}

uint64_t outcome_join_feedback_request(struct outcome_join *join, const struct feedback *feedback)
{
	arena_reset(join->arena);
	return text_hash(join, feedback_key(feedback, join->arena));
}

/* Which exposure of its unit feedback is for: the last one that is at most `before_ms` after it, else the first one that is at most
 * `ahead_ms` after it. */
struct unit_rule {
	int64_t before_ms, ahead_ms;
	uint64_t walk_most; /* exposures of the bucket that may be newer */
};

static const struct unit_rule rule_of_join = {0, FEEDBACK_AHEAD_MS, OUTCOME_WALK_MOST},
			      rule_of_all = {FEEDBACK_AHEAD_MS, FEEDBACK_AHEAD_MS, UINT64_MAX};

/* NULL: none is open, or `beyond`: it is further than may be walked. */
static struct open_exposure *entry_of_unit(const struct joining *joining, uint64_t unit, const struct unit_rule *rule, bool *beyond)
{
	uint64_t walked = 0;
	const struct outcome_join *join = joining->join;
	const int64_t time_ms = joining->feedback->time_ms;
	struct open_exposure *after = NULL;
	for (uint64_t back = join->opened - *unit_bucket(join, unit); back < join->count;) {
		*beyond = walked++ == rule->walk_most;
		if (*beyond)
			return NULL;
		const uint32_t slot = slot_of(join, join->count - 1 - (uint32_t)back), older = *entry_older(join, slot);
		struct open_exposure *entry = &join->ring[slot];
		if (entry_has_unit(join, entry, unit) && entry_fits(joining, entry)) {
			if (entry_ms(entry) <= time_ms + rule->before_ms)
				return entry;
			after = entry_ms(entry) <= time_ms + rule->ahead_ms ? entry : after;
		}
		if (older == 0) /* of an exposure without a unit: numbers have begun again */
			break;
		back += older;
	}
	return after;
}

static enum unit_fate unit_find(const struct joining *joining, uint64_t unit, const struct unit_rule *rule,
				struct open_exposure **found)
{
	struct outcome_join *join = joining->join;
	const struct text feedback_id = joining->feedback->feedback_id;
	const uint64_t id = hash_text(feedback_id, unit);
	bool beyond = false;
	if (feedback_id.length > 0 && id_came(join, id))
		return UNIT_REPEATED;
	*found = entry_of_unit(joining, unit, rule, &beyond);
	if (!*found)
		return beyond ? UNIT_CROWDED : UNIT_UNKNOWN;
	if (!is_in_window(joining, *found))
		return UNIT_LATE;
	/* Without its id it could count twice. */
	return feedback_id.length == 0 || id_note(join, id) ? UNIT_FOUND : UNIT_CROWDED;
}

enum unit_fate outcome_join_unit_find(struct outcome_join *join, const struct feedback *feedback, size_t *slot)
{
	const struct joining joining = {.join = join, .feedback = feedback};
	struct open_exposure *entry;
	assert(!join->config.by_unit && feedback->unit.length > 0);
	if (!units_index(join))
		return UNIT_CROWDED;
	const enum unit_fate fate = unit_find(&joining, outcome_join_unit_hash(join, feedback->unit), &rule_of_all, &entry);
	if (fate == UNIT_FOUND)
		*slot = (size_t)(entry - join->ring);
	return fate;
}

static void entry_join_unit(struct joining *joining, uint64_t unit)
{
	struct outcome_join_counts *counts = &joining->join->counts;
	uint64_t *const fates[] = {[UNIT_REPEATED] = &counts->again,
				   [UNIT_UNKNOWN] = &counts->unknown,
				   [UNIT_LATE] = &counts->late,
				   [UNIT_CROWDED] = &counts->feedback_dropped};
	struct open_exposure *entry;
	const enum unit_fate fate = unit_find(joining, unit, &rule_of_join, &entry);
	if (fate == UNIT_FOUND)
		entry_join(joining, entry);
	else
		++*fates[fate];
}

static void entries_join(struct joining *joining)
{
	struct outcome_join *join = joining->join;
	const struct feedback *feedback = joining->feedback;
	bool found = false, late = false;
	if (feedback->id.length == 0 && feedback->origin.topic.length == 0) {
		join->counts.by_unit++;
		if (join->config.by_unit && feedback->unit.length > 0)
			entry_join_unit(joining, outcome_join_unit_hash(join, feedback->unit));
		return;
	}
	const uint64_t id = outcome_join_feedback_request(join, feedback);
	for (struct open_exposure *entry = entry_next(join, *bucket_of(join, id), id); entry;
	     entry = entry_next(join, entry->next, id)) {
		if (!entry_fits(joining, entry))
			continue;
		found = true;
		if (is_in_window(joining, entry)) {
			entry_join(joining, entry);
			continue;
		}
		late = true;
		if (join->config.late)
			join->config.late(join->config.context, (size_t)(entry - join->ring));
	}
	join->counts.late += late;
	join->counts.unknown += !found;
}

void outcome_join_feedback(struct outcome_join *join, const struct feedback *feedback,
			   void (*joined)(void *context, const struct joined_outcome *outcome), void *context)
{
	struct joining joining = {.join = join, .feedback = feedback, .joined = joined, .context = context};
	entries_join(&joining);
}

bool outcome_join_judge(struct outcome_join *join, const struct feedback *feedback, struct text truth, size_t metric,
			void (*joined)(void *context, const struct joined_outcome *outcome), void *context)
{
	struct joining joining = {.join = join,
				  .feedback = feedback,
				  .joined = joined,
				  .context = context,
				  .truth = prediction_hash(join, truth),
				  .metric = metric};
	assert(join->predictions && truth.length > 0);
	entries_join(&joining);
	return !joining.without_prediction;
}

bool outcome_join_lacks(struct outcome_join *join, const struct feedback *feedback, size_t metric, struct open_request *found)
{
	const struct joining joining = {.join = join, .feedback = feedback};
	if (feedback->id.length == 0 && feedback->origin.topic.length == 0)
		return false;
	const uint64_t id = outcome_join_feedback_request(join, feedback);
	const struct open_exposure *entry = entry_next(join, *bucket_of(join, id), id);
	while (entry && ((entry->outcomes & outcome_bit(metric)) || !entry_fits(&joining, entry) || !is_in_window(&joining, entry)))
		entry = entry_next(join, entry->next, id);
	if (entry)
		*found = (struct open_request){.arm = entry->arm, .exposed_ms = entry_ms(entry)};
	return entry;
}

/* ---- opening ---- */

/* What an open exposure takes, with its part of the indexes. */
static size_t exposure_bytes(const struct outcome_join_config *config)
{
	return config->by_unit ? OUTCOME_BYTES_MOST : OUTCOME_ENTRY_BYTES + (config->judges ? 2 : 1) * sizeof(uint32_t);
}

static bool join_reserve(struct outcome_join *join, const struct outcome_join_config *config, struct error *error)
{
	const size_t entries = config->by_unit && config->judges ? 4 : 2; /* of a bucket, at most: what is left for both indexes */
	size_t capacity = config->memory_bytes / exposure_bytes(config), buckets = 1;
	if (capacity > UINT32_MAX - 1)
		capacity = UINT32_MAX - 1;
	while (entries * buckets <= capacity)
		buckets *= 2;
	join->capacity = (uint32_t)capacity;
	join->mask = (uint32_t)(buckets - 1);
	join->ring = memory_take_table(capacity, sizeof *join->ring);
	join->buckets = memory_take_table(buckets, sizeof *join->buckets);
	join->predictions = config->judges ? memory_take_table(capacity, sizeof *join->predictions) : NULL;
	join->unit_buckets = config->by_unit ? memory_take_table(buckets, sizeof *join->unit_buckets) : NULL;
	join->arena = arena_open(KEY_ARENA_BYTES);
	return (join->ring && join->buckets && join->arena && (join->predictions || !config->judges) &&
		(join->unit_buckets || !config->by_unit)) ||
	       error_memory(error, ERROR_SYSTEM, "reserving memory for open exposures");
}

struct outcome_join *outcome_join_open(const struct outcome_join_config *config, struct error *error)
{
	assert(config->metric_count == 0 || config->metrics);
	if (config->metric_count > OUTCOME_METRICS_MAX || config->window_ms <= 0 || config->memory_bytes < exposure_bytes(config)) {
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "the join of outcomes needs at most %d metrics, a window above 0, and memory for one exposure",
			  OUTCOME_METRICS_MAX);
		return NULL;
	}
	struct outcome_join *join = memory_take(1, sizeof *join);
	if (!join || !join_reserve(join, config, error)) {
		outcome_join_close(join);
		error_memory(error, ERROR_SYSTEM, "opening a join of outcomes");
		return NULL;
	}
	join->config = *config;
	for (size_t i = 0; i < config->metric_count; i++)
		join->metrics[i] = text_hash(join, config->metrics[i]);
	join->config.metrics = NULL;
	join->ended_s = -1;
	return join;
}

void outcome_join_close(struct outcome_join *join)
{
	if (!join)
		return;
	arena_close(join->arena);
	memory_give_table(join->ring, join->capacity, sizeof *join->ring);
	memory_give_table(join->buckets, (size_t)join->mask + 1, sizeof *join->buckets);
	memory_give_table(join->predictions, join->capacity, sizeof *join->predictions);
	memory_give_table(join->unit_buckets, (size_t)join->mask + 1, sizeof *join->unit_buckets);
	memory_give_table(join->older, join->capacity, sizeof *join->older);
	table_close(join->ids);
	table_close(join->former_ids);
	memory_give(join->experiments);
	memory_give(join);
}

uint64_t outcome_join_request(const struct outcome_join *join, size_t slot)
{
	return join->ring[slot].id;
}

uint32_t outcome_join_arm(const struct outcome_join *join, size_t slot)
{
	return join->ring[slot].arm;
}

unsigned outcome_join_metrics(const struct outcome_join *join, size_t slot)
{
	return join->ring[slot].outcomes >> 1;
}

bool outcome_join_has_reward(const struct outcome_join *join, size_t slot)
{
	return join->ring[slot].outcomes & REWARD_BIT;
}

bool outcome_join_has_label(const struct outcome_join *join, size_t slot)
{
	return join->predictions && join->predictions[slot] != 0;
}

uint64_t outcome_join_unit(const struct outcome_join *join, size_t slot)
{
	assert(!join->config.by_unit);
	return join->ring[slot].unit;
}

int64_t outcome_join_exposed_ms(const struct outcome_join *join, size_t slot)
{
	return entry_ms(&join->ring[slot]);
}

size_t outcome_join_newest(const struct outcome_join *join)
{
	assert(join->count > 0);
	return slot_of(join, join->count - 1);
}

void outcome_join_each_open(const struct outcome_join *join,
			    void (*take)(void *context, size_t slot, uint32_t arm, bool has_outcome), void *context)
{
	for (uint32_t i = 0; i < join->count; i++) {
		const uint32_t slot = slot_of(join, i);
		take(context, slot, join->ring[slot].arm, join->ring[slot].outcomes != 0);
	}
}

size_t outcome_join_capacity(const struct outcome_join *join)
{
	return join->capacity;
}

size_t outcome_join_open_count(const struct outcome_join *join)
{
	return join->count;
}

struct outcome_join_counts outcome_join_counts(const struct outcome_join *join)
{
	return join->counts;
}
