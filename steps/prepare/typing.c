/* typing.c: see typing.h. */
#include "steps/prepare/typing.h"

#include "base/suggest.h"

const struct tensor_type *typing_find(const struct typing *typing, struct text name)
{
	for (size_t i = 0; i < typing->types.count; i++)
		if (text_equal(typing->types.items[i].name, name))
			return &typing->types.items[i];
	return NULL;
}

bool typing_own(struct typing *typing)
{
	struct tensor_types *types = &typing->types;
	size_t size = 2 * types->count + 4;
	struct tensor_room *room = ARENA_NEW(typing->arena, struct tensor_room);
	struct tensor_type *items = ARENA_ARRAY(typing->arena, struct tensor_type, size);
	if (!room || !items)
		return false;
	*room = (struct tensor_room){items, types->count, size};
	if (types->count)
		memcpy(items, types->items, types->count * sizeof *items);
	types->items = items;
	types->room = room;
	typing->own = true;
	return true;
}

bool typing_of_name(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	const struct tensor_type *found = name->owner.length ? NULL : typing_find(context, name->name);
	(void)suggest;
	*type = found ? found->type : (struct value_type){0};
	type->parameters = found ? found->parameters : NULL;
	return true;
}

bool typing_of_present(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	const struct typing *typing = context;
	struct suggestion suggestion = suggest_begin(name->name);
	if (name->owner.length || name->optional || !typing->types.complete || typing_find(typing, name->name) ||
	    expression_is_mark(name->name))
		return typing_of_name(context, name, type, suggest);
	for (size_t i = 0; i < typing->types.count; i++)
		suggest_offer(&suggestion, typing->types.items[i].name);
	if (suggestion.nearest.bytes)
		*suggest = arena_copy(typing->arena, suggestion.nearest.bytes, suggestion.nearest.length);
	return false;
}

bool typing_put(struct typing *typing, struct text name, const struct value_type *type)
{
	return typing_put_tensor(typing, &(struct tensor_type){.name = name, .type = *type});
}

bool typing_put_tensor(struct typing *typing, const struct tensor_type *tensor)
{
	struct tensor_types *types = &typing->types;
	const struct tensor_type *there = typing_find(typing, tensor->name);
	size_t at = there ? (size_t)(there - types->items) : types->count;
	bool free_behind = types->room && types->room->taken == types->count && types->count < types->room->size;
	if (!(there ? typing->own : free_behind) && !typing_own(typing))
		return false;
	if (!there)
		types->room->taken = ++types->count;
	types->room->items[at] = *tensor;
	return true;
}

bool typing_pick(struct typing *typing, bool (*stays)(const void *context, struct text name), const void *context)
{
	if (!typing->own && !typing_own(typing))
		return false;
	struct tensor_type *items = typing->types.room->items;
	size_t left = 0;
	for (size_t i = 0; i < typing->types.count; i++)
		if (stays(context, items[i].name))
			items[left++] = items[i];
	typing->types.count = typing->types.room->taken = left;
	return true;
}
