/* rollout_preview.h: Preview of a command of a rollout: the move and the bucket table that the keeper would make by it, from what
 * `control` contains. It changes nothing.
 *
 * The state is that of the keeper's last look. Until it gets the command, a look may move the rollout, and requests are counted:
 * the keeper adds what was counted until then to the evidence of a move that it makes. Pure.
 */
#pragma once

#include "control/keeper/rollout_table.h"

struct rollout_preview {
	struct text sentence, evidence;	    /* of the move, as its record would have them but for ROLLOUT_MOVE_COUNTED */
	struct control_table before, after; /* shares and, of the second, the buckets moved */
};

/* What the command `words` ("promote") of that author would do; texts are in the arena, or of the ledger. INPUT: it would be
 * refused, or the recorded state cannot be read. CONFIG: no rollout of that name runs. SYSTEM. */
bool rollout_preview_make(const struct ledger *ledger, const struct keeper_rollout_reader *reader, const char *experiment,
			  const char *words, const char *author, int64_t now_ms, struct arena *arena,
			  struct rollout_preview *preview, struct error *error);
