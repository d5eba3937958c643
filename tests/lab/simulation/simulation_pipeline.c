/* simulation_pipeline.c: see simulation_pipeline.h. */
#include "simulation/simulation_pipeline.h"

#include <stdio.h>

#define FILTER_MODULUS 7
#define JOIN_WINDOW_MS 3600000 /* longer than any run */

/* ---- what it is ---- */

void simulation_pipeline_draw(struct simulation_pipeline *pipeline, bool may_count, struct random *random)
{
	pipeline->count = (size_t)random_between(random, 1, SIMULATION_BLOCKS_MAX);
	for (size_t i = 0; i < pipeline->count; i++)
		pipeline->blocks[i] = (struct simulation_block){
			.kind = (enum simulation_block_kind)random_below(random, SIMULATION_BLOCK_KINDS),
			.factor = random_between(random, 1, 3),
			.addend = random_between(random, 0, 9),
		};
	pipeline->counts = may_count && random_below(random, 2);
	if (pipeline->counts)
		pipeline->blocks[0].kind = SIMULATION_COUNT;
	pipeline->parts = random_below(random, 3) ? 1 : SIMULATION_PARTS;
	if (pipeline->parts > 1)
		pipeline->blocks[pipeline->count++] = (struct simulation_block){.kind = SIMULATION_SPLIT};
}

bool simulation_block_answer(const struct simulation_block *block, int64_t count, int64_t *number)
{
	switch (block->kind) {
	case SIMULATION_SCALE:
	case SIMULATION_CALL:
		*number = *number * block->factor + block->addend;
		break;
	case SIMULATION_FORK:
		*number = *number * block->factor + (*number + block->addend);
		break;
	case SIMULATION_FILTER:
		return *number % FILTER_MODULUS != block->addend % FILTER_MODULUS;
	case SIMULATION_GATHER:
		*number = SIMULATION_PARTS * (*number * block->factor + block->addend) +
			  block->factor * (SIMULATION_PARTS * (SIMULATION_PARTS - 1) / 2);
		break;
	case SIMULATION_COUNT:
		*number += SIMULATION_COUNTED * count;
		break;
	case SIMULATION_SPLIT:
		break;
	}
	return true;
}

void simulation_pipeline_redraw(struct simulation_pipeline *pipeline, const struct simulation_pipeline *before,
				struct random *random)
{
	*pipeline = *before;
	pipeline->model_count = 0;
	for (size_t i = 0; random && i < pipeline->count; i++) {
		pipeline->blocks[i].factor = random_between(random, 1, 3);
		pipeline->blocks[i].addend = random_between(random, 10, 19);
	}
}

/* ---- as YAML ---- */

/* Makes rows r, each of one number. */
static void rows_write(size_t n, const char *inputs, struct buffer *yaml)
{
	buffer_print(
		yaml,
		"  - name: r%zu\n%s    expression: {set: {x: \"reshape(concat(concat(x, x + 1), x + 2), [%d, 1])\"}, keep: [x]}\n",
		n, inputs, SIMULATION_PARTS);
}

/* Of the step in which a block ends. */
static void traits_write(const struct simulation_block *block, struct buffer *yaml)
{
	if (block->isolated)
		buffer_string(yaml, "    isolate: true\n");
	if (block->batch > 0)
		buffer_print(yaml, "    batch: {size: %d, windowMs: %d}\n", block->batch, block->batch_wait_ms);
}

static void branch_write(const char *branch, size_t n, const char *inputs, const char *set, bool apart, struct buffer *yaml)
{
	buffer_print(yaml, "  - name: %s%zu\n%s    expression: {set: {%s: \"%s\"}, keep: [%s]}\n%s", branch, n, inputs, branch, set,
		     branch, apart ? "    isolate: true\n" : "");
}

/* What counts is behind two stages that are joined, which leave x as it is. */
static void count_write(const struct simulation_block *block, size_t n, const char *inputs, struct buffer *yaml)
{
	if (!block->apart) {
		buffer_print(yaml, "  - name: b%zu\n%s    count: {}\n", n, inputs);
		return;
	}
	branch_write("l", n, inputs, "x", true, yaml);
	branch_write("r", n, inputs, "x * 0", true, yaml);
	buffer_print(yaml, "  - name: j%zu\n    inputs: [l%zu, r%zu]\n    joinWindowMs: %d\n", n, n, n, JOIN_WINDOW_MS);
	buffer_string(yaml, "    expression: {set: {x: \"l + r\"}, keep: [x]}\n");
	buffer_print(yaml, "  - name: b%zu\n    inputs: [j%zu]\n    count: {}\n", n, n);
}

static void fork_write(const struct simulation_block *block, size_t n, const char *inputs, struct buffer *yaml)
{
	char set[48];
	(void)snprintf(set, sizeof set, "x * %d", (int)block->factor);
	branch_write("l", n, inputs, set, block->apart, yaml);
	(void)snprintf(set, sizeof set, "x + %d", (int)block->addend);
	branch_write("r", n, inputs, set, block->apart, yaml);
	buffer_print(yaml, "  - name: b%zu\n    inputs: [l%zu, r%zu]\n", n, n, n);
	if (block->apart)
		buffer_print(yaml, "    joinWindowMs: %d\n", JOIN_WINDOW_MS);
	buffer_string(yaml, "    expression: {set: {x: \"l + r\"}, keep: [x]}\n");
}

/* Block `n` takes x from block n - 1, whose last step is `b(n-1)`, and ends in step `bn`. */
static void block_write(const struct simulation_block *block, size_t n, const char *model, struct buffer *yaml)
{
	char inputs[48] = "";
	if (n > 0)
		(void)snprintf(inputs, sizeof inputs, "    inputs: [b%zu]\n", n - 1);
	switch (block->kind) {
	case SIMULATION_SCALE:
		buffer_print(yaml, "  - name: b%zu\n%s    expression: {set: {x: \"x * %d + %d\"}, keep: [x]}\n", n, inputs,
			     (int)block->factor, (int)block->addend);
		break;
	case SIMULATION_FORK:
		fork_write(block, n, inputs, yaml);
		break;
	case SIMULATION_FILTER:
		buffer_print(yaml, "  - name: b%zu\n%s    filter: {keep: \"mod(x, %d) != %d\", otherwise: drop}\n", n, inputs,
			     FILTER_MODULUS, (int)(block->addend % FILTER_MODULUS));
		break;
	case SIMULATION_CALL:
		buffer_print(yaml, "  - name: b%zu\n%s    model: {name: %s}\n", n, inputs, model);
		break;
	case SIMULATION_GATHER:
		rows_write(n, inputs, yaml);
		buffer_print(yaml, "  - name: s%zu\n    inputs: [r%zu]\n    split: {}\n", n, n);
		buffer_print(yaml, "  - name: m%zu\n    inputs: [s%zu]\n    model: {name: %s}\n", n, n, model);
		buffer_print(yaml, "  - name: w%zu\n    inputs: [m%zu]\n    aggregate: {parts: s%zu}\n", n, n, n);
		buffer_print(yaml, "  - name: b%zu\n    inputs: [w%zu]\n", n, n);
		buffer_string(yaml, "    expression: {set: {x: \"reshape(sum(x), [1])\"}, keep: [x]}\n");
		break;
	case SIMULATION_COUNT:
		count_write(block, n, inputs, yaml);
		break;
	case SIMULATION_SPLIT:
		rows_write(n, inputs, yaml);
		buffer_print(yaml, "  - name: b%zu\n    inputs: [r%zu]\n    split: {}\n", n, n);
		break;
	}
}

static bool calls(const struct simulation_block *block)
{
	return block->kind == SIMULATION_CALL || block->kind == SIMULATION_GATHER;
}

static void models_write(const struct simulation_pipeline *pipeline, struct buffer *yaml)
{
	for (size_t i = 0; pipeline->logged > 0 && i < pipeline->model_count; i++)
		buffer_print(yaml,
			     "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\n"
			     "spec: {storageUri: \"gs://simulation/model\", logger: {percent: %u}}\n---\n",
			     pipeline->models[i].name, pipeline->logged);
}

const char *simulation_watch_name(size_t number)
{
	static const char *const names[] = {"watch", "also", "third"};
	return names[number];
}

/* One behind the other, so that all of them observe the answers. */
static void watch_write(const struct simulation_pipeline *pipeline, struct buffer *yaml)
{
	for (unsigned i = 0; i < pipeline->watches; i++) {
		buffer_print(yaml, "  - name: %s\n    inputs: [", simulation_watch_name(i));
		if (i == 0)
			buffer_print(yaml, "b%zu", pipeline->count - 1);
		else
			buffer_string(yaml, simulation_watch_name(i - 1));
		buffer_print(yaml,
			     "]\n    drift: {tensors: [x], reference: reference.json, window: %zu, methods: [wasserstein], "
			     "falseAlarms: 1 per 100",
			     pipeline->window + i);
		if (pipeline->segments > 1)
			buffer_print(yaml, ", groupBy: \"cast(mod(request.x[0], %u), INT64)\"", pipeline->segments);
		if (pipeline->outcome_ms > 0)
			buffer_print(yaml, ", estimateError: {expected: x, prediction: x, outcomeWindow: %ums}",
				     pipeline->outcome_ms);
		buffer_string(yaml, "}\n");
	}
	buffer_print(yaml, "  output: {steps: [%s]}\n---\n", simulation_watch_name(pipeline->watches - 1));
}

bool simulation_pipeline_is_one_stage(const struct simulation_pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->count; i++)
		if (pipeline->blocks[i].isolated || pipeline->blocks[i].apart)
			return false;
	return true;
}

void simulation_pipeline_write(const struct simulation_pipeline *pipeline, struct buffer *yaml)
{
	size_t model = 0;
	models_write(pipeline, yaml);
	buffer_print(yaml, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n  delivery: %s\n",
		     pipeline->name, pipeline->exactly_once ? "exactly-once" : "at-least-once");
	if (pipeline->by_partition)
		buffer_string(yaml, "  order: partition\n");
	if (pipeline->gap_stops)
		buffer_string(yaml, "  onGap: stop\n");
	if (pipeline->tapped)
		buffer_string(yaml, "  lineage: full\n");
	buffer_string(yaml, "  steps:\n");
	for (size_t i = 0; i < pipeline->count; i++) {
		const struct simulation_block *block = &pipeline->blocks[i];
		block_write(block, i, calls(block) ? pipeline->models[model++].name : NULL, yaml);
		traits_write(block, yaml);
	}
	if (pipeline->window > 0)
		watch_write(pipeline, yaml);
	else
		buffer_print(yaml, "  output: {steps: [b%zu]}\n---\n", pipeline->count - 1);
}

/* ---- the models that it calls ---- */

#define SERVERS_MOST 3 /* of one model */

static const struct model_address address = {
	.protocol = PROTOCOL_OIP_REST, .host = "simulated", .base = "http://simulated", .url = "http://simulated"};

static const struct stub *stub_make(const struct simulation_block *block, struct arena *arena, struct error *error)
{
	struct stub_option *option = ARENA_NEW(arena, struct stub_option);
	const char *formula = arena_print(arena, "x * %d + %d", (int)block->factor, (int)block->addend);
	if (!option || !formula)
		return NULL;
	*option = (struct stub_option){.key = TEXT("x"), .value = text_of(formula)};
	option->expression = expression_compile(arena, option->value, PLACE_NONE, USE_MESSAGE, error);
	return option->expression ? stub_of_expressions(arena, option, 1) : NULL;
}

static bool model_add(struct simulation_pipeline *pipeline, size_t n, const char *mark, struct random *random, struct arena *arena,
		      struct error *error)
{
	const char *name = arena_print(arena, "%s-b%zu%s", pipeline->name, n, mark);
	const struct stub *stub = stub_make(&pipeline->blocks[n], arena, error);
	size_t servers = (size_t)random_between(random, 1, SERVERS_MOST);
	struct model_address *own = ARENA_ARRAY(arena, struct model_address, servers);
	if (!name || !stub || !own)
		return error_memory(error, ERROR_SYSTEM, "simulating a model");
	for (size_t i = 0; i < servers; i++) {
		own[i] = address;
		own[i].model = name;
	}
	pipeline->models[pipeline->model_count] = (struct simulated_model){.name = name, .stub = stub};
	pipeline->model_configs[pipeline->model_count++] = (struct model_config){
		.name = name,
		.addresses = {servers, own},
		.timeout_ms = random_between(random, 500, 3000),
		.concurrency_most = (size_t)random_between(random, 1, 16),
		.batching = {.rows_most = random_below(random, 2) ? (size_t)random_between(random, 2, 8) : 0, .latency_ms = 5},
	};
	return true;
}

bool simulation_pipeline_models(struct simulation_pipeline *pipeline, const char *mark, struct random *random, struct arena *arena,
				struct error *error)
{
	for (size_t i = 0; i < pipeline->count; i++)
		if (calls(&pipeline->blocks[i]) && !model_add(pipeline, i, mark, random, arena, error))
			return false;
	return true;
}
