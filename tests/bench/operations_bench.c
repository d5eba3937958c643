/* operations_bench.c: one message through a list of operations, as a step runs it.
 *
 *   operations_bench KIND OPERATIONS ROUNDS
 *
 * KIND is preprocess or postprocess; OPERATIONS as one writes them in a pipeline, with commas between and `_` for blanks, on the
 * tensors x (FP32[1,16], one element of it NaN), p (the same without NaN) and s (BYTES[1,2]); `none` is the loop around
 * nothing. Prints nanoseconds a round. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/resources/resource.h"
#include "steps/kinds.h"
#include "steps/prepare/operations.h"
#include "tests/bench/clock.h"

#define HEAD "{apiVersion: mlops.seldon.io/v1alpha1, kind: Pipeline, metadata: {name: p}, spec: {steps: [{name: s, "

static float numbers[16], whole[16];
static const struct text words[] = {{"sell", 4}, {"M", 1}};
static const int64_t shapes[2][2] = {{1, 16}, {1, 2}};
static const struct tensor x = {
	.name = {"x", 1}, .shape = shapes[0], .data = numbers, .count = 16, .datatype = DATATYPE_FP32, .rank = 2};
static const struct tensor s = {
	.name = {"s", 1}, .shape = shapes[1], .data = words, .count = 2, .datatype = DATATYPE_BYTES, .rank = 2};
static const struct tensor p = {
	.name = {"p", 1}, .shape = shapes[0], .data = whole, .count = 16, .datatype = DATATYPE_FP32, .rank = 2};
static const struct tensor *const items[] = {&x, &p, &s};

/* The operations of the one step of the spec; NULL: it has faults. */
static const struct step_spec *step_read(struct spec *spec, const char *kind, const char *written, struct error *error)
{
	const struct spec_options options = {.kinds = step_kinds};
	char *yaml = arena_print(spec->arena, HEAD "%s: [%s]}]}}", kind, strcmp(written, "none") == 0 ? "{drop: [y]}" : written);
	for (char *at = yaml; *at; at++)
		*at = *at == '_' ? ' ' : *at;
	if (!spec_read_text(spec, "bench", text_of(yaml), &options, error) || faults_count(spec->faults, SEVERITY_ERROR) > 0)
		return NULL;
	const struct pipeline_spec *pipeline = spec_first(spec, RESOURCE_PIPELINE)->spec;
	return pipeline->steps.items;
}

static bool round_run(const struct program *program, const struct payload *payload, struct arena *arena, struct error *error)
{
	const struct scope scope = {0};
	struct work work;
	return work_begin(&work, program, payload, &scope, arena, error) && program_run(program, &work, error);
}

int main(int argc, char **argv)
{
	const long rounds = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	struct error error = {0};
	struct spec spec;
	struct program program = {0};
	struct arena *arena = arena_open((size_t)1 << 20);
	if (rounds <= 0 || !arena || !spec_open(&spec, &error)) {
		fprintf(stderr, "usage: operations_bench KIND OPERATIONS ROUNDS\n");
		return 2;
	}
	for (int i = 0; i < 16; i++)
		numbers[i] = whole[i] = (float)i / 4 + 1;
	numbers[5] = NAN;
	const struct step_spec *read = step_read(&spec, argv[1], argv[2], &error);
	const struct step step = {.name = "s", .kind = step_kind_find(step_kinds, argv[1]), .options = read ? read->options : NULL};
	const struct operations *operations = step.options;
	bool good = read && program_make(&step, &operations->list, step.kind->options[0].rows, spec.arena, &program, &error);
	if (strcmp(argv[2], "none") == 0)
		program.count = 0;
	const struct payload payload = {.tensors = {3, items}};
	double began_ns = clock_ns(CLOCK_MONOTONIC);
	for (long i = 0; good && i < rounds; i++) {
		arena_reset(arena);
		good = round_run(&program, &payload, arena, &error);
	}
	const double ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
	if (!good) {
		fprintf(stderr, "operations_bench: %s\n", read ? error.text : "faults in the operations");
		return 1;
	}
	printf("%s: %.1f ns a round\n", argv[2], ns / (double)rounds);
	spec_close(&spec);
	arena_close(arena);
	return 0;
}
