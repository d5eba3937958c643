/* answer_metrics.c: Metrics that a pipeline declares, counted for each of its answers when it leaves its stage. */
#include "experiments/outcomes/kept_answers.h"
#include "message/records/assigned.h"
#include "engine/worker/parts.h"

/* The variant that answered; one of another pipeline's experiment, if the graph has none of it. */
static struct text variant_of(const struct graph *graph, const struct message *message)
{
	const char *variant = graph_variant(graph, message);
	if (variant)
		return text_of(variant);
	return message->assigned ? message->assigned->variant : (struct text){0};
}

/* Sends the answer to the thread that joins it with feedback. */
static void answer_keep(const struct worker_stage *stage, const struct judged_answer *judged)
{
	const struct stage_config *config = stage->config;
	struct answer_queue *queue = config->kept ? config->kept[stage->worker->config->number] : NULL;
	struct buffer *bytes = &stage->worker->kept;
	struct error error = {0};
	if (!queue)
		return;
	arena_reset(stage->judging);
	buffer_clear(bytes);
	if (kept_answer_encode(judged, config->kept_requests, stage->judging, bytes, &error))
		answer_queue_add(queue, buffer_view(bytes));
	else
		answer_queue_miss(queue);
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
			metric_value_count(table, &value, now_ms);
		else if (config->metrics[i].spec.value)
			series_miss(table);
	}
	answer_keep(stage, &judged);
}
