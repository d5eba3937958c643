/* tensor_selection.c: see tensor_selection.h. */
#include "flow/tensor_selection.h"

#include "message/provenance.h"

void sources_lead(const struct source *sources, size_t count, size_t *leader)
{
	for (size_t i = 0; i < count; i++) {
		size_t first = 0;
		while (first < i && (sources[first].point != sources[i].point || sources[first].step != sources[i].step))
			first++;
		leader[i] = first;
	}
}

static const struct tensor *tensor_selection_renamed(struct arena *arena, const struct source *source, const struct tensor *tensor)
{
	for (size_t i = 0; i < source->rename_count; i++)
		if (text_equal(source->renames[i].from, tensor->name))
			return tensor_renamed(arena, tensor, source->renames[i].to);
	return tensor;
}

static bool source_takes(const struct source *source, const struct tensor *tensor)
{
	return source->tensor.length == 0 || text_equal(source->tensor, tensor->name);
}

const struct payload *source_select(struct arena *arena, const struct source *source, const struct payload *payload)
{
	if (source->tensor.length == 0 && source->rename_count == 0)
		return payload;
	struct payload *selected = arena_take_raw(arena, sizeof *selected);
	if (!selected)
		return NULL;
	*selected = *payload;
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, payload->tensors.count);
	for (size_t i = 0; i < payload->tensors.count; i++)
		if (source_takes(source, payload->tensors.items[i]))
			tensors_add(&tensors, tensor_selection_renamed(arena, source, payload->tensors.items[i]));
	selected->tensors = tensors_end(&tensors);
	if (source->tensor.length)
		selected->replier = NULL; /* nothing else of the source is read */
	return selected;
}

/* ---- joined ---- */

struct select_joining {
	const struct source *sources;
	const size_t *leader;
	size_t count;
	const struct payload *const *came;
};

static const struct payload *group_payload(const struct select_joining *joining, size_t leader)
{
	for (size_t i = leader; i < joining->count; i++)
		if (joining->leader[i] == leader && joining->came[i])
			return joining->came[i];
	return NULL;
}

/* Whether all tensors of the group are read, so that a missing one could have come with them. */
static bool group_is_whole(const struct select_joining *joining, size_t leader)
{
	for (size_t i = leader; i < joining->count; i++)
		if (joining->leader[i] == leader && joining->came[i] && joining->sources[i].tensor.length == 0)
			return true;
	return false;
}

static void add_group(struct tensors_builder *tensors, const struct select_joining *joining, size_t leader,
		      const struct payload *payload)
{
	for (size_t t = 0; t < payload->tensors.count; t++) {
		for (size_t i = leader; i < joining->count; i++) {
			const struct source *source = &joining->sources[i];
			if (joining->leader[i] == leader && joining->came[i] && source_takes(source, payload->tensors.items[t])) {
				tensors_add(tensors, tensor_selection_renamed(tensors->arena, source, payload->tensors.items[t]));
				break;
			}
		}
	}
}

const struct payload *sources_join(struct arena *arena, const struct source *sources, const size_t *leader, size_t count,
				   const struct payload *const *came)
{
	const struct select_joining joining = {sources, leader, count, came};
	struct payload *joined = ARENA_NEW(arena, struct payload);
	if (!joined)
		return NULL;
	struct tensors_builder tensors, marks;
	tensors_begin(&tensors, arena, count);
	tensors_begin(&marks, arena, 0);
	bool leftmost = true, whole = false;
	for (size_t i = 0; i < count; i++) {
		const struct payload *payload = leader[i] == i ? group_payload(&joining, i) : NULL;
		if (!payload)
			continue;
		if (leftmost)
			joined->parameters = payload->parameters;
		leftmost = false;
		add_group(&tensors, &joining, i, payload);
		if (group_is_whole(&joining, i)) {
			joined->replier = repliers_joined(arena, joined->replier, !whole, payload);
			whole = true;
		}
		for (size_t m = 0; m < payload->marks.count; m++)
			tensors_put(&marks, payload->marks.items[m]);
	}
	joined->tensors = tensors_end(&tensors);
	joined->marks = tensors_end(&marks);
	return joined;
}
