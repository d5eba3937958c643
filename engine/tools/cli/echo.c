/* echo.c: `sluice echo`: prints a file with defaults, aliases and short forms resolved. */
#include "base/url_mask.h"
#include "tools/cli/command.h"
#include "compiler/resources/normal_form.h"

#define ECHO_BYTES_MAX ((size_t)256 << 20)

struct echo_options {
	const char *kind;
	int form;
};

enum echo_form { ECHO_TEXT = OUTPUT_TEXT, ECHO_JSON = OUTPUT_JSON, ECHO_YAML };

static const struct option options[] = {
	COMMAND_FILES,
	ROW("kind", TEXT, struct echo_options, kind, .help = "The kind of documents that have none, as in lint."),
	ROW("format", CHOICE, struct echo_options, form, .letter = 'o', .choices = "text json yaml", .fallback = "text",
	    .help = "YAML (`text` means the same), or one JSON array of all resources."),
	{.type = OPTION_END},
};

static int print_resources(struct session *session, const struct spec *spec, enum echo_form form)
{
	struct buffer out;
	buffer_open(&out, ECHO_BYTES_MAX);
	buffer_string(&out, form == ECHO_JSON ? "[" : "");
	for (size_t i = 0; i < spec->count; i++) {
		if (spec->resources[i]->made_of)
			continue;
		const struct node *node = resource_normal(spec->resources[i], session->kinds, spec->arena);
		if (!node) {
			out.failed = true;
			break;
		}
		buffer_string(&out, i == 0 ? "" : form == ECHO_JSON ? ",\n" : "---\n");
		(form == ECHO_JSON ? node_print_json : node_print_yaml)(node, &out);
	}
	buffer_string(&out, form == ECHO_JSON ? "]\n" : "");
	mask_buffer(&out);
	return command_write(session, &out);
}

static int echo_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct echo_options *self = filled;
	const struct spec_options reading = {.kinds = session->kinds, .kind = self->kind};
	struct spec spec;
	struct error error = {0};
	if (!spec_open(&spec, &error))
		return command_failed(session, &error);
	int code;
	if (!spec_read(&spec, arguments, count, &reading, &error))
		code = command_refused(session, &error);
	else if (faults_count(spec.faults, SEVERITY_ERROR) > 0)
		code = command_faults_only(session, spec.faults);
	else
		code = print_resources(session, &spec, (enum echo_form)self->form);
	spec_close(&spec);
	return code;
}

const struct command command_echo = {
	.name = "echo",
	.arguments = "FILE...",
	.summary = "Prints resources with defaults and aliases written out.",
	.help = "Documents of one SeldonRuntime are merged. If files have errors, the errors are printed instead of the "
		"resources.\n\n"
		"  sluice echo pipeline.yaml\n  sluice echo -o json pipelines/\n",
	.options = options,
	.options_size = sizeof(struct echo_options),
	.group = "write",
	.run = echo_run,
};
