/* report_text.c: Report of an experiment as text; see report_view.h. Names come from records, so they are shown escaped. */
#include <math.h>

#include "base/number/moment.h"
#include "base/quote.h"
#include "tools/view/report/epoch_view.h"
#include "tools/view/report/mirror_view.h"
#include "tools/view/report/overlap_view.h"
#include "tools/view/report/report_view.h"
#include "tools/view/report/requests_view.h"
#include "tools/view/report/segment_view.h"

#define PERCENT 100.0

/* Where a policy chose, those of a unit are one until its next version. */
static void print_requests(uint64_t requests, struct buffer *out)
{
	if (requests > 0)
		buffer_print(out, " of %llu request%s", (unsigned long long)requests, requests == 1 ? "" : "s");
}

/* These alone are analysed by units, and have a split to test. */
static void print_weighed(const struct joined *joined, struct buffer *out)
{
	char from[MOMENT_MS_BYTES];
	if (joined->weighed == 0)
		return;
	moment_print_ms(joined->weighed_from_ms, from);
	buffer_print(out,
		     "  Weights chose the last %llu request%s. To analyse these alone by units, and to test their split, give "
		     "--since %s.\n",
		     (unsigned long long)joined->weighed, joined->weighed == 1 ? "" : "s", from);
}

static void print_split(const struct report *report, struct arena *arena, struct buffer *out)
{
	const struct report_split *split = &report->split;
	const struct joined *joined = report->joined;
	if (!split->tested)
		buffer_print(out, "Split: not tested (%s)\n", report_split_obstacle(joined));
	else
		buffer_print(out, "Split: %s (p %.3g at every look; chi-square %.4g, p %.3g)\n",
			     split->mismatch ? "MISMATCH" : "as planned", split->p, split->chi_square.statistic,
			     split->chi_square.p);
	for (size_t arm = 0; arm < joined->arms; arm++) {
		buffer_print(out, "  %-24s %10.0f unit%s", text_shown(joined->arm_names[arm], arena), split->counts[arm],
			     split->counts[arm] == 1 ? "" : "s");
		print_requests(joined->arm_requests[arm], out);
		epoch_view_print_candidate(joined, arm, out);
		if (split->tested && isnan(split->expected[arm]))
			buffer_string(out, ", how many are expected is not known");
		else if (split->tested)
			buffer_print(out, ", %.1f expected", split->expected[arm]);
		buffer_string(out, arm == report->control ? "  (control)\n" : "\n");
	}
	print_weighed(joined, out);
	if (split->feedback_differs)
		buffer_print(out, "  The share of units with feedback differs between variants (p %.2g).\n", split->feedback_p);
}

static void print_excess(const struct joined *joined, struct arena *arena, struct buffer *out)
{
	const struct joined_excess *excess = &joined->excess;
	const bool has_request = excess->request.length > 0;
	buffer_print(out, "  left out, values beyond %g: %llu; the first is %s %g of %s %s\n", JOIN_VALUE_MOST,
		     (unsigned long long)joined->counts.excess, text_shown(name_abridged(excess->metric, arena), arena),
		     excess->value, has_request ? "request" : "unit",
		     text_shown(has_request ? excess->request : excess->unit, arena));
}

/* So metrics have more units than the split. Of a policy both count versions. */
static void print_returns(const struct joined *joined, struct buffer *out)
{
	const size_t returns = report_returns(joined);
	if (returns > 0)
		buffer_print(out,
			     "  returns of units in a later epoch: %zu; metrics count a unit once in each of its epochs, the split "
			     "once\n",
			     returns);
}

static void print_counts(const struct joined *joined, struct arena *arena, struct buffer *out)
{
	const struct join_counts *counts = &joined->counts;
	char first[MOMENT_BYTES], last[MOMENT_BYTES];
	if (counts->exposures == 0) {
		buffer_print(out, "Data: no exposures; %llu feedback records\n", (unsigned long long)counts->feedback);
		return;
	}
	moment_print(joined->first_ms, first);
	moment_print(joined->last_ms, last);
	buffer_print(out, "Data: %llu exposures from %s to %s, %zu epoch%s; %llu feedback records\n",
		     (unsigned long long)counts->exposures, first, last, joined->epoch_count, joined->epoch_count == 1 ? "" : "s",
		     (unsigned long long)counts->feedback);
	buffer_print(out,
		     "  repeated %llu, units in two variants %llu, waiting %llu; feedback: late %llu, unknown %llu, doubled %llu, "
		     "early %llu\n",
		     (unsigned long long)counts->repeated, (unsigned long long)counts->mixed_units,
		     (unsigned long long)counts->open, (unsigned long long)counts->late, (unsigned long long)counts->unknown,
		     (unsigned long long)counts->doubled, (unsigned long long)counts->early);
	print_returns(joined, out);
	for (size_t reason = 0; reason < ASSIGNED_REASONS; reason++)
		if (counts->left_out[reason] > 0)
			buffer_print(out, "  left out, chosen by %s: %llu\n", assigned_reason_name((enum assigned_reason)reason),
				     (unsigned long long)counts->left_out[reason]);
	if (counts->feedback_left_out > 0)
		buffer_print(out, "  left out, feedback of such requests and of units in two variants: %llu\n",
			     (unsigned long long)counts->feedback_left_out);
	if (counts->excess > 0)
		print_excess(joined, arena, out);
	if (counts->crowded > 0)
		buffer_print(
			out,
			"  left out, values of more than %d metrics: %llu; the first is of %s: name the metrics that you need by "
			"--metric and --guardrail, or send fewer names\n",
			JOIN_METRICS_MAX, (unsigned long long)counts->crowded,
			text_shown(name_abridged(joined->crowded, arena), arena));
	if (counts->unjudged > 0)
		buffer_print(out,
			     "  %llu truths were not judged: they, or what was answered, are no integer, text or probability\n",
			     (unsigned long long)counts->unjudged);
}

static void print_horizon(const struct pair_analysis *pair, bool adaptive, struct buffer *out)
{
	if (adaptive) {
		buffer_string(out, "    one look      none: a policy chose by what it had learnt\n");
		return;
	}
	const struct interval interval = pair->has_rates ? pair->rates.newcombe : pair->welch.interval;
	buffer_print(out,
		     "    one look      %+.4g (%+.4g to %+.4g), %s p %.3g, Cohen's d %.3g, power %.0f%%, %.0f units for 80%%\n",
		     pair->has_rates ? pair->rates.difference : pair->welch.difference, interval.low, interval.high,
		     pair->has_rates ? "z" : "Welch", pair->has_rates ? pair->rates.p : pair->welch.p, pair->effect.cohen,
		     PERCENT * pair->power, pair->units_horizon);
}

static void print_skewness(const struct pair_analysis *pair, struct arena *arena, struct buffer *out)
{
	const char *skewness = report_skewness(pair, arena), *capped = report_capped(pair, arena);
	if (skewness)
		buffer_print(out, "    skewed        %s\n", skewness);
	if (capped)
		buffer_print(out, "    capped        %s\n", capped);
}

static void print_estimate(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
			   struct buffer *out)
{
	const struct interval interval = pair->sequence.interval;
	const double still = pair_units_still(pair);
	buffer_print(out, "    %-14s%+.4g (%+.4g to %+.4g), p %.3g (%s)%s", report_look(metric), pair->estimate, interval.low,
		     interval.high, pair->sequence.p, sequence_method_name(pair->sequence.method),
		     metric->analysis.per_unit == PER_UNIT_SUM ? " at every look" : "");
	if (pair->improvement.defined)
		buffer_print(out, "; %+.2f%% (%+.2f to %+.2f of the last look)", PERCENT * pair->improvement.estimate,
			     PERCENT * pair->improvement.interval.low, PERCENT * pair->improvement.interval.high);
	if (pair->strata > 1)
		buffer_print(out, "\n    means         %.5g, and %.5g of the control: of %zu epochs, by their precision",
			     pair->treatment_numbers.mean, pair->control_numbers.mean, pair->strata);
	buffer_print(out, "\n    practical     %.4g%s; ", pair->threshold,
		     pair->threshold == 0 ? ", a share of the control's mean of 0" : "");
	if (still == 0 && pair->state == PAIR_OPEN) /* the number is enough with a chance of ANALYSIS_POWER only */
		buffer_print(out, "%.0f of about %.0f units%s, and still open\n", pair->units_now, pair->units_needed,
			     pair->strata > 1 ? " in the last epoch" : "");
	else if (still == 0)
		buffer_print(out, "%.0f units decide\n", pair->units_had);
	else if (isnan(still))
		buffer_string(out, "units needed are not known\n");
	else
		buffer_print(out, "%.0f of about %.0f units%s, %.0f more\n", pair->units_now, pair->units_needed,
			     pair->strata > 1 ? " in the last epoch" : "", still);
	buffer_print(out, "    Bayes         better with %.1f%%; expected loss %.3g of it, %.3g of the control\n",
		     PERCENT * pair->better, pair->loss_treatment, pair->loss_control);
	if (report->options->covariate && metric->analysis.per_unit == PER_UNIT_RATIO)
		buffer_string(out, "    CUPED         not of a ratio\n");
	else if (report->options->covariate)
		buffer_print(out, "    CUPED         slope %.4g, %.1f%% of the variance taken off\n", pair->theta,
			     PERCENT * pair->reduction);
	if (pair->units_lacking > 0)
		buffer_print(out,
			     pair->units_lacking == 1
				     ? "                  %llu unit lacks the covariate, and counts as the mean of the others\n"
				     : "                  %llu units lack the covariate, and count as the mean of the others\n",
			     (unsigned long long)pair->units_lacking);
	if (report->options->horizon)
		print_horizon(pair, report->joined->adaptive, out);
}

static void print_pair(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
		       struct arena *arena, struct buffer *out)
{
	static const char *const guards[] = {"open", "kept", "broken"};
	buffer_print(out, "  %s: %s", text_shown(report->joined->arm_names[pair->treatment], arena), pair_state_name(pair->state));
	if (metric->role == ROLE_GUARDRAIL)
		buffer_print(out, ", guardrail %s", guards[pair_guardrail(pair, metric->lower_is_better)]);
	buffer_print(out, "%s\n", report_discovery(metric, pair));
	const char *obstacle = pair->state == PAIR_EARLY ? report_obstacle(metric, pair) : NULL;
	if (obstacle)
		buffer_print(out, "    %s\n", obstacle);
	else if (pair->state == PAIR_EARLY)
		buffer_print(out, "    too few units yet: each variant needs %d%s%s\n", BURN_IN_UNITS,
			     metric->analysis.rates && report->joined->adaptive ? ", and 20 of either outcome" : "",
			     report->joined->epoch_count > 1 && !report->joined->adaptive ? " in one epoch" : "");
	else if (pair->state == PAIR_CHANGED)
		buffer_print(out, "    every look    no one difference fits all looks; p %.3g that there is none\n",
			     pair->sequence.p);
	else
		print_estimate(report, metric, pair, out);
	print_skewness(pair, arena, out);
	if (epoch_view_has(report, pair))
		epoch_view_print_text(report, metric, pair, out);
}

/* Before a metric can be analysed, nothing is known of which variant is best. */
static void print_arm(const struct arm_analysis *arm, const char *name, struct buffer *out)
{
	buffer_print(out, "  %-24s %10llu unit%s", name, (unsigned long long)arm->units, arm->units == 1 ? "" : "s");
	print_requests(arm->requests, out);
	if (!isnan(arm->mean))
		buffer_print(out, ", mean %.5g", arm->mean);
	if (!isnan(arm->sd))
		buffer_print(out, ", sd %.4g", arm->sd);
	if (!isnan(arm->best))
		buffer_print(out, ", best with %.1f%%", PERCENT * arm->best);
	buffer_byte(out, '\n');
}

static void print_metric(const struct report *report, const struct report_metric *metric, struct arena *arena, struct buffer *out)
{
	static const char *const roles[] = {"primary", "guardrail", "other"};
	const char *cap = report_cap(metric, arena);
	buffer_print(out, "\n%s (%s, %s is better", text_shown(metric->shown, arena), roles[metric->role],
		     metric->lower_is_better ? "lower" : "higher");
	if (metric->practical != report->options->practical)
		buffer_print(out, ", margin %.4g%%", PERCENT * metric->practical);
	if (report_per_unit(metric))
		buffer_print(out, ", %s", report_per_unit(metric));
	buffer_string(out, ")\n");
	if (cap)
		buffer_print(out, "  %s\n", cap);
	for (size_t arm = 0; arm < metric->analysis.arm_count; arm++)
		print_arm(&metric->analysis.arms[arm], text_shown(report->joined->arm_names[arm], arena), out);
	for (size_t i = 0; i < metric->analysis.pair_count; i++)
		print_pair(report, metric, &metric->analysis.pairs[i], arena, out);
}

void report_view_print_text(const struct report *report, struct arena *arena, struct buffer *out)
{
	const struct recommendation *made = &report->recommendation;
	const struct mirror_result *mirror = report->options->mirror;
	if (mirror)
		mirror_view_warn_text(mirror, arena, out);
	buffer_shown_around(out, "", text_of(made->sentence), "\n");
	for (size_t i = 0; i < made->reason_count; i++)
		buffer_print(out, "  because %s\n", text_shown(text_of(made->reasons[i]), arena));
	for (size_t i = 0; i < made->change_count; i++)
		buffer_print(out, "  would change by %s\n", text_shown(text_of(made->changes[i]), arena));
	if (report->joined->arms > 0) {
		buffer_byte(out, '\n');
		print_split(report, arena, out);
		requests_view_print_text(report, arena, out);
		print_counts(report->joined, arena, out);
	}
	for (size_t i = 0; i < report->metric_count; i++)
		print_metric(report, &report->metrics[i], arena, out);
	overlap_view_print_text(report->options->overlaps, report->options->overlap_count, arena, out);
	if (report->segment_count > 0)
		segment_view_print_text(report, arena, out);
	if (mirror)
		mirror_view_print_text(mirror, arena, out);
}
