/* model_file_fuzz.c: hostile files of trained models: nothing crashes, leaks or hangs, and
 * what is taken answers a row, alone and among others.
 *
 * seeds: tests/oracles/models/xgb_stump_only_root.json tests/oracles/models/logreg_*.json tests/oracles/models/mlp_*.json
 * tests/cases-own/local-model-of-trees/tree.json tests/cases-own/local-model-of-lightgbm/model.txt
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "mutate.h"
#include "methods/predictors/predictor.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define ROWS 9
#define NUMBERS_MAX 100000 /* of rows and answers: a file may speak of many more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *arena;

/* The same row several times; what it answers to the first and to all must be one. */
static void ask(const struct predictor *predictor)
{
	const struct predictor_traits *traits = predictor_traits(predictor);
	if (traits->features > NUMBERS_MAX || traits->outputs > NUMBERS_MAX || traits->margins > NUMBERS_MAX)
		return;
	static const double values[] = {0, 1, -1, 0.5, 1e300, -1e300, 33};
	double *rows = ARENA_ARRAY(arena, double, ROWS * traits->features);
	double *margins = ARENA_ARRAY(arena, double, ROWS * traits->margins);
	double *answers = ARENA_ARRAY(arena, double, (ROWS + 1) * traits->outputs);
	double *scratch = ARENA_ARRAY(arena, double, predictor_scratch(predictor, ROWS));
	if (!rows || !margins || !answers || !scratch)
		return;
	for (size_t i = 0; i < ROWS * traits->features; i++) {
		size_t column = i % traits->features;
		rows[i] = column % 8 == 7 ? (double)NAN : values[column % 8];
	}
	predictor_margins(predictor, rows, traits->features, ROWS, margins, scratch);
	predictor_answers(predictor, margins, ROWS, answers);
	predictor_margins(predictor, rows, traits->features, 1, margins, scratch);
	predictor_answers(predictor, margins, 1, answers + ROWS * traits->outputs);
	for (size_t i = 0; i < ROWS; i++)
		if (traits->classes && !isnan(answers[i * traits->outputs]) &&
		    predictor_class(predictor, answers + i * traits->outputs) >= traits->classes)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = {0};
	if (!arena)
		arena = arena_open(ARENA_BYTES);
	arena_reset(arena);
	const struct predictor *predictor = predictor_read(arena, (struct text){(const char *)data, size}, ITERATIONS_BEST, &error);
	if (predictor)
		ask(predictor);
	else if (error.kind != ERROR_CONFIG && !arena_failed(arena))
		abort();
	return 0;
}

/* Models are JSON, but for LightGBM's. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return (size > 0 && data[0] == '{' ? mutate_json : mutate_lines)(data, size, max, seed);
}
