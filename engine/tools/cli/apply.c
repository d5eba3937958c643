/* apply.c: `sluice apply`: proposes the resources of files to the keeper of their namespace. */
#include "base/clock.h"
#include "tools/cli/command.h"
#include "tools/cli/control_proposal.h"
#include "tools/client/control/applied_artifacts.h"
#include "tools/client/control/apply_selection.h"
#include "tools/client/control/change_effects.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "control/keeper/rollout_changes.h"
#include "message/json/json_write.h"
#include "compiler/step/assignment.h"

#define CHECK_BYTES_MAX ((size_t)64 << 20)

struct apply_options {
	const char *namespace, *ambient_namespace;
	struct kafka_asked kafka;
	struct prefix_asked prefix;
	struct control_author author;
	struct name_list expect;
	bool dry_run, prune, wait;
	const char *set;
	int form;
};

static const struct option options[] = {
	COMMAND_FILES,
	APPLIED_NAMESPACE_ROW(apply_options),
	KAFKA_ROWS(struct apply_options, kafka),
	PREFIX_ROW(struct apply_options, prefix),
	CONTROL_AUTHOR_ROWS(struct apply_options, author),
	CONTROL_WAIT_ROW(struct apply_options, wait),
	ROW("expect", NAMES, struct apply_options, expect, .word = "KIND/NAME=VERSION",
	    .help = "The newest version of a resource that you have seen, 0 for none; another one is a conflict. Default: the "
		    "newest when the command starts."),
	ROW("dry-run", FLAG, struct apply_options, dry_run,
	    .help = "Checks the documents and shows what would change, also how many buckets of traffic and experiments would "
		    "move; proposes nothing."),
	ROW("prune", FLAG, struct apply_options, prune,
	    .help = "Deletes resources that were applied from this folder and are not in it any more. The folder is identified by "
		    "the remote `origin` of its repository and its path in it; without them, by its full path. With --set: those "
		    "of that set."),
	ROW("set", TEXT, struct apply_options, set, .word = "NAME",
	    .help = "A name for the set of these resources, kept with each of them as the label `sluice.io/folder`; default: the "
		    "folder. Use it with --prune if the folder is in no repository, or the files are in several folders."),
	COMMAND_FORM(apply_options, form, "text json"),
	{.type = OPTION_END},
};

struct applying {
	struct session *session;
	const struct apply_options *options;
	struct applied_files files;
	struct applied_artifacts artifacts;
	struct control_session control;
	struct apply_selection selection;
	struct record_list tables;   /* struct control_table: bucket tables that change too */
	struct record_list rollouts; /* struct rollout_change */
	bool state_is_changed;	     /* a stage that had state gets another changelog */
};

static const char *item_effect(const struct applying *applying, const struct proposal_item *item)
{
	if (item->action == PROPOSAL_DELETE)
		return "deleted";
	return apply_selection_newest(&applying->selection, item) == 0 ? "created" : "changed";
}

static void effect_print(struct session *session, struct buffer *out, const struct proposal_item *item, const char *effect)
{
	if (session->form == OUTPUT_JSON)
		buffer_print(out, "{\"kind\": \"" TEXT_FORMAT "\", \"name\": \"" TEXT_FORMAT "\", \"effect\": \"%s\"}\n",
			     TEXT_ARGUMENTS(item->kind), TEXT_ARGUMENTS(item->name), effect);
	else
		buffer_print(out, TEXT_FORMAT "/" TEXT_FORMAT " %s\n", TEXT_ARGUMENTS(item->kind), TEXT_ARGUMENTS(item->name),
			     effect);
}

/* Prints a bucket table of which buckets move. */
static void table_print(struct session *session, struct buffer *out, const struct control_table *table)
{
	const struct table_share *shares = table->shares.items;
	if (table->moved == 0)
		return;
	if (session->form == OUTPUT_JSON) {
		json_write_member(out, "{", "kind", table->kind);
		json_write_member(out, ", ", "name", table->name);
		json_write_member(out, ", ", "choice", table->choice);
		buffer_print(out, ", \"effect\": \"moved\", \"moved\": %lld}\n", (long long)table->moved);
		return;
	}
	buffer_print(out, TEXT_FORMAT " moves %lld of %d buckets:", TEXT_ARGUMENTS(table->choice), (long long)table->moved,
		     ASSIGNMENT_BUCKETS);
	for (size_t i = 0; i < table->shares.count; i++)
		buffer_print(out, "%s " TEXT_FORMAT " %.2f %%", i > 0 ? "," : "", TEXT_ARGUMENTS(shares[i].name),
			     (double)shares[i].buckets * 100 / ASSIGNMENT_BUCKETS);
	buffer_byte(out, '\n');
}

/* Prints what becomes of a rollout; a table that it begins with is printed for it, and not the one of the document. */
static void rollout_print(struct session *session, struct buffer *out, const struct rollout_change *change)
{
	if (session->form == OUTPUT_JSON) {
		json_write_member(out, "{", "kind", change->kind);
		json_write_member(out, ", ", "name", change->name);
		json_write_member(out, ", ", "experiment", text_of(change->experiment));
		json_write_member(out, ", ", "effect", text_of(change->begins ? "rollout begins" : "rollout goes on"));
		json_write_member(out, ", ", "sentence", change->sentence);
		buffer_string(out, "}\n");
	} else {
		buffer_print(out, "%s: " TEXT_FORMAT "\n", change->experiment, TEXT_ARGUMENTS(change->sentence));
	}
	if (change->begins)
		table_print(session, out, &change->table);
}

static bool rollout_begins_with(const struct applying *applying, const struct control_table *table)
{
	const struct rollout_change *changes = applying->rollouts.items;
	for (size_t i = 0; i < applying->rollouts.count; i++)
		if (changes[i].begins && text_is(table->choice, changes[i].experiment))
			return true;
	return false;
}

static void traffic_print(struct applying *applying, struct buffer *out)
{
	const struct rollout_change *changes = applying->rollouts.items;
	const struct control_table *tables = applying->tables.items;
	for (size_t i = 0; i < applying->tables.count; i++)
		if (!rollout_begins_with(applying, &tables[i]))
			table_print(applying->session, out, &tables[i]);
	for (size_t i = 0; i < applying->rollouts.count; i++)
		rollout_print(applying->session, out, &changes[i]);
}

/* Prints what becomes of groups, topics and state. */
static bool plan_effects_print(struct applying *applying, enum effects_extent extent, struct buffer *out, struct error *error)
{
	struct change_effects effects = {.json = applying->session->form == OUTPUT_JSON,
					 .extent = extent,
					 .checker = {.kinds = applying->session->kinds,
						     .namespace = applying->files.namespace,
						     .prefix = applying->control.config.topics.prefix},
					 .ledger = applying->selection.ledger};
	const struct record_list items = {applying->selection.count, applying->selection.items};
	return change_effects_print(&effects, &items, out, error);
}

/* Prints the resources that stay as they are, and with `all` what becomes of the others. */
static int effects_print(struct applying *applying, bool all)
{
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, CHECK_BYTES_MAX);
	if (all || applying->session->form == OUTPUT_TEXT)
		applied_artifacts_print(&applying->artifacts, all, applying->session->form == OUTPUT_JSON, &out);
	for (size_t i = 0; all && i < applying->selection.count; i++) {
		const struct proposal_item *item = &applying->selection.items[i];
		effect_print(applying->session, &out, item, item_effect(applying, item));
	}
	if (all)
		traffic_print(applying, &out);
	if (all && applying->selection.count > 0 && !plan_effects_print(applying, EFFECTS_ALL, &out, &error)) {
		buffer_close(&out);
		return command_failed(applying->session, &error);
	}
	for (size_t i = 0; i < applying->files.count; i++) {
		const struct proposal_item *item = &applying->files.items[i];
		if (!apply_selection_has(&applying->selection, item))
			effect_print(applying->session, &out, item, "unchanged");
	}
	return command_write(applying->session, &out);
}

static struct document_checker checker_of(const struct applying *applying)
{
	return (struct document_checker){.kinds = applying->session->kinds,
					 .namespace = applying->files.namespace,
					 .prefix = applying->control.config.topics.prefix};
}

/* Warns of accepted documents that name what is changed or deleted. */
static int others_check(struct applying *applying, struct document_checker *checker, struct error *error)
{
	const struct record_list items = {applying->selection.count, applying->selection.items};
	struct record_list warnings = {0};
	if (items.count > 0 &&
	    !document_check_others(checker, &items, applying->selection.ledger, applying->session->arena, &warnings, error))
		return command_failed(applying->session, error);
	control_session_warnings(applying->session, &warnings,
				 (struct document_places){applying->files.count, applying->files.places});
	return EXIT_GOOD;
}

/* Checks the documents as the keeper will: together with everything that is accepted. */
static int documents_check(struct applying *applying, struct error *error)
{
	struct document_checker checker = checker_of(applying);
	const struct keeper_checker keeper = document_check_of(&checker);
	const struct record_list items = {applying->selection.count, applying->selection.items};
	const struct document_places places = {applying->files.count, applying->files.places};
	struct keeper_findings findings = {0};
	if (applying->selection.count > 0 &&
	    !keeper.check(keeper.context, &items, applying->selection.ledger, applying->session->arena, &findings, error))
		return command_failed(applying->session, error);
	applying->tables = findings.tables;
	applying->state_is_changed = findings.state_is_changed;
	if (findings.faults.count == 0) {
		control_session_warnings(applying->session, &findings.warnings, places);
		return others_check(applying, &checker, error);
	}
	return control_session_faults(applying->session, TEXT("the documents have errors; nothing was proposed"), &findings.faults,
				      places);
}

/* What a rollout that runs refuses is refused here in the keeper's words, and before the documents are checked, as it does. */
static int rollouts_check(struct applying *applying, struct error *error)
{
	struct document_checker checker = checker_of(applying);
	const struct keeper_rollout_reader reader = rollout_document_of(&checker);
	const struct record_list items = {applying->selection.count, applying->selection.items}, none = {0};
	const struct ledger *ledger = applying->selection.ledger;
	struct arena *arena = applying->session->arena;
	const char *why = NULL;
	if (!rollout_changes_fault(ledger, &reader, &items, arena, &why, error))
		return command_failed(applying->session, error);
	if (why)
		return control_session_faults(applying->session, text_of(why), &none, (struct document_places){0});
	return EXIT_GOOD;
}

/* Finds what becomes of rollouts. */
static int rollouts_find(struct applying *applying, struct error *error)
{
	struct document_checker checker = checker_of(applying);
	const struct keeper_rollout_reader reader = rollout_document_of(&checker);
	const struct record_list items = {applying->selection.count, applying->selection.items};
	return rollout_changes_find(applying->selection.ledger, &reader, &items, time_of_day_ms(), applying->session->arena,
				    &applying->rollouts, error)
		       ? EXIT_GOOD
		       : command_failed(applying->session, error);
}

/* Proposes them. Where a stage gets another changelog, or bandits another start, what that means is found out before: then the
 * ledger has not accepted it yet. */
static int changes_propose(struct applying *applying, struct error *error)
{
	struct buffer out;
	buffer_open(&out, CHECK_BYTES_MAX);
	const enum effects_extent extent = applying->state_is_changed ? EFFECTS_KEPT : EFFECTS_STARTS;
	int code = EXIT_GOOD;
	if (applying->session->form == OUTPUT_TEXT && !plan_effects_print(applying, extent, &out, error))
		code = command_failed(applying->session, error);
	if (code == EXIT_GOOD)
		code = control_session_propose(applying->session, &applying->control, &applying->options->author,
					       (struct record_list){applying->selection.count, applying->selection.items},
					       (struct document_places){applying->files.count, applying->files.places});
	if (code == EXIT_GOOD)
		return command_write(applying->session, &out);
	buffer_close(&out);
	return code;
}

static int apply_propose(struct applying *applying, struct error *error)
{
	int code = applying->options->dry_run ? rollouts_check(applying, error) : EXIT_GOOD;
	if (code == EXIT_GOOD)
		code = documents_check(applying, error);
	if (code == EXIT_GOOD && applying->options->dry_run)
		code = rollouts_find(applying, error);
	if (code != EXIT_GOOD)
		return code;
	if (!applied_artifacts_survey(&applying->control, &applying->artifacts, error) ||
	    (!applying->options->dry_run && !applied_artifacts_send(&applying->control, &applying->artifacts, error)))
		return command_failed(applying->session, error);
	if (applying->options->dry_run || applying->selection.count == 0)
		return effects_print(applying, applying->options->dry_run);
	code = changes_propose(applying, error);
	if (code == EXIT_GOOD && !applied_artifacts_confirm(&applying->control, &applying->artifacts, error))
		return command_failed(applying->session, error);
	return code == EXIT_GOOD && applying->session->form == OUTPUT_TEXT ? effects_print(applying, false) : code;
}

/* Waits for all resources of the files, also those that were accepted before, and for what was deleted. */
static int applied_wait(struct applying *applying)
{
	const struct apply_selection *selection = &applying->selection;
	const size_t most = applying->files.count + selection->count;
	struct proposal_item *list = ARENA_ARRAY(applying->session->arena, struct proposal_item, most + 1);
	size_t count = 0;
	for (size_t i = 0; list && i < applying->files.count; i++)
		list[count++] = applying->files.items[i];
	for (size_t i = 0; list && i < selection->count; i++)
		if (selection->items[i].action == PROPOSAL_DELETE)
			list[count++] = selection->items[i];
	const struct record_list items = {count, list};
	return control_session_wait(applying->session, &applying->control, &applying->options->author, &items);
}

static int apply_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct apply_options *self = filled;
	struct applying applying = {.session = session, .options = self};
	struct error error = {0};
	int code = EXIT_FAULTS;
	applying.selection = (struct apply_selection){.arena = session->arena,
						      .files = &applying.files,
						      .expect = self->expect,
						      .prune = self->prune,
						      .asked_set = self->set};
	bool good = applied_files_read(command_workspace(session), arguments, count, self->namespace, self->ambient_namespace,
				       &applying.files, &error) &&
		    apply_selection_label(&applying.selection, arguments, count, &error) &&
		    applied_artifacts_find(command_workspace(session), &applying.files, &applying.artifacts, &error) &&
		    control_session_open_with(command_workspace(session), &self->kafka, &self->prefix, applying.files.runtime,
					      applying.files.namespace, &applying.control, &error);
	if (good) {
		applying.selection.ledger = applier_ledger(applying.control.applier);
		good = apply_selection_make(&applying.selection, &error);
	}
	if (good)
		code = apply_propose(&applying, &error);
	if (good && code == EXIT_GOOD && self->wait && !self->dry_run)
		code = applied_wait(&applying);
	else if (!good)
		code = command_unread(session, &applying.files.spec, &error);
	control_session_close(&applying.control);
	applied_files_close(&applying.files);
	return code;
}

const struct command command_apply = {
	.name = "apply",
	.arguments = "FILE...",
	.summary = "Proposes the resources of files to the engines of a namespace.",
	.help = "The documents are checked as `sluice lint` does, together with all that is accepted, and sent as one proposal. "
		"The keeper of the namespace, in one of the engines that run with `--control`, accepts all of them or none. Each "
		"accepted document is the next version of its resource, with author and reason. Engines then prepare the versions, "
		"and start them together. A document that is accepted already is left out.\n\n"
		"Files that the documents name (models that run in the worker, fitted files, tables, references) go along, up to "
		"64 MiB each; a relative path is relative to the document, as for `sluice run -f`. A larger file must be at an "
		"https: or s3: address. A file that changed makes a new version of its documents. With --dry-run the files are "
		"listed with their sizes, and not sent; the effects on consumer groups, topics and state are listed too. Files of "
		"servers (`storageUri`), certificates and secrets stay where they are.\n\n"
		"If somebody else has changed a resource since this command started (or since the version given by --expect), the "
		"keeper refuses the proposal as a conflict, and names the other author. Nothing is accepted then.\n\n"
		"  sluice apply -f pipelines/ --reason 'lower threshold'\n  sluice apply -f pipelines/ --dry-run --prune\n"
		"  sluice apply -f pipelines/ --set shop --prune --wait\n"
		"  sluice apply -f fraud.yaml --expect pipeline/fraud=7\n",
	.options = options,
	.options_size = sizeof(struct apply_options),
	.group = "deploy",
	.run = apply_run,
};
