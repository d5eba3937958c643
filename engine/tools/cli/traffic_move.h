/* traffic_move.h: Commands of an experiment without stages: an Experiment, or the predictors of a SeldonDeployment. They propose
 * its next version, with other traffic. For `sluice experiments promote`, `rollback`, `status` and `history`.
 */
#pragma once

#include "tools/cli/command.h"
#include "tools/client/control/control_session.h"
#include "tools/view/report/traffic_view.h"

/* Proposes what the command `verb` does to the experiment `name`, or shows it. Returns the exit code. */
int traffic_move_run(struct session *session, struct control_session *control, const struct control_author *author,
		     const char *name, const char *verb, bool dry_run);

/* Prints its shares, or its versions with `history`. Returns the exit code. */
int traffic_show(struct session *session, const struct control_session *control, const struct ledger_resource *resource,
		 bool history);
