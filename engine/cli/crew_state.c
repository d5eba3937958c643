/* crew_state.c: see crew_state.h. */
#include "cli/crew_state.h"

#include <string.h>

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

static bool is_named(struct name_list names, const char *name)
{
	for (size_t i = 0; i < names.count; i++)
		if (strcmp(names.items[i].text, name) == 0)
			return true;
	return false;
}

bool crew_state_stays(const struct plan *before, const struct plan *now, struct name_list new_state, struct error *error)
{
	for (size_t i = 0; i < now->count; i++)
		for (size_t j = 0; j < now->pipelines[i].topic_count; j++) {
			const struct topic *topic = &now->pipelines[i].topics[j];
			struct stage_found old = topic->role == TOPIC_STATE ? stage_of_changelog(before, topic->name)
									    : (struct stage_found){0};
			if (!old.graph || is_named(new_state, now->pipelines[i].graph->name))
				continue;
			const struct graph *graph = now->pipelines[i].stages[topic->of].graph;
			const char *gone = name_missing(old.graph, graph), *added = name_missing(graph, old.graph);
			if (gone && added)
				return error_set(error, ERROR_CONFIG, PLACE_NONE,
						 "pipeline %s: its changelog %s holds state of step `%s`, and the stage would have "
						 "`%s` instead, without it; give back the name, or start an engine with "
						 "--new-state %s",
						 old.pipeline->graph->name, topic->name, gone, added, old.pipeline->graph->name);
		}
	return true;
}
