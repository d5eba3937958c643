/* topics_metrics.c: Topic of `sluice help` for the metrics of `/metrics`. */
#include <stdio.h>

#include "tools/help/help_topic.h"
#include "observe/metric.h"

/* Kind of a metric, and its labels. */
static void metric_describe(const struct metric *row, char text[256])
{
	static const char *const kinds[] = {
		[METRIC_COUNTER] = "Counter",
		[METRIC_GAUGE] = "Gauge",
		[METRIC_HISTOGRAM] = "Histogram",
		[METRIC_UNTYPED] = "Untyped",
	};
	const char *labels = metric_scope_labels[row->scope];
	const char *extra = row->value == VALUE_ERRORS ? "kind" : row->value == VALUE_BREAKERS ? "state" : "";
	bool none = !labels[0] && !extra[0];
	(void)snprintf(text, 256, "%s%s%s%s%s.", kinds[row->kind], none ? "" : "; labels: ", labels,
		       labels[0] && extra[0] ? " " : "", extra);
}

static void metric_item(struct help_page *page, const struct metric *row)
{
	char help[2048], kind[256];
	metric_describe(row, kind);
	(void)snprintf(help, sizeof help, "%s %s", kind, row->help);
	help_page_item(page, 0, help, "%s", row->name);
}

static void declared_print(struct help_page *page)
{
	help_page_heading(page, 2, "Metrics of your own");
	help_page_text(
		page,
		"A pipeline declares metrics under `metrics`. Each is computed for each of its answers without an error, after the "
		"answer was sent. It does not delay an answer, and an error in it changes none.");
	help_page_code(page, "yaml",
		       "metrics:\n"
		       "- name: order_size\n"
		       "  type: histogram            # or gauge, counter, summary\n"
		       "  help: Shares that were ordered\n"
		       "  value: answer.size\n"
		       "  labels: {model_variant: variant, hour: hour(ts)}\n"
		       "  buckets: [1, 10, 100, 1000]\n");
	help_page_text(
		page,
		"Names are the tensors of the answer, also as `answer.t`; `request.t` and `params.p` of the request; `latency_ms`, "
		"from the record of the request to its answer; `variant`, the candidate of its last experiment that answered; "
		"`model` and `version` of the answer; and `header(\"...\")`, `key`, `id`, `ts` and `pipeline`. If a value has "
		"several elements, each is counted. A value that is missing, is not finite, or would lower a counter is not "
		"counted; `sluice_metric_missing_total` has the number of these.");
	help_page_text(page,
		  "Each series has the labels `namespace` and `pipeline`, and those that are declared: texts, integers, true or "
		  "false, the first 64 bytes of each. A missing label is empty. A counter has `_total` after its name. A histogram "
		       "without `buckets` has those of Prometheus' clients, from 0.005 to 10. If values are below 0, the sum of a "
		       "histogram or summary may fall.");
	help_page_text(page,
		  "A pipeline has at most 16 metrics, each with at most 8 labels and 20 buckets. They share 500 samples. Series "
		  "beyond the share of their metric are counted as one, whose labels are `other`; `sluice_metric_other_total` "
		  "counts its values. Calls by other pipelines, and answers that are errors, are not counted here.");
	help_page_text(
		page,
		"A metric with `truth.t` or `reward` is counted when feedback comes, once for each answer, by one engine: the one "
		"that leads the outcomes of the pipeline. It joins feedback to the answers of all engines, as their outputs have "
		"them, for a day. It has at most 128 MiB for the open answers of all pipelines that it leads, beside 1 MiB for "
		"each; where that is full, "
		"the oldest are forgotten, and `sluice_metric_lost_total` counts those that lack the metric. When an engine is "
		"stopped or killed, another one leads, and goes on where it ended. Feedback that comes before its answer waits. "
		"If the feedback itself has a value of that name, that value is counted instead. The answer must name its request: "
		"by an id, or as one of a gateway. What such metrics name of an answer is in its header `sluice-judged`, of at "
		"most 64 KiB; of a larger one the metric is missing. At most 7 metrics of a pipeline are of this kind.");
	help_page_text(
		page,
		"Bandits learn by such a metric if their `rewardMetric` names it. Rollouts judge by such a metric if its name is "
		"`accuracy`, or if their `successCriteria` name it. Its values are in the topic of outcomes (`sluice tail P "
		"--topic outcomes`). `sluice_policy_feedback_uncomputed_total` counts the rewards that could not be computed.");
	help_page_text(page,
		  "`sluice experiments analyze` computes these metrics too, for each variant, from the topics. It reads the "
		  "answers or the requests only if the metric names `answer.t` or `request.t`. Values that it cannot compute "
		  "come from the topic of outcomes. There a metric with the name `accuracy` replaces the comparison of the truth "
		  "with the answer's first output.");
	help_page_text(
		page,
		"`metricsConfig.customMetrics` of the SeldonRuntime declares metrics of all pipelines. If a pipeline declares a "
		"metric of that name without a description or buckets, it has those of the SeldonRuntime. If it declares none, the "
		"tensor of that name in its answers is counted. `sluice lint` warns of a metric that nothing in the files fills.");
}

static void metrics_print(struct help_page *page)
{
	static const char *const headings[METRIC_SCOPES] = {
		[SCOPE_PROCESS] = "Every process",
		[SCOPE_BUILD] = NULL,
		[SCOPE_NAMESPACE] = "Namespaces of an engine",
		[SCOPE_PIPELINE] = "Pipelines of an engine",
		[SCOPE_PIPELINE_NOW] = NULL,
		[SCOPE_STEP] = "Steps of an engine",
		[SCOPE_MIRROR] = "Steps of an engine whose experiment has a mirror",
		[SCOPE_DRIFT] = "Steps `drift` of an engine",
		[SCOPE_DRIFT_FEATURE] = NULL,
		[SCOPE_OUTLIER] = "Steps `outlier` that learn",
		[SCOPE_IMPORTANCE] = "Steps `explain` of an engine",
		[SCOPE_POLICY] = "Experiments with bandits of an engine",
		[SCOPE_ALERT] = "Alerts of an engine",
		[SCOPE_RECEIVER] = "Receivers of an engine's alerts",
		[SCOPE_METRIC] = "Metrics that pipelines declare",
		[SCOPE_MODEL] = "Models that an engine calls",
		[SCOPE_WORKER] = "Workers of an engine",
		[SCOPE_WORKER_NOW] = NULL,
		[SCOPE_CLIENT] = "Kafka clients of an engine",
		[SCOPE_CLIENT_NOW] = NULL,
		[SCOPE_CONTROL] = "Engines with --control",
		[SCOPE_GATEWAY] = "Calls of a gateway",
		[SCOPE_GATEWAY_KEYS] = "Access control of a gateway",
		[SCOPE_GATEWAY_RELOAD] = NULL,
		[SCOPE_GATEWAY_REFUSAL] = NULL,
		[SCOPE_GATEWAY_CODE] = "Pipelines that a gateway serves",
		[SCOPE_GATEWAY_PIPELINE] = NULL,
		[SCOPE_GATEWAY_CLIENT] = "Kafka clients of a gateway",
		[SCOPE_GATEWAY_CLIENT_NOW] = NULL,
		[SCOPE_SERVED] = "Models of a model server",
	};
	help_page_heading(page, 1, "Metrics");
	help_page_text(page,
		       "The metrics that `/metrics` reports at the port of `--metrics`, in the formats of Prometheus and "
		       "OpenMetrics. Counters begin at the start of the process. Steps and models beyond a limit are one series "
		       "with the name `other`, so a pipeline has at most 2,000 series.");
	declared_print(page);
	for (const struct metric *row = metric_rows; row->name; row++) {
		if (headings[row->scope] && (row == metric_rows || row[-1].scope != row->scope))
			help_page_heading(page, 2, "%s", headings[row->scope]);
		metric_item(page, row);
	}
}

static void metrics_visit(struct help_visit *visit)
{
	for (const struct metric *row = metric_rows; row->name; row++)
		help_see(visit, row->name, "", row->help, row);
}

static void metrics_print_entry(struct help_page *page, const struct help_entry *entry)
{
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
