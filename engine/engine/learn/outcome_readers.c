/* outcome_readers.c: see outcome_readers.h. */
#include "engine/learn/outcome_readers.h"

#include "engine/learn/learner_reader.h"
#include "engine/learn/outcome_metrics.h"
#include "engine/learn/tally_reader.h"

static bool reader_is_needed(const struct graph_experiment *experiment)
{
	return experiment->learns || experiment->judged;
}

static bool metrics_are_counted(const struct readers_context *context)
{
	bool are_counted = false;
	for (size_t i = 0; context->series && i < context->pipeline->metric_count; i++)
		are_counted |= context->pipeline->metrics[i].of_feedback;
	return are_counted;
}

bool outcome_readers_open(const struct readers_context *context, struct outcome_reader *readers, size_t room, size_t *count,
			  struct error *error)
{
	const struct graph *graph = context->pipeline->graph;
	size_t learners = 0;
	*count = 0;
	if (metrics_are_counted(context)) {
		if (!outcome_metrics_open(context, readers, error))
			return false;
		*count = 1;
	}
	for (size_t i = 0; i < graph->reachable_count && *count < room; i++) {
		const struct graph_experiment *experiment = graph->reachable[i];
		if (!reader_is_needed(experiment))
			continue;
		if (!(experiment->learns ? learner_reader_open : tally_reader_open)(context, experiment, &readers[*count], error))
			return false;
		learners += experiment->learns;
		++*count;
	}
	if (learners > 0)
		log_say(context->log, LOG_LEVEL_INFO, NULL, "this engine learns the policies of %s",
			plan_topic_of(context->pipeline, TOPIC_POLICY));
	return true;
}
