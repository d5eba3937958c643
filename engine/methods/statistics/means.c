/* means.c: see means.h. */
#include "methods/statistics/means.h"

#include "methods/statistics/distribution.h"
#include "methods/statistics/special.h"

static struct t_test t_test_made(double difference, double error, double freedom, double alpha)
{
	if (!(error > 0) || !(freedom > 0))
		return (struct t_test){difference, NAN, freedom, NAN, {NAN, NAN}};
	const double t = difference / error;
	return (struct t_test){
		.difference = difference,
		.t = t,
		.freedom = freedom,
		.p = 2 * student_t_sf(fabs(t), freedom),
		.interval = interval_around(difference, error * student_t_critical(alpha / 2, freedom)),
	};
}

struct t_test welch_test(const struct moments *control, const struct moments *treatment, double alpha)
{
	const double count_c = (double)control->count, count_t = (double)treatment->count;
	const double part_c = moments_variance(control, 1) / count_c, part_t = moments_variance(treatment, 1) / count_t;
	const double sum = part_c + part_t, share_c = part_c / sum, share_t = part_t / sum; /* their squares do not vanish */
	const double freedom = 1 / (share_c * share_c / (count_c - 1) + share_t * share_t / (count_t - 1));
	return t_test_made(treatment->mean - control->mean, sqrt(sum), freedom, alpha);
}

static double variance_pooled(const struct moments *control, const struct moments *treatment)
{
	return (control->squares + treatment->squares) / ((double)control->count + (double)treatment->count - 2);
}

struct effect_size effect_size(const struct moments *control, const struct moments *treatment)
{
	const double freedom = (double)control->count + (double)treatment->count - 2;
	const double deviation = sqrt(variance_pooled(control, treatment));
	const double cohen = deviation > 0 ? (treatment->mean - control->mean) / deviation : NAN;
	const double unbiased = freedom > 1 ? exp(log_gamma(freedom / 2) - log_gamma((freedom - 1) / 2)) / sqrt(freedom / 2) : NAN;
	return (struct effect_size){cohen, cohen * unbiased};
}

struct improvement improvement_of_means(double control, double control_variance, double treatment, double treatment_variance,
					double alpha)
{
	const double times = normal_critical(alpha / 2);
	if (!(fabs(control) > times * sqrt(control_variance)) || !(treatment / control > 0))
		return (struct improvement){false, NAN, {NAN, NAN}};
	const double ratio = treatment / control;
	const double variance = control_variance / (control * control) + treatment_variance / (treatment * treatment);
	const double factor = exp(times * sqrt(variance));
	if (control < 0) /* a ratio above 1 is further below 0 */
		return (struct improvement){true, 1 - ratio, {1 - ratio * factor, 1 - ratio / factor}};
	return (struct improvement){true, ratio - 1, {ratio / factor - 1, ratio * factor - 1}};
}

double power_of_t(double effect, double control, double treatment, double alpha)
{
	const double freedom = control + treatment - 2;
	if (!(freedom > 0))
		return NAN;
	const double noncentrality = effect * sqrt(control * treatment / (control + treatment));
	const double critical = student_t_critical(alpha / 2, freedom);
	return noncentral_t_sf(critical, freedom, noncentrality) + noncentral_t_cdf(-critical, freedom, noncentrality);
}

double units_for_normal(double effect, double alpha, double power, double ratio)
{
	const double sum = normal_critical(alpha / 2) + normal_quantile(power);
	return sum * sum * (1 + 1 / ratio) / (effect * effect);
}
