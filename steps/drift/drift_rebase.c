/* drift_rebase.c: see drift_rebase.h. */
#include "steps/drift/drift_rebase.h"

#include <string.h>

#include "base/number/moment.h"
#include "steps/drift/drift_comparison.h"
#include "steps/drift/drift_reference.h"
#include "steps/drift/state/drift_past_record.h"

struct rebasing {
	const struct step *step;
	const struct rebase_wanted *wanted;
	struct past past;
	struct past_features features;
};

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "reading the past of a stream");
}

/* ---- reading ---- */

static bool past_none(const struct step *step, struct error *error)
{
	return error_set(
		error, ERROR_INPUT, step->place,
		"step `%s` has no past yet: no window of %d rows or more has closed; `sluice drift report` shows the windows "
		"of a topic",
		step->name, PAST_BLOCK_ROWS);
}

static bool past_read(struct rebasing *self, struct error *error)
{
	const struct rebase_wanted *wanted = self->wanted;
	const struct drift *options = self->step->options;
	struct text stored, names;
	if (!wanted->recall(wanted->state, TEXT(PAST_LIST_KEY), &stored) ||
	    !wanted->recall(wanted->state, TEXT(PAST_FEATURES_KEY), &names))
		return past_none(self->step, error);
	const struct past_list *list = past_list_read(stored);
	if (!list || names.length == 0)
		return past_none(self->step, error);
	if (list->identity != past_identity(past_watched(&options->tensors), names))
		return error_set(error, ERROR_INPUT, self->step->place,
				 "the past of step `%s` is of other `tensors` than its file names; give the file that runs",
				 self->step->name);
	memcpy(&self->past, &list->past, past_list_bytes(list->past.count) - offsetof(struct past_list, past));
	past_features_split(names, &self->features);
	return self->past.count > 0 || past_none(self->step, error);
}

/* The values of a block. NULL: the state does not have them whole. */
static const struct past_values *block_values(const struct rebasing *self, uint64_t number)
{
	struct keyed_log_key key;
	struct text value;
	const bool found = self->wanted->recall(self->wanted->state, keyed_log_key(&past_blocks, number, &key), &value);
	return found && value.length == self->features.count * sizeof(struct past_values) ? (const void *)value.bytes : NULL;
}

/* What is stored of the commonest texts of a feature: of the last reference, since then, and of windows in alarm if these are
 * wanted. Many are there twice. False: the arena is full. */
static bool feature_texts_read(const struct rebasing *self, size_t feature, struct text *texts)
{
	const struct keyed_log *const logs[] = {&past_texts_counted, &past_texts_fitted, &past_texts_aside};
	struct keyed_log_key key;
	struct text stored[3] = {0};
	size_t length = 0;
	for (size_t i = 0; i < (self->wanted->alarmed ? 3 : 2); i++)
		(void)self->wanted->recall(self->wanted->state, keyed_log_key(logs[i], feature, &key), &stored[i]);
	char *all = arena_take(self->step->arena, stored[0].length + stored[1].length + stored[2].length + 1,
			       _Alignof(struct past_text));
	if (!all)
		return false;
	for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
		if (stored[i].length > 0)
			memcpy(all + length, stored[i].bytes, stored[i].length);
		length += stored[i].length;
	}
	*texts = (struct text){all, length};
	return true;
}

/* Those of each feature. NULL: the arena is full. */
static const struct text *texts_read(const struct rebasing *self)
{
	struct text *texts = ARENA_ARRAY(self->step->arena, struct text, self->features.count);
	for (size_t i = 0; texts && i < self->features.count; i++)
		if (!feature_texts_read(self, i, &texts[i]))
			return NULL;
	return texts;
}

/* ---- blocks that stand for about as many rows ---- */

static size_t block_at(const struct past *past, uint64_t number)
{
	size_t at = 0;
	while (at < past->count && past->blocks[at].number != number)
		at++;
	return at;
}

/* What two features' values give together. NULL: the arena is full. */
static const struct past_values *values_merge(const struct rebasing *self, const struct past_values *into,
					      const struct past_values *from)
{
	struct past_values *made = ARENA_ARRAY(self->step->arena, struct past_values, self->features.count);
	for (size_t i = 0; made && i < self->features.count; i++) {
		made[i] = into[i];
		past_values_merge(&made[i], &from[i]);
	}
	return made;
}

/* The newest blocks stand for few rows, and old ones for many. Each has as many in the file. False: the arena is full. */
static bool blocks_even(struct rebasing *self, const struct past_values **values)
{
	struct past *past = &self->past;
	struct past before = *past;
	for (struct past_merge merge; past_merge_light(past, &merge); before = *past) {
		const size_t into = block_at(&before, merge.into), from = block_at(&before, merge.from);
		const size_t left = into < from ? into : from;
		values[left] = values_merge(self, values[into], values[from]);
		if (!values[left])
			return false;
		memmove(values + left + 1, values + left + 2, (before.count - left - 2) * sizeof(void *));
	}
	past->fitted = past->count;
	return true;
}

/* ---- windows ---- */

static bool range_check(const struct rebasing *self, const struct past *all, const struct past_left *left, struct error *error)
{
	const struct rebase_wanted *wanted = self->wanted;
	char from[MOMENT_BYTES], until[MOMENT_BYTES];
	const size_t values = self->past.count * PAST_BLOCK_ROWS;
	if (values >= DRIFT_REFERENCE_ROWS_MIN)
		return true;
	if (values > 0 || left->windows > 0)
		return error_set(
			error, ERROR_INPUT, self->step->place,
			"the windows of that time give %zu rows to learn from, and %d or more are needed%s; give a longer time%s",
			values, DRIFT_REFERENCE_ROWS_MIN, left->windows > 0 ? ", since windows in alarm are left out" : "",
			left->windows > 0 ? ", or take these too by `--alarms keep`" : "");
	moment_print(wanted->from_ms, from);
	moment_print(wanted->until_ms, until);
	const char *asked = arena_print(self->step->arena, "from %s to %s", from, until);
	int64_t first_ms = all->blocks[0].time_ms, last_ms = first_ms;
	for (size_t i = 1; i < all->count; i++) {
		first_ms = all->blocks[i].time_ms < first_ms ? all->blocks[i].time_ms : first_ms;
		last_ms = all->blocks[i].time_ms > last_ms ? all->blocks[i].time_ms : last_ms;
	}
	moment_print(first_ms, from);
	moment_print(last_ms, until);
	return error_set(error, ERROR_INPUT, self->step->place,
			 "the past of step `%s` has no window %s; it has windows from %s to %s: give a time within",
			 self->step->name, asked ? asked : "of that time", from, until);
}

static void made_fill(const struct rebasing *self, const struct past_left *left, struct rebase_made *made)
{
	const struct past *past = &self->past;
	*made = (struct rebase_made){.values = past->count * PAST_BLOCK_ROWS,
				     .first_ms = past->blocks[0].time_ms,
				     .last_ms = past->blocks[0].time_ms,
				     .left_windows = left->windows,
				     .left_rows = left->rows};
	for (size_t i = 0; i < past->count; i++) {
		const struct past_block *block = &past->blocks[i];
		made->windows += block->windows;
		made->rows += block->rows;
		made->first_ms = block->time_ms < made->first_ms ? block->time_ms : made->first_ms;
		made->last_ms = block->time_ms > made->last_ms ? block->time_ms : made->last_ms;
	}
}

static bool reference_write(struct rebasing *self, struct buffer *file, struct error *error)
{
	struct arena *arena = self->step->arena;
	struct drift_reference reference;
	const struct past_values **values = ARENA_ARRAY(arena, const struct past_values *, self->past.count);
	if (!values)
		return out_of_memory(error);
	for (size_t i = 0; i < self->past.count; i++) {
		values[i] = block_values(self, self->past.blocks[i].number);
		if (!values[i])
			return error_set(error, ERROR_INPUT, self->step->place,
					 "the past of step `%s` changed while it was read; do it again", self->step->name);
	}
	const struct past_stored stored = {&self->past, &self->features, values, texts_read(self)};
	if (!stored.texts || !blocks_even(self, values) || !drift_past_reference(&stored, arena, &reference))
		return out_of_memory(error);
	return drift_reference_write(&reference, arena, file, error);
}

bool drift_rebase(const struct step *step, const struct rebase_wanted *wanted, struct rebase_made *made, struct buffer *file,
		  struct error *error)
{
	const struct drift *options = step->options;
	const struct past_span span = {wanted->from_ms, wanted->until_ms};
	struct rebasing self = {.step = step, .wanted = wanted};
	struct past_left left;
	if (!options->reference.past_ns)
		return error_set(
			error, ERROR_CONFIG, options->reference.here,
			"step `%s` keeps no past: its reference is a file; learn another by `sluice fit drift`, or give it "
			"`reference: {past: 7d}`",
			step->name);
	if (!past_read(&self, error))
		return false;
	const struct past all = self.past;
	past_select(&self.past, span, wanted->alarmed, &left);
	if (!range_check(&self, &all, &left, error))
		return false;
	if (!reference_write(&self, file, error))
		return false;
	made_fill(&self, &left, made);
	return true;
}
