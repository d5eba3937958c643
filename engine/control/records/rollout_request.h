/* rollout_request.h: Request of a person to a rollout: the command, and the last move that he has seen.
 *
 * The keeper refuses a command whose author has not seen the rollout's last move. So of two people who approve a stage at once, or
 * of one who sends an approval again, one is refused, and no stage is skipped. A rollback is wanted wherever the rollout is, so it
 * says what its author has seen only if he does.
 *
 * Who got no answer in time, or runs a script again, would promote what has moved on meanwhile, or pause what another
 * person has resumed. So a promotion, a pause and a resumption that the present rollout has had already, by the same author for the
 * same reason, are refused unless he says what he has seen. A pause or resumption is a new one if he has given another command
 * since.
 *
 * Pure.
 */
#pragma once

#include "control/records/ledger.h"

#define ROLLOUT_SEEN_RECORDED (-1) /* the last move of the ledger */

struct rollout_request {
	const char *verb; /* "promote" */
	struct text author, reason;
	int64_t seen; /* number of a move, or ROLLOUT_SEEN_RECORDED */
};

/* The command that a verb is for this rollout: a promotion of a stage that waits is an approval, which fits nothing else. */
const char *rollout_command_of(const struct ledger_rollout *rollout, const char *verb);

/* The item of the proposal, which borrows from the rollout and the request. False: CONFIG, the rollout has had this command
 * already, and its author does not say that he has seen it. */
bool rollout_request_item(const struct ledger_rollout *rollout, const struct rollout_request *request, struct proposal_item *item,
			  struct error *error);
