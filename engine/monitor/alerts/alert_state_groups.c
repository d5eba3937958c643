/* alert_state_groups.c: Alerts, groups and reports of the states of alerts: their memory. */
#include "monitor/alerts/alert_states_parts.h"

#include "base/hash.h"
#include "base/memory.h"

bool states_memory_failed(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "deciding about alerts");
}

static uint64_t names_hash(const struct alert_message *names)
{
	return hash_text_next(names->alert, hash_text_next(names->pipeline, hash_text(names->namespace, 0)));
}

struct state_alert *state_alert_find(const struct alert_states *states, const struct alert_message *names)
{
	const uint64_t hash = names_hash(names);
	struct state_alert *alert = states->alerts;
	while (alert && !(alert->hash == hash && text_equal(alert->name, names->alert) &&
			  text_equal(alert->pipeline, names->pipeline) && text_equal(alert->namespace, names->namespace)))
		alert = alert->next;
	return alert;
}

struct text state_name_place(char **at, struct text name)
{
	const struct text placed = {memcpy(*at, name.bytes ? name.bytes : "", name.length), name.length};
	*at += name.length + 1;
	return placed;
}

/* NULL: memory ran out. */
struct state_alert *state_alert_open(struct alert_states *states, const struct alert_message *names)
{
	struct state_alert *found = state_alert_find(states, names);
	const size_t bytes = names->namespace.length + names->pipeline.length + names->alert.length + 3;
	struct state_alert *made = found ? NULL : memory_take(1, sizeof *made + bytes);
	if (!made)
		return found;
	char *at = (char *)(made + 1);
	made->namespace = state_name_place(&at, names->namespace);
	made->pipeline = state_name_place(&at, names->pipeline);
	made->name = state_name_place(&at, names->alert);
	made->hash = names_hash(names);
	made->next = states->alerts;
	states->alerts = made;
	return made;
}

struct state_group *state_group_find(const struct state_alert *alert, struct text name)
{
	const uint64_t hash = hash_text(name, 0);
	struct state_group *group = alert->groups;
	while (group && (group->hash != hash || !text_equal(group->name, name)))
		group = group->next;
	return group;
}

/* NULL: there are too many, or memory ran out: its reports come again. */
struct state_group *state_group_open(struct alert_states *states, struct state_alert *alert, struct text name)
{
	struct state_group *found = state_group_find(alert, name);
	const bool is_full = alert->group_count >= ALERT_GROUPS_OF_ALERT_MAX ||
			     (!alert->definition && states->undefined >= ALERT_GROUPS_UNDEFINED_MAX);
	struct state_group *made = found || is_full ? NULL : memory_take(1, sizeof *made + name.length + 1);
	if (!made)
		return found;
	char *at = (char *)(made + 1);
	made->name = state_name_place(&at, name);
	made->hash = hash_text(name, 0);
	made->next = alert->groups;
	alert->groups = made;
	alert->group_count++;
	states->undefined += !alert->definition;
	return made;
}

void group_report_remove(struct group_report **at)
{
	struct group_report *report = *at;
	*at = report->next;
	memory_give(report);
}

void state_group_remove(struct alert_states *states, struct state_alert *alert, struct state_group **at)
{
	struct state_group *group = *at;
	while (group->reports)
		group_report_remove(&group->reports);
	*at = group->next;
	alert->group_count--;
	states->undefined -= !alert->definition;
	memory_give(group->record);
	memory_give(group);
}

bool state_group_keep(struct state_group *group, struct text record)
{
	char *copy = memory_take_raw(record.length + 1);
	if (!copy)
		return false;
	memory_give(group->record);
	group->record = memcpy(copy, record.bytes, record.length);
	group->record_bytes = record.length;
	return true;
}
