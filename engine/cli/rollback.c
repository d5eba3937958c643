/* rollback.c: `sluice rollback`: returns a resource to an earlier version. */
#include "cli/command.h"
#include "cli/control_proposal.h"
#include "client/change_effects.h"
#include "client/control_session.h"
#include "client/kafka.h"
#include "view/resource_view.h"

struct rollback_options {
	struct pipeline_target_asked asked;
	struct control_author author;
	int64_t to; /* 0: not given */
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct rollback_options, asked),
	PIPELINE_TARGET_ROWS(struct rollback_options, asked),
	ROW("to", INTEGER, struct rollback_options, to, .word = "VERSION", .least = 1, .most = (double)CONTROL_NUMBER_MAX,
	    .help = "The version to return to; default: the version in force before the present one. While a change is not "
		    "decided, the default is the present one."),
	CONTROL_AUTHOR_ROWS(struct rollback_options, author),
	COMMAND_FORM(rollback_options, form, "text json"),
	{.type = OPTION_END},
};

#define EFFECTS_BYTES_MAX ((size_t)16 << 20)

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

/* Collects what the version does to groups and state, and to documents that name the resource, where the version deletes it.
 * Without memory for that there is nothing: the rollback goes on. */
static void effects_collect(struct session *session, const struct control_session *control, const struct proposal_item *rollback,
			    const struct ledger_resource *resource, struct buffer *out, struct record_list *warnings)
{
	struct error error = {0};
	const struct applier_config *config = &control->config;
	struct change_effects effects = {
		.json = session->form == OUTPUT_JSON,
		.checker = {.kinds = session->kinds, .namespace = config->namespace, .prefix = config->topics.prefix},
		.ledger = applier_ledger(control->applier),
		.extent = EFFECTS_KEPT};
	const struct ledger_version *version = ledger_version_find(resource, rollback->to);
	if (!version)
		return;
	const bool applies = version->record.action == CONTROL_APPLY;
	const struct proposal_item item = {.kind = rollback->kind,
					   .name = rollback->name,
					   .action = applies ? PROPOSAL_APPLY : PROPOSAL_DELETE,
					   .document = applies ? version->record.document : TEXT("")};
	const struct record_list items = {1, &item};
	if (!document_check_others(&effects.checker, &items, effects.ledger, session->arena, warnings, &error))
		*warnings = (struct record_list){0};
	else if (applies && !change_effects_print(&effects, &items, out, &error))
		buffer_clear(out);
}

/* What the version does is looked up first: then the ledger has not accepted it yet. */
static int item_propose(struct session *session, struct control_session *control, const struct rollback_options *self,
			const struct ledger_resource *resource, const struct proposal_item *item)
{
	struct buffer out;
	struct record_list warnings = {0};
	buffer_open(&out, EFFECTS_BYTES_MAX);
	effects_collect(session, control, item, resource, &out, &warnings);
	int code = control_session_propose(session, control, &self->author, (struct record_list){1, item},
					   (struct document_places){0});
	if (code == EXIT_GOOD) {
		control_session_warnings(session, &warnings, (struct document_places){0});
		return command_write(session, &out);
	}
	buffer_close(&out);
	return code;
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
		return item_propose(session, control, self, resource, &item);
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
		control_session_open_at(command_workspace(session), &self->asked, arguments[0], &control, &reference, &error);
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
		"steps has counted meanwhile. It prints which consumer groups change, which state is no longer used, and "
		"which is used again: that state lacks the requests in between.\n\n"
		"  sluice rollback pipeline/fraud --reason 'errors since 7'\n  sluice rollback pipeline/fraud --to 5\n",
	.options = options,
	.options_size = sizeof(struct rollback_options),
	.group = "deploy",
	.run = rollback_run,
};
