/* alert_states.c: see alert_states.h. */
#include "monitor/alerts/alert_states_parts.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/number/duration.h"
#include "base/number/moment.h"

static void due_by(struct alert_states *states, int64_t due_ms)
{
	states->due_ms = due_ms < states->due_ms ? due_ms : states->due_ms;
}

static bool group_fires(const struct state_group *group)
{
	return group->reports || group->begun_ms > 0 || group->until_ms > 0;
}

/* ---- firings that have ended ---- */

static uint64_t firing_hash(const struct alert_message *names)
{
	char key[ALERT_KEY_BYTES];
	alert_firing_key(names, key);
	return hash_text(text_of(key), 0);
}

void state_ended_note(struct alert_states *states, const struct alert_message *names)
{
	states->ended[states->ended_count++ % STATES_ENDED_MAX] = firing_hash(names);
}

static bool has_ended(const struct alert_states *states, const struct alert_message *names)
{
	const uint64_t hash = firing_hash(names);
	for (size_t i = 0; i < STATES_ENDED_MAX && i < states->ended_count; i++)
		if (states->ended[i] == hash)
			return true;
	return false;
}

/* ---- decisions ---- */

static bool copy_is_needed(const void *context, uint64_t hash)
{
	const void *const *of = context;
	return action_waits(of[0], of[1], hash);
}

/* Takes the actions in force, and keeps the former ones for which a notice waits. `before` gets those until now; NULL: they go. */
static bool actions_set(struct alert_states *states, struct state_alert *alert, struct alert_actions *before, struct error *error)
{
	const struct alert_definition *definition = alert->definition;
	const void *const context[] = {states, alert};
	const struct item_list none = {0};
	struct alert_actions former = alert->actions;
	if (!alert_actions_make(&alert->actions, &former, definition ? &definition->actions : &none,
				definition ? definition->topic : NULL, copy_is_needed, context))
		return states_memory_failed(error);
	alert->is_former = false;
	alert->has_actions = true;
	if (before)
		*before = former;
	else
		alert_actions_clear(&former);
	return true;
}

static bool firing_begin(struct alert_states *states, struct state_alert *alert, struct state_group *group, struct alert_time time,
			 struct error *error)
{
	struct alert_condition figures;
	struct alert_message message;
	char key[ALERT_KEY_BYTES];
	bool good = true;
	group->is_announced = true;
	if (!group_message(states, group, "firing", time, &message, &figures))
		return true;
	if (!alert->has_actions && !actions_set(states, alert, NULL, error))
		return false;
	for (size_t i = 0; i < alert->actions.count && good; i++)
		if (!alert->actions.items[i].is_former &&
		    (states->config->is_shared || alert->actions.items[i].action.type != ALERT_ROLLBACK)) /* only a keeper can */
			good = notice_add(states, alert, &message, alert->actions.items[i].hash, error);
	struct error too_long = {0};
	alert_firing_key(&message, key);
	buffer_clear(&states->bytes);
	return good && (!alert_record_encode(&message, &states->bytes, &too_long) ||
			state_record_add(states, key, buffer_view(&states->bytes), error)) &&
	       receivers_write(states, alert, error);
}

/* The notice of the end, for an action that was given the firing. */
static bool end_add(struct alert_states *states, struct state_alert *alert, const struct alert_copy *copy,
		    const struct alert_message *message, struct error *error)
{
	return copy->action.type == ALERT_ROLLBACK || notice_add(states, alert, message, copy->hash, error);
}

bool state_firing_end(struct alert_states *states, struct state_alert *alert, struct state_group *group, const char *reason,
		       struct alert_time time, struct error *error)
{
	struct alert_condition figures;
	struct alert_message message;
	char key[ALERT_KEY_BYTES];
	bool good = true;
	group->is_announced = false;
	group->begun_ms = group->until_ms = 0;
	if (!group_message(states, group, "resolved", time, &message, &figures))
		return true;
	message.reason = text_of(reason);
	for (size_t i = 0; i < alert->actions.count && good; i++)
		if (!alert->actions.items[i].is_former)
			good = end_add(states, alert, &alert->actions.items[i], &message, error);
	alert_firing_key(&message, key);
	state_ended_note(states, &message);
	return good && state_record_add(states, key, (struct text){0}, error) && receivers_write(states, alert, error);
}

static struct state_alert *inhibitor_find(const struct alert_states *states, const struct state_alert *alert, const char *name)
{
	const struct alert_message names = {.namespace = alert->namespace, .pipeline = alert->pipeline, .alert = text_of(name)};
	return state_alert_find(states, &names);
}

/* Whether the alert fires: the same group of it, if both have the same groups; else any group. */
static bool inhibitor_fires(const struct state_alert *inhibitor, const struct state_alert *alert, struct text name)
{
	const bool same = inhibitor->definition->group_by != 0 && inhibitor->definition->group_by == alert->definition->group_by;
	const struct state_group *group = same ? state_group_find(inhibitor, name) : inhibitor->groups;
	while (group && !group_fires(group) && !same)
		group = group->next;
	return group && group_fires(group);
}

static bool is_or_any(struct text name, const char *asked)
{
	return !asked || text_is(name, asked);
}

static bool silence_is_of_group(const struct group_silence *silence, const struct state_alert *alert, struct text name)
{
	return text_is(alert->name, silence->alert) && is_or_any(alert->pipeline, silence->pipeline) &&
	       is_or_any(alert->namespace, silence->namespace) && is_or_any(name, silence->group);
}

static bool is_muted(const struct alert_states *states, const struct state_alert *alert, struct text name, int64_t at_ms)
{
	const struct alert_definition *definition = alert->definition;
	if (silence_is_in_force(definition->silenced_until_ms, at_ms))
		return true;
	for (size_t i = 0; i < states->definitions->silence_count; i++)
		if (silence_is_in_force(states->definitions->silences[i].until_ms, at_ms) &&
		    silence_is_of_group(&states->definitions->silences[i], alert, name))
			return true;
	for (size_t i = 0; i < definition->inhibited_by.count; i++) {
		const struct state_alert *inhibitor = inhibitor_find(states, alert, definition->inhibited_by.items[i].text);
		if (inhibitor && inhibitor->definition && inhibitor_fires(inhibitor, alert, name))
			return true;
	}
	return false;
}

int64_t state_silent_ms(const struct alert_definition *definition)
{
	return definition->resolve_after_ms > ALERT_SILENT_MS ? definition->resolve_after_ms : ALERT_SILENT_MS;
}

static void reports_expire(struct state_group *group, int64_t silent, int64_t now_ms)
{
	for (struct group_report **at = &group->reports; *at;)
		if (now_ms - (*at)->reported_ms > silent)
			group_report_remove(at);
		else
			at = &(*at)->next;
	if (group->until_ms > 0 && now_ms >= group->until_ms)
		group->until_ms = 0;
}

static bool group_decide(struct alert_states *states, struct state_alert *alert, struct state_group *group, struct alert_time time,
			 struct error *error)
{
	reports_expire(group, state_silent_ms(alert->definition), time.now_ms);
	if (!group->is_announced && group_fires(group) && !is_muted(states, alert, group->name, time.at_ms) &&
	    !firing_begin(states, alert, group, time, error))
		return false;
	group->begun_ms = 0;
	return group_fires(group) || !group->is_announced || state_firing_end(states, alert, group, "", time, error);
}

static bool groups_decide(struct alert_states *states, struct state_alert *alert, struct alert_time time, struct error *error)
{
	for (struct state_group *group = alert->groups; group; group = group->next)
		if (!group_decide(states, alert, group, time, error))
			return false;
	return true;
}

/* After all were decided, because one that has just begun and ended may hold back another. */
static void groups_settle(struct alert_states *states, struct state_alert *alert)
{
	for (struct state_group **at = &alert->groups; *at;)
		if (!group_fires(*at) && !(*at)->is_announced)
			state_group_remove(states, alert, at);
		else
			at = &(*at)->next;
}

static bool begun_end(struct alert_states *states, struct error *error)
{
	while (states->beginnings.first) {
		struct state_record *begun = LIST_OWNER(states->beginnings.first, struct state_record, node);
		if (!state_record_add(states, begun->key, (struct text){0}, error))
			return false;
		list_remove(&begun->node);
		memory_give(begun);
	}
	return true;
}

/* Forgets former receivers that have got all, and alerts that are over. */
static bool alerts_settle(struct alert_states *states, struct error *error)
{
	for (struct state_alert **at = &states->alerts; *at;) {
		struct state_alert *alert = *at;
		groups_settle(states, alert);
		if (alert->is_former && !(actions_set(states, alert, NULL, error) && receivers_write(states, alert, error)))
			return false;
		if (alert->definition || alert->groups || alert->waiting > 0) {
			at = &alert->next;
			continue;
		}
		*at = alert->next;
		alert_actions_clear(&alert->actions);
		memory_give(alert);
	}
	return true;
}

bool alert_states_tick(struct alert_states *states, struct alert_time time, struct error *error)
{
	bool any = false;
	states->due_ms = INT64_MAX;
	for (struct state_alert *alert = states->alerts; alert; alert = alert->next) {
		if (!alert->definition && states->definitions)
			continue;
		any = any || alert->groups;
		if (states->definitions && !groups_decide(states, alert, time, error))
			return false;
		for (struct state_group *group = states->definitions ? NULL : alert->groups; group; group = group->next) {
			reports_expire(group, ALERT_SILENT_MS, time.now_ms);
			if (time.now_ms - group->begun_ms > ALERT_UNDECIDED_MS)
				group->begun_ms = 0;
		}
	}
	if (any || states->unhanded > 0)
		due_by(states, time.now_ms + ALERT_TICK_MS);
	return alerts_settle(states, error) && begun_end(states, error);
}

int64_t alert_states_due_ms(const struct alert_states *states)
{
	return states->due_ms;
}

/* ---- reports ---- */

static struct group_report **report_place(struct state_group *group, struct text engine)
{
	struct group_report **at = &group->reports;
	while (*at && !text_equal((*at)->engine, engine))
		at = &(*at)->next;
	return at;
}

static bool firing_report(struct alert_states *states, struct state_alert *alert, const struct alert_message *report,
			  struct text record, struct alert_time time, struct error *error)
{
	struct state_group *group = state_group_open(states, alert, report->group);
	if (!group)
		return true;
	struct group_report **at = report_place(group, report->engine);
	const bool is_new = !group_fires(group);
	if (!*at && !(*at = memory_take(1, sizeof **at + report->engine.length + 1)))
		return states_memory_failed(error);
	if (!(*at)->engine.bytes) {
		char *place = (char *)(*at + 1);
		(*at)->engine = state_name_place(&place, report->engine);
	}
	(*at)->reported_ms = time.now_ms;
	group->until_ms = 0;
	group->fired_at_ms = is_new ? report->fired_at_ms : group->fired_at_ms;
	if (is_new) {
		group->begun_ms = time.now_ms;
		due_by(states, time.now_ms + ALERT_SETTLE_MS);
	}
	return state_group_keep(group, record) || states_memory_failed(error);
}

static bool end_report(struct alert_states *states, struct state_alert *alert, const struct alert_message *report,
		       struct text record, struct alert_time time, struct error *error)
{
	struct state_group *group = state_group_find(alert, report->group);
	struct group_report **at = group ? report_place(group, report->engine) : NULL;
	if (!group)
		return true;
	if (*at)
		group_report_remove(at);
	if (group->until_ms > time.now_ms + ALERT_SILENT_MS) /* other engines in which it fires report again before that */
		group->until_ms = time.now_ms + ALERT_SILENT_MS;
	if (!state_group_keep(group, record))
		return states_memory_failed(error);
	due_by(states, time.now_ms + ALERT_SETTLE_MS);
	return group_fires(group) || !group->is_announced || !alert->definition ||
	       state_firing_end(states, alert, group, "", time, error);
}

bool alert_states_report(struct alert_states *states, struct text record, struct alert_time time, struct error *error)
{
	struct error damaged = {0};
	struct alert_condition figures;
	struct alert_message report;
	struct alert_read read;
	if (!alert_record_decode(record, &read, &damaged) || read.is_present ||
	    !alert_record_message(record, &report, &figures, &damaged))
		return true;
	struct state_alert *alert = states->definitions ? state_alert_find(states, &report) : state_alert_open(states, &report);
	if (!alert)
		return states->definitions || states_memory_failed(error);
	if (states->definitions && !alert->definition)
		return true;
	return read.fires ? firing_report(states, alert, &report, record, time, error)
			  : end_report(states, alert, &report, record, time, error);
}

bool alert_states_beginning(struct alert_states *states, struct text key, struct text record, struct alert_time time,
			    struct error *error)
{
	struct error damaged = {0};
	struct alert_condition figures;
	struct alert_message report;
	struct state_record *begun = key.length < ALERT_KEY_BYTES ? memory_take(1, sizeof *begun) : NULL;
	if (!begun)
		return states_memory_failed(error);
	memcpy(begun->key, key.bytes, key.length);
	list_add(&states->beginnings, &begun->node);
	due_by(states, time.now_ms + ALERT_SETTLE_MS);
	if (!alert_record_message(record, &report, &figures, &damaged) || has_ended(states, &report))
		return true;
	struct state_alert *alert = state_alert_find(states, &report);
	struct state_group *group = alert ? state_group_find(alert, report.group) : NULL;
	if (!alert || !alert->definition || (group && *report_place(group, report.engine)))
		return true;
	return firing_report(states, alert, &report, record, time, error);
}

bool alert_states_end(struct alert_states *states, struct alert_time time, struct error *error)
{
	for (struct state_alert *alert = states->alerts; alert; alert = alert->next)
		for (struct state_group *group = alert->groups; group; group = group->next) {
			while (group->reports)
				group_report_remove(&group->reports);
			group->begun_ms = group->until_ms = 0;
			if (group->is_announced && !state_firing_end(states, alert, group, "", time, error))
				return false;
		}
	return alert_states_tick(states, time, error);
}

/* ---- alerts in force ---- */

void alert_definition_fill(struct alert_definition *definition, const char *namespace, const char *pipeline, const char *topic,
			   const struct alert_spec *spec)
{
	*definition = (struct alert_definition){.namespace = namespace,
						.pipeline = pipeline,
						.name = spec->name.text,
						.topic = topic,
						.resolve_after_ms = spec->resolve_after_ns / NS_PER_MS,
						.inhibited_by = spec->inhibited_by,
						.actions = spec->actions};
	if (spec->silence.until.text && !moment_read(text_of(spec->silence.until.text), &definition->silenced_until_ms))
		definition->silenced_until_ms = 0;
}

bool alert_silence_fill(struct group_silence *silence, const struct resource *resource)
{
	const struct silence_spec *spec = resource->spec;
	*silence = (struct group_silence){.namespace = resource->namespace,
					  .pipeline = spec->pipeline.text,
					  .alert = spec->alert.text,
					  .group = spec->group};
	return spec->alert.text && spec->until.text && moment_read(text_of(spec->until.text), &silence->until_ms);
}

static struct alert_message definition_names(const struct alert_definition *definition)
{
	return (struct alert_message){.namespace = text_of(definition->namespace),
				      .pipeline = text_of(definition->pipeline),
				      .alert = text_of(definition->name)};
}

static bool is_announced(const struct state_alert *alert)
{
	const struct state_group *group = alert->groups;
	while (group && !group->is_announced)
		group = group->next;
	return group;
}

static bool group_drop_receiver(struct alert_states *states, struct state_alert *alert, const struct state_group *group,
				const struct alert_copy *copy, struct alert_time time, struct error *error)
{
	struct alert_condition figures;
	struct alert_message message;
	if (!group->is_announced || !group_message(states, group, "resolved", time, &message, &figures))
		return true;
	message.reason = TEXT(NOTICE_DROPPED);
	return end_add(states, alert, copy, &message, error);
}

static bool group_add_receiver(struct alert_states *states, struct state_alert *alert, const struct state_group *group,
			       uint64_t action, struct alert_time time, struct error *error)
{
	struct alert_condition figures;
	struct alert_message message;
	return !group->is_announced || !group_message(states, group, "firing", time, &message, &figures) ||
	       notice_add(states, alert, &message, action, error);
}

static bool action_is_in(const struct alert_definition *definition, uint64_t hash)
{
	for (size_t i = 0; i < definition->actions.count && i < ALERT_ACTIONS_MAX; i++)
		if (alert_receiver_id(definition->actions.items, i) == hash)
			return true;
	return false;
}

static void drop_log(const struct alert_states *states, const struct state_alert *alert, const char *what, const char *then)
{
	char pipeline[RESOURCE_NAME_BYTES];
	(void)snprintf(pipeline, sizeof pipeline, TEXT_FORMAT, TEXT_ARGUMENTS(alert->pipeline));
	const struct log_fields fields = {.pipeline = pipeline};
	log_say(states->config->log, LOG_LEVEL_WARN, &fields, TEXT_FORMAT ": %s " TEXT_FORMAT " was removed while it fires; %s",
		TEXT_ARGUMENTS(alert->pipeline), what, TEXT_ARGUMENTS(alert->name), then);
}

/* Those that had the firing and are not in force any more get the end. */
static bool receivers_drop(struct alert_states *states, struct state_alert *alert, struct alert_time time, struct error *error)
{
	bool any = false;
	for (size_t i = 0; i < alert->actions.count; i++) {
		const struct alert_copy *copy = &alert->actions.items[i];
		if (copy->is_former || action_is_in(alert->definition, copy->hash))
			continue;
		any = true;
		for (struct state_group *group = alert->groups; group; group = group->next)
			if (!group_drop_receiver(states, alert, group, copy, time, error))
				return false;
	}
	if (any && is_announced(alert))
		drop_log(states, alert, "a receiver of the alert", "it gets the notice of the end");
	return true;
}

/* Those that are new get the firing; but a rollback is commanded by the beginning of a firing alone. */
static bool receivers_add(struct alert_states *states, struct state_alert *alert, struct alert_actions *before,
			  struct alert_time time, struct error *error)
{
	for (size_t i = 0; i < alert->actions.count; i++) {
		const struct alert_copy *copy = &alert->actions.items[i], *former = alert_actions_find(before, copy->hash);
		if (copy->is_former || (former && !former->is_former) || copy->action.type == ALERT_ROLLBACK)
			continue;
		for (struct state_group *group = alert->groups; group; group = group->next)
			if (!group_add_receiver(states, alert, group, copy->hash, time, error))
				return false;
	}
	return true;
}

static bool alert_redefine(struct alert_states *states, struct state_alert *alert, struct alert_time time, struct error *error)
{
	const bool is_known = alert->has_actions;
	struct alert_actions before = {0};
	if (!is_announced(alert) && alert->waiting == 0) { /* its next firing takes the actions */
		alert_actions_clear(&alert->actions);
		alert->has_actions = false;
		return receivers_write(states, alert, error);
	}
	if ((is_known && !receivers_drop(states, alert, time, error)) || !actions_set(states, alert, &before, error))
		return false;
	const bool good = !is_known || receivers_add(states, alert, &before, time, error);
	alert_actions_clear(&before);
	return good && receivers_write(states, alert, error);
}

/* The alert is in force no more. */
static bool alert_drop(struct alert_states *states, struct state_alert *alert, struct alert_time time, struct error *error)
{
	if (is_announced(alert))
		drop_log(states, alert, "the alert", "its receivers get the notice of the end");
	for (struct state_group *group = alert->groups; group; group = group->next)
		if (group->is_announced && !state_firing_end(states, alert, group, NOTICE_REMOVED, time, error))
			return false;
	while (alert->groups)
		state_group_remove(states, alert, &alert->groups);
	alert->is_former = true;
	return true;
}

bool alert_states_define(struct alert_states *states, const struct alert_definitions *definitions, struct alert_time time,
			 struct error *error)
{
	states->definitions = definitions;
	states->undefined = 0;
	for (struct state_alert *alert = states->alerts; alert; alert = alert->next)
		alert->definition = NULL;
	for (size_t i = 0; i < definitions->count; i++) {
		const struct alert_message names = definition_names(&definitions->items[i]);
		struct state_alert *alert = state_alert_open(states, &names);
		if (!alert)
			return states_memory_failed(error);
		alert->definition = &definitions->items[i];
		if (!alert_redefine(states, alert, time, error))
			return false;
	}
	for (struct state_alert *alert = states->alerts; alert; alert = alert->next) {
		states->undefined += alert->definition ? 0 : alert->group_count;
		if (!alert->definition && alert->groups && !alert_drop(states, alert, time, error))
			return false;
	}
	due_by(states, time.now_ms + ALERT_SETTLE_MS); /* for silences, and for receivers that are not needed any more */
	return true;
}

/* ---- opening and closing ---- */

struct alert_states *alert_states_open(const struct alert_states_config *config, struct error *error)
{
	struct alert_states *states = memory_take(1, sizeof *states);
	if (!states) {
		states_memory_failed(error);
		return NULL;
	}
	states->config = config;
	states->due_ms = INT64_MAX;
	buffer_open(&states->bytes, (size_t)1 << 20);
	return states;
}

void alert_states_close(struct alert_states *states)
{
	if (!states)
		return;
	notices_clear(states);
	while (states->beginnings.first) {
		struct state_record *begun = LIST_OWNER(states->beginnings.first, struct state_record, node);
		list_remove(&begun->node);
		memory_give(begun);
	}
	while (states->alerts) {
		struct state_alert *alert = states->alerts;
		states->alerts = alert->next;
		while (alert->groups)
			state_group_remove(states, alert, &alert->groups);
		alert_actions_clear(&alert->actions);
		memory_give(alert);
	}
	buffer_close(&states->bytes);
	memory_give(states);
}

struct alert_states_counts alert_states_count(const struct alert_states *states)
{
	struct alert_states_counts counts = {.waiting = list_length(&states->notices)};
	for (const struct state_alert *alert = states->alerts; alert; alert = alert->next)
		for (const struct state_group *group = alert->groups; group; group = group->next) {
			counts.firing += group_fires(group);
			counts.announced += group->is_announced;
		}
	return counts;
}
