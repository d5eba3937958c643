/* alert_removal.c: Removal of alerts from the files that run: one that fires ends, and its receivers get the notice of that.
 *
 * The revision that had the alert is gone by then. So of each alert that runs there is an outline: what its notices need of its
 * pipeline. With shared alerts each engine keeps that of a removed alert for some time, because another engine may become the one
 * that sends.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "runtime/alert_parts.h"

#define OUTLINE_BYTES ((size_t)4 << 20) /* of one alert: its actions, with their templates */

struct alert_outline {
	struct pipeline_plan plan; /* with the topic of notices alone, and without steps */
	struct graph graph;
	struct topic topic;
	struct alert_spec spec; /* with its name, its actions and its times alone */
	struct text condition_words;
};

struct removed_alert {
	struct arena *arena; /* it has this, too */
	const struct alert_outline *outline;
	int64_t since_ms; /* monotonic */
};

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

/* NULL: memory ran out. */
static struct removed_alert *removed_make(const struct alert_outline *outline, int64_t now_ms)
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

static void removal_log(const struct alert_watch *watch, const struct judged_alert *alert, const struct alert_groups *groups)
{
	const struct log_fields fields = {.pipeline = alert->watched.pipeline};
	const bool is_told = alert->removed;
	size_t announced = 0;
	for (const struct alert_group *group = groups->first; group; group = group->next)
		announced += group->alert.is_announced;
	if (announced > 0)
		log_say(watch->config->log, LOG_LEVEL_WARN, &fields, "%s: the alert %s was removed while it fires; %s",
			alert->watched.pipeline, alert->watched.name,
			is_told ? "its receivers get the notice of the end"
				: "memory ran out, so its receivers get no notice of the end: close its incidents there");
}

void alert_remove(struct alert_watch *watch, struct judged_alert *alert, int64_t now_ms)
{
	struct alert_groups *groups = alert_is_shared(watch) ? &alert->shared : &alert->groups;
	alert->watched.firing = alert->watched.pending = 0;
	alert->condition = (struct alert_condition){0};
	if (alert->removed)
		return;
	alert->removed = alert->outline ? removed_make(alert->outline, now_ms) : NULL;
	alert->outline = NULL;
	alert->condition_words = alert->removed ? alert->removed->outline->condition_words : TEXT("");
	removal_log(watch, alert, groups);
	if (alert->removed)
		return;
	alert_forget(watch, alert);
	alert_groups_clear(groups);
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

/* No report counts any more: an engine that still has the alert ends it soon, too. */
static void groups_end(struct alert_groups *groups)
{
	for (struct alert_group *group = groups->first; group; group = group->next)
		group->alert.phase = ALERT_INACTIVE;
}

static void removed_send(struct alert_watch *watch, struct judged_alert *alert, int64_t now_ms)
{
	const struct alert_outline *outline = alert->removed->outline;
	if (alert_is_shared(watch)) {
		alert_reports_clear(&alert->reports);
		groups_end(&alert->shared);
		alert_send_shared(watch, &outline->plan, alert, &outline->spec, now_ms);
		if (alert->shared.count == 0 && now_ms - alert->removed->since_ms >= ALERT_UNCLAIMED_MS)
			alert_removed_drop(alert);
		return;
	}
	groups_end(&alert->groups);
	alert_send_own(watch, &outline->plan, alert, &outline->spec, now_ms);
	alert_groups_settle(&alert->groups);
	if (alert->groups.count == 0)
		alert_removed_drop(alert);
}

void alerts_send_removed(struct alert_watch *watch, int64_t now_ms)
{
	for (struct watched_alert *watched = watch->alerts; watched; watched = watched->next) {
		struct judged_alert *alert = (struct judged_alert *)watched;
		if (alert->removed)
			removed_send(watch, alert, now_ms);
	}
}
