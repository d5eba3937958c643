/* diff.c: `sluice diff`: what files would change in what a namespace has accepted. */
#include "base/url_mask.h"
#include "tools/cli/command.h"
#include "tools/cli/control_proposal.h"
#include "tools/client/control/applied_artifacts.h"
#include "tools/client/control/change_effects.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "message/json/json_write.h"
#include "tools/view/line_diff.h"

#define DIFF_BYTES_MAX ((size_t)64 << 20)

struct diff_options {
	const char *namespace, *ambient_namespace;
	struct kafka_asked kafka;
	struct prefix_asked prefix;
	int form;
};

static const struct option options[] = {
	COMMAND_FILES,
	APPLIED_NAMESPACE_ROW(diff_options),
	KAFKA_ROWS(struct diff_options, kafka),
	PREFIX_ROW(struct diff_options, prefix),
	COMMAND_FORM(diff_options, form, "text json"),
	{.type = OPTION_END},
};

/* Prints the difference of one resource. False: memory ran out. */
static bool item_diff(struct session *session, const struct ledger *ledger, const struct proposal_item *item, struct buffer *out,
		      bool *differs)
{
	const struct ledger_resource *resource = ledger_resource_find(ledger, item->kind, item->name);
	const struct ledger_version *present = resource ? ledger_present(ledger, resource) : NULL;
	int64_t version = present ? present->record.version : 0;
	struct text before = present ? present->record.document : TEXT("");
	struct arena *arena = session->arena;
	const char *name = arena_print(arena, TEXT_FORMAT "/" TEXT_FORMAT, TEXT_ARGUMENTS(item->kind), TEXT_ARGUMENTS(item->name));
	const char *old = name ? arena_print(arena, "%s version %lld", name, (long long)version) : NULL;
	const char *new = name ? arena_print(arena, "%s in the files", name) : NULL;
	struct buffer text;
	buffer_open(&text, DIFF_BYTES_MAX);
	bool good = old && new && line_diff(before, item->document, version > 0 ? old : "nothing", new, &text) &&
		    !buffer_failed(&text);
	*differs = *differs || text.length > 0;
	mask_buffer(&text);
	if (good && session->form != OUTPUT_JSON) {
		buffer_text(out, buffer_view(&text));
	} else if (good && text.length > 0) {
		json_write_member(out, "{", "kind", item->kind);
		json_write_member(out, ", ", "name", item->name);
		buffer_print(out, ", \"version\": %lld", (long long)version);
		json_write_member(out, ", ", "diff", buffer_view(&text));
		buffer_string(out, "}\n");
	}
	buffer_close(&text);
	return good;
}

/* The artifact that a version has under that name. False: it has none. */
static bool artifact_before(const struct control_version *version, struct text wanted, struct artifact *artifact)
{
	const struct control_label *labels = version->labels.items;
	struct text name;
	for (size_t i = 0; i < version->labels.count; i++)
		if (artifact_label_read(&labels[i], &name, artifact) && text_equal(name, wanted))
			return true;
	return false;
}

static void file_print(const struct session *session, const struct proposal_item *item, int64_t version, struct text file,
		       const struct artifact *before, const struct artifact *now, struct buffer *out)
{
	if (session->form == OUTPUT_JSON) {
		json_write_member(out, "{", "kind", item->kind);
		json_write_member(out, ", ", "name", item->name);
		buffer_print(out, ", \"version\": %lld", (long long)version);
		json_write_member(out, ", ", "file", file);
		buffer_print(out, ", \"sha256\": \"%s\"}\n", now->digest);
		return;
	}
	buffer_print(out, TEXT_FORMAT "/" TEXT_FORMAT " names another " TEXT_FORMAT " than version %lld: ",
		     TEXT_ARGUMENTS(item->kind), TEXT_ARGUMENTS(item->name), TEXT_ARGUMENTS(file), (long long)version);
	buffer_print(out, "%s%s then, sha256:%s now\n", before ? "sha256:" : "none", before ? before->digest : "", now->digest);
}

/* Prints the files of a resource that are others than in its newest version. */
static void item_files_diff(const struct session *session, const struct ledger *ledger, const struct proposal_item *item,
			    struct buffer *out, bool *differs)
{
	const struct ledger_resource *resource = ledger_resource_find(ledger, item->kind, item->name);
	const struct ledger_version *present = resource ? ledger_present(ledger, resource) : NULL;
	const struct control_label *labels = item->labels.items;
	struct artifact before, now;
	struct text name;
	for (size_t i = 0; present && i < item->labels.count; i++) {
		if (!artifact_label_read(&labels[i], &name, &now))
			continue;
		bool is_known = artifact_before(&present->record, name, &before);
		if (is_known && strcmp(before.digest, now.digest) == 0)
			continue;
		*differs = true;
		file_print(session, item, present->record.version, name, is_known ? &before : NULL, &now, out);
	}
}

/* Appends which state begins empty, and which is left, and how bandits start. Documents with errors have no plan: `apply --dry-run`
 * says why. */
static bool effects_diff(struct session *session, const struct applied_files *files, const struct control_session *control,
			 struct buffer *out, struct error *error)
{
	struct change_effects effects = {
		.json = session->form == OUTPUT_JSON,
		.checker = {.kinds = session->kinds, .namespace = files->namespace, .prefix = control->config.topics.prefix},
		.ledger = applier_ledger(control->applier)};
	const struct keeper_checker keeper = document_check_of(&effects.checker);
	const struct record_list items = {files->count, files->items};
	struct keeper_findings findings = {0};
	if (!keeper.check(keeper.context, &items, effects.ledger, session->arena, &findings, error))
		return false;
	if (findings.faults.count == 0)
		control_session_warnings(session, &findings.warnings, (struct document_places){files->count, files->places});
	effects.extent = findings.state_is_changed ? EFFECTS_KEPT : EFFECTS_STARTS;
	return findings.faults.count > 0 || change_effects_print(&effects, &items, out, error);
}

static int files_diff(struct session *session, const struct applied_files *files, const struct control_session *control)
{
	struct buffer out;
	struct error error = {0};
	bool differs = false;
	buffer_open(&out, DIFF_BYTES_MAX);
	for (size_t i = 0; i < files->count; i++) {
		if (item_diff(session, applier_ledger(control->applier), &files->items[i], &out, &differs)) {
			item_files_diff(session, applier_ledger(control->applier), &files->items[i], &out, &differs);
			continue;
		}
		buffer_close(&out);
		error_memory(&error, ERROR_SYSTEM, "comparing documents");
		return command_failed(session, &error);
	}
	if (differs && !effects_diff(session, files, control, &out, &error)) {
		buffer_close(&out);
		return command_failed(session, &error);
	}
	int code = command_write(session, &out);
	return code == EXIT_GOOD && differs ? EXIT_FAULTS : code;
}

static int diff_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct diff_options *self = filled;
	struct applied_files files;
	struct applied_artifacts artifacts;
	struct control_session control = {0};
	struct error error = {0};
	int code = EXIT_FAULTS;
	if (applied_files_read(command_workspace(session), arguments, count, self->namespace, self->ambient_namespace, &files,
			       &error) &&
	    applied_artifacts_find(command_workspace(session), &files, &artifacts, &error) &&
	    control_session_open_with(command_workspace(session), &self->kafka, &self->prefix, files.runtime, files.namespace,
				      &control, &error))
		code = files_diff(session, &files, &control);
	else
		code = command_unread(session, &files.spec, &error);
	control_session_close(&control);
	applied_files_close(&files);
	return code;
}

const struct command command_diff = {
	.name = "diff",
	.arguments = "FILE...",
	.summary = "Shows how files differ from what a namespace has accepted.",
	.help = "Compares each document, and the files that it names, with the newest accepted version of its resource. The exit "
		"code is 1 if one differs. It also reports where state would begin empty because it has another form. `sluice "
		"apply --dry-run` also checks the documents.\n\n"
		"  sluice diff -f pipelines/\n",
	.options = options,
	.options_size = sizeof(struct diff_options),
	.group = "deploy",
	.run = diff_run,
};
