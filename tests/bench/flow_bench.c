/* flow_bench.c: one FP32[1,16] through a fused chain of four steps, each of which reads
 * every element: scale, append a computed feature, threshold, select; without a codec.
 *
 *   flow_bench fixed|expression ROUNDS
 *
 * `fixed`: steps in C, which is what the flow itself costs; `expression`: the same by the
 * expression language. Each answer is checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "steps/kinds.h"
#include "tests/bench/clock.h"
#include "tests/bench/flow_of_yaml.h"

#define WIDTH 16
#define FACTOR 0.5f
#define CUT 0.25f

static struct arena *arena;
static _Alignas(16) float numbers[WIDTH];
static long finished;

/* ---- steps in C: one piece of the arena each ---- */

#define LANES 4
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int masks __attribute__((vector_size(LANES * sizeof(int))));

static const int64_t one[] = {1};

struct scaled {
	struct payload payload;
	const struct tensor *items[1];
	struct tensor tensor;
	lanes elements[WIDTH / LANES];
};

struct appended {
	struct payload payload;
	const struct tensor *items[3];
	struct tensor tensor;
	float number;
};

static struct tensor named(struct text name, const struct tensor *like, const void *data)
{
	return (struct tensor){.name = name,
			       .shape = like->shape,
			       .data = data,
			       .count = like->count,
			       .datatype = DATATYPE_FP32,
			       .rank = like->rank};
}

static enum step_verdict scale_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step, (void)error;
	const struct tensor *x = visit_input(visit)->tensors.items[0];
	struct scaled *scaled = arena_take_raw(visit_arena(visit), sizeof *scaled);
	if (!scaled)
		return STEP_FAIL;
	for (size_t i = 0; i < WIDTH / LANES; i++)
		scaled->elements[i] = ((const lanes *)x->data)[i] * FACTOR;
	scaled->tensor = named(x->name, x, scaled->elements);
	scaled->items[0] = &scaled->tensor;
	scaled->payload = (struct payload){.tensors = {1, scaled->items}};
	visit_emit(visit, &scaled->payload);
	return STEP_DONE;
}

/* The tensors that came, and one more number. */
static inline enum step_verdict append_number(struct visit *visit, struct tensors input, struct text name, lanes parts)
{
	struct appended *appended = arena_take_raw(visit_arena(visit), sizeof *appended);
	if (!appended)
		return STEP_FAIL;
	appended->number = parts[0] + parts[1] + parts[2] + parts[3];
	appended->tensor = (struct tensor){
		.name = name, .shape = one, .data = &appended->number, .count = 1, .datatype = DATATYPE_FP32, .rank = 1};
	for (size_t i = 0; i < input.count; i++)
		appended->items[i] = input.items[i];
	appended->items[input.count] = &appended->tensor;
	appended->payload = (struct payload){.tensors = {input.count + 1, appended->items}};
	visit_emit(visit, &appended->payload);
	return STEP_DONE;
}

static enum step_verdict append_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step, (void)error;
	struct tensors input = visit_input(visit)->tensors;
	const lanes *x = input.items[0]->data;
	lanes sum = {0};
	for (size_t i = 0; i < WIDTH / LANES; i++)
		sum += x[i];
	return append_number(visit, input, TEXT("mean"), sum / WIDTH);
}

static enum step_verdict threshold_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step, (void)error;
	struct tensors input = visit_input(visit)->tensors;
	const lanes *x = input.items[0]->data;
	const lanes cut = {CUT, CUT, CUT, CUT};
	masks above = {0};
	for (size_t i = 0; i < WIDTH / LANES; i++)
		above -= x[i] > cut; /* true is -1 */
	return append_number(visit, input, TEXT("above"), __builtin_convertvector(above, lanes));
}

/* Goes on with the two numbers, if all elements are numbers. */
static enum step_verdict select_run(struct step *step, struct visit *visit, struct error *error)
{
	struct tensors input = visit_input(visit)->tensors;
	const lanes *x = input.items[0]->data;
	lanes sum = {0};
	for (size_t i = 0; i < WIDTH / LANES; i++)
		sum += x[i] - x[i]; /* NOLINT(misc-redundant-expression): NaN, where x is no number */
	struct payload *kept = arena_take_raw(visit_arena(visit), sizeof *kept);
	if (!kept || sum[0] + sum[1] + sum[2] + sum[3] != 0) {
		error_set(error, ERROR_INPUT, step->place, "an element is no number");
		return STEP_FAIL;
	}
	*kept = (struct payload){.tensors = {input.count - 1, input.items + 1}};
	visit_emit(visit, kept);
	return STEP_DONE;
}

static const struct step_kind kind_scale = {.name = "scale", .run = scale_run};
static const struct step_kind kind_append = {.name = "append", .run = append_run};
static const struct step_kind kind_threshold = {.name = "threshold", .run = threshold_run};
static const struct step_kind kind_select = {.name = "select", .run = select_run};

static const struct step_kind *const kinds[] = {&kind_scale, &kind_append, &kind_threshold, &kind_select, &step_expression,
						&step_model, NULL};

/* ---- pipelines ---- */

#define PIPELINE(name, one, two, three, four)                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n  steps:\n"                      \
	"  - {name: one, " one "}\n  - {name: two, inputs: [one], " two "}\n"                                                      \
	"  - {name: three, inputs: [two], " three "}\n  - {name: four, inputs: [three], " four "}\n"                               \
	"  output: {steps: [four]}\n"

static const char *const fixed = PIPELINE("fixed", "scale: {}", "append: {}", "threshold: {}", "select: {}");
static const char *const computed = PIPELINE("computed", "expression: {set: {x: x * 0.5}}", "expression: {set: {mean: mean(x)}}",
					     "expression: {set: {above: sum(x > 0.25)}}", "expression: {keep: [mean, above]}");

static void on_call(void *context, struct call *call)
{
	(void)context, (void)call;
}

static struct expected {
	float mean;
	float above;
} expected[4]; /* for each first element */
static long turn;

static float number_of(const struct payload *payload, size_t nth)
{
	const struct tensor *tensor = payload->tensors.items[nth];
	return tensor->datatype == DATATYPE_FP32 ? *(const float *)tensor->data : (float)tensor_number(tensor, 0);
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	(void)context, (void)message, (void)outcome;
	const struct payload *payload = answer->payload;
	if (!payload || payload->tensors.count != 2 || number_of(payload, 0) != expected[turn & 3].mean ||
	    number_of(payload, 1) != expected[turn & 3].above) {
		fprintf(stderr, "wrong answer: %s\n", answer->error ? answer->error->text : "");
		exit(1);
	}
	finished++;
}

/* Elements are eighths, so that sums are exact in any order; the first changes. */
static void prepare(void)
{
	for (size_t i = 1; i < WIDTH; i++)
		numbers[i] = (float)i / 8;
	for (size_t first = 0; first < 4; first++) {
		numbers[0] = (float)first;
		for (size_t i = 0; i < WIDTH; i++) {
			expected[first].mean += numbers[i] * FACTOR / WIDTH;
			expected[first].above += numbers[i] * FACTOR > CUT ? 1 : 0;
		}
	}
}

static bool go_round(struct flow *flow, struct message *message, struct error *error)
{
	numbers[0] = (float)(turn & 3);
	arena_reset(arena);
	return flow_enter(flow, message, turn, error);
}

int main(int argc, char **argv)
{
	long rounds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	if (rounds <= 0) {
		fprintf(stderr, "usage: flow_bench fixed|expression ROUNDS\n");
		return 2;
	}
	struct spec spec;
	const struct flow_environment environment = {.call = on_call, .finished = on_finished};
	struct flow *flow = flow_of_yaml(&spec, strcmp(argv[1], "fixed") == 0 ? fixed : computed, kinds, &environment);
	arena = arena_open((size_t)1 << 20);
	if (!flow || !arena)
		return 1;
	static const int64_t shape[] = {1, WIDTH};
	const struct tensor x = {
		.name = TEXT("x"), .shape = shape, .data = numbers, .count = WIDTH, .datatype = DATATYPE_FP32, .rank = 2};
	const struct tensor *const items[] = {&x};
	struct message message = {.arena = arena, .id = TEXT("bench"), .payload = {.tensors = {1, items}}};
	struct error error = {0};
	prepare();
	double began_ns = clock_ns(CLOCK_MONOTONIC);
	for (turn = 0; turn < rounds; turn++)
		if (!go_round(flow, &message, &error))
			return 1;
	double ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
	printf("%s: %.1f ns a round, %ld answers\n", argv[1], ns / (double)rounds, finished);
	flow_close(flow);
	spec_close(&spec);
	arena_close(arena);
	return finished == rounds ? 0 : 1;
}
