/* drift_online.c: Family `drift_online`: numbers of a stream at which detectors of change raise an alarm. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "compute/values.h"
#include "methods/drift/tests/adwin.h"
#include "comparison/drift/online_charts.h"

/* A stream and what is listed of it. */
struct online_run {
	const struct compute_case *one;
	struct compute_row stream; /* without NaN */
	size_t *places;		   /* of its numbers in the stream that came */
	size_t nan;
	json_t *result, *alarms, *warnings, *sides;
	struct error *error;
};

static void online_list(json_t *list, size_t at)
{
	json_array_append_new(list, json_integer((json_int_t)at));
}

static void online_note(struct online_run *run, size_t at, enum online_verdict verdict)
{
	if (verdict == ONLINE_ALARM)
		online_list(run->alarms, run->places[at]);
	if (verdict == ONLINE_WARNING)
		online_list(run->warnings, run->places[at]);
}

static double online_number(struct online_run *run, const char *key, double otherwise)
{
	return compute_number_or(run->one->params, key, otherwise, run->error);
}

/* A number from one bound to another. */
static double online_within(struct online_run *run, const char *key, double otherwise, double least, double most)
{
	const double number = online_number(run, key, otherwise);
	if (number >= least && number <= most)
		return number;
	error_set(run->error, ERROR_INPUT, PLACE_NONE, "`%s` is %g; give a number from %g to %g", key, number, least, most);
	return otherwise;
}

/* A number above 0. */
static double online_positive(struct online_run *run, const char *key, double otherwise, double most)
{
	const double number = online_number(run, key, otherwise);
	if (number > 0 && number <= most)
		return number;
	error_set(run->error, ERROR_INPUT, PLACE_NONE, "`%s` is %g; give a number above 0, and at most %g", key, number, most);
	return otherwise;
}

/* The chance of a false alarm. */
static double online_chance(struct online_run *run, const char *key, double otherwise)
{
	const double chance = online_number(run, key, otherwise);
	if (chance > 0 && chance < 1)
		return chance;
	error_set(run->error, ERROR_INPUT, PLACE_NONE, "`%s` is %g; give a chance between 0 and 1", key, chance);
	return otherwise;
}

/* A count of numbers, which must be one that a detector can use. */
static unsigned online_count(struct online_run *run, const char *key, unsigned otherwise, unsigned least)
{
	double count = online_number(run, key, otherwise);
	if (count >= least && count <= 1e6 && count == floor(count))
		return (unsigned)count;
	error_set(run->error, ERROR_INPUT, PLACE_NONE, "`%s` is %g; give an integer from %u to 1000000", key, count, least);
	return otherwise;
}

static enum online_sides online_sides_read(struct online_run *run)
{
	const char *mode = compute_text_or(run->one->params, "mode", "both", run->error);
	if (strcmp(mode, "up") != 0 && strcmp(mode, "down") != 0 && strcmp(mode, "both") != 0)
		error_set(run->error, ERROR_INPUT, PLACE_NONE, "`mode` is `%s`; give up, down or both", mode);
	return strcmp(mode, "up") == 0 ? ONLINE_UP : strcmp(mode, "down") == 0 ? ONLINE_DOWN : ONLINE_BOTH;
}

static void page_hinkley_run(struct online_run *run)
{
	struct page_hinkley_options options = {
		.least = online_count(run, "min_instances", 30, 0),
		.delta = online_within(run, "delta", 0.005, -DBL_MAX, DBL_MAX),
		.threshold = online_within(run, "threshold", 50, 0, DBL_MAX),
		.fading = online_within(run, "alpha", 0.9999, 0, 1),
		.sides = online_sides_read(run),
	};
	struct page_hinkley detector;
	page_hinkley_begin(&detector, &options);
	for (size_t i = 0; i < run->stream.count; i++)
		online_note(run, i, page_hinkley_add(&detector, run->stream.items[i]));
	compute_put(run->result, "detections", json_incref(run->alarms), run->error);
}

static void adwin_run(struct online_run *run)
{
	struct adwin_options options = {
		.delta = online_chance(run, "delta", 0.002),
		.clock = online_count(run, "clock", 32, 1),
		.buckets = online_count(run, "max_buckets", 5, 1),
		.least = online_count(run, "min_window_length", 5, 1),
		.grace = online_count(run, "grace_period", 10, 0),
		.dependence = 1,
	};
	struct adwin *adwin = adwin_open(run->one->arena, &options);
	if (!adwin) {
		error_memory(run->error, ERROR_LIMIT, "watching a stream");
		return;
	}
	for (size_t i = 0; i < run->stream.count; i++)
		online_note(run, i, adwin_add(adwin, run->stream.items[i]) ? ONLINE_ALARM : ONLINE_STABLE);
	compute_put(run->result, "detections", json_incref(run->alarms), run->error);
}

static void online_both_put(struct online_run *run)
{
	compute_put(run->result, "detections", json_incref(run->alarms), run->error);
	compute_put(run->result, "warnings", json_incref(run->warnings), run->error);
}

static void ddm_run(struct online_run *run)
{
	struct ddm_options options = {
		.least = online_count(run, "warm_start", 30, 0),
		.warning = online_within(run, "warning_threshold", 2, 0, DBL_MAX),
		.alarm = online_within(run, "drift_threshold", 3, 0, DBL_MAX),
	};
	struct ddm detector;
	ddm_begin(&detector, &options);
	for (size_t i = 0; i < run->stream.count; i++)
		online_note(run, i, ddm_add(&detector, run->stream.items[i] > 0.5));
	online_both_put(run);
}

/* Warnings stand beside an alarm where the detector had both. */
static void online_note_both(struct online_run *run, size_t at, enum online_verdict verdict, bool warns)
{
	online_note(run, at, verdict);
	if (verdict == ONLINE_ALARM && warns)
		online_list(run->warnings, run->places[at]);
}

static void eddm_run(struct online_run *run)
{
	struct eddm_options options = {
		.least = online_count(run, "warm_start", 30, 1),
		.warning = online_within(run, "alpha", 0.95, 0, 1),
		.alarm = online_within(run, "beta", 0.9, 0, 1),
	};
	struct eddm detector;
	eddm_begin(&detector, &options);
	for (size_t i = 0; i < run->stream.count; i++) {
		const enum online_verdict verdict = eddm_add(&detector, run->stream.items[i] > 0.5);
		online_note_both(run, i, verdict, detector.warns);
	}
	online_both_put(run);
}

static void hddm_run(struct online_run *run, enum online_verdict (*add)(struct hddm *detector, bool wrong))
{
	struct hddm_options options = {
		.warning = online_chance(run, "warning_confidence", 0.005),
		.alarm = online_chance(run, "drift_confidence", 0.001),
		.weight = online_chance(run, "lambda_val", 0.05),
		.both_sides = compute_flag_or(run->one->params, "two_sided_test", false, run->error),
	};
	struct hddm detector;
	hddm_begin(&detector, &options);
	for (size_t i = 0; i < run->stream.count; i++) {
		const enum online_verdict verdict = add(&detector, run->stream.items[i] > 0.5);
		online_note_both(run, i, verdict, detector.warns);
	}
	online_both_put(run);
}

static void hddm_a_run(struct online_run *run)
{
	hddm_run(run, hddm_a_add);
}

static void hddm_w_run(struct online_run *run)
{
	hddm_run(run, hddm_w_add);
}

static void cusum_run(struct online_run *run)
{
	struct cusum detector = {.mean = online_within(run, "mu0", 0, -DBL_MAX, DBL_MAX),
				 .deviation = online_positive(run, "sigma", 1, DBL_MAX),
				 .slack = online_within(run, "k", 0.5, 0, DBL_MAX),
				 .threshold = online_within(run, "h", 5, 0, DBL_MAX)};
	for (size_t i = 0; i < run->stream.count; i++) {
		enum online_sides side = cusum_add(&detector, run->stream.items[i]);
		online_note(run, i, side == ONLINE_BOTH ? ONLINE_STABLE : ONLINE_ALARM);
		if (side != ONLINE_BOTH)
			json_array_append_new(run->sides, side == ONLINE_UP ? json_stringn("up", 2) : json_stringn("down", 4));
	}
	compute_put(run->result, "detections", json_incref(run->alarms), run->error);
	compute_put(run->result, "sides", json_incref(run->sides), run->error);
	compute_put(run->result, "final_up", compute_write(detector.up), run->error);
	compute_put(run->result, "final_down", compute_write(detector.down), run->error);
}

static void ewma_run(struct online_run *run)
{
	double mean = online_within(run, "mu0", 0, -DBL_MAX, DBL_MAX);
	struct ewma_chart chart = {.mean = mean,
				   .deviation = online_positive(run, "sigma", 1, DBL_MAX),
				   .weight = online_positive(run, "lam", 0.2, 1),
				   .width = online_positive(run, "L", 3, DBL_MAX),
				   .level = mean,
				   .faded = 1};
	for (size_t i = 0; i < run->stream.count; i++)
		online_note(run, i, ewma_chart_add(&chart, run->stream.items[i]));
	compute_put(run->result, "alarms", json_incref(run->alarms), run->error);
	compute_put(run->result, "final", compute_write((chart.level - mean) / chart.deviation), run->error);
}

static const struct online_detector {
	const char *name;
	void (*run)(struct online_run *run);
} online_detectors[] = {
	{"page_hinkley", page_hinkley_run},
	{"adwin", adwin_run},
	{"ddm", ddm_run},
	{"eddm", eddm_run},
	{"hddm_a", hddm_a_run},
	{"hddm_w", hddm_w_run},
	{"cusum", cusum_run},
	{"ewma_chart", ewma_run},
	{NULL, NULL},
};

/* The stream of a case: its own, or one that the file's cases share. */
static bool online_stream_read(struct online_run *run, struct error *error)
{
	const struct compute_case *one = run->one;
	const char *name = json_string_value(json_object_get(one->input, "stream_ref"));
	const json_t *streams = name ? json_object_get(one->document, "streams") : one->input;
	struct compute_row all;
	if (!compute_row(one, streams, name ? name : "stream", &all, error))
		return false;
	run->places = ARENA_ARRAY(one->arena, size_t, all.count + 1);
	if (!run->places) {
		(void)error_memory(error, ERROR_LIMIT, "reading a stream");
		return false;
	}
	run->stream.items = all.items;
	for (size_t i = 0; i < all.count; i++) {
		if (isnan(all.items[i]))
			continue;
		run->places[run->stream.count] = i;
		run->stream.items[run->stream.count++] = all.items[i];
	}
	run->nan = all.count - run->stream.count;
	return true;
}

static json_t *online_result(const struct compute_case *one, const struct online_detector *detector, struct error *error)
{
	struct online_run run = {.one = one, .result = json_object(), .error = error};
	run.alarms = json_array();
	run.warnings = json_array();
	run.sides = json_array();
	if (online_stream_read(&run, error)) {
		detector->run(&run);
		compute_put(run.result, "nan", json_integer((json_int_t)run.nan), error);
	}
	json_decref(run.alarms);
	json_decref(run.warnings);
	json_decref(run.sides);
	return compute_made(run.result, error);
}

static json_t *online_compute(const struct compute_case *one, struct error *error)
{
	const char *name;
	if (!compute_text(one->params, "detector", &name, error))
		return NULL;
	for (const struct online_detector *detector = online_detectors; detector->name; detector++)
		if (strcmp(detector->name, name) == 0)
			return online_result(one, detector, error);
	error_set(error, ERROR_INPUT, PLACE_NONE, "no detector is called `%s`; `sluice compute --list drift_online` names them",
		  name);
	return NULL;
}

static const struct compute_method online_methods[] = {
	{"page_hinkley", "up = a up + (x - mean) - delta, down = a down + (x - mean) + delta, mean since the last alarm; an "
			 "alarm where "
			 "up - min(up) or max(down) - down > threshold, the maximum from -1 on"},
	{"adwin", "exponential histogram, `max_buckets` a level; every `clock` numbers all boundaries: |m0 - m1| > sqrt(2 v L s) "
		  "+ 2/3 L s, "
		  "L = ln(2 ln(W)/delta), s = 1/n0' + 1/n1'; the window starts again after an alarm"},
	{"ddm", "p + s beside its least value after `warm_start` numbers: warning above p + 2 s, alarm above p + 3 s"},
	{"eddm", "mean + 2 deviations of the distance between errors, as part of its greatest value after `warm_start` numbers and "
		 "errors: warning below `alpha`, alarm below `beta`; it stands until the next error"},
	{"hddm_a", "mean of all beside that of the first numbers whose upper Hoeffding bound is least: warning and alarm beyond "
		   "what has the chance `warning_confidence` and `drift_confidence`; falls too with `two_sided_test`"},
	{"hddm_w",
	 "the same of means in which the newest number weighs `lambda_val`: what came since the cut beside what came before, by "
	 "McDiarmid's bound"},
	{"cusum", "of (x - mu0)/sigma, slack k, threshold h, both sums at 0 again after an alarm"},
	{"ewma_chart", "level = lam x + (1 - lam) level, limits L sigma sqrt(lam/(2 - lam) (1 - (1 - lam)^(2t)))"},
	{NULL, NULL},
};

const struct compute_family compute_drift_online = {
	.name = "drift_online",
	.summary = "where detectors of change raise an alarm in a stream, by `detector`; NaN is left out and counted",
	.methods = online_methods,
	.parameters =
		"L alpha beta clock delta detector drift_confidence drift_threshold grace_period h k lam lambda_val max_buckets "
		"min_instances min_window_length mode mu0 sigma threshold two_sided_test warm_start warning_confidence "
		"warning_threshold",
	.run = online_compute,
};
