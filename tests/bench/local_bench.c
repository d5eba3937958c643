/* local_bench.c: one FP32[1,16] through a chain of three local models, each of which reads
 * what the one before it gave, without a codec.
 *
 *   local_bench ROUNDS
 *
 * The models are linear, 16 numbers to 16, as small as those that others are measured
 * with; each answer is checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "steps/kinds.h"
#include "tests/bench/flow_of_yaml.h"

#define WIDTH 16
#define TEXT_BYTES_MAX ((size_t)1 << 20)

static const char yaml[] = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: chain}\nspec:\n  steps:\n"
			   "  - {name: one, model: {local: linear.json}}\n"
			   "  - {name: two, inputs: [one], model: {local: linear.json}}\n"
			   "  - {name: three, inputs: [two], model: {local: linear.json}}\n"
			   "  output: {steps: [three]}\n";

static _Alignas(16) float numbers[WIDTH];
static struct buffer file;
static long finished, turn;

/* Each output is twice its input, and one. */
static void write_file(void)
{
	buffer_open(&file, TEXT_BYTES_MAX);
	buffer_string(&file, "{\"format\":\"sluice_linear/1\",\"kind\":\"identity\",\"coef\":[");
	for (int i = 0; i < WIDTH; i++)
		for (int j = 0; j < WIDTH; j++)
			buffer_print(&file, "%s%d%s", j ? "," : i ? ",[" : "[", i == j ? 2 : 0, j == WIDTH - 1 ? "]" : "");
	buffer_string(&file, "],\"intercept\":[1");
	for (int i = 1; i < WIDTH; i++)
		buffer_string(&file, ",1");
	buffer_string(&file, "]}");
}

static bool read_file(void *context, const struct name *name, const char *digest, struct text *content, struct error *error)
{
	(void)context, (void)name, (void)digest, (void)error;
	*content = buffer_view(&file);
	return true;
}

static void on_call(void *context, struct call *call)
{
	(void)context, (void)call;
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	(void)context, (void)message, (void)outcome;
	const struct tensor *tensor = answer->payload ? answer->payload->tensors.items[0] : NULL;
	if (!tensor || tensor->count != WIDTH || tensor_number(tensor, 0) != 8 * (double)numbers[0] + 7) {
		fprintf(stderr, "wrong answer: %s\n", answer->error ? answer->error->text : "");
		exit(1);
	}
	finished++;
}

int main(int argc, char **argv)
{
	long rounds = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	if (rounds <= 0) {
		fprintf(stderr, "usage: local_bench ROUNDS\n");
		return 2;
	}
	write_file();
	struct spec spec;
	static const struct file_source files = {NULL, read_file};
	const struct flow_environment environment = {.call = on_call, .finished = on_finished, .files = &files};
	struct flow *flow = flow_of_yaml(&spec, yaml, step_kinds, &environment);
	struct arena *arena = arena_open((size_t)1 << 20);
	if (!flow || !arena)
		return 1;
	static const int64_t shape[] = {1, WIDTH};
	const struct tensor x = {
		.name = TEXT("x"), .shape = shape, .data = numbers, .count = WIDTH, .datatype = DATATYPE_FP32, .rank = 2};
	const struct tensor *const items[] = {&x};
	struct message message = {.arena = arena, .id = TEXT("bench"), .payload = {.tensors = {1, items}}};
	struct error error = {0};
	for (turn = 0; turn < rounds; turn++) {
		numbers[0] = (float)(turn & 3);
		arena_reset(arena);
		if (!flow_enter(flow, &message, turn, &error))
			return 1;
	}
	flow_close(flow);
	spec_close(&spec);
	arena_close(arena);
	buffer_close(&file);
	return finished == rounds ? 0 : 1;
}
