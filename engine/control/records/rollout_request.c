/* rollout_request.c: see rollout_request.h. */
#include "control/records/rollout_request.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/number/moment.h"
#include "experiments/rollouts/rollout.h"

#define SENTENCE_BYTES_MAX 160 /* of the last move: an error has to fit its other words, too */
#define MOVES_BYTES 64

/* What a repeated command is known by. A rollback is wanted wherever the rollout is, so it is no row. */
struct repeated_verb {
	const char *verb;
	enum rollout_command_kind commands[2];
	/* It comes again and again: whoever has given another command since gives a new one. What follows from one that is the last
	 * move is said by the state. */
	bool alternates;
	const char *again;
};

static const struct repeated_verb repeated_verbs[] = {
	{"promote", {COMMAND_PROMOTE, COMMAND_APPROVE}, false, "promoted"},
	{"pause", {COMMAND_PAUSE, COMMAND_PAUSE}, true, "paused"},
	{"resume", {COMMAND_RESUME, COMMAND_RESUME}, true, "resumed"},
};

static const struct repeated_verb *repeated_verb_find(const char *verb)
{
	for (size_t i = 0; i < sizeof repeated_verbs / sizeof *repeated_verbs; i++)
		if (strcmp(repeated_verbs[i].verb, verb) == 0)
			return &repeated_verbs[i];
	return NULL;
}

/* Whether the move is what the request asks for: somebody who got no answer in time may ask again. */
static bool move_is_of(const struct control_move *move, const struct repeated_verb *verb, const struct rollout_request *request)
{
	return text_equal(move->author, request->author) && text_equal(move->reason, request->reason) &&
	       (rollout_move_is_by(move->evidence, verb->commands[0]) || rollout_move_is_by(move->evidence, verb->commands[1]));
}

/* The latest move of the present rollout that is what the request asks for. NULL: there is none. */
static const struct control_move *given_find(const struct ledger_rollout *rollout, const struct repeated_verb *verb,
					     const struct rollout_request *request)
{
	for (size_t i = rollout->count; i > 0; i--) {
		const struct control_move *move = &rollout->moves[i - 1]->record;
		if (move_is_of(move, verb, request))
			return verb->alternates && i == rollout->count ? NULL : move;
		if (rollout_move_begins(move->evidence) || (verb->alternates && text_equal(move->author, request->author)))
			return NULL;
	}
	return NULL;
}

/* A retry cannot be told from a new request: so whoever wants it once more says that he has seen where the rollout is. */
static bool repeated_refuse(const struct ledger_rollout *rollout, const struct repeated_verb *verb,
			    const struct control_move *given, struct error *error)
{
	const struct control_move *last = &rollout->moves[rollout->count - 1]->record;
	if (given == last && rollout_move_is_by(last->evidence, COMMAND_PROMOTE)) /* nothing is left to promote */
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the last move of `" TEXT_FORMAT "`, %" PRId64 ", is this command of " TEXT_FORMAT
				 " already: the candidates have all the traffic",
				 TEXT_ARGUMENTS(rollout->name), last->number, TEXT_ARGUMENTS(last->author));
	if (given == last)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the last move of `" TEXT_FORMAT "`, %" PRId64 ", is this command of " TEXT_FORMAT
				 " already: " TEXT_FORMAT " To promote it further, add --seen %" PRId64,
				 TEXT_ARGUMENTS(rollout->name), last->number, TEXT_ARGUMENTS(last->author),
				 TEXT_ARGUMENTS(last->sentence), last->number);
	char at[MOMENT_BYTES], since[MOVES_BYTES];
	struct text sentence = last->sentence;
	if (sentence.length > SENTENCE_BYTES_MAX)
		sentence.length = SENTENCE_BYTES_MAX;
	moment_print(given->time_ms, at);
	(void)snprintf(since, sizeof since, last->number == given->number + 1 ? "move %" PRId64 : "moves %" PRId64 " to %" PRId64,
		       given->number + 1, last->number);
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "this command of " TEXT_FORMAT ", with this reason, was done at %s, as move %" PRId64 " of `" TEXT_FORMAT
			 "`, which has made %s since; the last one: " TEXT_FORMAT
			 " If it is to be %s again, give another --reason, or add --seen %" PRId64,
			 TEXT_ARGUMENTS(given->author), at, given->number, TEXT_ARGUMENTS(rollout->name), since,
			 TEXT_ARGUMENTS(sentence), verb->again, last->number);
}

const char *rollout_command_of(const struct ledger_rollout *rollout, const char *verb)
{
	return strcmp(verb, "promote") == 0 && rollout->has_record && rollout->record.waiting ? "approve" : verb;
}

bool rollout_request_item(const struct ledger_rollout *rollout, const struct rollout_request *request, struct proposal_item *item,
			  struct error *error)
{
	const struct control_move *last = rollout->count > 0 ? &rollout->moves[rollout->count - 1]->record : NULL;
	const bool has_seen = request->seen != ROLLOUT_SEEN_RECORDED;
	const struct repeated_verb *verb = has_seen ? NULL : repeated_verb_find(request->verb);
	const struct control_move *given = verb ? given_find(rollout, verb, request) : NULL;
	if (given)
		return repeated_refuse(rollout, verb, given, error);
	*item = (struct proposal_item){.kind = ROLLOUT_COMMAND_KIND,
				       .name = rollout->name,
				       .document = text_of(rollout_command_of(rollout, request->verb)),
				       .expected = has_seen				    ? request->seen
						   : strcmp(request->verb, "rollback") == 0 ? PROPOSAL_EXPECTS_ANY
						   : last				    ? last->number
											    : 0};
	return true;
}
