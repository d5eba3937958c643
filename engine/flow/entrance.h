/* entrance.h: where a pipeline reads other pipelines (input.externalInputs and
 * externalTriggers): the points that it reads, what its references select of what comes
 * there, and how that becomes one request.
 *
 * Made once from a graph, immutable; in an arena. What has come of a request, and whether
 * that is enough, is a matter of joins (flow/join_matcher.h), one table for what is kept
 * together: a partition, or all.
 */
#ifndef SLUICE_FLOW_ENTRANCE_H
#define SLUICE_FLOW_ENTRANCE_H

#include "flow/join_matcher.h"
#include "plan/graph.h"

/* A point of another pipeline, and so a topic. */
struct entrance_point {
	const char *pipeline;
	const char *step; /* NULL: the pipeline's own inputs or outputs */
	enum source_point point;
	const char *name; /* "base.outputs", "base.step.s.inputs" */
};

struct entrance {
	size_t point_count; /* the parties of its joins */
	struct entrance_point *points;
	size_t count;		/* of references: inputs, then triggers */
	struct source *sources; /* of each; `step` is its point's number */
	size_t *leader;		/* of the inputs */
	struct join_rule rule;
	struct place place; /* of the first reference */
	const char *pipeline;
};

/* NULL: memory ran out, or the graph reads no other pipeline (nothing is failed then). */
const struct entrance *entrance_make(const struct graph *graph, struct arena *arena);

/* What a payload that came at a point is for each reference (`told` has room for `count`);
 * payload NULL: it is known that nothing comes. False: for none of them. */
bool entrance_tell(const struct entrance *entrance, size_t point, const struct payload *payload, unsigned char *told);

/* Whether what came at one point is enough, where no other is read: `told` by it. */
static inline bool entrance_opens(const struct entrance *entrance, const unsigned char *told)
{
	return pending_join_is_enough(&entrance->rule, told);
}

/* The request that they make together; of each input what came, NULL: nothing. NULL: the
 * arena is full. */
const struct payload *entrance_join(const struct entrance *entrance, const struct payload *const *came, struct arena *arena);

/* LIMIT: the rest of it came too late. */
void entrance_late(const struct entrance *entrance, struct error *error);

#endif
