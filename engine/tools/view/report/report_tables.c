/* report_tables.c: see report_tables.h. */
#include "tools/view/report/report_tables.h"
#include "tools/view/report/epoch_view.h"

#include "base/number/moment.h"
#include "base/quote.h"
#include "tools/view/report/html_parts.h"

#define PERCENT 100.0

static const char *const guardrail_names[] = {"open", "kept", "broken"};

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

/* Only where there are any. */
static void write_some(struct buffer *out, const char *name, uint64_t number)
{
	if (number > 0)
		write_cell(out, true, name, (double)number, NULL);
}

static void write_beginning(struct text name, struct buffer *out)
{
	const struct text beginning = text_beginning(name, NAME_SHOWN_BYTES);
	html_write_text(out, beginning);
	if (beginning.length < name.length)
		buffer_string(out, "...");
}

static void write_excess(const struct joined *joined, struct buffer *out)
{
	const struct joined_excess *excess = &joined->excess;
	const bool has_request = excess->request.length > 0;
	buffer_print(out, "<li class=\"bad\"><b>Values too large</b>%llu beyond %g left out; the first is ",
		     (unsigned long long)joined->counts.excess, JOIN_VALUE_MOST);
	write_beginning(excess->metric, out);
	buffer_print(out, " %g of %s ", excess->value, has_request ? "request" : "unit");
	html_write_around(out, "", has_request ? excess->request : excess->unit, "</li>\n");
}

static void write_crowded(const struct joined *joined, struct buffer *out)
{
	buffer_print(out, "<li class=\"bad\"><b>Too many metrics</b>%llu value%s of more than %d left out; the first is of ",
		     (unsigned long long)joined->counts.crowded, joined->counts.crowded == 1 ? "" : "s", JOIN_METRICS_MAX);
	write_beginning(joined->crowded, out);
	buffer_string(out, ": name the metrics that you need by --metric and --guardrail, or send fewer names</li>\n");
}

/* By a header, an override, and so on: chance did not choose. */
static void write_left_out(const struct join_counts *counts, struct buffer *out)
{
	for (size_t reason = 0; reason < ASSIGNED_REASONS; reason++)
		if (counts->left_out[reason] > 0)
			buffer_print(out, "<li class=\"bad\"><b>Left out, chosen by %s</b>%llu</li>\n",
				     assigned_reason_name((enum assigned_reason)reason),
				     (unsigned long long)counts->left_out[reason]);
}

static void write_feedback(const struct report *report, struct buffer *out)
{
	const struct join_counts *counts = &report->joined->counts;
	const struct report_split *split = &report->split;
	if (split->feedback_differs)
		buffer_print(out, "<li class=\"bad\"><b>Feedback by variant</b>differs, p %.2g</li>\n", split->feedback_p);
	else
		write_cell(out, false, "Feedback by variant", 0, "alike");
	write_cell(out, false, "Feedback", (double)counts->feedback, NULL);
	write_cell(out, counts->late > 0, "Late feedback", (double)counts->late, NULL);
	write_cell(out, counts->unknown > 0, "Unknown feedback", (double)counts->unknown, NULL);
	write_some(out, "Early feedback", counts->early);
	write_cell(out, false, "Doubled feedback", (double)counts->doubled, NULL);
	write_some(out, "Feedback of units left out", counts->feedback_left_out);
	if (counts->unjudged > 0)
		buffer_print(out,
			     "<li class=\"bad\"><b>Truths not judged</b>%llu: they, or what was answered, are no integer, text or "
			     "probability</li>\n",
			     (unsigned long long)counts->unjudged);
	if (counts->excess > 0)
		write_excess(report->joined, out);
	if (counts->crowded > 0)
		write_crowded(report->joined, out);
}

static void write_units(const struct report *report, struct buffer *out)
{
	const struct joined *joined = report->joined;
	const struct report_split *split = &report->split;
	buffer_print(out, "<table><tr><th>variant</th><th>units</th><th>expected</th>%s</tr>\n",
		     joined->adaptive ? "<th>requests</th>" : "");
	for (size_t arm = 0; arm < joined->arms; arm++) {
		html_write_around(out, "<tr><th scope=\"row\">", joined->arm_names[arm], "");
		buffer_print(out, "%s</th><td>%.0f</td><td>", arm == report->control ? " (control)" : "", split->counts[arm]);
		if (split->tested && isnan(split->expected[arm]))
			buffer_string(out, "not known");
		else if (split->tested)
			buffer_print(out, "%.1f", split->expected[arm]);
		buffer_string(out, "</td>");
		if (joined->adaptive) {
			buffer_print(out, "<td>%llu", (unsigned long long)joined->arm_requests[arm]);
			epoch_view_print_candidate(joined, arm, out);
			buffer_string(out, "</td>");
		}
		buffer_string(out, "</tr>\n");
	}
	buffer_string(out, "</table>\n");
}

/* These alone are analysed by units, and have a split to test. */
static void write_weighed(const struct joined *joined, struct buffer *out)
{
	char from[MOMENT_MS_BYTES];
	if (joined->weighed == 0)
		return;
	moment_print_ms(joined->weighed_from_ms, from);
	buffer_print(out,
		     "<p>Weights chose the last %llu request%s. To analyse these alone by units, and to test their split, give "
		     "<code>--since %s</code>.</p>\n",
		     (unsigned long long)joined->weighed, joined->weighed == 1 ? "" : "s", from);
}

static void write_span(const struct joined *joined, struct buffer *out)
{
	const size_t returns = report_returns(joined);
	char first[MOMENT_BYTES], last[MOMENT_BYTES];
	if (joined->counts.exposures == 0)
		return;
	moment_print(joined->first_ms, first);
	moment_print(joined->last_ms, last);
	buffer_print(out, "<p>Exposures from %s to %s, %zu epoch%s.", first, last, joined->epoch_count,
		     joined->epoch_count == 1 ? "" : "s");
	if (returns > 0)
		buffer_print(out, " Units returned %zu time%s in a later epoch: metrics count a unit once in each, the split once.",
			     returns, returns == 1 ? "" : "s");
	buffer_string(out, "</p>\n");
}

void report_table_health(const struct report *report, struct buffer *out)
{
	const struct joined *joined = report->joined;
	const struct join_counts *counts = &joined->counts;
	const struct report_split *split = &report->split;
	double fallbacks = 0;
	for (size_t arm = 0; arm < joined->arms; arm++)
		fallbacks += (double)joined->fallbacks[arm];
	buffer_string(out, "<h2>Health</h2>\n<ul class=\"strip\">\n");
	if (split->tested)
		write_cell(out, split->mismatch, "Split (SRM)", 0, split->mismatch ? "mismatch" : "as planned");
	else
		buffer_print(out, "<li><b>Split (SRM)</b>not tested: %s</li>\n", report_split_obstacle(joined));
	write_cell(out, counts->mixed_units > 0, "Units in two variants", (double)counts->mixed_units, NULL);
	write_feedback(report, out);
	write_left_out(counts, out);
	write_cell(out, fallbacks > 0, "Fallbacks", fallbacks, NULL);
	write_cell(out, false, "Exposures", (double)counts->exposures, NULL);
	write_cell(out, false, "Repeated", (double)counts->repeated, NULL);
	write_cell(out, false, "Waiting", (double)counts->open, NULL);
	buffer_string(out, "</ul>\n");
	write_span(joined, out);
	write_weighed(joined, out);
	if (split->tested)
		buffer_print(out, "<p>Split: p %.3g at every look; chi-square %.4g, p %.3g.</p>\n", split->p,
			     split->chi_square.statistic, split->chi_square.p);
	write_units(report, out);
}

/* ---- rules ---- */

/* What the interval assumes where units are too few for their skewness, and what a cap would find. */
static void write_skewness(const struct report *report, const struct pair_analysis *pair, struct arena *arena, struct buffer *out)
{
	const char *skewness = report_skewness(pair, arena), *capped = report_capped(pair, arena);
	if (!skewness)
		return;
	html_write_around(out, "; ", report->joined->arm_names[pair->treatment], "");
	buffer_print(out, ", skewed: %s", skewness);
	if (capped)
		buffer_print(out, "; capped: %s", capped);
}

/* What is asked of a metric, and what a cap did. */
static void write_rule(const struct report *report, const struct report_metric *metric, struct arena *arena, struct buffer *out)
{
	static const char *const roles[] = {"primary: it decides", "guardrail: it must not get worse by more than the margin",
					    "other: it is shown"};
	const char *cap = report_cap(metric, arena);
	html_write_around(out, "<li>", metric->shown, "");
	buffer_print(out, ": %s; %s is better, margin %.4g%%", roles[metric->role], metric->lower_is_better ? "lower" : "higher",
		     PERCENT * metric->practical);
	if (report_per_unit(metric))
		buffer_print(out, "; %s", report_per_unit(metric));
	for (size_t i = 0; metric->role == ROLE_GUARDRAIL && i < metric->analysis.pair_count; i++) {
		const struct pair_analysis *pair = &metric->analysis.pairs[i];
		html_write_around(out, "; ", report->joined->arm_names[pair->treatment], "");
		buffer_print(out, " %s", guardrail_names[pair_guardrail(pair, metric->lower_is_better)]);
	}
	if (cap)
		buffer_print(out, "; %s", cap);
	for (size_t i = 0; i < metric->analysis.pair_count; i++)
		write_skewness(report, &metric->analysis.pairs[i], arena, out);
	buffer_string(out, "</li>\n");
}

static void write_unmet(struct text name, const char *what, struct buffer *out)
{
	html_write_around(out, "<li>", name, "");
	buffer_print(out, ": %s without values</li>\n", what);
}

void report_table_rules(const struct report *report, struct arena *arena, struct buffer *out)
{
	buffer_string(out, "<ul>\n");
	for (size_t i = 0; i < report->metric_count; i++)
		write_rule(report, &report->metrics[i], arena, out);
	if (report->absent.length > 0)
		write_unmet(report->absent, "primary", out);
	for (size_t i = 0; i < report->unmet_count; i++)
		write_unmet(report->unmet[i], "guardrail", out);
	buffer_string(out, "</ul>\n");
}

/* ---- numbers ---- */

static void write_number(struct buffer *out, const char *unit, double number)
{
	buffer_string(out, "<td>");
	if (isfinite(number))
		buffer_print(out, "%.4g%s", number, unit);
	buffer_string(out, "</td>");
}

static void write_interval(struct buffer *out, const char *unit, double scale, struct interval interval)
{
	buffer_string(out, "<td>");
	if (isfinite(interval.low) && isfinite(interval.high))
		buffer_print(out, "%+.4g to %+.4g%s", scale * interval.low, scale * interval.high, unit);
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

static void write_name(const struct report *report, const struct report_metric *metric, size_t arm, struct buffer *out)
{
	html_write_around(out, "<tr><th scope=\"row\">", metric->shown, "");
	html_write_around(out, ": ", report->joined->arm_names[arm], "</th>");
}

static void write_arms(const struct report *report, struct buffer *out)
{
	const bool adaptive = report->joined->adaptive;
	buffer_print(out,
		     "<h3>Variants</h3>\n<table><tr><th></th><th>units</th>%s<th>mean</th><th>sd</th><th>best with</th></tr>\n",
		     adaptive ? "<th>requests</th>" : "");
	for (size_t i = 0; i < report->metric_count; i++)
		for (size_t arm = 0; arm < report->metrics[i].analysis.arm_count; arm++) {
			const struct arm_analysis *numbers = &report->metrics[i].analysis.arms[arm];
			write_name(report, &report->metrics[i], arm, out);
			buffer_print(out, "<td>%llu</td>", (unsigned long long)numbers->units);
			if (adaptive)
				buffer_print(out, "<td>%llu</td>", (unsigned long long)numbers->requests);
			write_number(out, "", numbers->mean);
			write_number(out, "", numbers->sd);
			write_chance(out, numbers->best);
			buffer_string(out, "</tr>\n");
		}
	buffer_string(out, "</table>\n");
}

static void write_state(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
			struct buffer *out)
{
	const char *obstacle = pair->state == PAIR_EARLY ? report_obstacle(metric, pair) : NULL;
	buffer_print(out, "<td class=\"t\">%s", pair_state_name(pair->state));
	if (metric->role == ROLE_GUARDRAIL)
		buffer_print(out, ", guardrail %s", guardrail_names[pair_guardrail(pair, metric->lower_is_better)]);
	buffer_string(out, report_discovery(metric, pair));
	if (obstacle)
		buffer_print(out, ": %s", obstacle);
	else if (pair->state == PAIR_EARLY)
		buffer_print(out, ": each variant needs %d units%s", BURN_IN_UNITS,
			     metric->analysis.rates && report->joined->adaptive ? ", and 20 of either outcome" : "");
	buffer_string(out, "</td>");
}

static void write_pair(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
		       struct buffer *out)
{
	const double still = pair_units_still(pair);
	const struct improvement *gain = &pair->improvement;
	const bool known = pair->state != PAIR_EARLY && pair->state != PAIR_CHANGED;
	const struct interval none = {(double)NAN, (double)NAN};
	write_name(report, metric, pair->treatment, out);
	write_state(report, metric, pair, out);
	write_number(out, "", pair->estimate);
	write_interval(out, metric->analysis.per_unit == PER_UNIT_SUM ? " <i>last look</i>" : "", 1,
		       known ? pair_interval(pair) : none);
	write_number(out, "%", gain->defined ? PERCENT * gain->estimate : (double)NAN);
	write_interval(out, "%", PERCENT, gain->defined ? gain->interval : none);
	write_number(out, "", pair->threshold);
	write_number(out, "", pair->sequence.p);
	buffer_print(out, "<td>%s</td>", sequence_method_name(pair->sequence.method));
	write_chance(out, pair->better);
	write_number(out, "", pair->loss_treatment);
	write_number(out, "", pair->loss_control);
	write_number(out, "", pair->treatment_numbers.mean);
	write_number(out, "", pair->control_numbers.mean);
	write_number(out, "", still);
	write_number(out, "", report_days(report->joined, still));
	buffer_string(out, "</tr>\n");
}

static void write_horizon(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
			  struct buffer *out)
{
	write_name(report, metric, pair->treatment, out);
	write_number(out, "", pair->has_rates ? pair->rates.difference : pair->welch.difference);
	write_interval(out, "", 1, pair->has_rates ? pair->rates.newcombe : pair->welch.interval);
	buffer_print(out, "<td>%s</td>", pair->has_rates ? "z" : "Welch");
	write_number(out, "", pair->has_rates ? pair->rates.p : pair->welch.p);
	write_number(out, "", pair->effect.cohen);
	write_chance(out, pair->power);
	write_number(out, "", pair->units_horizon);
	buffer_string(out, "</tr>\n");
}

static void write_covariate(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
			    struct buffer *out)
{
	write_name(report, metric, pair->treatment, out);
	if (metric->analysis.per_unit == PER_UNIT_RATIO) {
		buffer_string(out, "<td colspan=\"3\">not of a ratio</td></tr>\n");
		return;
	}
	write_number(out, "", pair->theta);
	write_chance(out, pair->reduction);
	buffer_print(out, "<td>%llu</td></tr>\n", (unsigned long long)pair->units_lacking);
}

/* A row for each metric and treatment. */
static void write_pairs(const struct report *report, const char *heads,
			void (*write)(const struct report *report, const struct report_metric *metric,
				      const struct pair_analysis *pair, struct buffer *out),
			struct buffer *out)
{
	buffer_print(out, "<table><tr><th></th>%s</tr>\n", heads);
	for (size_t i = 0; i < report->metric_count; i++)
		for (size_t j = 0; j < report->metrics[i].analysis.pair_count; j++)
			write(report, &report->metrics[i], &report->metrics[i].analysis.pairs[j], out);
	buffer_string(out, "</table>\n");
}

void report_table_numbers(const struct report *report, struct buffer *out)
{
	buffer_string(out, "<h2>Numbers</h2>\n");
	write_arms(report, out);
	buffer_string(out, "<h3>Differences</h3>\n");
	write_pairs(
		report,
		"<th class=\"t\">state</th><th>difference</th><th>at every look</th><th>improvement</th><th>of the last "
		"look</th><th>practical</th><th>p</th><th>by</th><th>better with</th><th>expected loss</th><th>of the "
		"control</th><th>mean of its epochs</th><th>the control's</th><th>units to go</th><th>days to go</th>",
		write_pair, out);
	if (report_has_sums(report))
		buffer_string(out,
			      "<p>The interval of a sum, marked <i>last look</i>, holds at that one alone; its p holds at every "
			      "look.</p>\n");
	if (report->options->covariate && !report->joined->adaptive) {
		buffer_string(out, "<h3>Covariate (CUPED)</h3>\n");
		write_pairs(report, "<th>slope</th><th>variance taken off</th><th>units without it</th>", write_covariate, out);
	}
	if (report->options->horizon && !report->joined->adaptive) {
		buffer_string(out, "<h3>One look</h3>\n");
		write_pairs(report,
			    "<th>difference</th><th>interval</th><th>test</th><th>p</th><th>Cohen's d</th><th>power</th>"
			    "<th>units for 80%</th>",
			    write_horizon, out);
	}
}
