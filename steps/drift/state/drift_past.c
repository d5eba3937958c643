/* drift_past.c: see drift_past.h. */
#include "steps/drift/state/drift_past.h"

#include <stdio.h>
#include <string.h>

#include "base/number/duration.h"
#include "base/hash.h"
#include "flow/state/keyed_log.h"
#include "methods/numeric/quantile.h"
#include "steps/drift/drift_reference.h"
#include "steps/drift/drift_remarks.h"
#include "steps/drift/drift_texts.h"

#define FEATURES_BYTES_MAX ((size_t)16 << 20)
#define FITTED_BYTES_MAX ((size_t)1 << 30)
#define NS_IN_MS 1000000

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "keeping the past of a stream");
}

/* Names the past by what it is; NULL: nothing is known of it. */
static void name_fill(struct drift_past *self, const struct past *past)
{
	const unsigned long long left = past ? past_aside(past).windows : 0;
	char duration[DURATION_TEXT_MAX];
	duration_print(self->past_ms * NS_IN_MS, duration);
	(void)snprintf(self->name, sizeof self->name,
		       left == 0   ? "past %s"
		       : left == 1 ? "past %s, without %llu window in alarm"
				   : "past %s, without %llu windows in alarm",
		       duration, left);
}

bool drift_past_open(struct drift_past *past, struct drift_comparison *comparison, const struct step *step, struct error *error)
{
	const struct drift *options = step->options;
	if (!drift_comparison_begin(comparison, step, error))
		return false;
	*past = (struct drift_past){.comparison = comparison,
				    .past_ms = options->reference.past_ns / NS_IN_MS,
				    .watched = past_watched(&options->tensors),
				    .arena = arena_open(FEATURES_BYTES_MAX),
				    .fitted = arena_open(FITTED_BYTES_MAX)};
	comparison->arena = past->arena;
	name_fill(past, NULL);
	if (past->arena && past->fitted)
		return true;
	drift_past_close(past);
	return out_of_memory(error);
}

void drift_past_close(struct drift_past *past)
{
	arena_close(past->arena);
	arena_close(past->fitted);
	past->arena = past->fitted = NULL;
}

/* ---- state ---- */

/* NULL: there is none that is whole. */
static const struct past_list *list_find(struct visit *visit)
{
	struct text value;
	return visit_recall(visit, TEXT(PAST_LIST_KEY), &value) ? past_list_read(value) : NULL;
}

static bool list_write(struct visit *visit, const struct past_list *list, struct error *error)
{
	return keyed_value_write(visit, TEXT(PAST_LIST_KEY), list, past_list_bytes(list->past.count), error);
}

static size_t block_bytes(const struct drift_past *self)
{
	return self->features->count * sizeof(struct past_values);
}

/* NULL: there is none that is whole. */
static const struct past_values *block_find(const struct drift_past *self, struct visit *visit, uint64_t number)
{
	struct text value;
	const bool found = keyed_log_read(&past_blocks, visit, number, &value) && value.length == block_bytes(self);
	return found ? (const void *)value.bytes : NULL;
}

/* ---- texts ---- */

/* What is stored of the commonest texts of a feature; empty: nothing. */
static struct text texts_find(struct visit *visit, const struct keyed_log *log, size_t feature)
{
	struct text stored;
	return keyed_log_read(log, visit, feature, &stored) ? stored : (struct text){0};
}

static bool texts_store(const struct drift_past *self, struct visit *visit, size_t feature, const struct keyed_log *log,
			struct error *error)
{
	struct past_text commonest[DRIFT_COMMON_MAX];
	struct past_texts *came = self->comparison->came[feature];
	const size_t count = log == &past_texts_aside ? past_texts_store_aside(came, commonest) : past_texts_store(came, commonest);
	const size_t length = count * sizeof *commonest;
	void *stored = length > 0 ? keyed_log_write(log, visit, feature, length, error) : NULL;
	if (stored)
		memcpy(stored, commonest, length);
	return stored || length == 0;
}

static bool texts_forget(const struct drift_past *self, struct visit *visit, const struct keyed_log *log, struct error *error)
{
	for (size_t i = 0; i < self->features->count; i++)
		if (!keyed_log_remove(log, visit, i, error))
			return false;
	return true;
}

/* Stores texts of windows since the reference was made, of the features where what is stored lacks one; or those of windows in
 * alarm. */
static bool texts_add(const struct drift_past *self, struct visit *visit, bool alarmed, struct error *error)
{
	for (size_t i = 0; i < self->features->count; i++)
		if (self->features->texts[i] && (alarmed || past_texts_exceed(self->comparison->came[i])) &&
		    !texts_store(self, visit, i, alarmed ? &past_texts_aside : &past_texts_counted, error))
			return false;
	return true;
}

/* Stores those of a reference that is made. */
static bool texts_settle(const struct drift_past *self, struct visit *visit, struct error *error)
{
	for (size_t i = 0; i < self->features->count; i++)
		if (self->features->texts[i] && !texts_store(self, visit, i, &past_texts_fitted, error))
			return false;
	return texts_forget(self, visit, &past_texts_counted, error);
}

/* What is stored last of a feature. */
static struct text texts_latest(struct visit *visit, size_t feature)
{
	const struct text counted = texts_find(visit, &past_texts_counted, feature);
	return counted.length > 0 ? counted : texts_find(visit, &past_texts_fitted, feature);
}

typedef void text_put_back(struct past_texts *texts, double fingerprint, const struct past_text *stored);

static void texts_put_back(struct past_texts *came, struct text stored, text_put_back *put_back)
{
	const struct past_text *items = (const void *)stored.bytes;
	const size_t count = past_texts_count(stored);
	for (size_t i = 0; i < count; i++)
		put_back(came, drift_text_fingerprint((struct text){items[i].bytes, items[i].length}), &items[i]);
}

/* Counts on from the texts that are stored, which are of the windows until the chain. */
static void texts_bring(struct drift_past *self, struct visit *visit, uint64_t chain)
{
	for (size_t i = 0; i < self->features->count; i++) {
		struct past_texts *came = self->comparison->came[i];
		if (!came)
			continue;
		past_texts_forget(came);
		texts_put_back(came, texts_latest(visit, i), past_texts_put_back);
		texts_put_back(came, texts_find(visit, &past_texts_aside, i), past_texts_put_back_aside);
	}
	self->counted = chain;
}

/* Counts the rows of the window that the monitor has just closed. */
static void texts_count(struct drift_past *self, size_t rows, bool alarmed)
{
	for (size_t i = 0; self->fingerprints && i < self->features->count; i++) {
		if (!self->features->texts[i])
			continue;
		for (size_t row = 0; row < rows; row++)
			self->fingerprints[row] = monitor_closed_value(self->comparison->monitor, i, row);
		past_texts_close(self->comparison->came[i], self->fingerprints, quantile_sort(self->fingerprints, rows), alarmed);
	}
}

/* Makes a sketch of the texts of each feature that has some. False: memory ran out. */
static bool texts_open(struct drift_past *self)
{
	const int64_t rows = self->comparison->settings.window_rows;
	bool any = false;
	self->comparison->came = ARENA_ARRAY(self->arena, struct past_texts *, self->features->count);
	for (size_t i = 0; self->comparison->came && i < self->features->count; i++) {
		any = any || self->features->texts[i];
		self->comparison->came[i] = self->features->texts[i] ? ARENA_NEW(self->arena, struct past_texts) : NULL;
	}
	self->fingerprints = any ? ARENA_ARRAY(self->arena, double, rows > 0 ? (size_t)rows : MONITOR_ROWS_KEPT) : NULL;
	return !arena_failed(self->arena);
}

/* ---- the reference ---- */

/* What is stored of the reference's blocks and texts, in the visit's arena. False: it is not whole. */
static bool stored_find(const struct drift_past *self, struct visit *visit, const struct past *past, struct past_stored *stored)
{
	struct arena *arena = visit_arena(visit);
	const struct past_values **values = ARENA_ARRAY(arena, const struct past_values *, past->fitted + 1);
	struct text *texts = ARENA_ARRAY(arena, struct text, self->features->count);
	if (!values || !texts)
		return false;
	for (size_t i = 0; i < past->fitted; i++) {
		values[i] = block_find(self, visit, past->blocks[i].number);
		if (!values[i])
			return false;
	}
	for (size_t i = 0; i < self->features->count; i++)
		texts[i] = texts_find(visit, &past_texts_fitted, i);
	*stored = (struct past_stored){past, self->features, values, texts};
	return true;
}

/* Leaves out the sets of `joint` that the reference cannot compare; the first one's reason is kept. False: memory ran out. */
static bool sets_choose(struct drift_past *self, struct monitor_settings *settings)
{
	const struct drift_comparison *comparison = self->comparison;
	struct monitor_set *sets = ARENA_ARRAY(self->fitted, struct monitor_set, settings->set_count + 1);
	size_t count = 0;
	for (size_t i = 0; sets && i < settings->set_count; i++) {
		struct error why = {0};
		if (comparison->reference.rows == 0 || monitor_set_check(&comparison->reference, &settings->sets[i], &why)) {
			sets[count++] = settings->sets[i];
		} else if (!self->uncompared) {
			self->why = why;
			self->uncompared = self->why.text;
		}
	}
	settings->sets = sets;
	settings->set_count = count;
	return sets;
}

static struct monitor *monitor_make(struct drift_past *self, const struct past_stored *stored, struct error *error)
{
	struct drift_comparison *comparison = self->comparison;
	struct monitor_settings settings = comparison->settings;
	arena_reset(self->fitted);
	if (drift_past_reference(stored, self->fitted, &comparison->reference) && sets_choose(self, &settings))
		return monitor_open(self->fitted, &comparison->reference, &settings, error);
	out_of_memory(error);
	return NULL;
}

static bool monitor_fit(struct drift_past *self, struct visit *visit, const struct past *past, struct error *error)
{
	static const struct past no_blocks;
	const struct past_stored none = {.past = &no_blocks, .features = self->features}; /* its windows are not judged */
	struct drift_comparison *comparison = self->comparison;
	struct past_stored stored;
	self->uncompared = NULL;
	comparison->monitor = monitor_make(self, stored_find(self, visit, past, &stored) ? &stored : &none, error);
	if (!comparison->monitor && error->kind == ERROR_CONFIG) { /* nothing in it can be compared */
		self->why = *error;
		self->uncompared = self->why.text;
		*error = (struct error){0};
		comparison->monitor = monitor_make(self, &none, error);
	}
	comparison->unjudged = drift_reference_unjudged(&comparison->reference);
	self->fit = past->fit;
	return comparison->monitor;
}

/* ---- features ---- */

/* The names of a column's features, as they are stored; without a place to write, how many bytes they take. */
static size_t names_write(const struct drift_column *column, const char *lengths, char *to)
{
	const size_t length = past_feature_write(column->name, column->texts, drift_column_width(column), to);
	return length + (lengths ? past_feature_write(lengths, false, 0, to ? to + length : NULL) : 0);
}

/* The names of a message's features. */
static bool names_learn(const struct drift_past *self, const struct payload *payload, struct arena *arena, struct text *names,
			struct error *error)
{
	const struct drift *options = self->comparison->step->options;
	const char *lengths[DRIFT_FEATURES_MAX];
	struct drift_layout layout;
	size_t length = 0, features = 0;
	if (!drift_layout_make(&layout, payload, &options->tensors, arena, error))
		return false;
	for (size_t i = 0; i < layout.count; i++) {
		lengths[i] = layout.columns[i].texts ? drift_lengths_name(layout.columns[i].name, arena) : NULL;
		length += names_write(&layout.columns[i], lengths[i], NULL);
		features += layout.columns[i].texts ? 2 : 1;
	}
	if (features > DRIFT_FEATURES_MAX)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the message has %zu features, two of each column of texts, and %d can be watched; name fewer "
				 "tensors by `tensors`",
				 features, DRIFT_FEATURES_MAX);
	char *bytes = arena_take(arena, length, 1);
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "keeping the past of a stream");
	*names = (struct text){bytes, length};
	for (size_t i = 0; i < layout.count; i++)
		bytes += names_write(&layout.columns[i], lengths[i], bytes);
	return true;
}

/* Knows the features by these names. */
static bool features_read(struct drift_past *self, struct text stored, struct error *error)
{
	struct drift_comparison *comparison = self->comparison;
	comparison->content = (struct text){0};
	comparison->came = NULL;
	self->counted = 0;
	arena_reset(self->arena);
	const char *copy = arena_copy(self->arena, stored.bytes, stored.length);
	struct past_features *features = ARENA_NEW(self->arena, struct past_features);
	if (!copy || !features)
		return out_of_memory(error);
	past_features_split((struct text){copy, stored.length}, features);
	self->features = features;
	self->identity = past_identity(self->watched, stored);
	comparison->content = (struct text){copy, stored.length};
	comparison->layout = (struct drift_layout){0};
	comparison->places = ARENA_ARRAY(self->arena, size_t, features->count);
	return texts_open(self) || out_of_memory(error);
}

/* A past with the features of the message. */
static bool past_begin(struct drift_past *self, struct visit *visit, const struct payload *message, struct error *error)
{
	struct past_list list = {.version = PAST_LIST_VERSION};
	struct text names;
	if (!names_learn(self, message, visit_arena(visit), &names, error) || !features_read(self, names, error))
		return false;
	list.identity = self->identity;
	name_fill(self, &list.past);
	return keyed_value_write(visit, TEXT(PAST_FEATURES_KEY), names.bytes, names.length, error) &&
	       list_write(visit, &list, error) && monitor_fit(self, visit, &list.past, error);
}

/* The same, of a step that watched other tensors. */
static bool past_begin_again(struct drift_past *self, struct visit *visit, const struct payload *message, struct error *error)
{
	return drift_past_forget(self, visit, error) && past_begin(self, visit, message, error);
}

/* Nothing is known: no state is of this comparison, and no row has its features. */
static void past_unlearn(struct drift_past *self)
{
	struct drift_comparison *comparison = self->comparison;
	self->fit = self->identity = 0;
	self->uncompared = NULL;
	comparison->monitor = NULL;
	comparison->unjudged = NULL;
	comparison->content = (struct text){0};
	comparison->reference = (struct drift_reference){0};
}

/* The features are known, and are those of the stored past. */
static bool past_follow(struct drift_past *self, struct visit *visit, const struct past *past, bool *renewed, struct error *error)
{
	*renewed = past->fit != self->fit || !self->comparison->monitor;
	name_fill(self, past);
	if (past->chain != self->counted)
		texts_bring(self, visit, past->chain);
	if (!*renewed)
		return true;
	self->fit = 0;
	return monitor_fit(self, visit, past, error);
}

bool drift_past_bring(struct drift_past *past, struct visit *visit, const struct payload *message, bool *renewed,
		      struct error *error)
{
	const struct past_list *list = list_find(visit);
	struct text names;
	if (list && list->identity == past->identity)
		return past_follow(past, visit, &list->past, renewed, error);
	const bool found = list && visit_recall(visit, TEXT(PAST_FEATURES_KEY), &names) && names.length > 0;
	const bool follows = found && past_identity(past->watched, names) == list->identity;
	*renewed = true;
	past_unlearn(past);
	if (!follows && !message)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the past of these tensors begins with the next message");
	if (!found)
		return past_begin(past, visit, message, error);
	if (!features_read(past, names, error))
		return false;
	return follows ? past_follow(past, visit, &list->past, renewed, error) : past_begin_again(past, visit, message, error);
}

bool drift_past_lacks(const struct drift_past *past, const struct payload *payload)
{
	const struct drift_layout *layout = &past->comparison->layout;
	size_t known = 0, numeric = 0;
	if (((const struct drift *)past->comparison->step->options)->tensors.count > 0)
		return false;
	for (size_t i = 0; i < layout->count; i++)
		known += layout->columns[i].column == 0;
	for (size_t i = 0; i < payload->tensors.count; i++)
		numeric += payload->tensors.items[i]->datatype != DATATYPE_BYTES;
	return numeric > known;
}

bool drift_past_could_be(const struct drift_past *past, struct visit *visit)
{
	struct error error = {0};
	struct text names;
	return names_learn(past, visit_input(visit), visit_arena(visit), &names, &error);
}

/* ---- windows ---- */

static bool blocks_merge(struct drift_past *self, struct visit *visit, struct past *past, size_t first, bool alarmed,
			 struct error *error)
{
	const struct past_merge merge = past_merge_next(past, first, alarmed);
	const struct past_values *from = block_find(self, visit, merge.from);
	struct past_values *into = keyed_log_write(&past_blocks, visit, merge.into, block_bytes(self), error);
	if (!into)
		return false;
	for (size_t i = 0; from && i < self->features->count; i++)
		past_values_merge(&into[i], &from[i]);
	return keyed_log_remove(&past_blocks, visit, merge.from, error);
}

static bool block_add(struct drift_past *self, struct visit *visit, struct past *past, size_t first, const struct past_block *block,
		      struct error *error)
{
	struct past_values *values = keyed_log_write(&past_blocks, visit, past->next, block_bytes(self), error);
	if (!values)
		return false;
	for (size_t i = 0; i < self->features->count; i++)
		past_values_take(self->comparison->monitor, i, first, block->rows, &values[i]);
	past_add(past, block, hash_bytes(values, block_bytes(self), 0));
	return true;
}

static bool window_add(struct drift_past *self, struct visit *visit, struct past *past, const struct past_window *window,
		       struct error *error)
{
	const size_t rows = monitor_closed_rows(self->comparison->monitor);
	const size_t most = past_window_blocks(self->features, self->comparison->step->name);
	const size_t blocks = past_blocks_of(past, rows, most, window->alarmed);
	while (past_full(past, blocks, window->alarmed))
		if (!blocks_merge(self, visit, past, past->fitted, window->alarmed, error))
			return false;
	for (size_t i = 0; i < blocks; i++) {
		const size_t first = past_block_first(rows, blocks, i);
		const struct past_block block = {.rows = past_block_first(rows, blocks, i + 1) - first,
						 .time_ms = window->time_ms,
						 .windows = i == 0,
						 .alarmed = window->alarmed};
		if (!block_add(self, visit, past, first, &block, error))
			return false;
	}
	if (blocks > 0)
		texts_count(self, rows, window->alarmed);
	return true;
}

/* Makes all blocks that are of the past, and can be learnt, the reference. */
static bool past_renew(struct drift_past *self, struct visit *visit, struct past *past, struct past_span span, struct error *error)
{
	uint64_t number;
	while (past_expire(past, span, &number))
		if (!keyed_log_remove(&past_blocks, visit, number, error))
			return false;
	while (past_learnable(past) > PAST_REFERENCE_BLOCKS)
		if (!blocks_merge(self, visit, past, 0, false, error))
			return false;
	past_fit(past);
	return monitor_fit(self, visit, past, error);
}

/* The texts of windows that were in alarm count as the others' do. */
static bool texts_accept(const struct drift_past *self, struct visit *visit, struct error *error)
{
	for (size_t i = 0; i < self->features->count; i++)
		if (self->features->texts[i])
			past_texts_accept(self->comparison->came[i]);
	return texts_forget(self, visit, &past_texts_aside, error);
}

bool drift_past_add(struct drift_past *past, struct visit *visit, const struct past_window *window, struct past_change *change,
		    struct error *error)
{
	const struct past_list *found = list_find(visit);
	struct past_list list = {.version = PAST_LIST_VERSION, .identity = past->identity};
	if (found)
		memcpy(&list, found, past_list_bytes(found->past.count));
	if (!window_add(past, visit, &list.past, window, error))
		return false;
	const struct past_span span = past_clock_move(&list.past.clock, window->time_ms, past->past_ms);
	change->accepted = window->returned && past_accept(&list.past);
	change->renewed = past_renews(&list.past, span);
	past->counted = list.past.chain;
	if (change->accepted && !texts_accept(past, visit, error))
		return false;
	name_fill(past, &list.past);
	if ((window->alarmed && !texts_add(past, visit, true, error)) ||
	    !(change->renewed ? texts_settle(past, visit, error) : window->alarmed || texts_add(past, visit, false, error)) ||
	    (change->renewed && !past_renew(past, visit, &list.past, span, error)))
		return false;
	return list_write(visit, &list, error);
}

bool drift_past_forget(struct drift_past *past, struct visit *visit, struct error *error)
{
	const struct past_list *list = list_find(visit);
	for (size_t i = 0; list && i < list->past.count; i++)
		if (!keyed_log_remove(&past_blocks, visit, list->past.blocks[i].number, error))
			return false;
	if (past->identity &&
	    (!texts_forget(past, visit, &past_texts_counted, error) || !texts_forget(past, visit, &past_texts_fitted, error) ||
	     !texts_forget(past, visit, &past_texts_aside, error)))
		return false;
	past->identity = 0;
	return !list || (visit_forget(visit, TEXT(PAST_LIST_KEY), error) && visit_forget(visit, TEXT(PAST_FEATURES_KEY), error));
}
