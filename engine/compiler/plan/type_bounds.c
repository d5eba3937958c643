/* type_bounds.c: see type_bounds.h. */
#include "compiler/plan/type_bounds.h"

#include "compiler/graph/names.h"

#define MORE (STEP_TENSORS_MAX + 1)

bool type_bounds_open(struct type_bounds *bounds, const struct graph *graph, const size_t *left, struct arena *arena)
{
	*bounds = (struct type_bounds){
		.bytes_left = left && *left < PIPELINE_TYPES_BYTES ? *left : PIPELINE_TYPES_BYTES,
		.inputs = ARENA_ARRAY(arena, size_t, graph->count + 1),
		.outputs = ARENA_ARRAY(arena, size_t, graph->count + 1),
	};
	return bounds->inputs && bounds->outputs;
}

bool type_bounds_take(struct type_bounds *bounds, size_t count)
{
	if (count > bounds->bytes_left / sizeof(struct tensor_type)) {
		bounds->bytes_left = 0;
		return false;
	}
	bounds->bytes_left -= count * sizeof(struct tensor_type);
	return true;
}

bool type_bounds_once(struct tensor_type *items, size_t *count, struct arena *arena)
{
	struct name_index names = {*count, ARENA_ARRAY(arena, struct name_entry, *count + 1)};
	bool *again = ARENA_ARRAY(arena, bool, *count + 1);
	if (!names.items || !again)
		return false;
	for (size_t i = 0; i < *count; i++)
		names.items[i] = (struct name_entry){items[i].name, i};
	names_sort(&names); /* of one name the first stands first */
	for (size_t i = 1; i < *count; i++)
		again[names.items[i].index] = text_equal(names.items[i].name, names.items[i - 1].name);
	size_t kept = 0;
	for (size_t i = 0; i < *count; i++)
		if (!again[i])
			items[kept++] = items[i];
	*count = kept;
	return true;
}

static size_t bounded(size_t count)
{
	return count < MORE ? count : MORE;
}

size_t type_bounds_joined(const struct type_bounds *bounds, const struct join *join)
{
	size_t count = 0;
	for (size_t i = 0; i < join->count; i++) {
		const struct source *source = &join->sources[i];
		if (source->tensor.length > 0)
			count++;
		else if (source->step != STEP_NONE)
			count += source->point == SOURCE_STEP_INPUTS ? bounds->inputs[source->step] : bounds->outputs[source->step];
		count = bounded(count);
	}
	return count;
}

/* Those that are not in the list are of a name that is, and go on as it does. */
void type_bounds_given(struct type_bounds *bounds, size_t step, const struct step_types *types, bool passes)
{
	size_t listed = types->inputs.count, came = bounds->inputs[step];
	size_t again = passes && types->outputs.count >= listed && came > listed ? came - listed : 0;
	bounds->outputs[step] = bounded(types->outputs.count + again);
}
