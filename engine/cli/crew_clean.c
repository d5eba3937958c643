/* crew_clean.c: see crew_clean.h. */
#include "cli/crew_clean.h"

#include "log/topics.h"

static bool is_used(const struct deployment *deployment, const char *topic)
{
	for (size_t i = 0; i < deployment->plan.count; i++)
		for (size_t j = 0; j < deployment->plan.pipelines[i].topic_count; j++)
			if (strcmp(deployment->plan.pipelines[i].topics[j].name, topic) == 0)
				return true;
	return false;
}

static struct cleaning *cleaning_make(const struct pipeline_plan *plan, const struct deployment *now, int64_t now_ms,
				      struct arena *arena)
{
	struct cleaning *cleaning = ARENA_NEW(arena, struct cleaning);
	const char **topics = ARENA_ARRAY(arena, const char *, plan->topic_count);
	if (!cleaning || !topics)
		return NULL;
	cleaning->pipeline = arena_copy(arena, plan->graph->name, strlen(plan->graph->name));
	cleaning->topics = topics;
	cleaning->since_ms = now_ms;
	for (size_t i = 0; i < plan->topic_count; i++)
		if (!plan->topics[i].bound && !is_used(now, plan->topics[i].name))
			topics[cleaning->topic_count++] = arena_copy(arena, plan->topics[i].name, strlen(plan->topics[i].name));
	return arena_failed(arena) ? NULL : cleaning;
}

/* What another pipeline has taken over by now stays. */
static void leave_used(struct cleaning *cleaning, const struct deployment *now)
{
	size_t left = 0;
	for (size_t i = 0; i < cleaning->topic_count; i++)
		if (!is_used(now, cleaning->topics[i]))
			cleaning->topics[left++] = cleaning->topics[i];
	cleaning->topic_count = left;
}

bool cleaning_note(struct cleaning **list, const struct deployment *before, const struct deployment *now, int64_t now_ms,
		   struct arena *arena)
{
	for (struct cleaning *cleaning = *list; cleaning; cleaning = cleaning->next)
		leave_used(cleaning, now);
	for (size_t i = 0; i < before->plan.count; i++) {
		const struct pipeline_plan *plan = &before->plan.pipelines[i];
		if (!plan->graph->spec->clean_topics_on_delete || plan_find(&now->plan, plan->graph->name))
			continue;
		struct cleaning *cleaning = cleaning_make(plan, now, now_ms, arena);
		if (!cleaning)
			return false;
		cleaning->next = *list;
		*list = cleaning;
	}
	return true;
}

static bool is_due(const struct cleaning *cleaning, const struct crew *crew, int64_t now_ms)
{
	struct crew_counts counts;
	return now_ms - cleaning->since_ms >= CLEAN_AFTER_MS &&
	       (!crew_counts(crew, cleaning->pipeline, &counts) || counts.in_flight == 0);
}

static void clean(const struct cleaning *cleaning, const struct crew_config *config)
{
	struct error error = {0};
	if (topics_remove(config->brokers, config->producer, cleaning->topics, cleaning->topic_count, &error))
		fprintf(config->out, "%s: is gone, and its topics with it (%zu)\n", cleaning->pipeline, cleaning->topic_count);
	else
		fprintf(config->out, "%s: is gone, but not its topics: %s\n", cleaning->pipeline, error.text);
	fflush(config->out);
}

void cleaning_carry_out(struct cleaning **list, const struct crew *crew, const struct crew_config *config, int64_t now_ms)
{
	struct cleaning **at = list;
	while (*at) {
		struct cleaning *cleaning = *at;
		bool again = plan_find(&crew_deployment(crew)->plan, cleaning->pipeline);
		if (!again && !is_due(cleaning, crew, now_ms)) {
			at = &cleaning->next;
			continue;
		}
		*at = cleaning->next;
		if (!again && cleaning->topic_count > 0)
			clean(cleaning, config);
	}
}
