/* learners.c: see learners.h. */
#include "engine/learn/learners.h"

#define OUTCOME_MEMORY_SHARE 8 /* of the engine's, for open exposures */

/* ---- outcomes ---- */

static bool namespace_is_served(const struct outcome_services *services, const char *namespace)
{
	for (size_t i = 0; i < services->count; i++)
		if (strcmp(services->namespaces[i], namespace) == 0)
			return true;
	return false;
}

static bool service_add(struct outcome_services *services, const struct engine_config *config, const struct pipeline_plan *pipeline,
			struct learner_boards boards, struct arena *lasting, struct error *error)
{
	const struct outcome_service_config outcomes = {.brokers = config->brokers,
							.consumer = config->consumer,
							.producer = config->producer,
							.group = plan_outcomes_group(pipeline, lasting),
							.instance = config->instance,
							.alone = config->partitions > 0,
							.namespace = arena_print(lasting, "%s", pipeline->namespace),
							.memory_bytes = config->memory_bytes / OUTCOME_MEMORY_SHARE,
							.policies = boards.policies,
							.rollouts = boards.rollouts,
							.series = &services->series,
							.log = config->log};
	size_t room = services->room;
	const char **namespaces =
		arena_grow(lasting, (void *)services->namespaces, services->count, &room, 1, sizeof *namespaces);
	struct outcome_service **items = arena_grow(lasting, services->items, services->count, &services->room, 1, sizeof *items);
	if (!namespaces || !items || !outcomes.group || !outcomes.namespace)
		return error_memory(error, ERROR_SYSTEM, "joining outcomes");
	services->namespaces = namespaces;
	services->items = items;
	struct outcome_service *service = outcome_service_open(&outcomes, error);
	if (!service)
		return false;
	namespaces[services->count] = outcomes.namespace;
	items[services->count++] = service;
	return true;
}

bool outcome_services_follow(struct outcome_services *services, const struct engine_config *config, const struct plan *plan,
			     struct learner_boards boards, struct arena *lasting, struct error *error)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan_topic_of(&plan->pipelines[i], TOPIC_OUTCOMES) &&
		    !namespace_is_served(services, plan->pipelines[i].namespace) &&
		    !service_add(services, config, &plan->pipelines[i], boards, lasting, error))
			return false;
	for (size_t i = 0; i < services->count; i++)
		outcome_service_follow(services->items[i], plan);
	return true;
}

bool outcome_services_hold(const struct outcome_services *services, const struct plan *plan)
{
	for (size_t i = 0; i < services->count; i++)
		if (outcome_service_holds(services->items[i], plan))
			return true;
	return false;
}

void outcome_services_close(struct outcome_services *services)
{
	for (size_t i = 0; i < services->count; i++)
		outcome_service_stop(services->items[i]);
	for (size_t i = 0; i < services->count; i++)
		outcome_service_close(services->items[i]);
	*services = (struct outcome_services){0};
}

/* ---- references ---- */

void learners_stop(struct learners *learners)
{
	for (size_t i = 0; i < learners->reference_count; i++)
		reference_service_stop(learners->references[i]);
}

bool learners_free_ended(struct learners *learners)
{
	size_t left = 0;
	for (size_t i = 0; i < learners->reference_count; i++)
		if (reference_service_has_ended(learners->references[i]))
			reference_service_close(learners->references[i]);
		else
			learners->references[left++] = learners->references[i];
	learners->reference_count = left;
	return left == 0;
}

void learners_close(struct learners *learners)
{
	learners_stop(learners);
	for (size_t i = 0; i < learners->reference_count; i++)
		reference_service_close(learners->references[i]);
	*learners = (struct learners){0};
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
		    struct verdict_board *verdicts, struct arena *arena, struct error *error)
{
	learners->references = ARENA_ARRAY(arena, struct reference_service *, plan->count + 1);
	if (!learners->references)
		return error_memory(error, ERROR_SYSTEM, "starting learners");
	for (size_t i = 0; i < plan->count; i++)
		if (!references_start(learners, config, &plan->pipelines[i], verdicts, error))
			return false;
	return true;
}
