/* policy_board.h: Board of the policies in force in a process: for each experiment with bandits the policy by which its
 * choices are drawn.
 *
 * A reader of policy records sets an entry, and workers choose by it. A worker never waits: it holds the policy that is in
 * force, uses it, and releases it (base/held_slot.h). An entry is never removed, so a reload keeps what is in force.
 *
 * Any thread may call.
 */
#pragma once

#include "methods/bandits/context.h"
#include "methods/bandits/policy.h"
#include "base/held_slot.h"
#include "message/records/policy_record.h"

struct policy_board;
struct policy_entry;

struct policy_in_force {
	struct held_value held; /* first */
	const struct policy *policy;
	const struct text *arms; /* names of the policy's arms */
	struct context_form form;
	const struct context_scale *scales; /* of each feature */
};

struct policy_board *policy_board_open(void); /* NULL: memory ran out */
void policy_board_close(struct policy_board *board); /* NULL is fine; nobody holds a policy */

/* The entry of an experiment, which lives as long as the board. NULL: memory ran out, or `board` is NULL. */
struct policy_entry *policy_board_entry(struct policy_board *board, const char *pipeline, const char *experiment);

/* Puts the policy of a record into force, which was read at `now_ms` by any clock. INPUT: its bytes are no policy, or do
 * not fit its names; the one before stays. */
bool policy_entry_set(struct policy_entry *entry, const struct policy_record *record, int64_t now_ms, struct error *error);

/* The same for the policy by which an experiment starts, before any record: it is put into force where none is, in place of one
 * that was begun before, whose version is that of the record, and in place of one of other candidates or features. */
bool policy_entry_begin(struct policy_entry *entry, const struct policy_record *record, int64_t now_ms, struct error *error);

/* Ends what was begun with that version, if it is in force still: there is no policy then. */
void policy_entry_end_start(struct policy_entry *entry, int64_t version);

/* NULL: there is none yet. It is to be released in either case. */
const struct policy_in_force *policy_entry_hold(struct policy_entry *entry);
void policy_entry_release(struct policy_entry *entry);

/* What is in force, for reports. */
struct policy_state {
	int64_t version; /* -1: none */
	int64_t rewards; /* from which it was learnt */
	int64_t set_ms;	 /* when the last record was read, which may have had the same policy */
};

struct policy_state policy_entry_state(const struct policy_entry *entry);

/* What the learner in this process has left out since the process began; 0 of an engine that never led. */
struct policy_losses {
	uint64_t refused, late, unknown; /* feedback: it has no reward that the algorithm takes; after the window; of no exposure */
	uint64_t by_unit;		 /* feedback that names a unit alone */
	uint64_t repeated;		 /* rewards of requests that had one, and exposures that came again */
	uint64_t feedback_dropped;	 /* of those: beyond a limit of the join */
	uint64_t dropped;		 /* exposures that gave their place to newer ones within the window */
	uint64_t missing;		 /* features that a request did not have */
	uint64_t uncomputed;		 /* requests whose reward could not be computed from the feedback that came */
};

/* By any thread, while others may read. */
void policy_entry_lose(struct policy_entry *entry, const struct policy_losses *more);
struct policy_losses policy_entry_losses(const struct policy_entry *entry);

/* Whether a loss of that number, below 32, is logged for the first time in this process. By the learner's thread. */
bool policy_entry_log_first(struct policy_entry *entry, unsigned loss);
