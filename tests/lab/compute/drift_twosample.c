/* drift_twosample.c: Family `drift_twosample`: distances and tests between a reference and current data. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "compute/values.h"
#include "methods/drift/tests/binned.h"
#include "comparison/drift/binned_distances.h"
#include "comparison/drift/correction.h"
#include "comparison/drift/distance.h"
#include "comparison/drift/kernel_test.h"
#include "comparison/drift/kolmogorov_smirnov.h"
#include "comparison/drift/rank_test.h"
#include "methods/numeric/quantile.h"

/* Both samples of a case in rising order, without NaN, and how many of those there were. */
struct two_samples {
	struct sorted reference, current;
	size_t nan_reference, nan_current;
};

static bool sample_read(const struct compute_case *one, const char *key, struct sorted *sample, size_t *nan, struct error *error)
{
	struct compute_row row;
	if (!compute_sample(one, one->input, key, &row, nan, error))
		return false;
	*sample = (struct sorted){quantile_sort(row.items, row.count), row.items};
	return true;
}

static bool samples_read(const struct compute_case *one, struct two_samples *samples, struct error *error)
{
	return sample_read(one, "reference", &samples->reference, &samples->nan_reference, error) &&
	       sample_read(one, "current", &samples->current, &samples->nan_current, error);
}

static json_t *count_written(size_t count)
{
	return json_integer((json_int_t)count);
}

static void nan_put(json_t *result, const struct two_samples *samples, struct error *error)
{
	compute_put(result, "nan_reference", count_written(samples->nan_reference), error);
	compute_put(result, "nan_current", count_written(samples->nan_current), error);
}

/* Above it half of p_exact says as much, and libraries answer with approximations under this name. */
#define KS_ONE_SIDED_SIZE_MAX 1000

static void ks_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct two_samples samples;
	if (!samples_read(one, &samples, error))
		return;
	size_t n = samples.reference.count, m = samples.current.count;
	struct ks_distance distance = ks_distance_of(&samples.reference, &samples.current);
	compute_put(result, "statistic", compute_write(distance.two_sided), error);
	compute_put(result, "statistic_greater", compute_write(distance.greater), error);
	compute_put(result, "statistic_less", compute_write(distance.less), error);
	compute_put(result, "p_kolmogorov", compute_write(ks_p_limit(distance.two_sided, n, m)), error);
	compute_put(result, "p_asymp_scipy", compute_write(ks_p_effective(distance.two_sided, n, m, one->arena)), error);
	if (n <= KS_EXACT_SIZE_MAX && m <= KS_EXACT_SIZE_MAX) {
		compute_put(result, "p_exact", compute_write(ks_p_exact(distance.two_sided, n, m, true, one->arena)), error);
	}
	if (n + m <= KS_ONE_SIDED_SIZE_MAX)
		compute_put(result, "p_exact_greater", compute_write(ks_p_exact(distance.greater, n, m, false, one->arena)), error);
	nan_put(result, &samples, error);
}

/* ---- bins and counts ---- */

static void counts_of_sample(const struct bins *bins, const struct sorted *sample, double *counts)
{
	for (size_t i = 0; i < sample->count; i++)
		counts[bins_find(bins, sample->values[i])]++;
}

static bool bins_read(const struct compute_case *one, const struct sorted *reference, struct bins *bins, struct error *error)
{
	struct compute_row edges;
	if (compute_has(one->params, "edges")) {
		size_t nan;
		if (!compute_sample(one, one->params, "edges", &edges, &nan, error))
			return false;
		if (nan > 0)
			return error_set(error, ERROR_INPUT, PLACE_NONE, "`edges` has a NaN; leave it out");
		*bins = (struct bins){quantile_sort(edges.items, edges.count), edges.items};
		return true;
	}
	double count = compute_number_or(one->params, "bins", 10, error);
	if (!(count >= 1 && count <= 1e6) || count != floor(count))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`bins` is %g; give an integer from 1 to 1000000", count);
	*bins = bins_of_quantiles(reference, (size_t)count, one->arena);
	return bins->edges || error_memory(error, ERROR_LIMIT, "cutting bins");
}

static json_t *counts_written(const double *counts, size_t bins)
{
	json_t *list = json_array();
	for (size_t i = 0; i < bins; i++)
		json_array_append_new(list, count_written((size_t)counts[i]));
	return list;
}

static void psi_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct two_samples samples;
	struct bins bins;
	double least = compute_number_or(one->params, "epsilon", BINNED_SHARE_LEAST, error);
	if (!(least >= 0 && least < 1)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`epsilon` is %g; give a share from 0 to 1", least);
		return;
	}
	if (!samples_read(one, &samples, error) || !bins_read(one, &samples.reference, &bins, error))
		return;
	size_t count = bins.count + 1;
	double *reference = ARENA_ARRAY(one->arena, double, count), *current = ARENA_ARRAY(one->arena, double, count);
	if (!reference || !current) {
		error_memory(error, ERROR_LIMIT, "counting in bins");
		return;
	}
	counts_of_sample(&bins, &samples.reference, reference);
	counts_of_sample(&bins, &samples.current, current);
	struct binned binned = {count, reference, current};
	compute_put(result, "edges", compute_write_row(bins.edges, bins.count), error);
	compute_put(result, "reference_counts", counts_written(reference, count), error);
	compute_put(result, "current_counts", counts_written(current, count), error);
	compute_put(result, "psi", compute_write(binned_psi(&binned, least)), error);
	compute_put(result, "kl_current_reference", compute_write(binned_divergence(&binned, least)), error);
	compute_put(result, "js_distance_base2", compute_write(binned_jensen_shannon(&binned) / sqrt(log(2))), error);
	compute_put(result, "hellinger", compute_write(binned_hellinger(&binned)), error);
	nan_put(result, &samples, error);
}

/* Whether all numbers are from 0 to `most`. */
static bool range_check(const char *key, const struct compute_row *row, double most, struct error *error)
{
	for (size_t i = 0; i < row->count; i++)
		if (!(row->items[i] >= 0 && row->items[i] <= most))
			return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` has %g; give numbers from 0 to %g", key,
					 row->items[i], most);
	return true;
}

/* Whether numbers that are not below 0 have a sum to be shares of. */
static bool total_check(const char *key, const struct compute_row *row, struct error *error)
{
	double total = 0;
	for (size_t i = 0; i < row->count; i++)
		total += row->items[i];
	return (total > 0 && isfinite(total)) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the sum of `%s` is %g; give numbers whose sum is above 0 and finite", key,
			 total);
}

static bool binned_read(const struct compute_case *one, struct binned *binned, struct error *error)
{
	struct compute_row reference, current;
	if (!compute_row(one, one->input, "reference_counts", &reference, error) ||
	    !compute_row(one, one->input, "current_counts", &current, error) ||
	    !range_check("reference_counts", &reference, DBL_MAX, error) ||
	    !range_check("current_counts", &current, DBL_MAX, error))
		return false;
	*binned = (struct binned){reference.count, reference.items, current.items};
	if (reference.count != current.count)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`reference_counts` has %zu counts and `current_counts` %zu; give one for each category",
				 reference.count, current.count);
	return total_check("reference_counts", &reference, error) && total_check("current_counts", &current, error);
}

static void js_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct binned binned;
	if (!binned_read(one, &binned, error))
		return;
	double distance = binned_jensen_shannon(&binned);
	compute_put(result, "js_distance_base2", compute_write(distance / sqrt(log(2))), error);
	compute_put(result, "js_distance_natural", compute_write(distance), error);
}

static void chi2_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct binned binned;
	struct chi_square_test fit;
	if (!binned_read(one, &binned, error))
		return;
	struct chi_square_test test = binned_homogeneity(&binned);
	compute_put(result, "statistic", compute_write(test.statistic), error);
	compute_put(result, "dof", json_integer((json_int_t)test.freedom), error);
	compute_put(result, "p", compute_write(test.p), error);
	compute_put(result, "cramers_v", compute_write(binned_cramers_v(&binned)), error);
	if (binned_fit(&binned, &fit)) {
		compute_put(result, "gof_statistic", compute_write(fit.statistic), error);
		compute_put(result, "gof_p", compute_write(fit.p), error);
	}
}

/* ---- distances and ranks ---- */

static struct weighed *weighed_read(const struct compute_case *one, const char *key, const char *weights_key, size_t *count,
				    struct error *error)
{
	struct compute_row values, weights = {0};
	bool weighted = compute_has(one->input, weights_key);
	if (!compute_row(one, one->input, key, &values, error) ||
	    (weighted && (!compute_row(one, one->input, weights_key, &weights, error) ||
			  !range_check(weights_key, &weights, DBL_MAX, error) || !total_check(weights_key, &weights, error))))
		return NULL;
	if (weighted && weights.count != values.count) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` has %zu weights for %zu numbers; give one for each", weights_key,
			  weights.count, values.count);
		return NULL;
	}
	struct weighed *made = ARENA_ARRAY(one->arena, struct weighed, values.count + 1);
	if (!made) {
		error_memory(error, ERROR_LIMIT, "reading numbers");
		return NULL;
	}
	*count = 0;
	for (size_t i = 0; i < values.count && (!weighted || i < weights.count); i++)
		if (!isnan(values.items[i]))
			made[(*count)++] = (struct weighed){values.items[i], weighted ? weights.items[i] : 1};
	if (*count == 0) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` has no number", key);
		return NULL;
	}
	weighed_sort(made, *count);
	return made;
}

static void distance_put(const struct compute_case *one, json_t *result, struct error *error)
{
	size_t references, currents;
	struct weighed *reference = weighed_read(one, "reference", "reference_weights", &references, error);
	struct weighed *current = reference ? weighed_read(one, "current", "current_weights", &currents, error) : NULL;
	if (!current)
		return;
	struct distances distances = distances_of(reference, references, current, currents);
	compute_put(result, "wasserstein1", compute_write(distances.wasserstein), error);
	compute_put(result, "energy", compute_write(distances.energy), error);
}

static void ranks_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct two_samples samples;
	if (!samples_read(one, &samples, error))
		return;
	size_t n = samples.reference.count, m = samples.current.count;
	if (n < 2 || m < 2) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "a test by ranks needs two numbers of each sample, and has %zu and "
			  "%zu", n, m);
		return;
	}
	double statistic = cramer_von_mises(&samples.reference, &samples.current);
	compute_put(result, "cvm_statistic", compute_write(statistic), error);
	compute_put(result, "cvm_p_asymptotic", compute_write(cramer_von_mises_p_limit(statistic, n, m)), error);
	if (n <= CVM_EXACT_SIZE_MAX && m <= CVM_EXACT_SIZE_MAX)
		compute_put(result, "cvm_p_exact", compute_write(cramer_von_mises_p_exact(statistic, n, m, one->arena)), error);
	compute_put(result, "ad_statistic_midrank", compute_write(anderson_darling(&samples.reference, &samples.current)), error);
	compute_put(result, "ad_critical_25_10_5_2p5_1_0p5_0p1",
		    compute_write_row(anderson_darling_critical, ANDERSON_DARLING_LEVELS), error);
}

/* ---- rows ---- */

#define PERMUTATIONS 999
#define PERMUTATIONS_MAX 1000000
#define PERMUTATION_SEED 1

/* The rows of both samples without NaN, and how many of the others there were. */
struct two_tables {
	struct table reference, current;
	size_t nan_reference, nan_current;
};

static bool rows_read(const struct compute_case *one, const char *key, struct table *rows, size_t *nan, struct error *error)
{
	struct compute_table table;
	if (!compute_table(one, one->input, key, &table, error))
		return false;
	*rows = (struct table){0, table.columns, table.items};
	for (size_t i = 0; i < table.rows; i++) {
		const double *row = table.items + i * table.columns;
		if (compute_row_is_whole(row, table.columns))
			memmove(table.items + rows->rows++ * table.columns, row, table.columns * sizeof *row);
	}
	*nan = table.rows - rows->rows;
	return rows->rows >= 2 ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` has %zu rows without NaN, and MMD needs two", key, rows->rows);
}

static bool tables_read(const struct compute_case *one, struct two_tables *tables, struct error *error)
{
	if (!rows_read(one, "reference", &tables->reference, &tables->nan_reference, error) ||
	    !rows_read(one, "current", &tables->current, &tables->nan_current, error))
		return false;
	return tables->reference.columns == tables->current.columns ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "rows of `reference` have %zu numbers and of `current` %zu; give rows of one width",
			 tables->reference.columns, tables->current.columns);
}

/* The kernel's width: a number, that of all pairs, or the sharper one of the reference's pairs. */
static bool width_read(const struct compute_case *one, const struct two_tables *tables, double sharper, double *width,
		       struct error *error)
{
	const json_t *given = json_object_get(one->params, "sigma");
	const char *name = given && !json_is_null(given) ? json_string_value(given) : "median";
	*width = json_number_value(given);
	if (name && strcmp(name, "alibi") == 0)
		*width = sharper;
	else if (name && strcmp(name, "median") == 0)
		*width = kernel_width_pooled(&tables->reference, &tables->current, one->arena);
	else if (!json_is_number(given) || *width < 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`sigma` is not a width; give a number from 0 on, `median` or `alibi`");
	return true;
}

static void mmd_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct two_tables tables;
	struct kernel_test test;
	double width;
	const double permutations = compute_number_or(one->params, "permutations", PERMUTATIONS, error);
	if (!(permutations >= 0 && permutations <= PERMUTATIONS_MAX)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`permutations` is %g; give a number from 0 to %d", permutations,
			  PERMUTATIONS_MAX);
		return;
	}
	if (!tables_read(one, &tables, error))
		return;
	const double sharper = kernel_width_reference(&tables.reference, one->arena);
	if (!width_read(one, &tables, sharper, &width, error) ||
	    !kernel_test_run(&tables.reference, &tables.current, width, (unsigned)permutations, PERMUTATION_SEED, one->arena, &test,
			     error))
		return;
	compute_put(result, "sigma", compute_write(width), error);
	compute_put(result, "sigma_alibi_default", compute_write(sharper), error);
	compute_put(result, "mmd2_unbiased", compute_write(test.unbiased), error);
	compute_put(result, "mmd2_biased", compute_write(test.biased), error);
	compute_put(result, "permutation_p", compute_write(test.p), error);
	compute_put(result, "nan_reference", count_written(tables.nan_reference), error);
	compute_put(result, "nan_current", count_written(tables.nan_current), error);
}

static json_t *correction_written(const double *adjusted, size_t count, double level, struct error *error)
{
	json_t *written = json_object(), *reject = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(reject, json_boolean(adjusted[i] <= level));
	compute_put(written, "reject", reject, error);
	compute_put(written, "adjusted", compute_write_row(adjusted, count), error);
	return written;
}

static void corrections_put(const struct compute_case *one, json_t *result, struct error *error)
{
	struct compute_row p;
	double level = compute_level(one->params, "alpha", 0.05, error);
	if (!compute_row(one, one->input, "p", &p, error) || !range_check("p", &p, 1, error))
		return;
	double *adjusted = ARENA_ARRAY(one->arena, double, p.count + 1);
	for (enum correction correction = 0; adjusted && correction < CORRECTION_COUNT; correction++)
		if (correction_adjust(correction, p.items, p.count, adjusted, one->arena))
			compute_put(result, correction_names[correction], correction_written(adjusted, p.count, level, error),
				    error);
	if (arena_failed(one->arena))
		error_memory(error, ERROR_LIMIT, "correcting p-values");
}

/* ---- the family ---- */

static const struct two_sample_test {
	const char *name;
	void (*put)(const struct compute_case *one, json_t *result, struct error *error);
} two_sample_tests[] = {
	{"ks_2samp", ks_put}, {"psi", psi_put},	    {"js", js_put},		{"chi2", chi2_put},
	{"distance", distance_put}, {"cvm_ad", ranks_put}, {"mmd_rbf", mmd_put}, {"multiple_testing", corrections_put},
	{NULL, NULL},
};

static json_t *two_sample_run(const struct compute_case *one, struct error *error)
{
	const char *name;
	if (!compute_text(one->params, "test", &name, error))
		return NULL;
	for (const struct two_sample_test *test = two_sample_tests; test->name; test++) {
		if (strcmp(test->name, name) == 0) {
			json_t *result = json_object();
			test->put(one, result, error);
			return compute_made(result, error);
		}
	}
	error_set(error, ERROR_INPUT, PLACE_NONE,
		  "no test is called `%s`; `sluice compute --list drift_twosample` names them", name);
	return NULL;
}

static const struct compute_method two_sample_methods[] = {
	{"ks_2samp", "largest distance of the distribution functions at distinct values; p_exact by lattice paths, p_kolmogorov "
		     "the limit, "
		     "p_asymp_scipy the one-sample law at the effective size"},
	{"psi", "sum (q - p) ln(q/p) over bins (e[k-1], e[k]] at quantiles of the reference, shares at least epsilon; beside it "
		"Kullback-Leibler, Jensen-Shannon and Hellinger"},
	{"js", "square root of the Jensen-Shannon divergence of counts"},
	{"chi2", "homogeneity of two rows of counts without Yates' correction, Cramer's V, and goodness of fit where all "
		 "categories are "
		 "in the reference"},
	{"distance", "Wasserstein-1, the integral of |F - G|; energy, sqrt(2 E|X-Y| - E|X-X'| - E|Y-Y'|); weights as shares"},
	{"cvm_ad", "Cramer-von Mises with midranks; Anderson-Darling of k samples with midranks, normalised"},
	{"mmd_rbf", "kernel exp(-|x-y|^2/(2 sigma^2)), sigma a number, `median` of pooled distances, or `alibi`; p by permutation; "
		    "rows with a NaN are left out and counted"},
	{"multiple_testing", "adjusted p-values of Bonferroni, Holm, Benjamini-Hochberg and Benjamini-Yekutieli"},
	{NULL, NULL},
};

const struct compute_family compute_drift_twosample = {
	.name = "drift_twosample",
	.summary = "distances and tests between a reference and current data, by `test`",
	.methods = two_sample_methods,
	.parameters = "alpha bins edges epsilon permutations sigma test",
	.run = two_sample_run,
};
