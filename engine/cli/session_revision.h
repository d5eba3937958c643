/* session_revision.h: Opening of a revision for a command: faults of the files are printed on the session's `err`. */
#ifndef SLUICE_CLI_SESSION_REVISION_H
#define SLUICE_CLI_SESSION_REVISION_H

#include "cli/command.h"
#include "runtime/revision.h"

/* revision_open() with the kinds, names and report of the session. */
struct revision *session_revision_open(struct session *session, const struct revision_options *options, struct error *error);

#endif
