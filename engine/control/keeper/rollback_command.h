/* rollback_command.h: Command by which an alert rolls back the rollout of an experiment: a proposal to the keeper, as
 * `sluice experiments rollback` sends one. Its id is that of the alert's notice, so the keeper decides it once, however often it
 * is sent. Pure. */
#pragma once

#include "compiler/conditions/notice.h"
#include "base/text.h"

/* Appends the record of topic `proposals`. LIMIT: it does not fit. */
bool rollback_command_encode(const struct alert_message *message, const char *experiment, struct buffer *record,
			     struct error *error);
