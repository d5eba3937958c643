/* session_revision.c: see session_revision.h. */
#include "cli/session_revision.h"

static void report_faults(void *context, const struct faults *faults)
{
	(void)command_faults(context, faults);
}

static void report_note(void *context, const char *line)
{
	command_note(context, "%s", line);
}

struct revision *session_revision_open(struct session *session, const struct revision_options *options, struct error *error)
{
	struct revision_options whole = *options;
	whole.kinds = session->kinds;
	whole.names = session->arena;
	whole.report = (struct revision_report){.faults = report_faults, .note = report_note, .context = session};
	return revision_open(&whole, error);
}
