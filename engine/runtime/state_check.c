/* state_check.c: see state_check.h. */
#include "runtime/state_check.h"

#include <string.h>

#include "base/memory.h"
#include "log/probe_state.h"

/* A stage, of the pipeline whose changelog that is. */
struct stage_found {
	const struct pipeline_plan *pipeline;
	const struct graph *graph; /* NULL: there is none */
};

static struct stage_found stage_of_changelog(const struct plan *plan, const char *changelog)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++) {
			const struct topic *topic = &plan->pipelines[i].topics[j];
			if (topic->role == TOPIC_STATE && strcmp(topic->name, changelog) == 0)
				return (struct stage_found){&plan->pipelines[i], plan->pipelines[i].stages[topic->of].graph};
		}
	return (struct stage_found){0};
}

static bool has_state(const struct graph *graph, size_t at)
{
	const struct step step = {.kind = graph->steps[at].spec->kind, .options = graph->steps[at].spec->options};
	bool here = !graph->part || graph->part->sides[at] == STEP_HERE;
	return here && step_is_stateful(&step);
}

/* The first step with state of `graph` that `other` has not, under that name and with state; NULL: it has all. */
static const char *name_missing(const struct graph *graph, const struct graph *other)
{
	for (size_t i = 0; i < graph->count; i++) {
		bool found = !has_state(graph, i);
		for (size_t j = 0; !found && j < other->count; j++)
			found = has_state(other, j) && strcmp(other->steps[j].name, graph->steps[i].name) == 0;
		if (!found)
			return graph->steps[i].name;
	}
	return NULL;
}

/* The changelog by which a group reads a topic, where `but` has none of that name; NULL: it reads it without state. */
static const struct topic *changelog_left(const struct plan *plan, const char *group, const char *input, const struct plan *but,
					  const char **pipeline)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *reader = &plan->pipelines[i];
		for (size_t j = 0; strcmp(reader->group, group) == 0 && j < reader->topic_count; j++) {
			const char *read = plan_changelog_input(reader, &reader->topics[j]);
			*pipeline = reader->graph->name;
			if (read && strcmp(read, input) == 0 && !stage_of_changelog(but, reader->topics[j].name).graph)
				return &reader->topics[j];
		}
	}
	return NULL;
}

static bool steps_stay(const struct stage_found *old, const struct pipeline_plan *pipeline, const struct topic *changelog,
		       struct error *error)
{
	const struct graph *graph = pipeline->stages[changelog->of].graph;
	const char *gone = name_missing(old->graph, graph), *added = name_missing(graph, old->graph);
	if (!gone || !added)
		return true;
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "pipeline %s: its changelog %s holds state of step `%s`, and the stage would have `%s` instead, "
			 "without it; give back the name, or start an engine with --new-state %s",
			 old->pipeline->graph->name, changelog->name, gone, added, old->pipeline->graph->name);
}

static bool changelog_stays(const struct plan *before, const struct plan *now, const struct pipeline_plan *pipeline,
			    const struct topic *changelog, struct error *error)
{
	struct stage_found old = stage_of_changelog(before, changelog->name);
	const char *input = plan_changelog_input(pipeline, changelog), *owner;
	if (old.graph)
		return steps_stay(&old, pipeline, changelog, error);
	const struct topic *left = changelog_left(before, pipeline->group, input, now, &owner);
	if (!left)
		return true;
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "pipeline %s would read %s with no state: its state is in changelog %s, of pipeline %s; was that renamed? "
			 "Give back the name, or start an engine with --new-state %s",
			 pipeline->graph->name, input, left->name, owner, pipeline->graph->name);
}

bool state_check_reload(const struct plan *before, const struct plan *now, struct name_list new_state, struct error *error)
{
	for (size_t i = 0; i < now->count; i++) {
		const struct pipeline_plan *pipeline = &now->pipelines[i];
		for (size_t j = 0; !name_list_has(new_state, pipeline->graph->name) && j < pipeline->topic_count; j++)
			if (pipeline->topics[j].role == TOPIC_STATE &&
			    !changelog_stays(before, now, pipeline, &pipeline->topics[j], error))
				return false;
	}
	return true;
}

bool state_check_changelogs(const struct engine_config *config, const struct plan *before, struct wanted_topics wanted,
			    struct error *error)
{
	struct wanted_topic *items = memory_take(wanted.count + 1, sizeof *items);
	size_t count = 0;
	for (size_t i = 0; items && i < wanted.count; i++)
		if (wanted.items[i].changelog_of && !stage_of_changelog(before, wanted.items[i].name).graph)
			items[count++] = wanted.items[i];
	bool good = items || error_memory(error, ERROR_SYSTEM, "looking for the state of pipelines");
	good = good && (count == 0 || probe_states(config->brokers, config->consumer, (struct wanted_topics){count, items}, error));
	memory_give(items);
	return good;
}
