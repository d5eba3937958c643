/* learners.c: see learners.h. */
#include "engine/learn/learners.h"

void learners_stop(struct learners *learners)
{
	for (size_t i = 0; i < learners->count; i++)
		learner_service_stop(learners->items[i]);
	for (size_t i = 0; i < learners->truth_count; i++)
		truth_service_stop(learners->truths[i]);
	for (size_t i = 0; i < learners->reference_count; i++)
		reference_service_stop(learners->references[i]);
	for (size_t i = 0; i < learners->counting_count; i++)
		if (learners->countings[i])
			feedback_counting_stop(learners->countings[i]);
}

static void countings_free_ended(struct learners *learners)
{
	for (size_t i = 0; i < learners->counting_count; i++) {
		if (!learners->countings[i] || !feedback_counting_has_ended(learners->countings[i]))
			continue;
		feedback_counting_close(learners->countings[i]);
		learners->countings[i] = NULL;
	}
}

bool learners_are_gone(const struct learners *learners)
{
	for (size_t i = 0; i < learners->counting_count; i++)
		if (learners->countings[i])
			return false;
	return learners->count + learners->truth_count + learners->reference_count == 0;
}

bool learners_free_ended(struct learners *learners)
{
	size_t left = 0;
	for (size_t i = 0; i < learners->count; i++)
		if (learner_service_has_ended(learners->items[i]))
			learner_service_close(learners->items[i]);
		else
			learners->items[left++] = learners->items[i];
	learners->count = left;
	left = 0;
	for (size_t i = 0; i < learners->truth_count; i++)
		if (truth_service_has_ended(learners->truths[i]))
			truth_service_close(learners->truths[i]);
		else
			learners->truths[left++] = learners->truths[i];
	learners->truth_count = left;
	left = 0;
	for (size_t i = 0; i < learners->reference_count; i++)
		if (reference_service_has_ended(learners->references[i]))
			reference_service_close(learners->references[i]);
		else
			learners->references[left++] = learners->references[i];
	learners->reference_count = left;
	countings_free_ended(learners);
	return learners_are_gone(learners);
}

void learners_close(struct learners *learners)
{
	learners_stop(learners);
	for (size_t i = 0; i < learners->count; i++)
		learner_service_close(learners->items[i]);
	for (size_t i = 0; i < learners->truth_count; i++)
		truth_service_close(learners->truths[i]);
	for (size_t i = 0; i < learners->reference_count; i++)
		reference_service_close(learners->references[i]);
	for (size_t i = 0; i < learners->counting_count; i++)
		feedback_counting_close(learners->countings[i]);
	*learners = (struct learners){0};
}

/* What reads answers again for the metrics that engines compute for experiments, for the learner and the truths of the pipeline.
 * NULL: there are none, or the arena is full. */
static struct shared_recovery *recovery_of(const struct engine_config *config, const struct pipeline_plan *pipeline,
					   struct policy_board *board, struct arena *arena)
{
	const struct pipeline_metric **metrics = ARENA_ARRAY(arena, const struct pipeline_metric *, FEEDBACK_METRICS_COUNTED);
	struct shared_recovery *made = ARENA_NEW(arena, struct shared_recovery);
	size_t count = 0;
	for (size_t i = 0; metrics && i < pipeline->metric_count && count < FEEDBACK_METRICS_COUNTED; i++)
		if (pipeline->metrics[i].of_feedback && graph_learns_by(pipeline->graph, pipeline->metrics[i].spec.name.text))
			metrics[count++] = &pipeline->metrics[i];
	if (count == 0 || !made)
		return NULL;
	const struct answer_recovery_config reading = {.brokers = config->brokers,
						       .consumer = config->consumer,
						       .producer = config->producer,
						       .graph = pipeline->graph,
						       .inputs = plan_topic_of(pipeline, TOPIC_INPUTS),
						       .outputs = plan_topic_of(pipeline, TOPIC_OUTPUTS),
						       .exposures = plan_topic_of(pipeline, TOPIC_EXPOSURES),
						       .feedback = plan_topic_of(pipeline, TOPIC_FEEDBACK),
						       .metrics = metrics,
						       .metric_count = count,
						       .board = board,
						       .log = config->log};
	*made = (struct shared_recovery){.config = reading, .lock = PTHREAD_MUTEX_INITIALIZER};
	return reading.inputs && reading.outputs && reading.exposures && reading.feedback ? made : NULL;
}

static bool learner_start(struct learners *learners, const struct engine_config *config, const struct pipeline_plan *pipeline,
			  struct shared_recovery *recovery, struct policy_board *board, struct arena *arena, struct error *error)
{
	const struct learner_service_config learner = {.brokers = config->brokers,
						       .consumer = config->consumer,
						       .producer = config->producer,
						       .id = plan_learner_id(pipeline, arena),
						       .alone = config->partitions > 0,
						       .exposures = plan_topic_of(pipeline, TOPIC_EXPOSURES),
						       .feedback = plan_topic_of(pipeline, TOPIC_FEEDBACK),
						       .policy = plan_topic_of(pipeline, TOPIC_POLICY),
						       .graph = pipeline->graph,
						       .board = board,
						       .recovery = recovery,
						       .log = config->log};
	if (!learner.exposures || !learner.feedback || !learner.policy)
		return true; /* bandits that write no exposures are an error of the files */
	struct learner_service *service = learner.id ? learner_service_open(&learner, error) : NULL;
	if (service)
		learners->items[learners->count++] = service;
	return service;
}

static bool truths_start(struct learners *learners, const struct engine_config *config, const struct pipeline_plan *pipeline,
			 struct shared_recovery *recovery, struct rollout_board *board, struct arena *arena, struct error *error)
{
	const struct truth_service_config truths = {.brokers = config->brokers,
						    .consumer = config->consumer,
						    .id = plan_truths_id(pipeline, arena),
						    .alone = config->partitions > 0,
						    .exposures = plan_topic_of(pipeline, TOPIC_EXPOSURES),
						    .feedback = plan_topic_of(pipeline, TOPIC_FEEDBACK),
						    .graph = pipeline->graph,
						    .board = board,
						    .recovery = recovery,
						    .log = config->log};
	struct truth_service *service = truths.id ? truth_service_open(&truths, error) : NULL;
	if (service)
		learners->truths[learners->truth_count++] = service;
	return service;
}

static bool references_start(struct learners *learners, const struct engine_config *config, const struct pipeline_plan *pipeline,
			     struct verdict_board *board, struct error *error)
{
	const struct reference_service_config references = {.brokers = config->brokers,
							    .consumer = config->consumer,
							    .registry = config->registry,
							    .graph = pipeline->graph,
							    .requests = plan_topic_of(pipeline, TOPIC_INPUTS),
							    .has_observers = !config->observers_off,
							    .board = board,
							    .log = config->log};
	if (!reference_service_is_needed(&references))
		return true;
	struct reference_service *service = reference_service_open(&references, error);
	if (service)
		learners->references[learners->reference_count++] = service;
	return service;
}

bool learners_start(struct learners *learners, const struct engine_config *config, const struct plan *plan,
		    struct learner_boards boards, struct arena *arena, struct error *error)
{
	learners->items = ARENA_ARRAY(arena, struct learner_service *, plan->count + 1);
	learners->truths = ARENA_ARRAY(arena, struct truth_service *, plan->count + 1);
	learners->references = ARENA_ARRAY(arena, struct reference_service *, plan->count + 1);
	if (!learners->items || !learners->truths || !learners->references)
		return error_memory(error, ERROR_SYSTEM, "starting learners");
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		struct shared_recovery *recovery = recovery_of(config, pipeline, boards.policies, arena);
		if (graph_learns(pipeline->graph) &&
		    !learner_start(learners, config, pipeline, recovery, boards.policies, arena, error))
			return false;
		if (graph_is_judged(pipeline->graph) &&
		    !truths_start(learners, config, pipeline, recovery, boards.rollouts, arena, error))
			return false;
		if (!references_start(learners, config, pipeline, boards.verdicts, error))
			return false;
	}
	return true;
}

/* ---- feedback for metrics ---- */

/* The metrics of truth and reward, with their series: those of the first worker, which counts none of them itself. */
static size_t truths_find(const struct pipeline_plan *pipeline, const struct counted_pipeline *counted, struct kept_metric *truths)
{
	size_t count = 0;
	for (size_t i = 0; i < pipeline->metric_count && count < KEPT_METRICS_MAX; i++) {
		const struct pipeline_metric *metric = &pipeline->metrics[i];
		const struct counted_metric *found = metric->of_feedback ? counted_metric_find(counted, metric) : NULL;
		if (found)
			truths[count++] = (struct kept_metric){metric, found->tables[0],
							       graph_learns_by(pipeline->graph, metric->spec.name.text)};
	}
	return count;
}

static struct counted_pipeline *served_by(struct group *groups, const char *pipeline, size_t *workers)
{
	for (struct group *group = groups; group; group = group->next)
		for (struct counted_pipeline *counted = group->pipelines; counted; counted = counted->next)
			if (counted->queues && strcmp(counted->name, pipeline) == 0) {
				*workers = group->worker_count;
				return counted;
			}
	return NULL;
}

static bool counting_start(struct learners *learners, size_t number, const struct engine_config *config,
			   const struct pipeline_plan *pipeline, struct group *groups, struct arena *arena, struct error *error)
{
	const char *name = pipeline->graph->name, *feedback = plan_topic_of(pipeline, TOPIC_FEEDBACK);
	size_t workers = 0;
	struct counted_pipeline *counted = feedback ? served_by(groups, name, &workers) : NULL;
	struct kept_metric *truths = counted ? ARENA_ARRAY(arena, struct kept_metric, KEPT_METRICS_MAX) : NULL;
	const size_t count = truths ? truths_find(pipeline, counted, truths) : 0;
	const struct feedback_counting_config counting = {.brokers = config->brokers,
							  .consumer = config->consumer,
							  .producer = config->producer,
							  .pipeline = name,
							  .feedback = feedback,
							  .queues = counted ? counted->queues : NULL,
							  .queue_count = workers,
							  .metrics = truths,
							  .metric_count = count,
							  .state = counted ? &counted->feedback : NULL,
							  .wait_ms = FEEDBACK_WAIT_MS,
							  .log = config->log};
	if (count > 0)
		learners->countings[number] = feedback_counting_open(&counting, error);
	return count == 0 || learners->countings[number];
}

bool learners_count_feedback(struct learners *learners, const struct engine_config *config, const struct plan *plan,
			     struct group *groups, struct arena *arena, struct error *error)
{
	if (!learners->countings) {
		learners->countings = ARENA_ARRAY(arena, struct feedback_counting *, plan->count + 1);
		learners->counting_count = learners->countings ? plan->count : 0;
	}
	for (size_t i = 0; i < learners->counting_count; i++)
		if (!learners->countings[i] &&
		    !counting_start(learners, i, config, &plan->pipelines[i], groups, arena, error))
			return false;
	return learners->countings || error_memory(error, ERROR_SYSTEM, "counting feedback");
}
