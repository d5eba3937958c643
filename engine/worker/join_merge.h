/* join_merge.h: the parts of a join, put together as the one message that enters its stage.
 * The join state's own.
 *
 * Of stages of the pipeline the first part gives the envelope, and those behind it say what
 * else became of the steps; what is missing then fails as a LIMIT that names the window. Of
 * other pipelines each part brings a payload, for all the inputs that it is of.
 */
#ifndef SLUICE_WORKER_JOIN_MERGE_H
#define SLUICE_WORKER_JOIN_MERGE_H

#include "worker/parked_parts.h"
#include "worker/parts.h"

struct join_merge {
	const struct worker_stage *stage;
	const struct parked_parts *parked_parts; /* of the join's parts */
	const struct pending_join *pending_join;
	const struct parked_part *own; /* the part of the flight's own record; NULL: it is only word that a window has closed */
	struct flight *flight;	       /* whose message it becomes, in its arena */
};

/* False: a part that cannot be read, or memory; the flight is to be answered with the error. */
bool join_merge_parts(const struct join_merge *join_merge, struct error *error);

#endif
