/* day_pipeline.h: the pipeline of a simulated day, drawn from its seed: a few blocks, one
 * behind the other, whose answer to a number is known. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_PIPELINE_H
#define SLUICE_CLI_DAY_PIPELINE_H

#include "base/random.h"
#include "serving/twin.h"
#include "step/step.h"

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
	bool isolated;	   /* its last step is a stage of its own */
	bool apart;	   /* of a fork, and before what counts: two branches are stages of their own, and are joined */
	int batch;	   /* so many requests go through it together; 0: each alone */
	int batch_wait_ms; /* for the others */
};

struct day_pipeline {
	const char *name;
	bool exactly_once;
	bool counts;
	bool by_partition; /* `order: partition` */
	bool tapped;	 /* what its steps are given and give is told */
	unsigned logged; /* so is a share of what its models are sent and give, in percent; 0: nothing */
	unsigned parts;	 /* answers to a request that is not dropped: 1, or DAY_PARTS */
	size_t count;
	struct day_block blocks[DAY_BLOCKS_MAX + 1];
	size_t model_count;
	struct model_twin models[DAY_BLOCKS_MAX];
	struct model_config model_configs[DAY_BLOCKS_MAX];
};

/* Named, and either delivery. `may_count`: one of its blocks may remember. */
void day_pipeline_draw(struct day_pipeline *pipeline, bool may_count, struct random *random);

/* The same with other numbers. */
void day_pipeline_redraw(struct day_pipeline *pipeline, const struct day_pipeline *before, struct random *random);

/* The models that it calls, in the arena. False: SYSTEM. */
bool day_pipeline_models(struct day_pipeline *pipeline, const char *mark, struct random *random, struct arena *arena,
			 struct error *error);

/* Appends it as YAML, and its models where something is to be said of them. */
void day_pipeline_write(const struct day_pipeline *pipeline, struct buffer *yaml);

/* What a block makes of a number, of whose class `count` have come, itself among them;
 * false: it is dropped. Of parts it is that of the first. */
bool day_block_answer(const struct day_block *block, int64_t count, int64_t *number);

#endif
