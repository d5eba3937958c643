/* init.c: `sluice init`: writes a first pipeline with a request and a test, for the user to change. It asks no questions and
 * overwrites no files. */
#include <errno.h>

#include "base/quote.h"
#include "tools/cli/command.h"
#include "tools/client/first_pipeline.h"
#include "message/json/json_write.h"

#define OUTPUT_BYTES_MAX ((size_t)64 << 10) /* contains the folder's name a few times */

struct init_options {
	const char *model;
	int form;
};

static const struct option options[] = {
	ROW("model", TEXT, struct init_options, model, .word = "NAME",
	    .help = "The pipeline calls the model of this name for probabilities, and compares one with a threshold. The model is "
		    "a stub until the YAML gives its address."),
	COMMAND_FORM(init_options, form, "text json"),
	{.type = OPTION_END},
};

static int print_written(struct session *session, const struct first_pipeline *self)
{
	struct buffer out;
	buffer_open(&out, OUTPUT_BYTES_MAX);
	json_write_string_after(&out, TEXT("{\"folder\": "), text_of(self->folder));
	buffer_string(&out, ", \"files\": [");
	for (const struct first_file *file = self->files; file->path; file++)
		json_write_string_after(&out, text_of(file > self->files ? ", " : ""), text_of(file->path));
	buffer_string(&out, "]}\n");
	return command_write(session, &out);
}

static int say_written(struct session *session, const char *folder)
{
	/* A name with a leading dash would be read as an option. */
	const char *before = folder[0] == '-' ? "./" : "";
	static const char *const next[] = {"next: ", " && "}, *const verbs[] = {"lint", "test"};
	struct buffer out;
	buffer_open(&out, OUTPUT_BYTES_MAX);
	buffer_print(&out,
		     "%s/pipeline.yaml      the pipeline: change it\n"
		     "%s/request.json       a request for it\n"
		     "%s/tests/decides/     a test of it\n"
		     "%s/" FIRST_PIPELINE_SCHEMA " the schema, for editors\n",
		     folder, folder, folder, folder);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		buffer_string(&out, next[i]);
		buffer_shell_word(&out, text_of(program_invocation_name));
		buffer_print(&out, " %s %s", verbs[i], before);
		buffer_shell_word(&out, text_of(folder));
	}
	buffer_byte(&out, '\n');
	return command_write(session, &out);
}

static int init_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct init_options *self = filled;
	(void)count;
	struct error error = {0};
	const char *folder = arguments[0];
	if (!*folder)
		return command_misuse(session, "the name of the folder is missing");
	struct first_pipeline first = {.kinds = session->kinds, .folder = folder, .model = self->model};
	const char *fault = first_pipeline_prepare(&first);
	if (fault)
		return command_misuse(session, "%s", fault);
	if (!first_pipeline_write(&first, &error))
		return command_failed(session, &error);
	return self->form == OUTPUT_JSON ? print_written(session, &first) : say_written(session, folder);
}

const struct command command_init = {
	.name = "init",
	.arguments = "DIR",
	.summary = "Creates a pipeline: ten lines of YAML, a request, and a test.",
	.help = "It asks no questions and overwrites no files. With `--model` the pipeline calls a model. The first line of the "
		"YAML tells editors with the YAML language server (VS Code, Neovim, Emacs) to complete and check the file by the "
		"schema beside it, which is that of `sluice schema`.\n\n"
		"  sluice init trading\n"
		"  sluice test trading\n"
		"  sluice init churn --model leaves",
	.options = options,
	.options_size = sizeof(struct init_options),
	.group = "write",
	.run = init_run,
};
