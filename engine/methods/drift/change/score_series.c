/* score_series.c: Moments of scores, and of their sums; see score_series.h. */
#include "methods/drift/change/score_series.h"

#include "methods/numeric/quantile.h"

/* A score beside the mean of all; one that is missing says nothing. */
static double score_apart(const struct table *scores, size_t series, size_t row, double mean)
{
	const double score = scores->values[row * scores->columns + series];
	return isnan(score) ? 0 : score - mean;
}

struct score_traits score_moments(const struct table *scores, size_t series)
{
	struct score_traits traits = {0};
	double count = 0, squares = 0, cubes = 0, fourths = 0;
	for (size_t i = 0; i < scores->rows; i++) {
		count += !isnan(scores->values[i * scores->columns + series]);
		traits.mean += score_apart(scores, series, i, 0);
	}
	traits.mean /= count;
	for (size_t i = 0; i < scores->rows; i++) {
		const double apart = score_apart(scores, series, i, traits.mean);
		squares += apart * apart;
		cubes += apart * apart * apart;
		fourths += apart * apart * apart * apart;
	}
	traits.deviation = sqrt(squares / count);
	if (traits.deviation > 0) {
		traits.skewness = cubes / count / pow(traits.deviation, 3);
		traits.tails = fourths / count / pow(traits.deviation, 4) - 3;
	}
	return traits;
}

/* ---- sums ---- */

#define SAID_WINDOWS 8 /* a window that is that often in the reference, side by side, says how its sums vary */
#define CLEARLY 3.0    /* deviations of such a variance that chance does not explain */
#define SKEWED 1.0     /* the same of a skewness, of rows that are known to follow from others */
#define TAILS_OF_RARE 1.0 /* of scores of rare values, whose jumps are known */
#define SUMS_OVERLAP 1.5  /* sums at each row say as much as so many times those beside each other */

/* sums[i]: of the first i scores, each beside the mean. */
static void sums_fill(const struct score_traits *traits, const struct table *scores, size_t series, double *sums)
{
	sums[0] = 0;
	for (size_t i = 0; i < scores->rows; i++)
		sums[i + 1] = sums[i] + score_apart(scores, series, i, traits->mean);
}

/* Of sums over a window: how often its variance of independent rows one has, and the skewness. */
struct window_moments {
	double variance, skewness;
};

static struct window_moments window_moments_of(const struct score_traits *traits, const double *sums, size_t rows, size_t window)
{
	const double length = (double)window, count = (double)(rows - window + 1);
	double squares = 0, cubes = 0;
	for (size_t i = window; i <= rows; i++) {
		const double sum = sums[i] - sums[i - window];
		squares += sum * sum;
		cubes += sum * sum * sum;
	}
	const double own = squares / count;
	return (struct window_moments){own / (length * (1 - length / (double)rows) * traits->deviation * traits->deviation),
				       cubes / count / (own * sqrt(own))};
}

/* The jump that explains a skewness of sums, if it is beyond chance: of independent rows the skewness is less, the longer the
 * window is, and where wild rows follow wild ones, it is not. */
static double skewness_jump(double skewness, double window, double rows)
{
	const double chance = sqrt(6 * window / (SUMS_OVERLAP * rows));
	return fabs(skewness) > SKEWED * chance ? skewness * sqrt(window) : 0;
}

/* Degrees of freedom of the variance of sums, for each window that fits in the reference: 1.5 where they overlap, and half of one
 * for what windows of other lengths say of it. Found by simulation. */
#define FREEDOM_EACH 2.0

/* What is left of rows that follow from others, a season say, shows in the reference's own windows. Windows too long for the
 * reference to say have what the longest said. */
static void inflations_fit(struct score_traits *traits, const struct table *scores, size_t series,
			   struct score_dependence dependence, double *sums)
{
	double last = 1, jump = 0, freedom = (double)INFINITY;
	sums_fill(traits, scores, series, sums);
	for (size_t i = 0; i < CHANGE_WINDOWS; i++) {
		const size_t window = change_windows[i];
		if (window * SAID_WINDOWS <= scores->rows) {
			const double unsure = sqrt(4.0 / 3 * (double)window / (double)scores->rows);
			const struct window_moments moments = window_moments_of(traits, sums, scores->rows, window);
			const double seen = moments.variance;
			const double known = dependence.depends ? seen * (1 + dependence.caution * unsure) : 1;
			last = seen > 1 + CLEARLY * unsure ? fmax(seen, known) : fmax(1, known);
			const double more = skewness_jump(moments.skewness, (double)window, (double)scores->rows);
			freedom = dependence.depends && dependence.caution == 0
					  ? FREEDOM_EACH * (double)scores->rows / (double)window
					  : freedom;
			jump = dependence.depends && traits->tails < TAILS_OF_RARE && more != 0 ? more : jump;
		}
		traits->inflations[i] = last;
		traits->freedoms[i] = freedom;
		traits->jumps[i] = jump;
	}
}

void score_traits_fit(struct score_traits *traits, const struct table *scores, size_t series, struct score_dependence dependence,
		      double *sums)
{
	*traits = score_moments(scores, series);
	for (size_t i = 0; i < CHANGE_WINDOWS; i++) {
		traits->inflations[i] = 1;
		traits->freedoms[i] = (double)INFINITY;
	}
	if (traits->deviation > 0)
		inflations_fit(traits, scores, series, dependence, sums);
}

/* ---- rows that follow from rows before ---- */

#define LAGS 5
#define LAGS_CRITICAL 20.515 /* chi-square of 5 degrees of freedom is above it with .001 */

/* Of more lags: chi-square of 20 degrees of freedom, which finds a row that follows from that of a week before. */
#define LAGS_SUMMED 20
#define LAGS_SUMMED_CRITICAL 45.315

/* A weak level that the rows of one sender share is the same sign in as many lags as there are such rows: their sum shows it, and
 * further lags add chance alone. */
static const size_t sender_lags[] = {2, 4, 7, 12, LAGS_SUMMED};

static bool is_sender_lag(size_t lag)
{
	bool is = false;
	for (size_t i = 0; i < sizeof sender_lags / sizeof *sender_lags; i++)
		is |= sender_lags[i] == lag;
	return is;
}

/* By the test of Box and Pierce, or by sums of autocorrelations. */
bool scores_depend(const struct table *scores, size_t series, double sure)
{
	const struct score_traits traits = score_moments(scores, series);
	const double square = pow(traits.deviation, 4) * (double)scores->rows, tails = scores_chance_of_tails(traits.tails);
	double squares = 0, all_squares = 0, sum = 0;
	bool shared = false;
	for (size_t lag = 1; lag <= LAGS_SUMMED && lag < scores->rows; lag++) {
		double product = 0;
		for (size_t i = lag; i < scores->rows; i++)
			product += score_apart(scores, series, i, traits.mean) * score_apart(scores, series, i - lag, traits.mean);
		squares += lag <= LAGS ? product * product : 0;
		all_squares += product * product;
		sum += product;
		shared |= is_sender_lag(lag) && sum > 0 && sum * sum > (sure * sure * (double)lag + tails) * square;
	}
	return shared || squares > (LAGS_CRITICAL + tails) * square || all_squares > (LAGS_SUMMED_CRITICAL + tails) * square;
}

#define BURST_ROWS 16
#define BURST_SHARE 0.95

double scores_burst(const struct table *scores, size_t series, double *sums)
{
	const struct score_traits traits = score_moments(scores, series);
	const size_t count = scores->rows - BURST_ROWS + 1;
	double sum = 0;
	for (size_t i = 0; i < scores->rows; i++) {
		const double apart = score_apart(scores, series, i, traits.mean);
		const double leaves = i < BURST_ROWS ? 0 : score_apart(scores, series, i - BURST_ROWS, traits.mean);
		sum += apart * apart - leaves * leaves;
		if (i + 1 >= BURST_ROWS)
			sums[i + 1 - BURST_ROWS] = sum;
	}
	quantile_sort(sums, count);
	return quantile_sorted(sums, count, BURST_SHARE, QUANTILE_LINEAR) / (BURST_ROWS * traits.deviation * traits.deviation);
}
