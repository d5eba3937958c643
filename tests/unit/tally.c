/* tally.c: see tally.h. */
#include "tests/unit/tally.h"

#include "steps/kinds.h"

static const struct option options[] = {{.type = OPTION_END}};

/* A count as it is kept. */
struct tally {
	int64_t version;
	int64_t count;
};

static enum step_verdict tally_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	struct arena *arena = visit_arena(visit);
	const struct payload *input = visit_input(visit);
	struct tally *tally = visit_remember(visit, visit_scope(visit, NULL).message->key, sizeof *tally, error);
	struct payload *payload = ARENA_NEW(arena, struct payload);
	const int64_t shape[1] = {1};
	void *elements;
	struct tensor *count = tensor_make(arena, TEXT("count"), DATATYPE_INT64, shape, 1, &elements, error);
	if (!tally || !payload || !count)
		return STEP_FAIL;
	tally->version = 1;
	*(int64_t *)elements = ++tally->count;
	struct tensors_builder builder;
	tensors_begin(&builder, arena, input->tensors.count + 1);
	for (size_t i = 0; i < input->tensors.count; i++)
		tensors_add(&builder, input->tensors.items[i]);
	tensors_put(&builder, count);
	*payload = *input;
	payload->tensors = tensors_end(&builder);
	visit_emit(visit, payload);
	return STEP_DONE;
}

const struct step_kind tally_kind = {
	.name = "tally",
	.summary = "Counts the messages of each key.",
	.example = "- name: n\n  tally: {}\n",
	.options = options,
	.shape = SHAPE_ADDS,
	.state = &(const struct state_rules){0},
	.run = tally_run,
};

const struct step_kind *const tally_kinds[] = {&step_model, &step_filter, &step_expression, &step_aggregate, &tally_kind, NULL};
