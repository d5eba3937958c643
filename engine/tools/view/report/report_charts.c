/* report_charts.c: see report_charts.h. */
#include "tools/view/report/report_charts.h"

#include "base/number/moment.h"
#include "tools/view/report/html_parts.h"

#define WIDTH 860.0
#define LABELS 250.0 /* width of the labels of a forest plot */
#define LINE 26.0    /* height of a line of it */
#define AXIS 30.0    /* height of an axis with its numbers */
#define SIDE 70.0    /* width of the numbers beside a chart over time */
#define HEIGHT 220.0 /* of that chart */
#define WEIGHTS 46.0 /* of the weights beneath it */
#define PERCENT 100.0
#define REACH_MOST 12.0 /* practical thresholds: what lies beyond is cut, so that the rest can be seen */
#define REACH_LAST 1.5	/* times the end of the last interval, which is never cut */
#define MARK_HIGH 14.0	/* space of a number beside an axis */
#define MARK_WIDE 36.0	/* and beneath one */

/* ---- scales ---- */

/* From numbers to places along an axis. */
struct chart_scale {
	double low, high;   /* numbers */
	double begin, end; /* places */
};

static double scale_place(const struct chart_scale *scale, double number)
{
	const double share = (number - scale->low) / (scale->high - scale->low);
	const double within = isnan(share) ? 0 : fmin(1, fmax(0, share));
	return scale->begin + within * (scale->end - scale->begin);
}

static void scale_reach(struct chart_scale *scale, double number, double most)
{
	if (!isfinite(number))
		return;
	scale->low = fmax(-most, fmin(scale->low, number));
	scale->high = fmin(most, fmax(scale->high, number));
}

/* Whether there is space for the number of a mark beside those of the marks before it. */
static bool mark_fits(const struct chart_scale *scale, const double *marks, size_t index, double space)
{
	const double place = scale_place(scale, marks[index]);
	for (size_t i = 0; i < index; i++)
		if (fabs(scale_place(scale, marks[i]) - place) < space)
			return false;
	return true;
}

/* Numbers beside an axis that goes up: those before others are the more important ones. */
static void marks_write_up(const struct chart_scale *scale, const double *marks, size_t count, struct buffer *out)
{
	for (size_t i = 0; i < count; i++)
		if (mark_fits(scale, marks, i, MARK_HIGH))
			buffer_print(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%+.4g</text>", SIDE - 6,
				     fmin(HEIGHT, fmax(10, scale_place(scale, marks[i]) + 4)), marks[i]);
}

static void line_write(struct buffer *out, const char *class, double x1, double y1, double x2, double y2)
{
	buffer_print(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", class, x1, y1, x2, y2);
}

static void band_write(struct buffer *out, double x, double y, double width, double height)
{
	buffer_print(out, "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x, y, width, height);
}

/* ---- forest plot ---- */

/* Of what a difference is a share; 0: it is not known. */
static double pair_base(const struct report_metric *metric, const struct pair_analysis *pair)
{
	return pair->threshold / metric->practical;
}

static bool pair_drawn(const struct report_metric *metric, const struct pair_analysis *pair)
{
	return pair_base(metric, pair) > 0 && isfinite(pair->estimate) && !interval_empty(pair->sequence.interval);
}

static const char *pair_class(const struct report_metric *metric, const struct pair_analysis *pair)
{
	const struct interval gain = pair_gain(pair, metric->lower_is_better);
	return gain.low > 0 ? "reach" : gain.high < 0 ? "reach against" : "reach unclear";
}

static void forest_write_row(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
			     const struct chart_scale *scale, double y, struct buffer *out)
{
	const double base = pair_base(metric, pair);
	buffer_print(out, "<text x=\"0\" y=\"%.1f\">", y + 4);
	html_write_text(out, metric->shown);
	html_write_around(out, ": ", report->joined->arm_names[pair->treatment], "</text>");
	if (!pair_drawn(metric, pair)) {
		buffer_print(out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>", scale->begin + 8, y + 4, pair_state_name(pair->state));
		return;
	}
	const struct interval interval = pair->sequence.interval;
	if (interval.low / base > scale->high || interval.high / base < scale->low) {
		const bool above = interval.low > 0;
		buffer_print(out, "<text x=\"%.1f\" y=\"%.1f\"%s>%s%+.3g%% (%+.3g to %+.3g)%s</text>",
			     above ? scale->end : scale->begin, y + 4, above ? " text-anchor=\"end\"" : "", above ? "" : "&larr; ",
			     PERCENT * pair->estimate / base, PERCENT * interval.low / base, PERCENT * interval.high / base,
			     above ? " &rarr;" : "");
		return;
	}
	buffer_print(out, "<g><title>%+.3g%% (%+.3g to %+.3g)</title>", PERCENT * pair->estimate / base,
		     PERCENT * interval.low / base, PERCENT * interval.high / base);
	line_write(out, pair_class(metric, pair), scale_place(scale, interval.low / base), y, scale_place(scale,
		interval.high / base), y);
	buffer_print(out, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/></g>", scale_place(scale,
		pair->estimate / base), y);
}

static struct chart_scale forest_scale(const struct report *report, size_t *rows)
{
	const double practical = report->options->practical;
	struct chart_scale scale = {-2 * practical, 2 * practical, LABELS, WIDTH - 30}; /* half of a label fits beyond */
	*rows = 0;
	for (size_t i = 0; i < report->metric_count; i++)
		for (size_t j = 0; j < report->metrics[i].analysis.pair_count; j++) {
			const struct report_metric *metric = &report->metrics[i];
			const struct pair_analysis *pair = &metric->analysis.pairs[j];
			++*rows;
			if (!pair_drawn(metric, pair))
				continue;
			scale_reach(&scale, pair->sequence.interval.low / pair_base(metric, pair), REACH_MOST * practical);
			scale_reach(&scale, pair->sequence.interval.high / pair_base(metric, pair), REACH_MOST * practical);
		}
	return scale;
}

void chart_write_forest(const struct report *report, struct buffer *out)
{
	const double practical = report->options->practical;
	size_t rows, row = 0;
	const struct chart_scale scale = forest_scale(report, &rows);
	const double bottom = LINE * (double)rows;
	buffer_print(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"differences by metric and variant\">\n", WIDTH,
		     bottom + AXIS);
	band_write(out, scale_place(&scale, -practical), 0, scale_place(&scale, practical) - scale_place(&scale, -practical),
		bottom);
	line_write(out, "axis", scale_place(&scale, 0), 0, scale_place(&scale, 0), bottom + 4);
	for (size_t i = 0; i < report->metric_count; i++)
		for (size_t j = 0; j < report->metrics[i].analysis.pair_count; j++)
			forest_write_row(report, &report->metrics[i], &report->metrics[i].analysis.pairs[j], &scale,
					 LINE * ((double)row++ + 0.5), out);
	const double marks[] = {0, scale.low, scale.high, -practical, practical};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (mark_fits(&scale, marks, i, MARK_WIDE))
			buffer_print(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%+.3g%%</text>",
				     scale_place(&scale, marks[i]), bottom + 20, PERCENT * marks[i]);
	buffer_string(out, "</svg>\n");
}

/* ---- confidence sequence ---- */

static struct chart_scale sequence_scale(const struct pair_analysis *pair)
{
	const struct interval last = pair->points[pair->point_count - 1].interval;
	const double ends = fmax(fabs(last.low), fabs(last.high));
	const double most = fmax(REACH_MOST * pair->threshold, isfinite(ends) ? REACH_LAST * ends : 0);
	struct chart_scale scale = {-2 * pair->threshold, 2 * pair->threshold, HEIGHT, 0};
	for (size_t i = 0; i < pair->point_count; i++) {
		scale_reach(&scale, pair->points[i].interval.low, pair->threshold > 0 ? most : INFINITY);
		scale_reach(&scale, pair->points[i].interval.high, pair->threshold > 0 ? most : INFINITY);
	}
	return scale;
}

static void sequence_write_area(const struct pair_point *points, size_t count, const struct chart_scale *times,
				const struct chart_scale *scale, struct buffer *out)
{
	buffer_string(out, "<polygon class=\"area\" points=\"");
	for (size_t i = 0; i < count; i++)
		buffer_print(out, "%.1f,%.1f ", scale_place(times, (double)points[i].time_ms),
			     scale_place(scale, points[i].interval.high));
	for (size_t i = count; i-- > 0;)
		buffer_print(out, "%.1f,%.1f ", scale_place(times, (double)points[i].time_ms),
			     scale_place(scale, points[i].interval.low));
	buffer_string(out, "\"/><polyline class=\"line\" points=\"");
	for (size_t i = 0; i < count; i++)
		buffer_print(out, "%.1f,%.1f ", scale_place(times, (double)points[i].time_ms),
			     scale_place(scale, points[i].estimate));
	buffer_string(out, "\"/>\n");
}

/* Each epoch's shares, one above the other. */
static void weights_write(const struct report *report, const struct chart_scale *times, struct buffer *out)
{
	const struct joined *joined = report->joined;
	for (size_t i = 0; i < joined->epoch_count && !joined->adaptive; i++) {
		const struct joined_epoch *epoch = &joined->epochs[i];
		const double begin = scale_place(times, (double)epoch->begin_ms);
		const double end = i + 1 < joined->epoch_count ? scale_place(times,
			(double)joined->epochs[i + 1].begin_ms) : times->end;
		double y = HEIGHT + 8;
		for (size_t arm = 0; arm < joined->arms; arm++) {
			const double share = isfinite(epoch->shares[arm]) ? epoch->shares[arm] : 0;
			buffer_print(out, "<rect class=\"w%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>",
				     arm % CHART_COLOURS, begin, y, fmax(0, end - begin), share * WEIGHTS);
			html_write_text(out, joined->arm_names[arm]);
			buffer_print(out, " %.3g%%</title></rect>", PERCENT * share);
			y += share * WEIGHTS;
		}
	}
}

void chart_write_sequence(const struct report *report, const struct pair_analysis *pair, struct buffer *out)
{
	const struct joined *joined = report->joined;
	const struct chart_scale scale = sequence_scale(pair);
	const int64_t last_ms = pair->points[pair->point_count - 1].time_ms;
	const struct chart_scale times = {(double)joined->first_ms, fmax((double)last_ms, (double)joined->last_ms), SIDE,
		WIDTH - 10};
	const double marks[] = {0, scale.low, scale.high, -pair->threshold, pair->threshold};
	char moment[MOMENT_BYTES];
	buffer_print(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"confidence sequence over time\">\n", WIDTH,
		     HEIGHT + WEIGHTS + 8 + AXIS);
	band_write(out, times.begin, scale_place(&scale, pair->threshold), times.end - times.begin,
		   scale_place(&scale, -pair->threshold) - scale_place(&scale, pair->threshold));
	line_write(out, "axis", times.begin, scale_place(&scale, 0), times.end, scale_place(&scale, 0));
	sequence_write_area(pair->points, pair->point_count, &times, &scale, out);
	marks_write_up(&scale, marks, sizeof marks / sizeof *marks, out);
	weights_write(report, &times, out);
	moment_print((int64_t)times.low, moment);
	buffer_print(out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>", times.begin, HEIGHT + WEIGHTS + 26, moment);
	moment_print((int64_t)times.high, moment);
	buffer_print(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text></svg>\n", times.end, HEIGHT + WEIGHTS + 26,
		moment);
}

/* ---- gain ---- */

static struct chart_scale gain_scale(const struct pair_gain *gain)
{
	struct chart_scale scale = {0, 0, HEIGHT, 0};
	for (size_t i = 0; i < gain->count; i++) {
		scale_reach(&scale, gain->points[i].interval.low, INFINITY);
		scale_reach(&scale, gain->points[i].interval.high, INFINITY);
	}
	if (scale.low == scale.high)
		scale.high = scale.low + 1;
	return scale;
}

void chart_write_gain(const struct report *report, const struct pair_gain *gain, struct buffer *out)
{
	if (gain->count == 0)
		return;
	const struct pair_point *last = &gain->points[gain->count - 1];
	const struct chart_scale scale = gain_scale(gain);
	const struct chart_scale times = {(double)report->joined->first_ms, (double)last->time_ms, SIDE, WIDTH - 10};
	const double marks[] = {scale.low, scale.high, 0};
	buffer_print(out, "<p>So far %+.6g (%+.6g to %+.6g): the difference, times the %s of the variant.</p>\n", last->estimate,
		     last->interval.low, last->interval.high,
		     report->metrics->analysis.per_unit == PER_UNIT_SUM ? "units" : "values");
	buffer_print(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"cumulative gain over time\">\n", WIDTH,
		     HEIGHT + 8);
	line_write(out, "axis", times.begin, scale_place(&scale, 0), times.end, scale_place(&scale, 0));
	sequence_write_area(gain->points, gain->count, &times, &scale, out);
	marks_write_up(&scale, marks, sizeof marks / sizeof *marks, out);
	buffer_string(out, "</svg>\n");
}
