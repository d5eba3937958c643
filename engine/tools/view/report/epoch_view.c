/* epoch_view.c: see epoch_view.h. */
#include "tools/view/report/epoch_view.h"

#include "base/number/moment.h"
#include "tools/view/report/html_parts.h"
#include "tools/view/json_member.h"

bool epoch_view_has(const struct report *report, const struct pair_analysis *pair)
{
	return pair->epochs && report->joined->epoch_count > 1;
}

static size_t epochs_left_out(const struct report *report)
{
	const size_t count = report->joined->epoch_count;
	return count > EPOCH_VIEW_MOST ? count - EPOCH_VIEW_MOST : 0;
}

/* Why an epoch has no difference. */
static const char *epoch_obstacle(const struct pair_epoch *epoch)
{
	return epoch->control.units + epoch->treatment.units == 0 ? "no values: it does not count"
								  : "too few units, or none that vary: it does not count";
}

void epoch_view_print_candidate(const struct joined *joined, size_t arm, struct buffer *out)
{
	char moment[MOMENT_BYTES];
	if (joined->came_ms[arm] > 0) {
		moment_print(joined->came_ms[arm], moment);
		buffer_print(out, ", a candidate since %s", moment);
	}
	if (joined->left_ms[arm] > 0) {
		moment_print(joined->left_ms[arm], moment);
		buffer_print(out, "%s until %s", joined->came_ms[arm] > 0 ? "" : ", a candidate", moment);
	}
}

/* ---- text ---- */

static void print_arm(const struct arm_numbers *arm, struct buffer *out)
{
	buffer_print(out, " %10llu", (unsigned long long)arm->units);
	if (isfinite(arm->mean))
		buffer_print(out, " %10.5g", arm->mean);
	else
		buffer_print(out, " %10s", "");
}

static void print_difference(const struct pair_epoch *epoch, struct buffer *out)
{
	if (!epoch->counts)
		buffer_print(out, "  %s\n", epoch_obstacle(epoch));
	else if (interval_empty(epoch->interval))
		buffer_print(out, "  %+.4g (it changed within), p %.3g\n", epoch->difference, fmin(1, epoch->p));
	else
		buffer_print(out, "  %+.4g (%+.4g to %+.4g), p %.3g\n", epoch->difference, epoch->interval.low,
			     epoch->interval.high, fmin(1, epoch->p));
}

void epoch_view_print_text(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
			   struct buffer *out)
{
	const size_t from = epochs_left_out(report);
	char moment[MOMENT_BYTES];
	buffer_print(out, "    %5s %-20s %10s %10s %10s %10s  difference (%s)\n", "epoch", "from", "units", "mean", "control",
		     "mean", report_look(metric));
	if (from > 0)
		buffer_print(out, "    %zu earlier epochs are in the JSON\n", from);
	for (size_t i = from; i < report->joined->epoch_count; i++) {
		const struct pair_epoch *epoch = &pair->epochs[i];
		moment_print(report->joined->epochs[i].begin_ms, moment);
		buffer_print(out, "    %5zu %-20s", i + 1, moment);
		print_arm(&epoch->treatment, out);
		print_arm(&epoch->control, out);
		print_difference(epoch, out);
	}
}

/* ---- JSON ---- */

static void put_arm(struct buffer *out, const char *name, const struct arm_numbers *arm)
{
	buffer_print(out, ",\"%s\":{\"units\":%llu", name, (unsigned long long)arm->units);
	member_number(out, "mean", arm->mean);
	member_number(out, "sd", arm->sd);
	buffer_byte(out, '}');
}

void epoch_view_print_json(const struct report *report, const struct pair_analysis *pair, struct buffer *out)
{
	buffer_string(out, ",\n    \"epochs\":[");
	for (size_t i = 0; i < report->joined->epoch_count; i++) {
		const struct pair_epoch *epoch = &pair->epochs[i];
		const bool known = epoch->counts && !interval_empty(epoch->interval);
		buffer_print(out, "%s{\"epoch\":%zu,\"counts\":%s", i > 0 ? ",\n     " : "", i, epoch->counts ? "true" : "false");
		member_number(out, "share", epoch->share);
		put_arm(out, "treatment", &epoch->treatment);
		put_arm(out, "control", &epoch->control);
		member_number(out, "difference", epoch->difference);
		member_interval(out, "interval", known ? epoch->interval : (struct interval){NAN, NAN});
		member_number(out, "p", epoch->counts ? fmin(1, epoch->p) : (double)NAN);
		buffer_byte(out, '}');
	}
	buffer_byte(out, ']');
}

/* ---- page ---- */

static void write_arm(const struct arm_numbers *arm, struct buffer *out)
{
	buffer_print(out, "<td>%llu</td><td>", (unsigned long long)arm->units);
	if (isfinite(arm->mean))
		buffer_print(out, "%.5g", arm->mean);
	buffer_string(out, "</td>");
}

static void write_epoch(const struct report *report, size_t index, const struct pair_epoch *epoch, struct buffer *out)
{
	char moment[MOMENT_BYTES];
	moment_print(report->joined->epochs[index].begin_ms, moment);
	buffer_print(out, "<tr><th scope=\"row\">%zu</th><td>%s</td>", index + 1, moment);
	write_arm(&epoch->treatment, out);
	write_arm(&epoch->control, out);
	if (!epoch->counts) {
		buffer_print(out, "<td colspan=\"3\">%s</td></tr>\n", epoch_obstacle(epoch));
		return;
	}
	buffer_print(out, "<td>%+.4g</td><td>", epoch->difference);
	if (interval_empty(epoch->interval))
		buffer_string(out, "it changed within");
	else
		buffer_print(out, "%+.4g to %+.4g", epoch->interval.low, epoch->interval.high);
	buffer_print(out, "</td><td>%.3g</td></tr>\n", fmin(1, epoch->p));
}

static void write_pair(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
		       struct buffer *out)
{
	const size_t from = epochs_left_out(report);
	html_write_around(out, "<h3>", metric->name, "");
	html_write_around(out, " of ", report->joined->arm_names[pair->treatment], "");
	buffer_print(out, ": %s</h3>\n", pair_state_name(pair->state));
	if (from > 0)
		buffer_print(out, "<p>%zu earlier epochs are in the data.</p>\n", from);
	buffer_string(out, "<table><tr><th>epoch</th><th>from</th><th>units</th><th>mean</th><th>units of the control</th>"
			   "<th>its mean</th><th>difference</th><th>interval</th><th>p</th></tr>\n");
	for (size_t i = from; i < report->joined->epoch_count; i++)
		write_epoch(report, i, &pair->epochs[i], out);
	buffer_string(out, "</table>\n");
}

void epoch_view_print_html(const struct report *report, struct buffer *out)
{
	if (report->joined->epoch_count < 2 || report->joined->adaptive)
		return;
	buffer_print(out,
		     "<h2>Epochs</h2>\n<p>Weights and versions are constant within each. Intervals hold at every look, over all "
		     "epochs.%s</p>\n",
		     report_has_sums(report) ? " Those of sums hold at the last look alone." : "");
	for (size_t i = 0; i < report->metric_count; i++)
		for (size_t j = 0; j < report->metrics[i].analysis.pair_count; j++)
			write_pair(report, &report->metrics[i], &report->metrics[i].analysis.pairs[j], out);
}
