/* policy_board.c: see policy_board.h. */
#include "observe/policy_board.h"

#include <pthread.h>

#include "base/memory.h"

#define POLICY_BYTES_MAX (2 * POLICY_RECORD_BYTES_MAX)
#define ENTRIES_BYTES_MAX ((size_t)64 << 20)

struct policy_entry {
	struct policy_entry *next;
	const char *pipeline, *experiment;
	struct held_slot policy; /* struct policy_in_force */
	_Atomic int64_t version, rewards, set_ms;
	_Atomic uint64_t refused, late, unknown, by_unit, feedback_dropped, repeated, dropped, missing, uncomputed;
	_Atomic uint32_t logged; /* a bit of each loss */
	pthread_mutex_t lock;	 /* of writers */
};

struct policy_board {
	pthread_mutex_t lock;
	struct arena *arena; /* of entries */
	struct policy_entry *entries;
};

struct policy_board *policy_board_open(void)
{
	struct policy_board *board = memory_take(1, sizeof *board);
	if (!board)
		return NULL;
	pthread_mutex_init(&board->lock, NULL);
	board->arena = arena_open(ENTRIES_BYTES_MAX);
	if (board->arena)
		return board;
	policy_board_close(board);
	return NULL;
}

/* ---- entries ---- */

static void policy_entry_close(struct policy_entry *entry)
{
	held_slot_close(&entry->policy);
	pthread_mutex_destroy(&entry->lock);
}

void policy_board_close(struct policy_board *board)
{
	if (!board)
		return;
	for (struct policy_entry *entry = board->entries; entry; entry = entry->next)
		policy_entry_close(entry);
	pthread_mutex_destroy(&board->lock);
	arena_close(board->arena);
	memory_give(board);
}

static struct policy_entry *policy_entry_open(struct arena *arena, const char *pipeline, const char *experiment)
{
	struct policy_entry *entry = ARENA_NEW(arena, struct policy_entry);
	const char *of = arena_copy(arena, pipeline, strlen(pipeline)), *name = arena_copy(arena, experiment, strlen(experiment));
	if (!entry || !of || !name)
		return NULL;
	entry->pipeline = of;
	entry->experiment = name;
	pthread_mutex_init(&entry->lock, NULL);
	atomic_store(&entry->version, -1);
	return entry;
}

struct policy_entry *policy_board_entry(struct policy_board *board, const char *pipeline, const char *experiment)
{
	if (!board)
		return NULL;
	pthread_mutex_lock(&board->lock);
	struct policy_entry *entry = board->entries;
	while (entry && (strcmp(entry->pipeline, pipeline) != 0 || strcmp(entry->experiment, experiment) != 0))
		entry = entry->next;
	if (!entry && (entry = policy_entry_open(board->arena, pipeline, experiment))) {
		entry->next = board->entries;
		board->entries = entry;
	}
	pthread_mutex_unlock(&board->lock);
	return entry;
}

/* ---- policies ---- */

static void force_classes(struct arena *arena, const struct policy_feature *feature, struct context_scale *scale)
{
	double *classes = ARENA_ARRAY(arena, double, feature->class_count + 1);
	for (size_t i = 0; classes && i < feature->class_count; i++)
		classes[i] = context_text(feature->classes[i]);
	scale->classes = classes;
	scale->class_count = feature->class_count;
}

static const struct text *force_arms(struct arena *arena, const struct policy_record *record)
{
	struct text *arms = ARENA_ARRAY(arena, struct text, record->arm_count);
	for (size_t i = 0; arms && i < record->arm_count; i++)
		arms[i] = (struct text){arena_copy(arena, record->arms[i].bytes, record->arms[i].length), record->arms[i].length};
	return arms;
}

static bool force_names(struct policy_in_force *made, const struct policy_record *record)
{
	struct text *names = ARENA_ARRAY(made->held.arena, struct text, record->feature_count + 1);
	struct context_scale *scales = ARENA_ARRAY(made->held.arena, struct context_scale, record->feature_count + 1);
	for (size_t i = 0; names && scales && i < record->feature_count; i++) {
		const struct policy_feature *feature = &record->features[i];
		names[i] = text_of(arena_copy(made->held.arena, feature->name.bytes, feature->name.length));
		scales[i] = (struct context_scale){feature->center, feature->width, 0, NULL};
		force_classes(made->held.arena, feature, &scales[i]);
	}
	made->arms = force_arms(made->held.arena, record);
	if (arena_failed(made->held.arena))
		return false;
	made->scales = scales;
	made->form = context_form_of(record->arms, record->arm_count, names, record->feature_count);
	return true;
}

/* A policy in an arena of its own. */
static struct policy_in_force *force_make(const struct policy_record *record, struct error *error)
{
	struct arena *arena = arena_open(POLICY_BYTES_MAX);
	struct policy_in_force *made = arena ? ARENA_NEW(arena, struct policy_in_force) : NULL;
	if (made)
		*made = (struct policy_in_force){.held.arena = arena};
	if (!made || !force_names(made, record)) {
		arena_close(arena);
		return error_memory(error, ERROR_SYSTEM, "reading a policy"), NULL;
	}
	made->policy = policy_read(arena, record->policy, error);
	if (made->policy && record->feature_count <= CONTEXT_FEATURES_MAX && made->policy->arms == record->arm_count &&
	    made->policy->features <= CONTEXT_LENGTH_MAX && made->policy->features == context_length(&made->form, made->scales))
		return made;
	if (made->policy)
		error_set(error, ERROR_INPUT, PLACE_NONE, "the policy of experiment `" TEXT_FORMAT "` does not fit its names",
			  TEXT_ARGUMENTS(record->experiment));
	arena_close(arena);
	return NULL;
}

static void state_set(struct policy_entry *entry, const struct policy_record *record, int64_t now_ms)
{
	atomic_store(&entry->rewards, record->rewards);
	atomic_store(&entry->set_ms, now_ms);
	atomic_store(&entry->version, record->version);
}

/* Whether a policy by which an experiment starts takes the place of what is in force. The caller has the lock. */
static bool entry_begins(const struct policy_entry *entry, const struct policy_in_force *made, int64_t version)
{
	const struct policy_in_force *force = (const struct policy_in_force *)held_slot_value(&entry->policy);
	return !force || atomic_load(&entry->version) == version || force->form.hash != made->form.hash;
}

static bool policy_put(struct policy_entry *entry, const struct policy_record *record, int64_t now_ms, bool begins,
		       struct error *error)
{
	struct policy_in_force *made = force_make(record, error);
	if (!made)
		return false;
	pthread_mutex_lock(&entry->lock);
	const bool puts = !begins || entry_begins(entry, made, record->version);
	if (puts) {
		held_slot_replace(&entry->policy, &made->held);
		state_set(entry, record, now_ms);
	}
	pthread_mutex_unlock(&entry->lock);
	if (!puts)
		arena_close(made->held.arena);
	return true;
}

bool policy_entry_begin(struct policy_entry *entry, const struct policy_record *record, int64_t now_ms, struct error *error)
{
	assert(entry && record);
	return policy_put(entry, record, now_ms, true, error);
}

void policy_entry_end_start(struct policy_entry *entry, int64_t version)
{
	pthread_mutex_lock(&entry->lock);
	if (atomic_load(&entry->version) == version) {
		held_slot_replace(&entry->policy, NULL);
		atomic_store(&entry->rewards, 0);
		atomic_store(&entry->version, -1);
	}
	pthread_mutex_unlock(&entry->lock);
}

bool policy_entry_set(struct policy_entry *entry, const struct policy_record *record, int64_t now_ms, struct error *error)
{
	assert(entry && record);
	return policy_put(entry, record, now_ms, false, error);
}

const struct policy_in_force *policy_entry_hold(struct policy_entry *entry)
{
	return (const struct policy_in_force *)held_slot_hold(&entry->policy);
}

void policy_entry_release(struct policy_entry *entry)
{
	held_slot_release(&entry->policy);
}

struct policy_state policy_entry_state(const struct policy_entry *entry)
{
	return (struct policy_state){atomic_load(&entry->version), atomic_load(&entry->rewards), atomic_load(&entry->set_ms)};
}

void policy_entry_lose(struct policy_entry *entry, const struct policy_losses *more)
{
	atomic_fetch_add(&entry->refused, more->refused);
	atomic_fetch_add(&entry->late, more->late);
	atomic_fetch_add(&entry->unknown, more->unknown);
	atomic_fetch_add(&entry->by_unit, more->by_unit);
	atomic_fetch_add(&entry->feedback_dropped, more->feedback_dropped);
	atomic_fetch_add(&entry->repeated, more->repeated);
	atomic_fetch_add(&entry->dropped, more->dropped);
	atomic_fetch_add(&entry->missing, more->missing);
	atomic_fetch_add(&entry->uncomputed, more->uncomputed);
}

struct policy_losses policy_entry_losses(const struct policy_entry *entry)
{
	return (struct policy_losses){.refused = atomic_load(&entry->refused),
				      .late = atomic_load(&entry->late),
				      .unknown = atomic_load(&entry->unknown),
				      .by_unit = atomic_load(&entry->by_unit),
				      .feedback_dropped = atomic_load(&entry->feedback_dropped),
				      .repeated = atomic_load(&entry->repeated),
				      .dropped = atomic_load(&entry->dropped),
				      .missing = atomic_load(&entry->missing),
				      .uncomputed = atomic_load(&entry->uncomputed)};
}

bool policy_entry_log_first(struct policy_entry *entry, unsigned loss)
{
	assert(loss < 32);
	return !(atomic_fetch_or(&entry->logged, UINT32_C(1) << loss) >> loss & 1);
}
