/* join_state_parts.h: Struct of the join state, shared by join_state.c (takes records) and join_state_recalled.c
 * (restores).
 */
#ifndef SLUICE_WORKER_JOIN_STATE_INSIDE_H
#define SLUICE_WORKER_JOIN_STATE_INSIDE_H

#include "worker/join_state.h"
#include "worker/pending_commit.h"

struct join_state {
	struct worker_stage *stage;
	struct position input;
	struct join_rule rule;
	struct matcher *matcher;
	struct parked_parts parked_parts; /* their parts, and the marks of those that are over */
	bool puts_off;			  /* at least once: the forgetting of parts */
	struct pending_commit_list pending_commit;
	int64_t taken;	       /* the offset behind the last record taken since then */
	int64_t replayed;      /* behind the last record of which something stands in the store that counts for nothing */
	bool stands;	       /* a window that is due stands still, for its sources are behind */
	unsigned char *told;   /* scratch: of each source */
	struct arena *scratch; /* for records that are looked into */
};

static inline size_t join_state_sources(const struct join_state *join_state)
{
	return join_state->rule.inputs.count + join_state->rule.triggers.count;
}

/* What a record brings and where it belongs, until the next one is looked at. False: its sender gives nothing to
 * this stage. */
bool join_state_tell(struct join_state *join_state, struct parked_part *own, struct text sender, const struct message *message,
		     struct join_part *part, struct error *error);

#endif
