/* readiness.c: see readiness.h. */
#include "engine/run/readiness.h"

#include "engine/setup/model_clients.h"
#include "engine/run/worker_threads.h"
#include "base/table.h"

/* The pipelines of the plan by their names. */
struct readiness_index {
	struct state_table *table; /* from the name to the number */
	struct pipeline_readiness *items;
};

static struct pipeline_readiness *readiness_find(const struct readiness_index *index, const char *name)
{
	struct text value;
	size_t number;
	if (!table_read(index->table, text_of(name), &value))
		return NULL;
	memcpy(&number, value.bytes, sizeof number);
	return &index->items[number];
}

static bool index_fill(const struct readiness_index *index, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!table_put(index->table, text_of(plan->pipelines[i].graph->name), (struct text){(const char *)&i, sizeof i},
			       false))
			return false;
	return true;
}

/* A pipeline has several stages, which have the same version and callers: the first one counts. */
static void stages_look(const struct readiness_index *index, const struct group *group)
{
	const struct worker_setup *setup = group->setup;
	for (size_t i = 0; i < setup->stage_count; i++) {
		const struct stage_config *stage = &setup->stages[i];
		struct pipeline_readiness *found = readiness_find(index, stage->name);
		if (!found || found->version != 0)
			continue;
		found->version = stage->version;
		found->models_away = model_news_count(group->news, stage);
	}
}

static void waits_look(const struct readiness_index *index, const struct group *group)
{
	for (const struct served *served = group->served; served; served = served->next) {
		struct pipeline_readiness *found = readiness_find(index, served->pipeline);
		for (size_t i = 0; found && i < group->worker_count; i++) {
			const char *waits_for = served->counts[i].waits_for;
			found->waits_for = waits_for ? waits_for : found->waits_for;
			found->former += count_read(&served->counts[i].former);
			topic_absence_take(&found->absent, &served->counts[i]);
		}
	}
}

static void group_look(const struct readiness_index *index, const struct plan *plan, const struct group *group)
{
	bool has_followed = worker_threads_follow(group), has_partitions = worker_threads_have_partitions(group);
	for (size_t i = 0; i < plan->count; i++) {
		if (strcmp(plan->pipelines[i].group, group->name) != 0)
			continue;
		index->items[i].has_followed = has_followed;
		index->items[i].has_partitions = has_partitions;
	}
	stages_look(index, group);
	if (!group->observes) /* a pipeline answers without its observers */
		waits_look(index, group);
}

const struct pipeline_readiness *readiness_of_pipelines(const struct engine *engine, struct arena *arena)
{
	const struct plan *plan = &engine_revision(engine)->plan;
	const struct readiness_index index = {table_open(), ARENA_ARRAY(arena, struct pipeline_readiness, plan->count + 1)};
	bool good = index.table && index.items && index_fill(&index, plan);
	for (const struct group *group = engine_groups(engine); good && group; group = group->next)
		group_look(&index, plan, group);
	table_close(index.table);
	return good ? index.items : NULL;
}
