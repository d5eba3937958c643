/* alert_outline.c: see alert_outline.h. */
#include "monitor/alerts/alert_outline.h"

#include "base/arena.h"

#define OUTLINE_BYTES ((size_t)4 << 20) /* of one alert: its actions, with their templates */

static const char *string_copy(struct arena *arena, const char *string)
{
	return string ? arena_copy(arena, string, strlen(string)) : NULL;
}

static struct name name_copy(struct arena *arena, struct name name)
{
	name.text = string_copy(arena, name.text);
	return name;
}

static struct name_list names_copy(struct arena *arena, struct name_list names)
{
	struct name *items = ARENA_ARRAY(arena, struct name, names.count + 1);
	for (size_t i = 0; items && i < names.count; i++)
		items[i] = name_copy(arena, names.items[i]);
	return (struct name_list){items ? names.count : 0, items};
}

static struct item_list actions_copy(struct arena *arena, struct item_list actions)
{
	const struct alert_action *from = actions.items;
	struct alert_action *items = ARENA_ARRAY(arena, struct alert_action, actions.count + 1);
	for (size_t i = 0; items && i < actions.count; i++) {
		items[i] = from[i];
		items[i].here.file = string_copy(arena, from[i].here.file);
		items[i].url = string_copy(arena, from[i].url);
		items[i].body = string_copy(arena, from[i].body);
		items[i].secret = string_copy(arena, from[i].secret);
		items[i].recipients = names_copy(arena, from[i].recipients);
		items[i].experiment = name_copy(arena, from[i].experiment);
	}
	return (struct item_list){items ? actions.count : 0, items};
}

const struct alert_outline *alert_outline_make(const struct pipeline_plan *plan, const struct alert_spec *spec,
					       struct text condition_words, struct arena *arena)
{
	struct alert_outline *made = ARENA_NEW(arena, struct alert_outline);
	const char *topic = plan_topic_of(plan, TOPIC_ALERTS);
	if (!made)
		return NULL;
	made->graph.name = string_copy(arena, plan->graph->name);
	made->topic = (struct topic){.name = string_copy(arena, topic), .role = TOPIC_ALERTS};
	made->plan = (struct pipeline_plan){.graph = &made->graph,
					    .namespace = string_copy(arena, plan->namespace),
					    .topic_count = topic != NULL,
					    .topics = &made->topic};
	made->spec = (struct alert_spec){.name = name_copy(arena, spec->name),
					 .resolve_after_ns = spec->resolve_after_ns,
					 .actions = actions_copy(arena, spec->actions)};
	made->condition_words = text_of(arena_copy(arena, condition_words.bytes, condition_words.length));
	return arena_failed(arena) ? NULL : made;
}

void alert_removed_drop(struct judged_alert *alert)
{
	if (!alert->removed)
		return;
	arena_close(alert->removed->arena);
	alert->removed = NULL;
}

struct removed_alert *alert_removed_make(const struct alert_outline *outline, int64_t now_ms)
{
	struct arena *arena = arena_open(OUTLINE_BYTES);
	struct removed_alert *made = arena ? ARENA_NEW(arena, struct removed_alert) : NULL;
	const struct alert_outline *copy =
		made ? alert_outline_make(&outline->plan, &outline->spec, outline->condition_words, arena) : NULL;
	if (!copy) {
		arena_close(arena);
		return NULL;
	}
	*made = (struct removed_alert){arena, copy, now_ms};
	return made;
}

bool alert_removed_find(const struct judged_alert *alert, const struct alert_read *read, const struct pipeline_plan **plan,
			const struct alert_spec **spec)
{
	if (!alert->removed || !text_is(read->alert, alert->watched.name) || !text_is(read->pipeline, alert->watched.pipeline) ||
	    !text_is(read->namespace, alert->watched.namespace))
		return false;
	*plan = &alert->removed->outline->plan;
	*spec = &alert->removed->outline->spec;
	return true;
}

size_t alert_action_count(const struct alert_spec *spec)
{
	return spec->actions.count < ALERT_ACTIONS_MAX ? spec->actions.count : ALERT_ACTIONS_MAX;
}

size_t alert_action_index(const struct alert_spec *spec, uint64_t hash)
{
	size_t index = 0;
	while (index < alert_action_count(spec) && alert_action_hash(spec, index) != hash)
		index++;
	return index;
}

bool alert_former_find(const struct judged_alert *alert, uint64_t action, const struct pipeline_plan **plan,
		       const struct alert_spec **spec, size_t *index)
{
	for (const struct former_receivers *formers = alert->formers; formers; formers = formers->next) {
		const struct alert_outline *outline = formers->removed->outline;
		*index = alert_action_index(&outline->spec, action);
		*plan = &outline->plan;
		*spec = &outline->spec;
		if (*index < alert_action_count(&outline->spec))
			return true;
	}
	return false;
}

void alert_former_take(struct judged_alert *alert, const struct kept_alert *kept)
{
	for (struct former_receivers *formers = alert->formers; formers; formers = formers->next) {
		const size_t index = alert_action_index(&formers->removed->outline->spec, kept->action);
		struct alert_group *end = alert_group_find(&formers->ends, kept->read->group);
		if (end && index < ALERT_ACTIONS_MAX && end->alert.fired_at_ms == kept->read->fired_at_ms)
			end->owed &= ~((uint32_t)1 << index);
	}
}
