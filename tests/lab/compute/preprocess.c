/* preprocess.c: Family `preprocess`: parameters learnt from the rows of `train` are applied to those of `query`, or a
 * fixed method to `x`. */
#include <math.h>
#include <string.h>

#include "compute/preprocess_texts.h"
#include "compute/values.h"
#include "methods/numeric/binning.h"
#include "methods/numeric/imputing.h"
#include "methods/numeric/polynomial.h"
#include "methods/numeric/power.h"
#include "methods/numeric/ranks.h"
#include "methods/numeric/scaling.h"

#define DEGREE_MAX 64 /* no products of more factors have been seen to be of use */

static const struct compute_method methods[] = {
	{"standard", "(x - mean) / deviation of ddof 0, NaN skipped; a column that does not vary has scale 1; with_mean, with_std"},
	{"minmax", "(x - min) / (max - min), stretched to `range`; a width of 0 counts as 1; clipped if `clip` says so"},
	{"robust", "(x - median) / distance of two quantiles (type 7) of `quantiles` in percent; 0 counts as 1"},
	{"maxabs", "x / largest size; 0 counts as 1"},
	{"impute",
	 "NaN becomes the column's mean, median, most_frequent (of equals the smallest) or constant; a column of NaN stays"},
	{"onehot", "columns of 0 and 1 for the categories in code-point order; an unknown one is zeros; drop: first"},
	{"ordinal", "the number of the category in code-point order; unknown_value for an unknown one"},
	{"log1p", "log(1 + x)"},
	{"clip", "x cut off at low and high; NaN stays"},
	{"bucketize", "how many edges are not above x (closed: left), or below it (right); NaN: -1"},
	{"kbins", "the bin among learnt edges, uniform, quantile or kmeans; what is outside is in the first or the last"},
	{"quantile", "the rank among n_quantiles learnt ones, 0 to 1; or the normal number of it (output: normal)"},
	{"normalize", "rows divided by their norm, l1, l2 or max; a row of zeros stays"},
	{"polynomial", "1, then products of columns by degree and by columns; bias, interaction_only"},
	{"yeojohnson", "the power of Yeo and Johnson by each of `lambdas`; or learnt of `train` by likelihood, then standard"},
	{"boxcox", "the same by Box and Cox"},
	{"hash", "texts with values into n_features columns, by signed MurmurHash3 x86 32 bits of seed 0"},
	{"chain",
	 "impute:STRATEGY, standard, minmax, robust, maxabs, log1p one after the other, each learnt of what those before it gave"},
	{NULL, NULL},
};

/* What is learnt from, and what it is applied to. */
struct data {
	struct table train, query;
};

static bool table_read(const struct compute_case *one, const char *key, struct table *table, struct error *error)
{
	struct compute_table read;
	if (!compute_table(one, one->input, key, &read, error))
		return false;
	*table = (struct table){read.rows, read.columns, read.items};
	return true;
}

static bool data_read(const struct compute_case *one, struct data *data, struct error *error)
{
	if (!table_read(one, "train", &data->train, error) || !table_read(one, "query", &data->query, error))
		return false;
	return data->train.columns == data->query.columns ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "`train` has %zu columns and `query` %zu; they are the same columns",
			 data->train.columns, data->query.columns);
}

/* Which of the words the parameter is; the first when it is absent, -1 after an error, also one before. */
static int word_of(const json_t *params, const char *key, const char *const *words, struct error *error)
{
	const char *word = compute_text_or(params, key, words[0], error);
	if (error->kind)
		return -1;
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	error_set(error, ERROR_INPUT, PLACE_NONE,
		  "`%s` is `%s`, which is not known; `sluice compute --list preprocess` says what is", key, word);
	return -1;
}

static json_t *output(struct error *error, const struct table *table)
{
	json_t *result = json_object();
	compute_put(result, "output", compute_write_table(table->values, table->rows, table->columns), error);
	return result;
}

static double *numbers(const struct compute_case *one, size_t count)
{
	return ARENA_ARRAY(one->arena, double, count + 1);
}

static json_t *preprocess_full(struct error *error)
{
	error_memory(error, ERROR_LIMIT, "preprocessing");
	return NULL;
}

/* ---- scaling ---- */

static bool pair_of(const struct compute_case *one, const char *key, double low, double high, double pair[2], struct error *error)
{
	struct compute_row row;
	pair[0] = low;
	pair[1] = high;
	if (!compute_has(one->params, key))
		return true;
	if (!compute_row(one, one->params, key, &row, error))
		return false;
	if (row.count != 2 || !(row.items[0] < row.items[1]))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` is two numbers, the lower first", key);
	memcpy(pair, row.items, 2 * sizeof *pair);
	return true;
}

static json_t *run_standard(const struct compute_case *one, struct error *error)
{
	struct data data;
	if (!data_read(one, &data, error))
		return NULL;
	double *mean = numbers(one, data.train.columns), *scale = numbers(one, data.train.columns);
	if (!mean || !scale)
		return preprocess_full(error);
	scaling_fit_standard(&data.train, mean, scale);
	const bool with_mean = compute_flag_or(one->params, "with_mean", true, error);
	const bool with_std = compute_flag_or(one->params, "with_std", true, error);
	for (size_t i = 0; i < data.train.columns; i++) {
		mean[i] = with_mean ? mean[i] : 0;
		scale[i] = with_std ? scale[i] : 1;
	}
	scaling_apply(&data.query, mean, scale, true);
	json_t *result = output(error, &data.query);
	if (with_mean)
		compute_put(result, "mean", compute_write_row(mean, data.train.columns), error);
	if (with_std)
		compute_put(result, "scale", compute_write_row(scale, data.train.columns), error);
	return result;
}

static json_t *run_minmax(const struct compute_case *one, struct error *error)
{
	struct data data;
	double range[2];
	if (!data_read(one, &data, error) || !pair_of(one, "range", 0, 1, range, error))
		return NULL;
	double *least = numbers(one, data.train.columns), *width = numbers(one, data.train.columns);
	double *most = numbers(one, data.train.columns);
	if (!least || !width || !most)
		return preprocess_full(error);
	scaling_fit_min_max(&data.train, least, width);
	for (size_t i = 0; i < data.train.columns; i++) {
		most[i] = NAN;
		for (size_t row = 0; row < data.train.rows; row++)
			most[i] = fmax(most[i], data.train.values[row * data.train.columns + i]);
	}
	scaling_apply(&data.query, least, width, true);
	scaling_stretch(&data.query, range[0], range[1]);
	if (compute_flag_or(one->params, "clip", false, error))
		scaling_clip(&data.query, range[0], range[1]);
	json_t *result = output(error, &data.query);
	compute_put(result, "min", compute_write_row(least, data.train.columns), error);
	compute_put(result, "max", compute_write_row(most, data.train.columns), error);
	return result;
}

static json_t *run_robust(const struct compute_case *one, struct error *error)
{
	struct data data;
	double at[2];
	if (!data_read(one, &data, error) || !pair_of(one, "quantiles", 25, 75, at, error))
		return NULL;
	if (!(at[0] >= 0 && at[1] <= 100)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`quantiles` are two numbers from 0 to 100");
		return NULL;
	}
	double *center = numbers(one, data.train.columns), *scale = numbers(one, data.train.columns);
	if (!center || !scale || !scaling_fit_robust(&data.train, at[0] / 100, at[1] / 100, center, scale, one->arena))
		return preprocess_full(error);
	scaling_apply(&data.query, center, scale, true);
	json_t *result = output(error, &data.query);
	compute_put(result, "center", compute_write_row(center, data.train.columns), error);
	compute_put(result, "scale", compute_write_row(scale, data.train.columns), error);
	return result;
}

static json_t *run_maxabs(const struct compute_case *one, struct error *error)
{
	struct data data;
	if (!data_read(one, &data, error))
		return NULL;
	double *center = numbers(one, data.train.columns), *scale = numbers(one, data.train.columns);
	if (!center || !scale)
		return preprocess_full(error);
	scaling_fit_max_abs(&data.train, center, scale);
	scaling_apply(&data.query, center, scale, true);
	json_t *result = output(error, &data.query);
	compute_put(result, "scale", compute_write_row(scale, data.train.columns), error);
	return result;
}

/* ---- imputing ---- */

static const char *const strategies[] = {"mean", "median", "most_frequent", "constant", NULL};

static json_t *run_impute(const struct compute_case *one, struct error *error)
{
	struct data data;
	const int strategy = word_of(one->params, "strategy", strategies, error);
	if (strategy < 0 || !data_read(one, &data, error))
		return NULL;
	double *values = numbers(one, data.train.columns);
	if (!values)
		return preprocess_full(error);
	for (size_t i = 0; i < data.train.columns; i++)
		values[i] = compute_number_or(one->params, "fill_value", 0, error);
	if (strategies[strategy + 1] && !imputing_fit(&data.train, (enum imputing)strategy, values, one->arena))
		return preprocess_full(error);
	imputing_apply(&data.query, values, true);
	json_t *result = output(error, &data.query);
	compute_put(result, "statistics", compute_write_row(values, data.train.columns), error);
	return result;
}

/* ---- bins and ranks ---- */

static enum quantile_type quantile_type_of(const json_t *params, struct error *error)
{
	const char *name = compute_text_or(params, "quantile_method", NULL, error);
	for (size_t type = 0; name && quantile_types[type].name; type++)
		if (strcmp(quantile_types[type].name, name) == 0)
			return (enum quantile_type)type;
	if (name)
		error_set(error, ERROR_INPUT, PLACE_NONE, "`quantile_method` is `%s`, which numpy does not know", name);
	return QUANTILE_AVERAGED;
}

static json_t *run_kbins(const struct compute_case *one, struct error *error)
{
	static const char *const words[] = {"quantile", "uniform", "kmeans", NULL};
	static const enum binning binnings[] = {BINNING_QUANTILE, BINNING_UNIFORM, BINNING_KMEANS};
	struct data data;
	const int strategy = word_of(one->params, "strategy", words, error);
	const enum quantile_type type = quantile_type_of(one->params, error);
	const double bins = compute_number_or(one->params, "bins", 5, error);
	if (strategy < 0 || error->kind || !data_read(one, &data, error))
		return NULL;
	if (!(bins >= 2 && bins <= 65536)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`bins` is a number from 2 to 65536");
		return NULL;
	}
	json_t *lists = json_array();
	for (size_t i = 0; i < data.train.columns; i++) {
		const struct sorted column = column_sorted(&data.train, i, one->arena);
		const struct edges edges = bins_fit(&column, (size_t)bins, binnings[strategy], type, one->arena);
		json_array_append_new(lists, compute_write_row(edges.items, edges.count));
		for (size_t row = 0; row < data.query.rows; row++) {
			double *at = &data.query.values[row * data.query.columns + i];
			*at = edges.items ? (double)bin_within(&edges, *at) : NAN;
		}
	}
	json_t *result = output(error, &data.query);
	compute_put(result, "edges", lists, error);
	return arena_failed(one->arena) ? preprocess_full(error) : result;
}

static json_t *run_quantile(const struct compute_case *one, struct error *error)
{
	static const char *const words[] = {"uniform", "normal", NULL};
	struct data data;
	const int to = word_of(one->params, "output", words, error);
	if (to < 0 || !data_read(one, &data, error))
		return NULL;
	const double asked = compute_number_or(one->params, "n_quantiles", 1000, error);
	const size_t count = asked >= 1 && asked < (double)data.train.rows ? (size_t)asked : data.train.rows;
	double *quantiles = numbers(one, count);
	for (size_t i = 0; quantiles && count && i < data.train.columns; i++) {
		const struct sorted column = column_sorted(&data.train, i, one->arena);
		if (!column.values)
			return preprocess_full(error);
		ranks_fit(&column, quantiles, count);
		for (size_t row = 0; row < data.query.rows; row++) {
			double *at = &data.query.values[row * data.query.columns + i];
			*at = (to ? rank_normal : rank_of)(quantiles, count, *at);
		}
	}
	return quantiles ? output(error, &data.query) : preprocess_full(error);
}

/* ---- powers ---- */

static json_t *run_given_lambdas(const struct compute_case *one, enum power by, struct error *error)
{
	struct compute_row lambdas, row;
	if (!compute_row(one, one->params, "lambdas", &lambdas, error) || !compute_row(one, one->input, "x", &row, error))
		return NULL;
	struct table out = {lambdas.count, row.count, numbers(one, lambdas.count * row.count)};
	for (size_t i = 0; out.values && i < lambdas.count * row.count; i++)
		out.values[i] = power_of(row.items[i % row.count], lambdas.items[i / row.count], by);
	return out.values ? output(error, &out) : preprocess_full(error);
}

static json_t *run_power(const struct compute_case *one, enum power by, struct error *error)
{
	struct data data;
	if (compute_has(one->params, "lambdas"))
		return run_given_lambdas(one, by, error);
	if (!data_read(one, &data, error))
		return NULL;
	const size_t columns = data.train.columns;
	double *lambdas = numbers(one, columns), *mean = numbers(one, columns), *scale = numbers(one, columns);
	if (!lambdas || !mean || !scale)
		return preprocess_full(error);
	for (size_t i = 0; i < columns; i++) {
		const struct sorted column = column_sorted(&data.train, i, one->arena);
		if (!column.values || !power_fit(&column, by, &lambdas[i], one->arena))
			return preprocess_full(error);
	}
	power_apply(&data.train, by, lambdas, true);
	power_apply(&data.query, by, lambdas, true);
	scaling_fit_standard(&data.train, mean, scale);
	if (compute_flag_or(one->params, "standardize", true, error))
		scaling_apply(&data.query, mean, scale, true);
	json_t *result = output(error, &data.query);
	compute_put(result, "lambdas", compute_write_row(lambdas, columns), error);
	return result;
}

static json_t *run_yeojohnson(const struct compute_case *one, struct error *error)
{
	return run_power(one, POWER_YEO_JOHNSON, error);
}

static json_t *run_boxcox(const struct compute_case *one, struct error *error)
{
	return run_power(one, POWER_BOX_COX, error);
}

/* ---- what nothing is learnt for ---- */

/* A list of numbers is one column. */
static bool x_read(const struct compute_case *one, struct table *x, bool *list, struct error *error)
{
	const json_t *value = json_object_get(one->input, "x");
	struct compute_row row;
	*list = !json_is_array(json_array_get(value, 0));
	if (!*list)
		return table_read(one, "x", x, error);
	if (!compute_row(one, one->input, "x", &row, error))
		return false;
	*x = (struct table){row.count, 1, row.items};
	return true;
}

static json_t *output_like(const struct table *table, bool list, struct error *error)
{
	json_t *result = list ? json_object() : output(error, table);
	if (list)
		compute_put(result, "output", compute_write_row(table->values, table->rows), error);
	return result;
}

static json_t *run_log1p(const struct compute_case *one, struct error *error)
{
	struct table x;
	bool list;
	if (!x_read(one, &x, &list, error))
		return NULL;
	for (size_t i = 0; i < x.rows * x.columns; i++)
		x.values[i] = log1p(x.values[i]);
	return output_like(&x, list, error);
}

static json_t *run_clip(const struct compute_case *one, struct error *error)
{
	struct table x;
	bool list;
	if (!x_read(one, &x, &list, error))
		return NULL;
	const double low = compute_number_or(one->params, "low", -INFINITY, error);
	scaling_clip(&x, low, compute_number_or(one->params, "high", INFINITY, error));
	return output_like(&x, list, error);
}

static json_t *run_bucketize(const struct compute_case *one, struct error *error)
{
	static const char *const words[] = {"left", "right", NULL};
	struct table x;
	struct compute_row edges;
	bool list;
	const int closed = word_of(one->params, "closed", words, error);
	if (closed < 0 || !x_read(one, &x, &list, error) || !compute_row(one, one->params, "edges", &edges, error))
		return NULL;
	for (size_t i = 1; i < edges.count; i++)
		if (!(edges.items[i - 1] <= edges.items[i])) {
			error_set(error, ERROR_INPUT, PLACE_NONE, "`edges` are numbers that do not fall from one to the next");
			return NULL;
		}
	for (size_t i = 0; i < x.rows * x.columns; i++)
		x.values[i] = (double)bin_of(edges.items, edges.count, x.values[i], closed == 0);
	return output_like(&x, list, error);
}

static json_t *run_normalize(const struct compute_case *one, struct error *error)
{
	static const char *const words[] = {"l2", "l1", "max", NULL};
	static const enum norm norms[] = {NORM_L2, NORM_L1, NORM_MAX};
	struct table x;
	const int norm = word_of(one->params, "norm", words, error);
	if (norm < 0 || !table_read(one, "x", &x, error))
		return NULL;
	rows_normalise(&x, norms[norm]);
	return output(error, &x);
}

static json_t *run_polynomial(const struct compute_case *one, struct error *error)
{
	struct table x;
	if (!table_read(one, "x", &x, error))
		return NULL;
	const double degree = compute_number_or(one->params, "degree", 2, error);
	const bool bias = compute_flag_or(one->params, "bias", true, error);
	const bool interactions = compute_flag_or(one->params, "interaction_only", false, error);
	if (!(degree >= 1 && degree <= DEGREE_MAX) || degree != floor(degree))
		error_set(error, ERROR_INPUT, PLACE_NONE, "`degree` is a whole number from 1 to %d", DEGREE_MAX);
	if (error->kind)
		return NULL;
	const struct polynomial polynomial = {(size_t)degree, bias, interactions};
	struct table out = {.rows = x.rows, .columns = polynomial_columns(&polynomial, x.columns)};
	out.values = numbers(one, out.rows * out.columns);
	if (!out.values || !polynomial_apply(&polynomial, &x, out.values, one->arena))
		return preprocess_full(error);
	return output(error, &out);
}

/* ---- chains ---- */

/* Learnt of train, and applied to both. False: not known, or the arena is full. */
static bool link_run(const struct compute_case *one, const char *word, struct data *data, double *a, double *b, struct error *error)
{
	const size_t length = strcspn(word, ":");
	const char *strategy = word[length] ? word + length + 1 : "mean";
	struct table *const tables[] = {&data->train, &data->query};
	if (strncmp(word, "impute", length) == 0) {
		int by = 0;
		while (strategies[by] && strcmp(strategies[by], strategy) != 0)
			by++;
		if (by > IMPUTE_MOST_FREQUENT)
			return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s`: imputing by that is not known", word);
		if (!imputing_fit(&data->train, (enum imputing)by, a, one->arena))
			return error_memory(error, ERROR_LIMIT, "preprocessing");
		for (size_t i = 0; i < 2; i++)
			imputing_apply(tables[i], a, true);
		return true;
	}
	if (strcmp(word, "log1p") == 0) {
		for (size_t i = 0; i < 2; i++)
			for (size_t j = 0; j < tables[i]->rows * tables[i]->columns; j++)
				tables[i]->values[j] = log1p(tables[i]->values[j]);
		return true;
	}
	if (strcmp(word, "standard") == 0)
		scaling_fit_standard(&data->train, a, b);
	else if (strcmp(word, "minmax") == 0)
		scaling_fit_min_max(&data->train, a, b);
	else if (strcmp(word, "maxabs") == 0)
		scaling_fit_max_abs(&data->train, a, b);
	else if (strcmp(word, "robust") != 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` cannot be in a chain", word);
	else if (!scaling_fit_robust(&data->train, 0.25, 0.75, a, b, one->arena))
		return error_memory(error, ERROR_LIMIT, "preprocessing");
	for (size_t i = 0; i < 2; i++)
		scaling_apply(tables[i], a, b, true);
	return true;
}

static json_t *run_chain(const struct compute_case *one, struct error *error)
{
	struct data data;
	const json_t *steps = json_object_get(one->params, "steps");
	if (!data_read(one, &data, error))
		return NULL;
	double *a = numbers(one, data.train.columns), *b = numbers(one, data.train.columns);
	if (!a || !b)
		return preprocess_full(error);
	for (size_t i = 0; i < json_array_size(steps); i++) {
		const char *word = json_string_value(json_array_get(steps, i));
		if (!link_run(one, word ? word : "", &data, a, b, error))
			return NULL;
	}
	return output(error, &data.query);
}

static json_t *preprocess_run(const struct compute_case *one, struct error *error)
{
	static const struct {
		const char *name;
		json_t *(*run)(const struct compute_case *one, struct error *error);
	} rows[] = {
		{"standard", run_standard},   {"minmax", run_minmax},	      {"robust", run_robust},
		{"maxabs", run_maxabs},	      {"impute", run_impute},	      {"onehot", compute_onehot},
		{"ordinal", compute_ordinal}, {"log1p", run_log1p},	      {"clip", run_clip},
		{"bucketize", run_bucketize}, {"kbins", run_kbins},	      {"quantile", run_quantile},
		{"normalize", run_normalize}, {"polynomial", run_polynomial}, {"yeojohnson", run_yeojohnson},
		{"boxcox", run_boxcox},	      {"hash", compute_hash},	      {"chain", run_chain},
	};
	const char *name;
	if (!compute_text(one->params, "op", &name, error))
		return NULL;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return compute_made(rows[i].run(one, error), error);
	error_set(error, ERROR_INPUT, PLACE_NONE,
		  "`op` is `%s`, which is not known; `sluice compute --list preprocess` says what is", name);
	return NULL;
}

const struct compute_family compute_preprocess = {
	.name = "preprocess",
	.summary = "Scaling, imputing, encoding and binning, as scikit-learn does it.",
	.methods = methods,
	.parameters = "bias bins clip closed degree drop edges fill_value high interaction_only lambdas low n_features "
		      "n_quantiles norm op output quantile_method quantiles range standardize steps strategy unknown unknown_value "
		      "with_mean with_std",
	.run = preprocess_run,
};
