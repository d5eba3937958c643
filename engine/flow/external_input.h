/* external_input.h: External inputs of a pipeline (input.externalInputs and externalTriggers). They are the points of
 * other pipelines that it reads, the tensors that its references select there, and the request that results.
 *
 * Made once from a graph, immutable, in an arena. A join matcher (flow/join_matcher.h) decides whether the parts of a
 * request are complete. There is one matcher for each unit of state: a partition, or everything.
 */
#pragma once

#include "flow/join_matcher.h"
#include "compiler/graph/graph.h"

/* Point of another pipeline: one topic. */
struct external_input_point {
	const char *pipeline;
	const char *step; /* NULL: the pipeline's own inputs or outputs */
	enum source_point point;
	const char *name; /* "base.outputs", "base.step.s.inputs" */
};

struct external_input {
	size_t point_count; /* points are the parties of its joins */
	struct external_input_point *points;
	size_t count;		/* of references: inputs, then triggers */
	struct source *sources; /* of each reference; `step` is the number of its point */
	size_t *leader;		/* of each input: the first reference to the same point */
	struct join_rule rule;
	struct place place; /* of the first reference */
	const char *pipeline;
};

/* NULL: memory ran out, or the graph reads no other pipeline (then nothing has failed). */
const struct external_input *external_input_make(const struct graph *graph, struct arena *arena);

/* Writes the enum source_state of each reference for a payload that came at a point; `states` has space for `count`. NULL
 * payload: it is certain that none comes. False: no reference selects from that point. */
bool external_input_tell(const struct external_input *external_input, size_t point, const struct payload *payload,
			 unsigned char *states);

/* Whether one record is enough for a request, where only one point is read. `states` is its result of
 * external_input_tell(). */
static inline bool external_input_opens(const struct external_input *external_input, const unsigned char *states)
{
	return pending_join_is_enough(&external_input->rule, states);
}

/* Builds the request from the payload of each input; NULL in `came`: nothing came. Returns NULL: the arena is full. */
const struct payload *external_input_join(const struct external_input *external_input, const struct payload *const *came,
					  struct arena *arena);

/* Sets a LIMIT error: the rest of the request came too late. */
void external_input_late(const struct external_input *external_input, struct error *error);
