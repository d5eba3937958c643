/* segment_view.c: see segment_view.h. Values of features come from records, so they are shown escaped. */
#include "tools/view/report/segment_view.h"

#include "base/quote.h"
#include "tools/view/report/html_parts.h"

#define REST "all others"
#define MISSING "not sent"

static struct text segment_name(const struct report_segment *segment)
{
	if (segment->rest)
		return TEXT(REST);
	return segment->value.length > 0 ? segment->value : TEXT(MISSING);
}

static void print_pair(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
		       struct arena *arena, struct buffer *out)
{
	const struct interval interval = pair->sequence.interval;
	buffer_print(out, "    %s, %s: %s%s", text_shown(metric->name, arena),
		     text_shown(report->joined->arm_names[pair->treatment], arena), pair_state_name(pair->state),
		     report_discovery(metric, pair));
	if (isfinite(pair->estimate))
		buffer_print(out, ", %+.4g (%+.4g to %+.4g), p %.3g", pair->estimate, interval.low, interval.high,
			     pair->sequence.p);
	buffer_byte(out, '\n');
}

void segment_view_print_text(const struct report *report, struct arena *arena, struct buffer *out)
{
	buffer_print(out, "\nSegments by %s: each has alpha %.3g, a share of all\n",
		     text_shown(text_of(report->options->segment), arena), report->segment_alpha);
	for (size_t i = 0; i < report->segment_count; i++) {
		const struct report_segment *segment = &report->segments[i];
		buffer_print(out, "  %-24s %10llu units\n", text_shown(segment_name(segment), arena),
			     (unsigned long long)segment->units);
		for (size_t j = 0; j < report->metric_count; j++)
			for (size_t k = 0; k < segment->metrics[j].analysis.pair_count; k++)
				print_pair(report, &segment->metrics[j], &segment->metrics[j].analysis.pairs[k], arena, out);
	}
}

static void write_pair(const struct report *report, const struct report_segment *segment, const struct report_metric *metric,
		       const struct pair_analysis *pair, struct buffer *out)
{
	const struct interval interval = pair->sequence.interval;
	html_write_around(out, "<tr><th scope=\"row\">", segment_name(segment), "");
	buffer_print(out, "</th><td>%llu</td><td class=\"t\">", (unsigned long long)segment->units);
	html_write_text(out, metric->name);
	html_write_around(out, ": ", report->joined->arm_names[pair->treatment], "");
	buffer_print(out, "</td><td class=\"t\">%s%s</td>", pair_state_name(pair->state), report_discovery(metric, pair));
	if (isfinite(pair->estimate))
		buffer_print(out, "<td>%+.4g</td><td>%+.4g to %+.4g</td><td>%.3g</td></tr>\n", pair->estimate, interval.low,
			     interval.high, pair->sequence.p);
	else
		buffer_string(out, "<td></td><td></td><td></td></tr>\n");
}

void segment_view_print_html(const struct report *report, struct buffer *out)
{
	html_write_around(out, "<h2>Segments by ", text_of(report->options->segment), "");
	buffer_print(out,
		     "</h2>\n<p>Each segment has the alpha %.3g, a share of all. Intervals hold at every look. A difference in one "
		     "segment alone is a hint for another experiment.</p>\n<table><tr><th></th><th>units</th><th "
		     "class=\"t\">metric</th><th class=\"t\">state</th><th>difference</th><th>interval</th><th>p</th></tr>\n",
		     report->segment_alpha);
	for (size_t i = 0; i < report->segment_count; i++)
		for (size_t j = 0; j < report->metric_count; j++)
			for (size_t k = 0; k < report->segments[i].metrics[j].analysis.pair_count; k++)
				write_pair(report, &report->segments[i], &report->segments[i].metrics[j],
					   &report->segments[i].metrics[j].analysis.pairs[k], out);
	buffer_string(out, "</table>\n");
}
