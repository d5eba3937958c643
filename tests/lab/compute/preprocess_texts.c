/* preprocess_texts.c: see preprocess_texts.h. */
#include "compute/preprocess_texts.h"

#include <string.h>

#include "base/text.h"
#include "compute/values.h"
#include "methods/numeric/categories.h"
#include "methods/numeric/murmur.h"

#define SIZE_OF_SKLEARN 1048576 /* what its FeatureHasher takes when nothing is said */

static json_t *categories_full(struct error *error)
{
	error_memory(error, ERROR_LIMIT, "preprocessing");
	return NULL;
}

static json_t *write_output(const double *values, size_t rows, size_t columns, struct error *error)
{
	json_t *result = json_object();
	compute_put(result, "output", compute_write_table(values, rows, columns), error);
	return result;
}

struct words {
	size_t rows, columns;
	struct text *items;
};

static bool words_read(const struct compute_case *one, const char *key, struct words *words, struct error *error)
{
	const json_t *rows = json_object_get(one->input, key);
	words->rows = json_array_size(rows);
	words->columns = json_array_size(json_array_get(rows, 0));
	words->items = ARENA_ARRAY(one->arena, struct text, words->rows * words->columns + 1);
	for (size_t i = 0; words->items && i < words->rows * words->columns; i++) {
		const json_t *row = json_array_get(rows, i / words->columns), *cell = json_array_get(row, i % words->columns);
		if (!json_is_string(cell) || json_array_size(row) != words->columns)
			return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` is rows of as many texts each", key);
		words->items[i] = (struct text){json_string_value(cell), json_string_length(cell)};
	}
	return words->items || error_memory(error, ERROR_LIMIT, "preprocessing");
}

/* The categories of each column. */
static struct categories *categories_learn(const struct compute_case *one, const struct words *train, struct error *error)
{
	struct categories *learnt = ARENA_ARRAY(one->arena, struct categories, train->columns + 1);
	for (size_t i = 0; learnt && i < train->columns; i++) {
		struct text *texts = ARENA_ARRAY(one->arena, struct text, train->rows + 1);
		int64_t twice;
		for (size_t row = 0; texts && row < train->rows; row++)
			texts[row] = train->items[row * train->columns + i];
		if (!texts || !categories_make(&learnt[i], texts, texts_distinct(texts, train->rows), one->arena, &twice))
			learnt = NULL;
	}
	if (!learnt)
		error_memory(error, ERROR_LIMIT, "preprocessing");
	return learnt;
}

static json_t *write_categories(const struct categories *learnt, size_t columns)
{
	json_t *lists = json_array();
	for (size_t i = 0; i < columns; i++) {
		json_t *list = json_array();
		for (size_t j = 0; j < learnt[i].count; j++)
			json_array_append_new(list, json_stringn(learnt[i].items[j].bytes, learnt[i].items[j].length));
		json_array_append_new(lists, list);
	}
	return lists;
}

static json_t *run_categories(const struct compute_case *one, bool onehot, struct error *error)
{
	struct words train, query;
	if (!words_read(one, "train", &train, error) || !words_read(one, "query", &query, error))
		return NULL;
	const char *dropped = compute_text_or(one->params, "drop", NULL, error);
	if (dropped && strcmp(dropped, "first") != 0) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`drop` is `%s`, which is not known; write `first`, or leave it out",
			  dropped);
		return NULL;
	}
	const int64_t drop = dropped != NULL;
	const double unknown = compute_number_or(one->params, "unknown_value", -1, error);
	if (query.columns != train.columns) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`train` has %zu columns and `query` %zu; they are the same columns",
			  train.columns, query.columns);
		return NULL;
	}
	const struct categories *learnt = categories_learn(one, &train, error);
	if (!learnt)
		return NULL;
	size_t columns = 0;
	for (size_t i = 0; i < train.columns; i++)
		columns += onehot ? learnt[i].count - (size_t)drop : 1;
	double *values = ARENA_ARRAY(one->arena, double, query.rows *columns + 1), *at = values;
	for (size_t i = 0; at && i < query.rows * query.columns; i++) {
		const struct categories *of = &learnt[i % query.columns];
		const int64_t category = categories_text(of, query.items[i]);
		if (onehot && category >= drop)
			at[category - drop] = 1;
		if (!onehot)
			*at = category < 0 ? unknown : (double)category;
		at += onehot ? of->count - (size_t)drop : 1;
	}
	if (!values)
		return categories_full(error);
	json_t *result = write_output(values, query.rows, columns, error);
	compute_put(result, "categories", write_categories(learnt, train.columns), error);
	return result;
}

json_t *compute_onehot(const struct compute_case *one, struct error *error)
{
	return run_categories(one, true, error);
}

json_t *compute_ordinal(const struct compute_case *one, struct error *error)
{
	return run_categories(one, false, error);
}

/* ---- hashing ---- */

/* Adds up the columns of a row; what its texts hash to. NULL: it is no row. */
static json_t *hash_row(const json_t *tokens, uint32_t columns, double *values)
{
	json_t *hashes = json_is_array(tokens) ? json_array() : NULL;
	for (size_t i = 0; hashes && i < json_array_size(tokens); i++) {
		const json_t *pair = json_array_get(tokens, i), *token = json_is_string(pair) ? pair : json_array_get(pair, 0);
		const struct text text = {json_string_value(token), json_string_length(token)};
		double value = 1;
		bool negative;
		if (!text.bytes || (json_array_size(pair) > 1 && !compute_read(json_array_get(pair, 1), &value))) {
			json_decref(hashes);
			return NULL;
		}
		const uint32_t column = feature_column(text, columns, &negative);
		values[column] += negative ? -value : value;
		json_array_append_new(hashes, json_integer(murmur3(text, 0)));
	}
	return hashes;
}

json_t *compute_hash(const struct compute_case *one, struct error *error)
{
	const json_t *rows = json_object_get(one->input, "rows");
	const double size = compute_number_or(one->params, "n_features", SIZE_OF_SKLEARN, error);
	bool read = json_is_array(rows) && size >= 1 && size <= 16777216;
	const size_t count = json_array_size(rows), columns = read ? (size_t)size : 0;
	double *values = ARENA_ARRAY(one->arena, double, count *columns + 1);
	if (!values)
		return categories_full(error);
	json_t *hashes = json_array();
	for (size_t row = 0; read && row < count; row++) {
		json_t *of_row = hash_row(json_array_get(rows, row), (uint32_t)columns, values + row * columns);
		read = of_row && json_array_append_new(hashes, of_row) == 0;
	}
	if (!read) {
		error_set(error, ERROR_INPUT, PLACE_NONE,
			  "`rows` are lists of texts, which count 1, or of [text, number], and `n_features` is from 1 to 16777216");
		json_decref(hashes);
		return NULL;
	}
	json_t *result = write_output(values, count, columns, error);
	compute_put(result, "murmur3_seed0", hashes, error);
	return result;
}
