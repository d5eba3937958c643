/* completion.c: `sluice completion`: shell completion scripts, and the names of the user's files for them. */

#include "tools/cli/command.h"
#include "tools/help/completion.h"
#include "tools/help/completion_names.h"
#include "message/json/json_write.h"

#define SCRIPT_BYTES_MAX ((size_t)1 << 20)

struct completion_options {
	int form;
};

static const struct option options[] = {
	COMMAND_FORM(completion_options, form, "text json"),
	{.type = OPTION_END},
};

/* The lines as an array. */
static int print_names_json(struct session *session, struct buffer *lines)
{
	struct buffer out;
	struct text rest = buffer_view(lines);
	buffer_open(&out, 2 * SCRIPT_BYTES_MAX);
	buffer_byte(&out, '[');
	for (const char *before = ""; rest.length > 0; before = ", ")
		json_write_string_after(&out, text_of(before), text_take_until(&rest, '\n'));
	buffer_string(&out, "]\n");
	out.failed |= buffer_failed(lines);
	buffer_close(lines);
	return command_write(session, &out);
}

/* The script of a shell as a member of an object, for a program that installs it. */
static int print_wrapped(struct session *session, const char *shell, struct buffer *script)
{
	struct buffer out;
	buffer_open(&out, 2 * SCRIPT_BYTES_MAX);
	json_write_string_after(&out, TEXT("{\"shell\": "), text_of(shell));
	json_write_string_after(&out, TEXT(", \"script\": "), buffer_view(script));
	buffer_string(&out, "}\n");
	out.failed |= buffer_failed(script);
	buffer_close(script);
	return command_write(session, &out);
}

static int print_names(struct session *session, const struct completion_options *self, const char *sort,
		       const char *const *paths, size_t count)
{
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, SCRIPT_BYTES_MAX);
	if (!completion_names_print(command_workspace(session), sort, paths, count, &out, &error)) {
		buffer_close(&out);
		return command_refused(session, &error);
	}
	return self->form == OUTPUT_JSON ? print_names_json(session, &out) : command_write(session, &out);
}

static int completion_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct completion_options *self = filled;
	if (strcmp(arguments[0], "names") == 0 && count > 1)
		return print_names(session, self, arguments[1], arguments + 2, count - 2);
	if (count > 1)
		return command_misuse(session, "`%s` takes no argument; leave `%s` out", arguments[0], arguments[1]);
	struct buffer out;
	buffer_open(&out, SCRIPT_BYTES_MAX);
	if (completion_print(session->commands, arguments[0], &out))
		return self->form == OUTPUT_JSON ? print_wrapped(session, arguments[0], &out) : command_write(session, &out);
	buffer_close(&out);
	return command_misuse(session,
			      "no completion is known for `%s`; it is one of: bash zsh fish, or `names` with PIPELINE, STEP, "
			      "ALERT, EXPERIMENT or KIND/NAME", arguments[0]);
}

const struct command command_completion = {
	.name = "completion",
	.arguments = "bash|zsh|fish|names [SORT] [FILE]...",
	.summary = "Prints the completion of commands and options for a shell.",
	.help = "For the running shell, or in its start-up file (in that of zsh, below compinit):\n\n"
		"  eval \"$(sluice completion bash)\"\n"
		"  source <(sluice completion zsh)\n"
		"  sluice completion fish | source\n\n"
		"The scripts complete names of pipelines, steps, experiments, alerts and resources too. They call `sluice "
		"completion names` with PIPELINE, STEP, EXPERIMENT, ALERT or KIND/NAME. It prints a line for each in the files of "
		"-f, else in those of the current folder. Names with other characters than letters, digits and `._-` are left out.",
	.options = options,
	.options_size = sizeof(struct completion_options),
	.group = "look",
	.run = completion_run,
};
