/* move_notices.h: Notices of the moves of rollouts: each move is sent to the receivers in `actions` of its Experiment.
 *
 * The keeper looks after each of its transactions, so a notice is of a move that is recorded. Each action has its own position:
 * a receiver that takes nothing now gets its moves later, in their order, and the others do not wait for it.
 *
 * Each move is sent at least once: a keeper that begins sends those of the last MOVE_AGAIN_MS again, with the same id, because
 * nobody knows which of them the keeper before it has delivered. The id is a hash of the namespace, the experiment, and the
 * number and the time of the move. A webhook gets it as `id` of the body, and as the header Idempotency-Key; the record of a
 * topic has those fields. A move that is older when a keeper begins is not sent any more; `sluice experiments history` has it.
 * A version with other actions repeats what one of them has not taken.
 *
 * Pure. Belongs to one thread.
 */
#pragma once

#include "control/keeper/rollout_document.h"

#define MOVE_AGAIN_MS ((int64_t)24 * 3600 * 1000) /* a sender gives a notice up at that age (monitor/alerts/notice_queue.h) */
#define MOVE_PAUSE_MS 1000			  /* after a notice that was not taken */
#define MOVE_NOTICE_BYTES_MAX ((size_t)64 << 10)  /* a longer one is sent without its evidence */

struct move_notice {
	const char *experiment;
	int64_t number;
	const char *id;
	/* For a webhook JSON: id, namespace, experiment, number, sentence, author, reason, keeper, at, move (its evidence). For a
	 * topic the record of the move, as in `control`. */
	struct text body;
};

/* Takes a notice for a receiver, and copies it. False: not now, for the reason in `error`; it is asked again. */
struct move_sender {
	void *context;
	bool (*send)(void *context, const struct move_action *action, const struct move_notice *notice, struct error *error);
};

struct move_notices {
	struct keeper_rollout_reader reader;
	struct move_sender sender;
	int64_t begun_ms;    /* time of day */
	/* Private: */
	int64_t again_ms;    /* no look before that; monotonic */
	bool has_looked;     /* at all of so many records: */
	uint64_t records;
	struct list sent; /* the positions of each experiment */
};

/* A term begins, at that time of day: what was sent before is forgotten. */
void move_notices_begin(struct move_notices *notices, int64_t now_ms);

/* Sends the moves that were not sent yet; `now_ms` is monotonic. False: one could not be sent now. */
bool move_notices_look(struct move_notices *notices, const struct ledger *ledger, int64_t now_ms, struct error *error);

void move_notices_close(struct move_notices *notices);

#define MOVE_ID_BYTES 17 /* hexadecimal */

/* The notice of a move for a webhook: its id, and the JSON appended, without the evidence if that is too long. False: LIMIT. */
bool move_notice_write(const struct control_move *move, char id[MOVE_ID_BYTES], struct buffer *body, struct error *error);
