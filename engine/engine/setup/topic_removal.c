/* topic_removal.c: see topic_removal.h. */
#include "engine/setup/topic_removal.h"

#include "kafka/topics/topic_setup.h"

static bool is_used(const struct revision *revision, const char *topic)
{
	for (size_t i = 0; i < revision->plan.count; i++)
		for (size_t j = 0; j < revision->plan.pipelines[i].topic_count; j++)
			if (strcmp(revision->plan.pipelines[i].topics[j].name, topic) == 0)
				return true;
	return false;
}

static struct topic_removal *topic_removal_make(const struct pipeline_plan *plan, const struct revision *now, int64_t now_ms,
						struct arena *arena)
{
	struct topic_removal *topic_removal = ARENA_NEW(arena, struct topic_removal);
	const char **topics = ARENA_ARRAY(arena, const char *, plan->topic_count);
	if (!topic_removal || !topics)
		return NULL;
	topic_removal->pipeline = arena_copy(arena, plan->graph->name, strlen(plan->graph->name));
	topic_removal->topics = topics;
	topic_removal->since_ms = now_ms;
	for (size_t i = 0; i < plan->topic_count; i++)
		if (!plan->topics[i].bound && !is_used(now, plan->topics[i].name))
			topics[topic_removal->topic_count++] =
				arena_copy(arena, plan->topics[i].name, strlen(plan->topics[i].name));
	return arena_failed(arena) ? NULL : topic_removal;
}

/* Keeps topics that another pipeline uses by now. */
static void leave_used(struct topic_removal *topic_removal, const struct revision *now)
{
	size_t left = 0;
	for (size_t i = 0; i < topic_removal->topic_count; i++)
		if (!is_used(now, topic_removal->topics[i]))
			topic_removal->topics[left++] = topic_removal->topics[i];
	topic_removal->topic_count = left;
}

bool topic_removal_note(struct topic_removal **list, const struct revision *before, const struct revision *now, int64_t now_ms,
			struct arena *arena)
{
	for (struct topic_removal *topic_removal = *list; topic_removal; topic_removal = topic_removal->next)
		leave_used(topic_removal, now);
	for (size_t i = 0; i < before->plan.count; i++) {
		const struct pipeline_plan *plan = &before->plan.pipelines[i];
		if (!plan->graph->spec->clean_topics_on_delete || plan_find(&now->plan, plan->graph->name))
			continue;
		struct topic_removal *topic_removal = topic_removal_make(plan, now, now_ms, arena);
		if (!topic_removal)
			return false;
		topic_removal->next = *list;
		*list = topic_removal;
	}
	return true;
}

static bool is_due(const struct topic_removal *topic_removal, const struct engine *engine, topic_removal_idle *is_idle,
		   int64_t now_ms)
{
	return now_ms - topic_removal->since_ms >= CLEAN_AFTER_MS && is_idle(engine, topic_removal->pipeline);
}

static void clean(const struct topic_removal *topic_removal, const struct engine_config *config)
{
	struct error error = {0};
	const struct log_fields fields = {.pipeline = topic_removal->pipeline};
	if (topics_remove(config->brokers, config->producer, topic_removal->topics, topic_removal->topic_count, &error))
		log_say(config->log, LOG_LEVEL_INFO, &fields, "%s: was removed, with its topics (%zu)", topic_removal->pipeline,
			topic_removal->topic_count);
	else
		log_say(config->log, LOG_LEVEL_WARN, &fields, "%s: was removed, but its topics were not: %s",
			topic_removal->pipeline, error.text);
}

void topic_removal_carry_out(struct topic_removal **list, const struct plan *plan, const struct engine_config *config,
			     const struct engine *engine, topic_removal_idle *is_idle, int64_t now_ms)
{
	struct topic_removal **at = list;
	while (*at) {
		struct topic_removal *topic_removal = *at;
		bool again = plan_find(plan, topic_removal->pipeline);
		if (!again && !is_due(topic_removal, engine, is_idle, now_ms)) {
			at = &topic_removal->next;
			continue;
		}
		*at = topic_removal->next;
		if (!again && topic_removal->topic_count > 0)
			clean(topic_removal, config);
	}
}
