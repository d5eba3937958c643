/* drift_line.c: see drift_line.h. */
#include "steps/drift/drift_line.h"

#include <math.h>

#include "base/quote.h"
#include "message/json/json_write.h"

#define IMPORTANCE_NAMED 3 /* features in a line */

void drift_number_put(struct buffer *out, const char *name, double number)
{
	buffer_print(out, ", \"%s\": ", name);
	json_write_double(out, number);
}

void drift_count_put(struct buffer *out, const char *name, uint64_t count)
{
	buffer_print(out, ", \"%s\": %llu", name, (unsigned long long)count);
}

/* NaN: not known. */
static double importance_shift(const struct drift_line *line, const struct monitor_verdict *verdict,
			       const struct monitor_feature *feature)
{
	const struct fit_source *source = line->source;
	if (!source->importance_shift || !source->time_ms)
		return (double)NAN;
	return source->importance_shift(source->importances, feature->name, verdict->least_ms, verdict->most_ms);
}

static void test_put(struct buffer *out, const struct monitor_test *test)
{
	buffer_print(out, "{\"method\": \"%s\"", monitor_method_names[test->method]);
	drift_number_put(out, "statistic", test->statistic);
	drift_number_put(out, "p", test->p);
	drift_number_put(out, "effect", test->effect);
	drift_number_put(out, "level", test->level);
	buffer_print(out, ", \"established\": %s}", test->established ? "true" : "false");
}

static void feature_put(const struct drift_line *line, const struct monitor_verdict *verdict, const struct monitor_feature *feature,
			struct buffer *out)
{
	const double shift = importance_shift(line, verdict, feature);
	const struct monitor_quality *quality = &feature->quality;
	buffer_string(out, "{\"name\": ");
	json_write_string(out, feature->name);
	drift_count_put(out, "values", feature->count);
	drift_count_put(out, "missing", quality->missing);
	drift_count_put(out, "outside", quality->outside);
	drift_count_put(out, "unseen", quality->unseen);
	if (quality->lost)
		buffer_string(out, ", \"lost\": true");
	drift_count_put(out, "mistyped", quality->mistyped);
	buffer_print(out, ", \"still\": %s, \"quality_alarm\": %s, \"tests\": [", quality->still ? "true" : "false",
		     monitor_quality_alarm(quality) ? "true" : "false");
	for (size_t i = 0; i < feature->test_count; i++) {
		buffer_string(out, i ? ", " : "");
		test_put(out, &feature->tests[i]);
	}
	buffer_string(out, "], \"picture\": ");
	const size_t number = (size_t)(feature - verdict->features);
	drift_picture_put(&line->pictures[number], line->comparison->monitor, number, out);
	if (!isnan(shift))
		drift_number_put(out, "importance_shift", shift);
	buffer_byte(out, '}');
}

static void known_put(struct buffer *out, const char *name, double number)
{
	if (isfinite(number))
		drift_number_put(out, name, number);
}

static void times_put(const struct monitor_times *times, struct buffer *out)
{
	known_put(out, "messages_per_minute", times->rate);
	known_put(out, "messages_per_minute_low", times->rate_low);
	known_put(out, "messages_per_minute_high", times->rate_high);
	known_put(out, "newest_age_ms", times->age_ms);
	known_put(out, "newest_age_ms_most", times->age_most_ms);
	if (times->rate_alarm || times->age_alarm)
		buffer_print(out, ", \"messages_per_minute_alarm\": %s, \"newest_age_alarm\": %s",
			     times->rate_alarm ? "true" : "false", times->age_alarm ? "true" : "false");
	if (!times->unjudged)
		return;
	buffer_string(out, ", \"times_not_judged\": ");
	json_write_string(out, text_of(times->unjudged));
}

static void times_say(const struct monitor_times *times, struct buffer *out)
{
	if (times->rate_alarm)
		buffer_print(out, "; %.4g messages a minute, where %.4g to %.4g are usual", times->rate, times->rate_low,
			     times->rate_high);
	if (times->age_alarm)
		buffer_print(out, "; no newer event for %.4g s, where %.4g s are usual at most", times->age_ms / 1000,
			     times->age_most_ms / 1000);
}

/* ---- estimates, and what was realised ---- */

static void estimate_put(const char *name, const char *low, const char *high, struct performance_estimate estimate,
			 struct buffer *out)
{
	drift_number_put(out, name, estimate.value);
	drift_number_put(out, low, estimate.low);
	drift_number_put(out, high, estimate.high);
}

static void estimates_put(const struct drift_line *line, struct buffer *out)
{
	const struct drift_estimates known = drift_estimates_of(line->performance, line->sums);
	if (line->estimate->here.line) {
		estimate_put("estimated_accuracy", "estimated_accuracy_low", "estimated_accuracy_high", known.accuracy, out);
		estimate_put("estimated_precision", "estimated_precision_low", "estimated_precision_high", known.precision, out);
		estimate_put("estimated_recall", "estimated_recall_low", "estimated_recall_high", known.recall, out);
		estimate_put("estimated_auc", "estimated_auc_low", "estimated_auc_high", known.auc, out);
	}
	if (drift_estimates_any(line->estimate)) {
		drift_count_put(out, "estimated_rows", line->unestimated->rows - drift_unestimated_count(line->unestimated));
		drift_count_put(out, "rows_not_estimated", drift_unestimated_count(line->unestimated));
	}
	if (line->estimate->error.here.line)
		estimate_put("estimated_error", "estimated_error_low", "estimated_error_high", known.error, out);
}

static void estimate_say(const char *name, struct performance_estimate estimate, struct buffer *out)
{
	if (!isnan(estimate.value))
		buffer_print(out, "; estimated %s %.3g (%.3g to %.3g)", name, estimate.value, estimate.low, estimate.high);
}

static void estimates_say(const struct drift_line *line, struct buffer *out)
{
	const struct drift_estimates known = drift_estimates_of(line->performance, line->sums);
	estimate_say(drift_figure_names[FIGURE_ACCURACY], known.accuracy, out);
	estimate_say(drift_figure_names[FIGURE_PRECISION], known.precision, out);
	estimate_say(drift_figure_names[FIGURE_RECALL], known.recall, out);
	estimate_say(drift_figure_names[FIGURE_AUC], known.auc, out);
	estimate_say(drift_figure_names[FIGURE_ERROR], known.error, out);
	if (drift_unestimated_count(line->unestimated) == 0)
		return;
	buffer_string(out, "; ");
	drift_unestimated_say(line->unestimated, line->estimate, out);
}

/* Whether the step estimates it. */
static bool figure_is_of(const struct drift_line *line, enum drift_figure figure)
{
	return figure == FIGURE_ERROR ? line->estimate->error.here.line > 0 : line->estimate->here.line > 0;
}

/* A realised number, and the band in which it was estimated for the same rows. */
static void realised_put(const struct drift_line *line, enum drift_figure figure, struct buffer *out)
{
	static const struct {
		const char *rows, *number, *low, *high, *held;
	} names[FIGURES] = {
		[FIGURE_ACCURACY] = {"realised_rows", "realised_accuracy", "realised_band_low", "realised_band_high", "band_held"},
		[FIGURE_PRECISION] = {"realised_precision_rows", "realised_precision", "realised_precision_band_low",
				      "realised_precision_band_high", "precision_band_held"},
		[FIGURE_RECALL] = {"realised_recall_rows", "realised_recall", "realised_recall_band_low",
				   "realised_recall_band_high", "recall_band_held"},
		[FIGURE_AUC] = {"realised_auc_rows", "realised_auc", "realised_auc_band_low", "realised_auc_band_high",
				"auc_band_held"},
		[FIGURE_ERROR] = {"realised_error_rows", "realised_error", "realised_error_band_low", "realised_error_band_high",
				  "error_band_held"}};
	const struct drift_finding found = line->findings[figure];
	const bool open = found.band == BAND_OPEN;
	drift_count_put(out, names[figure].rows, found.rows);
	drift_number_put(out, names[figure].number, found.realised);
	drift_number_put(out, names[figure].low, found.estimate.low);
	drift_number_put(out, names[figure].high, found.estimate.high);
	buffer_print(out, ", \"%s\": %s", names[figure].held, open ? "null" : found.band == BAND_HELD ? "true" : "false");
}

static void realised_say(const struct drift_line *line, enum drift_figure figure, struct buffer *out)
{
	static const char *const words[BAND_STATES] = {
		[BAND_OPEN] = "too few for its band", [BAND_HELD] = "within its band", [BAND_LEFT] = "outside of its band"};
	const struct drift_finding found = line->findings[figure];
	if (isnan(found.realised))
		return;
	buffer_print(out, "; realised %s %.3g of %llu rows with feedback, ", drift_figure_names[figure], found.realised,
		     (unsigned long long)found.rows);
	if (isnan(found.estimate.low))
		buffer_string(out, "without a band, since there is no estimate of them");
	else
		buffer_print(out, "%s of %.3g to %.3g", words[found.band], found.estimate.low, found.estimate.high);
}

/* ---- the line ---- */

void drift_line_put(const struct drift_line *line, const struct monitor_verdict *verdict, struct buffer *out)
{
	buffer_print(out, "{\"window\": %llu", (unsigned long long)verdict->window);
	if (line->segment) {
		buffer_string(out, ", \"segment\": ");
		json_write_string(out, *line->segment);
	}
	if (line->source->time_ms)
		buffer_print(out, ", \"begin_ms\": %lld, \"end_ms\": %lld", (long long)verdict->begin_ms,
			     (long long)verdict->end_ms);
	drift_count_put(out, "rows", verdict->rows);
	drift_count_put(out, "late", verdict->late);
	buffer_print(out, ", \"judged\": %s", verdict->judged ? "true" : "false");
	if (verdict->judged)
		drift_number_put(out, "drift_score", verdict->score);
	if (line->comparison->unjudged) {
		buffer_string(out, ", \"not_judged\": ");
		json_write_string(out, text_of(line->comparison->unjudged));
	}
	drift_number_put(out, "false_alarms_declared", verdict->false_alarms);
	estimates_put(line, out);
	for (enum drift_figure figure = 0; line->findings && figure < FIGURES; figure++)
		if (figure_is_of(line, figure))
			realised_put(line, figure, out);
	if (line->source->settled)
		buffer_print(out, ", \"settled\": %s", line->settled ? "true" : "false");
	if (line->settled) {
		drift_count_put(out, "settled_truths", line->settled->truths);
		drift_count_put(out, "settled_unkept", line->settled->unkept);
		drift_count_put(out, "settled_unfit", line->settled->unfit);
	}
	times_put(&verdict->times, out);
	if (verdict->alarm_row)
		drift_count_put(out, "alarm_row", verdict->alarm_row);
	if (verdict->alarm_row && line->source->time_ms)
		buffer_print(out, ", \"alarm_ms\": %lld", (long long)verdict->alarm_ms);
	buffer_print(out, ", \"is_drift\": %s, \"quality_alarm\": %s, \"features\": [", verdict->drifted ? "true" : "false",
		     verdict->quality_alarm ? "true" : "false");
	for (size_t i = 0; i < verdict->feature_count; i++) {
		buffer_string(out, i ? ", " : "");
		feature_put(line, verdict, &verdict->features[i], out);
	}
	for (size_t i = 0; i < verdict->joint_count; i++) {
		buffer_string(out, ", {\"name\": ");
		json_write_string(out, verdict->joints[i].name);
		buffer_string(out, ", \"tests\": [");
		test_put(out, &verdict->joints[i].test);
		buffer_string(out, "]}");
	}
	buffer_string(out, "]}\n");
}

/* Names are from messages and files of others: nothing of them may control a terminal. */
static void name_say(struct buffer *out, const char *before, struct text name)
{
	buffer_string(out, before);
	buffer_shown(out, name);
}

static void quality_say(struct buffer *out, const struct monitor_feature *feature)
{
	const struct monitor_quality *quality = &feature->quality;
	const struct {
		bool alarm;
		uint64_t count;
		const char *words;
	} items[] = {{quality->missing_alarm, quality->missing, "missing"},
		     {quality->mistyped_alarm, quality->mistyped, "of another type"},
		     {quality->outside_alarm, quality->outside, "outside of the range"},
		     {quality->unseen_alarm, quality->unseen, "never seen before"}};
	for (size_t i = 0; i < sizeof items / sizeof *items; i++)
		if (items[i].alarm) {
			name_say(out, "; ", feature->name);
			buffer_print(out, ": %llu value%s %s", (unsigned long long)items[i].count, items[i].count == 1 ? "" : "s",
				     items[i].words);
		}
	if (quality->still_alarm) {
		name_say(out, "; ", feature->name);
		buffer_string(out, ": does not vary any more");
	}
}

/* The feature whose importance changed most of those that come after that one; feature_count: none does. Of equal changes, the
 * first feature is first. */
static size_t importance_next(const struct drift_line *line, const struct monitor_verdict *verdict, size_t after)
{
	size_t found = verdict->feature_count;
	double most = -1, below = (double)INFINITY;
	if (after < verdict->feature_count)
		below = fabs(importance_shift(line, verdict, &verdict->features[after]));
	for (size_t i = 0; i < verdict->feature_count; i++) {
		const double size = fabs(importance_shift(line, verdict, &verdict->features[i]));
		if ((size < below || (size == below && i > after)) && size > most) {
			most = size;
			found = i;
		}
	}
	return found;
}

static void importance_say(const struct drift_line *line, const struct monitor_verdict *verdict, struct buffer *out)
{
	size_t at = importance_next(line, verdict, verdict->feature_count), named = 0;
	for (; named < IMPORTANCE_NAMED && at < verdict->feature_count; named++) {
		name_say(out, named ? ", `" : "; importance of `", verdict->features[at].name);
		buffer_print(out, "` %+.1f", 100 * importance_shift(line, verdict, &verdict->features[at]));
		at = importance_next(line, verdict, at);
	}
	if (named > 0)
		buffer_string(out, " points");
}

void drift_line_say(const struct drift_line *line, const struct monitor_verdict *verdict, struct buffer *out)
{
	buffer_print(out, "window %llu", (unsigned long long)verdict->window);
	if (line->segment && line->segment->length > 0)
		name_say(out, " of segment ", *line->segment);
	else if (line->segment)
		buffer_string(out, " of the segment without a name");
	buffer_print(out, ", %llu row%s: ", (unsigned long long)verdict->rows, verdict->rows == 1 ? "" : "s");
	if (!verdict->judged) {
		buffer_string(out, line->comparison->unjudged ? "not judged, since the reference has too few values"
							      : "too few values to be judged");
	} else if (verdict->score > 0) {
		const struct monitor_feature *feature =
			verdict->feature < verdict->feature_count ? &verdict->features[verdict->feature] : NULL;
		const struct monitor_joint *joint = feature ? NULL : &verdict->joints[verdict->test];
		const struct monitor_test *test = feature ? &feature->tests[verdict->test] : &joint->test;
		buffer_print(out, "%s, drift_score %.3g by %s of ", verdict->drifted ? "drift" : "a small change", verdict->score,
			     monitor_method_names[test->method]);
		name_say(out, "`", feature ? feature->name : joint->name);
		buffer_print(out, "` (effect %.3g, level %.3g, p %.2g)", test->effect, test->level, test->p);
	} else {
		buffer_string(out, "no drift");
	}
	if (verdict->alarm_row)
		buffer_print(out, "; found at row %llu", (unsigned long long)verdict->alarm_row);
	for (size_t i = 0; i < verdict->feature_count; i++)
		quality_say(out, &verdict->features[i]);
	times_say(&verdict->times, out);
	importance_say(line, verdict, out);
	estimates_say(line, out);
	for (enum drift_figure figure = 0; line->findings && figure < FIGURES; figure++)
		realised_say(line, figure, out);
	const struct settled_score *settled = line->source->truth ? NULL : line->settled;
	if (settled && settled->unkept > 0)
		buffer_print(out, "; %llu row%s did not wait for feedback", (unsigned long long)settled->unkept,
			     settled->unkept == 1 ? "" : "s");
	if (settled && settled->unfit > 0)
		buffer_print(out, "; feedback of %llu row%s cannot be compared", (unsigned long long)settled->unfit,
			     settled->unfit == 1 ? "" : "s");
	buffer_byte(out, '\n');
}
