/* topics_metrics.c: Topic of `sluice help` for the metrics of `/metrics`. */
#include <stdio.h>
#include <string.h>

#include "help/help_topic.h"
#include "observe/metric.h"

/* Kind of a metric, and its labels. */
static void metric_describe(const struct metric *row, char text[256])
{
	static const char *const kinds[] = {"Counter", "Gauge", "Histogram"};
	const char *labels = metric_scope_labels[row->scope];
	const char *extra = row->value == VALUE_ERRORS ? "kind" : row->value == VALUE_BREAKERS ? "state" : "";
	bool none = !labels[0] && !extra[0];
	(void)snprintf(text, 256, "%s%s%s%s%s.", kinds[row->kind], none ? "" : "; labels: ", labels,
		       labels[0] && extra[0] ? " " : "", extra);
}

static void metric_item(struct page *page, const struct metric *row)
{
	char help[2048], kind[256];
	metric_describe(row, kind);
	(void)snprintf(help, sizeof help, "%s %s", kind, row->help);
	page_item(page, 0, help, "%s", row->name);
}

static void metrics_print(const struct workspace *workspace, struct page *page)
{
	static const char *const headings[METRIC_SCOPES] = {
		[SCOPE_PROCESS] = "Every process",
		[SCOPE_BUILD] = NULL,
		[SCOPE_NAMESPACE] = "Namespaces of an engine",
		[SCOPE_PIPELINE] = "Pipelines of an engine",
		[SCOPE_PIPELINE_NOW] = NULL,
		[SCOPE_STEP] = "Steps of an engine",
		[SCOPE_DRIFT] = "Steps `drift` of an engine",
		[SCOPE_IMPORTANCE] = "Steps `explain` of an engine",
		[SCOPE_POLICY] = "Experiments with bandits of an engine",
		[SCOPE_ALERT] = "Alerts of an engine",
		[SCOPE_MODEL] = "Models that an engine calls",
		[SCOPE_WORKER] = "Workers of an engine",
		[SCOPE_WORKER_NOW] = NULL,
		[SCOPE_CLIENT] = "Kafka clients of an engine",
		[SCOPE_CLIENT_NOW] = NULL,
		[SCOPE_CONTROL] = "Engines with --control",
		[SCOPE_GATEWAY] = "Calls of a gateway",
		[SCOPE_SERVED] = "Models of a model server",
	};
	(void)workspace;
	page_heading(page, 1, "Metrics");
	page_text(page, "What `/metrics` reports where `--metrics` names a port, in the formats of Prometheus and OpenMetrics. "
			"Counters begin at the start of the process. Steps and models beyond a limit are one series of the name "
			"`other`, so that a pipeline has at most 2,000 series.");
	for (const struct metric *row = metric_rows; row->name; row++) {
		if (headings[row->scope] && (row == metric_rows || row[-1].scope != row->scope))
			page_heading(page, 2, "%s", headings[row->scope]);
		metric_item(page, row);
	}
}

static void metrics_visit(struct help_visit *visit)
{
	for (const struct metric *row = metric_rows; row->name; row++)
		help_see(visit, row->name, "", row->help, row);
}

static void metrics_print_entry(const struct workspace *workspace, struct page *page, const struct help_entry *entry,
				const char *where)
{
	(void)workspace, (void)where;
	metric_item(page, entry->item);
}

const struct help_topic topic_metrics = {
	.name = "metrics",
	.one = "metric",
	.summary = "What engines, gateways and model servers report to Prometheus.",
	.print = metrics_print,
	.visit = metrics_visit,
	.print_entry = metrics_print_entry,
};
