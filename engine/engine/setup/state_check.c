/* state_check.c: see state_check.h. */
#include "engine/setup/state_check.h"

#include <string.h>

#include "base/memory.h"
#include "kafka/topics/probe_state.h"

/* The stage of a changelog, with its pipeline. */
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

/* ---- names of steps with state ---- */

static size_t graph_names(const struct graph *graph, const char **names)
{
	size_t count = 0;
	for (size_t i = 0; i < graph->count; i++)
		if (has_state(graph, i))
			names[count++] = graph->steps[i].name;
	return count;
}

/* The names in one text, each followed by a NUL; NULL: memory ran out. */
static char *names_pack(const struct graph *graph, size_t *length)
{
	const char **names = memory_take(graph->count + 1, sizeof *names);
	size_t count = names ? graph_names(graph, names) : 0;
	*length = 0;
	for (size_t i = 0; i < count; i++)
		*length += strlen(names[i]) + 1;
	char *packed = names ? memory_take(1, *length + 1) : NULL;
	for (size_t i = 0, at = 0; packed && i < count; at += strlen(names[i]) + 1, i++)
		memcpy(packed + at, names[i], strlen(names[i]) + 1);
	memory_give(names);
	return packed;
}

static bool names_have(struct text names, const char *name)
{
	for (size_t at = 0; at < names.length; at += strlen(names.bytes + at) + 1)
		if (strcmp(names.bytes + at, name) == 0)
			return true;
	return false;
}

static bool graph_remembers(const struct graph *graph, const char *name)
{
	for (size_t i = 0; i < graph->count; i++)
		if (has_state(graph, i) && strcmp(graph->steps[i].name, name) == 0)
			return true;
	return false;
}

/* The first of `names` that is not a step with state in the graph; NULL: all of them are. */
static const char *names_missed(struct text names, const struct graph *graph)
{
	for (size_t at = 0; at < names.length; at += strlen(names.bytes + at) + 1)
		if (!graph_remembers(graph, names.bytes + at))
			return names.bytes + at;
	return NULL;
}

/* The first step with state in the graph that is not in `names`; NULL: all of them are. */
static const char *names_added(struct text names, const struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++)
		if (has_state(graph, i) && !names_have(names, graph->steps[i].name))
			return graph->steps[i].name;
	return NULL;
}

/* ---- removed pipelines ---- */

struct changelog_left {
	struct list_node node;
	char *names; /* of the steps */
	size_t length;
	char changelog[];
};

static struct changelog_left *changelog_left_of(struct list_node *node)
{
	return LIST_OWNER(node, struct changelog_left, node);
}

static struct changelog_left *history_find(const struct state_history *history, const char *changelog)
{
	for (struct list_node *node = history->changelogs.first; node; node = node->next)
		if (strcmp(changelog_left_of(node)->changelog, changelog) == 0)
			return changelog_left_of(node);
	return NULL;
}

static void changelog_left_close(struct changelog_left *left)
{
	list_remove(&left->node);
	memory_give(left->names);
	memory_give(left);
}

void state_history_close(struct state_history *history)
{
	while (history->changelogs.first)
		changelog_left_close(changelog_left_of(history->changelogs.first));
}

static bool history_add(struct state_history *history, const char *changelog, const struct graph *graph)
{
	const size_t size = strlen(changelog) + 1;
	struct changelog_left *left = memory_take(1, sizeof *left + size);
	if (!left)
		return false;
	memcpy(left->changelog, changelog, size);
	list_add(&history->changelogs, &left->node);
	left->names = names_pack(graph, &left->length);
	return left->names;
}

bool state_history_note(struct state_history *history, const struct plan *before, const struct plan *now, struct error *error)
{
	for (struct list_node *node = history->changelogs.first, *next; node; node = next) {
		next = node->next;
		if (stage_of_changelog(now, changelog_left_of(node)->changelog).graph)
			changelog_left_close(changelog_left_of(node));
	}
	for (size_t i = 0; i < before->count; i++)
		for (size_t j = 0; j < before->pipelines[i].topic_count; j++) {
			const struct topic *topic = &before->pipelines[i].topics[j];
			if (topic->role == TOPIC_STATE && !stage_of_changelog(now, topic->name).graph &&
			    !history_add(history, topic->name, before->pipelines[i].stages[topic->of].graph))
				return error_memory(error, ERROR_SYSTEM, "noting the state of pipelines that are gone");
		}
	return true;
}

/* ---- reload ---- */

/* The changelog of the state with which a group reads a topic, if the plan `but` lacks that changelog. NULL: there is
 * none. */
static const struct topic *changelog_forsaken(const struct plan *plan, const char *group, const char *input, const struct plan *but,
					  const char **pipeline)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *reader = &plan->pipelines[i];
		for (size_t j = 0; j < reader->topic_count; j++) {
			const char *read = plan_changelog_input(reader, &reader->topics[j]);
			*pipeline = reader->graph->name;
			if (read && strcmp(read, input) == 0 &&
			    strcmp(plan_topic_group(reader, &reader->topics[j]), group) == 0 &&
			    !stage_of_changelog(but, reader->topics[j].name).graph)
				return &reader->topics[j];
		}
	}
	return NULL;
}

static bool steps_stay(struct text names, const struct pipeline_plan *pipeline, const struct topic *changelog,
		       struct error *error)
{
	const struct graph *graph = pipeline->stages[changelog->of].graph;
	const char *gone = names_missed(names, graph), *added = names_added(names, graph);
	const bool observes = graph->part && graph->part->observes; /* one that has another name begins anew */
	if (!gone || !added || observes)
		return true;
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "pipeline %s: its changelog %s holds state of step `%s`, and the stage would have `%s` instead, "
			 "without state; undo the renaming, or start an engine with --new-state %s",
			 pipeline->graph->name, changelog->name, gone, added, pipeline->graph->name);
}

/* Checks a stage that keeps its changelog. */
static bool stage_stays(const struct graph *old, const struct pipeline_plan *pipeline, const struct topic *changelog,
			struct error *error)
{
	size_t length;
	char *names = names_pack(old, &length);
	bool good = names ? steps_stay((struct text){names, length}, pipeline, changelog, error)
			  : error_memory(error, ERROR_SYSTEM, "comparing the state of pipelines");
	memory_give(names);
	return good;
}

/* Whether a version of the pipeline may leave that changelog of an earlier one for another. */
static bool changelog_may_be_left(const struct plan *before, const struct topic *left, const struct pipeline_plan *pipeline)
{
	const struct pipeline_plan *owner = stage_of_changelog(before, left->name).pipeline;
	return strcmp(owner->graph->name, pipeline->graph->name) == 0 && !owner->stages[left->of].joins;
}

static bool changelog_stays(const struct plan *before, const struct plan *now, const struct state_history *history,
			    const struct pipeline_plan *pipeline, const struct topic *changelog, bool versioned,
			    struct error *error)
{
	struct stage_found old = stage_of_changelog(before, changelog->name);
	const struct changelog_left *gone = history_find(history, changelog->name);
	const char *input = plan_changelog_input(pipeline, changelog), *owner;
	if (old.graph)
		return stage_stays(old.graph, pipeline, changelog, error);
	if (gone && !steps_stay((struct text){gone->names, gone->length}, pipeline, changelog, error))
		return false;
	const struct topic *left = changelog_forsaken(before, plan_topic_group(pipeline, changelog), input, now, &owner);
	if (!left || (versioned && changelog_may_be_left(before, left, pipeline)))
		return true;
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "pipeline %s would read %s with no state: its state is in changelog %s, of pipeline %s; was that "
			 "renamed? Undo the renaming, or start an engine with --new-state %s",
			 pipeline->graph->name, input, left->name, owner, pipeline->graph->name);
}

bool state_check_reload(const struct plan *before, const struct plan *now, const struct state_history *history,
			struct name_list new_state, bool versioned, struct error *error)
{
	for (size_t i = 0; i < now->count; i++) {
		const struct pipeline_plan *pipeline = &now->pipelines[i];
		for (size_t j = 0; !name_list_has(new_state, pipeline->graph->name) && j < pipeline->topic_count; j++)
			if (pipeline->topics[j].role == TOPIC_STATE &&
			    !changelog_stays(before, now, history, pipeline, &pipeline->topics[j], versioned, error))
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
