/* join_merge.h: Merge of the parts of a join into the one message that enters the stage. Private to the join
 * state.
 *
 * Parts from stages of the same pipeline: the first part gives the envelope, and the others add the results of
 * their steps. A missing result fails as a LIMIT that names the window. Parts from other pipelines: each brings a
 * payload for the inputs that it belongs to.
 */
#ifndef SLUICE_ENGINE_JOINS_JOIN_MERGE_H
#define SLUICE_ENGINE_JOINS_JOIN_MERGE_H

#include "engine/joins/parked_parts.h"
#include "engine/worker/parts.h"

struct join_merge {
	const struct worker_stage *stage;
	const struct parked_parts *parked_parts; /* where the join's parts are parked */
	const struct pending_join *pending_join;
	const struct parked_part
		*own; /* part of the in-flight message's own record; NULL: the record only reports that a window has closed */
	struct inflight *inflight; /* its message becomes the merged one, in its arena */
};

/* False: a part cannot be read, or memory ran out. The caller answers the in-flight message with the error. */
bool join_merge_parts(const struct join_merge *join_merge, struct error *error);

#endif
