/* rollback.c: `sluice rollback`: returns a resource to an earlier version. */
#include "cli/resource_view.h"

struct rollback_options {
	struct door_asked asked;
	struct control_author author;
	int64_t to; /* 0: not given */
	int form;
};

static const struct option options[] = {
	DOOR_STATUS_FILES_ROW(struct rollback_options, asked),
	DOOR_ROWS(struct rollback_options, asked),
	ROW("to", INTEGER, struct rollback_options, to, .word = "VERSION", .least = 1, .most = (double)CONTROL_NUMBER_MAX,
	    .help = "The version to return to; default: the one that was in force before the present one, or, while a "
		    "change is not decided, the present one."),
	CONTROL_AUTHOR_ROWS(struct rollback_options, author),
	COMMAND_FORM(rollback_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_rollback;

/* The version that was in force before the present one; while a change is not decided, the one in force. 0: none. */
static int64_t version_before(const struct ledger *ledger, const struct ledger_resource *resource)
{
	bool is_present = ledger_phase(ledger, ledger_newest(resource)) != CHANGE_ACCEPTED;
	for (size_t i = resource->count; i > 0; i--) {
		if (ledger_phase(ledger, resource->versions[i - 1]) != CHANGE_ACTIVE)
			continue;
		if (!is_present)
			return resource->versions[i - 1]->record.version;
		is_present = false;
	}
	return 0;
}

static int rollback_propose(struct session *session, struct control_session *control, const struct rollback_options *self,
			    const struct ledger_resource *resource)
{
	struct error error = {0};
	const struct proposal_item item = {
		.kind = resource->kind,
		.name = resource->name,
		.action = PROPOSAL_ROLLBACK,
		.expected = resource_expected(applier_ledger(control->applier), resource),
		.to = self->to > 0 ? self->to : version_before(applier_ledger(control->applier), resource),
	};
	if (item.to > 0)
		return control_session_propose(session, control, &self->author, (struct record_list){1, &item},
					       (struct document_places){0});
	error_set(&error, ERROR_CONFIG, PLACE_NONE,
		  "`" TEXT_FORMAT "/" TEXT_FORMAT "` has no version that was in force before; `sluice history` lists its versions, "
		  "`--to` selects one",
		  TEXT_ARGUMENTS(resource->kind), TEXT_ARGUMENTS(resource->name));
	return command_refused(session, &command_rollback, &error);
}

static int rollback_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct rollback_options *self = filled;
	struct control_session control;
	struct resource_reference reference;
	struct error error = {0};
	(void)count;
	const struct ledger_resource *resource =
		control_session_open_at(session, &self->asked, arguments[0], &control, &reference, &error);
	int code = resource ? rollback_propose(session, &control, self, resource)
			    : command_refused(session, &command_rollback, &error);
	control_session_close(&control);
	return code;
}

const struct command command_rollback = {
	.name = "rollback",
	.arguments = "KIND/NAME",
	.summary = "Returns a resource to an earlier version.",
	.help = "The keeper accepts the earlier version's document as a new version, and engines start it as they do after "
		"`sluice apply`. A rollback does not wait for a change that it reverts. It does not undo what the state of "
		"steps has counted meanwhile.\n\n"
		"  sluice rollback pipeline/fraud --reason 'errors since 7'\n  sluice rollback pipeline/fraud --to 5\n",
	.options = options,
	.options_size = sizeof(struct rollback_options),
	.group = "deploy",
	.run = rollback_run,
};
