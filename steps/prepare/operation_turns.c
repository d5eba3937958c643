/* operation_turns.c: Operations of preprocess that turn columns into other columns: products, bins, categories; and
 * the learning of their constants. */
#include <math.h>

#include "base/number/number.h"
#include "message/rows.h"
#include "methods/numeric/binning.h"
#include "methods/numeric/categories.h"
#include "methods/numeric/murmur.h"
#include "methods/numeric/polynomial.h"
#include "steps/prepare/operations.h"

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "learning constants");
}

static enum turned form_integers(const struct operation_instruction *instruction)
{
	(void)instruction;
	return TURNED_INTEGERS;
}

static enum turned form_floats(const struct operation_instruction *instruction)
{
	(void)instruction;
	return TURNED_FLOATS;
}

static enum turned form_numbers(const struct operation_instruction *instruction)
{
	(void)instruction;
	return TURNED_NUMBERS;
}

/* ---- polynomial ---- */

static struct polynomial polynomial_of(const struct operation_instruction *instruction)
{
	const struct operation_polynomial *self = instruction->options;
	return (struct polynomial){(size_t)self->degree, self->bias, self->interactions};
}

static size_t polynomial_width(const struct operation_instruction *instruction, size_t columns)
{
	const struct polynomial polynomial = polynomial_of(instruction);
	return polynomial_columns(&polynomial, columns);
}

static bool polynomial_turn(const struct operation_run *run, const struct cells *cells, void *elements)
{
	const struct polynomial polynomial = polynomial_of(run->instruction);
	return polynomial_apply(&polynomial, &cells->numbers, elements, run->arena) ||
	       error_memory(run->error, ERROR_LIMIT, "multiplying columns");
}

/* ---- bucketize ---- */

static bool bucketize_check(const void *options, struct place place, struct error *error)
{
	const struct operation_bucketize *self = options;
	if (self->edges.count && numbers_rise(&self->edges))
		return true;
	return error_set(error, ERROR_CONFIG, place, "`bucketize` needs `edges`, at least one, each above the one before");
}

static bool bucketize_turn(const struct operation_run *run, const struct cells *cells, void *elements)
{
	const struct operation_bucketize *self = run->instruction->options;
	int64_t *out = elements;
	for (size_t i = 0; i < cells->numbers.rows * cells->numbers.columns; i++)
		out[i] = bin_of(self->edges.items, self->edges.count, cells->numbers.values[i], self->closed == 0);
	return true;
}

/* ---- kbins ---- */

static bool kbins_check(const void *options, struct place place, struct error *error)
{
	const struct operation_kbins *self = options;
	const struct numbers_item *items = self->edges.items;
	if (!self->edges.count)
		return error_set(error, ERROR_CONFIG, place,
				 "`kbins` has no constants; write `edges`, or `fitted: FILE` of `sluice fit preprocess`");
	for (size_t i = 0; i < self->edges.count; i++)
		if (items[i].numbers.count < 2 || !numbers_rise(&items[i].numbers))
			return error_set(error, ERROR_CONFIG, place,
					 "`edges[%zu]` needs at least two edges, each above the one before", i);
	return true;
}

static size_t kbins_constants(const struct operation_instruction *instruction)
{
	return ((const struct operation_kbins *)instruction->options)->edges.count;
}

static bool kbins_turn(const struct operation_run *run, const struct cells *cells, void *elements)
{
	const struct operation_kbins *self = run->instruction->options;
	const struct numbers_item *items = self->edges.items;
	const struct table *table = &cells->numbers;
	int64_t *out = elements;
	for (size_t i = 0; i < table->rows * table->columns; i++) {
		const struct number_list *list = &items[self->edges.count > 1 ? i % table->columns : 0].numbers;
		out[i] = bin_of(list->items + 1, list->count - 2, table->values[i], true);
	}
	return true;
}

static bool kbins_fit(void *options, const struct cells *cells, struct arena *arena, struct error *error)
{
	struct operation_kbins *self = options;
	const struct table *table = &cells->numbers;
	struct numbers_item *items = ARENA_ARRAY(arena, struct numbers_item, table->columns + 1);
	for (size_t i = 0; items && i < table->columns; i++) {
		const struct sorted column = column_sorted(table, i, arena);
		if (column.values && column.count == 0)
			return constant_learnt(NAN, "kbins", table, i, error);
		if (column.values && !constant_learnt(column.values[column.count - 1] - column.values[0], "kbins", table, i, error))
			return false;
		const struct edges edges =
			bins_fit(&column, (size_t)self->bins, (enum binning)self->by, (enum quantile_type)self->method, arena);
		if (!column.values || !edges.items)
			return out_of_memory(error);
		const bool varies = column.values[0] < column.values[column.count - 1];
		for (size_t j = 0; varies && j < edges.count; j++)
			if (!constant_learnt(edges.items[j], "kbins", table, i, error))
				return false;
		items[i].numbers = (struct number_list){edges.count, edges.items};
	}
	self->edges = (struct item_list){table->columns, items};
	return items || out_of_memory(error);
}

/* ---- categories ---- */

struct category_columns {
	size_t count; /* 1: for all columns */
	struct categories *items;
	size_t total;
};

static bool categories_check(const void *options, struct place place, struct error *error)
{
	const struct operation_categories *self = options;
	const struct category_item *items = self->categories.items;
	if (!self->categories.count)
		return error_set(error, ERROR_CONFIG, place,
				 "no categories are known; write `categories`, or `fitted: FILE` of `sluice fit preprocess`");
	for (size_t i = 1; i < self->categories.count; i++)
		if (!items[i].text != !items[0].text)
			return error_set(error, ERROR_CONFIG, place,
					 "`categories` is one list, or a list for each column; here both are mixed");
	for (size_t i = 0; i < self->categories.count; i++)
		if (!items[i].text && items[i].column.count == 0)
			return error_set(error, ERROR_CONFIG, place, "`categories[%zu]` is empty; write those of that column", i);
	return true;
}

static size_t categories_constants(const struct operation_instruction *instruction)
{
	const struct operation_categories *self = instruction->options;
	const struct category_item *items = self->categories.items;
	return items && !items[0].text ? self->categories.count : 0;
}

static bool column_make(const struct operation_categories *self, size_t column, struct categories *made, struct place place,
			struct arena *arena, struct error *error)
{
	const struct category_item *items = self->categories.items;
	const bool shared = items[0].text != NULL;
	const struct scalar_item *scalars = shared ? NULL : items[column].column.items;
	const size_t count = shared ? self->categories.count : items[column].column.count;
	struct text *texts = ARENA_ARRAY(arena, struct text, count + 1);
	int64_t twice;
	for (size_t i = 0; texts && i < count; i++)
		texts[i] = text_of(shared ? items[i].text : scalars[i].text);
	if (!texts || !categories_make(made, texts, count, arena, &twice))
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	if (twice >= 0)
		return error_set(error, ERROR_CONFIG, place, "the category `" TEXT_FORMAT "` occurs twice; remove one",
				 TEXT_ARGUMENTS(texts[twice]));
	return true;
}

static bool categories_open(const struct step *step, struct operation_instruction *instruction, struct arena *arena,
			    struct error *error)
{
	const struct operation_categories *self = instruction->options;
	const size_t constants = categories_constants(instruction);
	struct category_columns *made = ARENA_NEW(arena, struct category_columns);
	(void)step;
	if (!made)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	made->count = constants ? constants : 1;
	made->items = ARENA_ARRAY(arena, struct categories, made->count);
	for (size_t i = 0; made->items && i < made->count; i++) {
		if (!column_make(self, i, &made->items[i], instruction->place, arena, error))
			return false;
		made->total += made->items[i].count - (self->drop && made->items[i].count > 0);
	}
	instruction->made = made;
	return made->items || error_memory(error, ERROR_SYSTEM, "opening a step");
}

static int64_t category_at(const struct category_columns *made, const struct cells *cells, size_t row, size_t column)
{
	const struct categories *categories = &made->items[made->count > 1 ? column : 0];
	const size_t at = row * cells->numbers.columns + column;
	return cells->texts ? categories_text(categories, cells->texts[at])
			    : categories_number(categories, cells->numbers.values[at]);
}

static size_t onehot_width(const struct operation_instruction *instruction, size_t columns)
{
	const struct category_columns *made = instruction->made;
	size_t width;
	if (made->count > 1)
		return made->total;
	return __builtin_mul_overflow(made->total, columns, &width) ? 0 : width;
}

static bool onehot_turn(const struct operation_run *run, const struct cells *cells, void *elements)
{
	const struct operation_categories *self = run->instruction->options;
	const struct category_columns *made = run->instruction->made;
	float *out = elements;
	for (size_t row = 0; row < cells->numbers.rows; row++)
		for (size_t i = 0; i < cells->numbers.columns; i++) {
			const size_t width = made->items[made->count > 1 ? i : 0].count - (size_t)self->drop;
			const int64_t category = category_at(made, cells, row, i) - self->drop;
			for (size_t j = 0; j < width; j++)
				out[j] = 0;
			if (category >= 0)
				out[category] = 1;
			out += width;
		}
	return true;
}

static bool ordinal_turn(const struct operation_run *run, const struct cells *cells, void *elements)
{
	const struct operation_categories *self = run->instruction->options;
	int64_t *out = elements;
	for (size_t row = 0; row < cells->numbers.rows; row++)
		for (size_t i = 0; i < cells->numbers.columns; i++) {
			const int64_t category = category_at(run->instruction->made, cells, row, i);
			*out++ = category < 0 ? self->unknown : category;
		}
	return true;
}

/* A number as a category is written: a whole one without a point. */
static struct text number_text(double number, struct arena *arena)
{
	char text[NUMBER_TEXT_MAX];
	const bool whole = number > -1e15 && number < 1e15 && number == (double)(int64_t)number;
	const size_t length = whole ? number_write_int64(text, (int64_t)number) : number_write_double(text, number);
	return text_copied(arena, (struct text){text, length});
}

/* The categories of one column, each once, in order. */
static bool column_learn(const struct cells *cells, size_t column, struct item_list *list, struct arena *arena,
			 struct error *error)
{
	const struct table *table = &cells->numbers;
	size_t count = 0;
	struct text *texts = ARENA_ARRAY(arena, struct text, table->rows + 1);
	struct sorted sorted = {0};
	if (!cells->texts)
		sorted = column_sorted(table, column, arena);
	if (!texts)
		return out_of_memory(error);
	for (size_t row = 0; cells->texts && row < table->rows; row++)
		texts[count++] = cells->texts[row * table->columns + column];
	if (cells->texts)
		count = texts_distinct(texts, count);
	for (size_t i = 0; i < sorted.count; i++)
		if (i == 0 || sorted.values[i] != sorted.values[i - 1])
			texts[count++] = number_text(sorted.values[i], arena);
	struct scalar_item *items = ARENA_ARRAY(arena, struct scalar_item, count + 1);
	for (size_t i = 0; items && i < count; i++) {
		if (memchr(texts[i].bytes, '\0', texts[i].length))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "no categories can be learned from column %zu: a text has a NUL byte, which is not "
					 "allowed; remove it from the data, or leave the column out by `columns`",
					 column);
		items[i].text = arena_copy(arena, texts[i].bytes, texts[i].length);
	}
	*list = (struct item_list){count, items};
	return !arena_failed(arena) || out_of_memory(error);
}

static bool categories_fit(void *options, const struct cells *cells, struct arena *arena, struct error *error)
{
	struct operation_categories *self = options;
	const size_t columns = cells->numbers.columns;
	struct category_item *items = ARENA_ARRAY(arena, struct category_item, columns + 1);
	for (size_t i = 0; items && i < columns; i++) {
		if (!column_learn(cells, i, &items[i].column, arena, error))
			return false;
		if (items[i].column.count == 0)
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "no categories can be learned from column %zu: all of it is missing; leave it out by "
					 "`columns`, or `impute` it before",
					 i);
	}
	self->categories = (struct item_list){columns, items};
	return items || out_of_memory(error);
}

/* ---- hash ---- */

static size_t hash_width(const struct operation_instruction *instruction, size_t columns)
{
	(void)columns;
	return (size_t)((const struct operation_hash *)instruction->options)->size;
}

static bool hash_turn(const struct operation_run *run, const struct cells *cells, void *elements)
{
	const uint32_t size = (uint32_t)hash_width(run->instruction, 0);
	float *out = elements;
	memset(out, 0, cells->numbers.rows * size * sizeof *out);
	for (size_t row = 0; row < cells->numbers.rows; row++, out += size)
		for (size_t i = 0; i < cells->numbers.columns; i++) {
			bool negative;
			const uint32_t column = feature_column(cells->texts[row * cells->numbers.columns + i], size, &negative);
			out[column] += negative ? -1 : 1;
		}
	return true;
}

const struct operation_kind operations_turning[] = {
	{.name = "polynomial", .on_columns = true, .width = polynomial_width, .form = form_numbers, .turn = polynomial_turn},
	{.name = "bucketize", .on_columns = true, .check = bucketize_check, .form = form_integers, .turn = bucketize_turn},
	{.name = "kbins",
	 .on_columns = true,
	 .check = kbins_check,
	 .constants = kbins_constants,
	 .form = form_integers,
	 .turn = kbins_turn,
	 .fit = kbins_fit},
	{.name = "onehot",
	 .on_columns = true,
	 .check = categories_check,
	 .make = categories_open,
	 .constants = categories_constants,
	 .takes = CELLS_BOTH,
	 .width = onehot_width,
	 .form = form_floats,
	 .turn = onehot_turn,
	 .fit = categories_fit},
	{.name = "ordinal",
	 .on_columns = true,
	 .check = categories_check,
	 .make = categories_open,
	 .constants = categories_constants,
	 .takes = CELLS_BOTH,
	 .form = form_integers,
	 .turn = ordinal_turn,
	 .fit = categories_fit},
	{.name = "hash", .on_columns = true, .takes = CELLS_TEXTS, .width = hash_width, .form = form_floats, .turn = hash_turn},
	{0},
};
