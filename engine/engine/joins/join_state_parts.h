/* join_state_parts.h: Struct of the join state, shared by join_state.c (takes records) and join_state_recalled.c
 * (restores).
 */
#pragma once

#include "engine/joins/join_state.h"
#include "engine/joins/pending_commit.h"

struct join_state {
	struct worker_stage *stage;
	struct position input;
	struct join_rule rule;
	struct matcher *matcher;
	struct parked_parts parked_parts; /* parts that wait, and tombstones */
	bool puts_off;			  /* at least once: parts are deleted only after the commit */
	struct pending_commit_list pending_commit;
	int64_t taken;	       /* offset after the last record taken since it was opened */
	int64_t replayed;      /* offset after the last uncommitted record of which the store still has entries; they are ignored */
	bool stands;	       /* a window is due and stays open, because its sources are behind */
	unsigned char *states; /* scratch: enum source_state of each source */
	struct arena *scratch; /* scratch: for records that are decoded in part */
};

static inline size_t join_state_sources(const struct join_state *join_state)
{
	return join_state->rule.inputs.count + join_state->rule.triggers.count;
}

/* Fills in the part of a record, and the party that it comes from. The part is valid until the next call. False: the
 * sender is no source of this stage. */
bool join_state_tell(struct join_state *join_state, struct parked_part *own, struct text sender, const struct message *message,
		     struct join_part *part, struct error *error);
