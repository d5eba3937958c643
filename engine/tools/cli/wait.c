/* wait.c: `sluice wait`: waits until engines run the newest version of a resource. */
#include "tools/cli/command.h"
#include "tools/client/control/version_wait.h"

#define ANSWER_BYTES_MAX ((size_t)64 << 10)

struct wait_options {
	struct pipeline_target_asked asked;
	int state;
	int64_t timeout_ns;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct wait_options, asked),
	PIPELINE_TARGET_ROWS(struct wait_options, asked),
	ROW("for", CHOICE, struct wait_options, state, .choices = "ready active", .fallback = "ready",
	    .help = "`ready`: all engines run it, and a request that is sent now is answered. `active`: the keeper has put it in "
		    "force."),
	ROW("timeout", DURATION, struct wait_options, timeout_ns, .word = "TIME", .fallback = "90s",
	    .help = "How long to wait. The keeper gives engines 60 s to prepare a change."),
	COMMAND_FORM(wait_options, form, "text json"),
	{.type = OPTION_END},
};

static int wait_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct wait_options *self = filled;
	struct version_wait waiting = {.state = (enum version_state)self->state, .timeout_ns = self->timeout_ns};
	struct error error = {0};
	struct buffer out;
	int code;
	(void)count;
	if (version_wait_run(&waiting, command_workspace(session), &self->asked, arguments[0], &error)) {
		buffer_open(&out, ANSWER_BYTES_MAX);
		version_wait_print(&waiting, session->form == OUTPUT_JSON, &out);
		code = command_write(session, &out);
	} else {
		code = command_refused(session, &error);
	}
	version_wait_close(&waiting);
	return code;
}

const struct command command_wait = {
	.name = "wait",
	.arguments = "KIND/NAME",
	.summary = "Waits until engines run the newest version of a resource.",
	.help = "It waits for the version that is the newest one when the command starts. It ends at once, with the reason, when "
		"that version fails.\n\n"
		"  sluice apply -f fraud.yaml && sluice wait pipeline/fraud --timeout 2m\n",
	.options = options,
	.options_size = sizeof(struct wait_options),
	.group = "deploy",
	.run = wait_run,
};
