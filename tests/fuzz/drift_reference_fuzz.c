/* drift_reference_fuzz.c: hostile references of the step `drift`: nothing crashes, leaks or hangs; a file is refused as the
 * operator's fault, or what it says is within its bounds and shows how its rows depend on one another.
 *
 * seeds: tests/data/drift/?*.json
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "mutate.h"
#include "steps/drift/drift_reference.h"

#define ARENA_BYTES ((size_t)512 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct name file = {"fuzz.json", {"fuzz.yaml", 1, 1}};
	struct drift_reference reference;
	struct error error = {0};
	struct arena *arena = arena_open(ARENA_BYTES);
	if (!arena)
		abort();
	if (!drift_reference_read(&file, (struct text){(const char *)data, size}, arena, &reference, &error)) {
		if (error.kind != ERROR_CONFIG && !arena_failed(arena))
			abort();
		arena_close(arena);
		return 0;
	}
	double *scratch = ARENA_ARRAY(arena, double, 2 * reference.rows);
	for (size_t i = 0; scratch && i < reference.feature_count; i++) {
		const struct drift_feature *feature = &reference.features[i];
		for (size_t j = 0; feature->categories && j < reference.rows; j++)
			if (!isnan(feature->values[j]) && !((size_t)feature->values[j] < feature->category_count))
				abort();
		if (!(drift_dependence(feature->values, reference.rows, reference.block, scratch) >= 1))
			abort();
	}
	arena_close(arena);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return mutate_json(data, size, max, seed);
}
