/* group_setup.c: see group_setup.h. */
#include "engine/setup/group_setup.h"

#include "base/hash.h"
#include "engine/setup/model_clients.h"
#include "engine/setup/stage_setup.h"

/* ---- counts ---- */

static struct served **served_list(struct group *group, const char *pipeline)
{
	return &group->served_lists[hash_key(text_of(pipeline)) % SERVED_LISTS];
}

static struct served *served_same(struct served *served, const char *pipeline)
{
	while (served && strcmp(served->pipeline, pipeline) != 0)
		served = served->next_in_list;
	return served;
}

struct served *served_first(const struct group *group, const char *pipeline)
{
	return served_same(*served_list((struct group *)group, pipeline), pipeline);
}

struct served *served_next(const struct served *served)
{
	return served_same(served->next_in_list, served->pipeline);
}

bool group_watches(const struct group *group)
{
	return group->observes && !group->explains;
}

void group_setup_follow(struct group *group, struct worker_setup *setup)
{
	for (struct served *served = group->served; served; served = served->next)
		served->present = NULL;
	for (size_t i = 0; i < setup->stage_count; i++) {
		struct served *served = served_first(group, setup->stages[i].name);
		while (served && served->counts != setup->stages[i].counts)
			served = served_next(served);
		if (served)
			served->present = &setup->stages[i];
	}
	group->setup = setup;
}

/* Finds or makes the counts of a pipeline. NULL: no memory. */
static struct served *served_of(struct group *group, enum served_kind kind, const char *name, const char *pipeline,
				struct arena *lasting)
{
	for (struct served *served = served_first(group, pipeline); served; served = served_next(served))
		if (served->kind == kind && strcmp(served->name, name) == 0)
			return served;
	struct served *served = ARENA_NEW(lasting, struct served);
	if (!served)
		return NULL;
	served->name = arena_copy(lasting, name, strlen(name));
	served->pipeline = arena_copy(lasting, pipeline, strlen(pipeline));
	served->kind = kind;
	served->counts = ARENA_ARRAY(lasting, struct stage_counts, group->worker_count);
	served->next = group->served;
	if (!served->name || !served->pipeline || !served->counts)
		return NULL;
	struct served **list = served_list(group, pipeline);
	served->next_in_list = *list;
	*list = served;
	return group->served = served;
}

/* Finds the entry of that name, or makes one in the order of the list. NULL: no memory. */
static struct counted *counted_of(struct counted **list, const char *name, size_t workers, size_t size, struct arena *lasting)
{
	for (; *list; list = &(*list)->next)
		if (strcmp((*list)->name, name) == 0)
			return *list;
	struct counted *counted = ARENA_NEW(lasting, struct counted);
	if (!counted)
		return NULL;
	counted->name = arena_copy(lasting, name, strlen(name));
	counted->counts = arena_take(lasting, workers, size);
	if (!counted->name || !counted->counts)
		return NULL;
	return *list = counted;
}

static struct counted_pipeline *counted_pipeline_of(struct group *group, const char *name, struct arena *lasting)
{
	for (struct counted_pipeline *pipeline = group->pipelines; pipeline; pipeline = pipeline->next)
		if (strcmp(pipeline->name, name) == 0)
			return pipeline;
	struct counted_pipeline *pipeline = ARENA_NEW(lasting, struct counted_pipeline);
	if (!pipeline)
		return NULL;
	pipeline->name = arena_copy(lasting, name, strlen(name));
	pipeline->next = group->pipelines;
	return pipeline->name ? (group->pipelines = pipeline) : NULL;
}

/* Counts of each step of the graph. NULL: no memory. */
static struct step_counts *const *count_steps(struct group *group, const struct graph *graph, const char *name, struct arena *arena,
					      struct arena *lasting)
{
	struct counted_pipeline *pipeline = counted_pipeline_of(group, name, lasting);
	struct step_counts **steps = ARENA_ARRAY(arena, struct step_counts *, graph->count + 1);
	for (size_t i = 0; pipeline && steps && i < graph->count; i++) {
		struct counted *step = counted_of(&pipeline->steps, graph->steps[i].name, group->worker_count,
						  sizeof(struct step_counts), lasting);
		if (!step)
			return NULL;
		steps[i] = step->counts;
	}
	return pipeline ? steps : NULL;
}

/* Counts of each model of the client. */
static bool count_models(struct group *group, struct caller_config *caller, struct arena *arena, struct arena *lasting)
{
	struct model_counts **models = ARENA_ARRAY(arena, struct model_counts *, caller->model_count + 1);
	for (size_t i = 0; models && i < caller->model_count; i++) {
		struct counted *model = counted_of(&group->models, caller->models[i].name, group->worker_count,
						   sizeof(struct model_counts), lasting);
		if (!model)
			return false;
		models[i] = model->counts;
	}
	caller->counts = models;
	return models != NULL;
}

static bool count_calls(struct group *group, struct called_pipeline *called, size_t count, struct arena *arena,
			struct arena *lasting)
{
	for (size_t i = 0; i < count; i++) {
		struct served *served = served_of(group, SERVED_CALLS, called[i].name, called[i].name, lasting);
		if (!served)
			return false;
		called[i].counts = served->counts;
		called[i].step_counts = count_steps(group, called[i].graph, called[i].name, arena, lasting);
		if (!called[i].step_counts)
			return false;
	}
	return true;
}

static bool count_metrics(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan, struct arena *arena,
			  struct arena *lasting)
{
	struct counted_pipeline *counted = plan->metric_count > 0 ? counted_pipeline_of(group, plan->graph->name, lasting) : NULL;
	if (plan->metric_count == 0)
		return true;
	stage->metrics = plan->metrics;
	stage->metric_tables = counted ? metric_tables_make(group, counted, plan, arena, lasting) : NULL;
	stage->metric_count = stage->metric_tables ? plan->metric_count : 0;
	stage->judged = judged_parts_of(plan->metrics, stage->metric_count);
	return stage->metric_tables;
}

static bool count_alerts(struct stage_config *stage, const struct group *group, struct arena *arena)
{
	struct alert_counts **counts = ARENA_ARRAY(arena, struct alert_counts *, stage->alert_count + 1);
	for (size_t i = 0; counts && i < stage->alert_count; i++) {
		counts[i] = alert_counts_take(group->alerts, stage->alerts[i].meaning, stage->counts, group->worker_count,
					      stage->alerts[i].group_by);
		if (!counts[i])
			return false;
	}
	stage->alert_counts = counts;
	return counts;
}

static bool stages_make(struct worker_setup *setup, struct stage_config *stages, struct group *group, const struct plan *plan,
			const struct pipeline_plan *pipeline, struct arena *arena)
{
	for (size_t i = 0; i < pipeline->stage_count; i++)
		if (strcmp(plan_stage_group(pipeline, i), group->name) == 0 &&
		    !stage_config_make(&stages[setup->stage_count++], group, plan, pipeline, i, arena))
			return false;
	const bool relays = pipeline->relay && strcmp(pipeline->observers_group, group->name) == 0;
	return !relays || stage_config_make_relay(&stages[setup->stage_count++], group, pipeline, arena);
}

static bool group_setup_fill(struct worker_setup *setup, struct stage_config *stages, struct group *group,
			     const struct revision *revision, const struct engine_config *config, struct arena *arena,
			     struct arena *lasting, struct error *error)
{
	const struct plan *plan = &revision->plan;
	struct model_clients callers = {.items = ARENA_ARRAY(arena, struct caller_config, plan->count)};
	struct called_pipeline *found = ARENA_ARRAY(arena, struct called_pipeline, plan->count + 1);
	if (!group->news && !(group->news = model_news_open(config->log, lasting)))
		return false;
	for (size_t i = 0; callers.items && found && i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		size_t first = setup->stage_count;
		if (!revision_holds(revision, i) && !stages_make(setup, stages, group, plan, pipeline, arena))
			return false;
		if (setup->stage_count == first)
			continue;
		size_t called_count = called_pipelines_find(plan, pipeline, found);
		struct called_pipeline *called = ARENA_ARRAY(arena, struct called_pipeline, called_count + 1);
		if (called)
			memcpy(called, found, called_count * sizeof *called);
		if (!called || !called_needs_find(plan, called, called_count, arena) ||
		    !count_calls(group, called, called_count, arena, lasting))
			return false;
		stages[first].called = called;
		stages[first].called_count = called_count;
		if (!model_clients_find(&callers, group->news, config, plan, pipeline, &stages[first], arena, error))
			return false;
		for (size_t j = first; j < setup->stage_count; j++) {
			struct stage_config *stage = &stages[j];
			stage->caller = stages[first].caller;
			stage->own_models = stages[first].own_models;
			stage->own_model_count = stages[first].own_model_count;
			stage->called = called;
			stage->called_count = stage->relays ? 0 : called_count;
			struct served *served =
				served_of(group, j == first && !group->observes ? SERVED_FIRST : SERVED_LATER, stage->name,
					  pipeline->graph->name, lasting);
			stage->files = &revision_view(revision, pipeline)->source;
			stage->board = group->board;
			stage->policies = group->policies;
			stage->rollouts = group->rollouts;
			if (!served || !stage_check(stage, error))
				return false;
			stage->counts = served->counts;
			stage->step_counts = count_steps(group, stage->graph, pipeline->graph->name, arena, lasting);
			if (!stage->step_counts || !count_metrics(stage, group, pipeline, arena, lasting) ||
			    (group->alerts && !count_alerts(stage, group, arena)))
				return false;
		}
		uint64_t version = revision_version(revision, pipeline, config->kinds);
		if (version == 0)
			return false;
		for (size_t j = first; j < setup->stage_count; j++)
			stages[j].version = version;
	}
	for (size_t i = 0; i < callers.count; i++)
		if (!count_models(group, &callers.items[i], arena, lasting) ||
		    (group->demands && !model_demands_set(group->demands, &callers.items[i], arena, lasting)))
			return false;
	return callers.items && model_news_expect(group->news, &callers, lasting) && !arena_failed(arena) &&
	       !arena_failed(lasting);
}

/* The name of the replies topic. The pipelines of a group have one namespace. NULL: memory ran out, or the group has
 * no pipelines any more. */
static const char *replies_topic(const struct group *group, const struct plan *plan, struct arena *lasting)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->pipelines[i].group, group->name) == 0 ||
		    strings_equal(plan->pipelines[i].explainers_group, group->name))
			return topic_replies_name(lasting, plan->pipelines[i].prefix, plan->pipelines[i].namespace);
	return NULL;
}

struct worker_setup *group_setup_make(struct group *group, const struct revision *revision, const struct engine_config *config,
				      atomic_size_t *users, struct arena *arena, struct arena *lasting, struct error *error)
{
	struct worker_setup *setup = ARENA_NEW(arena, struct worker_setup);
	size_t room = 0;
	for (size_t i = 0; i < revision->plan.count; i++)
		room += revision->plan.pipelines[i].stage_count + 1; /* and a relay */
	struct stage_config *stages = ARENA_ARRAY(arena, struct stage_config, room);
	group->feed = config->feed;
	group->instance = config->instance;
	if (!setup || !stages || !group_setup_fill(setup, stages, group, revision, config, arena, lasting, error)) {
		if (error->kind == ERROR_NONE)
			error_memory(error, ERROR_SYSTEM, "preparing workers");
		return NULL;
	}
	for (size_t i = 0; i < setup->stage_count; i++) {
		stages[i].users = users;
		stages[i].revision = revision->number;
	}
	setup->stages = stages;
	setup->reads = topic_register_list(&group->reads);
	setup->writes = topic_register_list(&group->writes);
	setup->taps = topic_register_list(&group->taps);
	setup->replies = replies_topic(group, &revision->plan, lasting);
	return setup;
}
