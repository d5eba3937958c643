/* outliers.c: Family `outliers`: outlier scores of numbers and rows. */
#include <math.h>
#include <stdlib.h>

#include "compute/values.h"
#include "methods/outliers/isolation.h"
#include "methods/outliers/outlier.h"
#include "methods/numeric/moments.h"
#include "methods/predictors/predictor.h"
#include "methods/numeric/quantile.h"
#include "methods/statistics/distribution.h"

/* ---- numbers ---- */

static const char *const spread_rule_names[] = {
	[SPREAD_MEDIAN] = "mad", [SPREAD_MEAN] = "mean_absolute_deviation", [SPREAD_NONE] = "all_zero"};

/* Numbers of a case, in the order they came and in rising order. */
struct outlier_numbers {
	struct compute_row came;
	struct sorted sorted;
};

static bool outlier_numbers_read(const struct compute_case *one, struct outlier_numbers *numbers, struct error *error)
{
	if (!compute_row(one, one->input, "x", &numbers->came, error))
		return false;
	double *copy = ARENA_ARRAY(one->arena, double, numbers->came.count + 1);
	if (!copy)
		return error_memory(error, ERROR_LIMIT, "reading numbers");
	memcpy(copy, numbers->came.items, numbers->came.count * sizeof *copy);
	numbers->sorted = (struct sorted){quantile_sort(copy, numbers->came.count), copy};
	return numbers->sorted.count > 0 || error_set(error, ERROR_INPUT, PLACE_NONE, "`x` has no number");
}

/* What the number of rows is lessened by in a variance. */
static double freedom_of(const struct compute_case *one, struct error *error)
{
	const double freedom = compute_number_or(one->params, "ddof", 1, error);
	if (freedom != 0 && freedom != 1)
		error_set(error, ERROR_INPUT, PLACE_NONE, "`ddof` is %g; give 1 for a sample, or 0 for a population", freedom);
	return freedom == 0 ? 0 : 1;
}

/* The mean in two parts, and the deviations by the largest of them: neither an offset nor a scale costs digits. */
static json_t *z_written(const struct outlier_numbers *numbers, double freedom, struct arena *arena)
{
	const struct sorted *sorted = &numbers->sorted;
	struct moments moments = {0}, apart = {0};
	for (size_t i = 0; i < sorted->count; i++)
		moments_add(&moments, sorted->values[i]);
	const double scale = fmax(moments.mean - sorted->values[0], sorted->values[sorted->count - 1] - moments.mean);
	for (size_t i = 0; i < sorted->count; i++)
		moments_add(&apart, (sorted->values[i] - moments.mean) / scale);
	const double deviation = sqrt(moments_variance(&apart, (unsigned)freedom));
	double *scores = ARENA_ARRAY(arena, double, numbers->came.count);
	for (size_t i = 0; scores && i < numbers->came.count; i++)
		scores[i] = deviation > 0 ? ((numbers->came.items[i] - moments.mean) / scale - apart.mean) / deviation : 0;
	return scores ? compute_write_row(scores, numbers->came.count) : NULL;
}

static void modified_z_put(const struct compute_case *one, const struct outlier_numbers *numbers, json_t *result,
			   struct error *error)
{
	struct modified_z fitted;
	double threshold = compute_number_or(one->params, "mad_threshold", 3.5, error);
	double *scores = ARENA_ARRAY(one->arena, double, numbers->came.count);
	json_t *outlying = json_array();
	if (!scores || !modified_z_fit(&fitted, &numbers->sorted, one->arena)) {
		json_decref(outlying);
		error_memory(error, ERROR_LIMIT, "scoring numbers");
		return;
	}
	for (size_t i = 0; i < numbers->came.count; i++) {
		scores[i] = modified_z_score(&fitted, numbers->came.items[i]);
		json_array_append_new(outlying, json_boolean(fabs(scores[i]) > threshold));
	}
	const char *rule = spread_rule_names[fitted.rule];
	compute_put(result, "median", compute_write(fitted.median), error);
	compute_put(result, "mad", compute_write(fitted.deviation), error);
	compute_put(result, "modified_z", compute_write_row(scores, numbers->came.count), error);
	compute_put(result, "modified_z_rule", json_stringn(rule, strlen(rule)), error);
	compute_put(result, "outlier_mad", outlying, error);
}

static void scores_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct outlier_numbers numbers;
	if (!outlier_numbers_read(one, &numbers, error))
		return;
	double freedom = freedom_of(one, error), k = compute_number_or(one->params, "iqr_k", 1.5, error);
	const struct sorted *sorted = &numbers.sorted;
	double low = quantile_sorted(sorted->values, sorted->count, 0.25, QUANTILE_LINEAR);
	double high = quantile_sorted(sorted->values, sorted->count, 0.75, QUANTILE_LINEAR);
	double fence[] = {low - k * (high - low), high + k * (high - low)};
	compute_put(result, "z", z_written(&numbers, freedom, one->arena), error);
	compute_put(result, "iqr_fence", compute_write_row(fence, 2), error);
	modified_z_put(one, &numbers, result, error);
}

/* ---- rows ---- */

/* The covariance of the rows without NaN, and how many of the others there were. */
struct learned_rows {
	struct covariance covariance;
	size_t nan;
};

static bool covariance_read(const struct compute_case *one, const char *key, struct learned_rows *learned, struct error *error)
{
	struct compute_table rows;
	if (!compute_table(one, one->input, key, &rows, error))
		return false;
	if (!covariance_open(&learned->covariance, rows.columns, one->arena))
		return error_memory(error, ERROR_LIMIT, "learning a covariance");
	learned->nan = 0;
	for (size_t i = 0; i < rows.rows; i++) {
		const double *row = rows.items + i * rows.columns;
		if (compute_row_is_whole(row, rows.columns))
			covariance_add(&learned->covariance, row);
		else
			learned->nan++;
	}
	return learned->nan < rows.rows || rows.rows == 0 ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "each row of `%s` has a NaN; give rows without", key);
}

static void covariance_put(const struct compute_case *one, const struct learned_rows *learned, json_t *result, struct error *error)
{
	double freedom = freedom_of(one, error);
	const struct covariance *covariance = &learned->covariance;
	size_t columns = covariance->columns;
	double *items = ARENA_ARRAY(one->arena, double, columns * columns);
	for (size_t i = 0; items && i < columns * columns; i++)
		items[i] = covariance_of(covariance, i / columns, i % columns, freedom);
	compute_put(result, "mean", compute_write_row(covariance->mean, columns), error);
	compute_put(result, "covariance", items ? compute_write_table(items, columns, columns) : NULL, error);
	compute_put(result, "nan_rows", json_integer((json_int_t)learned->nan), error);
}

static void moments_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct learned_rows learned;
	if (covariance_read(one, "x", &learned, error))
		covariance_put(one, &learned, result, error);
}

static void mahalanobis_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct learned_rows learned;
	struct mahalanobis fitted;
	struct compute_table query;
	const double freedom = freedom_of(one, error), ridge = compute_number_or(one->params, "ridge", 0, error);
	if (!(ridge >= 0 && isfinite(ridge)))
		error_set(error, ERROR_INPUT, PLACE_NONE, "`ridge` is %g; give a number from 0 on", ridge);
	if (!covariance_read(one, "train", &learned, error) || !compute_table(one, one->input, "query", &query, error) ||
	    !mahalanobis_fit(&fitted, &learned.covariance, freedom, ridge, one->arena, error))
		return;
	if (query.rows && query.columns != fitted.columns) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "rows of `query` have %zu numbers and of `train` %zu; give rows of one "
			  "width",
			  query.columns, fitted.columns);
		return;
	}
	double *squares = ARENA_ARRAY(one->arena, double, query.rows + 1), *p = ARENA_ARRAY(one->arena, double, query.rows + 1);
	for (size_t i = 0; squares && p && i < query.rows; i++) {
		squares[i] = mahalanobis_squared(&fitted, query.items + i * query.columns);
		p[i] = chi_square_sf(squares[i], (double)fitted.columns);
	}
	covariance_put(one, &learned, result, error);
	compute_put(result, "squared_distance", squares ? compute_write_row(squares, query.rows) : NULL, error);
	compute_put(result, "p_chi2", p ? compute_write_row(p, query.rows) : NULL, error);
}

/* Scores of rows by a forest, and the limit that its file has. */
static void forest_scores_put(const struct compute_case *one, const struct predictor *forest, const struct compute_table *rows,
			      json_t *result, struct error *error)
{
	const struct predictor_traits *traits = predictor_traits(forest);
	double *margins = ARENA_ARRAY(one->arena, double, rows->rows + 1);
	double *scores = ARENA_ARRAY(one->arena, double, rows->rows + 1);
	double *scratch = ARENA_ARRAY(one->arena, double, predictor_scratch(forest, rows->rows) + 1);
	if (!margins || !scores || !scratch) {
		error_memory(error, ERROR_LIMIT, "scoring rows");
		return;
	}
	if (rows->columns < traits->features) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "rows of `query` have %zu numbers, and the forest takes %zu",
			  rows->columns, traits->features);
		return;
	}
	predictor_margins(forest, rows->items, rows->columns, rows->rows, margins, scratch);
	predictor_answers(forest, margins, rows->rows, scores);
	compute_put(result, "score_samples", compute_write_row(scores, rows->rows), error);
	if (!isnan(traits->limit))
		compute_put(result, "limit", compute_write(traits->limit), error);
}

static void forest_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct compute_table query;
	char *content = json_dumps(json_object_get(one->input, "forest"), JSON_COMPACT);
	const struct predictor *forest =
		content ? predictor_read(one->arena, text_of(content), ITERATIONS_BEST, error) : NULL;
	free(content);
	if (!forest || !compute_table(one, one->input, "query", &query, error)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`forest` is no forest; give `trees` and `max_samples`");
		return;
	}
	forest_scores_put(one, forest, &query, result, error);
}

/* A whole number of 0 or more; SIZE_MAX: it is none, which no setting may be. */
static size_t setting_of(const struct compute_case *one, const char *key, size_t otherwise, struct error *error)
{
	const double number = compute_number_or(one->params, key, (double)otherwise, error);
	return number >= 0 && number <= 0x1p53 ? (size_t)number : SIZE_MAX;
}

#define FOREST_BYTES_MAX ((size_t)1 << 30)

static void forest_fit_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct compute_table train, query;
	struct buffer file;
	if (!compute_table(one, one->input, "train", &train, error) ||
	    !compute_table(one, one->input, compute_has(one->input, "query") ? "query" : "train", &query, error))
		return;
	const struct isolation_settings settings = {
		.trees = setting_of(one, "trees", ISOLATION_TREES, error),
		.sample = setting_of(one, "max_samples", ISOLATION_SAMPLE, error),
		.seed = setting_of(one, "seed", 0, error),
		.share = compute_number_or(one->params, "contamination", 0, error),
	};
	buffer_open(&file, FOREST_BYTES_MAX);
	const struct predictor *forest =
		isolation_fit(&(struct table){train.rows, train.columns, train.items}, &settings, &file, error)
			? predictor_read(one->arena, buffer_view(&file), ITERATIONS_BEST, error)
			: NULL;
	if (forest) {
		forest_scores_put(one, forest, &query, result, error);
		compute_put(result, "forest", json_loadb(file.bytes, file.length, 0, NULL), error);
	}
	buffer_close(&file);
}

static json_t *outliers_run(const struct compute_case *one, struct error *error)
{
	json_t *result = json_object();
	const json_t *x = json_object_get(one->input, "x");
	const char *method = compute_text_or(one->params, "method", "", error);
	if (compute_has(one->input, "forest"))
		forest_put(one, result, error);
	else if (compute_has(one->input, "train") && strcmp(method, "isolation_forest") == 0)
		forest_fit_put(one, result, error);
	else if (compute_has(one->input, "train"))
		mahalanobis_put(one, result, error);
	else if (json_is_array(json_array_get(x, 0)))
		moments_put(one, result, error);
	else
		scores_put(one, result, error);
	return compute_made(result, error);
}

static const struct compute_method outliers_methods[] = {
	{"z, modified_z", "`x` numbers: (x - mean)/sd; 0.6744897501960817 (x - median)/MAD, where MAD is 0 (x - "
	 "median)/(1.2533141373155 mean "
			  "|x - median|), where that is 0 too 0; fences at the quartiles less and plus `iqr_k` of their distance"},
	{"mahalanobis", "`train` and `query` rows: squared distance by the covariance (divided by n - ddof, `ridge` added to "
	 "variances); p of "
			"chi-square"},
	{"isolation_forest", "`forest` and `query` rows: -2^(-(sum of depths + c(leaf))/(T c(max_samples)))"},
	{"isolation_forest, learnt",
	 "`train` and `query` rows, `method: isolation_forest`: a forest of `trees` trees of `max_samples` rows, by `seed`; "
	 "`contamination`: the share of `train` above its limit"},
	{"covariance", "`x` rows: mean and covariance by Welford's recursion"},
	{NULL, NULL},
};

const struct compute_family compute_outliers = {
	.name = "outliers",
	.summary = "how unusual numbers and rows are",
	.methods = outliers_methods,
	.parameters = "contamination ddof iqr_k mad_threshold max_samples method ridge seed trees",
	.run = outliers_run,
};
