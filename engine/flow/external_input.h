/* external_input.h: External inputs of a pipeline (input.externalInputs and externalTriggers): the points of other
 * pipelines that it reads, the tensors that its references select there, and the request that they make.
 *
 * Made once from a graph, immutable, in an arena. Whether the parts of a request are complete is decided by a join
 * matcher (flow/join_matcher.h), one for each unit of state: a partition, or everything.
 */
#ifndef SLUICE_FLOW_EXTERNAL_INPUT_H
#define SLUICE_FLOW_EXTERNAL_INPUT_H

#include "flow/join_matcher.h"
#include "plan/graph.h"

/* A point of another pipeline, and so a topic. */
struct external_input_point {
	const char *pipeline;
	const char *step; /* NULL: the pipeline's own inputs or outputs */
	enum source_point point;
	const char *name; /* "base.outputs", "base.step.s.inputs" */
};

struct external_input {
	size_t point_count; /* the parties of its joins */
	struct external_input_point *points;
	size_t count;		/* of references: inputs, then triggers */
	struct source *sources; /* of each; `step` is its point's number */
	size_t *leader;		/* of the inputs */
	struct join_rule rule;
	struct place place; /* of the first reference */
	const char *pipeline;
};

/* NULL: memory ran out, or the graph reads no other pipeline (nothing is failed then). */
const struct external_input *external_input_make(const struct graph *graph, struct arena *arena);

/* What a payload that came at a point is for each reference (`told` has room for `count`);
 * payload NULL: it is known that nothing comes. False: for none of them. */
bool external_input_tell(const struct external_input *external_input, size_t point, const struct payload *payload,
			 unsigned char *told);

/* Whether what came at one point is enough, where no other is read: `told` by it. */
static inline bool external_input_opens(const struct external_input *external_input, const unsigned char *told)
{
	return pending_join_is_enough(&external_input->rule, told);
}

/* The request that they make together; of each input what came, NULL: nothing. NULL: the
 * arena is full. */
const struct payload *external_input_join(const struct external_input *external_input, const struct payload *const *came,
					  struct arena *arena);

/* LIMIT: the rest of it came too late. */
void external_input_late(const struct external_input *external_input, struct error *error);

#endif
