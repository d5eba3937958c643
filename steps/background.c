/* background.c: see background.h. */
#include "steps/background.h"

#include <math.h>

#include "base/hash.h"
#include "base/number/number.h"

#define BACKGROUND_SEED 0x736c75696365 /* any number; the same, so that a run can be repeated */

static bool field_read(struct text field, double *number)
{
	*number = NAN;
	return field.length == 0 || text_equal_caseless(field, TEXT("nan")) || number_read_double(field, number);
}

/* The next field of a line. */
static struct text field_next(struct text *line)
{
	return text_trimmed(text_take_until(line, ','), " \t\r\"");
}

static size_t line_fields(struct text line)
{
	size_t count = 1;
	for (size_t i = 0; i < line.length; i++)
		count += line.bytes[i] == ',';
	return count;
}

/* Takes the first line as names, unless all of its fields are numbers. */
static bool names_read(struct background *background, struct text line, struct arena *arena)
{
	double number;
	bool numbers = true;
	struct text *names = ARENA_ARRAY(arena, struct text, background->width);
	for (size_t i = 0; names && i < background->width; i++) {
		names[i] = field_next(&line);
		numbers = numbers && field_read(names[i], &number);
	}
	background->names = numbers ? NULL : names;
	return !numbers;
}

static bool row_read(struct background *background, struct text line, size_t number, const struct name *file, struct error *error)
{
	const size_t count = line_fields(line);
	double *row = background->rows + background->count * background->width;
	if (count != background->width)
		return error_set(error, ERROR_CONFIG, file->place,
				 "line %zu of the background %s has %zu numbers, and its first line %zu; give each row the same",
				 number, file->text, count, background->width);
	for (size_t i = 0; i < background->width; i++) {
		const struct text field = field_next(&line);
		if (!field_read(field, &row[i]))
			return error_set(error, ERROR_CONFIG, file->place,
					 "line %zu of the background %s has `" TEXT_FORMAT
					 "` in column %zu, which is no number; write a number, or leave it empty where it is "
					 "missing",
					 number, file->text, TEXT_ARGUMENTS(field), i + 1);
	}
	background->count++;
	return true;
}

bool background_read(struct background *background, const struct step *step, const struct name *file, struct error *error)
{
	struct text rest, line;
	*background = (struct background){0};
	if (!step_file(step, file, NULL, &rest, error))
		return false;
	for (size_t number = 1; rest.length > 0; number++) {
		line = text_take_until(&rest, '\n');
		if (text_trimmed(line, " \t\r\"").length == 0)
			continue;
		if (background->width == 0) {
			background->width = line_fields(line);
			/* A row has a byte for each of its numbers, of which the last line lacks one. */
			const size_t bytes = line.length + 1 + rest.length + 1;
			background->rows = ARENA_ARRAY(step->arena, double, bytes / background->width * background->width);
			if (!background->rows)
				return error_memory(error, ERROR_SYSTEM, "reading a background");
			if (names_read(background, line, step->arena))
				continue;
		}
		if (!row_read(background, line, number, file, error))
			return false;
	}
	return background->count >= BACKGROUND_ROWS_LEAST ||
	       error_set(error, ERROR_CONFIG, file->place,
			 "the background %s has %zu row%s, and the base value is a mean over its rows; give at least %d (100 are "
			 "usual)",
			 file->text, background->count, background->count == 1 ? "" : "s", BACKGROUND_ROWS_LEAST);
}

void background_narrow(struct background *background, size_t width)
{
	if (background->most > 0 || background->width <= width)
		return;
	for (size_t i = 0; i < background->count; i++)
		memmove(background->rows + i * width, background->rows + i * background->width, width * sizeof *background->rows);
	background->width = width;
}

void background_sample(struct background *background, size_t most)
{
	*background = (struct background){.most = most, .random = {BACKGROUND_SEED}};
}

/* Memory that is replaced is lost to the arena, so it at least doubles. */
static bool sample_begin(struct background *background, size_t width, struct arena *arena)
{
	const size_t needed = background->most * width;
	if (needed > background->room) {
		const size_t room = needed > 2 * background->room ? needed : 2 * background->room;
		double *rows = ARENA_ARRAY(arena, double, room);
		uint64_t *keys = background->keys ? background->keys : ARENA_ARRAY(arena, uint64_t, background->most);
		if (!rows || !keys)
			return false;
		background->rows = rows;
		background->keys = keys;
		background->room = room;
	}
	background->width = width;
	background->count = 0;
	background->seen = 0;
	return true;
}

uint64_t background_key(struct text origin, size_t row)
{
	return origin.length > 0 ? hash_bytes(origin.bytes, origin.length, 0) + row : 0;
}

bool background_is_full(const struct background *background)
{
	return background->count >= background->most;
}

static bool row_is_known(const struct background *background, uint64_t key)
{
	for (size_t i = 0; key > 0 && !background_is_full(background) && i < background->count; i++)
		if (background->keys[i] == key)
			return true;
	return false;
}

static bool row_add(struct background *background, const double *row, size_t width, uint64_t key, struct arena *arena,
		    struct error *error)
{
	if (width != background->width && background_is_ready(background))
		return true;
	if (width != background->width && !sample_begin(background, width, arena))
		return error_memory(error, ERROR_LIMIT, "sampling a background");
	/* Algorithm R (Waterman; Knuth, volume 2). */
	size_t place = background->count;
	if (background->count < background->most)
		background->count++;
	else
		place = (size_t)(random_next(&background->random) % (background->seen + 1));
	background->seen++;
	if (place >= background->most)
		return true;
	memcpy(background->rows + place * width, row, width * sizeof *row);
	background->keys[place] = key;
	return true;
}

bool background_add(struct background *background, const double *row, size_t width, uint64_t key, struct arena *arena,
		    struct error *error)
{
	return background->most == 0 || row_is_known(background, key) || row_add(background, row, width, key, arena, error);
}

size_t background_least(const struct background *background)
{
	return background->most && background->most < BACKGROUND_SAMPLE_LEAST ? background->most : BACKGROUND_SAMPLE_LEAST;
}

bool background_is_ready(const struct background *background)
{
	return background->most ? background->count >= background_least(background) : background->count > 0;
}

void background_write(const struct background *background, struct buffer *bytes)
{
	buffer_append(bytes, &background->width, sizeof background->width);
	for (size_t i = 0; i < background->count; i++) {
		buffer_append(bytes, &background->keys[i], sizeof *background->keys);
		buffer_append(bytes, background->rows + i * background->width, background->width * sizeof *background->rows);
	}
}

bool background_fill(struct background *background, struct text bytes, size_t width, bool wider, struct arena *arena,
		     struct error *error)
{
	size_t columns;
	memcpy(&columns, bytes.bytes, sizeof columns);
	if (columns < width || (columns > width && !wider))
		return true;
	double *row = ARENA_ARRAY(arena, double, columns);
	const size_t size = columns * sizeof *row;
	const bool is_first = background->count == 0; /* then no row is there twice: a look at all would be quadratic */
	uint64_t key;
	if (!row)
		return error_memory(error, ERROR_LIMIT, "sampling a background");
	for (size_t at = sizeof columns; at + sizeof key + size <= bytes.length; at += sizeof key + size) {
		memcpy(&key, bytes.bytes + at, sizeof key);
		memcpy(row, bytes.bytes + at + sizeof key, size);
		if (!(is_first ? row_add : background_add)(background, row, width, key, arena, error))
			return false;
	}
	return true;
}

bool background_fits(const struct background *background, size_t features, const struct text *names, bool whole,
		     struct error *error)
{
	if (background->width != features && background->most)
		return error_set_tensor(error, PLACE_NONE,
					"the request has %zu features, and the requests of the running background have %zu; an "
					"explanation compares rows of one width",
					features, background->width);
	if (background->width != features)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the background has %zu columns, and the model takes %zu features; give it the model's columns, "
				 "in their order",
				 background->width, features);
	for (size_t i = 0; names && background->names && i < features; i++)
		if (!text_equal(names[i], background->names[i]))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "column %zu of the background is `" TEXT_FORMAT "`, and feature %zu of the request is "
					 "`" TEXT_FORMAT
					 "`; give the background the model's columns, in their order",
					 i + 1, TEXT_ARGUMENTS(background->names[i]), i + 1, TEXT_ARGUMENTS(names[i]));
	for (size_t i = 0; whole && i < background->count * features; i++)
		if (!isfinite(background->rows[i]))
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "row %zu, column %zu of the background is missing or no finite number, and the model gets "
					 "it as it is; leave out its row, or impute it",
					 i / features + 1, i % features + 1);
	return true;
}
