/* step_bench.c: one FP32[1,16] through a pipeline of one step, or of the few that it needs,
 * without a codec; models answer at once.
 *
 *   step_bench PIPELINE ROUNDS      PIPELINE is a row of the table below
 *
 * `nothing` is the loop around it. Each round must be answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "steps/kinds.h"
#include "tests/bench/flow_of_yaml.h"

#define WIDTH 16
#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: bench}\nspec:\n  steps:\n"
#define PASS(name, inputs) "  - {name: " name inputs ", filter: {keep: 'true'}}\n"
#define THREE PASS("a", "") PASS("b", "") PASS("c", "")
#define BOTH(of) PASS("a", ", inputs: [" of "]") PASS("b", ", inputs: [" of "]") "  output: {steps: [a, b], stepsJoin: any}\n"
#define COMBINED(by) HEAD THREE "  - {name: all, inputs: [a, b, c], combine: {tensor: x, " by "}}\n  output: {steps: [all]}\n"

static const struct row {
	const char *name;
	const char *yaml;
} rows[] = {
	{"nothing", NULL},
	{"filter", HEAD "  - {name: f, filter: {keep: 'x[0, 1] > 0'}}\n  output: {steps: [f]}\n"},
	{"expression", HEAD "  - {name: e, expression: {set: {y: 'x * 0.5'}}}\n  output: {steps: [e]}\n"},
	{"model", HEAD "  - {name: m}\n  output: {steps: [m]}\n"},
	{"route-to",
	 HEAD "  - {name: r, route: {cases: [{when: 'x[0, 1] > 9', to: a}, {when: 'x[0, 1] > 0', to: b}]}}\n" BOTH("r")},
	{"route-call", HEAD "  - {name: r, route: {cases: [{when: 'x[0, 1] > 9', call: a}, {when: 'x[0, 1] > 0', call: b}]}}\n"
			    "  output: {steps: [r]}\n"},
	{"traffic-to", HEAD "  - {name: t, traffic: {shares: [{weight: 90, to: a}, {weight: 10, to: b}]}}\n" BOTH("t")},
	{"traffic-call", HEAD "  - {name: t, traffic: {shares: [{weight: 90, call: a}, {weight: 10, call: b}]}}\n"
			      "  output: {steps: [t]}\n"},
	{"router", HEAD "  - {name: r, router: {ways: [a, b]}}\n" BOTH("r")},
	{"members", HEAD THREE "  output: {steps: [a, b, c], stepsJoin: any}\n"},
	{"combine-average", COMBINED("by: average")},
	{"combine-vote", COMBINED("by: vote")},
	{"combine-max", COMBINED("by: max")},
	{"combine-stack", COMBINED("by: stack")},
	{"combine-expression", COMBINED("by: expression, value: 'median(members along 0)'")},
	{"combine-first", COMBINED("by: first")},
};

static struct arena *arena;
static struct call *asked;
static const struct payload *reply;
static long finished;

static void on_call(void *context, struct call *call)
{
	(void)context;
	asked = call;
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	(void)context, (void)message, (void)outcome;
	if (!answer->payload) {
		fprintf(stderr, "no answer: %s\n", answer->error ? answer->error->text : "");
		exit(1);
	}
	finished++;
}

static bool go_round(struct flow *flow, struct message *message, int64_t turn)
{
	struct error error = {0};
	arena_reset(arena);
	message->origin.offset = turn;
	if (!flow_enter(flow, message, turn, &error))
		return false;
	while (asked) {
		struct call *call = asked;
		asked = NULL;
		call->reply = reply;
		flow_answered(flow, call, turn);
	}
	return true;
}

static const struct row *find_row(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

int main(int argc, char **argv)
{
	static _Alignas(16) float numbers[WIDTH] = {0, 1, 2, 3, 4, 5, 6, 7};
	static const int64_t shape[] = {1, WIDTH};
	const struct row *row = argc == 3 ? find_row(argv[1]) : NULL;
	long rounds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	if (rounds <= 0 || !row) {
		fprintf(stderr, "usage: step_bench PIPELINE ROUNDS\n");
		return 2;
	}
	struct spec spec = {0};
	const struct flow_environment environment = {.call = on_call, .finished = on_finished};
	struct flow *flow = row->yaml ? flow_of_yaml(&spec, row->yaml, step_kinds, &environment) : NULL;
	arena = arena_open((size_t)1 << 20);
	if (!arena || (row->yaml && !flow))
		return 1;
	const struct tensor x = {
		.name = TEXT("x"), .shape = shape, .data = numbers, .count = WIDTH, .datatype = DATATYPE_FP32, .rank = 2};
	const struct tensor *const items[] = {&x};
	const struct payload payload = {.tensors = {1, items}};
	struct message message = {.arena = arena, .id = TEXT("bench"), .origin = {.topic = TEXT("in")}, .payload = payload};
	reply = &payload;
	for (long turn = 0; turn < rounds && flow; turn++)
		if (!go_round(flow, &message, turn))
			return 1;
	flow_close(flow);
	if (row->yaml)
		spec_close(&spec);
	arena_close(arena);
	return finished == rounds || !flow ? 0 : 1;
}
