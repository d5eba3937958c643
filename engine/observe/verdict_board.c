/* verdict_board.c: see verdict_board.h. */
#include "observe/verdict_board.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* The verdict of one segment. */
struct segment_verdict {
	struct text name; /* owned */
	bool is_own;	  /* an observer here has set `own` */
	struct last_verdict own;
	struct last_verdict fed; /* DRIFT_LEARNING: the feed has none */
};

/* A reference that was learnt from a topic. */
struct learnt_reference {
	struct learnt_reference *next;
	char *topic;
	char *file;
	size_t length;
};

struct verdict_entry {
	struct verdict_entry *next;
	char *pipeline, *step;
	pthread_mutex_t lock;
	uint64_t own_identity, fed_identity;
	struct segment_verdict *segments; /* in the order of their names; NULL: none is known */
	size_t count, room;
	uint64_t beyond;
	struct realised_figures realised;
	const atomic_bool *is_followed;	       /* of the board */
	struct closed_windows closing;	       /* since the last turn */
	struct closed_windows closed;	       /* before it; of the thread that calls for turns alone */
	struct importance_figures *importance; /* owned; NULL: none is known */
	struct learnt_reference *references;
	struct held_slot outliers; /* struct outlier_in_force */
	bool outliers_are_own;	   /* an observer here has set them */
	atomic_int knowledge;	   /* enum outlier_knowledge */
	atomic_int watching;	   /* enum watching; written with the lock */
	char why[WATCHING_WHY_BYTES];
	_Atomic uint64_t clocks; /* that were set back */
	char clock_words[CLOCK_WORDS_BYTES];
};

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

static void segment_close(const struct segment_verdict *segment)
{
	union {
		const char *kept;
		char *given;
	} name = {segment->name.bytes};
	memory_give(name.given);
}

static void reference_close(struct learnt_reference *reference)
{
	memory_give(reference->topic);
	memory_give(reference->file);
	memory_give(reference);
}

static void entry_close(struct verdict_entry *entry)
{
	for (struct learnt_reference *reference = entry->references, *next; reference; reference = next) {
		next = reference->next;
		reference_close(reference);
	}
	for (size_t i = 0; i < entry->count; i++)
		segment_close(&entry->segments[i]);
	memory_give(entry->segments);
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

static char *name_copy(const char *name)
{
	const size_t size = strlen(name) + 1;
	char *copy = memory_take(size, 1);
	if (copy)
		memcpy(copy, name, size);
	return copy;
}

static struct verdict_entry *entry_open(const char *pipeline, const char *step)
{
	struct verdict_entry *entry = memory_take(1, sizeof *entry);
	if (!entry)
		return NULL;
	pthread_mutex_init(&entry->lock, NULL);
	for (size_t i = 0; i < DRIFT_METRICS; i++)
		entry->realised.of[i] = (struct realised_figure){.value = (double)NAN, .low = (double)NAN, .high = (double)NAN};
	entry->pipeline = name_copy(pipeline);
	entry->step = name_copy(step);
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

/* ---- verdicts of segments ---- */

/* Where the segment is, or where it belongs. */
static size_t segment_place(const struct verdict_entry *entry, struct text name, bool *found)
{
	size_t low = 0, high = entry->count;
	*found = false;
	while (low < high && !*found) {
		const size_t middle = low + (high - low) / 2;
		const int order = text_compare(entry->segments[middle].name, name);
		*found = order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return high;
}

static bool segments_grow(struct verdict_entry *entry)
{
	struct segment_verdict *grown = memory_grow(entry->segments, entry->count, &entry->room, 1, sizeof *grown);
	entry->segments = grown ? grown : entry->segments;
	return grown;
}

/* NULL: there are too many, or memory ran out. */
static struct segment_verdict *segment_insert(struct verdict_entry *entry, struct text name, size_t at)
{
	char *copy = entry->count < DRIFT_SEGMENTS_MAX && segments_grow(entry) ? memory_take(name.length + 1, 1) : NULL;
	if (!copy)
		return NULL;
	memcpy(copy, name.bytes, name.length);
	struct segment_verdict *segment = &entry->segments[at];
	memmove(segment + 1, segment, (entry->count++ - at) * sizeof *segment);
	*segment = (struct segment_verdict){.name = {copy, name.length}, .own = verdict_unknown(), .fed = verdict_unknown()};
	return segment;
}

static struct segment_verdict *segment_find(const struct verdict_entry *entry, struct text name)
{
	bool found;
	const size_t at = segment_place(entry, name, &found);
	return found ? &entry->segments[at] : NULL;
}

static struct segment_verdict *segment_take(struct verdict_entry *entry, struct text name)
{
	bool found;
	const size_t at = segment_place(entry, name, &found);
	return found ? &entry->segments[at] : segment_insert(entry, name, at);
}

/* ---- own verdicts and those of the feed ---- */

/* Forgets the own verdicts, or those of the feed. */
static void verdicts_drop(struct verdict_entry *entry, bool own)
{
	size_t left = 0;
	for (size_t i = 0; i < entry->count; i++) {
		struct segment_verdict *segment = &entry->segments[i];
		*(own ? &segment->own : &segment->fed) = verdict_unknown();
		segment->is_own &= !own;
		if (!segment->is_own && segment->fed.verdict == DRIFT_LEARNING)
			segment_close(segment);
		else
			entry->segments[left++] = *segment;
	}
	entry->count = left;
}

/* Forgets one that only the feed has. */
static void fed_give_way(struct verdict_entry *entry)
{
	size_t at = 0;
	while (at < entry->count && entry->segments[at].is_own)
		at++;
	if (at == entry->count)
		return;
	segment_close(&entry->segments[at]);
	memmove(&entry->segments[at], &entry->segments[at + 1], (--entry->count - at) * sizeof *entry->segments);
}

void verdict_entry_begin(struct verdict_entry *entry, uint64_t identity)
{
	pthread_mutex_lock(&entry->lock);
	if (entry->own_identity != identity) {
		verdicts_drop(entry, true);
		entry->own_identity = identity;
		entry->beyond = 0;
	}
	pthread_mutex_unlock(&entry->lock);
}

static void own_set(struct verdict_entry *entry, struct text segment, const struct last_verdict *last)
{
	if (entry->count >= DRIFT_SEGMENTS_MAX && !segment_find(entry, segment))
		fed_give_way(entry);
	struct segment_verdict *kept = segment_take(entry, segment);
	if (kept) {
		kept->is_own = true;
		kept->own = *last;
	}
}

void verdict_entry_set(struct verdict_entry *entry, struct text segment, struct last_verdict last)
{
	pthread_mutex_lock(&entry->lock);
	own_set(entry, segment, &last);
	pthread_mutex_unlock(&entry->lock);
}

void verdict_entry_feed(struct verdict_entry *entry, uint64_t identity, struct text segment, struct last_verdict last)
{
	pthread_mutex_lock(&entry->lock);
	if (last.verdict != DRIFT_LEARNING && entry->fed_identity != identity) {
		verdicts_drop(entry, false);
		entry->fed_identity = identity;
	}
	struct segment_verdict *kept =
		last.verdict == DRIFT_LEARNING ? segment_find(entry, segment) : segment_take(entry, segment);
	if (kept && last.verdict == DRIFT_LEARNING)
		kept->fed = last;
	if (kept) {
		kept->fed.verdict = last.verdict;
		kept->fed.score = last.score;
	}
	pthread_mutex_unlock(&entry->lock);
}

void verdict_entry_feed_figures(struct verdict_entry *entry, uint64_t identity, struct text segment,
				const struct last_verdict *figures)
{
	pthread_mutex_lock(&entry->lock);
	struct segment_verdict *kept = entry->fed_identity == identity ? segment_find(entry, segment) : NULL;
	if (kept && kept->fed.verdict != DRIFT_LEARNING) {
		const struct last_verdict before = kept->fed;
		kept->fed = *figures;
		kept->fed.verdict = before.verdict;
		kept->fed.score = before.score;
	}
	pthread_mutex_unlock(&entry->lock);
}

struct last_verdict verdict_entry_get(struct verdict_entry *entry, struct text segment)
{
	pthread_mutex_lock(&entry->lock);
	const struct segment_verdict *kept = segment_find(entry, segment);
	const struct last_verdict last = kept ? kept->own : verdict_unknown();
	pthread_mutex_unlock(&entry->lock);
	return last;
}

struct last_verdict verdict_entry_known(struct verdict_entry *entry, uint64_t identity, struct text segment)
{
	struct last_verdict last = verdict_unknown();
	pthread_mutex_lock(&entry->lock);
	const struct segment_verdict *kept = segment_find(entry, segment);
	if (kept && entry->own_identity == identity)
		last = kept->own;
	if (kept && last.verdict == DRIFT_LEARNING && entry->fed_identity == identity) {
		const struct last_verdict own = last;
		last = isnan(own.quality_alarm) ? kept->fed : own; /* a window that was closed here has figures of its own */
		last.verdict = kept->fed.verdict;
		last.score = kept->fed.score;
	}
	pthread_mutex_unlock(&entry->lock);
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

void verdict_entry_add_forgotten(struct verdict_entry *entry, uint64_t truths)
{
	pthread_mutex_lock(&entry->lock);
	entry->realised.forgotten += truths;
	pthread_mutex_unlock(&entry->lock);
}

void verdict_entry_realised(struct verdict_entry *entry, struct realised_figures *figures)
{
	pthread_mutex_lock(&entry->lock);
	*figures = entry->realised;
	pthread_mutex_unlock(&entry->lock);
}

static struct verdict_summary own_sum(const struct verdict_entry *entry)
{
	struct verdict_summary sum = {.last = verdict_unknown(), .beyond = entry->beyond};
	double messages = (double)NAN;
	for (size_t i = 0; i < entry->count; i++) {
		const struct last_verdict *own = &entry->segments[i].own;
		if (!entry->segments[i].is_own)
			continue;
		sum.segments++;
		verdict_fold(&sum.last, own);
		if (!isnan(own->messages_per_minute))
			messages = own->messages_per_minute + (isnan(messages) ? 0 : messages);
	}
	sum.last.messages_per_minute = messages;
	return sum;
}

struct verdict_summary verdict_entry_sum(struct verdict_entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	const struct verdict_summary sum = own_sum(entry);
	pthread_mutex_unlock(&entry->lock);
	return sum;
}

/* ---- windows that have closed ---- */

void verdict_entry_add_window(struct verdict_entry *entry, struct text segment, struct last_verdict last)
{
	pthread_mutex_lock(&entry->lock);
	own_set(entry, segment, &last);
	if (atomic_load_explicit(entry->is_followed, memory_order_relaxed)) {
		const struct verdict_summary all = own_sum(entry);
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

/* ---- each segment, and none any more ---- */

void verdict_entry_each(struct verdict_entry *entry, void (*call)(void *context, struct text segment, struct last_verdict last),
			void *context)
{
	assert(call);
	pthread_mutex_lock(&entry->lock);
	for (size_t i = 0; i < entry->count; i++)
		if (entry->segments[i].is_own)
			call(context, entry->segments[i].name, entry->segments[i].own);
	pthread_mutex_unlock(&entry->lock);
}

/* Segments that only the feed knows stay. */
void verdict_entry_clear(struct verdict_entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	verdicts_drop(entry, true);
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
	pthread_mutex_unlock(&entry->lock);
	return state;
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

/* ---- references ---- */

static const struct learnt_reference *reference_find(const struct verdict_entry *entry, const char *topic)
{
	const struct learnt_reference *reference = entry->references;
	while (reference && strcmp(reference->topic, topic) != 0)
		reference = reference->next;
	return reference;
}

static struct learnt_reference *reference_copy(const char *topic, struct text file)
{
	struct learnt_reference *reference = memory_take(1, sizeof *reference);
	if (!reference)
		return NULL;
	reference->topic = name_copy(topic);
	reference->file = memory_take(file.length + 1, 1);
	reference->length = file.length;
	if (reference->topic && reference->file) {
		memcpy(reference->file, file.bytes, file.length);
		return reference;
	}
	reference_close(reference);
	return NULL;
}

bool verdict_entry_learn(struct verdict_entry *entry, const char *topic, struct text file)
{
	pthread_mutex_lock(&entry->lock);
	bool good = reference_find(entry, topic);
	struct learnt_reference *reference = good ? NULL : reference_copy(topic, file);
	if (reference) {
		reference->next = entry->references;
		entry->references = reference;
		good = true;
	}
	pthread_mutex_unlock(&entry->lock);
	return good;
}

bool verdict_entry_learnt(struct verdict_entry *entry, const char *topic, struct text *file)
{
	pthread_mutex_lock(&entry->lock);
	const struct learnt_reference *reference = reference_find(entry, topic);
	if (reference)
		*file = (struct text){reference->file, reference->length};
	pthread_mutex_unlock(&entry->lock);
	return reference;
}

/* ---- what observers learn of outliers ---- */

static bool outliers_put(struct verdict_entry *entry, uint64_t identity, const struct covariance *learnt, bool own)
{
	struct outlier_in_force *made = outlier_in_force_make(identity, learnt);
	if (!made)
		return false;
	pthread_mutex_lock(&entry->lock);
	const bool counts = own || !entry->outliers_are_own;
	entry->outliers_are_own |= own;
	if (counts)
		held_slot_replace(&entry->outliers, &made->held);
	pthread_mutex_unlock(&entry->lock);
	if (!counts)
		arena_close(made->held.arena);
	return true;
}

bool verdict_entry_set_outliers(struct verdict_entry *entry, uint64_t identity, const struct covariance *learnt)
{
	return outliers_put(entry, identity, learnt, true);
}

bool verdict_entry_feed_outliers(struct verdict_entry *entry, uint64_t identity, const struct covariance *learnt)
{
	return outliers_put(entry, identity, learnt, false);
}

const struct outlier_in_force *verdict_entry_hold_outliers(struct verdict_entry *entry)
{
	return (const struct outlier_in_force *)held_slot_hold(&entry->outliers);
}

void verdict_entry_release_outliers(struct verdict_entry *entry)
{
	held_slot_release(&entry->outliers);
}

/* Written when it changes, since all workers read it. */
void verdict_entry_note_knowledge(struct verdict_entry *entry, enum outlier_knowledge knowledge)
{
	if (verdict_entry_knowledge(entry) != knowledge)
		atomic_store_explicit(&entry->knowledge, (int)knowledge, memory_order_relaxed);
}

enum outlier_knowledge verdict_entry_knowledge(const struct verdict_entry *entry)
{
	return (enum outlier_knowledge)atomic_load_explicit(&entry->knowledge, memory_order_relaxed);
}

/* ---- importance of features ---- */

/* Takes in a feature: in the order of the means, as far as there are places. */
static void figure_add(struct importance_figures *figures, struct text name, double mean)
{
	size_t at = figures->count;
	while (at > 0 && figures->features[at - 1].mean < mean)
		at--;
	const bool full = figures->count == IMPORTANCE_SHOWN;
	figures->has_others |= full;
	if (full)
		figures->others += at == IMPORTANCE_SHOWN ? mean : figures->features[IMPORTANCE_SHOWN - 1].mean;
	if (at == IMPORTANCE_SHOWN)
		return;
	figures->count += !full;
	memmove(&figures->features[at + 1], &figures->features[at], (figures->count - at - 1) * sizeof *figures->features);
	const size_t length = name.length < IMPORTANCE_NAME_BYTES ? name.length : IMPORTANCE_NAME_BYTES - 1;
	memcpy(figures->features[at].name, name.bytes, length);
	figures->features[at].name[length] = '\0';
	figures->features[at].mean = mean;
}

/* Without memory, the former ones stay. */
void verdict_entry_weigh(struct verdict_entry *entry, const struct text *names, const double *means, size_t count)
{
	struct importance_figures *figures = memory_take(1, sizeof *figures);
	if (!figures)
		return;
	for (size_t i = 0; i < count; i++)
		figure_add(figures, names[i], means[i]);
	pthread_mutex_lock(&entry->lock);
	struct importance_figures *before = entry->importance;
	entry->importance = figures;
	pthread_mutex_unlock(&entry->lock);
	memory_give(before);
}

void verdict_entry_importance(struct verdict_entry *entry, struct importance_figures *figures)
{
	pthread_mutex_lock(&entry->lock);
	if (entry->importance)
		*figures = *entry->importance;
	else
		figures->count = 0;
	pthread_mutex_unlock(&entry->lock);
}
