/* distribution_test.c: distributions beside reference numbers, worked out with 40 digits by mpmath. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "methods/statistics/distribution.h"
#include "methods/statistics/special.h"

/* What is promised is 1e-9; what is there is better, and stays so. */
#define NEAR 2e-11

struct beside {
	const char *call;
	double got, wanted;
};

#define ROW(call, wanted) {#call, call, wanted}

static void expect_near(const struct beside *rows, size_t count, double near)
{
	for (size_t i = 0; i < count; i++)
		if (!(fabs(rows[i].got - rows[i].wanted) <= near * fabs(rows[i].wanted)))
			fail_msg("%s is %.17g, not %.17g", rows[i].call, rows[i].got, rows[i].wanted);
}

#define EXPECT_NEAR(rows, near) expect_near(rows, sizeof(rows) / sizeof(*(rows)), near)

static void shares_of_gamma_keep_their_digits(void **state)
{
	(void)state;
	const struct beside rows[] = {
		ROW(gamma_sf(0.1, 0.5, 1), 0.65472084601857702),
		ROW(gamma_sf(30, 0.5, 1), 9.4857375710738484e-15),
		ROW(gamma_sf(300, 0.5, 1), 1.6741679846917878e-132),
		ROW(gamma_sf(0.01, 5, 1), 0.99999999999917358),
		ROW(gamma_sf(100, 5, 1), 1.6139305336977305e-37),
		ROW(gamma_sf(20, 50, 1), 0.99999998754107392),
		ROW(gamma_sf(150, 50, 1), 7.4121008573228768e-22),
		ROW(gamma_sf(11000, 10000.0, 1), 1.6928531496469328e-22),
		ROW(gamma_sf(1006000.0, 1000000.0, 1), 1.0597397352843813e-9),
		ROW(gamma_sf(994000.0, 1000000.0, 1), 0.99999999908210997),
		ROW(gamma_sf(1e-05, 0.001, 1), 0.010876955304217331),
		ROW(gamma_sf(3, 0.001, 1), 1.3073139801213743e-5),
		ROW(gamma_sf(30, 3.3, 1), 9.4034087516473961e-11),
		ROW(gamma_sf(100000.0, 100000.0, 1), 0.49957947788963482),
		ROW(incomplete_gamma(0.5, 0.1).lower, 0.34527915398142298),
		ROW(incomplete_gamma(0.5, 30).lower, 0.99999999999999051),
		ROW(incomplete_gamma(5, 0.01).lower, 8.2641856418064986e-13),
		ROW(incomplete_gamma(50, 20).lower, 1.2458926079719379e-8),
		ROW(incomplete_gamma(10000.0, 9000.0).lower, 2.073299202433928e-25),
		ROW(incomplete_gamma(1000000.0, 1006000.0).lower, 0.99999999894026026),
		ROW(incomplete_gamma(1000000.0, 994000.0).lower, 9.1789002623020234e-10),
		ROW(incomplete_gamma(0.001, 1e-05).lower, 0.98912304469578267),
		ROW(incomplete_gamma(0.001, 3).lower, 0.99998692686019879),
		ROW(incomplete_gamma(3.3, 30).lower, 0.99999999990596591),
		ROW(incomplete_gamma(100000.0, 100000.0).lower, 0.50042052211036518),
	};
	EXPECT_NEAR(rows, NEAR);
}

static double beta_below(double x, double a, double b)
{
	return incomplete_beta(a, b, x, 1 - x).lower;
}

static double beta_above(double x, double a, double b)
{
	return incomplete_beta(a, b, x, 1 - x).upper;
}

static void shares_of_beta_keep_their_digits(void **state)
{
	(void)state;
	const struct beside rows[] = {
		ROW(beta_below(1e-09, 0.5, 0.5), 2.0131684845150095e-5),
		ROW(beta_below(0.3, 0.5, 0.5), 0.36901011956554538),
		ROW(beta_below(0.01, 2.5, 7), 0.0004775896614751447),
		ROW(beta_below(0.9, 2.5, 7), 0.9999984479014958),
		ROW(beta_below(0.1, 100, 200), 2.778998163700858e-28),
		ROW(beta_below(0.31, 10000.0, 20000.0), 1.9894546373719357e-18),
		ROW(beta_below(0.2, 0.01, 5), 0.99781803807703533),
		ROW(beta_below(0.5, 0.001, 1), 0.99930709299045252),
		ROW(beta_below(0.9999, 100000.0, 10), 0.45781085958512583),
		ROW(beta_below(1e-05, 3, 1000000.0), 0.99723074048185262),
		ROW(beta_below(1e-08, 3, 1000000.0), 1.654221503078637e-7),
		ROW(beta_below(0.501, 1000000.0, 1000000.0), 0.9976611505930685),
		ROW(beta_above(1e-09, 0.5, 0.5), 0.99997986831515485),
		ROW(beta_above(0.3, 0.5, 0.5), 0.63098988043445462),
		ROW(beta_above(0.01, 2.5, 7), 0.99952241033852486),
		ROW(beta_above(0.9, 2.5, 7), 1.5520985041982841e-6),
		ROW(beta_above(0.6, 100, 200), 5.7824080104460845e-21),
		ROW(beta_above(0.36, 10000.0, 20000.0), 1.8510339312647716e-22),
		ROW(beta_above(0.2, 0.01, 5), 0.0021819619229646661),
		ROW(beta_above(0.5, 0.001, 1), 0.00069290700954747809),
		ROW(beta_above(1e-05, 3, 1000000.0), 0.0027692595181473832),
		ROW(beta_above(1e-08, 3, 1000000.0), 0.99999983457784969),
		ROW(beta_above(0.501, 1000000.0, 1000000.0), 0.0023388494069315048),
		ROW(beta_above(0.05, 0.5, 1000), 4.1827584370668727e-24),
		ROW(log_beta(0.5, 0.5), 1.1447298858494002),
		ROW(log_beta(0.5, 0.5), 1.1447298858494002),
		ROW(log_beta(2.5, 7), -4.8253993383142483),
		ROW(log_beta(2.5, 7), -4.8253993383142483),
		ROW(log_beta(100, 200), -192.13419227497895),
		ROW(log_beta(100, 200), -192.13419227497895),
		ROW(log_beta(10000.0, 20000.0), -19098.908538220892),
		ROW(log_beta(10000.0, 20000.0), -19098.908538220892),
		ROW(log_beta(0.01, 5), 4.5844076433326223),
		ROW(log_beta(0.001, 1), 6.907755278982137),
		ROW(log_beta(100000.0, 10), -102.32787715537149),
		ROW(log_beta(3, 1000000.0), -40.753387493330377),
		ROW(log_beta(3, 1000000.0), -40.753387493330377),
		ROW(log_beta(1000000.0, 1000000.0), -1.3863000033629211e+6),
		ROW(log_beta(0.5, 1000), -2.8813876965715768),
	};
	EXPECT_NEAR(rows, NEAR);
}

static void shares_of_t_and_f_keep_their_digits(void **state)
{
	(void)state;
	const struct beside rows[] = {
		ROW(student_t_sf(0.1, 1), 0.46827448256944643),
		ROW(student_t_sf(5, 1), 0.062832958189001184),
		ROW(student_t_sf(1000000.0, 1), 3.1830988618368457e-7),
		ROW(student_t_sf(1e+200, 0.5), 3.2070097541422291e-101),
		ROW(student_t_sf(30, 250.5), 3.3770390322324739e-85),
		ROW(student_t_sf(8, 1000000.0), 6.2275317166012598e-16),
		ROW(student_t_sf(2, 3), 0.069662984279421588),
		ROW(student_t_sf(37, 100000000.0), 5.7524998884114575e-300),
		ROW(student_t_sf(1e-05, 7), 0.49999615008549175),
		ROW(student_t_cdf(-0.1, 1), 0.46827448256944643),
		ROW(student_t_cdf(-5, 1), 0.062832958189001184),
		ROW(student_t_cdf(-1000000.0, 1), 3.1830988618368457e-7),
	};
	EXPECT_NEAR(rows, NEAR);
}

static void shares_of_t_keep_their_digits_at_any_freedom(void **state)
{
	(void)state;
	const struct beside rows[] = {
		ROW(student_t_sf(3, 1e8), 0.00134989836401874719),   ROW(student_t_sf(2, 5e8), 0.02275013221813404),
		ROW(student_t_sf(3, 2e9), 0.00134989804824952613),  ROW(student_t_sf(2, 1e10), 0.0227501319616769488),
		ROW(student_t_sf(30, 1e12), 4.9067149229648161e-198), ROW(student_t_sf(1.96, 1e14), 0.0249978951482218227),
		ROW(student_t_sf(0.5, 1e15), 0.308537538725986951),  ROW(student_t_sf(-1, 1e18), 0.841344746068542948),
	};
	EXPECT_NEAR(rows, NEAR);
}

static void shares_of_noncentral_t_keep_their_digits(void **state)
{
	(void)state;
	const struct beside rows[] = {
		ROW(noncentral_t_sf(1.96, 10, 0), 0.039218120123849856),
		ROW(noncentral_t_sf(1.96, 10, 2.8), 0.79279237206587756),
		ROW(noncentral_t_sf(-3, 10, 2.8), 0.99999958617321295),
		ROW(noncentral_t_sf(15, 10, 2.8), 2.1300186818905041e-5),
		ROW(noncentral_t_sf(5, 1, 3), 0.44376235897727827),
		ROW(noncentral_t_sf(40, 300, 20), 2.4572288094712953e-28),
		ROW(noncentral_t_sf(10, 300, 20), 1.0),
		ROW(noncentral_t_sf(2, 100000.0, 2.8), 0.7881437323686396),
		ROW(noncentral_t_sf(-2, 100000.0, 2.8), 0.99999920646187893),
		ROW(noncentral_t_sf(1.96, 1e10, 2.8), 0.799545806730670802),
		ROW(noncentral_t_sf(1.96, 1e14, 2.8), 0.799545806739549411),
		ROW(noncentral_t_sf(-2, 1e13, 1), 0.998650101968368354),
		ROW(noncentral_t_cdf(-2, 1e13, 1), 0.00134989803163165),
		ROW(noncentral_t_sf(37, 1e12, 2), 1.12491117884724577e-268),
		ROW(noncentral_t_sf(40, 1e10, 20), 2.75366834175368607e-89),
		ROW(noncentral_t_sf(1000, 2e9, 999), 0.158685526738040755),
		ROW(noncentral_t_sf(1000, 2e10, 1003), 0.998649935823222098),
		ROW(noncentral_t_sf(0.5, 0.8, 1), 0.72351745884049343),
		ROW(noncentral_t_sf(60, 50, 30), 2.6600511076055917e-8),
		ROW(noncentral_t_sf(1.97, 784, 2.8), 0.79661823320887205),
		ROW(noncentral_t_sf(8, 5, -1), 1.8723300725948237e-5),
		ROW(noncentral_t_cdf(1.96, 10, 0), 0.96078187987615014),
		ROW(noncentral_t_cdf(1.96, 10, 2.8), 0.20720762793412244),
		ROW(noncentral_t_cdf(-3, 10, 2.8), 4.1382678705466018e-7),
		ROW(noncentral_t_cdf(15, 10, 2.8), 0.99997869981318109),
		ROW(noncentral_t_cdf(5, 1, 3), 0.55623764102272173),
		ROW(noncentral_t_cdf(10, 300, 20), 1.282428236560539e-20),
		ROW(noncentral_t_cdf(2, 100000.0, 2.8), 0.2118562676313604),
		ROW(noncentral_t_cdf(-2, 100000.0, 2.8), 7.9353812107309807e-7),
		ROW(noncentral_t_cdf(0.5, 0.8, 1), 0.27648254115950657),
		ROW(noncentral_t_cdf(60, 50, 30), 0.99999997339948892),
		ROW(noncentral_t_cdf(1.97, 784, 2.8), 0.20338176679112795),
		ROW(noncentral_t_cdf(8, 5, -1), 0.99998127669927405),
	};
	EXPECT_NEAR(rows, NEAR);
}

static void shares_of_kolmogorov_keep_their_digits(void **state)
{
	(void)state;
	const struct beside rows[] = {
		ROW(kolmogorov_cdf(0.1), 6.6093052422455609e-53),
		ROW(kolmogorov_cdf(0.3), 9.3058013345666228e-6),
		ROW(kolmogorov_cdf(0.8), 0.45585758842580192),
		ROW(kolmogorov_cdf(1), 0.73000032832264548),
		ROW(kolmogorov_cdf(3), 0.99999996954004051),
		ROW(kolmogorov_sf(0.1), 1),
		ROW(kolmogorov_sf(0.3), 0.99999069419866543),
		ROW(kolmogorov_sf(0.8), 0.54414241157419808),
		ROW(kolmogorov_sf(1), 0.26999967167735452),
		ROW(kolmogorov_sf(3), 3.0459959489425257e-8),
		ROW(kolmogorov_sf(10), 2.7677930534734751e-87),
	};
	EXPECT_NEAR(rows, NEAR);
}

/* scipy 1.17.1 */
static void shares_of_the_others_keep_their_digits(void **state)
{
	(void)state;
	const struct beside rows[] = {
		ROW(normal_sf(30), 4.906713927148187e-198),
		ROW(normal_cdf(-2.5), 0.006209665325776132),
		ROW(normal_critical(1e-12), 7.034483825301131),
		ROW(chi_square_sf(30, 10), 0.000856641210775301),
		ROW(binomial_sf(5, 20, 0.3), 0.5836291705525192),
		ROW(binomial_sf(20, 20, 0.3), 0),
		ROW(student_t_sf(2, INFINITY), normal_sf(2)),
		ROW(student_t_sf(1e200, 0.5), 3.2070097541422291e-101),
		ROW(log_gamma(0.5), 0.57236494292470008),
	};
	EXPECT_NEAR(rows, NEAR);
}

static const double shares[] = {1e-300, 1e-12, 1e-4, 0.3, 0.5, 0.7, 0.975};

static void expect_share(double got, double share, const char *name)
{
	if (!(fabs(got - share) <= 1e-10 * share))
		fail_msg("%s: the share at its quantile is %.17g, not %.17g", name, got, share);
}

static void quantiles_are_where_the_shares_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		const double share = shares[i];
		expect_share(student_t_sf(student_t_critical(share, 1), 1), share, "t, 1 degree");
		expect_share(student_t_sf(student_t_critical(share, 1e7), 1e7), share, "t, many degrees");
		expect_share(chi_square_sf(chi_square_critical(share, 1), 1), share, "chi-square, above");
		expect_share(beta_below(beta_quantile(share, 100, 2e4), 100, 2e4), share, "beta");
		const double odds = f_critical(share, 1, 1e6) / 1e6;
		expect_share(incomplete_beta(0.5, 5e5, odds / (1 + odds), 1 / (1 + odds)).upper, share, "F, above");
	}
}

static void quantiles_of_nothing_and_of_all_are_the_ends(void **state)
{
	(void)state;
	assert_true(student_t_critical(0, 5) == INFINITY && student_t_critical(0.5, 5) == 0);
	assert_true(chi_square_critical(0, 1) == INFINITY && chi_square_critical(1, 1) == 0);
	assert_true(beta_quantile(0, 2, 1) == 0 && beta_quantile(1, 2, 1) == 1);
	assert_true(f_critical(0, 2, 1) == INFINITY && f_critical(1, 2, 1) == 0);
}

static void what_is_out_of_its_domain_is_no_number(void **state)
{
	(void)state;
	assert_true(isnan(student_t_sf(1, 0)) && isnan(student_t_sf(NAN, 3)) && isnan(student_t_critical(1.5, 3)));
	assert_true(isnan(noncentral_t_cdf(1, -1, 0)));
	assert_true(isnan(gamma_sf(1, -1, 1)) && isnan(gamma_sf(1, 1, 0)) && isnan(chi_square_critical(0.5, 0)));
	assert_true(isnan(beta_quantile(NAN, 1, 1)) && isnan(beta_quantile(0.5, 0, 1)));
	assert_true(isnan(binomial_sf(1, 2, 1.5)) && isnan(kolmogorov_sf(NAN)));
	assert_true(isnan(log_beta(0, 1)));
}

static double cubic(const void *context, double x)
{
	return x * x * x - *(const double *)context;
}

static void a_root_lies_between_ends_of_two_signs(void **state)
{
	(void)state;
	const double eight = 8, none = 1e9;
	assert_true(fabs(root_between(cubic, &eight, -1000, 1e6) - 2) < 1e-15);
	assert_true(root_between(cubic, &eight, 2, 5) == 2);
	assert_true(root_between(cubic, &none, 1, 5) == 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_of_gamma_keep_their_digits),
		cmocka_unit_test(shares_of_beta_keep_their_digits),
		cmocka_unit_test(shares_of_t_and_f_keep_their_digits),
		cmocka_unit_test(shares_of_t_keep_their_digits_at_any_freedom),
		cmocka_unit_test(shares_of_noncentral_t_keep_their_digits),
		cmocka_unit_test(shares_of_kolmogorov_keep_their_digits),
		cmocka_unit_test(shares_of_the_others_keep_their_digits),
		cmocka_unit_test(quantiles_are_where_the_shares_are),
		cmocka_unit_test(quantiles_of_nothing_and_of_all_are_the_ends),
		cmocka_unit_test(what_is_out_of_its_domain_is_no_number),
		cmocka_unit_test(a_root_lies_between_ends_of_two_signs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
