/* day_pipeline.c: see day_pipeline.h. */
#include "cli/day_pipeline.h"

#include <stdio.h>

#define FILTER_MODULUS 7
#define PIPELINE_BYTES_MAX ((size_t)64 << 10)

/* ---- what it is ---- */

static void blocks_draw(struct day_pipeline *pipeline, bool may_count, struct random *random)
{
	pipeline->count = (size_t)random_between(random, 1, DAY_BLOCKS_MAX);
	for (size_t i = 0; i < pipeline->count; i++)
		pipeline->blocks[i] = (struct day_block){
			.kind = (enum day_block_kind)random_below(random, DAY_BLOCK_KINDS),
			.factor = random_between(random, 1, 3),
			.addend = random_between(random, 0, 9),
		};
	pipeline->counts = may_count && random_below(random, 2);
	if (pipeline->counts)
		pipeline->blocks[0].kind = DAY_COUNT;
	pipeline->parts = random_below(random, 3) ? 1 : DAY_PARTS;
	if (pipeline->parts > 1)
		pipeline->blocks[pipeline->count++] = (struct day_block){.kind = DAY_SPLIT};
}

bool day_pipeline_answer(const struct day_pipeline *pipeline, int64_t number, int64_t count, int64_t *answer)
{
	for (size_t i = 0; i < pipeline->count; i++) {
		const struct day_block *block = &pipeline->blocks[i];
		switch (block->kind) {
		case DAY_SCALE:
		case DAY_CALL:
			number = number * block->factor + block->addend;
			break;
		case DAY_FORK:
			number = number * block->factor + (number + block->addend);
			break;
		case DAY_FILTER:
			if (number % FILTER_MODULUS == block->addend % FILTER_MODULUS)
				return false;
			break;
		case DAY_GATHER:
			number = DAY_PARTS * (number * block->factor + block->addend) +
				 block->factor * (DAY_PARTS * (DAY_PARTS - 1) / 2);
			break;
		case DAY_COUNT:
			number += DAY_COUNTED * count;
			break;
		case DAY_SPLIT:
			break;
		}
	}
	*answer = number;
	return true;
}

/* ---- as YAML ---- */

/* Makes rows r, each of one number. */
static void rows_write(size_t n, const char *inputs, struct buffer *yaml)
{
	buffer_print(
		yaml,
		"  - name: r%zu\n%s    expression: {set: {x: \"reshape(concat(concat(x, x + 1), x + 2), [%d, 1])\"}, keep: [x]}\n",
		n, inputs, DAY_PARTS);
}

/* Block `n` takes x from block n - 1, whose last step is `b(n-1)`, and ends in step `bn`. */
static void block_write(const struct day_block *block, size_t n, struct buffer *yaml)
{
	char inputs[48] = "";
	if (n > 0)
		(void)snprintf(inputs, sizeof inputs, "    inputs: [b%zu]\n", n - 1);
	switch (block->kind) {
	case DAY_SCALE:
		buffer_print(yaml, "  - name: b%zu\n%s    expression: {set: {x: \"x * %d + %d\"}, keep: [x]}\n", n, inputs,
			     (int)block->factor, (int)block->addend);
		break;
	case DAY_FORK:
		buffer_print(yaml, "  - name: l%zu\n%s    expression: {set: {l: \"x * %d\"}, keep: [l]}\n", n, inputs,
			     (int)block->factor);
		buffer_print(yaml, "  - name: r%zu\n%s    expression: {set: {r: \"x + %d\"}, keep: [r]}\n", n, inputs,
			     (int)block->addend);
		buffer_print(yaml, "  - name: b%zu\n    inputs: [l%zu, r%zu]\n", n, n, n);
		buffer_string(yaml, "    expression: {set: {x: \"l + r\"}, keep: [x]}\n");
		break;
	case DAY_FILTER:
		buffer_print(yaml, "  - name: b%zu\n%s    filter: {keep: \"mod(x, %d) != %d\", otherwise: drop}\n", n, inputs,
			     FILTER_MODULUS, (int)(block->addend % FILTER_MODULUS));
		break;
	case DAY_CALL:
		buffer_print(yaml, "  - name: b%zu\n%s", n, inputs);
		break;
	case DAY_GATHER:
		rows_write(n, inputs, yaml);
		buffer_print(yaml, "  - name: s%zu\n    inputs: [r%zu]\n    split: {}\n", n, n);
		buffer_print(yaml, "  - name: m%zu\n    inputs: [s%zu]\n", n, n);
		buffer_print(yaml, "  - name: w%zu\n    inputs: [m%zu]\n    aggregate: {parts: s%zu}\n", n, n, n);
		buffer_print(yaml, "  - name: b%zu\n    inputs: [w%zu]\n", n, n);
		buffer_string(yaml, "    expression: {set: {x: \"reshape(sum(x), [1])\"}, keep: [x]}\n");
		break;
	case DAY_COUNT:
		buffer_print(yaml, "  - name: b%zu\n%s    count: {}\n", n, inputs);
		break;
	case DAY_SPLIT:
		rows_write(n, inputs, yaml);
		buffer_print(yaml, "  - name: b%zu\n    inputs: [r%zu]\n    split: {}\n", n, n);
		break;
	}
}

static struct text pipeline_write(const struct day_pipeline *pipeline, struct arena *arena)
{
	struct buffer yaml;
	buffer_open(&yaml, PIPELINE_BYTES_MAX);
	buffer_string(&yaml, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: day}\nspec:\n  steps:\n");
	for (size_t i = 0; i < pipeline->count; i++)
		block_write(&pipeline->blocks[i], i, &yaml);
	buffer_print(&yaml, "  output: {steps: [b%zu]}\n", pipeline->count - 1);
	char *kept = buffer_failed(&yaml) ? NULL : arena_copy(arena, yaml.bytes, yaml.length);
	struct text text = {kept, kept ? yaml.length : 0};
	buffer_close(&yaml);
	return text;
}

/* ---- the models that it calls ---- */

static const struct model_address address = {
	.protocol = PROTOCOL_OIP_REST, .host = "twin", .base = "http://twin", .url = "http://twin"};

static const struct stub *stub_make(const struct day_block *block, struct arena *arena, struct error *error)
{
	struct stub_option *option = ARENA_NEW(arena, struct stub_option);
	const char *formula = arena_print(arena, "x * %d + %d", (int)block->factor, (int)block->addend);
	if (!option || !formula)
		return NULL;
	*option = (struct stub_option){.key = TEXT("x"), .value = text_of(formula)};
	option->expression = expression_compile(arena, option->value, PLACE_NONE, USE_MESSAGE, error);
	return option->expression ? stub_of_expressions(arena, option, 1) : NULL;
}

static bool model_add(struct day_pipeline *pipeline, size_t n, struct random *random, struct arena *arena, struct error *error)
{
	const char *name = arena_print(arena, "%c%zu", pipeline->blocks[n].kind == DAY_GATHER ? 'm' : 'b', n);
	const struct stub *stub = stub_make(&pipeline->blocks[n], arena, error);
	struct model_address *own = ARENA_NEW(arena, struct model_address);
	if (!name || !stub || !own)
		return error_memory(error, ERROR_SYSTEM, "simulating a model");
	*own = address;
	own->model = name;
	pipeline->models[pipeline->model_count] = (struct model_twin){.name = name, .stub = stub};
	pipeline->model_configs[pipeline->model_count++] = (struct model_config){
		.name = name,
		.addresses = {1, own},
		.timeout_ms = random_between(random, 500, 3000),
		.lanes_most = (size_t)random_between(random, 1, 16),
		.batching = {.rows_most = random_below(random, 2) ? (size_t)random_between(random, 2, 8) : 0, .latency_ms = 5},
	};
	return true;
}

static bool models_add(struct day_pipeline *pipeline, struct random *random, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < pipeline->count; i++)
		if ((pipeline->blocks[i].kind == DAY_CALL || pipeline->blocks[i].kind == DAY_GATHER) &&
		    !model_add(pipeline, i, random, arena, error))
			return false;
	return true;
}

static void kinds_gather(struct day_pipeline *pipeline, const struct step_kind *const *kinds)
{
	size_t count = 0;
	while (kinds[count] && count + 2 < sizeof pipeline->kinds / sizeof *pipeline->kinds) {
		pipeline->kinds[count] = kinds[count];
		count++;
	}
	pipeline->kinds[count++] = &day_count;
	pipeline->kinds[count] = NULL;
}

bool day_pipeline_open(struct day_pipeline *pipeline, bool may_count, struct random *random, const struct step_kind *const *kinds,
		       struct arena *arena, struct error *error)
{
	const struct spec_options options = {.kinds = pipeline->kinds};
	kinds_gather(pipeline, kinds);
	blocks_draw(pipeline, may_count, random);
	struct text yaml = pipeline_write(pipeline, arena);
	pipeline->yaml = yaml.bytes;
	if (!yaml.bytes)
		return error_memory(error, ERROR_SYSTEM, "writing a pipeline");
	if (!models_add(pipeline, random, arena, error))
		return false;
	if (!spec_open(&pipeline->spec, error) || !spec_read_text(&pipeline->spec, "day.yaml", yaml, &options, error))
		return false;
	const struct resource *resource = spec_first(&pipeline->spec, RESOURCE_PIPELINE);
	pipeline->graph = resource ? graph_build(resource, &pipeline->spec, arena, pipeline->spec.faults) : NULL;
	if (pipeline->graph && faults_count(pipeline->spec.faults, SEVERITY_ERROR) == 0)
		return true;
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the simulator wrote a pipeline that sluice refuses:\n%s", yaml.bytes);
}

void day_pipeline_close(struct day_pipeline *pipeline)
{
	spec_close(&pipeline->spec);
}
