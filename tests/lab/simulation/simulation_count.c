/* simulation_count.c: Stateful step of the simulator: it counts the numbers of each class, and adds the count to its answer.
 * So lost or repeated state becomes visible. */
#include "simulation/simulation_pipeline.h"

struct simulation_counted {
	int64_t version;
	int64_t count;
};

static const struct option options[] = {{.type = OPTION_END}};

static enum step_verdict count_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	struct arena *arena = visit_arena(visit);
	const int64_t shape[] = {1};
	const struct payload *input = visit_input(visit);
	int64_t number = (int64_t)tensor_number(input->tensors.items[0], 0);
	const char class = (char)('0' + number % SIMULATION_CLASSES);
	struct simulation_counted *counted = visit_remember(visit, (struct text){&class, 1}, sizeof *counted, error);
	struct payload *payload = ARENA_NEW(arena, struct payload);
	void *elements;
	struct tensor *tensor = tensor_make(arena, TEXT("x"), DATATYPE_FP64, shape, 1, &elements, error);
	if (!counted || !payload || !tensor)
		return STEP_FAIL;
	counted->version = 1;
	*(double *)elements = (double)(number + SIMULATION_COUNTED * ++counted->count);
	struct tensors_builder builder;
	tensors_begin(&builder, arena, 1);
	tensors_put(&builder, tensor);
	payload->tensors = tensors_end(&builder);
	visit_emit(visit, payload);
	return STEP_DONE;
}

const struct step_kind simulation_count = {
	.name = "count",
	.summary = "Counts numbers by their class.",
	.example = "- name: n\n  count: {}\n",
	.options = options,
	.shape = SHAPE_REPLACES,
	.state = &(const struct state_rules){0},
	.run = count_run,
};
