/* performance_test.c: Tests of how good an estimated performance is: its band over windows whose truth is drawn. Errors of
 * regressors likewise. */
#include "methods/drift/tests/auc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"

#define WINDOWS 200
#define ROWS 1000

static struct random chance = {5};

static double uniform(void)
{
	return ((double)(random_next(&chance) >> 11) + 0.5) * 0x1p-53;
}

/* What was so in a window. */
struct realised {
	double right, predicted, found, positives;
};

/* A window whose inputs have shifted by so much: probabilities are logistic in the input, and true. `turned`: the same
 * inputs mean the opposite. */
static void window_draw(struct performance *performance, struct realised *realised, double shift, bool turned)
{
	*performance = (struct performance){0};
	*realised = (struct realised){0};
	for (size_t i = 0; i < ROWS; i++) {
		double input = shift + 6 * (uniform() - 0.5), positive = 1 / (1 + exp(-2 * input));
		bool predicted = positive >= 0.5, true_one = uniform() < (turned ? 1 - positive : positive);
		performance_add(performance, positive, predicted);
		realised->right += predicted == true_one;
		realised->predicted += predicted;
		realised->found += predicted && true_one;
		realised->positives += true_one;
	}
}

static bool holds(struct performance_estimate estimate, double value)
{
	return value >= estimate.low && value <= estimate.high;
}

static void the_band_holds_where_only_inputs_shift(void **state)
{
	(void)state;
	size_t accuracy = 0, precision = 0, recall = 0;
	for (size_t i = 0; i < WINDOWS; i++) {
		struct performance performance;
		struct realised realised;
		window_draw(&performance, &realised, 2 * uniform() - 1, false);
		accuracy += holds(performance_accuracy(&performance, 0.95), realised.right / ROWS);
		precision += holds(performance_precision(&performance, 0.95), realised.found / realised.predicted);
		recall += holds(performance_recall(&performance, 0.95), realised.found / realised.positives);
	}
	/* 190 are expected, and 3 deviations are 9; a band without the chance of the truth itself would hold in all or few. */
	assert_in_range(accuracy, 180, 199);
	assert_in_range(precision, 180, 199);
	assert_in_range(recall, 180, 199);
}

/* Of a classifier that is hardly ever wrong, most windows have no mistake, some one, and few two. */
static void the_band_holds_where_mistakes_are_few(void **state)
{
	(void)state;
	static const double mistakes[] = {0.05, 0.13, 0.15, 0.5, 0.54, 1.3, 3}; /* expected in a window */
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		const double wrong = mistakes[i] / ROWS;
		size_t accuracy = 0, precision = 0;
		for (size_t window = 0; window < WINDOWS; window++) {
			struct performance performance = {0};
			double right = 0, predicted = 0, found = 0;
			for (size_t row = 0; row < ROWS; row++) {
				const bool positive = row % 2 == 0, is_right = uniform() >= wrong;
				performance_add(&performance, positive ? 1 - wrong : wrong, positive);
				right += is_right;
				predicted += positive;
				found += positive && is_right;
			}
			accuracy += holds(performance_accuracy(&performance, 0.95), right / ROWS);
			precision += holds(performance_precision(&performance, 0.95), found / predicted);
		}
		assert_true(accuracy >= 180 && precision >= 180);
	}
}

static void a_change_of_meaning_is_not_seen(void **state)
{
	(void)state;
	struct performance performance;
	struct realised realised;
	window_draw(&performance, &realised, 0, true);
	assert_true(performance_accuracy(&performance, 0.95).low > 0.8);
	assert_true(realised.right / ROWS < 0.2);
}

static void without_rows_there_is_no_estimate(void **state)
{
	(void)state;
	struct performance performance = {0};
	performance_add(&performance, (double)NAN, true);
	performance_add(&performance, 1.5, true);
	assert_true(isnan(performance_accuracy(&performance, 0.95).value));
	performance_add(&performance, 0, false);
	assert_true(isnan(performance_precision(&performance, 0.95).low));
	assert_true(isnan(performance_recall(&performance, 0.95).high));
	assert_true(performance_accuracy(&performance, 0.95).value == 1);
}

/* ---- expected errors ---- */

/* A window whose rows have so much error on average, as expected; its own mean. */
static double errors_draw(struct expected_errors *errors, double shift, double (*law)(void))
{
	double sum = 0;
	*errors = (struct expected_errors){0};
	for (size_t i = 0; i < ROWS; i++) {
		const double expected = exp(shift + 2 * uniform());
		expected_errors_add(errors, expected);
		sum += expected * law();
	}
	return sum / ROWS;
}

/* Absolute errors of mean 1: of Laplace's law, and of a normal one. */
static double error_laplace(void)
{
	return -log(uniform());
}

static double error_normal(void)
{
	return sqrt(M_PI_2) * fabs(sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()));
}

static size_t errors_hold(double (*law)(void))
{
	size_t held = 0;
	for (size_t i = 0; i < WINDOWS; i++) {
		struct expected_errors errors;
		const double mean = errors_draw(&errors, 3 * uniform(), law);
		held += holds(expected_errors_mean(&errors, 0.95), mean);
	}
	return held;
}

static void the_band_of_errors_holds_where_only_inputs_shift(void **state)
{
	(void)state;
	assert_in_range(errors_hold(error_laplace), 180, 199);
	assert_in_range(errors_hold(error_normal), 190, WINDOWS); /* which vary less: 197 are expected */
}

static void the_estimated_error_is_the_mean_of_what_is_expected(void **state)
{
	struct expected_errors errors = {0};
	(void)state;
	assert_true(isnan(expected_errors_mean(&errors, 0.95).value));
	expected_errors_add(&errors, 1);
	expected_errors_add(&errors, 5);
	expected_errors_add(&errors, (double)NAN);
	expected_errors_add(&errors, -1);
	expected_errors_add(&errors, (double)INFINITY);
	const struct performance_estimate mean = expected_errors_mean(&errors, 0.95);
	assert_int_equal(errors.rows, 2);
	assert_true(mean.value == 3 && mean.low == 0); /* no error is less */
	assert_true(fabs(mean.high - (3 + 1.959963984540054 * sqrt(26) / 2)) < 1e-9);
}

/* Finite numbers may have squares that are not, or sums of squares. */
static void an_error_beyond_measure_leaves_the_band_of_the_others(void **state)
{
	static const double beyond[] = {1e154, 1e200, 0x1.fffffffffffffp1023};
	struct expected_errors errors = {0};
	(void)state;
	expected_errors_add(&errors, 1);
	expected_errors_add(&errors, 5);
	const struct performance_estimate wanted = expected_errors_mean(&errors, 0.95);
	for (size_t i = 0; i < 300; i++)
		expected_errors_add(&errors, beyond[i % 3]);
	const struct performance_estimate mean = expected_errors_mean(&errors, 0.95);
	assert_int_equal(errors.rows, 2);
	assert_true(mean.value == wanted.value && mean.low == wanted.low && mean.high == wanted.high);
	expected_errors_add(&errors, EXPECTED_ERROR_MAX);
	assert_int_equal(errors.rows, 3);
	assert_true(isfinite(expected_errors_mean(&errors, 0.95).high));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_band_holds_where_only_inputs_shift),
		cmocka_unit_test(the_band_holds_where_mistakes_are_few),
		cmocka_unit_test(a_change_of_meaning_is_not_seen),
		cmocka_unit_test(without_rows_there_is_no_estimate),
		cmocka_unit_test(the_band_of_errors_holds_where_only_inputs_shift),
		cmocka_unit_test(the_estimated_error_is_the_mean_of_what_is_expected),
		cmocka_unit_test(an_error_beyond_measure_leaves_the_band_of_the_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
