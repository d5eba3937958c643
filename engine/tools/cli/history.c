/* history.c: `sluice history`: the versions of a resource, or the changes of a namespace. */
#include <stdlib.h>

#include "base/number/moment.h"
#include "base/quote.h"
#include "tools/cli/command.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "message/json/json_write.h"
#include "tools/view/resource_view.h"

#define HISTORY_BYTES_MAX ((size_t)64 << 20)

struct history_options {
	struct pipeline_target_asked asked;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct history_options, asked),
	PIPELINE_TARGET_ROWS(struct history_options, asked),
	COMMAND_FORM(history_options, form, "text json"),
	{.type = OPTION_END},
};

static const char *version_state(const struct ledger *ledger, const struct ledger_resource *resource,
				 const struct ledger_version *version, enum change_phase phase)
{
	if (version == ledger_in_force(ledger, resource))
		return "in force";
	return phase == CHANGE_ACTIVE ? "was in force" : change_phase_name(phase);
}

static void version_print(struct buffer *out, const struct ledger *ledger, const struct ledger_resource *resource,
			  const struct ledger_version *version, struct arena *arena)
{
	char moment[MOMENT_BYTES];
	struct text why;
	const struct control_version *record = &version->record;
	enum change_phase phase = version_phase(ledger, version, &why);
	moment_print(record->time_ms, moment);
	buffer_print(out, "%-8lld %-7s %-13s %-20s %-8lld %-24s %s\n", (long long)record->version,
		     record->action == CONTROL_DELETE ? "delete" : "apply", version_state(ledger, resource, version, phase), moment,
		     (long long)record->change, text_shown(record->author, arena), text_shown(record->reason, arena));
	if (phase == CHANGE_FAILED && why.length > 0)
		buffer_print(out, "    %s\n", text_shown(why, arena));
}

static int history_print(struct session *session, const struct ledger *ledger, const struct ledger_resource *resource)
{
	struct buffer out;
	struct text why;
	buffer_open(&out, HISTORY_BYTES_MAX);
	if (session->form != OUTPUT_JSON)
		buffer_print(&out, "%-8s %-7s %-13s %-20s %-8s %-24s %s\n", "VERSION", "ACTION", "STATE", "ACCEPTED", "CHANGE",
			     RESOURCE_AUTHOR_TITLE, "REASON");
	for (size_t i = resource->count; i > 0; i--) {
		const struct ledger_version *version = resource->versions[i - 1];
		if (session->form != OUTPUT_JSON) {
			version_print(&out, ledger, resource, version, session->arena);
			continue;
		}
		enum change_phase phase = version_phase(ledger, version, &why);
		buffer_print(&out, "{\"in_force\": %s, ", version == ledger_in_force(ledger, resource) ? "true" : "false");
		version_json(&out, &version->record, phase, why);
		buffer_string(&out, "}\n");
	}
	return command_write(session, &out);
}

/* ---- the changes of a namespace ---- */

static int change_compare(const void *a, const void *b)
{
	const int64_t left = (*(const struct ledger_change *const *)a)->record.number;
	const int64_t right = (*(const struct ledger_change *const *)b)->record.number;
	return (left < right) - (left > right);
}

/* A version that a change made. NULL: it is not kept any more. */
static const struct ledger_version *version_made(const struct ledger *ledger, const struct resource_version *made,
						 const struct ledger_resource **resource)
{
	*resource = ledger_resource_find(ledger, made->kind, made->name);
	return *resource ? ledger_version_find(*resource, made->version) : NULL;
}

/* The first kept version of a change: all of them have its reason, and the time of its acceptance. */
static const struct control_version *change_version(const struct ledger *ledger, const struct ledger_change *change)
{
	static const struct control_version none;
	const struct resource_version *made = change->record.versions.items;
	for (size_t i = 0; i < change->record.versions.count; i++) {
		const struct ledger_resource *resource;
		const struct ledger_version *version = version_made(ledger, &made[i], &resource);
		if (version)
			return &version->record;
	}
	return &none;
}

static void change_resource_print(struct buffer *out, const struct ledger *ledger, const struct ledger_change *change,
				  const struct resource_version *made, bool json)
{
	const struct ledger_resource *resource;
	const struct ledger_version *version = version_made(ledger, made, &resource);
	const char *action = !version ? "" : version->record.action == CONTROL_DELETE ? "delete" : "apply";
	const char *state = version ? version_state(ledger, resource, version, (enum change_phase)change->record.phase)
				    : "not kept any more";
	if (!json) {
		buffer_shown_around(out, "    ", made->kind, "");
		buffer_shown_around(out, "/", made->name, "");
		buffer_print(out, " version %lld: %s%s%s\n", (long long)made->version, action, *action ? ", " : "", state);
		return;
	}
	json_write_member(out, "{", "kind", made->kind);
	json_write_member(out, ", ", "name", made->name);
	buffer_print(out, ", \"version\": %lld, \"action\": \"%s\", \"state\": \"%s\"}", (long long)made->version, action, state);
}

static void change_print(struct buffer *out, const struct ledger *ledger, const struct ledger_change *change, bool json,
			 struct arena *arena)
{
	char moment[MOMENT_BYTES];
	const struct control_change *record = &change->record;
	const struct control_version *version = change_version(ledger, change);
	const struct resource_version *made = record->versions.items;
	const char *phase = change_phase_name((enum change_phase)record->phase);
	if (json) {
		buffer_print(out, "{\"change\": %lld, \"phase\": \"%s\", \"time_ms\": %lld", (long long)record->number, phase,
			     (long long)version->time_ms);
		json_write_member(out, ", ", "why", record->why);
		json_write_member(out, ", ", "author", record->author);
		json_write_member(out, ", ", "reason", version->reason);
		buffer_string(out, ", \"resources\": [");
	} else {
		moment_print(version->time_ms, moment);
		buffer_print(out, "%-8lld %-13s %-20s %-24s %s\n", (long long)record->number, phase, moment,
			     text_shown(record->author, arena), text_shown(version->reason, arena));
		if (record->why.length > 0)
			buffer_print(out, "    %s\n", text_shown(record->why, arena));
	}
	for (size_t i = 0; i < record->versions.count; i++) {
		buffer_string(out, json && i > 0 ? ", " : "");
		change_resource_print(out, ledger, change, &made[i], json);
	}
	buffer_string(out, json ? "]}\n" : "");
}

static int changes_print(struct session *session, const struct ledger *ledger)
{
	struct buffer out;
	const bool json = session->form == OUTPUT_JSON;
	const size_t count = list_length(&ledger->changes);
	const struct ledger_change **changes = ARENA_ARRAY(session->arena, const struct ledger_change *, count), *change;
	size_t i = 0;
	buffer_open(&out, HISTORY_BYTES_MAX);
	if (!json)
		buffer_print(&out, "%-8s %-13s %-20s %-24s %s\n", "CHANGE", "STATE", "ACCEPTED", RESOURCE_AUTHOR_TITLE, "REASON");
	if (changes) {
		LIST_EACH_CHANGE(ledger, change)
		{
			changes[i++] = change;
		}
		qsort(changes, count, sizeof(struct ledger_change *), change_compare);
	}
	for (i = 0; changes && i < count; i++)
		change_print(&out, ledger, changes[i], json, session->arena);
	return command_write(session, &out);
}

static int history_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct history_options *self = filled;
	struct control_session control = {0};
	struct resource_reference reference;
	struct error error = {0};
	const struct ledger_resource *resource = NULL;
	int code;
	if (count > 0)
		resource = control_session_open_at(command_workspace(session), &self->asked, arguments[0], &control, &reference,
						   &error);
	if (resource)
		code = history_print(session, applier_ledger(control.applier), resource);
	else if (count == 0 && control_session_open(command_workspace(session), &self->asked, &control, &error))
		code = changes_print(session, applier_ledger(control.applier));
	else
		code = command_refused(session, &error);
	control_session_close(&control);
	return code;
}

const struct command command_history = {
	.name = "history",
	.arguments = "[KIND/NAME]",
	.summary = "Lists the versions of a resource, or all changes of a namespace.",
	.help = "Each has when, why, and by whom, as the sender stated it. The newest version is first. The newest 50 are kept. "
		"`sluice rollback` returns to one of them. Without a resource, it lists the changes of the namespace: below each "
		"are the resources that were applied or deleted together, and whether these versions are in force. `sluice "
		"rollback change/N` takes back one of them.\n\n"
		"  sluice history --brokers localhost:9092\n  sluice history pipeline/fraud\n"
		"  sluice history pipeline/fraud -o json\n",
	.options = options,
	.options_size = sizeof(struct history_options),
	.group = "deploy",
	.run = history_run,
};
