/* answer_metrics.c: Metrics that a pipeline declares, counted for each of its answers when it leaves its stage. */
#include "experiments/metric_value.h"
#include "message/assigned.h"
#include "worker/parts.h"

/* The variant that answered: that of the last experiment, or its default if that one failed. */
static struct text variant_of(const struct graph *graph, const struct message *message)
{
	const struct assigned *assigned = message->assigned;
	if (!assigned)
		return (struct text){0};
	for (size_t i = 0; i < graph->experiment_count && assigned->reason == ASSIGNED_FALLBACK; i++) {
		const struct graph_experiment *experiment = graph->experiments[i];
		if (text_is(assigned->experiment, experiment->name) && experiment->fallback < experiment->count)
			return text_of(experiment->shares[experiment->fallback].name);
	}
	return assigned->variant;
}

static void value_count(struct series_table *table, const struct judged_value *value, uint64_t now_ms)
{
	const struct series_form *form = series_table_form(table);
	char digits[SERIES_LABELS_MAX][METRIC_LABEL_DIGITS];
	struct text labels[SERIES_LABELS_MAX];
	bool is_whole = true;
	for (size_t nth = 0; nth < value->value->count; nth++) {
		const double number = tensor_number(value->value, nth);
		if (!series_takes(form->type, number)) {
			is_whole = false;
			continue;
		}
		for (size_t i = 0; i < form->label_count; i++)
			labels[i] = metric_label(value, i, nth, digits[i]);
		series_add(table, labels, number, now_ms);
	}
	if (!is_whole)
		series_miss(table);
}

void answer_metrics_count(const struct worker_stage *stage, const struct message *message, const struct answer *answer,
			  int64_t took_ms)
{
	const struct stage_config *config = stage->config;
	const struct judged_answer judged = {.message = message,
					     .answer = answer->payload,
					     .pipeline = config->graph->name,
					     .variant = variant_of(config->graph, message),
					     .latency_ms = (double)took_ms};
	const uint64_t now_ms = (uint64_t)loop_time_of_day_ms(stage->worker->loop);
	if (!answer->payload || answer->error)
		return;
	for (size_t i = 0; i < config->metric_count; i++) {
		struct series_table *table = config->metric_tables[stage->worker->config->number * config->metric_count + i];
		struct judged_value value;
		arena_reset(stage->judging);
		if (!table || config->metrics[i].of_feedback)
			continue;
		if (metric_evaluate(&config->metrics[i], &judged, stage->judging, &value))
			value_count(table, &value, now_ms);
		else if (config->metrics[i].spec.value)
			series_miss(table);
	}
}
