/* answer_metrics.c: Metrics that a pipeline declares, counted for each of its answers when it leaves its stage. */
#include "experiments/outcomes/judged_answer.h"
#include "message/records/assigned.h"
#include "message/records/exposure.h"
#include "engine/worker/parts.h"

/* The variant that answered; one of another pipeline's experiment, if the graph has none of it. */
static struct text variant_of(const struct graph *graph, const struct message *message)
{
	const char *variant = graph_variant(graph, message);
	if (variant)
		return text_of(variant);
	return message->assigned ? message->assigned->variant : (struct text){0};
}

static struct judged_answer judged_of(const struct worker_stage *stage, const struct message *message, const struct answer *answer,
				      int64_t took_ms)
{
	const struct stage_config *config = stage->config;
	return (struct judged_answer){.message = message,
				      .answer = answer->payload,
				      .pipeline = config->graph->name,
				      .variant = variant_of(config->graph, message),
				      .latency_ms = (double)took_ms};
}

void answer_metrics_count(const struct worker_stage *stage, const struct message *message, const struct answer *answer,
			  int64_t took_ms)
{
	const struct stage_config *config = stage->config;
	const struct judged_answer judged = judged_of(stage, message, answer, took_ms);
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
}

size_t answer_judged_header(const struct worker_stage *stage, const struct message *message, const struct answer *answer,
			    int64_t took_ms, struct header *header)
{
	const struct judged_answer judged = judged_of(stage, message, answer, took_ms);
	struct buffer *bytes = &stage->worker->judged;
	struct error large = {0};
	if (!stage->config->judged.is_needed || !answer->payload || answer->error)
		return 0;
	arena_reset(stage->judging);
	buffer_clear(bytes);
	if (!judged_answer_write(&judged, stage->config->judged, stage->judging, bytes, &large))
		return 0;
	*header = (struct header){TEXT(JUDGED_HEADER), buffer_view(bytes)};
	return 1;
}
