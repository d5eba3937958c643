/* drift_reference.c: see drift_reference.h. */
#include "steps/drift/drift_reference.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "message/rows.h"
#include "steps/drift/drift_rows.h"
#include "steps/drift/drift_texts.h"
#include "steps/prepare/json_rows.h"

#define FORMAT "sluice_drift/1"
#define BLOCK 250 /* rows of a block, which show how a row follows from the one before */
#define MESSAGE_BYTES_MAX ((size_t)1 << 30)
#define ROOM_FIRST 1024
#define NUMBER_MAX 1e150 /* the square of a larger one is beyond the range of a double */

enum feature_kind { FEATURE_NUMBERS, FEATURE_CATEGORIES, FEATURE_TEXTS };

struct drift_file_feature {
	struct name name;
	int kind;
	int64_t missing;
	double least, greatest;
	struct place width_here; /* none: it is not in the file */
	int64_t width;
	struct name_list categories;
	struct number_list values;
};

struct drift_file {
	int64_t rows, block;
	struct number_list times_ms, gaps_ms; /* struct arrivals */
	struct item_list features;	      /* struct drift_file_feature */
};

static const struct option feature_rows[] = {
	ROW("name", NAME, struct drift_file_feature, name, .required = true, .help = "Its tensor, and after a dot its column."),
	ROW("kind", CHOICE, struct drift_file_feature, kind, .choices = "numbers categories texts", .help = "What it has."),
	ROW("missing", INTEGER, struct drift_file_feature, missing, .least = 0, .most = 1e15, .help = "Values that were missing."),
	ROW("least", NUMBER, struct drift_file_feature, least, .help = "The least number."),
	ROW("greatest", NUMBER, struct drift_file_feature, greatest, .help = "The greatest number."),
	ROW("width", INTEGER, struct drift_file_feature, width, .place_offset = offsetof(struct drift_file_feature, width_here),
	    .least = PROJECTION_WIDTH_MIN, .most = PROJECTION_WIDTH_MAX, .help = "Of a direction: the columns of its tensor."),
	ROW("categories", NAMES, struct drift_file_feature, categories, .help = "The categories."),
	ROW("values", NUMBERS, struct drift_file_feature, values, .help = "The values, in their order."),
	{.type = OPTION_END},
};

static const struct option file_rows[] = {
	ROW("rows", INTEGER, struct drift_file, rows, .least = 1, .most = 1e15, .help = "Rows that were learnt."),
	ROW("block", INTEGER, struct drift_file, block, .least = 1, .most = 1e15, .help = "Rows that followed one another."),
	ROW("times_ms", NUMBERS, struct drift_file, times_ms, .help = "When rows came, evenly spread over all."),
	ROW("gaps_ms", NUMBERS, struct drift_file, gaps_ms, .help = "The longest times without a newer row."),
	ROW("features", LIST, struct drift_file, features, .rows = feature_rows, .item_size = sizeof(struct drift_file_feature),
	    .help = "What is watched."),
	{.type = OPTION_END},
};

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "learning what is usual");
}

/* ---- learning ---- */

/* All rows of a source. A column of numbers has one value in a row; one of texts has the text's fingerprint and its length. */
struct drift_learning {
	const struct name_list *tensors;
	struct arena *arena; /* of the step */
	struct drift_layout layout;
	struct drift_texts **texts; /* of each column; NULL: it has numbers */
	size_t width;		    /* values of a row */
	double *values;		    /* row by row, on the heap */
	int64_t *times_ms;	    /* of each row, on the heap; NULL: the source has none */
	int64_t time_ms;	    /* of the message */
	bool timed;		    /* the source has times */
	size_t rows, room;
	struct text late;     /* a tensor of numbers that the first message lacks; bytes NULL: none came */
	size_t late_messages; /* so many have it */
};

static bool layout_learn(struct drift_learning *learning, const struct payload *payload, struct error *error)
{
	if (!drift_layout_make(&learning->layout, payload, learning->tensors, learning->arena, error)) {
		learning->layout.count = 0;
		return false;
	}
	learning->texts = ARENA_ARRAY(learning->arena, struct drift_texts *, learning->layout.count);
	for (size_t i = 0; learning->texts && i < learning->layout.count; i++) {
		const bool texts = learning->layout.columns[i].texts;
		learning->texts[i] = texts ? drift_texts_open(learning->arena) : NULL;
		learning->width += texts ? 2 : 1;
	}
	return !arena_failed(learning->arena) || out_of_memory(error);
}

static bool number_learn(const struct drift_column *column, double number, double *into, struct error *error)
{
	*into = number;
	return isnan(number) || fabs(number) < NUMBER_MAX ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "`%s` is %g, which is too large to learn from; leave the message out, or the field empty", column->name,
			 number);
}

/* A text without characters is a missing one. */
static bool text_learn(struct drift_texts *texts, const struct drift_column *column, struct text text, double into[2],
		       struct error *error)
{
	into[0] = into[1] = (double)NAN;
	if (text.length == 0)
		return true;
	if (memchr(text.bytes, 0, text.length))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "a text of `%s` has a zero byte; watch other tensors",
				 column->name);
	into[1] = (double)text_characters(text);
	return drift_texts_add(texts, text, &into[0], error);
}

/* Makes space for a row. */
static bool rows_grow(struct drift_learning *learning, struct error *error)
{
	if (learning->rows < learning->room)
		return true;
	const size_t room = learning->room ? 2 * learning->room : ROOM_FIRST;
	double *values = memory_resize(learning->values, room * learning->width, sizeof *values);
	if (!values)
		return out_of_memory(error);
	learning->values = values;
	int64_t *times_ms = learning->timed ? memory_resize(learning->times_ms, room, sizeof *times_ms) : NULL;
	if (learning->timed && !times_ms)
		return out_of_memory(error);
	learning->times_ms = times_ms;
	learning->room = room;
	return true;
}

static bool row_learn(struct drift_learning *learning, const struct drift_cell *cells, struct error *error)
{
	if (!rows_grow(learning, error))
		return false;
	double *to = learning->values + learning->rows * learning->width;
	for (size_t i = 0; i < learning->layout.count; i++) {
		const struct drift_column *column = &learning->layout.columns[i];
		if (column->texts ? !text_learn(learning->texts[i], column, cells[i].text, to, error)
				  : !number_learn(column, cells[i].number, to, error))
			return false;
		to += column->texts ? 2 : 1;
	}
	if (learning->timed)
		learning->times_ms[learning->rows] = learning->time_ms;
	learning->rows++;
	return true;
}

static bool message_learn(struct drift_learning *learning, const struct payload *payload, struct arena *arena,
			  const struct tensor **texts, struct error *error)
{
	const struct drift_cell *cells;
	size_t rows;
	*texts = NULL;
	if ((learning->layout.count == 0 && !layout_learn(learning, payload, error)) ||
	    !drift_rows_read_present(&learning->layout, payload, arena, &cells, &rows, texts, error))
		return false;
	const size_t before = learning->rows;
	for (size_t i = 0; i < rows; i++)
		if (!row_learn(learning, cells + i * learning->layout.count, error)) {
			learning->rows = before;
			return false;
		}
	return true;
}

/* A column that has a mistake instead of a number, which makes it one of texts; or formatted numbers. */
static void mistake_tell(const struct drift_learning *learning, const struct fit_source *source, const struct tensor *texts)
{
	struct error why = {0};
	if (!source->texts_check || !source->remarked || source->texts_check(source->context, texts, false, &why))
		return;
	fit_source_remark(source, arena_print(learning->arena, "`" TEXT_FORMAT "` is not watched: %s:%u:%u: %s",
					      TEXT_ARGUMENTS(texts->name), why.place.file, (unsigned)why.place.line,
					      (unsigned)why.place.column, why.text));
}

static void mistakes_tell(const struct drift_learning *learning, const struct fit_source *source, const struct payload *payload)
{
	for (size_t i = 0; learning->tensors->count == 0 && i < payload->tensors.count; i++)
		if (payload->tensors.items[i]->datatype == DATATYPE_BYTES)
			mistake_tell(learning, source, payload->tensors.items[i]);
}

/* Where no tensors are named, those of texts are passed over: of a CSV also a column of numbers with one field that is none. */
static void passed_over_tell(const struct drift_learning *learning, const struct fit_source *source, const struct payload *payload)
{
	struct text first = {0};
	size_t count = 0;
	for (size_t i = 0; learning->tensors->count == 0 && i < payload->tensors.count; i++)
		if (payload->tensors.items[i]->datatype == DATATYPE_BYTES && count++ == 0)
			first = payload->tensors.items[i]->name;
	const char *remark =
		count == 0 || !source->remarked
			? NULL
			: arena_print(learning->arena,
				      "tensors with texts are not watched unless `tensors` names them, here %zu: the first "
				      "is `" TEXT_FORMAT "`; a column of a CSV has texts if one of its fields is not a number",
				      count, TEXT_ARGUMENTS(first));
	fit_source_remark(source, remark);
}

static bool is_watched(const struct drift_learning *learning, struct text tensor)
{
	for (size_t i = 0; i < learning->layout.count; i++)
		if (text_equal(learning->layout.columns[i].tensor, tensor))
			return true;
	return false;
}

/* Where no tensors are named, those of the first message are watched: of the others the first that comes is counted. */
static void late_count(struct drift_learning *learning, const struct payload *payload)
{
	for (size_t i = 0; learning->tensors->count == 0 && i < payload->tensors.count; i++) {
		const struct tensor *tensor = payload->tensors.items[i];
		const bool another = learning->late.bytes && !text_equal(learning->late, tensor->name);
		if (another || tensor->datatype == DATATYPE_BYTES || is_watched(learning, tensor->name))
			continue;
		if (!learning->late.bytes)
			learning->late = text_copied(learning->arena, tensor->name);
		learning->late_messages++;
	}
}

static void late_tell(const struct drift_learning *learning, const struct fit_source *source)
{
	if (learning->late.bytes && source->remarked)
		fit_source_remark(source,
				  arena_print(learning->arena,
					      "`" TEXT_FORMAT "` is not watched, as the first message lacks it, and %zu have it; "
					      "name what is watched by `tensors`",
					      TEXT_ARGUMENTS(learning->late), learning->late_messages));
}

/* Takes the features from the first message that has all tensors, as earlier ones lack values of them; without such a message there
 * are none. The source stands at its first message then. In one that passes once, earlier messages are refused. */
static bool layout_seek(struct drift_learning *learning, const struct fit_source *source, struct arena *arena, struct error *error)
{
	struct payload payload;
	struct drift_layout trial;
	source->rewind(source->context);
	while (!source->passes_once && learning->layout.count == 0 && error->kind == ERROR_NONE &&
	       source->next(source->context, arena, &payload, error)) {
		if (drift_layout_make(&trial, &payload, learning->tensors, arena, error))
			(void)layout_learn(learning, &payload, error);
		else if (error->kind == ERROR_INPUT)
			*error = (struct error){0};
		arena_reset(arena);
	}
	source->rewind(source->context);
	return error->kind == ERROR_NONE;
}

static bool source_learn(struct drift_learning *learning, const struct fit_source *source, struct error *error)
{
	struct payload payload;
	struct arena *arena = arena_open(MESSAGE_BYTES_MAX);
	if (!arena)
		return out_of_memory(error);
	const size_t most = source->rows_most ? source->rows_most : SIZE_MAX;
	bool good = layout_seek(learning, source, arena, error);
	for (; good && learning->rows < most && source->next(source->context, arena, &payload, error); arena_reset(arena)) {
		const struct tensor *texts;
		const bool is_first = learning->rows == 0;
		learning->time_ms = learning->timed ? source->time_ms(source->context) : 0;
		if (is_first && !drift_texts_check(learning->tensors, source, &payload, error))
			break;
		if (is_first) /* also where nothing else can be watched, which is an error */
			mistakes_tell(learning, source, &payload);
		if (message_learn(learning, &payload, arena, &texts, error)) {
			if (is_first)
				passed_over_tell(learning, source, &payload);
			late_count(learning, &payload);
			continue;
		}
		if (error->kind != ERROR_INPUT || !source->refused(source->context, texts, error))
			break;
		*error = (struct error){0};
	}
	arena_close(arena);
	if (error->kind != ERROR_NONE)
		return false;
	late_tell(learning, source);
	learning->rows = learning->rows < most ? learning->rows : most;
	return learning->rows >= DRIFT_REFERENCE_ROWS_MIN ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the reference has %zu rows, and %d or more are needed to know what is usual; give more "
			 "rows",
			 learning->rows, DRIFT_REFERENCE_ROWS_MIN);
}

/* ---- order ---- */

/* A row's place, to put rows into the order of their times. */
struct row_time {
	int64_t time_ms;
	size_t row;
};

static int row_times_compare(const void *left, const void *right)
{
	const struct row_time *a = left, *b = right;
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	return (a->row > b->row) - (a->row < b->row);
}

static bool is_in_order(const struct drift_learning *learning)
{
	for (size_t i = 1; i < learning->rows; i++)
		if (learning->times_ms[i] < learning->times_ms[i - 1])
			return false;
	return true;
}

/* Puts the rows into the order of their times: those of a topic may come by the times of its records, and not of its events. */
static bool rows_put_in_order(struct drift_learning *learning, struct error *error)
{
	if (!learning->timed || is_in_order(learning))
		return true;
	struct row_time *order = memory_take(learning->rows, sizeof *order);
	double *values = memory_take(learning->rows * learning->width, sizeof *values);
	for (size_t i = 0; order && i < learning->rows; i++)
		order[i] = (struct row_time){learning->times_ms[i], i};
	if (order)
		qsort(order, learning->rows, sizeof *order, row_times_compare);
	for (size_t i = 0; order && values && i < learning->rows; i++) {
		memcpy(values + i * learning->width, learning->values + order[i].row * learning->width,
		       learning->width * sizeof *values);
		learning->times_ms[i] = order[i].time_ms;
	}
	memory_give(order);
	memory_give(values ? learning->values : NULL);
	learning->values = values ? values : learning->values;
	return (order && values) || out_of_memory(error);
}

/* The row that stands at a place among those that are kept. */
static size_t row_kept(size_t place, size_t rows, size_t kept)
{
	const size_t blocks = kept / BLOCK;
	if (kept == rows)
		return place;
	return place / BLOCK * (rows - BLOCK) / (blocks - 1) + place % BLOCK;
}

/* A feature of the numbers at that place in each row. */
static bool numbers_write(const struct drift_learning *learning, size_t at, size_t kept, struct drift_file_feature *into)
{
	double *values = ARENA_ARRAY(learning->arena, double, kept);
	bool any = false;
	for (size_t i = 0; i < learning->rows; i++) {
		const double value = learning->values[i * learning->width + at];
		into->missing += isnan(value);
		if (isnan(value))
			continue;
		into->least = any && into->least < value ? into->least : value;
		into->greatest = any && into->greatest > value ? into->greatest : value;
		any = true;
	}
	for (size_t i = 0; values && i < kept; i++)
		values[i] = learning->values[row_kept(i, learning->rows, kept) * learning->width + at];
	into->values = (struct number_list){kept, values};
	return values;
}

/* The same of texts, by the fingerprints there. */
static bool categories_write(const struct drift_learning *learning, struct drift_texts *texts, size_t at, size_t kept,
			     struct drift_file_feature *into)
{
	double *values = ARENA_ARRAY(learning->arena, double, kept);
	double *fingerprints = memory_take(learning->rows, sizeof *fingerprints);
	for (size_t i = 0; fingerprints && i < learning->rows; i++) {
		fingerprints[i] = learning->values[i * learning->width + at];
		into->missing += isnan(fingerprints[i]);
	}
	const bool good = values && fingerprints && drift_texts_settle(texts, fingerprints, learning->rows);
	for (size_t i = 0; good && i < kept; i++) {
		const size_t row = row_kept(i, learning->rows, kept);
		values[i] = drift_texts_category(texts, fingerprints[row], row);
	}
	memory_give(fingerprints);
	into->categories = good ? drift_texts_categories(texts) : (struct name_list){0};
	into->values = (struct number_list){kept, values};
	return good;
}

/* Writes the features of a column, whose values are at that place in each row. How many there are; 0: memory ran out. */
static size_t column_write(const struct drift_learning *learning, size_t column, size_t at, size_t kept,
			   struct drift_file_feature into[2])
{
	const char *name = learning->layout.columns[column].name;
	struct drift_texts *texts = learning->texts[column];
	const size_t width = drift_column_width(&learning->layout.columns[column]);
	into[0] = (struct drift_file_feature){
		.name = {.text = name}, .kind = FEATURE_NUMBERS, .width_here.line = width > 0, .width = (int64_t)width};
	if (!texts)
		return numbers_write(learning, at, kept, &into[0]);
	if (!categories_write(learning, texts, at, kept, &into[0]))
		return 0;
	into[0].kind = drift_texts_are_free(texts) ? FEATURE_TEXTS : FEATURE_CATEGORIES;
	if (into[0].kind == FEATURE_CATEGORIES)
		return 1;
	into[1] = (struct drift_file_feature){.name = {.text = drift_lengths_name(name, learning->arena)}, .kind = FEATURE_NUMBERS};
	return into[1].name.text && numbers_write(learning, at + 1, kept, &into[1]) ? 2 : 0;
}

static bool columns_write(const struct drift_learning *learning, size_t kept, struct item_list *into, struct error *error)
{
	struct drift_file_feature *features = ARENA_ARRAY(learning->arena, struct drift_file_feature, 2 * learning->layout.count);
	size_t count = 0, at = 0;
	for (size_t i = 0; i < learning->layout.count; i++) {
		const size_t more = features ? column_write(learning, i, at, kept, &features[count]) : 0;
		if (more == 0)
			return out_of_memory(error);
		count += more;
		at += learning->layout.columns[i].texts ? 2 : 1;
	}
	*into = (struct item_list){count, features};
	return count <= DRIFT_FEATURES_MAX ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the reference has %zu features, two of each column of free texts, and %d can be watched; name fewer "
			 "tensors by `tensors`",
			 count, DRIFT_FEATURES_MAX);
}

static bool file_write(const struct drift_file *made, struct buffer *file, struct error *error)
{
	json_rows_write_file(file, FORMAT, file_rows, made);
	return !buffer_failed(file) || error_set(error, ERROR_LIMIT, PLACE_NONE, "the reference is too large for a file");
}

bool drift_reference_learn(const struct step *step, const struct name_list *tensors, const struct fit_source *source,
			   struct buffer *file, struct error *error)
{
	struct drift_learning learning = {.tensors = tensors, .arena = step->arena, .timed = source->time_ms != NULL};
	struct arrivals arrivals = {0};
	bool good = source_learn(&learning, source, error) && rows_put_in_order(&learning, error);
	const size_t kept = learning.rows < DRIFT_REFERENCE_ROWS_MAX ? learning.rows : DRIFT_REFERENCE_ROWS_MAX;
	struct item_list features = {0};
	good = good && columns_write(&learning, kept, &features, error);
	if (good && learning.timed)
		good = arrivals_learn(learning.times_ms, learning.rows, step->arena, &arrivals) || out_of_memory(error);
	memory_give(learning.values);
	memory_give(learning.times_ms);
	if (!good)
		return false;
	const struct drift_file made = {.rows = (int64_t)learning.rows,
					.block = (int64_t)(kept == learning.rows ? kept : BLOCK),
					.times_ms = {arrivals.count, arrivals.times_ms},
					.gaps_ms = {arrivals.gap_count, arrivals.gaps_ms},
					.features = features};
	return file_write(&made, file, error);
}

/* ---- writing what is known already ---- */

/* A file has ends also where no number came. */
static double finite_or_zero(double number)
{
	return isfinite(number) ? number : 0;
}

static enum feature_kind kind_of(const struct drift_feature *feature)
{
	return !feature->categories ? FEATURE_NUMBERS : feature->open ? FEATURE_TEXTS : FEATURE_CATEGORIES;
}

/* The names of its categories, without that of all others. Without items: memory ran out. */
static struct name_list names_of(const struct drift_feature *feature, struct arena *arena)
{
	const size_t count = feature->category_count - feature->open;
	struct name *names = ARENA_ARRAY(arena, struct name, count + 1);
	for (size_t i = 0; names && i < count; i++)
		names[i].text = feature->category_names[i].bytes;
	return (struct name_list){count, names};
}

bool drift_reference_write(const struct drift_reference *reference, struct arena *arena, struct buffer *file, struct error *error)
{
	struct drift_file_feature *features = ARENA_ARRAY(arena, struct drift_file_feature, reference->feature_count);
	for (size_t i = 0; features && i < reference->feature_count; i++) {
		const struct drift_feature *from = &reference->features[i];
		features[i] = (struct drift_file_feature){.name = {.text = from->name.bytes},
							  .kind = (int)kind_of(from),
							  .categories = names_of(from, arena),
							  .missing = (int64_t)from->missing,
							  .least = finite_or_zero(from->least),
							  .greatest = finite_or_zero(from->greatest),
							  .width_here.line = from->width > 0,
							  .width = (int64_t)from->width,
							  .values = {reference->rows, from->values}};
	}
	const struct drift_file made = {.rows = (int64_t)reference->all_rows,
					.block = (int64_t)reference->block,
					.features = {reference->feature_count, features}};
	return features && !arena_failed(arena) ? file_write(&made, file, error) : out_of_memory(error);
}

/* ---- reading ---- */

static bool drift_reference_refuse(const struct name *file, struct error *error, const char *why)
{
	return error_set(error, ERROR_CONFIG, file->place, "%s %s; make it again by `sluice fit drift`", file->text, why);
}

static bool has_categories(const struct drift_file_feature *feature)
{
	return feature->kind == FEATURE_CATEGORIES || feature->kind == FEATURE_TEXTS;
}

/* Of free texts, the last category is of all others, and the file does not name it. */
static size_t categories_count(const struct drift_file_feature *feature)
{
	return feature->categories.count + (feature->kind == FEATURE_TEXTS);
}

static bool values_check(const struct drift_file_feature *feature)
{
	for (size_t i = 0; i < feature->values.count; i++) {
		const double value = feature->values.items[i];
		if (isnan(value))
			continue;
		const bool place = value >= 0 && value < (double)categories_count(feature) && value == floor(value);
		if (has_categories(feature) ? !place : !(fabs(value) < NUMBER_MAX))
			return false;
	}
	return isfinite(feature->least) && isfinite(feature->greatest) && feature->least <= feature->greatest;
}

static bool feature_read(const struct drift_file_feature *from, struct arena *arena, struct drift_feature *into)
{
	struct text *names = ARENA_ARRAY(arena, struct text, from->categories.count + 1);
	for (size_t i = 0; names && i < from->categories.count; i++)
		names[i] = text_of(from->categories.items[i].text);
	if (names)
		names[from->categories.count] = TEXT(TEXTS_OTHERS);
	*into = (struct drift_feature){.name = text_of(from->name.text),
				       .categories = has_categories(from),
				       .open = from->kind == FEATURE_TEXTS,
				       .values = from->values.items,
				       .category_count = categories_count(from),
				       .category_names = names,
				       .missing = (uint64_t)from->missing,
				       .least = from->least,
				       .greatest = from->greatest,
				       .width = (size_t)from->width};
	return names;
}

/* Times rise, and gaps fall. */
static bool times_read(const struct drift_file *from, struct arrivals *arrivals)
{
	const struct number_list *times = &from->times_ms, *gaps = &from->gaps_ms;
	*arrivals = (struct arrivals){.rows = (uint64_t)from->rows,
				      .count = times->count,
				      .times_ms = times->items,
				      .gap_count = gaps->count,
				      .gaps_ms = gaps->items};
	bool good = times->count != 1 && times->count <= ARRIVAL_TIMES_MAX && (int64_t)times->count <= from->rows &&
		    gaps->count <= ARRIVAL_GAPS_MAX && (gaps->count > 0) == (times->count > 0);
	for (size_t i = 0; i < times->count && good; i++)
		good = fabs(times->items[i]) < NUMBER_MAX && (i == 0 || times->items[i] >= times->items[i - 1]);
	for (size_t i = 0; i < gaps->count && good; i++)
		good = gaps->items[i] >= 0 && gaps->items[i] < NUMBER_MAX && (i == 0 || gaps->items[i] <= gaps->items[i - 1]);
	return good;
}

/* CONFIG: the file has directions that are not those onto which a tensor is projected: all, in their order. */
static bool directions_check(const struct name *file, const struct drift_feature *features, size_t count, struct arena *arena,
			     struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		if (features[i].width == 0)
			continue;
		if (projection_run(features + i, count - i) < PROJECTION_DIRECTIONS)
			return drift_reference_refuse(
				file, error,
				arena_print(arena,
					    "has other directions of `" TEXT_FORMAT "` than the %d onto which it is projected",
					    TEXT_ARGUMENTS(projection_tensor(features[i].name)), PROJECTION_DIRECTIONS));
		i += PROJECTION_DIRECTIONS - 1;
	}
	return true;
}

bool drift_reference_read(const struct name *file, struct text content, struct arena *arena, struct drift_reference *reference,
			  struct error *error)
{
	struct drift_file from = {0};
	if (!json_rows_read_file(file, content, FORMAT, file_rows, arena, &from, error))
		return false;
	const struct drift_file_feature *items = from.features.items;
	if (from.features.count < 1 || from.features.count > DRIFT_FEATURES_MAX)
		return drift_reference_refuse(file, error, "has no features, or too many");
	const size_t rows = items[0].values.count;
	if (rows < DRIFT_REFERENCE_ROWS_MIN)
		return drift_reference_refuse(
			file, error,
			arena_print(arena, "has the values of %zu rows, and %d or more are needed to know what is usual", rows,
				    DRIFT_REFERENCE_ROWS_MIN));
	if (rows > DRIFT_REFERENCE_ROWS_MAX || from.rows < (int64_t)rows || from.block < 1)
		return drift_reference_refuse(file, error, "has too many `values`, or fewer `rows` than these");
	struct arrivals arrivals;
	if (!times_read(&from, &arrivals))
		return drift_reference_refuse(file, error, "has `times_ms` or `gaps_ms` that do not hold together");
	struct drift_feature *features = ARENA_ARRAY(arena, struct drift_feature, from.features.count);
	for (size_t i = 0; features && i < from.features.count; i++) {
		if (items[i].values.count != rows || items[i].missing > from.rows ||
		    categories_count(&items[i]) > DRIFT_CATEGORIES_MAX || !values_check(&items[i]))
			return drift_reference_refuse(
				file, error,
				arena_print(arena, "has a feature `%s` whose `values` do not hold together", items[i].name.text));
		if (!feature_read(&items[i], arena, &features[i]))
			return out_of_memory(error);
	}
	*reference = (struct drift_reference){.all_rows = (uint64_t)from.rows,
					      .rows = rows,
					      .block = (size_t)from.block,
					      .feature_count = from.features.count,
					      .features = features,
					      .arrivals = arrivals};
	return features ? directions_check(file, features, from.features.count, arena, error) : out_of_memory(error);
}
