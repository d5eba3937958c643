/* workspace.h: Workspace that a command lends to the modules that work for it: kinds of steps, an arena, a receiver of findings,
 * the table of commands. These modules print nothing; the command decides where a finding is shown.
 *
 * The receiver is called in the thread of the function that got the workspace. What it is passed lives until it returns.
 */
#pragma once

#include "compiler/yaml/fault.h"
#include "compiler/step/step.h"

struct command;

/* Receiver of findings. Every member but `context` is set. */
struct fault_report {
	void (*faults)(void *context, const struct faults *faults); /* of files: errors and warnings */
	void (*note)(void *context, const char *line);		    /* a note that is no obstacle; without its end of line */
	void (*warning)(void *context, const char *line);	    /* of what does not work for a time; without its end of line */
	void (*failure)(void *context, const struct error *error);  /* a part failed, and the rest goes on */
	void *context;
};

/* Borrowed as long as whatever was opened with it. */
struct workspace {
	const struct step_kind *const *kinds;
	struct arena *arena; /* outlives what was opened with the workspace: errors borrow their texts from it */
	struct fault_report report;
	const struct command *const *commands; /* for pages that list them (tools/help/command_row.h); NULL: none does */
};

/* Pass the finding to the receiver. */
void workspace_faults(const struct workspace *workspace, const struct faults *faults);
void workspace_failed(const struct workspace *workspace, const struct error *error);
/* Notes how many records were left out because they cannot be read, if any were. `of`: which, as " of feedback"; "": any. */
void workspace_note_unreadable(const struct workspace *workspace, uint64_t count, const char *of, const struct error *first);

/* A part of the process was to read its files again, and goes on with what it has: as an engine says it of its files. `why`: as
 * "the certificate has errors". */
void workspace_reload_rejected(const struct workspace *workspace, const char *why);
void workspace_warn(const struct workspace *workspace, const char *format, ...) __attribute__((format(printf, 2, 3)));
void workspace_note(const struct workspace *workspace, const char *format, ...) __attribute__((format(printf, 2, 3)));
