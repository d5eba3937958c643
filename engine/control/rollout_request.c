/* rollout_request.c: see rollout_request.h. */
#include "control/rollout_request.h"

#include <inttypes.h>
#include <string.h>

#include "experiments/rollout.h"

/* Whether the move is what the request asks for: somebody who got no answer in time may ask again. */
static bool move_is_of(const struct control_move *move, const struct rollout_request *request)
{
	return text_equal(move->author, request->author) && text_equal(move->reason, request->reason) &&
	       (rollout_move_is_by(move->evidence, COMMAND_PROMOTE) || rollout_move_is_by(move->evidence, COMMAND_APPROVE));
}

bool rollout_request_item(const struct ledger_rollout *rollout, const struct rollout_request *request, struct proposal_item *item,
			  struct error *error)
{
	const struct control_move *last = rollout->count > 0 ? &rollout->moves[rollout->count - 1]->record : NULL;
	const bool promotes = strcmp(request->verb, "promote") == 0, is_said = request->seen != ROLLOUT_SEEN_RECORDED;
	const bool approves = promotes && rollout->has_record && rollout->record.waiting;
	if (promotes && !is_said && last && move_is_of(last, request))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the last move of `" TEXT_FORMAT "`, %" PRId64 ", is this command of " TEXT_FORMAT
				 " already: " TEXT_FORMAT " To promote it further, add --seen %" PRId64,
				 TEXT_ARGUMENTS(rollout->name), last->number, TEXT_ARGUMENTS(last->author),
				 TEXT_ARGUMENTS(last->sentence), last->number);
	*item = (struct proposal_item){.kind = ROLLOUT_COMMAND_KIND,
				       .name = rollout->name,
				       .document = text_of(approves ? "approve" : request->verb),
				       .expected = is_said				    ? request->seen
						   : strcmp(request->verb, "rollback") == 0 ? PROPOSAL_EXPECTS_ANY
						   : last				    ? last->number
											    : 0};
	return true;
}
