/* history.c: `sluice history`: the versions of a resource. */
#include "base/moment.h"
#include "base/quote.h"
#include "cli/command.h"
#include "client/control_session.h"
#include "client/kafka.h"
#include "view/resource_view.h"

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

extern const struct command command_history;

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
	buffer_print(out, "%-8lld %-7s %-13s %-20s %-24s %s\n", (long long)record->version,
		     record->action == CONTROL_DELETE ? "delete" : "apply", version_state(ledger, resource, version, phase), moment,
		     text_shown(record->author, arena), text_shown(record->reason, arena));
	if (phase == CHANGE_FAILED && why.length > 0)
		buffer_print(out, "    %s\n", text_shown(why, arena));
}

static int history_print(struct session *session, const struct ledger *ledger, const struct ledger_resource *resource)
{
	struct buffer out;
	struct text why;
	buffer_open(&out, HISTORY_BYTES_MAX);
	if (session->form != OUTPUT_JSON)
		buffer_print(&out, "%-8s %-7s %-13s %-20s %-24s %s\n", "VERSION", "ACTION", "STATE", "ACCEPTED", "AUTHOR",
			     "REASON");
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

static int history_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct history_options *self = filled;
	struct control_session control;
	struct resource_reference reference;
	struct error error = {0};
	(void)count;
	const struct ledger_resource *resource =
		control_session_open_at(command_workspace(session), &self->asked, arguments[0], &control, &reference, &error);
	int code = resource ? history_print(session, applier_ledger(control.applier), resource)
			    : command_refused(session, &command_history, &error);
	control_session_close(&control);
	return code;
}

const struct command command_history = {
	.name = "history",
	.arguments = "KIND/NAME",
	.summary = "Lists the versions of a resource: when, by whom and why.",
	.help = "The newest version is first. The newest 50 are kept. `sluice rollback` returns to one of them.\n\n"
		"  sluice history pipeline/fraud --brokers localhost:9092\n  sluice history pipeline/fraud -o json\n",
	.options = options,
	.options_size = sizeof(struct history_options),
	.group = "deploy",
	.run = history_run,
};
