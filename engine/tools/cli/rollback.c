/* rollback.c: `sluice rollback`: returns a resource, or all resources of a change, to an earlier version. */
#include "tools/cli/command.h"
#include "tools/cli/control_proposal.h"
#include "tools/client/control/change_effects.h"
#include "tools/client/control/change_rollback.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"

struct rollback_options {
	struct pipeline_target_asked asked;
	struct control_author author;
	int64_t to; /* 0: not given */
	bool wait;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct rollback_options, asked),
	PIPELINE_TARGET_ROWS(struct rollback_options, asked),
	ROW("to", INTEGER, struct rollback_options, to, .word = "VERSION", .least = 1, .most = (double)CONTROL_NUMBER_MAX,
	    .help = "The version to return to; default: the version in force before the present one. While a change is not "
		    "decided, the default is the present one."),
	CONTROL_AUTHOR_ROWS(struct rollback_options, author),
	CONTROL_WAIT_ROW(struct rollback_options, wait),
	COMMAND_FORM(rollback_options, form, "text json"),
	{.type = OPTION_END},
};

#define EFFECTS_BYTES_MAX ((size_t)16 << 20)

/* The version that was in force before the present one; while a change is not decided, the one in force. 0: none. */
static int64_t version_default(const struct ledger *ledger, const struct ledger_resource *resource)
{
	const struct ledger_version *to = ledger_in_force(ledger, resource);
	if (to && ledger_phase(ledger, ledger_newest(resource)) != CHANGE_ACCEPTED)
		(void)version_before_find(ledger, resource, to->record.version, &to);
	return to ? to->record.version : 0;
}

/* The items as the keeper resolves them: the documents that apply again, and what is deleted. NULL: memory ran out, or a version is
 * not kept any more, which the keeper refuses. */
static const struct proposal_item *items_effective(const struct ledger *ledger, const struct record_list *items,
						      struct arena *arena)
{
	const struct proposal_item *asked = items->items;
	struct proposal_item *resolved = ARENA_ARRAY(arena, struct proposal_item, items->count);
	for (size_t i = 0; resolved && i < items->count; i++) {
		const struct ledger_resource *resource = ledger_resource_find(ledger, asked[i].kind, asked[i].name);
		const struct ledger_version *version = ledger_version_find(resource, asked[i].to);
		resolved[i] = (struct proposal_item){.kind = asked[i].kind, .name = asked[i].name, .action = PROPOSAL_DELETE};
		if (asked[i].action == PROPOSAL_ROLLBACK && !version)
			return NULL;
		if (asked[i].action == PROPOSAL_DELETE || version->record.action == CONTROL_DELETE)
			continue;
		resolved[i].action = PROPOSAL_APPLY;
		resolved[i].document = version->record.document;
	}
	return resolved;
}

/* Collects what the items do to groups and state, to documents that name a resource which they delete, and what they leave of a
 * change. Without memory for that there is nothing: the rollback goes on. */
static void effects_collect(struct session *session, const struct control_session *control, const struct record_list *asked,
			    struct buffer *out, struct record_list *warnings)
{
	struct error error = {0};
	const struct applier_config *config = &control->config;
	struct change_effects effects = {
		.json = session->form == OUTPUT_JSON,
		.checker = {.kinds = session->kinds, .namespace = config->namespace, .prefix = config->topics.prefix},
		.ledger = applier_ledger(control->applier),
		.extent = EFFECTS_KEPT};
	const struct record_list items = {asked->count, items_effective(effects.ledger, asked, session->arena)};
	if (!items.items)
		return;
	if (!document_check_others(&effects.checker, &items, effects.ledger, session->arena, warnings, &error))
		*warnings = (struct record_list){0};
	else if (!change_effects_print(&effects, &items, out, &error))
		buffer_clear(out);
	rollback_rest_print(effects.ledger, asked, effects.json, out);
}

/* What the items do is looked up first: then the ledger has not accepted them yet. */
static int items_propose(struct session *session, struct control_session *control, const struct rollback_options *self,
			 const struct record_list *items)
{
	struct buffer out;
	struct record_list warnings = {0};
	buffer_open(&out, EFFECTS_BYTES_MAX);
	effects_collect(session, control, items, &out, &warnings);
	int code = control_session_propose(session, control, &self->author, *items, (struct document_places){0});
	if (code == EXIT_GOOD) {
		control_session_warnings(session, &warnings, (struct document_places){0});
		code = command_write(session, &out);
		return code == EXIT_GOOD && self->wait ? control_session_wait(session, control, &self->author, items) : code;
	}
	buffer_close(&out);
	return code;
}

static bool resource_item(const struct rollback_options *self, const struct ledger *ledger, const struct ledger_resource *resource,
			  struct arena *arena, struct record_list *items, struct error *error)
{
	struct proposal_item *item = ARENA_ARRAY(arena, struct proposal_item, 1);
	if (!item)
		return error_memory(error, ERROR_SYSTEM, "rolling back a resource");
	*item = (struct proposal_item){
		.kind = resource->kind,
		.name = resource->name,
		.action = PROPOSAL_ROLLBACK,
		.expected = resource_expected(ledger, resource),
		.to = self->to > 0 ? self->to : version_default(ledger, resource),
	};
	*items = (struct record_list){1, item};
	return item->to > 0 ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "`" TEXT_FORMAT "/" TEXT_FORMAT "` has no version that was in force before, or it is not kept any more; "
			 "`sluice history` lists its versions, `--to` selects one",
			 TEXT_ARGUMENTS(resource->kind), TEXT_ARGUMENTS(resource->name));
}

/* Opens the session, and finds the items of the word: CHANGE/N, or KIND/NAME. */
static bool items_find(const struct rollback_options *self, const struct workspace *workspace, const char *word,
		       struct control_session *control, struct record_list *items, struct error *error)
{
	int64_t change;
	struct resource_reference reference;
	*control = (struct control_session){0};
	if (!change_reference_read(word, &change)) {
		const struct ledger_resource *resource =
			control_session_open_at(workspace, &self->asked, word, control, &reference, error);
		return resource && resource_item(self, applier_ledger(control->applier), resource, workspace->arena, items, error);
	}
	if (self->to > 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "--to is for one resource; `%s` returns each of its resources to the version before it", word);
	return control_session_open(workspace, &self->asked, control, error) &&
	       change_rollback_items(applier_ledger(control->applier), change, workspace->arena, items, error);
}

static int rollback_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct rollback_options *self = filled;
	struct control_session control;
	struct record_list items;
	struct error error = {0};
	(void)count;
	int code = items_find(self, command_workspace(session), arguments[0], &control, &items, &error)
			   ? items_propose(session, &control, self, &items)
			   : command_refused(session, &error);
	control_session_close(&control);
	return code;
}

const struct command command_rollback = {
	.name = "rollback",
	.arguments = "KIND/NAME",
	.summary = "Returns a resource, or those of a change, to an earlier version.",
	.help = "The keeper accepts the earlier version's document as a new version, and engines start it as they do after "
		"`sluice apply`. With `change/N` each resource of that change returns to the version before it, in one change; "
		"what the change created is deleted, and what it deleted comes back. `sluice history` lists the changes. It is "
		"refused if a later change made another version of one of the resources. If one resource of a change returns "
		"alone, the command lists the others, which stay.\n\n"
		"A rollback does not wait for a change that it reverts. It does not undo what the state of steps has counted "
		"meanwhile. It prints which consumer groups change, which state is no longer used, and which is used again: that "
		"state lacks the requests in between.\n\n"
		"  sluice rollback pipeline/fraud --reason 'errors since 7'\n  sluice rollback pipeline/fraud --to 5\n"
		"  sluice rollback change/6 --reason 'errors since 6'\n",
	.options = options,
	.options_size = sizeof(struct rollback_options),
	.group = "deploy",
	.run = rollback_run,
};
