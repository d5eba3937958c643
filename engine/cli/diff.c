/* diff.c: `sluice diff`: what files would change in what a namespace has accepted. */
#include "cli/applied_files.h"
#include "cli/line_diff.h"
#include "message/json_write.h"

#define DIFF_BYTES_MAX ((size_t)64 << 20)

struct diff_options {
	const char *namespace, *ambient_namespace;
	struct kafka_asked kafka;
	struct prefix_asked prefix;
	int form;
};

static const struct option options[] = {
	COMMAND_FILES,
	{.name = "namespace",
	 .letter = 'n',
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct diff_options, namespace),
	 .variable = "SLUICE_NAMESPACE",
	 .ambient_offset = offsetof(struct diff_options, ambient_namespace),
	 .help = "The namespace; default: that of the resources, else SLUICE_NAMESPACE, or `default`."},
	KAFKA_ROWS(struct diff_options, kafka),
	PREFIX_ROW(struct diff_options, prefix),
	COMMAND_FORM(diff_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_diff;

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

static int files_diff(struct session *session, const struct applied_files *files, const struct control_session *control)
{
	struct buffer out;
	struct error error = {0};
	bool differs = false;
	buffer_open(&out, DIFF_BYTES_MAX);
	for (size_t i = 0; i < files->count; i++) {
		if (item_diff(session, applier_ledger(control->applier), &files->items[i], &out, &differs))
			continue;
		buffer_close(&out);
		error_memory(&error, ERROR_SYSTEM, "comparing documents");
		return command_failed(session, &error);
	}
	int code = command_write(session, &out);
	return code == EXIT_GOOD && differs ? EXIT_FAULTS : code;
}

static int diff_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct diff_options *self = filled;
	struct applied_files files;
	struct control_session control = {0};
	struct error error = {0};
	int code = EXIT_FAULTS;
	if (applied_files_read(session, arguments, count, self->namespace, self->ambient_namespace, &files, &error) &&
	    control_session_open_with(session, &self->kafka, &self->prefix, files.runtime, files.namespace, &control, &error))
		code = files_diff(session, &files, &control);
	else if (error.kind != ERROR_NONE)
		code = command_refused(session, &command_diff, &error);
	control_session_close(&control);
	applied_files_close(&files);
	return code;
}

const struct command command_diff = {
	.name = "diff",
	.arguments = "FILE...",
	.summary = "Shows what files would change in what a namespace has accepted.",
	.help = "It compares each document with the newest accepted version of its resource, and ends with 1 if one differs. "
		"`sluice apply --dry-run` also checks the documents.\n\n"
		"  sluice diff -f pipelines/\n",
	.options = options,
	.options_size = sizeof(struct diff_options),
	.group = "deploy",
	.run = diff_run,
};
