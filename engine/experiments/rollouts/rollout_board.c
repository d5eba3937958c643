/* rollout_board.c: see rollout_board.h. */
#include "experiments/rollouts/rollout_board.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "base/held_slot.h"
#include "base/memory.h"

#define FORCE_BYTES_MAX ((size_t)4 << 20) /* a table, and counts of 64 choices by 64 limits and 65 cells */
#define ENTRIES_BYTES_MAX ((size_t)64 << 20)

struct pipeline_truths {
	struct pipeline_truths *next;
	const char *pipeline;
	size_t metric_count;
	const char *metrics[EXPERIMENT_METRICS_MAX];
	size_t count;
	struct truth_counts *counts; /* of each choice */
	bool is_current;
};

struct counted_table {
	struct held_value held; /* first */
	struct rollout_force shown;
	const char **names;
	size_t limits;
	int64_t limits_us[ROLLOUT_LIMITS_MAX];
	_Atomic uint64_t *counts; /* cells of each choice; a call that exceeds limits counts for the last of them alone */
	struct pipeline_truths *truths;
	size_t pipelines;
};

struct rollout_entry {
	struct rollout_entry *next;
	const char *experiment;
	enum rollout_phase phase; /* ROLLOUT_PHASES: unknown */
	struct held_slot force; /* struct counted_table */
};

/* For writers, and for readers under the board's lock. */
static struct counted_table *entry_force(const struct rollout_entry *entry)
{
	return (struct counted_table *)held_slot_value(&entry->force);
}

struct rollout_board {
	pthread_mutex_t lock; /* of entries, and of writers */
	struct arena *arena;
	struct rollout_entry *entries;
};

struct rollout_board *rollout_board_open(void)
{
	struct rollout_board *board = memory_take(1, sizeof *board);
	if (!board)
		return NULL;
	pthread_mutex_init(&board->lock, NULL);
	board->arena = arena_open(ENTRIES_BYTES_MAX);
	if (board->arena)
		return board;
	rollout_board_close(board);
	return NULL;
}

/* ---- entries ---- */

void rollout_board_close(struct rollout_board *board)
{
	if (!board)
		return;
	for (struct rollout_entry *entry = board->entries; entry; entry = entry->next)
		held_slot_close(&entry->force);
	pthread_mutex_destroy(&board->lock);
	arena_close(board->arena);
	memory_give(board);
}

static struct rollout_entry *entry_find(const struct rollout_board *board, const char *experiment)
{
	struct rollout_entry *entry = board->entries;
	while (entry && strcmp(entry->experiment, experiment) != 0)
		entry = entry->next;
	return entry;
}

static struct rollout_entry *entry_take(struct rollout_board *board, const char *experiment)
{
	struct rollout_entry *entry = entry_find(board, experiment);
	if (entry)
		return entry;
	entry = ARENA_NEW(board->arena, struct rollout_entry);
	const char *name = arena_copy(board->arena, experiment, strlen(experiment));
	if (!entry || !name)
		return NULL;
	entry->experiment = name;
	entry->phase = ROLLOUT_PHASES;
	entry->next = board->entries;
	board->entries = entry;
	return entry;
}

struct rollout_entry *rollout_board_entry(struct rollout_board *board, const char *experiment)
{
	if (!board)
		return NULL;
	pthread_mutex_lock(&board->lock);
	struct rollout_entry *entry = entry_take(board, experiment);
	pthread_mutex_unlock(&board->lock);
	return entry;
}

const char *rollout_entry_name(const struct rollout_entry *entry)
{
	return entry->experiment;
}

uint64_t rollout_names(const struct share *shares, size_t count)
{
	uint64_t hash = count;
	for (size_t i = 0; i < count; i++)
		hash = hash_bytes(shares[i].name, strlen(shares[i].name), hash);
	return hash;
}

/* ---- tables ---- */

static bool force_fill(struct counted_table *made, const struct assignment_table *table)
{
	const struct assignment_tables tables = {1, (struct assignment_table *)(uintptr_t)table};
	const struct assignment *assignment =
		assignment_choose(made->held.arena, &tables, table->choice, table->shares, table->count);
	made->names = ARENA_ARRAY(made->held.arena, const char *, table->count + 1);
	made->counts = ARENA_ARRAY(made->held.arena, _Atomic uint64_t, table->count *unit_cells_size(made->limits) + 1);
	if (!assignment || !made->names || !made->counts)
		return false;
	for (size_t i = 0; i < table->count; i++) /* in their order */
		made->names[i] = arena_copy(made->held.arena, table->shares[i].name, strlen(table->shares[i].name));
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		made->shown.probabilities[assignment->ways[i]]++;
	for (size_t i = 0; i < table->count; i++)
		made->shown.probabilities[i] /= ASSIGNMENT_BUCKETS;
	made->shown.version = table->version;
	made->shown.names = rollout_names(table->shares, table->count);
	made->shown.assignment = *assignment;
	baselines_of(assignment, made->shown.baselines);
	return !arena_failed(made->held.arena);
}

/* A table in an arena of its own. */
static struct counted_table *force_make(const struct assignment_table *table, int64_t since_ms, const int64_t *limits_us,
					size_t limits, struct error *error)
{
	struct arena *arena = arena_open(FORCE_BYTES_MAX);
	struct counted_table *made = arena ? ARENA_NEW(arena, struct counted_table) : NULL;
	if (!made) {
		arena_close(arena);
		return error_memory(error, ERROR_SYSTEM, "reading a bucket table"), NULL;
	}
	made->held.arena = arena;
	made->limits = limits;
	made->shown.since_ms = since_ms;
	made->shown.stage = table->stage;
	made->shown.began_ms = table->began_ms;
	made->shown.slow_us = limits > 0 ? limits_us[limits - 1] : 0;
	if (limits <= ROLLOUT_LIMITS_MAX && table->count <= ASSIGNMENT_WAYS_MAX && force_fill(made, table)) {
		if (limits > 0)
			memcpy(made->limits_us, limits_us, limits * sizeof *limits_us);
		return made;
	}
	arena_close(arena);
	(void)error_set(error, ERROR_INPUT, PLACE_NONE,
			"version %lld of the bucket table of `%s` is broken, or has more than %d limits of latency",
			(long long)table->version, table->choice, ROLLOUT_LIMITS_MAX);
	return NULL;
}

bool rollout_board_set(struct rollout_board *board, const struct assignment_table *table, int64_t since_ms,
		       const int64_t *limits_us, size_t limits, struct error *error)
{
	assert(table->choice && (limits == 0 || limits_us));
	bool good = true;
	pthread_mutex_lock(&board->lock);
	struct rollout_entry *entry = entry_take(board, table->choice);
	const struct counted_table *now = entry ? entry_force(entry) : NULL;
	if (!entry) {
		good = error_memory(error, ERROR_SYSTEM, "reading a bucket table");
	} else if (!now || now->shown.version != table->version) {
		struct counted_table *made = force_make(table, since_ms, limits_us, limits, error);
		good = made != NULL;
		if (made)
			held_slot_replace(&entry->force, &made->held);
	}
	pthread_mutex_unlock(&board->lock);
	return good;
}

void rollout_board_keep(struct rollout_board *board, bool (*is_kept)(void *context, const char *experiment), void *context)
{
	pthread_mutex_lock(&board->lock);
	for (struct rollout_entry *entry = board->entries; entry; entry = entry->next) {
		if (is_kept(context, entry->experiment))
			continue;
		entry->phase = ROLLOUT_PHASES;
		if (entry_force(entry))
			held_slot_replace(&entry->force, NULL);
	}
	pthread_mutex_unlock(&board->lock);
}

/* ---- phases ---- */

bool rollout_board_set_phase(struct rollout_board *board, const char *experiment, enum rollout_phase phase)
{
	assert(phase <= ROLLOUT_PHASES);
	pthread_mutex_lock(&board->lock);
	struct rollout_entry *entry = entry_take(board, experiment);
	if (entry)
		entry->phase = phase;
	pthread_mutex_unlock(&board->lock);
	return entry != NULL;
}

static enum rollout_phase phase_of(struct rollout_board *board, const char *experiment)
{
	pthread_mutex_lock(&board->lock);
	const struct rollout_entry *entry = entry_find(board, experiment);
	const enum rollout_phase phase = entry ? entry->phase : ROLLOUT_PHASES;
	pthread_mutex_unlock(&board->lock);
	return phase;
}

void rollout_board_figures(struct rollout_board *board, const char *experiment, struct alert_values *values)
{
	const enum rollout_phase phase = phase_of(board, experiment);
	if (phase == ROLLOUT_PHASES)
		return;
	values->rollout_paused = fmax(values->rollout_paused, phase == ROLLOUT_PAUSED);
	values->rollout_inconclusive = fmax(values->rollout_inconclusive, phase == ROLLOUT_INCONCLUSIVE);
	values->rollout_rolled_back = fmax(values->rollout_rolled_back, phase == ROLLOUT_ROLLED_BACK);
}

/* ---- truths ---- */

/* NULL: memory ran out. */
static struct pipeline_truths *truths_add(struct counted_table *force, const struct rollout_truths *told)
{
	struct arena *arena = force->held.arena;
	struct pipeline_truths *truths = ARENA_NEW(arena, struct pipeline_truths);
	if (!truths)
		return NULL;
	truths->next = force->truths;
	truths->pipeline = arena_copy(arena, told->pipeline, strlen(told->pipeline));
	truths->count = force->shown.assignment.count;
	truths->counts = ARENA_ARRAY(arena, struct truth_counts, truths->count);
	truths->metric_count = told->metric_count;
	for (size_t i = 0; i < told->metric_count; i++)
		truths->metrics[i] = arena_copy(arena, told->metrics[i], strlen(told->metrics[i]));
	if (arena_failed(arena))
		return NULL;
	force->truths = truths;
	force->pipelines++;
	return truths;
}

static bool metrics_equal(const struct pipeline_truths *truths, const struct rollout_truths *told)
{
	bool equal = truths->metric_count == told->metric_count;
	for (size_t i = 0; equal && i < told->metric_count; i++)
		equal = strcmp(truths->metrics[i], told->metrics[i]) == 0;
	return equal;
}

static struct pipeline_truths *truths_find(const struct counted_table *force, const char *pipeline)
{
	struct pipeline_truths *truths = force->truths;
	while (truths && strcmp(truths->pipeline, pipeline) != 0)
		truths = truths->next;
	return truths;
}

/* NULL: there are too many pipelines, its metrics were others, or memory ran out. */
static struct pipeline_truths *truths_of(struct counted_table *force, const struct rollout_truths *told)
{
	struct pipeline_truths *truths = truths_find(force, told->pipeline);
	if (truths)
		return metrics_equal(truths, told) ? truths : NULL;
	return force->pipelines < ROLLOUT_PIPELINES_MAX ? truths_add(force, told) : NULL;
}

/* The pipeline's truths under that version of the table, or NULL. */
static struct pipeline_truths *truths_under(struct rollout_board *board, const char *experiment, int64_t version,
					    const struct rollout_truths *told)
{
	const struct rollout_entry *entry = entry_take(board, experiment);
	struct counted_table *force = entry ? entry_force(entry) : NULL;
	return force && force->shown.version == version ? truths_of(force, told) : NULL;
}

void rollout_board_announce(struct rollout_board *board, const char *experiment, int64_t version,
			    const struct rollout_truths *announced)
{
	assert(announced->pipeline && announced->metric_count <= EXPERIMENT_METRICS_MAX);
	pthread_mutex_lock(&board->lock);
	(void)truths_under(board, experiment, version, announced);
	pthread_mutex_unlock(&board->lock);
}

void rollout_board_inform(struct rollout_board *board, const char *experiment, int64_t version, const struct rollout_truths *told)
{
	assert(told->pipeline && told->counts && told->metric_count <= EXPERIMENT_METRICS_MAX);
	pthread_mutex_lock(&board->lock);
	struct pipeline_truths *truths = truths_under(board, experiment, version, told);
	if (truths) {
		memcpy(truths->counts, told->counts, truths->count * sizeof *told->counts);
		truths->is_current = told->is_current;
	}
	pthread_mutex_unlock(&board->lock);
}

void rollout_board_outdate(struct rollout_board *board, const char *experiment, const char *pipeline)
{
	pthread_mutex_lock(&board->lock);
	const struct rollout_entry *entry = entry_find(board, experiment);
	struct counted_table *force = entry ? entry_force(entry) : NULL;
	struct pipeline_truths *truths = force ? truths_find(force, pipeline) : NULL;
	if (truths)
		truths->is_current = false;
	pthread_mutex_unlock(&board->lock);
}

/* ---- on the path ---- */

const struct rollout_force *rollout_entry_hold(struct rollout_entry *entry)
{
	struct counted_table *force = (struct counted_table *)held_slot_hold(&entry->force);
	return force ? &force->shown : NULL;
}

void rollout_entry_release(struct rollout_entry *entry)
{
	held_slot_release(&entry->force);
}

static _Atomic uint64_t *cell_of(const struct counted_table *force, size_t index, size_t cell)
{
	return &force->counts[index * unit_cells_size(force->limits) + unit_cells_at(cell, force->limits)];
}

/* The call first: a reader reads in the other order, so it never sees more errors or slow calls than calls. */
static void force_count(struct counted_table *force, const struct rollout_call_end *end)
{
	_Atomic uint64_t *cell = cell_of(force, end->index, end->cell);
	size_t exceeded = 0;
	while (!end->again && exceeded < force->limits && end->took_us > force->limits_us[exceeded])
		exceeded++;
	if (!end->again)
		atomic_fetch_add_explicit(&cell[CELL_CALLS], 1, memory_order_release);
	if (exceeded > 0)
		atomic_fetch_add_explicit(&cell[CELL_SLOWER + exceeded - 1], 1, memory_order_release);
	if (end->failed)
		atomic_fetch_add_explicit(&cell[CELL_ERRORS], 1, memory_order_release);
}

void rollout_entry_count(struct rollout_entry *entry, const struct rollout_call_end *end)
{
	assert(end->cell < UNIT_CELLS);
	struct counted_table *force = (struct counted_table *)held_slot_hold(&entry->force);
	if (force && force->shown.version == end->version && end->index < force->shown.assignment.count)
		force_count(force, end);
	held_slot_release(&entry->force);
}

/* ---- reading ---- */

static int64_t cell_load(_Atomic uint64_t *number)
{
	return (int64_t)atomic_load_explicit(number, memory_order_acquire);
}

static void cell_read(_Atomic uint64_t *cell, size_t limits, int64_t *read)
{
	int64_t above = 0;
	read[CELL_ERRORS] = cell_load(&cell[CELL_ERRORS]);
	for (size_t i = limits; i > 0; i--)
		read[CELL_SLOWER + i - 1] = above += cell_load(&cell[CELL_SLOWER + i - 1]);
	read[CELL_CALLS] = cell_load(&cell[CELL_CALLS]);
}

/* False: memory ran out. */
static bool variant_read(const struct counted_table *force, size_t index, struct arena *arena, struct rollout_variant *variant)
{
	int64_t *cells = ARENA_ARRAY(arena, int64_t, unit_cells_size(force->limits));
	for (size_t i = 0; i < force->limits; i++)
		variant->slower[i].limit_us = force->limits_us[i];
	for (size_t i = 0; cells && i < UNIT_CELLS; i++) {
		int64_t *cell = &cells[unit_cells_at(i, force->limits)];
		cell_read(cell_of(force, index, i), force->limits, cell);
		variant->calls += (uint64_t)cell[CELL_CALLS];
		variant->errors += (uint64_t)cell[CELL_ERRORS];
		for (size_t j = 0; j < force->limits; j++)
			variant->slower[j].calls += (uint64_t)cell[CELL_SLOWER + j];
	}
	variant->cells = cells;
	return cells;
}

/* NULL: memory ran out. */
static const struct rollout_truths *truths_read(const struct counted_table *force, struct arena *arena)
{
	const size_t choices = force->shown.assignment.count;
	struct rollout_truths *list = ARENA_ARRAY(arena, struct rollout_truths, force->pipelines + 1);
	size_t count = 0;
	for (const struct pipeline_truths *truths = force->truths; list && truths; truths = truths->next) {
		struct truth_counts *counts = ARENA_ARRAY(arena, struct truth_counts, choices);
		const char **metrics = ARENA_ARRAY(arena, const char *, truths->metric_count + 1);
		if (!counts || !metrics)
			return NULL;
		memcpy(counts, truths->counts, choices * sizeof *counts);
		for (size_t i = 0; i < truths->metric_count; i++)
			metrics[i] = arena_copy(arena, truths->metrics[i], strlen(truths->metrics[i]));
		list[count++] = (struct rollout_truths){arena_copy(arena, truths->pipeline, strlen(truths->pipeline)),
							truths->metric_count, metrics, counts, truths->is_current};
	}
	return list;
}

static bool entry_read(const struct rollout_entry *entry, const struct counted_table *force, struct arena *arena,
		       struct rollout_reading *reading)
{
	struct rollout_variant *variants = ARENA_ARRAY(arena, struct rollout_variant, force->shown.assignment.count);
	if (!variants)
		return false;
	for (size_t i = 0; i < force->shown.assignment.count; i++) {
		variants[i].name = arena_copy(arena, force->names[i], strlen(force->names[i]));
		if (!variant_read(force, i, arena, &variants[i]))
			return false;
	}
	*reading = (struct rollout_reading){.experiment = entry->experiment,
					    .table = force->shown.version,
					    .count = force->shown.assignment.count,
					    .limits = force->limits,
					    .variants = variants,
					    .pipelines = force->pipelines,
					    .truths = truths_read(force, arena)};
	return !arena_failed(arena);
}

bool rollout_board_read(struct rollout_board *board, struct arena *arena, const struct rollout_reading **readings, size_t *count)
{
	bool good = true;
	size_t most = 0;
	pthread_mutex_lock(&board->lock);
	for (const struct rollout_entry *entry = board->entries; entry; entry = entry->next)
		most += entry_force(entry) != NULL;
	struct rollout_reading *list = ARENA_ARRAY(arena, struct rollout_reading, most + 1);
	*count = 0;
	for (const struct rollout_entry *entry = board->entries; list && good && entry; entry = entry->next) {
		const struct counted_table *force = entry_force(entry);
		good = !force || entry_read(entry, force, arena, &list[(*count)++]);
	}
	pthread_mutex_unlock(&board->lock);
	*readings = list;
	return list && good;
}
