/* abtest.c: Family `abtest`: statistics by which experiments are decided. */
#include <math.h>

#include "compute/values.h"
#include "methods/statistics/arm_sums.h"
#include "comparison/statistics/bootstrap.h"
#include "comparison/statistics/fixed_horizon.h"
#include "methods/statistics/distribution.h"
#include "comparison/statistics/rank_test.h"
#include "comparison/statistics/rate_tests.h"
#include "methods/statistics/sample_ratio.h"
#include "methods/statistics/sequence.h"
#include "methods/statistics/special.h"
#include "comparison/statistics/spending.h"

#define RESAMPLES_MOST 1000000
#define BOOTSTRAP_SEED 1

static void put_interval(json_t *result, const char *key, struct interval interval, struct error *error)
{
	const double ends[] = {interval.low, interval.high};
	compute_put(result, key, compute_write_row(ends, 2), error);
}

static double alpha_of(const struct compute_case *one, struct error *error)
{
	return compute_level(one->params, "alpha", compute_level(one->input, "alpha", 0.05, error), error);
}

static bool row_wanted(const struct compute_case *one, const json_t *object, const char *key, struct compute_row *row,
		       struct error *error)
{
	if (!compute_row(one, object, key, row, error))
		return false;
	return row->count > 0 || error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` is empty; give at least one number", key);
}

static double mean_of(const double *numbers, size_t count)
{
	struct moments moments = {0};
	for (size_t i = 0; i < count; i++)
		moments_add(&moments, numbers[i]);
	return moments.mean;
}

/* Of what is above `origin`. Deviations are from a mean that is known, so an offset of all numbers costs them no digits. */
static struct moments moments_above(double origin, const double *numbers, size_t count)
{
	const double mean = mean_of(numbers, count);
	struct moments apart = {0};
	for (size_t i = 0; i < count; i++)
		moments_add(&apart, numbers[i] - mean);
	return (struct moments){count, mean - origin + apart.mean, apart.squares};
}

/* ---- means ---- */

/* The numbers of both arms without NaN, and how many of those there were. */
struct two_arms {
	struct compute_row control, treatment;
	size_t nan_control, nan_treatment;
};

static bool arms_read(const struct compute_case *one, struct two_arms *arms, struct error *error)
{
	return compute_sample(one, one->input, "control", &arms->control, &arms->nan_control, error) &&
	       compute_sample(one, one->input, "treatment", &arms->treatment, &arms->nan_treatment, error);
}

static void put_nan(json_t *result, size_t control, size_t treatment, struct error *error)
{
	compute_put(result, "nan_control", json_integer((json_int_t)control), error);
	compute_put(result, "nan_treatment", json_integer((json_int_t)treatment), error);
}

static json_t *bootstrap_run(const struct compute_case *one, const struct two_arms *arms, struct error *error)
{
	const struct compute_row *control = &arms->control, *treatment = &arms->treatment;
	struct bootstrap bootstrap;
	const double resamples = compute_number_or(one->params, "resamples", 2000, error);
	const double level = compute_number_or(one->params, "level", 0.95, error);
	if (!(resamples >= 2 && resamples <= RESAMPLES_MOST) || !(level > 0 && level < 1)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`resamples` is 2 to %d, `level` between 0 and 1", RESAMPLES_MOST);
		return NULL;
	}
	if (!bootstrap_difference(control->items, control->count, treatment->items, treatment->count, (size_t)resamples, level,
				  BOOTSTRAP_SEED, one->arena, &bootstrap)) {
		error_memory(error, ERROR_LIMIT, "drawing samples");
		return NULL;
	}
	json_t *result = json_object();
	compute_put_number(result, "lower", bootstrap.interval.low, error);
	compute_put_number(result, "upper", bootstrap.interval.high, error);
	compute_put_number(result, "standard_error", bootstrap.standard_error, error);
	put_nan(result, arms->nan_control, arms->nan_treatment, error);
	return result;
}

static void put_tests_of_means(json_t *result, const struct moments *control, const struct moments *treatment, double alpha,
			       struct error *error)
{
	const struct t_test welch = welch_test(control, treatment, alpha), student = student_test(control, treatment, alpha);
	const struct effect_size effect = effect_size(control, treatment);
	compute_put_number(result, "mean_difference", welch.difference, error);
	compute_put_number(result, "welch_t", welch.t, error);
	compute_put_number(result, "welch_df", welch.freedom, error);
	compute_put_number(result, "welch_p", welch.p, error);
	compute_put_number(result, "welch_p_greater", student_t_sf(welch.t, welch.freedom), error);
	put_interval(result, "ci95", welch.interval, error);
	compute_put_number(result, "student_t", student.t, error);
	compute_put_number(result, "student_p", student.p, error);
	compute_put_number(result, "cohens_d", effect.cohen, error);
	compute_put_number(result, "hedges_g", effect.hedges, error);
	compute_put_number(result, "hedges_g_approx", effect.cohen * (1 - 3 / (4 * student.freedom - 1)), error);
	const double spread = sqrt(moments_variance(control, 1));
	compute_put_number(result, "glass_delta", spread > 0 ? welch.difference / spread : NAN, error);
}

static json_t *means_run(const struct compute_case *one, struct error *error)
{
	struct two_arms arms;
	struct rank_test ranks;
	if (!arms_read(one, &arms, error))
		return NULL;
	if (compute_has(one->params, "resamples"))
		return bootstrap_run(one, &arms, error);
	/* The results are of differences, which an offset of both arms does not change. */
	const double offset = mean_of(arms.control.items, arms.control.count), origin = isfinite(offset) ? offset : 0;
	const struct moments of_control = moments_above(origin, arms.control.items, arms.control.count);
	const struct moments of_treatment = moments_above(origin, arms.treatment.items, arms.treatment.count);
	if (!rank_test(arms.control.items, arms.control.count, arms.treatment.items, arms.treatment.count, one->arena, &ranks)) {
		error_memory(error, ERROR_LIMIT, "ranking the numbers of both arms");
		return NULL;
	}
	json_t *result = json_object();
	put_tests_of_means(result, &of_control, &of_treatment, alpha_of(one, error), error);
	compute_put_number(result, "mannwhitney_u_b", ranks.u, error);
	compute_put_number(result, "mannwhitney_p_asymptotic", ranks.p, error);
	compute_put_number(result, "mannwhitney_p_asymptotic_nocorrection", ranks.p_not_continuous, error);
	compute_put_number(result, "auc", ranks.area, error);
	if (!isnan(ranks.p_exact))
		compute_put_number(result, "mannwhitney_p_exact", ranks.p_exact, error);
	put_nan(result, arms.nan_control, arms.nan_treatment, error);
	return result;
}

/* The differences of the pairs of the arms, without those with a NaN, of which there were `nan`. They replace the numbers of the
 * treatment. */
static struct compute_row pairs_differ(const struct compute_row *control, const struct compute_row *treatment, size_t *nan)
{
	const size_t count = control->count < treatment->count ? control->count : treatment->count;
	struct compute_row pairs = {.items = treatment->items};
	for (size_t i = 0; i < count; i++) {
		const double difference = treatment->items[i] - control->items[i];
		if (!isnan(difference))
			pairs.items[pairs.count++] = difference;
	}
	*nan = count - pairs.count;
	return pairs;
}

/* The mixture SPRT of pairs with a known variance, at the looks that are asked for. */
static json_t *sequence_run(const struct compute_case *one, struct error *error)
{
	struct compute_row control, treatment, looks;
	double sigma2, tau2;
	if (!row_wanted(one, one->input, "control", &control, error) ||
	    !row_wanted(one, one->input, "treatment", &treatment, error) ||
	    !row_wanted(one, one->params, "checkpoints", &looks, error) || !compute_number(one->input, "sigma2", &sigma2, error) ||
	    !compute_number(one->input, "tau2", &tau2, error))
		return NULL;
	if (!(sigma2 > 0 && isfinite(sigma2)) || !(tau2 > 0 && isfinite(tau2))) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`sigma2` is %g and `tau2` %g; give variances above 0", sigma2, tau2);
		return NULL;
	}
	size_t nan;
	const struct compute_row pairs = pairs_differ(&control, &treatment, &nan);
	if (pairs.count == 0) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "no pair of `control` and `treatment` has two numbers");
		return NULL;
	}
	json_t *result = json_object(), *ratios = json_array(), *shares = json_array();
	double sum = 0, p = 1;
	for (size_t i = 0; i < pairs.count; i++) {
		const double count = (double)(i + 1);
		sum += pairs.items[i];
		const double ratio = sequence_log_ratio(sum / count, 2 * sigma2 / count, tau2);
		p = fmin(p, exp(-ratio));
		for (size_t look = 0; look < looks.count; look++) {
			if (looks.items[look] != count)
				continue;
			json_array_append_new(ratios, json_pack("[I,o]", (json_int_t)i + 1, compute_write(exp(ratio))));
			json_array_append_new(shares, json_pack("[I,o]", (json_int_t)i + 1, compute_write(p)));
		}
	}
	compute_put(result, "likelihood_ratio_at", ratios, error);
	compute_put(result, "always_valid_p_at", shares, error);
	compute_put_number(result, "confidence_sequence_halfwidth_at_n",
			   sequence_half_width(2 * sigma2 / (double)pairs.count, tau2, alpha_of(one, error)), error);
	compute_put(result, "nan_pairs", json_integer((json_int_t)nan), error);
	return result;
}

/* Of the units that have both numbers, each a value and another one beside it, what is above `origin`; the others are counted. */
static bool arm_of_pairs(const struct compute_case *one, const char *key, const char *beside, const char *value,
			 struct arm_unit origin, struct arm_sums *sums, size_t *nan, struct error *error)
{
	struct compute_row other, own;
	const json_t *arm = json_object_get(one->input, key);
	if (!row_wanted(one, arm, beside, &other, error) || !row_wanted(one, arm, value, &own, error))
		return false;
	if (other.count != own.count)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` and `%s` of `%s` differ in length", beside, value, key);
	*sums = (struct arm_sums){0};
	*nan = 0;
	for (size_t i = 0; i < other.count; i++) {
		if (isnan(own.items[i]) || isnan(other.items[i]))
			++*nan;
		else
			arm_sums_add(sums, own.items[i] - origin.value, other.items[i] - origin.beside);
	}
	return *nan < other.count || error_set(error, ERROR_INPUT, PLACE_NONE, "no unit of `%s` has both numbers", key);
}

/* Sums of units by their numbers of values, as `perUnit: ratio` has them. */
static json_t *ratio_run(const struct compute_case *one, struct error *error)
{
	struct arm_sums control, treatment;
	size_t nan_control, nan_treatment;
	const struct arm_unit zero = {0, 0};
	if (!arm_of_pairs(one, "control", "number", "sum", zero, &control, &nan_control, error) ||
	    !arm_of_pairs(one, "treatment", "number", "sum", zero, &treatment, &nan_treatment, error))
		return NULL;
	if (!(control.beside_mean > 0) || !(treatment.beside_mean > 0)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "the sum of `number` is not above 0 in each arm");
		return NULL;
	}
	const struct moments c = arm_sums_ratio_moments(&control), t = arm_sums_ratio_moments(&treatment);
	const struct t_test welch = welch_test(&c, &t, alpha_of(one, error));
	json_t *result = json_object();
	compute_put_number(result, "ratio_control", c.mean, error);
	compute_put_number(result, "ratio_treatment", t.mean, error);
	compute_put_number(result, "difference", welch.difference, error);
	compute_put_number(result, "standard_error",
			   sqrt(moments_variance(&c, 1) / (double)c.count + moments_variance(&t, 1) / (double)t.count), error);
	compute_put_number(result, "welch_p", welch.p, error);
	put_interval(result, "ci95", welch.interval, error);
	put_nan(result, nan_control, nan_treatment, error);
	return result;
}

/* The control's means, so that an offset of all numbers costs their squares and products no digits. */
static bool origin_of_pairs(const struct compute_case *one, struct arm_unit *origin, struct error *error)
{
	const struct arm_unit zero = {0, 0};
	struct arm_sums control;
	size_t nan;
	if (!arm_of_pairs(one, "control", "pre", "post", zero, &control, &nan, error))
		return false;
	*origin = isfinite(control.mean) && isfinite(control.beside_mean) ? (struct arm_unit){control.mean, control.beside_mean}
									  : zero;
	return true;
}

static json_t *cuped_run(const struct compute_case *one, struct error *error)
{
	struct arm_unit origin;
	struct arm_sums control, treatment;
	size_t nan_control, nan_treatment;
	if (!origin_of_pairs(one, &origin, error) ||
	    !arm_of_pairs(one, "control", "pre", "post", origin, &control, &nan_control, error) ||
	    !arm_of_pairs(one, "treatment", "pre", "post", origin, &treatment, &nan_treatment, error))
		return NULL;
	const struct cuped cuped = cuped_adjust(&control, &treatment);
	const struct t_test welch = welch_test(&cuped.control, &cuped.treatment, alpha_of(one, error));
	json_t *result = json_object();
	compute_put_number(result, "theta", cuped.theta, error);
	compute_put_number(result, "adjusted_mean_control", origin.value + cuped.control.mean, error);
	compute_put_number(result, "adjusted_mean_treatment", origin.value + cuped.treatment.mean, error);
	compute_put_number(result, "adjusted_variance_control", moments_variance(&cuped.control, 1), error);
	compute_put_number(result, "difference", welch.difference, error);
	compute_put_number(result, "welch_p", welch.p, error);
	compute_put_number(result, "variance_reduction", cuped.reduction, error);
	put_nan(result, nan_control, nan_treatment, error);
	return result;
}

/* ---- rates ---- */

static bool rate_of(const struct compute_case *one, const char *key, struct rate *rate, struct error *error)
{
	const json_t *arm = json_object_get(one->input, key);
	if (!compute_number(arm, "successes", &rate->successes, error) || !compute_number(arm, "n", &rate->trials, error))
		return false;
	if (!(rate->successes >= 0 && rate->successes <= rate->trials && rate->trials <= 1e9) ||
	    rate->successes != floor(rate->successes) || rate->trials != floor(rate->trials))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`%s` has %g successes of %g; give integers, successes from 0 to n, and n of at most 1e9", key,
				 rate->successes, rate->trials);
	return true;
}

/* Of the parameters of posteriors: below the least most of the mass is at rates that are no number above 0. */
#define PARAMETER_LEAST 0.05
#define PARAMETER_MOST 1e12

static bool posterior_check(struct beta_posterior posterior, struct error *error)
{
	if (fmin(posterior.alpha, posterior.beta) >= PARAMETER_LEAST && fmax(posterior.alpha, posterior.beta) <= PARAMETER_MOST)
		return true;
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "a posterior has `alpha` %g and `beta` %g; give a `prior` with which they are from %g to %g",
			 posterior.alpha, posterior.beta, PARAMETER_LEAST, PARAMETER_MOST);
}

static json_t *posterior_run(const struct compute_case *one, struct rate control, struct rate treatment, struct error *error)
{
	const json_t *prior = json_object_get(one->input, "prior");
	const double alpha = compute_number_or(prior, "alpha", 1, error), beta = compute_number_or(prior, "beta", 1, error);
	if (!(alpha > 0) || !(beta > 0)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`alpha` and `beta` of `prior` are above 0");
		return NULL;
	}
	const struct beta_posterior c = {alpha + control.successes, beta + control.trials - control.successes};
	const struct beta_posterior t = {alpha + treatment.successes, beta + treatment.trials - treatment.successes};
	if (!posterior_check(c, error) || !posterior_check(t, error))
		return NULL;
	json_t *result = json_object();
	compute_put_number(result, "p_b_greater_a", posterior_above(t, c), error);
	compute_put_number(result, "expected_loss_choose_b", posterior_loss(t, c), error);
	compute_put_number(result, "expected_loss_choose_a", posterior_loss(c, t), error);
	put_interval(result, "posterior_control", (struct interval){c.alpha, c.beta}, error);
	put_interval(result, "posterior_treatment", (struct interval){t.alpha, t.beta}, error);
	put_interval(result, "credible95_treatment", posterior_interval(t, 0.05), error);
	return result;
}

static json_t *rates_run(const struct compute_case *one, struct error *error)
{
	struct rate control, treatment;
	if (!rate_of(one, "control", &control, error) || !rate_of(one, "treatment", &treatment, error))
		return NULL;
	if (compute_has(one->input, "prior"))
		return posterior_run(one, control, treatment, error);
	const double alpha = alpha_of(one, error);
	const struct rate_test test = rate_test(control, treatment, alpha);
	const double chi_square = rate_chi_square(control, treatment, 0), yates = rate_chi_square(control, treatment, 0.5);
	json_t *result = json_object();
	compute_put_number(result, "p_control", control.successes / control.trials, error);
	compute_put_number(result, "p_treatment", treatment.successes / treatment.trials, error);
	compute_put_number(result, "z_pooled", test.z, error);
	compute_put_number(result, "p_value", test.p, error);
	put_interval(result, "wilson_control", rate_wilson(control, alpha), error);
	put_interval(result, "wilson_treatment", rate_wilson(treatment, alpha), error);
	put_interval(result, "clopper_pearson_treatment", rate_clopper_pearson(treatment, alpha), error);
	put_interval(result, "newcombe_difference", test.newcombe, error);
	put_interval(result, "wald_difference", rate_wald(control, treatment, alpha), error);
	compute_put_number(result, "chi2", chi_square, error);
	compute_put_number(result, "chi2_p", chi_square_sf(chi_square, 1), error);
	compute_put_number(result, "chi2_yates", yates, error);
	compute_put_number(result, "chi2_yates_p", chi_square_sf(yates, 1), error);
	compute_put_number(result, "fisher_p", rate_fisher_p(control, treatment), error);
	return result;
}

/* Whether all numbers are finite and not below 0, and one is above. */
static bool amounts_check(const char *key, const double *amounts, size_t count, struct error *error)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++) {
		if (!(amounts[i] >= 0))
			return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` has %g; give numbers from 0 on", key, amounts[i]);
		sum += amounts[i];
	}
	return (sum > 0 && isfinite(sum)) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the sum of `%s` is %g; give numbers whose sum is above 0 and finite", key,
			 sum);
}

static json_t *table_run(const struct compute_case *one, struct error *error)
{
	struct compute_table table;
	if (!compute_table(one, one->input, "table", &table, error))
		return NULL;
	double *expected = ARENA_ARRAY(one->arena, double, table.rows * table.columns);
	if (!expected || table.rows < 2 || table.columns < 2) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`table` has at least two rows and two columns");
		return NULL;
	}
	if (!amounts_check("table", table.items, table.rows * table.columns, error))
		return NULL;
	const struct table_test test = table_test(table.items, table.rows, table.columns, expected);
	json_t *result = json_object();
	compute_put_number(result, "statistic", test.statistic, error);
	compute_put_number(result, "dof", test.freedom, error);
	compute_put_number(result, "p", test.p, error);
	compute_put(result, "expected", compute_write_table(expected, table.rows, table.columns), error);
	return result;
}

static json_t *split_run(const struct compute_case *one, struct error *error)
{
	struct compute_row counts, shares;
	if (!row_wanted(one, one->input, "counts", &counts, error) ||
	    !row_wanted(one, one->input, "expected_ratio", &shares, error))
		return NULL;
	if (counts.count != shares.count) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`counts` and `expected_ratio` differ in length");
		return NULL;
	}
	if (!amounts_check("counts", counts.items, counts.count, error) ||
	    !amounts_check("expected_ratio", shares.items, shares.count, error))
		return NULL;
	const double alpha = compute_level(one->params, "alpha", SPLIT_ALPHA, error);
	const struct split_test test = split_test(counts.items, shares.items, counts.count, alpha);
	json_t *result = json_object();
	compute_put_number(result, "statistic", test.statistic, error);
	compute_put_number(result, "dof", test.freedom, error);
	compute_put_number(result, "p", test.p, error);
	compute_put(result, "mismatch", json_boolean(test.mismatch), error);
	return result;
}

/* ---- plans ---- */

/* A test that finds nothing still has alpha. */
static double power_of(const struct compute_case *one, double alpha, struct error *error)
{
	const double power = compute_level(one->input, "power", 0.8, error);
	if (!(power > alpha))
		error_set(error, ERROR_INPUT, PLACE_NONE, "`power` is %g; give a probability above `alpha`, which is %g", power,
			  alpha);
	return power;
}

static json_t *power_run(const struct compute_case *one, struct error *error)
{
	double effect;
	if (!compute_number(one->input, "effect_size", &effect, error))
		return NULL;
	const double alpha = alpha_of(one, error), power = power_of(one, alpha, error);
	const double ratio = compute_number_or(one->input, "ratio", 1, error);
	if (!(fabs(effect) > 0 && isfinite(effect)) || !(ratio > 0 && isfinite(ratio))) {
		error_set(error, ERROR_INPUT, PLACE_NONE,
			  "`effect_size` is %g and `ratio` %g; give an effect that is not 0, and a ratio above 0", effect, ratio);
		return NULL;
	}
	const double units = units_for_t(effect, alpha, power, ratio), whole = ceil(units);
	json_t *result = json_object();
	compute_put_number(result, "n_control", units, error);
	compute_put_number(result, "n_control_ceil", whole, error);
	compute_put_number(result, "achieved_power_at_ceil", power_of_t(effect, whole, ceil(whole * ratio), alpha), error);
	compute_put_number(result, "n_control_normal_approx", units_for_normal(effect, alpha, power, ratio), error);
	return result;
}

static json_t *power_rates_run(const struct compute_case *one, struct error *error)
{
	double p1, p2;
	if (!compute_number(one->input, "p1", &p1, error) || !compute_number(one->input, "p2", &p2, error))
		return NULL;
	if (!(p1 >= 0 && p1 <= 1 && p2 >= 0 && p2 <= 1) || p1 == p2) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`p1` is %g and `p2` %g; give two different rates from 0 to 1", p1, p2);
		return NULL;
	}
	const double alpha = alpha_of(one, error), power = power_of(one, alpha, error);
	const double units = units_for_rates(p1, p2, alpha, power), h = cohens_h(p1, p2);
	json_t *result = json_object();
	compute_put_number(result, "n_per_arm", units, error);
	compute_put_number(result, "n_per_arm_ceil", ceil(units), error);
	compute_put_number(result, "cohens_h", h, error);
	compute_put_number(result, "n_per_arm_cohens_h", units_for_h(h, alpha, power), error);
	return result;
}

static json_t *spending_run(const struct compute_case *one, struct error *error)
{
	struct compute_row looks;
	if (!row_wanted(one, one->input, "information", &looks, error))
		return NULL;
	for (size_t i = 0; i < looks.count; i++)
		if (!(looks.items[i] >= 0 && looks.items[i] <= 1)) {
			error_set(error, ERROR_INPUT, PLACE_NONE, "`information` has %g; give shares from 0 to 1", looks.items[i]);
			return NULL;
		}
	const double alpha = alpha_of(one, error);
	json_t *result = json_object(), *obrien_fleming = json_array(), *pocock = json_array();
	for (size_t i = 0; i < looks.count; i++) {
		json_array_append_new(obrien_fleming, compute_write(alpha_spent_obrien_fleming(looks.items[i], alpha)));
		json_array_append_new(pocock, compute_write(alpha_spent_pocock(looks.items[i], alpha)));
	}
	compute_put(result, "obrien_fleming_spent", obrien_fleming, error);
	compute_put(result, "pocock_spent", pocock, error);
	return result;
}

/* ---- distributions, at the arguments that are given ---- */

static double at_normal(double x, const double *with)
{
	(void)with;
	return normal_sf(x);
}

static double at_t(double x, const double *with)
{
	return student_t_sf(x, with[0]);
}

static double at_chi_square(double x, const double *with)
{
	return chi_square_sf(x, with[0]);
}

static double at_f(double x, const double *with)
{
	const double ratio = x * with[0] / with[1];
	return incomplete_beta(with[0] / 2, with[1] / 2, ratio / (1 + ratio), 1 / (1 + ratio)).upper;
}

static double at_beta(double x, const double *with)
{
	return incomplete_beta(with[0], with[1], x, 1 - x).lower;
}

static double at_gamma(double x, const double *with)
{
	return gamma_sf(x, with[0], with[1]);
}

static double at_kolmogorov(double x, const double *with)
{
	(void)with;
	return kolmogorov_sf(x);
}

static const struct {
	const char *key;
	double (*at)(double x, const double *with);
	const char *with[2];
} distributions[] = {
	{"norm_sf", at_normal, {NULL, NULL}},
	{"t_sf_df3", at_t, {"df", NULL}},
	{"t_sf_df250", at_t, {"df", NULL}},
	{"chi2_sf_df1", at_chi_square, {"df", NULL}},
	{"chi2_sf_df10", at_chi_square, {"df", NULL}},
	{"f_sf_4_20", at_f, {"df1", "df2"}},
	{"beta_cdf", at_beta, {"a", "b"}},
	{"gamma_sf", at_gamma, {"shape", "scale"}},
	{"kolmogorov_sf", at_kolmogorov, {NULL, NULL}},
};

static bool distribution_put(const struct compute_case *one, json_t *result, size_t which, const json_t *arguments,
			     struct error *error)
{
	const json_t *given = json_object_get(arguments, distributions[which].key);
	struct compute_row x;
	double with[2] = {0, 0};
	for (size_t i = 0; i < 2 && distributions[which].with[i]; i++)
		if (!compute_number(given, distributions[which].with[i], &with[i], error))
			return false;
	if (!row_wanted(one, compute_has(given, "x") ? given : one->input, "x", &x, error))
		return false;
	json_t *values = json_array();
	for (size_t i = 0; i < x.count; i++)
		json_array_append_new(values, compute_write(distributions[which].at(x.items[i], with)));
	compute_put(result, distributions[which].key, values, error);
	return true;
}

static bool quantiles_put(const struct compute_case *one, json_t *result, const json_t *given, struct error *error)
{
	struct compute_row p;
	if (!row_wanted(one, given, "p", &p, error))
		return false;
	json_t *values = json_array(), *both = json_object();
	for (size_t i = 0; i < p.count; i++)
		json_array_append_new(values, compute_write(normal_quantile(p.items[i])));
	compute_put(both, "p", compute_write_row(p.items, p.count), error);
	compute_put(both, "value", values, error);
	compute_put(result, "norm_ppf_of", both, error);
	return true;
}

static json_t *distributions_run(const struct compute_case *one, struct error *error)
{
	const json_t *arguments = json_object_get(one->params, "arguments");
	const json_t *binomial = json_object_get(arguments, "binom_sf_5_20_p3"), *p = json_object_get(arguments, "norm_ppf_of");
	json_t *result = json_object();
	bool sound = !p || quantiles_put(one, result, p, error);
	for (size_t i = 0; sound && i < sizeof(distributions) / sizeof(*distributions); i++)
		if (!distributions[i].with[0] || compute_has(arguments, distributions[i].key))
			sound = distribution_put(one, result, i, arguments, error);
	if (sound && binomial)
		compute_put_number(result, "binom_sf_5_20_p3",
				   binomial_sf(compute_number_or(binomial, "k", 0, error),
					       compute_number_or(binomial, "n", 0, error),
					       compute_number_or(binomial, "p", 0, error)),
				   error);
	return result;
}

/* ---- which of these a case asks for, by a key of its input ---- */

static const struct {
	const char *key;
	json_t *(*run)(const struct compute_case *one, struct error *error);
} kinds[] = {
	{"table", table_run},	    {"counts", split_run},	  {"effect_size", power_run}, {"p1", power_rates_run},
	{"information", spending_run}, {"sigma2", sequence_run}, {"x", distributions_run},
};

static json_t *abtest_run(const struct compute_case *one, struct error *error)
{
	const json_t *control = json_object_get(one->input, "control");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (compute_has(one->input, kinds[i].key))
			return compute_made(kinds[i].run(one, error), error);
	if (json_object_get(control, "pre"))
		return compute_made(cuped_run(one, error), error);
	if (json_object_get(control, "sum"))
		return compute_made(ratio_run(one, error), error);
	return compute_made(json_is_object(control) ? rates_run(one, error) : means_run(one, error), error);
}

static const struct compute_method methods[] = {
	{"means", "difference = treatment - control; Welch, Student, Cohen, Hedges by gamma functions, Glass, Mann-Whitney with "
		  "midranks; exact up to 40 in each arm without ties"},
	{"rates", "z pooled; Wilson, Clopper-Pearson, Newcombe from Wilson, Wald; chi-square with and without Yates; Fisher"},
	{"chi2_table", "independence of rows and columns"},
	{"srm", "chi-square against the planned shares, a mismatch below p = .001"},
	{"power", "noncentral t, both tails; for rates pooled and unpooled normal, and Cohen's h"},
	{"bayes", "beta posteriors: P(B > A), expected loss E[max(other - chosen, 0)], by quadrature"},
	{"msprt", "L = (1 + tau2/v)^(-1/2) exp(tau2 d^2 / (2 v (v + tau2))), p = min over looks of 1/L; d +- sqrt(v (1 + v/tau2) "
		  "(2 ln(1/alpha) + ln(1 + tau2/v)))"},
	{"alpha_spending", "Lan-DeMets, of two sides"},
	{"cuped", "theta = total covariance / total variance, arms taken together"},
	{"ratio", "sums of units by their numbers of values, linearised: variance of (sum - ratio x number) / mean number; Welch"},
	{"bootstrap", "percentile interval of the difference of means"},
	{NULL, NULL},
};

const struct compute_family compute_abtest = {
	.name = "abtest",
	.summary = "statistics of experiments: `control` and `treatment` as lists, rates or pairs; splits, power",
	.methods = methods,
	.parameters = "alpha arguments checkpoints level resamples",
	.run = abtest_run,
};
