/* outlier_fuzz.c: hostile references of the step `outlier`: nothing crashes, leaks or hangs; a file is refused as the
 * operator's fault, or rows of numbers get scores by it.
 *
 * seeds: tests/cases-own/outliers-are-marked/?*.json
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "mutate.h"
#include "steps/outlier/outlier_reference.h"

#define ARENA_BYTES ((size_t)512 << 20)
#define ROWS 3
#define WIDTH_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void score(const struct outlier_reference *reference, struct arena *arena)
{
	static const double numbers[] = {1, -2.5, 0, NAN, 1e300, 7, INFINITY, 3, -INFINITY, 1e-300};
	double rows[ROWS * WIDTH_MAX], scores[ROWS];
	if (reference->width > WIDTH_MAX)
		return;
	for (size_t i = 0; i < ROWS * WIDTH_MAX; i++)
		rows[i] = numbers[i % (sizeof numbers / sizeof *numbers)];
	if (!(reference->limit >= 0) && reference->by != OUTLIER_FOREST)
		abort();
	if (!outlier_reference_score(reference, rows, reference->width, ROWS, arena, scores))
		return;
	for (size_t i = 0; i < ROWS; i++)
		if (reference->by != OUTLIER_FOREST && scores[i] < 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct name file = {"fuzz.json", {"fuzz.yaml", 1, 1}};
	for (int by = OUTLIER_MODIFIED_Z; by <= OUTLIER_FOREST; by++) {
		struct outlier_reference reference;
		struct error error = {0};
		struct arena *arena = arena_open(ARENA_BYTES);
		if (!arena)
			abort();
		if (outlier_reference_read(&file, (struct text){(const char *)data, size}, (enum outlier_by)by, arena, &reference,
					   &error))
			score(&reference, arena);
		else if (error.kind != ERROR_CONFIG && !arena_failed(arena))
			abort();
		arena_close(arena);
	}
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return mutate_json(data, size, max, seed);
}
