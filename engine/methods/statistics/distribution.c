/* distribution.c: see distribution.h. */
#include "methods/statistics/distribution.h"

#include <float.h>
#include <math.h>

#include "methods/statistics/special.h"

#define EXPONENT_SMALL 45.0 /* what is so much less than the peak adds no digit */
#define POINTS_SCAN 2048    /* to find the peak */
#define POINTS_FIRST 128
#define POINTS_MOST (1 << 18)
#define SUM_NEAR 1e-13

struct integrand {
	double (*exponent)(const void *context, double x);
	const void *context;
	double peak; /* what is taken off the exponent */
};

/* Twice as many points a round, until the sum stays. */
static double trapezoid_sum(const struct integrand *of, double low, double high)
{
	double before = NAN, sum = 0;
	for (long points = POINTS_FIRST; points <= POINTS_MOST; points *= 2) {
		const double step = (high - low) / (double)points;
		const long every = isnan(before) ? 1 : 2;
		for (long i = every - 1; i <= points; i += every)
			sum += exp(of->exponent(of->context, low + (double)i * step) - of->peak);
		if (fabs(sum * step - before) <= SUM_NEAR * fabs(before))
			return sum * step;
		before = sum * step;
	}
	return before;
}

double log_integral(double (*exponent)(const void *context, double x), const void *context, double low, double high)
{
	struct integrand of = {exponent, context, -INFINITY};
	const double step = (high - low) / POINTS_SCAN;
	for (int i = 0; i <= POINTS_SCAN; i++)
		of.peak = fmax(of.peak, exponent(context, low + i * step));
	if (isinf(of.peak))
		return of.peak;
	int first = 0, last = POINTS_SCAN;
	while (first < last && exponent(context, low + first * step) < of.peak - EXPONENT_SMALL)
		first++;
	while (last > first && exponent(context, low + last * step) < of.peak - EXPONENT_SMALL)
		last--;
	const double from = low + (first > 0 ? first - 1 : 0) * step, to = low + (last < POINTS_SCAN ? last + 1 : last) * step;
	return of.peak + log(trapezoid_sum(&of, from, to));
}

#define ROUNDS_MOST 200 /* bisection alone needs fewer, from any double to any other but those near 0 */

struct root_point {
	double x, value;
};

/* The step from `best` by interpolation through the points that are known; 0 where it does not shrink the bracket. */
static double step_interpolated(const struct root_point *best, const struct root_point *last, const struct root_point *other,
				double half)
{
	const double ratio = best->value / last->value;
	double p, q;
	if (last->x == other->x) {
		p = 2 * half * ratio;
		q = 1 - ratio;
	} else {
		const double to_other = last->value / other->value, r = best->value / other->value;
		p = ratio * (2 * half * to_other * (to_other - r) - (best->x - last->x) * (r - 1));
		q = (to_other - 1) * (r - 1) * (ratio - 1);
	}
	if (p > 0)
		q = -q;
	p = fabs(p);
	return 2 * p < 3 * half * q - fabs(DBL_EPSILON * q) && q != 0 ? p / q : 0;
}

double root_between(double (*function)(const void *context, double x), const void *context, double low, double high)
{
	struct root_point last = {low, function(context, low)}, best = {high, function(context, high)}, other = last;
	if (last.value == 0 || best.value == 0 || (last.value > 0) == (best.value > 0))
		return fabs(last.value) < fabs(best.value) ? last.x : best.x;
	double step = best.x - last.x, before = step;
	for (int i = 0; i < ROUNDS_MOST; i++) {
		if (fabs(other.value) < fabs(best.value)) {
			last = best;
			best = other;
			other = last;
		}
		const double near = 2 * DBL_EPSILON * fabs(best.x) + DBL_MIN, half = (other.x - best.x) / 2;
		if (fabs(half) <= near || best.value == 0)
			break;
		double next = 0;
		if (fabs(before) >= near && fabs(last.value) > fabs(best.value))
			next = step_interpolated(&best, &last, &other, half);
		if (next != 0 && fabs(2 * next) < fabs(before)) {
			before = step;
			step = next;
		} else {
			before = step = half;
		}
		last = best;
		best.x += fabs(step) > near ? step : copysign(near, half);
		best.value = function(context, best.x);
		if ((best.value > 0) == (other.value > 0)) {
			other = last;
			before = step = best.x - last.x;
		}
	}
	return best.x;
}

/* ---- quantiles: the place at which a tail has the share, on a scale on which the whole range is short ---- */

#define SCALE_END 745.0 /* e to it is beyond the range of a double */
#define TAIL_LEAST -1e4 /* stands for the logarithm of a tail that has vanished */

struct quantile_search {
	struct tails (*tails)(const struct quantile_search *search, double place);
	double first, second; /* parameters */
	double share;
	bool upper; /* the share is of the upper tail */
};

static double tail_beside_share(const void *context, double place)
{
	const struct quantile_search *search = context;
	const struct tails tails = search->tails(search, place);
	const double tail = search->upper ? tails.upper : tails.lower;
	return (tail > 0 ? log(tail) : TAIL_LEAST) - log(search->share);
}

/* The place, on the scale of `tails`; infinite for the shares 0 and 1. */
static double quantile_place(struct quantile_search search)
{
	if (!(search.share >= 0 && search.share <= 1))
		return NAN;
	if (search.share == 0 || search.share == 1)
		return (search.share == 1) == search.upper ? -INFINITY : INFINITY;
	if (search.share > 0.5) {
		search.share = 1 - search.share;
		search.upper = !search.upper;
	}
	const double side = search.upper ? -1 : 1, start = side * tail_beside_share(&search, 0);
	if (isnan(start))
		return NAN;
	double near = 0, far = start < 0 ? 1 : -1;
	while (fabs(far) < SCALE_END && (side * tail_beside_share(&search, far) < 0) == (start < 0)) {
		near = far;
		far = copysign(fmin(2 * fabs(far), SCALE_END), far);
	}
	return root_between(tail_beside_share, &search, near, far);
}

/* ---- the normal ---- */

double normal_cdf(double x)
{
	return erfc(-x * M_SQRT1_2) / 2;
}

double normal_sf(double x)
{
	return erfc(x * M_SQRT1_2) / 2;
}

double normal_critical(double share)
{
	return -normal_quantile(share);
}

/* ---- Student's t ---- */

#define FAR_OUT 1e150

/* With so many degrees of freedom the sample's deviation is about normal, of the variance 1 / 2f (Johnson and Welch, 1940). The
 * logarithm of a tail is wrong by t^3 x^3 / 24 f^2, where the normal is at x: less than 1e-11. The exact sums lose more digits. */
#define FREEDOM_NORMAL 1e7
#define FREEDOM_OF_TAIL 1e5

static bool freedom_is_normal(double t, double freedom, double noncentrality)
{
	const double tail = fabs(t) * fmax(1, fabs(t - noncentrality));
	return freedom > fmax(FREEDOM_NORMAL, FREEDOM_OF_TAIL * tail * sqrt(tail));
}

static double normal_of_t(double t, double freedom, double noncentrality)
{
	const double spread = t / sqrt(2 * freedom);
	return (t * (1 - 1 / (4 * freedom)) - noncentrality) / sqrt(1 + spread * spread);
}

double student_t_sf(double t, double freedom)
{
	if (!(freedom > 0) || isnan(t))
		return NAN;
	if (isinf(freedom))
		return normal_sf(t);
	if (freedom_is_normal(t, freedom, 0))
		return normal_sf(normal_of_t(t, freedom, 0));
	if (t > FAR_OUT) /* its square would be beyond the range: the leading term is all there is */
		return exp(freedom / 2 * (log(freedom) - 2 * log(t)) - log_beta(freedom / 2, 0.5)) / freedom;
	const double ratio = t / freedom * t;
	const double x = 1 / (1 + ratio), y = isinf(ratio) ? 1 : ratio / (1 + ratio);
	const struct tails tails = incomplete_beta(freedom / 2, 0.5, x, y);
	return t >= 0 ? tails.lower / 2 : 0.5 + tails.upper / 2;
}

double student_t_cdf(double t, double freedom)
{
	return student_t_sf(-t, freedom);
}

/* Of the size of t: its logarithm is the place. */
static struct tails student_t_tails(const struct quantile_search *search, double place)
{
	const double sf = student_t_sf(exp(place), search->first);
	return (struct tails){1 - sf, sf};
}

double student_t_critical(double share, double freedom)
{
	if (!(share >= 0 && share <= 1) || !(freedom > 0))
		return NAN;
	if (share > 0.5)
		return -student_t_critical(1 - share, freedom);
	if (share == 0.5)
		return 0;
	return exp(quantile_place((struct quantile_search){student_t_tails, freedom, 0, share, true}));
}

/* ---- noncentral t: the normal tail, averaged over the logarithm of the sample's standard deviation ---- */

#define EXPONENT_LOST 745.0 /* e to minus this is 0 */

struct noncentral {
	double t, freedom, noncentrality;
	bool upper;
};

static double log_normal_sf(double x)
{
	if (x < 30)
		return log(normal_sf(x));
	const double square = x * x; /* the asymptotic series: erfc() vanishes beyond 38 */
	return -square / 2 - log(x) - 0.5 * log(2 * M_PI) + log1p(-1 / square + 3 / (square * square));
}

static double noncentral_exponent(const void *context, double log_deviation)
{
	const struct noncentral *of = context;
	const double density = of->freedom * (log_deviation - expm1(2 * log_deviation) / 2);
	const double away = of->t * exp(log_deviation) - of->noncentrality;
	return density + log_normal_sf(of->upper ? away : -away);
}

static double noncentral_t_tail(struct noncentral of)
{
	if (!(of.freedom > 0) || isnan(of.t) || isnan(of.noncentrality))
		return NAN;
	const double away = of.upper ? of.t - of.noncentrality : of.noncentrality - of.t;
	if (isinf(of.freedom) || isinf(away))
		return normal_sf(away);
	if (freedom_is_normal(of.t, of.freedom, of.noncentrality))
		return normal_sf(of.upper ? normal_of_t(of.t, of.freedom, of.noncentrality)
					  : -normal_of_t(of.t, of.freedom, of.noncentrality));
	const double lost = EXPONENT_LOST / of.freedom;
	const double low = -lost - sqrt(lost) - 1e-9, high = fmin(sqrt(lost), 0.5 * log(2 * lost + 20));
	const double exponent = log_integral(noncentral_exponent, &of, low, high);
	if (exponent < -2 * EXPONENT_LOST)
		return 0;
	return fmin(1, 2 * gamma_density_kernel(of.freedom / 2, of.freedom / 2) * exp(exponent));
}

double noncentral_t_cdf(double t, double freedom, double noncentrality)
{
	return noncentral_t_tail((struct noncentral){t, freedom, noncentrality, false});
}

double noncentral_t_sf(double t, double freedom, double noncentrality)
{
	return noncentral_t_tail((struct noncentral){t, freedom, noncentrality, true});
}

/* ---- gamma, and chi-square ---- */

double gamma_sf(double x, double shape, double scale)
{
	return !(scale > 0) || isnan(x) ? NAN : incomplete_gamma(shape, fmax(0, x / scale)).upper;
}

static struct tails gamma_tails(const struct quantile_search *search, double place)
{
	return incomplete_gamma(search->first, exp(place) * search->first);
}

static double gamma_place(double share, double shape, double scale, bool upper)
{
	if (!(shape > 0) || !(scale > 0))
		return NAN;
	return scale * shape * exp(quantile_place((struct quantile_search){gamma_tails, shape, 0, share, upper}));
}

double chi_square_sf(double x, double freedom)
{
	return gamma_sf(x, freedom / 2, 2);
}

double chi_square_critical(double share, double freedom)
{
	return gamma_place(share, freedom / 2, 2, true);
}

/* ---- beta, F, and the binomial ---- */

/* The place is log(x / (1 - x)), 0 at the mean. */
static struct tails beta_tails(const struct quantile_search *search, double place)
{
	const double a = search->first, b = search->second;
	return incomplete_beta(a, b, 1 / (1 + b / a * exp(-place)), 1 / (1 + a / b * exp(place)));
}

static double beta_odds(double share, double a, double b, bool upper)
{
	if (!(a > 0) || !(b > 0))
		return NAN;
	return exp(quantile_place((struct quantile_search){beta_tails, a, b, share, upper})) * a / b;
}

double beta_quantile(double share, double a, double b)
{
	return 1 / (1 + 1 / beta_odds(share, a, b, false));
}

double f_critical(double share, double above, double below)
{
	return beta_odds(share, above / 2, below / 2, true) * below / above;
}

static struct tails binomial_sides(double k, double n, double p)
{
	if (isnan(k) || !(n >= 0) || !(p >= 0 && p <= 1))
		return (struct tails){NAN, NAN};
	const double whole = floor(k);
	if (whole < 0)
		return (struct tails){0, 1};
	if (whole >= n)
		return (struct tails){1, 0};
	const struct tails tails = incomplete_beta(whole + 1, n - whole, p, 1 - p);
	return (struct tails){tails.upper, tails.lower};
}

double binomial_sf(double k, double n, double p)
{
	return binomial_sides(k, n, p).upper;
}

/* ---- Kolmogorov: of the two series each converges on one side of 1 at once ---- */

#define KOLMOGOROV_MIDDLE 0.8 /* neither tail is small here */

double kolmogorov_cdf(double x)
{
	if (isnan(x) || x <= 0)
		return isnan(x) ? NAN : 0;
	if (x > KOLMOGOROV_MIDDLE)
		return 1 - kolmogorov_sf(x);
	double sum = 0;
	for (int odd = 1; odd < 20; odd += 2)
		sum += exp(-(double)(odd * odd) * M_PI * M_PI / (8 * x * x));
	return sqrt(2 * M_PI) / x * sum;
}

double kolmogorov_sf(double x)
{
	if (isnan(x) || x <= 0)
		return isnan(x) ? NAN : 1;
	if (x <= KOLMOGOROV_MIDDLE)
		return 1 - kolmogorov_cdf(x);
	double sum = 0;
	for (int i = 1; i < 20; i++)
		sum += (i % 2 ? 2 : -2) * exp(-2 * x * x * i * i);
	return sum;
}
