/* session_revision.h: Reading of files for a command: what is found in them is printed on the session's `err`.
 */
#ifndef SLUICE_CLI_SESSION_REVISION_H
#define SLUICE_CLI_SESSION_REVISION_H

#include "cli/command.h"
#include "runtime/revision.h"

/* revision_open() with the kinds, the names and the report of the session. */
struct revision *session_revision_open(struct session *session, const struct revision_options *options, struct error *error);

#endif
