/* explanation.c: see explanation.h. */
#include "methods/explain/explanation.h"

#include <math.h>

#include "methods/numeric/moments.h"

bool explanation_open(struct explanation *explanation, size_t features, size_t outputs, struct arena *arena, struct error *error)
{
	if (outputs && features > EXPLANATION_CELLS_MAX / outputs)
		return error_set_limit(
			error, LIMIT_OF_ENGINE,
			"an explanation of %zu outputs by %zu features has more than %zu numbers; explain fewer outputs", outputs,
			features, EXPLANATION_CELLS_MAX);
	*explanation = (struct explanation){
		.features = features,
		.outputs = outputs,
		.base = ARENA_ARRAY(arena, double, outputs),
		.prediction = ARENA_ARRAY(arena, double, outputs),
		.residual = ARENA_ARRAY(arena, double, outputs),
		.contributions = ARENA_ARRAY(arena, double, outputs *features),
		.errors = ARENA_ARRAY(arena, double, outputs *features),
	};
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "explaining a record");
}

void explanation_settle(struct explanation *explanation)
{
	for (size_t output = 0; output < explanation->outputs; output++) {
		struct sum sum = {0};
		sum_add(&sum, explanation->prediction[output]);
		sum_add(&sum, -explanation->base[output]);
		for (size_t i = 0; i < explanation->features; i++)
			sum_add(&sum, -explanation->contributions[output * explanation->features + i]);
		explanation->residual[output] = sum_value(&sum);
	}
}
