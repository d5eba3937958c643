/* detectors.c: see detectors.h. */
#include "methods/drift/detectors.h"

#include <math.h>

#include "methods/drift/tests/adwin.h"
#include "methods/drift/tests/cusum_law.h"
#include "methods/numeric/quantile.h"
#include "methods/numeric/ranks.h"

void page_hinkley_begin(struct page_hinkley *detector, const struct page_hinkley_options *options)
{
	/* The greatest sum starts at -1 as in river, so that a sum that only falls has fallen from there. */
	*detector = (struct page_hinkley){.options = *options, .least_up = (double)INFINITY, .most_down = -1};
}

enum online_verdict page_hinkley_add(struct page_hinkley *detector, double number)
{
	const struct page_hinkley_options options = detector->options;
	if (detector->alarmed)
		page_hinkley_begin(detector, &options);
	detector->mean += (number - detector->mean) / (double)++detector->count;
	double deviation = number - detector->mean;
	detector->up = options.fading * detector->up + deviation - options.delta;
	detector->down = options.fading * detector->down + deviation + options.delta;
	detector->least_up = fmin(detector->least_up, detector->up);
	detector->most_down = fmax(detector->most_down, detector->down);
	bool rises = detector->up - detector->least_up > options.threshold && options.sides != ONLINE_DOWN;
	bool falls = detector->most_down - detector->down > options.threshold && options.sides != ONLINE_UP;
	detector->alarmed = detector->count >= options.least && (rises || falls);
	return detector->alarmed ? ONLINE_ALARM : ONLINE_STABLE;
}

enum online_sides cusum_add(struct cusum *detector, double number)
{
	double z = (number - detector->mean) / detector->deviation;
	detector->up = fmax(0, detector->up + z - detector->slack);
	detector->down = fmax(0, detector->down - z - detector->slack);
	enum online_sides side = detector->up > detector->threshold	? ONLINE_UP
				 : detector->down > detector->threshold ? ONLINE_DOWN
									: ONLINE_BOTH;
	if (side != ONLINE_BOTH)
		detector->up = detector->down = 0;
	return side;
}

#define SLACK_CUSUM 0.5 /* sums find a shift of twice that soonest */
#define SLACK_OWN 0.25	/* of Page-Hinkley, whose mean has no error of the reference */
#define ERRORS_IN_SLACK 5 /* the reference's mean is off by less than that many standard errors */
#define LEAST_OWN 30	  /* numbers of the stream before its own mean judges */
#define RATE_STEPS 4	  /* for each doubling of the rate: levels are found once for each */
#define EXPONENT_LEAST 1e-3
#define EXPONENT_MOST 64
#define HALVINGS 40
#define RATE_UNKNOWN 1e-300 /* no boundary of ADWIN is that sure */
#define DELTA_ROUNDING 1e-9 /* a relative difference: sums of the same numbers in another order */

static const struct adwin_options adwin_usual = {.delta = 0.002, .clock = 32, .buckets = 5, .least = 5, .grace = 10};

/* What is stored, before the state of ADWIN. */
struct detectors_kept {
	double up, down;	 /* of CUSUM */
	double up_run, down_run; /* numbers since it was 0 */
	double own_count, own_mean, own_up, own_least, own_down, own_most;
	double own_up_run, own_down_run; /* since the extreme */
};

/* The level for the rate that was asked for last. */
struct detector_level {
	struct cusum_law law;
	int step;
	double level;
	bool known;
};

/* The greatest sum of a window, and how many numbers it was made of. */
struct sum_most {
	double sum, run;
};

/* What a window has shown so far. */
struct detectors_window {
	struct sum_most most, own;
	struct adwin_boundary best;
	bool apart; /* ADWIN raised an alarm */
	double delta_least, delta_most; /* of ADWIN, by detectors_look() */
	double taken;
	bool raised[DETECTORS]; /* by detectors_look() */
};

struct detectors {
	unsigned wanted;
	const struct sorted *sorted;
	double *scores; /* by the place: values below plus values up to it */
	double dependence;
	struct detector_level reference, own;	      /* of whole windows */
	struct detector_level reference_now, own_now; /* of looks, whose rate differs */
	struct cusum cusum;
	struct page_hinkley own_sums;
	double up_run, down_run, own_up_run, own_down_run;
	struct adwin *adwin;
	struct detectors_window window;
};

/* ---- the reference ---- */

/* Twice the place among the reference's values, 0 to twice their number: equal values count half. */
static size_t place_of(const struct sorted *sorted, double number)
{
	const size_t below = sorted_below(sorted->values, sorted->count, number);
	const bool equal = below < sorted->count && sorted->values[below] == number;
	return below + (equal ? sorted_until(sorted->values, sorted->count, number) : below);
}

static bool scores_learn(struct detectors *self, struct arena *arena)
{
	const size_t count = self->sorted->count;
	double total = 0, squares = 0;
	self->scores = ARENA_ARRAY(arena, double, 2 * count + 1);
	if (!self->scores)
		return false;
	for (size_t i = 0; i <= 2 * count; i++)
		self->scores[i] = normal_quantile(((double)i + 1) / (2 * (double)count + 2));
	for (size_t i = 0; i < count; i++)
		total += self->scores[place_of(self->sorted, self->sorted->values[i])];
	const double mean = total / (double)count;
	for (size_t i = 0; i < count; i++) {
		const double apart = self->scores[place_of(self->sorted, self->sorted->values[i])] - mean;
		squares += apart * apart;
	}
	const double deviation = sqrt(squares / (double)count);
	for (size_t i = 0; i <= 2 * count; i++)
		self->scores[i] = (self->scores[i] - mean) / deviation;
	return true;
}

/* The mean of exp(exponent * (side * score - slack)) over the reference; equal values have one score. */
static double exponential_mean(const struct detectors *self, double exponent, double side, double slack)
{
	const struct sorted *sorted = self->sorted;
	double total = 0;
	for (size_t i = 0, end; i < sorted->count; i = end) {
		for (end = i + 1; end < sorted->count && sorted->values[end] == sorted->values[i];)
			end++;
		total += (double)(end - i) * exp(exponent * (side * self->scores[i + end] - slack));
	}
	return total / (double)sorted->count;
}

/* The variance of the normal law whose sums are large as rarely as those of one side: where the mean is 1 (Cramer). */
static double spread_of_side(const struct detectors *self, double side, double slack)
{
	double low = EXPONENT_LEAST, high = EXPONENT_MOST;
	for (int i = 0; i < HALVINGS; i++) {
		const double middle = sqrt(low * high);
		if (exponential_mean(self, middle, side, slack) < 1)
			low = middle;
		else
			high = middle;
	}
	return 2 * slack / high;
}

static struct cusum_law law_learn(const struct detectors *self, const struct detectors_usual *usual, double slack,
				  double mean_error)
{
	const double spread = fmax(spread_of_side(self, 1, slack), spread_of_side(self, -1, slack));
	const double carry = (usual->dependence - 1) / (usual->dependence + 1); /* of an autoregression of first order */
	return (struct cusum_law){.slack = slack,
				  .spread = fmax(spread, 1) * usual->dependence,
				  .mean_error = mean_error,
				  .spread_error = sqrt(2 * (1 + carry * carry) / (1 - carry * carry) / usual->count)};
}

struct detectors *detectors_open(struct arena *arena, const struct detectors_usual *usual, unsigned wanted)
{
	struct detectors *self = ARENA_NEW(arena, struct detectors);
	if (!self)
		return NULL;
	const double mean_error = sqrt(usual->dependence / usual->count);
	self->wanted = wanted;
	self->sorted = usual->sorted;
	self->dependence = usual->dependence;
	if (!scores_learn(self, arena))
		return NULL;
	self->reference.law = law_learn(self, usual, fmax(SLACK_CUSUM, ERRORS_IN_SLACK * mean_error), mean_error);
	self->own.law = law_learn(self, usual, SLACK_OWN, 0);
	self->reference_now.law = self->reference.law;
	self->own_now.law = self->own.law;
	if (wanted >> DETECTOR_ADWIN & 1) {
		struct adwin_options options = adwin_usual;
		options.dependence = usual->dependence;
		self->adwin = adwin_open(arena, &options);
		if (!self->adwin)
			return NULL;
	}
	detectors_begin(self);
	return self;
}

/* ---- levels ---- */

/* Rates are rounded down to a step, so that windows of about the same length have the same level. */
static double level_find(struct detector_level *level, double rate)
{
	const int step = (int)floor(log2(rate) * RATE_STEPS);
	if (!level->known || level->step != step)
		*level = (struct detector_level){level->law, step, cusum_level(&level->law, exp2((double)step / RATE_STEPS)), true};
	return level->level;
}

/* ---- a window ---- */

static void sum_note(struct sum_most *most, double sum, double run)
{
	if (sum > most->sum)
		*most = (struct sum_most){sum, run};
}

/* The shift of the mean over the run, if its sum is an alarm. The largest sum of a window without a shift is that of a few numbers
 * far out: they count over the whole window. */
static struct detector_finding sum_finding(const struct sum_most *most, const struct cusum_law *law, double level, double count)
{
	const bool alarm = most->sum > level;
	const double run = most->run > 0 ? most->run : fmax(count, 1), rows = alarm ? run : fmax(run, count);
	return (struct detector_finding){.statistic = most->sum,
					 .effect = most->sum > 0 ? (most->sum + law->slack * run) / rows : 0,
					 .level = (level + law->slack * run) / rows,
					 .p = -expm1(-count * cusum_rate(law, most->sum)),
					 .alarm = alarm};
}

static void cusum_begin(struct detectors *self)
{
	self->cusum = (struct cusum){.deviation = 1, .slack = self->reference.law.slack, .threshold = (double)INFINITY};
	self->up_run = self->down_run = 0;
}

static void cusum_take(struct detectors *self, double score, struct sum_most *most)
{
	cusum_add(&self->cusum, score);
	self->up_run = self->cusum.up > 0 ? self->up_run + 1 : 0;
	self->down_run = self->cusum.down > 0 ? self->down_run + 1 : 0;
	sum_note(most, self->cusum.up, self->up_run);
	sum_note(most, self->cusum.down, self->down_run);
}

static void own_begin(struct detectors *self)
{
	page_hinkley_begin(&self->own_sums, &(struct page_hinkley_options){.least = LEAST_OWN,
									   .delta = SLACK_OWN,
									   .threshold = (double)INFINITY,
									   .fading = 1,
									   .sides = ONLINE_BOTH});
	self->own_up_run = self->own_down_run = 0;
}

static void own_take(struct detectors *self, double score, struct sum_most *most)
{
	struct page_hinkley *sums = &self->own_sums;
	page_hinkley_add(sums, score);
	self->own_up_run = sums->up > sums->least_up ? self->own_up_run + 1 : 0;
	self->own_down_run = sums->down < sums->most_down ? self->own_down_run + 1 : 0;
	if (sums->count < LEAST_OWN)
		return;
	sum_note(most, sums->up - sums->least_up, self->own_up_run);
	sum_note(most, sums->most_down - sums->down, self->own_down_run);
}

/* The better of two boundaries: by how much more it is than chance explains. */
static void boundary_note(const struct adwin *adwin, struct adwin_boundary *best)
{
	const struct adwin_boundary found = adwin_boundary_best(adwin);
	if (found.delta > 0 && (best->delta == 0 || found.apart - found.bound > best->apart - best->bound))
		*best = found;
}

void detectors_begin(struct detectors *detectors)
{
	detectors->window = (struct detectors_window){0};
	cusum_begin(detectors);
	own_begin(detectors);
	if (detectors->adwin)
		adwin_begin(detectors->adwin);
}

static struct detector_finding boundary_finding(const struct adwin_boundary *best, double looks, bool alarm)
{
	const double p = best->delta > 0 ? best->delta * looks : 1;
	return (struct detector_finding){best->apart, best->apart, best->bound, fmin(1, p), alarm};
}

static void number_take(struct detectors *self, double number)
{
	struct detectors_window *window = &self->window;
	if (isnan(number))
		return;
	const size_t place = place_of(self->sorted, number);
	window->taken++;
	if (self->wanted >> DETECTOR_CUSUM & 1)
		cusum_take(self, self->scores[place], &window->most);
	if (self->wanted >> DETECTOR_PAGE_HINKLEY & 1)
		own_take(self, self->scores[place], &window->own);
	if (self->adwin && adwin_add(self->adwin, (double)place / (2 * (double)self->sorted->count))) {
		window->apart = true;
		boundary_note(self->adwin, &window->best);
		adwin_keep(self->adwin);
	}
}

/* `looks`: of ADWIN in a window. */
static void window_find(const struct detectors *self, double reference, double own, double looks,
			struct detector_finding findings[DETECTORS])
{
	const struct detectors_window *window = &self->window;
	findings[DETECTOR_CUSUM] = sum_finding(&window->most, &self->reference.law, reference, window->taken);
	findings[DETECTOR_PAGE_HINKLEY] = sum_finding(&window->own, &self->own.law, own, window->taken);
	findings[DETECTOR_ADWIN] = boundary_finding(&window->best, looks, window->apart);
}

static double looks_of(size_t count)
{
	return fmax((double)count / adwin_usual.clock, 1);
}

bool detectors_may_follow(const struct detectors *detectors, size_t count, double alpha)
{
	const struct detectors_window *window = &detectors->window;
	const double delta = alpha / looks_of(count);
	return !detectors->adwin || (window->delta_least >= delta * (1 - DELTA_ROUNDING) &&
				     window->delta_most <= delta * (1 + DELTA_ROUNDING));
}

/* The window of ADWIN, and the numbers before a change that Page-Hinkley has seen, have no end. */
bool detectors_can_alarm(const struct detectors *detectors, size_t count, double alpha)
{
	const double rate = alpha / (double)count, slack = detectors->reference.law.slack;
	const double farthest = fmax(-detectors->scores[0], detectors->scores[2 * detectors->sorted->count]);
	return detectors->adwin ||
	       (detectors->wanted >> DETECTOR_PAGE_HINKLEY & 1 && isfinite(cusum_level(&detectors->own.law, rate))) ||
	       (detectors->wanted >> DETECTOR_CUSUM & 1 && farthest > slack &&
		isfinite(cusum_level(&detectors->reference.law, rate)));
}

void detectors_take(struct detectors *detectors, const double *numbers, size_t count, size_t looked, double alpha,
		    struct detector_finding findings[DETECTORS])
{
	const double looks = looks_of(count);
	if (looked == 0)
		detectors->window = (struct detectors_window){0};
	if (detectors->adwin)
		adwin_tune(detectors->adwin, alpha / looks);
	for (size_t i = looked; i < count; i++)
		number_take(detectors, numbers[i]);
	if (detectors->adwin)
		boundary_note(detectors->adwin, &detectors->window.best);
	const double rate = alpha / fmax(detectors->window.taken, 1);
	window_find(detectors, level_find(&detectors->reference, rate), level_find(&detectors->own, rate), looks, findings);
	if (findings[DETECTOR_CUSUM].alarm)
		cusum_begin(detectors);
	if (findings[DETECTOR_PAGE_HINKLEY].alarm)
		own_begin(detectors);
	if (detectors->window.apart)
		adwin_begin(detectors->adwin);
	detectors->window = (struct detectors_window){0};
}

void detectors_look(struct detectors *detectors, const double *numbers, size_t count, double rate,
		    struct detector_finding findings[DETECTORS], size_t places[DETECTORS])
{
	struct detectors_window *window = &detectors->window;
	const bool known = rate > 0;
	const double reference = known ? level_find(&detectors->reference_now, rate) : (double)INFINITY;
	const double own = known ? level_find(&detectors->own_now, rate) : (double)INFINITY;
	const double delta = known ? rate * adwin_usual.clock : RATE_UNKNOWN;
	bool now[DETECTORS] = {false};
	if (detectors->adwin)
		adwin_tune(detectors->adwin, delta);
	window->delta_least = window->delta_most == 0 ? delta : fmin(window->delta_least, delta);
	window->delta_most = fmax(window->delta_most, delta);
	for (size_t i = 0; i < count; i++) {
		number_take(detectors, numbers[i]);
		const bool over[DETECTORS] = {[DETECTOR_CUSUM] = window->most.sum > reference,
					      [DETECTOR_PAGE_HINKLEY] = window->own.sum > own,
					      [DETECTOR_ADWIN] = window->apart};
		for (int j = 0; j < DETECTORS; j++)
			if (over[j] && !window->raised[j]) {
				window->raised[j] = now[j] = true;
				places[j] = i;
			}
	}
	bool raised = false;
	for (int j = 0; j < DETECTORS; j++) {
		raised |= now[j];
		findings[j] = (struct detector_finding){0};
		places[j] = now[j] ? places[j] : 0;
	}
	if (!known || !raised)
		return;
	window_find(detectors, reference, own, fmax(window->taken / adwin_usual.clock, 1), findings);
	for (int j = 0; j < DETECTORS; j++)
		findings[j].alarm = now[j];
}

/* ---- the state as bytes ---- */

size_t detectors_bytes(const struct detectors *detectors)
{
	return sizeof(struct detectors_kept) + (detectors->adwin ? adwin_bytes(detectors->adwin) : 0);
}

void detectors_write(const struct detectors *detectors, char *bytes)
{
	const struct page_hinkley *own = &detectors->own_sums;
	const struct detectors_kept kept = {.up = detectors->cusum.up,
					    .down = detectors->cusum.down,
					    .up_run = detectors->up_run,
					    .down_run = detectors->down_run,
					    .own_count = (double)own->count,
					    .own_mean = own->mean,
					    .own_up = own->up,
					    .own_least = own->least_up,
					    .own_down = own->down,
					    .own_most = own->most_down,
					    .own_up_run = detectors->own_up_run,
					    .own_down_run = detectors->own_down_run};
	memcpy(bytes, &kept, sizeof kept);
	if (detectors->adwin)
		adwin_write(detectors->adwin, bytes + sizeof kept);
}

bool detectors_read(struct detectors *detectors, struct text *bytes)
{
	struct detectors_kept kept;
	detectors_begin(detectors);
	if (bytes->length < sizeof kept)
		return false;
	memcpy(&kept, bytes->bytes, sizeof kept);
	*bytes = (struct text){bytes->bytes + sizeof kept, bytes->length - sizeof kept};
	detectors->cusum.up = kept.up;
	detectors->cusum.down = kept.down;
	detectors->up_run = kept.up_run;
	detectors->down_run = kept.down_run;
	detectors->own_sums.count = (uint64_t)kept.own_count;
	detectors->own_sums.mean = kept.own_mean;
	detectors->own_sums.up = kept.own_up;
	detectors->own_sums.least_up = kept.own_least;
	detectors->own_sums.down = kept.own_down;
	detectors->own_sums.most_down = kept.own_most;
	detectors->own_up_run = kept.own_up_run;
	detectors->own_down_run = kept.own_down_run;
	return !detectors->adwin || adwin_read(detectors->adwin, bytes);
}
