/* volume.c: Records and bytes in Kafka for one request. */
#include "compiler/plan/compile.h"

#define RECORD_BYTES 100   /* of a record and our envelope around the tensors: framing, id, origin, names */
#define ASSUMED_BYTES 1024 /* of a payload whose types are not known */
#define WHOLE_PERCENT 100.0
#define EXPOSURE_BYTES 200 /* of an exposure: names, unit, table and versions; RECORD_BYTES has the others */

/* What the tensors take; *known false where one of them is not known. */
static size_t tensors_bytes(const struct tensor_types *types, bool *known)
{
	size_t bytes = 0;
	if (!types->complete)
		*known = false;
	for (size_t i = 0; i < types->count && *known; i++) {
		const struct value_type *type = &types->items[i].type;
		size_t size = type->datatype_known ? datatype_rows[type->datatype].size : 0;
		*known = type->shape_known && size > 0;
		for (uint32_t j = 0; j < type->rank && *known; j++)
			if (type->shape[j] < 0 || __builtin_mul_overflow(size, (size_t)type->shape[j], &size))
				*known = false;
		bytes += size;
	}
	return *known ? bytes : ASSUMED_BYTES;
}

size_t volume_record_bytes(const struct tensor_types *types, bool *known)
{
	return tensors_bytes(types, known) + RECORD_BYTES;
}

static size_t record_bytes(struct volume *volume, const struct tensor_types *types)
{
	bool known = true;
	size_t bytes = volume_record_bytes(types, &known);
	volume->bytes_assumed = volume->bytes_assumed || !known;
	return bytes;
}

static void add_step_records(struct pipeline_plan *plan, struct arena *arena)
{
	struct volume *volume = &plan->volume;
	const bool *leaves = leaf_steps(plan->graph, arena);
	for (size_t i = 0; leaves && !plan->graph->has_output && i < plan->graph->count; i++) {
		volume->answers += leaves[i];
		if (leaves[i])
			volume->bytes += record_bytes(volume, &plan->types.steps[i].outputs);
	}
	size_t taps = 0;
	for (size_t i = 0; i < plan->topic_count; i++)
		taps += plan->topics[i].role == TOPIC_STEP_INPUTS || plan->topics[i].role == TOPIC_STEP_OUTPUTS;
	/* The leaves of a pipeline without output are answers, and counted above. */
	volume->taps = taps - (plan->graph->has_output ? 0 : volume->answers);
	if (volume->taps)
		volume->bytes += volume->taps * record_bytes(volume, &plan->types.request);
}

static void add_experiment_records(struct pipeline_plan *plan)
{
	struct volume *volume = &plan->volume;
	for (size_t i = 0; i < plan->graph->reachable_count; i++) {
		const struct graph_experiment *experiment = plan->graph->reachable[i];
		volume->exposures += experiment->exposes;
		if (experiment->spec->mirror_name.text)
			volume->shadows += (double)experiment->spec->mirror_percent / WHOLE_PERCENT;
	}
	volume->bytes += volume->exposures * (RECORD_BYTES + EXPOSURE_BYTES);
	if (volume->shadows > 0)
		volume->bytes += (size_t)(volume->shadows * (double)record_bytes(volume, &plan->types.answer));
}

void plan_volume(struct compiler *compiler, struct pipeline_plan *plan)
{
	struct volume *volume = &plan->volume;
	if (!plan->types.steps)
		return;
	if (plan->graph->has_output) {
		volume->answers = 1;
		volume->bytes = record_bytes(volume, &plan->types.answer);
	}
	volume->requests = plan->direct;
	if (plan->direct)
		volume->bytes += record_bytes(volume, &plan->types.request);
	for (size_t i = 0; i < plan->stage_count; i++) {
		if (i > 0 && plan_stage_observes(plan, i))
			continue;
		volume->stage_links += (size_t)__builtin_popcountll(plan->stages[i].parents);
		volume->states += plan->stages[i].state != NULL;
	}
	if (volume->stage_links + volume->states)
		volume->bytes += (volume->stage_links + volume->states) * record_bytes(volume, &plan->types.request);
	add_step_records(plan, compiler->arena);
	add_experiment_records(plan);
}

double volume_records(const struct volume *volume)
{
	return (double)(volume->requests + volume->answers + volume->stage_links + volume->taps + volume->states +
			volume->exposures) +
	       volume->shadows + volume->observed;
}
