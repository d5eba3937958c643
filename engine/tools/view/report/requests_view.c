/* requests_view.c: see requests_view.h. */
#include "tools/view/report/requests_view.h"

#include "base/quote.h"
#include "tools/view/report/html_parts.h"
#include "tools/view/json_member.h"

#define PERCENT 100.0

static const char *const quantile_names[VARIANT_QUANTILES] = {"p50", "p95", "p99"};

static double error_percent(const struct variant_requests *variant)
{
	return variant->requests > 0 ? PERCENT * (double)variant->errors / (double)variant->requests : 0;
}

/* Too few requests have no upper end, and an end below is at least 0. */
static void interval_print(const struct latency_quantile *quantile, struct buffer *out)
{
	const double low = fmax(0, quantile->interval.low);
	if (isfinite(quantile->interval.high))
		buffer_print(out, "%.4g (%.4g to %.4g)", quantile->ms, low, quantile->interval.high);
	else
		buffer_print(out, "%.4g (%.4g or more)", quantile->ms, low);
}

static void count_print(uint64_t count, const char *of, struct buffer *out)
{
	buffer_print(out, "%llu %s%s", (unsigned long long)count, of, count == 1 ? "" : "s");
}

void requests_view_print_text(const struct report *report, struct arena *arena, struct buffer *out)
{
	buffer_print(out, "Requests: latencies in ms, with %.4g%% intervals for a single look\n",
		     PERCENT * (1 - report->options->alpha));
	for (size_t arm = 0; arm < report->joined->arms; arm++) {
		const struct variant_requests *variant = &report->requests[arm];
		buffer_print(out, "  %-24s ", text_shown(report->joined->arm_names[arm], arena));
		count_print(variant->requests, "request", out);
		buffer_string(out, ", ");
		count_print(variant->errors, "error", out);
		buffer_print(out, " (%.3g%%)", error_percent(variant));
		if (variant->fallbacks > 0) {
			buffer_string(out, ", ");
			count_print(variant->fallbacks, "fallback", out);
		}
		for (size_t i = 0; i < VARIANT_QUANTILES && variant->measured > 0; i++) {
			buffer_print(out, "%s%s ", i == 0 ? "\n    " : ", ", quantile_names[i]);
			interval_print(&variant->latencies[i], out);
		}
		buffer_string(out, variant->measured > 0 ? "\n" : ", no latency is known\n");
	}
}

void requests_view_print_html(const struct report *report, struct buffer *out)
{
	buffer_print(out,
		     "<h2>Requests</h2>\n<p>Latencies in ms, with %.4g%% intervals for a single look, which take requests to "
		     "be independent.</p>\n<table><tr><th>variant</th><th>requests</th><th>errors</th><th>fallbacks</th>",
		     PERCENT * (1 - report->options->alpha));
	for (size_t i = 0; i < VARIANT_QUANTILES; i++)
		buffer_print(out, "<th>%s</th>", quantile_names[i]);
	buffer_string(out, "</tr>\n");
	for (size_t arm = 0; arm < report->joined->arms; arm++) {
		const struct variant_requests *variant = &report->requests[arm];
		html_write_around(out, "<tr><th scope=\"row\">", report->joined->arm_names[arm], "");
		buffer_print(out, "</th><td>%llu</td><td>%llu (%.3g%%)</td><td>%llu</td>", (unsigned long long)variant->requests,
			     (unsigned long long)variant->errors, error_percent(variant), (unsigned long long)variant->fallbacks);
		for (size_t i = 0; i < VARIANT_QUANTILES; i++) {
			buffer_string(out, "<td>");
			if (variant->measured > 0)
				interval_print(&variant->latencies[i], out);
			buffer_string(out, "</td>");
		}
		buffer_string(out, "</tr>\n");
	}
	buffer_string(out, "</table>\n");
}

void requests_view_print_json(const struct variant_requests *variant, struct buffer *out)
{
	member_count(out, "requests", variant->requests);
	member_count(out, "errors", variant->errors);
	member_count(out, "fallbacks", variant->fallbacks);
	member_count(out, "measured", variant->measured);
	buffer_string(out, ",\"latency_ms\":{");
	for (size_t i = 0; i < VARIANT_QUANTILES; i++) {
		buffer_print(out, "%s\"%s\":{\"quantile\":%g", i > 0 ? "," : "", quantile_names[i], variant_quantiles[i]);
		member_number(out, "estimate", variant->latencies[i].ms);
		member_interval(out, "interval", variant->latencies[i].interval);
		buffer_byte(out, '}');
	}
	buffer_byte(out, '}');
}
