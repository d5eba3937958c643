/* simulation_pipeline.h: Random pipeline of a simulation run, drawn from its seed: a chain of a few blocks whose answer to a
 * number is known. Private to `sluice sim`. */
#pragma once

#include "base/number/random.h"
#include "simulation/simulated_models.h"
#include "compiler/step/step.h"

#define SIMULATION_BLOCKS_MAX 4

enum simulation_block_kind {
	SIMULATION_SCALE,  /* an expression */
	SIMULATION_FORK,   /* two branches that are joined again */
	SIMULATION_FILTER, /* drops some requests */
	SIMULATION_CALL,   /* calls a model, which has the step's name */
	SIMULATION_GATHER, /* child messages, one for each row, that each call a model and are collected again */
	SIMULATION_BLOCK_KINDS,
	SIMULATION_COUNT = SIMULATION_BLOCK_KINDS, /* has state: only as the first of a pipeline, and not in every one */
	SIMULATION_SPLIT			   /* child messages that each answer: only as the last, and not in every one */
};

#define SIMULATION_PARTS 3 /* rows; each is one greater than the previous one */

/* Its state: the count of numbers of each class in a partition. */
#define SIMULATION_CLASSES 4
#define SIMULATION_COUNTED 1000 /* the answer is greater by so much for each */
extern const struct step_kind simulation_count;

struct simulation_block {
	enum simulation_block_kind kind;
	int64_t factor, addend;
	bool isolated;	   /* its last step is its own stage */
	bool apart;	   /* for a fork before the counting step: two branches are stages of their own, and are joined */
	int batch;	   /* requests in a batch; 0: no batches */
	int batch_wait_ms; /* time to wait for the others */
};

struct simulation_pipeline {
	const char *name;
	bool exactly_once;
	bool counts;
	bool by_partition; /* `order: partition` */
	bool gap_stops;	   /* `onGap: stop` */
	bool tapped;	   /* inputs and outputs of its steps are recorded */
	unsigned logged;   /* share of its models' requests and replies that is recorded, in percent; 0: none */
	size_t window;	   /* of a step `drift` at its end; 0: it has none */
	unsigned watches;  /* such steps; each has one row more than the one before */
	unsigned segments; /* of each, by the number of the request; 1: it has no `groupBy` */
	unsigned outcome_ms; /* `outcomeWindow` of each, for which no feedback comes; 0: it has none */
	unsigned parts;	   /* answers to a request that is not dropped: 1, or SIMULATION_PARTS */
	size_t count;
	struct simulation_block blocks[SIMULATION_BLOCKS_MAX + 1];
	size_t model_count;
	struct simulated_model models[SIMULATION_BLOCKS_MAX];
	struct model_config model_configs[SIMULATION_BLOCKS_MAX];
};

/* Draws a pipeline. Its name and delivery are set before. `may_count`: a block may have state. */
void simulation_pipeline_draw(struct simulation_pipeline *pipeline, bool may_count, struct random *random);

bool simulation_pipeline_is_one_stage(const struct simulation_pipeline *pipeline);

/* Draws the same pipeline with other numbers; `random` NULL: with the same. It has no models yet. */
void simulation_pipeline_redraw(struct simulation_pipeline *pipeline, const struct simulation_pipeline *before,
				struct random *random);

/* Makes the models that it calls, in the arena. False: SYSTEM. */
bool simulation_pipeline_models(struct simulation_pipeline *pipeline, const char *mark, struct random *random, struct arena *arena,
				struct error *error);

/* Appends its YAML, and that of its models if they have settings. */
/* The name of the step `drift` of that number. */
const char *simulation_watch_name(size_t number);

void simulation_pipeline_write(const struct simulation_pipeline *pipeline, struct buffer *yaml);

/* The result of a block for a number; `count` numbers of its class have come, including itself. False: it is dropped.
 * With parts: the result of the first. */
bool simulation_block_answer(const struct simulation_block *block, int64_t count, int64_t *number);
