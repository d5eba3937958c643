/* trees_bench.c: a model of 500 trees of depth 6 over 30 features, asked with ROWS rows of
 * FP32 at a time, TOTAL rows in all.
 *
 *   trees_bench ours|xgboost|check TOTAL ROWS
 *
 * `ours`: a local model's whole answer to a tensor; `xgboost`: libxgboost's in-place
 * predict through its C API, with one thread, whose library the variable XGBOOST names;
 * `check`: that both answer alike. The trees are drawn from a seed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boosted.h"
#include "compiler/expression/local_model.h"

#define ROWS_MAX 1000
#define ARENA_BYTES ((size_t)256 << 20)
#define CLOSE 1e-4

static float rows[ROWS_MAX * FEATURES];

/* ---- ours ---- */

static struct local_model model;
static struct arena *message;

static bool open_ours(struct text text)
{
	struct error error = {0};
	struct arena *arena = arena_open(ARENA_BYTES);
	message = arena_open(ARENA_BYTES);
	model = (struct local_model){
		.predictor = predictor_read(arena, text, ITERATIONS_BEST, &error), .whose = "the model", .output = TEXT("predict")};
	if (!model.predictor)
		fprintf(stderr, "trees_bench: %s\n", error.text);
	return model.predictor && message;
}

/* The answers live until the next call. */
static const double *ask_ours(size_t count)
{
	struct error error = {0};
	struct tensors answer;
	const int64_t shape[] = {(int64_t)count, FEATURES};
	const struct tensor tensor = {
		.name = TEXT("x"), .shape = shape, .data = rows, .count = count * FEATURES, .datatype = DATATYPE_FP32, .rank = 2};
	const struct tensor *items[] = {&tensor};
	arena_reset(message);
	if (!local_model_answer(&model, &(struct payload){.tensors = {1, items}}, message, &answer, &error)) {
		fprintf(stderr, "trees_bench: %s\n", error.text);
		exit(1);
	}
	return answer.items[0]->data;
}

/* ---- both ---- */

static bool answer_alike(size_t count)
{
	const double *our = ask_ours(count);
	const float *their = ask_theirs(rows, count);
	for (size_t i = 0; i < count; i++)
		if (!(fabs(our[i] - (double)their[i]) < CLOSE)) {
			fprintf(stderr, "trees_bench: row %zu: %.9g is not %.9g\n", i, our[i], (double)their[i]);
			return false;
		}
	return true;
}

int main(int argc, char **argv)
{
	long total = argc == 4 ? strtol(argv[2], NULL, 10) : 0, count = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	if (total <= 0 || count <= 0 || count > ROWS_MAX) {
		fprintf(stderr, "usage: trees_bench ours|xgboost|check TOTAL ROWS\n");
		return 2;
	}
	struct buffer text;
	write_model(&text);
	for (size_t i = 0; i < ROWS_MAX * FEATURES; i++)
		rows[i] = random_below(&chance, 20) ? (float)drawn(2) : NAN;
	bool ours = strcmp(argv[1], "ours") == 0, both = strcmp(argv[1], "check") == 0;
	if (buffer_failed(&text) || ((ours || both) && !open_ours(buffer_view(&text))) ||
	    (!ours && !open_theirs(buffer_view(&text))))
		return 1;
	if (both)
		return !answer_alike((size_t)count);
	for (long done = 0; done + count <= total; done += count)
		if (ours)
			(void)ask_ours((size_t)count);
		else
			(void)ask_theirs(rows, (size_t)count);
	return 0;
}
