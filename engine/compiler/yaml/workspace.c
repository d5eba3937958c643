/* workspace.c: see workspace.h. */
#include "compiler/yaml/workspace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "observe/log_sink.h"

void workspace_faults(const struct workspace *workspace, const struct faults *faults)
{
	workspace->report.faults(workspace->report.context, faults);
}

void workspace_failed(const struct workspace *workspace, const struct error *error)
{
	workspace->report.failure(workspace->report.context, error);
}

void workspace_note_unreadable(const struct workspace *workspace, uint64_t count, const char *of, const struct error *first)
{
	if (count > 0)
		workspace_note(workspace, "%" PRIu64 " record%s%s that cannot be read %s left out; the first: %s", count,
			       count == 1 ? "" : "s", of, count == 1 ? "was" : "were", first->text);
}

void workspace_reload_rejected(const struct workspace *workspace, const char *why)
{
	struct error error = {0};
	error_set(&error, ERROR_CONFIG, PLACE_NONE, "reload rejected: %s. The running version is unchanged", why);
	workspace_failed(workspace, &error);
}

void workspace_note(const struct workspace *workspace, const char *format, ...)
{
	char text[LOG_MESSAGE_BYTES];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	workspace->report.note(workspace->report.context, text);
}

void workspace_warn(const struct workspace *workspace, const char *format, ...)
{
	char text[LOG_MESSAGE_BYTES];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	workspace->report.warning(workspace->report.context, text);
}
