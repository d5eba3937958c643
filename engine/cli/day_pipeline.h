/* day_pipeline.h: the pipeline of a simulated day, drawn from its seed: a few blocks, one
 * behind the other, whose answer to a number is known. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_PIPELINE_H
#define SLUICE_CLI_DAY_PIPELINE_H

#include "base/random.h"
#include "plan/graph.h"
#include "serving/twin.h"
#include "spec/resource.h"

#define DAY_BLOCKS_MAX 4

enum day_block_kind {
	DAY_SCALE,  /* an expression */
	DAY_FORK,   /* two branches that meet again */
	DAY_FILTER, /* drops some */
	DAY_CALL,   /* asks a model, which has the step's name */
	DAY_BLOCK_KINDS
};

struct day_block {
	enum day_block_kind kind;
	int64_t factor, addend;
};

struct day_pipeline {
	struct spec spec;
	const struct graph *graph;
	const char *yaml;
	size_t count;
	struct day_block blocks[DAY_BLOCKS_MAX];
	size_t model_count;
	struct model_twin models[DAY_BLOCKS_MAX];
	struct model_config model_configs[DAY_BLOCKS_MAX];
};

/* In the arena. False: SYSTEM. */
bool day_pipeline_open(struct day_pipeline *pipeline, struct random *random, const struct step_kind *const *kinds,
		       struct arena *arena, struct error *error);
void day_pipeline_close(struct day_pipeline *pipeline);

/* What comes out for `number`; false: it is dropped. */
bool day_pipeline_answer(const struct day_pipeline *pipeline, int64_t number, int64_t *answer);

#endif
