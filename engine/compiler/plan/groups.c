/* groups.c: Consumer groups of a pipeline: their names, and which of them reads for a stage. */
#include "compiler/plan/compile.h"

/* The first stage has the requests, so it is never only of observers. */
static bool observes(const struct pipeline_plan *plan, size_t stage)
{
	return stage > 0 && plan_stage_observes(plan, stage);
}

/* Its calls of models take long, and are many: observers do not wait for them. */
static bool groups_explains(const struct pipeline_plan *plan, size_t stage)
{
	return stage > 0 && plan_stage_explains(plan, stage);
}

/* A topic may be read by its own pipeline too: whoever reads others' is a group of its own. */
static const char *group_name(struct arena *arena, const struct pipeline_plan *plan, bool exactly_once, bool apart)
{
	return arena_print(arena, "%s.%s.%s%s%s", plan->prefix, plan->namespace, exactly_once ? "exactly-once" : "at-least-once",
			   apart ? "." : "", apart ? plan->graph->name : "");
}

/* One that does not read others' topics any more is not looked for among the groups of those that do: each would
 * have to be asked for each pipeline. A control plane knows which to ask for (plan_name_formers()). */
void plan_name_groups(struct compiler *compiler, struct pipeline_plan *plan)
{
	bool exactly_once = plan->delivery == DELIVERY_EXACTLY_ONCE, apart = external_points(plan->graph) > 0;
	plan->group = group_name(compiler->arena, plan, exactly_once, apart);
	plan->former_groups[0] = group_name(compiler->arena, plan, !exactly_once, apart);
	for (int i = 0; apart && i < 2; i++)
		plan->former_groups[1 + i] = group_name(compiler->arena, plan, i, false);
	for (size_t i = 0; i < plan->stage_count; i++) {
		if (observes(plan, i))
			plan->observers_group = arena_print(compiler->arena, "%s.%s.observers", plan->prefix, plan->namespace);
		if (groups_explains(plan, i))
			plan->explainers_group = arena_print(compiler->arena, "%s.%s.explainers", plan->prefix, plan->namespace);
	}
}

bool plan_reads_others(const struct pipeline_plan *plan)
{
	return external_points(plan->graph) > 0;
}

bool plan_name_formers(struct plan *plan, const struct name_list *apart, struct arena *arena)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct pipeline_plan *pipeline = &plan->pipelines[i];
		if (plan_reads_others(pipeline) || !name_list_has(*apart, pipeline->graph->name))
			continue;
		for (int j = 0; j < 2; j++)
			pipeline->former_groups[1 + j] = group_name(arena, pipeline, j, true);
	}
	return !arena_failed(arena);
}

const char *plan_stage_group(const struct pipeline_plan *plan, size_t stage)
{
	return observes(plan, stage) ? plan->observers_group : groups_explains(plan, stage) ? plan->explainers_group : plan->group;
}

const char *plan_topic_group(const struct pipeline_plan *plan, const struct topic *topic)
{
	return topic->role == TOPIC_STAGE || topic->role == TOPIC_STATE ? plan_stage_group(plan, topic->of) : plan->group;
}

const char *plan_topic_of(const struct pipeline_plan *plan, enum topic_role role)
{
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == role)
			return plan->topics[i].name;
	return NULL;
}

size_t plan_pipeline_groups(const struct pipeline_plan *plan, struct plan_group groups[PLAN_GROUPS_MAX])
{
	size_t count = 0;
	groups[count++] = (struct plan_group){.name = plan->group, .exactly_once = plan->delivery == DELIVERY_EXACTLY_ONCE};
	if (plan->observers_group)
		groups[count++] = (struct plan_group){.name = plan->observers_group, .exactly_once = true, .observes = true};
	if (plan->explainers_group)
		groups[count++] = (struct plan_group){
			.name = plan->explainers_group, .exactly_once = true, .observes = true, .explains = true};
	return count;
}

const char **plan_groups(const struct plan *plan, struct arena *arena, size_t *count)
{
	const char **names = ARENA_ARRAY(arena, const char *, plan->count * PLAN_GROUPS_MAX + 1);
	struct plan_group groups[PLAN_GROUPS_MAX];
	*count = 0;
	for (size_t i = 0; names && i < plan->count; i++)
		for (size_t j = 0; j < plan_pipeline_groups(&plan->pipelines[i], groups); j++) {
			size_t at = 0;
			while (at < *count && strcmp(names[at], groups[j].name) != 0)
				at++;
			if (at == *count)
				names[(*count)++] = groups[j].name;
		}
	return names;
}
