/* control_stand.h: Topics of a namespace's control plane in memory, and a keeper on them, for tests. What the keeper
 * returns is appended to `control` as a transaction is: whole or not at all. */
#pragma once

#include "control/engine/control_reader.h"
#include "control/keeper/keeper.h"

#define STAND_RECORDS_MAX 40000

struct control_stand {
	struct arena *arena; /* of all bytes */
	struct keeper_record *control;
	size_t control_count;
	struct text *proposals;
	size_t proposal_count;
	int64_t now_ms;
	struct keeper_options options;
	struct keeper *keeper;
	size_t taken; /* proposals that the keeper has read */
};

void control_open(struct control_stand *stand);
void control_close(struct control_stand *stand);

/* Starts a keeper from what `control` holds; the one before is closed. Its first record is appended. */
void control_keeper_start(struct control_stand *stand);

/* Appends the records of the keeper's last step. */
void control_commit(struct control_stand *stand);

/* Removes from `control` what a compacted topic may lack: all but the last record of a key, and tombstones. */
void control_compact(struct control_stand *stand);

/* Appends a record to `control`. */
void control_append(struct control_stand *stand, struct text key, struct text value);

/* Encoded in the stand's arena. */
struct text control_encode(struct control_stand *stand, const struct record_form *form, const void *record);

/* Appends a proposal; the id, namespace and time are filled in where they are not set. */
void control_send(struct control_stand *stand, struct proposal proposal);

/* Lets the keeper read all proposals that it has not read, and commits each step. */
void control_read(struct control_stand *stand);

/* Sends, reads, and returns the verdict of that id. */
const struct control_verdict *control_ask(struct control_stand *stand, struct proposal proposal);

/* An engine's report reaches the keeper, which commits. */
void control_report(struct control_stand *stand, struct engine_report report);

/* Time passes, and the keeper looks. */
void control_pass(struct control_stand *stand, int64_t ms);

/* A reader of all of `control`. */
void control_reader(const struct control_stand *stand, struct control_reader *reader);

/* All that a ledger holds, as text, to compare. */
void ledger_print(const struct ledger *ledger, struct buffer *out);
