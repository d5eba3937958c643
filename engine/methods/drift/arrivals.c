/* arrivals.c: see arrivals.h. */
#include "methods/drift/arrivals.h"

#include <math.h>
#include <stdlib.h>

#include "methods/drift/reference.h"
#include "methods/numeric/moments.h"
#include "methods/numeric/quantile.h"
#include "methods/statistics/distribution.h"

#define PERIODS_MIN 8 /* of a reference: fewer say too little of how its rate varies */
#define WORTH_LEAST 4 /* periods, however much they follow from one another */
#define TAIL_PARTS 20 /* the longest 1 of so many gaps are the tail */
#define TAIL_LEAST 10
#define POWER_LEAST 0.1 /* of a tail: even rows that came like clockwork are late once */
#define SHAPE_SURE 1.5	/* standard errors that the tail of a window's longest gap may be heavier than it seems */
#define FASTEST_PART 4	/* what lasted for one part of so many of a window may last for all of it */
/* The deviation of the cube root of such parts, of its mean, from which on they are not near to normal; and how often that of
 * independent rows, which is 1/3 of the root of a part's rows (Wilson and Hilferty). */
#define PART_UNEVEN 0.2
#define PART_DISPERSED 2.0
#define SPAN_LEAST 1e-9 /* of the edge of a tail: spans may be of one moment */
#define SPAN_PART 5	/* the longest 1 of so many spans are a tail, and the shortest */

/* Of spans of time: one of SPAN_PART is beyond the edge; the rarer, the further, by a power. */
struct span_tail {
	double edge, power;
};

struct arrival_law {
	const struct arrivals *arrivals;
	double *periods, *scratch;
	/* of windows with so many rows; 0: of none yet */
	double rows;
	double mean, variance; /* of the cube root of the milliseconds a row */
	double worth;	       /* periods that say as much as independent ones */
	struct span_tail slow, fast; /* of the milliseconds a row */
	double fastest;		     /* of a part of a window; INFINITY: parts are even, and windows normal */
	/* of gaps */
	double dependence;   /* so many rows say as much as an independent one */
	double power;	     /* of their tail, if it is one of a power */
	double shape, scale; /* of the same tail, which may be lighter; of an exponential one, the shape is 0 */
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
static double tail_power(const struct arrivals *arrivals, double dependence)
{
	const size_t count = arrivals->gap_count;
	const double edge = fmax(arrivals->gaps_ms[count - 1], 1);
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += log(fmax(arrivals->gaps_ms[i], edge) / edge);
	return fmax(sum / (double)count, POWER_LEAST) * (1 + sqrt(dependence / (double)count));
}

/* The moment estimate of Dekkers, Einmahl and de Haan (1989), and SHAPE_SURE standard errors of it. */
static void tail_shape(struct arrival_law *law)
{
	const size_t count = law->arrivals->gap_count;
	const double *gaps = law->arrivals->gaps_ms, edge = fmax(gaps[count - 1], 1);
	double first = 0, second = 0;
	for (size_t i = 0; i < count; i++) {
		const double beyond = log(fmax(gaps[i], edge) / edge);
		first += beyond / (double)count;
		second += beyond * beyond / (double)count;
	}
	const double shape = second > first * first ? first + 1 - 0.5 / (1 - first * first / second) : 0, least = fmax(shape, 0);
	law->scale = edge * first * (1 - fmin(shape, 0));
	law->shape = least + SHAPE_SURE * sqrt((1 + least * least) * law->dependence / (double)count);
}

struct arrival_law *arrival_law_open(struct arena *arena, const struct arrivals *arrivals)
{
	struct arrival_law *law = ARENA_NEW(arena, struct arrival_law);
	if (!law)
		return NULL;
	*law = (struct arrival_law){.arrivals = arrivals,
				    .periods = ARENA_ARRAY(arena, double, arrivals->count),
				    .scratch = ARENA_ARRAY(arena, double, 2 * arrivals->count)};
	if (!law->periods || !law->scratch)
		return NULL;
	const size_t steps = arrivals->count - 1;
	for (size_t i = 0; i < steps; i++)
		law->periods[i] = arrivals->times_ms[i + 1] - arrivals->times_ms[i];
	law->dependence = drift_dependence(law->periods, steps, steps, law->scratch);
	law->power = tail_power(arrivals, law->dependence);
	tail_shape(law);
	return law;
}

/* Of spans in rising order, of which so many are independent. */
static struct span_tail span_tail_of(const double *spans, size_t count, double independent, bool slow)
{
	const size_t tail = count / SPAN_PART;
	const double edge = spans[slow ? count - tail : tail - 1];
	double sum = 0;
	for (size_t i = 0; i < tail && edge > 0; i++)
		sum += fabs(log(fmax(spans[slow ? count - 1 - i : i], edge * SPAN_LEAST) / edge));
	return (struct span_tail){edge, sum / (double)tail * (1 + sqrt(SPAN_PART / independent))};
}

/* By which factor spans are beyond the edge with the chance `alpha`. */
static double span_tail_reach(const struct span_tail *tail, double alpha)
{
	return pow(fmax(1 / (SPAN_PART * alpha), 1), tail->power);
}

/* Where rows follow from one another, as in bursts, windows are further off than normal ones: as far as overlapping spans of the
 * reference let expect. `wider`: of windows with fewer rows than the spans. */
static void spans_fit(struct arrival_law *law, size_t width, double span_rows, double wider)
{
	const double *times = law->arrivals->times_ms;
	const size_t count = law->arrivals->count - width;
	for (size_t i = 0; i < count; i++)
		law->scratch[i] = (times[i + width] - times[i]) / span_rows;
	quantile_sort(law->scratch, count);
	law->slow = span_tail_of(law->scratch, count, law->worth, true);
	law->fast = span_tail_of(law->scratch, count, law->worth, false);
	law->slow.power *= wider;
	law->fast.power *= wider;
}

/* Rows may come in clusters of which the reference has few that fill a window, so that its spans seem not to follow from one
 * another: parts of a window vary the more. */
static void fastest_fit(struct arrival_law *law, size_t width, double period_rows)
{
	const struct arrivals *arrivals = law->arrivals;
	const size_t part = width > FASTEST_PART ? width / FASTEST_PART : 1;
	const double part_rows = period_rows / (double)width * (double)part;
	struct moments moments = {0};
	double fastest = (double)INFINITY;
	for (size_t i = part; i < arrivals->count; i++) {
		const double row_ms = (arrivals->times_ms[i] - arrivals->times_ms[i - part]) / part_rows;
		fastest = fmin(fastest, row_ms);
		moments_add(&moments, cbrt(row_ms));
	}
	const double least = fmax(PART_UNEVEN, PART_DISPERSED / (3 * sqrt(part_rows)));
	const bool uneven = sqrt(moments_variance(&moments, 1)) > least * moments.mean;
	law->fastest = uneven || law->dependence > 1 ? fastest : (double)INFINITY;
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
	if (law->dependence > 1)
		spans_fit(law, width, period_rows, sqrt(fmax(period_rows / rows, 1)));
	fastest_fit(law, width, period_rows);
}

/* The variance of a window's cube root: beside how the rate varies, which rows are in the share, and where the window ends between
 * two rows. */
static double window_variance(const struct arrival_law *law, double share)
{
	const double slope = law->mean / 3;
	const double rows = law->rows * share;
	return law->variance * (1 + 1 / law->worth) + slope * slope * ((1 - share) / rows + 1 / (rows * rows));
}

/* What the longest gap of a window with so many rows exceeds with the chance `alpha`. */
static double gap_most(const struct arrival_law *law, double rows, double alpha)
{
	const struct arrivals *arrivals = law->arrivals;
	const double share = (double)arrivals->gap_count / (double)(arrivals->rows - 1);
	const double edge = fmax(arrivals->gaps_ms[arrivals->gap_count - 1], 1);
	return edge + law->scale * (pow(fmax(share * rows / alpha, 1), law->shape) - 1) / law->shape;
}

/* The milliseconds a row of a window that has one gap so long as chance makes it once in a while: the sum of gaps with a heavy tail
 * is far off by one of them. By time, that gap leaves the window less for its rows. */
static double gap_slow(const struct arrival_law *law, const struct arrival_window *window, double alpha)
{
	const double usual = pow(law->mean, 3), gap = gap_most(law, law->rows, alpha);
	const double left = 1 - gap / window->duration_ms;
	if (window->usual_rows > 0)
		return usual + gap / law->rows;
	return left > 0 ? usual / left : (double)INFINITY;
}

/* Of so many rows the cube root of their time is nearly normal; of so much time, the square root of its rows. */
static void normal_bounds(const struct arrival_law *law, const struct arrival_window *window, double reach, double *slow,
			  double *fast)
{
	const double usual = pow(law->mean, 3), apart = 1.5 * reach / law->mean; /* 1/2 of the rows, and 3 of the cube root */
	if (window->usual_rows > 0) {
		*slow = pow(law->mean + reach, 3);
		*fast = pow(fmax(law->mean - reach, 0), 3);
		return;
	}
	*slow = apart < 1 ? usual / ((1 - apart) * (1 - apart)) : (double)INFINITY;
	*fast = usual / ((1 + apart) * (1 + apart));
}

/* Bounds of the milliseconds a row. */
static void slow_and_fast(const struct arrival_law *law, const struct arrival_window *window, double *slow, double *fast)
{
	const double alpha = window->rate_alpha / 2;
	const double reach = student_t_critical(alpha, law->worth - 1) * sqrt(window_variance(law, window->share));
	normal_bounds(law, window, reach, slow, fast);
	*slow = fmax(*slow, gap_slow(law, window, alpha));
	if (law->dependence > 1) {
		*slow = fmax(*slow, law->slow.edge * span_tail_reach(&law->slow, alpha));
		*fast = fmin(*fast, law->fast.edge / span_tail_reach(&law->fast, alpha));
	}
	*fast = fmin(*fast, law->fastest);
	*slow /= window->share;
	*fast /= window->share;
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
	double slow, fast;
	slow_and_fast(law, window, &slow, &fast);
	struct arrival_finding found = {.rate = window->rows * MINUTE_MS / window->duration_ms,
					.rate_low = MINUTE_MS / slow,
					.rate_high = fast > 0 ? MINUTE_MS / fast : (double)INFINITY,
					.age_most_ms = age_most(law, window)};
	found.rate_alarm = found.rate < found.rate_low || found.rate > found.rate_high;
	found.age_alarm = window->age_ms > found.age_most_ms;
	return found;
}
