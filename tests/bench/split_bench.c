/* split_bench.c: one FP32[16,4] split into its rows, each of which goes through one step that
 * passes it on; without a codec.
 *
 *   split_bench answers|whole ROUNDS
 *
 * `answers`: each row answers for itself; `whole`: they are put together again. How many came,
 * and the elements of the last, are checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "steps/kinds.h"
#include "tests/bench/flow_of_yaml.h"

#define ROWS 16
#define COLUMNS 4

static float numbers[ROWS * COLUMNS];
static long answered;
static bool wrong;

static enum step_verdict same_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step, (void)error;
	visit_pass(visit);
	return STEP_DONE;
}

static const struct step_kind kind_same = {.name = "same", .run = same_run};
static const struct step_kind *const kinds[] = {&kind_same, &step_split, &step_aggregate, &step_model, NULL};

#define PIPELINE(more, output)                                                                                                     \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: bench}\nspec:\n  steps:\n"                         \
	"  - {name: rows, split: {}}\n  - {name: each, inputs: [rows], same: {}}\n" more "  output: {steps: [" output "]}\n"

static const char *const answers = PIPELINE("", "each");
static const char *const whole = PIPELINE("  - {name: all, inputs: [each], aggregate: {parts: rows}}\n", "all");

static void on_call(void *context, struct call *call)
{
	(void)context, (void)call;
}

/* The last elements of what came are those that were sent. */
static void look_at(const struct payload *payload)
{
	const struct tensor *tensor = payload ? payload->tensors.items[0] : NULL;
	wrong |= !tensor || memcmp((const float *)tensor->data + tensor->count - COLUMNS, numbers + (ROWS - 1) * COLUMNS,
				   COLUMNS * sizeof *numbers) != 0;
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	(void)context, (void)outcome;
	const struct offspring *last = NULL;
	for (const struct offspring *one = message->offspring; one; one = one->next, answered++)
		last = one;
	answered += !last;
	look_at(last ? last->answer.payload : answer->payload);
}

int main(int argc, char **argv)
{
	long rounds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	if (rounds <= 0) {
		fprintf(stderr, "usage: split_bench answers|whole ROUNDS\n");
		return 2;
	}
	bool apart = strcmp(argv[1], "answers") == 0;
	struct spec spec;
	const struct flow_environment environment = {.call = on_call, .finished = on_finished};
	struct flow *flow = flow_of_yaml(&spec, apart ? answers : whole, kinds, &environment);
	struct arena *arena = arena_open((size_t)1 << 20);
	if (!flow || !arena)
		return 1;
	for (size_t i = 0; i < ROWS * COLUMNS; i++)
		numbers[i] = (float)i;
	static const int64_t shape[] = {ROWS, COLUMNS};
	const struct tensor x = {
		.name = TEXT("x"), .shape = shape, .data = numbers, .count = ROWS * COLUMNS, .datatype = DATATYPE_FP32, .rank = 2};
	const struct tensor *const items[] = {&x};
	struct error error = {0};
	for (long turn = 0; turn < rounds; turn++) {
		struct message message = {.arena = arena, .id = TEXT("bench"), .payload = {.tensors = {1, items}}};
		arena_reset(arena);
		if (!flow_enter(flow, &message, turn, &error))
			return 1;
	}
	printf("%s: %ld answers\n", argv[1], answered);
	flow_close(flow);
	spec_close(&spec);
	arena_close(arena);
	return !wrong && answered == rounds * (apart ? ROWS : 1) ? 0 : 1;
}
