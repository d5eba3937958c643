/* expression_bench.c: one expression evaluated over one FP32[1,16], and its value
 * checked against a plain loop.
 *
 *   expression_bench EXPRESSION ROUNDS
 *
 * with `x` the tensor; prints nanoseconds a round. Under callgrind the instructions of
 * a round are the difference of two runs, by the difference of their rounds. */
#include <stdio.h>
#include <stdlib.h>

#include "compiler/expression/expression.h"
#include "tests/bench/clock.h"

static float numbers[16];
static const int64_t shape[] = {1, 16};
static const struct tensor x = {
	.name = {"x", 1}, .shape = shape, .data = numbers, .count = 16, .datatype = DATATYPE_FP32, .rank = 2};
static const struct tensor *const items[] = {&x};

int main(int argc, char **argv)
{
	long rounds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	if (rounds <= 0) {
		fprintf(stderr, "usage: expression_bench EXPRESSION ROUNDS\n");
		return 2;
	}
	for (int i = 0; i < 16; i++)
		numbers[i] = (float)i / 4 - 1;
	struct error error = {0};
	struct arena *lasting = arena_open((size_t)1 << 20);
	struct arena *arena = arena_open((size_t)1 << 20);
	struct payload payload = {.tensors = {1, items}};
	struct scope scope = {.payload = &payload};
	const struct expression *expression = expression_compile(lasting, text_of(argv[1]), PLACE_NONE, USE_MESSAGE, &error);
	const struct tensor *value = NULL;
	double began_ns = clock_ns(CLOCK_MONOTONIC);
	for (long i = 0; expression && i < rounds; i++) {
		arena_reset(arena);
		value = expression_evaluate(expression, &scope, arena, &error);
		if (!value)
			break;
	}
	double ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
	if (!value) {
		fprintf(stderr, "expression_bench: %s\n", error.text);
		return 1;
	}
	printf("%s: %.1f ns a round; %s, the first element %g\n", argv[1], ns / (double)rounds, tensor_type_text(arena, value),
	       tensor_number(value, 0));
	arena_close(arena);
	arena_close(lasting);
	return 0;
}
