/* arrivals.c: see arrivals.h. */
#include "drift/arrivals.h"

#include <math.h>
#include <stdlib.h>

#include "drift/reference.h"
#include "numeric/moments.h"
#include "statistics/distribution.h"

#define PERIODS_MIN 8 /* of a reference: fewer say too little of how its rate varies */
#define WORTH_LEAST 4 /* periods, however much they follow from one another */
#define TAIL_PARTS 20 /* the longest 1 of so many gaps are the tail */
#define TAIL_LEAST 10
#define POWER_LEAST 0.1 /* of a tail: even rows that came like clockwork are late once */

struct arrival_law {
	const struct arrivals *arrivals;
	double *periods, *scratch;
	/* of windows with so many rows; 0: of none yet */
	double rows;
	double mean, variance; /* of the cube root of the milliseconds a row */
	double worth;	       /* periods that say as much as independent ones */
	double power;	       /* of the tail of gaps */
};

/* ---- learning ---- */

static int times_compare(const void *left, const void *right)
{
	const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
	return (a > b) - (a < b);
}

static int falling_compare(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;
	return (a < b) - (a > b);
}

bool arrivals_learn(int64_t *times_ms, size_t rows, struct arena *arena, struct arrivals *arrivals)
{
	const size_t count = rows < ARRIVAL_TIMES_MAX ? rows : ARRIVAL_TIMES_MAX;
	const size_t tail = rows / TAIL_PARTS > TAIL_LEAST ? rows / TAIL_PARTS : TAIL_LEAST;
	const size_t most = tail < ARRIVAL_GAPS_MAX ? tail : ARRIVAL_GAPS_MAX;
	double *times = ARENA_ARRAY(arena, double, count), *gaps = ARENA_ARRAY(arena, double, rows);
	if (!times || !gaps)
		return false;
	qsort(times_ms, rows, sizeof *times_ms, times_compare);
	for (size_t i = 0; i < count; i++) {
		const size_t row = i * (rows - 1) / (count - 1);
		times[i] = (double)times_ms[row];
	}
	for (size_t i = 0; i + 1 < rows; i++)
		gaps[i] = (double)times_ms[i + 1] - (double)times_ms[i];
	qsort(gaps, rows - 1, sizeof *gaps, falling_compare);
	*arrivals = (struct arrivals){
		.rows = rows, .count = count, .times_ms = times, .gap_count = most < rows - 1 ? most : rows - 1, .gaps_ms = gaps};
	return true;
}

const char *arrivals_trouble(const struct arrivals *arrivals)
{
	if (arrivals->count == 0)
		return "the reference has no times";
	if (arrivals->times_ms[arrivals->count - 1] - arrivals->times_ms[0] < ARRIVAL_SPAN_MS)
		return "the times of the reference are of less than a minute";
	return arrivals->count <= PERIODS_MIN || arrivals->gap_count == 0 ? "the reference has too few times" : NULL;
}

/* ---- the law ---- */

/* Hill's estimate, and one standard error of it. */
static double tail_power(const struct arrivals *arrivals)
{
	const size_t count = arrivals->gap_count;
	const double edge = fmax(arrivals->gaps_ms[count - 1], 1);
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += log(fmax(arrivals->gaps_ms[i], edge) / edge);
	return fmax(sum / (double)count, POWER_LEAST) * (1 + 1 / sqrt((double)count));
}

struct arrival_law *arrival_law_open(struct arena *arena, const struct arrivals *arrivals)
{
	struct arrival_law *law = ARENA_NEW(arena, struct arrival_law);
	if (!law)
		return NULL;
	*law = (struct arrival_law){.arrivals = arrivals,
				    .periods = ARENA_ARRAY(arena, double, arrivals->count),
				    .scratch = ARENA_ARRAY(arena, double, 2 * arrivals->count),
				    .power = tail_power(arrivals)};
	return law->periods && law->scratch ? law : NULL;
}

/* Periods of that many rows, or what comes next to them. Fewer rows vary more, at most as if they were independent; more rows vary
 * no more. */
static void law_fit(struct arrival_law *law, double rows)
{
	const struct arrivals *arrivals = law->arrivals;
	const double *times = arrivals->times_ms;
	const size_t steps = arrivals->count - 1, widest = steps / PERIODS_MIN;
	const double step_rows = (double)(arrivals->rows - 1) / (double)steps;
	const double wanted = fmin(fmax(floor(rows / step_rows), 1), (double)widest);
	const size_t width = (size_t)wanted, count = steps / width;
	const double period_rows = step_rows * (double)width;
	struct moments moments = {0};
	if (law->rows == rows)
		return;
	for (size_t i = 0; i < count; i++) {
		law->periods[i] = cbrt((times[(i + 1) * width] - times[i * width]) / period_rows);
		moments_add(&moments, law->periods[i]);
	}
	law->rows = rows;
	law->mean = moments.mean;
	law->variance = moments_variance(&moments, 1) * fmax(period_rows / rows, 1);
	law->worth = fmax((double)count / drift_dependence(law->periods, count, count, law->scratch), WORTH_LEAST);
}

/* The variance of a window's cube root: beside how the rate varies, which rows are in the share, and where the window ends between
 * two rows. */
static double window_variance(const struct arrival_law *law, double share)
{
	const double slope = law->mean / 3;
	const double rows = law->rows * share;
	return law->variance * (1 + 1 / law->worth) + slope * slope * ((1 - share) / rows + 1 / (rows * rows));
}

static double age_most(const struct arrival_law *law, const struct arrival_window *window)
{
	const struct arrivals *arrivals = law->arrivals;
	const double share = (double)arrivals->gap_count / (double)(arrivals->rows - 1);
	const double edge = fmax(arrivals->gaps_ms[arrivals->gap_count - 1], 1);
	const double most = edge * pow(fmax(share * window->rows / window->age_alpha, 1), law->power);
	return fmax(most, arrivals->gaps_ms[0]) / window->share;
}

struct arrival_finding arrival_judge(struct arrival_law *law, const struct arrival_window *window)
{
	const struct arrivals *arrivals = law->arrivals;
	const double span = arrivals->times_ms[arrivals->count - 1] - arrivals->times_ms[0];
	const double usual = window->duration_ms / span * (double)(arrivals->rows - 1);
	law_fit(law, fmax(window->usual_rows > 0 ? window->usual_rows / window->share : usual, 1));
	const double reach = student_t_critical(window->rate_alpha / 2, law->worth - 1) * sqrt(window_variance(law, window->share));
	const double slow = pow(law->mean + reach, 3) / window->share, fast = pow(fmax(law->mean - reach, 0), 3) / window->share;
	struct arrival_finding found = {.rate = window->rows * MINUTE_MS / window->duration_ms,
					.rate_low = MINUTE_MS / slow,
					.rate_high = fast > 0 ? MINUTE_MS / fast : (double)INFINITY,
					.age_most_ms = age_most(law, window)};
	found.rate_alarm = found.rate < found.rate_low || found.rate > found.rate_high;
	found.age_alarm = window->age_ms > found.age_most_ms;
	return found;
}
