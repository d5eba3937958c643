/* drift_windows.c: see drift_windows.h. */
#include "tools/view/report/drift_windows.h"

#include <math.h>

#include "tools/view/json_member.h"

struct text drift_text(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);
	return text ? (struct text){text, json_string_length(member)} : (struct text){"", 0};
}

static struct text text_keep(struct text text, struct arena *arena)
{
	const char *copy = text.length > 0 ? arena_copy(arena, text.bytes, text.length) : NULL;
	return copy ? (struct text){copy, text.length} : (struct text){"", 0};
}

static size_t segment_find(struct drift_windows *self, struct text name, struct arena *arena)
{
	for (size_t i = 0; i < self->segment_count; i++)
		if (text_equal(self->segments[i].name, name))
			return i;
	self->segments[self->segment_count] = (struct drift_segment_view){.name = text_keep(name, arena)};
	return self->segment_count++;
}

/* ---- features ---- */

static void counts_read(const json_t *counts, double *into)
{
	for (size_t i = 0; i < DRIFT_BINS_MAX; i++)
		into[i] = i < json_array_size(counts) ? json_number_value(json_array_get(counts, i)) : 0;
}

static struct page_cell cell_read(const json_t *object, struct arena *arena)
{
	const json_t *tests = json_object_get(object, "tests");
	struct page_cell cell = {.effect = (double)NAN,
				 .level = (double)NAN,
				 .p = (double)NAN,
				 .alarm = json_is_true(json_object_get(object, "quality_alarm")),
				 .importance = member_number_read(object, "importance_shift")};
	struct text method = {"", 0};
	for (size_t i = 0; i < json_array_size(tests); i++) {
		const json_t *test = json_array_get(tests, i);
		const bool established = json_is_true(json_object_get(test, "established"));
		const double effect = member_number_read(test, "effect"), level = member_number_read(test, "level");
		const bool farther = !cell.judged || effect - level > cell.effect - cell.level;
		const bool better = established == cell.established ? farther : established;
		cell.judged = true;
		if (!better)
			continue;
		cell.established = established;
		cell.effect = effect;
		cell.level = level;
		cell.p = member_number_read(test, "p");
		method = drift_text(test, "method");
	}
	cell.method = text_keep(method, arena);
	return cell;
}

static void feature_see(struct drift_windows *self, size_t at, size_t window, const struct page_cell *cell, const json_t *object)
{
	struct drift_feature_view *feature = &self->features[at];
	const double excess = cell->effect - cell->level;
	if (isnan(feature->importance) || fabs(cell->importance) > fabs(feature->importance))
		feature->importance = cell->importance;
	feature->established += cell->established;
	if (!cell->established || (feature->most < self->window_count && !(excess > feature->excess)))
		return;
	feature->most = window;
	feature->excess = excess;
	counts_read(json_object_get(object, "picture"), feature->current);
}

static bool features_begin(struct drift_windows *self, const json_t *list, struct arena *arena)
{
	self->feature_count = json_array_size(list);
	self->features = ARENA_ARRAY(arena, struct drift_feature_view, self->feature_count);
	for (size_t i = 0; self->features && i < self->feature_count; i++)
		self->features[i] = (struct drift_feature_view){.name = text_keep(drift_text(json_array_get(list, i), "name"),
									       arena),
							       .most = self->window_count, .importance = (double)NAN};
	return self->features;
}

static bool features_read(struct drift_windows *self, size_t at, const json_t *list, struct arena *arena)
{
	struct drift_window *window = &self->windows[at];
	if (self->feature_count == 0 && json_array_size(list) > 0 && !features_begin(self, list, arena))
		return false;
	window->cells = ARENA_ARRAY(arena, struct page_cell, self->feature_count + 1);
	for (size_t i = 0; window->cells && i < self->feature_count; i++) {
		const json_t *object = json_array_get(list, i);
		window->cells[i] = cell_read(object, arena);
		feature_see(self, i, at, &window->cells[i], object);
	}
	return window->cells;
}

/* Pictures of the reference, from the last line. */
static bool references_read(struct drift_windows *self, struct arena *arena)
{
	const json_t *list = json_object_get(self->sums, "reference");
	for (size_t i = 0; i < self->feature_count && i < json_array_size(list); i++) {
		const json_t *object = json_array_get(list, i), *categories = json_object_get(object, "categories");
		struct drift_feature_view *feature = &self->features[i];
		const size_t bins = json_array_size(json_object_get(object, "picture"));
		struct text *names = ARENA_ARRAY(arena, struct text, json_array_size(categories) + 1);
		if (!names)
			return false;
		for (size_t j = 0; j < json_array_size(categories); j++) {
			const json_t *name = json_array_get(categories, j);
			names[j] = text_keep((struct text){json_string_value(name), json_string_length(name)}, arena);
		}
		feature->bins = bins < DRIFT_BINS_MAX ? bins : DRIFT_BINS_MAX;
		feature->categories = categories ? names : NULL;
		feature->low = member_number_read(object, "low");
		feature->high = member_number_read(object, "high");
		counts_read(json_object_get(object, "picture"), feature->reference);
	}
	return true;
}

/* ---- windows ---- */

static int64_t integer_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* The members of a line that have a figure. */
static const struct {
	const char *estimated, *low, *high, *realised, *rows, *held;
} estimate_members[ESTIMATE_FIGURES] = {[ESTIMATE_ACCURACY] = {"estimated_accuracy", "estimated_accuracy_low",
							       "estimated_accuracy_high", "realised_accuracy", "realised_rows",
							       "band_held"},
					[ESTIMATE_AUC] = {"estimated_auc", "estimated_auc_low", "estimated_auc_high",
							  "realised_auc", "realised_auc_rows", "auc_band_held"},
					[ESTIMATE_ERROR] = {"estimated_error", "estimated_error_low", "estimated_error_high",
							    "realised_error", "realised_error_rows", "error_band_held"}};

/* Without feedback there are no rows, and what was realised is null. */
static struct window_estimate estimate_read(const json_t *line, enum estimate_figure figure)
{
	const json_t *held = json_object_get(line, estimate_members[figure].held);
	return (struct window_estimate){.estimated = member_number_read(line, estimate_members[figure].estimated),
					.low = member_number_read(line, estimate_members[figure].low),
					.high = member_number_read(line, estimate_members[figure].high),
					.realised = member_number_read(line, estimate_members[figure].realised),
					.realised_rows = member_number_read(line, estimate_members[figure].rows),
					.band = json_is_true(held)    ? BAND_KEPT
						: json_is_false(held) ? BAND_MISSED
								      : BAND_NOT_JUDGED};
}

static bool window_read(struct drift_windows *self, size_t at, const json_t *line, struct arena *arena)
{
	struct drift_window *window = &self->windows[at];
	*window = (struct drift_window){.segment = segment_find(self, drift_text(line, "segment"), arena),
					.number = integer_of(line, "window"),
					.rows = integer_of(line, "rows"),
					.begin_ms = integer_of(line, "begin_ms"),
					.end_ms = integer_of(line, "end_ms"),
					.score = member_number_read(line, "drift_score"),
					.timed = json_object_get(line, "begin_ms") != NULL,
					.judged = json_is_true(json_object_get(line, "judged")),
					.drifted = json_is_true(json_object_get(line, "is_drift")),
					.quality = json_is_true(json_object_get(line, "quality_alarm"))};
	for (enum estimate_figure figure = 0; figure < ESTIMATE_FIGURES; figure++)
		window->estimates[figure] = estimate_read(line, figure);
	struct drift_segment_view *segment = &self->segments[window->segment];
	segment->windows++;
	segment->drifted += window->drifted;
	segment->score = fmax(segment->score, isnan(window->score) ? 0 : window->score);
	self->timed = self->timed || window->timed;
	self->segmented = self->segmented || json_object_get(line, "segment") != NULL;
	return features_read(self, at, json_object_get(line, "features"), arena);
}

static size_t lines_count(struct text lines)
{
	size_t count = 0;
	for (size_t i = 0; i < lines.length; i++)
		count += lines.bytes[i] == '\n';
	return count;
}

/* NULL: memory ran out, or (INPUT) it is no JSON. */
static json_t *line_read(struct text line, size_t number, struct error *error)
{
	json_error_t wrong;
	json_t *read = json_loadb(line.bytes, line.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &wrong);
	if (!read && json_error_code(&wrong) != json_error_out_of_memory)
		error_set(error, ERROR_INPUT, PLACE_NONE, "line %zu of the report is no JSON: %s; report this as a bug of sluice",
			  number, wrong.text);
	return read;
}

bool drift_windows_read(struct drift_windows *self, struct text lines, struct arena *arena, struct error *error)
{
	const size_t count = lines_count(lines);
	*self = (struct drift_windows){.window_count = count > 0 ? count - 1 : 0};
	self->windows = ARENA_ARRAY(arena, struct drift_window, count + 1);
	self->segments = ARENA_ARRAY(arena, struct drift_segment_view, count + 1);
	bool good = self->windows && self->segments;
	for (size_t i = 0; good && i < count; i++) {
		const struct text line = text_take_until(&lines, '\n');
		json_t *read = line_read(line, i + 1, error);
		good = read && (i == self->window_count || window_read(self, i, read, arena));
		if (i == self->window_count)
			self->sums = read;
		else
			json_decref(read);
	}
	good = good && references_read(self, arena) && !arena_failed(arena);
	if (!good && error->kind == ERROR_NONE)
		error_memory(error, ERROR_SYSTEM, "making a page of a report");
	return good;
}

void drift_windows_close(struct drift_windows *self)
{
	json_decref(self->sums);
}
