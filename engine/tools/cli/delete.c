/* delete.c: `sluice delete`: removes resources from a namespace. */
#include "tools/cli/command.h"
#include "tools/cli/control_proposal.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "control/keeper/document_check.h"

struct delete_options {
	struct pipeline_target_asked asked;
	struct control_author author;
	bool wait;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct delete_options, asked),
	PIPELINE_TARGET_ROWS(struct delete_options, asked),
	CONTROL_AUTHOR_ROWS(struct delete_options, author),
	CONTROL_WAIT_ROW(struct delete_options, wait),
	COMMAND_FORM(delete_options, form, "text json"),
	{.type = OPTION_END},
};

static bool items_find(const struct control_session *control, const char *const *words, size_t count,
		       struct proposal_item *items, struct error *error)
{
	for (size_t i = 0; items && i < count; i++) {
		struct resource_reference reference;
		if (!resource_reference_read(words[i], true, &reference, error))
			return false;
		const struct ledger_resource *resource = control_session_find(control, reference, error);
		if (!resource)
			return false;
		if (resource_expected(applier_ledger(control->applier), resource) == 0)
			return error_set(error, ERROR_CONFIG, PLACE_NONE, "`%s/%s` is deleted already", reference.kind,
					 reference.name);
		items[i] = (struct proposal_item){.kind = resource->kind,
						  .name = resource->name,
						  .action = PROPOSAL_DELETE,
						  .expected = resource_expected(applier_ledger(control->applier), resource)};
	}
	return true;
}

/* Proposes the deletion. The documents that name what is deleted are found before: then the ledger has not accepted it yet. */
static int items_delete(struct session *session, struct control_session *control, const struct delete_options *self,
			struct record_list items)
{
	struct error error = {0};
	struct record_list warnings = {0};
	const struct applier_config *config = &control->config;
	struct document_checker checker = {
		.kinds = session->kinds, .namespace = config->namespace, .prefix = config->topics.prefix};
	if (!document_check_others(&checker, &items, applier_ledger(control->applier), session->arena, &warnings, &error))
		return command_failed(session, &error);
	int code = control_session_propose(session, control, &self->author, items, (struct document_places){0});
	if (code == EXIT_GOOD)
		control_session_warnings(session, &warnings, (struct document_places){0});
	return code == EXIT_GOOD && self->wait ? control_session_wait(session, control, &self->author, &items) : code;
}

static int delete_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct delete_options *self = filled;
	struct control_session control = {0};
	struct error error = {0};
	struct proposal_item *items = ARENA_ARRAY(session->arena, struct proposal_item, count);
	bool good = (items || error_memory(&error, ERROR_SYSTEM, "deleting resources")) &&
		    control_session_open(command_workspace(session), &self->asked, &control, &error) &&
		    items_find(&control, arguments, count, items, &error);
	int code = good ? items_delete(session, &control, self, (struct record_list){count, items})
			: command_refused(session, &error);
	control_session_close(&control);
	return code;
}

const struct command command_delete = {
	.name = "delete",
	.arguments = "KIND/NAME...",
	.summary = "Removes resources from a namespace.",
	.help = "Engines stop these resources after their requests are answered. A resource that a pipeline needs is not deleted "
		"before that pipeline, unless both are named. The topics and their records stay, and so do the versions: `sluice "
		"rollback` brings a deleted resource back. A resource that names it and works without it, as an alert on its "
		"absence, gets a warning. `sluice experiments history` shows the moves of a deleted rollout for 30 days after the "
		"last one, and those of a next one of its name after them.\n\n"
		"  sluice delete pipeline/fraud --reason 'replaced by fraud-2'\n  sluice delete pipeline/fraud model/fraud\n"
		"  sluice delete pipeline/fraud --wait\n",
	.options = options,
	.options_size = sizeof(struct delete_options),
	.group = "deploy",
	.run = delete_run,
};
