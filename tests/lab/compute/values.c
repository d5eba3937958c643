/* values.c: Numbers of JSON, read and written; see values.h. */
#include "compute/values.h"

#include <math.h>
#include <string.h>

#include "base/number/number.h"

/* ---- reading ---- */

static bool wrong(struct error *error, const char *key, const json_t *value, const char *wanted)
{
	return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` is %s, and %s is wanted", key, value ? "something else" : "missing",
			 wanted);
}

bool compute_has(const json_t *object, const char *key)
{
	return json_object_get(object, key) != NULL;
}

bool compute_read(const json_t *value, double *number)
{
	static const struct {
		const char *text;
		double number;
	} others[] = {{"NaN", (double)NAN}, {"Infinity", (double)INFINITY}, {"-Infinity", (double)-INFINITY}};
	if (json_is_number(value)) {
		*number = json_number_value(value);
		return true;
	}
	for (size_t i = 0; json_is_string(value) && i < sizeof others / sizeof *others; i++) {
		if (strcmp(json_string_value(value), others[i].text) == 0) {
			*number = others[i].number;
			return true;
		}
	}
	return false;
}

bool compute_number(const json_t *object, const char *key, double *number, struct error *error)
{
	const json_t *value = json_object_get(object, key);
	return compute_read(value, number) || wrong(error, key, value, "a number");
}

static bool is_written(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return value && !json_is_null(value);
}

double compute_number_or(const json_t *object, const char *key, double otherwise, struct error *error)
{
	double number;
	return is_written(object, key) && compute_number(object, key, &number, error) ? number : otherwise;
}

double compute_level(const json_t *object, const char *key, double otherwise, struct error *error)
{
	const double level = compute_number_or(object, key, otherwise, error);
	if (level > 0 && level < 1)
		return level;
	error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` is %g; give a probability between 0 and 1", key, level);
	return otherwise;
}

bool compute_flag_or(const json_t *object, const char *key, bool otherwise, struct error *error)
{
	const json_t *value = json_object_get(object, key);
	if (is_written(object, key) && !json_is_boolean(value))
		wrong(error, key, value, "true or false");
	return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

const char *compute_text_or(const json_t *object, const char *key, const char *otherwise, struct error *error)
{
	const char *text;
	return is_written(object, key) && compute_text(object, key, &text, error) ? text : otherwise;
}

bool compute_integer(const json_t *object, const char *key, int64_t *number, struct error *error)
{
	const json_t *value = json_object_get(object, key);
	*number = json_integer_value(value);
	return json_is_integer(value) || wrong(error, key, value, "an integer");
}

bool compute_text(const json_t *object, const char *key, const char **text, struct error *error)
{
	const json_t *value = json_object_get(object, key);
	*text = json_string_value(value);
	return *text || wrong(error, key, value, "a text");
}

static bool read_items(const json_t *list, double *items)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!compute_read(json_array_get(list, i), &items[i]))
			return false;
	return true;
}

static double *take_items(const struct compute_case *one, size_t rows, size_t columns, struct error *error)
{
	size_t count;
	if (__builtin_mul_overflow(rows, columns, &count))
		count = SIZE_MAX;
	double *items = ARENA_ARRAY(one->arena, double, count ? count : 1);
	if (!items)
		error_memory(error, ERROR_LIMIT, "reading numbers");
	return items;
}

bool compute_row(const struct compute_case *one, const json_t *object, const char *key, struct compute_row *row,
		 struct error *error)
{
	const json_t *list = json_object_get(object, key);
	row->count = json_array_size(list);
	row->items = take_items(one, row->count, 1, error);
	return row->items &&
	       ((json_is_array(list) && read_items(list, row->items)) || wrong(error, key, list, "a list of numbers"));
}

bool compute_sample(const struct compute_case *one, const json_t *object, const char *key, struct compute_row *row, size_t *nan,
		    struct error *error)
{
	struct compute_row all;
	if (!compute_row(one, object, key, &all, error))
		return false;
	*row = (struct compute_row){.items = all.items};
	for (size_t i = 0; i < all.count; i++)
		if (!isnan(all.items[i]))
			row->items[row->count++] = all.items[i];
	*nan = all.count - row->count;
	return row->count > 0 || error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` has no number; give at least one", key);
}

bool compute_table(const struct compute_case *one, const json_t *object, const char *key, struct compute_table *table,
		   struct error *error)
{
	const json_t *list = json_object_get(object, key);
	table->rows = json_array_size(list);
	table->columns = json_array_size(json_array_get(list, 0));
	table->items = take_items(one, table->rows, table->columns, error);
	bool good = json_is_array(list);
	for (size_t i = 0; table->items && good && i < table->rows; i++) {
		const json_t *row = json_array_get(list, i);
		good = json_is_array(row) && json_array_size(row) == table->columns &&
		       read_items(row, table->items + i * table->columns);
	}
	return table->items && (good || wrong(error, key, list, "a list of rows of numbers, all as long,"));
}

bool compute_row_is_whole(const double *row, size_t columns)
{
	for (size_t i = 0; i < columns; i++)
		if (isnan(row[i]))
			return false;
	return true;
}

/* ---- writing ---- */

json_t *compute_write(double number)
{
	if (isnan(number))
		return json_stringn("NaN", strlen("NaN")); /* json_string() is our scanner's */
	if (isinf(number))
		return number > 0 ? json_stringn("Infinity", strlen("Infinity")) : json_stringn("-Infinity", strlen("-Infinity"));
	return json_real(number);
}

json_t *compute_write_row(const double *items, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < count; i++) {
		if (json_array_append_new(list, compute_write(items[i])) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

json_t *compute_write_table(const double *items, size_t rows, size_t columns)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < rows; i++) {
		if (json_array_append_new(list, compute_write_row(items + i * columns, columns)) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

void compute_key(const json_t *number, char key[COMPUTE_KEY_MAX])
{
	size_t length = json_is_integer(number) ? number_write_int64(key, json_integer_value(number))
						: number_write_double(key, json_number_value(number));
	key[length] = '\0';
}

void compute_put(json_t *object, const char *key, json_t *value, struct error *error)
{
	if (json_object_set_new(object, key, value) != 0)
		error_memory(error, ERROR_SYSTEM, "writing a result");
}

void compute_put_number(json_t *object, const char *key, double number, struct error *error)
{
	compute_put(object, key, compute_write(number), error);
}

json_t *compute_made(json_t *result, const struct error *error)
{
	if (error->kind == ERROR_NONE)
		return result;
	json_decref(result);
	return NULL;
}
