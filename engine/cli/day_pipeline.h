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
	DAY_GATHER, /* rows that each ask a model, and come together again */
	DAY_BLOCK_KINDS,
	DAY_COUNT = DAY_BLOCK_KINDS, /* remembers: the first of a pipeline alone, and not in every one */
	DAY_SPLIT		     /* rows that answer for themselves: the last alone, and not in every one */
};

#define DAY_PARTS 3 /* rows; each is one more than that before it */

/* What it remembers: how many numbers of each class came in a partition. */
#define DAY_CLASSES 4
#define DAY_COUNTED 1000 /* the answer has so much more for each */
extern const struct step_kind day_count;

struct day_block {
	enum day_block_kind kind;
	int64_t factor, addend;
};

struct day_pipeline {
	const struct step_kind *kinds[64]; /* the real ones, and the simulator's own */
	bool counts;
	unsigned parts; /* answers to a request that is not dropped: 1, or DAY_PARTS */
	struct spec spec;
	const struct graph *graph;
	const char *yaml;
	size_t count;
	struct day_block blocks[DAY_BLOCKS_MAX + 1];
	size_t model_count;
	struct model_twin models[DAY_BLOCKS_MAX];
	struct model_config model_configs[DAY_BLOCKS_MAX];
};

/* In the arena. `may_count`: one of its blocks may remember. False: SYSTEM. */
bool day_pipeline_open(struct day_pipeline *pipeline, bool may_count, struct random *random, const struct step_kind *const *kinds,
		       struct arena *arena, struct error *error);
void day_pipeline_close(struct day_pipeline *pipeline);

/* What comes out for `number`, of whose class `count` have come, itself among them; false:
 * it is dropped. Of parts it is that of the first. */
bool day_pipeline_answer(const struct day_pipeline *pipeline, int64_t number, int64_t count, int64_t *answer);

#endif
