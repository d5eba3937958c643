/* report_html.c: Report of an experiment as a page of HTML in one file; see report_view.h. Its data are in a link, as JSON. */
#include <math.h>

#include "base/base64.h"
#include "view/epoch_view.h"
#include "view/html_parts.h"
#include "view/mirror_view.h"
#include "view/overlap_view.h"
#include "view/report_charts.h"
#include "view/report_view.h"
#include "view/requests_view.h"
#include "view/segment_view.h"

#define PERCENT 100.0
#define JSON_BYTES_MAX ((size_t)128 << 20)

static const char page_style[] = CHART_STYLE
	".warn{border-left:4px solid var(--Down);padding-left:.6em}"
	".say{font-size:1.5em;font-weight:bold;margin:.2em 0}.strip{display:flex;flex-wrap:wrap;gap:.6em;padding:0}"
	".strip li{list-style:none;background:var(--Soft);padding:.4em .8em;border-radius:.4em;border-left:4px solid var(--Up)}"
	".strip li.bad{border-color:var(--Down)}.strip b{display:block}td{border-top:1px solid var(--Soft);text-align:right;"
	"white-space:nowrap}"
	"tr:first-child th:not(:first-child){text-align:right}"
	"svg.key{display:inline-block;width:.9em;height:.9em;margin:0 .3em 0 1em}\n";

/* ---- top ---- */

static void write_lines(struct buffer *out, const char *title, const char *const *lines, size_t count)
{
	if (count == 0)
		return;
	buffer_print(out, "<h3>%s</h3><ul>\n", title);
	for (size_t i = 0; i < count; i++) {
		buffer_string(out, "<li>");
		html_write_text(out, text_of(lines[i]));
		buffer_string(out, "</li>\n");
	}
	buffer_string(out, "</ul>\n");
}

static void write_top(const struct report *report, struct buffer *out)
{
	const struct recommendation *made = &report->recommendation;
	buffer_string(out, "<h1>Experiment ");
	html_write_text(out, text_of(report->options->experiment));
	buffer_string(out, "</h1>\n<p class=\"say\">");
	html_write_text(out, text_of(made->sentence));
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

/* ---- health ---- */

static void write_cell(struct buffer *out, bool bad, const char *name, double number, const char *text)
{
	buffer_print(out, "<li%s><b>%s</b>", bad ? " class=\"bad\"" : "", name);
	if (text)
		buffer_string(out, text);
	else
		buffer_print(out, "%.0f", number);
	buffer_string(out, "</li>\n");
}

static void write_excess(const struct joined *joined, struct buffer *out)
{
	const struct joined_excess *excess = &joined->excess;
	const bool has_request = excess->request.length > 0;
	buffer_print(out, "<li class=\"bad\"><b>Values too large</b>%llu left out; the first is %g of %s ",
		     (unsigned long long)joined->counts.excess, excess->value, has_request ? "request" : "unit");
	html_write_text(out, has_request ? excess->request : excess->unit);
	buffer_string(out, "</li>\n");
}

static void write_health(const struct report *report, struct buffer *out)
{
	const struct joined *joined = report->joined;
	const struct join_counts *counts = &joined->counts;
	const struct report_split *split = &report->split;
	double fallbacks = 0;
	for (size_t arm = 0; arm < joined->arms; arm++)
		fallbacks += (double)joined->fallbacks[arm];
	buffer_string(out, "<h2>Health</h2>\n<ul class=\"strip\">\n");
	write_cell(out, split->mismatch, "Split (SRM)", 0,
		   !split->tested ? "not tested" : split->mismatch ? "mismatch" : "as planned");
	write_cell(out, split->feedback_differs, "Feedback by variant", 0, split->feedback_differs ? "differs" : "alike");
	write_cell(out, counts->mixed_units > 0, "Units in two variants", (double)counts->mixed_units, NULL);
	write_cell(out, counts->late > 0, "Late feedback", (double)counts->late, NULL);
	write_cell(out, counts->unknown > 0, "Unknown feedback", (double)counts->unknown, NULL);
	if (counts->excess > 0)
		write_excess(joined, out);
	write_cell(out, false, "Doubled feedback", (double)counts->doubled, NULL);
	write_cell(out, fallbacks > 0, "Fallbacks", fallbacks, NULL);
	write_cell(out, false, "Exposures", (double)counts->exposures, NULL);
	write_cell(out, false, "Waiting", (double)counts->open, NULL);
	buffer_string(out, "</ul>\n<table><tr><th>variant</th><th>units</th><th>expected</th></tr>\n");
	for (size_t arm = 0; arm < joined->arms; arm++) {
		buffer_string(out, "<tr><th scope=\"row\">");
		html_write_text(out, joined->arm_names[arm]);
		buffer_print(out, "%s</th><td>%.0f</td><td>", arm == report->control ? " (control)" : "", split->counts[arm]);
		if (split->tested && isnan(split->expected[arm]))
			buffer_string(out, "not known");
		else if (split->tested)
			buffer_print(out, "%.1f", split->expected[arm]);
		buffer_string(out, "</td></tr>\n");
	}
	buffer_string(out, "</table>\n");
}

/* ---- metrics ---- */

static void write_number(struct buffer *out, const char *unit, double number)
{
	buffer_string(out, "<td>");
	if (isfinite(number))
		buffer_print(out, "%.4g%s", number, unit);
	buffer_string(out, "</td>");
}

/* Of how small a chance is, the p-value says more. */
static void write_chance(struct buffer *out, double chance)
{
	buffer_string(out, "<td>");
	if (isfinite(chance))
		buffer_print(out, "%.1f%%", PERCENT * chance);
	buffer_string(out, "</td>");
}

static void write_pair(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
		       struct buffer *out)
{
	const double still = pair_units_still(pair);
	const bool known = pair->improvement.defined;
	buffer_string(out, "<tr><th scope=\"row\">");
	html_write_text(out, metric->name);
	buffer_string(out, ": ");
	html_write_text(out, report->joined->arm_names[pair->treatment]);
	buffer_print(out, "</th><td>%s</td>", pair_state_name(pair->state));
	write_number(out, "", pair->estimate);
	write_number(out, "%", known ? PERCENT * pair->improvement.estimate : (double)NAN);
	write_number(out, "", pair->sequence.p);
	write_chance(out, pair->better);
	write_number(out, "", pair->loss_treatment);
	write_number(out, "", still);
	write_number(out, "", report_days(report->joined, still));
	buffer_string(out, "</tr>\n");
}

/* What is asked of a metric, and what a cap did. */
static void write_rule(const struct report *report, const struct report_metric *metric, struct arena *arena, struct buffer *out)
{
	static const char *const roles[] = {"primary: it decides", "guardrail: it must not get worse by more than the margin",
					    "other: it is shown"};
	static const char *const guards[] = {"open", "kept", "broken"};
	const char *cap = report_cap(metric, arena);
	buffer_string(out, "<li>");
	html_write_text(out, metric->name);
	buffer_print(out, ": %s; %s is better, margin %.4g%%", roles[metric->role], metric->lower_is_better ? "lower" : "higher",
		     PERCENT * metric->practical);
	if (report_per_unit(metric))
		buffer_print(out, "; %s", report_per_unit(metric));
	for (size_t i = 0; metric->role == ROLE_GUARDRAIL && i < metric->analysis.pair_count; i++) {
		const struct pair_analysis *pair = &metric->analysis.pairs[i];
		buffer_string(out, "; ");
		html_write_text(out, report->joined->arm_names[pair->treatment]);
		buffer_print(out, " %s", guards[pair_guardrail(pair, metric->lower_is_better)]);
	}
	if (cap)
		buffer_print(out, "; %s", cap);
	buffer_string(out, "</li>\n");
}

static void write_gain(const struct report *report, size_t pair, struct buffer *out)
{
	const struct report_metric *metric = report->metrics;
	const struct pair_gain *gain = report->gains ? &report->gains[pair] : NULL;
	if (!gain || gain->count == 0 || !isfinite(gain->points[gain->count - 1].estimate))
		return;
	buffer_string(out, "<h2>Cumulative ");
	html_write_text(out, metric->name);
	buffer_string(out, " of ");
	html_write_text(out, report->joined->arm_names[metric->analysis.pairs[pair].treatment]);
	buffer_string(out, " beyond the control's</h2>\n");
	chart_write_gain(report, gain, out);
}

static void write_metrics(const struct report *report, struct arena *arena, struct buffer *out)
{
	const struct report_metric *primary = report->metrics;
	buffer_string(out, "<h2>Differences</h2>\n<p>Shares of the control's mean, with intervals that hold at every look. The "
		"practical "
			   "threshold is shaded.</p>\n");
	chart_write_forest(report, out);
	buffer_string(out, "<ul>\n");
	for (size_t i = 0; i < report->metric_count; i++)
		write_rule(report, &report->metrics[i], arena, out);
	buffer_string(out, "</ul>\n");
	for (size_t i = 0; i < primary->analysis.pair_count; i++) {
		const struct pair_analysis *pair = &primary->analysis.pairs[i];
		if (pair->point_count == 0)
			continue;
		buffer_string(out, "<h2>Over time: ");
		html_write_text(out, primary->name);
		buffer_string(out, " of ");
		html_write_text(out, report->joined->arm_names[pair->treatment]);
		buffer_string(out, "</h2>\n<p>The difference and its confidence sequence; beneath, the weights.");
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
	buffer_string(out, "<h2>Numbers</h2>\n<table><tr><th></th><th>state</th><th>difference</th><th>improvement</th><th>p</th>"
			   "<th>better with</th><th>expected loss</th><th>units to go</th><th>days to go</th></tr>\n");
	for (size_t i = 0; i < report->metric_count; i++)
		for (size_t j = 0; j < report->metrics[i].analysis.pair_count; j++)
			write_pair(report, &report->metrics[i], &report->metrics[i].analysis.pairs[j], out);
	buffer_string(out, "</table>\n");
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
		write_health(report, out);
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
