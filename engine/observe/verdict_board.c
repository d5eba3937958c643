/* verdict_board.c: see verdict_board.h. */
#include "observe/verdict_board.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "observe/verdict_parts.h"

struct verdict_board {
	pthread_mutex_t lock;
	atomic_bool is_followed; /* there was a turn */
	struct verdict_entry *entries;
};

struct verdict_board *verdict_board_open(void)
{
	struct verdict_board *board = memory_take(1, sizeof *board);
	if (board)
		pthread_mutex_init(&board->lock, NULL);
	return board;
}

static void entry_close(struct verdict_entry *entry)
{
	verdict_references_close(entry);
	memory_give(entry->background.rows);
	held_slot_close(&entry->verdicts);
	closed_windows_close(&entry->closing);
	closed_windows_close(&entry->closed);
	memory_give(entry->importance);
	held_slot_close(&entry->outliers);
	pthread_mutex_destroy(&entry->lock);
	memory_give(entry->pipeline);
	memory_give(entry->step);
	memory_give(entry);
}

void verdict_board_close(struct verdict_board *board)
{
	if (!board)
		return;
	for (struct verdict_entry *entry = board->entries, *next; entry; entry = next) {
		next = entry->next;
		entry_close(entry);
	}
	pthread_mutex_destroy(&board->lock);
	memory_give(board);
}

static struct verdict_entry *entry_open(const char *pipeline, const char *step)
{
	struct verdict_entry *entry = memory_take(1, sizeof *entry);
	if (!entry)
		return NULL;
	pthread_mutex_init(&entry->lock, NULL);
	for (size_t i = 0; i < DRIFT_METRICS; i++)
		entry->realised.of[i] = (struct realised_figure){.value = (double)NAN, .low = (double)NAN, .high = (double)NAN};
	entry->pipeline = verdict_name_copy(pipeline);
	entry->step = verdict_name_copy(step);
	if (entry->pipeline && entry->step)
		return entry;
	entry_close(entry);
	return NULL;
}

struct verdict_entry *verdict_board_entry(struct verdict_board *board, const char *pipeline, const char *step)
{
	if (!board)
		return NULL;
	pthread_mutex_lock(&board->lock);
	struct verdict_entry *entry = board->entries;
	while (entry && (strcmp(entry->pipeline, pipeline) != 0 || strcmp(entry->step, step) != 0))
		entry = entry->next;
	if (!entry && (entry = entry_open(pipeline, step))) {
		entry->is_followed = &board->is_followed;
		entry->next = board->entries;
		board->entries = entry;
	}
	pthread_mutex_unlock(&board->lock);
	return entry;
}

void verdict_board_forget_backgrounds(struct verdict_board *board)
{
	pthread_mutex_lock(&board->lock);
	for (struct verdict_entry *entry = board->entries; entry; entry = entry->next)
		verdict_entry_forget_background(entry);
	pthread_mutex_unlock(&board->lock);
}

/* ---- verdicts of segments ---- */

#define VERDICTS_BYTES_MAX ((size_t)64 << 20) /* of DRIFT_SEGMENTS_MAX segments with long names */

static const struct verdicts *verdicts_in_force(const struct verdict_entry *entry)
{
	static const struct verdicts nothing;
	const struct held_value *held = held_slot_value(&entry->verdicts);
	return held ? (const struct verdicts *)held : &nothing;
}

/* A copy with memory for another segment. NULL: memory ran out. */
static struct verdicts *verdicts_copy(const struct verdicts *verdicts)
{
	const size_t size = sizeof *verdicts + verdicts->count * sizeof *verdicts->segments;
	struct arena *arena = arena_open(VERDICTS_BYTES_MAX);
	struct verdicts *copy = arena ? arena_take_raw(arena, size + sizeof *verdicts->segments) : NULL;
	if (copy) {
		memcpy(copy, verdicts, size);
		copy->held = (struct held_value){.arena = arena};
	}
	for (size_t i = 0; copy && i < copy->count; i++) {
		struct text *name = &copy->segments[i].name;
		name->bytes = arena_copy(arena, name->bytes, name->length);
	}
	if (copy && !arena_failed(arena))
		return copy;
	arena_close(arena);
	return NULL;
}

/* For a writer, which has the lock: a copy of what is in force. NULL: memory ran out, and nothing is known any more. */
static struct verdicts *verdicts_change(struct verdict_entry *entry)
{
	struct verdicts *copy = verdicts_copy(verdicts_in_force(entry));
	if (!copy)
		held_slot_replace(&entry->verdicts, NULL);
	return copy;
}

/* Where the segment is, or where it belongs. */
static size_t segment_place(const struct verdicts *verdicts, struct text name, bool *found)
{
	size_t low = 0, high = verdicts->count;
	*found = false;
	while (low < high && !*found) {
		const size_t middle = low + (high - low) / 2;
		const int order = text_compare(verdicts->segments[middle].name, name);
		*found = order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return high;
}

static const struct segment_verdict *segment_find(const struct verdicts *verdicts, struct text name)
{
	bool found;
	const size_t at = segment_place(verdicts, name, &found);
	return found ? &verdicts->segments[at] : NULL;
}

/* Of a copy, to which one is added at most. NULL: there are too many, or memory ran out. */
static struct segment_verdict *segment_take(struct verdicts *verdicts, struct text name)
{
	bool found;
	const size_t at = segment_place(verdicts, name, &found);
	struct segment_verdict *segment = &verdicts->segments[at];
	if (found)
		return segment;
	const char *copy = verdicts->count < DRIFT_SEGMENTS_MAX ? arena_copy(verdicts->held.arena, name.bytes, name.length) : NULL;
	if (!copy)
		return NULL;
	memmove(segment + 1, segment, (verdicts->count++ - at) * sizeof *segment);
	*segment = (struct segment_verdict){.name = {copy, name.length}, .own = verdict_unknown(), .fed = verdict_unknown()};
	return segment;
}

/* ---- own verdicts and those of the feed ---- */

/* Forgets the own verdicts, or those of the feed. */
static void verdicts_drop(struct verdicts *verdicts, bool own)
{
	size_t left = 0;
	for (size_t i = 0; i < verdicts->count; i++) {
		struct segment_verdict *segment = &verdicts->segments[i];
		*(own ? &segment->own : &segment->fed) = verdict_unknown();
		segment->is_own &= !own;
		segment->is_lent &= own;
		if (segment->is_own || segment->is_lent || segment->fed.verdict != DRIFT_LEARNING)
			verdicts->segments[left++] = *segment;
	}
	verdicts->count = left;
}

/* Forgets one that only the feed has. */
static void fed_give_way(struct verdicts *verdicts)
{
	size_t at = 0;
	while (at < verdicts->count && verdicts->segments[at].is_own)
		at++;
	if (at < verdicts->count)
		memmove(&verdicts->segments[at], &verdicts->segments[at + 1],
			(--verdicts->count - at) * sizeof *verdicts->segments);
}

void verdict_entry_expect(struct verdict_entry *entry, uint64_t identity)
{
	pthread_mutex_lock(&entry->lock);
	entry->expected_identity = identity;
	pthread_mutex_unlock(&entry->lock);
}

void verdict_entry_begin(struct verdict_entry *entry, uint64_t identity)
{
	pthread_mutex_lock(&entry->lock);
	const bool is_new = verdicts_in_force(entry)->own_identity != identity;
	struct verdicts *changed = is_new ? verdicts_change(entry) : NULL;
	if (changed) {
		verdicts_drop(changed, true);
		changed->own_identity = identity;
		held_slot_replace(&entry->verdicts, &changed->held);
		entry->beyond = 0;
	}
	pthread_mutex_unlock(&entry->lock);
}

static void own_set(struct verdict_entry *entry, struct text segment, const struct last_verdict *last)
{
	struct verdicts *verdicts = verdicts_change(entry);
	if (!verdicts)
		return;
	if (verdicts->count >= DRIFT_SEGMENTS_MAX && !segment_find(verdicts, segment))
		fed_give_way(verdicts);
	struct segment_verdict *kept = segment_take(verdicts, segment);
	if (kept) {
		kept->is_own = true;
		kept->is_lent = false;
		kept->own = *last;
	}
	held_slot_replace(&entry->verdicts, &verdicts->held);
}

void verdict_entry_set(struct verdict_entry *entry, struct text segment, struct last_verdict last)
{
	pthread_mutex_lock(&entry->lock);
	own_set(entry, segment, &last);
	pthread_mutex_unlock(&entry->lock);
}

static void fed_set(struct verdicts *verdicts, uint64_t identity, struct text segment, const struct last_verdict *last)
{
	const bool ends = last->verdict == DRIFT_LEARNING;
	if (!ends && verdicts->fed_identity != identity) {
		verdicts_drop(verdicts, false);
		verdicts->fed_identity = identity;
	}
	struct segment_verdict *kept = ends && !segment_find(verdicts, segment) ? NULL : segment_take(verdicts, segment);
	if (kept && ends)
		kept->fed = *last;
	if (kept) {
		kept->is_lent = false;
		kept->fed.verdict = last->verdict;
		kept->fed.score = last->score;
		kept->fed.cause = last->cause;
	}
}

void verdict_entry_feed(struct verdict_entry *entry, uint64_t identity, struct text segment, struct last_verdict last)
{
	pthread_mutex_lock(&entry->lock);
	struct verdicts *changed = verdicts_change(entry);
	if (changed) {
		fed_set(changed, identity, segment, &last);
		held_slot_replace(&entry->verdicts, &changed->held);
	}
	pthread_mutex_unlock(&entry->lock);
}

void verdict_entry_feed_figures(struct verdict_entry *entry, uint64_t identity, struct text segment,
				const struct last_verdict *figures)
{
	pthread_mutex_lock(&entry->lock);
	const struct verdicts *verdicts = verdicts_in_force(entry);
	const struct segment_verdict *known = verdicts->fed_identity == identity ? segment_find(verdicts, segment) : NULL;
	struct verdicts *changed = known && known->fed.verdict != DRIFT_LEARNING ? verdicts_change(entry) : NULL;
	struct segment_verdict *kept = changed ? segment_take(changed, segment) : NULL; /* it is there */
	if (kept) {
		const struct last_verdict before = kept->fed;
		kept->fed = *figures;
		kept->fed.verdict = before.verdict;
		kept->fed.score = before.score;
	}
	if (changed)
		held_slot_replace(&entry->verdicts, &changed->held);
	pthread_mutex_unlock(&entry->lock);
}

struct last_verdict verdict_entry_get(struct verdict_entry *entry, struct text segment)
{
	pthread_mutex_lock(&entry->lock);
	const struct segment_verdict *kept = segment_find(verdicts_in_force(entry), segment);
	const struct last_verdict last = kept ? kept->own : verdict_unknown();
	pthread_mutex_unlock(&entry->lock);
	return last;
}

static struct last_verdict known_of(const struct verdicts *verdicts, uint64_t identity, const struct segment_verdict *kept)
{
	const struct last_verdict own = verdicts->own_identity == identity ? kept->own : verdict_unknown();
	if (own.verdict != DRIFT_LEARNING || verdicts->fed_identity != identity)
		return own;
	struct last_verdict last = isnan(own.quality_alarm) ? kept->fed : own; /* a window closed here has figures of its own */
	last.verdict = kept->fed.verdict;
	last.score = kept->fed.score;
	last.cause = kept->fed.cause;
	return last;
}

struct last_verdict verdict_entry_known(struct verdict_entry *entry, uint64_t identity, struct text segment)
{
	const struct verdicts *verdicts = (const struct verdicts *)held_slot_hold(&entry->verdicts);
	const struct segment_verdict *kept = verdicts ? segment_find(verdicts, segment) : NULL;
	const struct last_verdict last = kept ? known_of(verdicts, identity, kept) : verdict_unknown();
	held_slot_release(&entry->verdicts);
	return last;
}

void verdict_entry_set_beyond(struct verdict_entry *entry, uint64_t rows)
{
	pthread_mutex_lock(&entry->lock);
	entry->beyond = rows;
	pthread_mutex_unlock(&entry->lock);
}

static size_t metric_number(const char *name)
{
	size_t number = 0;
	while (number < DRIFT_METRICS && strcmp(drift_metric_names[number], name) != 0)
		number++;
	return number;
}

void verdict_entry_add_realised(struct verdict_entry *entry, const struct drift_score *settled)
{
	pthread_mutex_lock(&entry->lock);
	entry->realised.unkept += settled->unkept;
	entry->realised.unfit += settled->unfit;
	for (size_t i = 0; i < settled->realised_count; i++) {
		const struct drift_realisation *item = &settled->realised[i];
		const size_t number = metric_number(item->metric);
		if (number == DRIFT_METRICS)
			continue;
		struct realised_figure *figure = &entry->realised.of[number];
		figure->value = item->value;
		figure->low = item->low;
		figure->high = item->high;
		figure->held += strcmp(item->band, "held") == 0;
		figure->left += strcmp(item->band, "left") == 0;
	}
	pthread_mutex_unlock(&entry->lock);
}

void verdict_entry_add_hurried(struct verdict_entry *entry, uint64_t forgotten, uint64_t cut_short)
{
	pthread_mutex_lock(&entry->lock);
	entry->realised.forgotten += forgotten;
	entry->realised.cut_short += cut_short;
	pthread_mutex_unlock(&entry->lock);
}

void verdict_entry_realised(struct verdict_entry *entry, struct realised_figures *figures)
{
	pthread_mutex_lock(&entry->lock);
	*figures = entry->realised;
	pthread_mutex_unlock(&entry->lock);
}

/* What alerts judge of a segment; NULL: nothing. */
static const struct last_verdict *segment_judged(const struct verdict_entry *entry, const struct segment_verdict *segment)
{
	if (segment->is_own)
		return &segment->own;
	const bool is_fed = segment->fed.verdict != DRIFT_LEARNING &&
			    verdicts_in_force(entry)->fed_identity == entry->expected_identity;
	return (segment->is_lent ? entry->lent_turns > 0 : is_fed) ? &segment->fed : NULL;
}

/* Of the own verdicts alone, or of those that alerts judge. */
static struct verdict_summary verdicts_sum(const struct verdict_entry *entry, bool judged)
{
	struct verdict_summary sum = {.last = verdict_unknown(), .beyond = entry->beyond};
	const struct verdicts *verdicts = verdicts_in_force(entry);
	double messages = (double)NAN;
	for (size_t i = 0; i < verdicts->count; i++) {
		const struct segment_verdict *segment = &verdicts->segments[i];
		const struct last_verdict *last = judged || segment->is_own ? segment_judged(entry, segment) : NULL;
		if (!last)
			continue;
		sum.segments++;
		verdict_fold(&sum.last, last);
		if (!isnan(last->messages_per_minute))
			messages = last->messages_per_minute + (isnan(messages) ? 0 : messages);
	}
	sum.last.messages_per_minute = messages;
	return sum;
}

struct verdict_summary verdict_entry_sum(struct verdict_entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	const struct verdict_summary sum = verdicts_sum(entry, false);
	pthread_mutex_unlock(&entry->lock);
	return sum;
}

struct last_verdict verdict_entry_judged(struct verdict_entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	const struct verdict_summary sum = verdicts_sum(entry, true);
	pthread_mutex_unlock(&entry->lock);
	return sum.last;
}

/* ---- windows that have closed ---- */

void verdict_entry_add_window(struct verdict_entry *entry, struct text segment, struct last_verdict last)
{
	pthread_mutex_lock(&entry->lock);
	own_set(entry, segment, &last);
	if (atomic_load_explicit(entry->is_followed, memory_order_relaxed)) {
		const struct verdict_summary all = verdicts_sum(entry, false);
		closed_windows_add(&entry->closing, segment, &last, &all.last);
	}
	pthread_mutex_unlock(&entry->lock);
}

static void entry_turn(struct verdict_entry *entry)
{
	const struct closed_windows before = entry->closed;
	pthread_mutex_lock(&entry->lock);
	entry->closed = entry->closing;
	entry->closing = before;
	entry->lent_turns -= entry->lent_turns > 0;
	closed_windows_clear(&entry->closing);
	pthread_mutex_unlock(&entry->lock);
}

void verdict_board_turn(struct verdict_board *board)
{
	atomic_store_explicit(&board->is_followed, true, memory_order_relaxed);
	pthread_mutex_lock(&board->lock);
	for (struct verdict_entry *entry = board->entries; entry; entry = entry->next)
		entry_turn(entry);
	pthread_mutex_unlock(&board->lock);
}

const struct closed_windows *verdict_entry_closed(const struct verdict_entry *entry)
{
	return &entry->closed;
}

/* ---- each segment, and what leaves ---- */

void verdict_entry_each(struct verdict_entry *entry, void (*call)(void *context, struct text segment, struct last_verdict last),
			void *context)
{
	assert(call);
	pthread_mutex_lock(&entry->lock);
	const struct verdicts *verdicts = verdicts_in_force(entry);
	for (size_t i = 0; i < verdicts->count; i++) {
		const struct last_verdict *last = segment_judged(entry, &verdicts->segments[i]);
		if (last)
			call(context, verdicts->segments[i].name, *last);
	}
	pthread_mutex_unlock(&entry->lock);
}

/* False: there are none of its own. */
static bool verdicts_lend(struct verdicts *verdicts)
{
	bool any = false;
	for (size_t i = 0; i < verdicts->count; i++)
		any |= verdicts->segments[i].is_own;
	if (!any)
		return false;
	for (size_t i = 0; i < verdicts->count; i++) {
		struct segment_verdict *segment = &verdicts->segments[i];
		if (segment->is_own) {
			segment->fed = known_of(verdicts, verdicts->own_identity, segment);
			segment->is_lent = true;
		} else if (verdicts->fed_identity != verdicts->own_identity) {
			segment->fed = verdict_unknown();
			segment->is_lent = false;
		}
	}
	verdicts->fed_identity = verdicts->own_identity;
	return true;
}

void verdict_entry_lend(struct verdict_entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	struct verdicts *changed = verdicts_change(entry);
	if (changed) {
		entry->lent_turns = verdicts_lend(changed) ? LENT_TURNS : entry->lent_turns;
		verdicts_drop(changed, true);
		held_slot_replace(&entry->verdicts, &changed->held);
	}
	entry->beyond = 0;
	memory_give(entry->importance);
	entry->importance = NULL;
	entry->outliers_are_own = false;
	atomic_store_explicit(&entry->watching, WATCHING_UNASKED, memory_order_relaxed);
	pthread_mutex_unlock(&entry->lock);
}

/* ---- what an observer can do ---- */

/* The observer asks with each message, so what stays costs no lock. */
void verdict_entry_note_watching(struct verdict_entry *entry, enum watching watching, const char *why)
{
	if (atomic_load_explicit(&entry->watching, memory_order_relaxed) == (int)watching)
		return;
	pthread_mutex_lock(&entry->lock);
	atomic_store_explicit(&entry->watching, (int)watching, memory_order_relaxed);
	(void)snprintf(entry->why, sizeof entry->why, "%s", why);
	pthread_mutex_unlock(&entry->lock);
}

struct watching_state verdict_entry_watching(struct verdict_entry *entry)
{
	struct watching_state state;
	pthread_mutex_lock(&entry->lock);
	state.watching = (enum watching)atomic_load_explicit(&entry->watching, memory_order_relaxed);
	memcpy(state.why, entry->why, sizeof state.why);
	memcpy(state.unlearnt, entry->unlearnt, sizeof state.unlearnt);
	pthread_mutex_unlock(&entry->lock);
	return state;
}

void verdict_entry_note_unlearnt(struct verdict_entry *entry, const char *topic, const char *why)
{
	pthread_mutex_lock(&entry->lock);
	entry->unlearnt[0] = '\0';
	if (why)
		(void)snprintf(entry->unlearnt, sizeof entry->unlearnt, "topic %s: %s", topic, why);
	pthread_mutex_unlock(&entry->lock);
}

void verdict_entry_note_clock(struct verdict_entry *entry, const char *words)
{
	pthread_mutex_lock(&entry->lock);
	(void)snprintf(entry->clock_words, sizeof entry->clock_words, "%s", words);
	atomic_fetch_add_explicit(&entry->clocks, 1, memory_order_relaxed);
	pthread_mutex_unlock(&entry->lock);
}

bool verdict_entry_clock(struct verdict_entry *entry, uint64_t *seen, char words[CLOCK_WORDS_BYTES])
{
	if (atomic_load_explicit(&entry->clocks, memory_order_relaxed) == *seen)
		return false;
	pthread_mutex_lock(&entry->lock);
	*seen = atomic_load_explicit(&entry->clocks, memory_order_relaxed);
	memcpy(words, entry->clock_words, CLOCK_WORDS_BYTES);
	pthread_mutex_unlock(&entry->lock);
	return true;
}
