/* report_html.c: Report of an experiment as a page of HTML in one file; see report_view.h. Its data are in a link, as JSON. */
#include <math.h>

#include "base/base64.h"
#include "tools/view/report/epoch_view.h"
#include "tools/view/report/html_parts.h"
#include "tools/view/report/mirror_view.h"
#include "tools/view/report/overlap_view.h"
#include "tools/view/report/report_charts.h"
#include "tools/view/report/report_tables.h"
#include "tools/view/report/report_view.h"
#include "tools/view/report/requests_view.h"
#include "tools/view/report/segment_view.h"

#define PERCENT 100.0
#define JSON_BYTES_MAX ((size_t)128 << 20)

static const char page_style[] = CHART_STYLE
	".warn{border-left:4px solid var(--Down);padding-left:.6em}"
	".say{font-size:1.5em;font-weight:bold;margin:.2em 0}.strip{display:flex;flex-wrap:wrap;gap:.6em;padding:0}"
	".strip li{list-style:none;background:var(--Soft);padding:.4em .8em;border-radius:.4em;border-left:4px solid var(--Up)}"
	".strip li.bad{border-color:var(--Down)}.strip b{display:block}" HTML_TABLE_STYLE
	"svg.key{display:inline-block;width:.9em;height:.9em;margin:0 .3em 0 1em}\n";

/* ---- top ---- */

static void write_lines(struct buffer *out, const char *title, const char *const *lines, size_t count)
{
	if (count == 0)
		return;
	buffer_print(out, "<h3>%s</h3><ul>\n", title);
	for (size_t i = 0; i < count; i++)
		html_write_around(out, "<li>", text_of(lines[i]), "</li>\n");
	buffer_string(out, "</ul>\n");
}

static void write_top(const struct report *report, struct buffer *out)
{
	const struct recommendation *made = &report->recommendation;
	html_write_around(out, "<h1>Experiment ", text_of(report->options->experiment), "");
	html_write_around(out, "</h1>\n<p class=\"say\">", text_of(made->sentence), "");
	buffer_print(out, "</p>\n<p>Confidence %.4g%%, at every look; practical threshold %.3g%%.",
		PERCENT * (1 - report->options->alpha),
		     PERCENT * report->options->practical);
	for (size_t arm = 0; made->variant.length > 0 && report->metric_count > 0 && arm < report->joined->arms; arm++)
		if (text_equal(report->joined->arm_names[arm],
			made->variant) && isfinite(report->metrics[0].analysis.arms[arm].best))
			buffer_print(out, " It is the best variant with a chance of %.1f%%.",
				     PERCENT * report->metrics[0].analysis.arms[arm].best);
	buffer_string(out, "</p>\n");
	write_lines(out, "Reasons", made->reasons, made->reason_count);
	write_lines(out, "What would change it", made->changes, made->change_count);
}

/* ---- metrics ---- */

static void write_gain(const struct report *report, size_t pair, struct buffer *out)
{
	const struct report_metric *metric = report->metrics;
	const struct pair_gain *gain = report->gains ? &report->gains[pair] : NULL;
	if (!gain || gain->count == 0 || !isfinite(gain->points[gain->count - 1].estimate))
		return;
	html_write_around(out, "<h2>Cumulative ", metric->shown, "");
	html_write_around(out, " of ", report->joined->arm_names[metric->analysis.pairs[pair].treatment],
			  " beyond the control's</h2>\n");
	chart_write_gain(report, gain, out);
}

static void write_metrics(const struct report *report, struct arena *arena, struct buffer *out)
{
	const struct report_metric *primary = report->metrics;
	buffer_print(
		out,
		"<h2>Differences</h2>\n<p>Shares of the control's mean, with intervals that hold at every look%s. The practical "
		"threshold is shaded.</p>\n",
		report_has_sums(report) ? "; those of sums at the last look alone" : "");
	chart_write_forest(report, out);
	report_table_rules(report, arena, out);
	for (size_t i = 0; i < primary->analysis.pair_count; i++) {
		const struct pair_analysis *pair = &primary->analysis.pairs[i];
		if (pair->point_count == 0)
			continue;
		html_write_around(out, "<h2>Over time: ", primary->shown, "");
		html_write_around(out, " of ", report->joined->arm_names[pair->treatment],
				  "</h2>\n<p>The difference and its confidence sequence; beneath, the weights.");
		for (size_t arm = 0; arm < report->joined->arms && !report->joined->adaptive; arm++) {
			buffer_print(out, "<svg class=\"key\" viewBox=\"0 0 1 1\"><rect class=\"w%zu\" width=\"1\" "
				"height=\"1\"/></svg>",
				     arm % CHART_COLOURS);
			html_write_text(out, report->joined->arm_names[arm]);
		}
		buffer_string(out, "</p>\n");
		chart_write_sequence(report, pair, out);
		write_gain(report, i, out);
	}
	report_table_numbers(report, out);
}

/* ---- data ---- */

static void write_data(const struct report *report, struct buffer *out)
{
	struct buffer json;
	buffer_open(&json, JSON_BYTES_MAX);
	report_view_print_json(report, &json);
	buffer_string(out, "<p><a download=\"experiment.json\" href=\"data:application/json;base64,");
	char *room = buffer_failed(&json) ? NULL : buffer_room(out, base64_write_room(json.length));
	if (room)
		buffer_grown(out, base64_write(buffer_view(&json), room));
	out->failed |= !room;
	buffer_string(out, "\">Download the data</a> (JSON)</p>\n");
	buffer_close(&json);
}

void report_view_print_html(const struct report *report, struct arena *arena, struct buffer *out)
{
	const struct mirror_result *mirror = report->options->mirror;
	html_begin(out, "Experiment ", text_of(report->options->experiment), page_style);
	if (mirror)
		mirror_view_warn_html(mirror, arena, out);
	write_top(report, out);
	if (report->joined->arms > 0) {
		report_table_health(report, out);
		requests_view_print_html(report, out);
	}
	if (report->metric_count > 0) {
		write_metrics(report, arena, out);
		epoch_view_print_html(report, out);
	}
	overlap_view_print_html(report->options->overlaps, report->options->overlap_count, out);
	if (report->segment_count > 0)
		segment_view_print_html(report, out);
	if (mirror)
		mirror_view_print_html(mirror, out);
	write_data(report, out);
	html_end(out);
}
