/* message.c: looking things up in a message, and building lists of tensors. */
#include "message/message.h"

const struct header *headers_find(struct headers headers, struct text name)
{
	for (size_t i = headers.count; i-- > 0;)
		if (text_equal_caseless(headers.items[i].name, name))
			return &headers.items[i];
	return NULL;
}

const struct tensor *tensors_find(struct tensors tensors, struct text name)
{
	for (size_t i = 0; i < tensors.count; i++)
		if (text_equal(tensors.items[i]->name, name))
			return tensors.items[i];
	return NULL;
}

void tensors_begin(struct tensors_builder *builder, struct arena *arena, size_t expected)
{
	size_t capacity = expected ? expected : 4;
	const struct tensor **items = arena_take_raw(arena, capacity * sizeof *items);
	*builder = (struct tensors_builder){.arena = arena, .items = items, .capacity = items ? capacity : 0};
}

static bool make_room(struct tensors_builder *builder)
{
	size_t capacity = builder->capacity ? builder->capacity * 2 : 4;
	const struct tensor **items = arena_take_raw(builder->arena, capacity * sizeof *items);
	if (!items)
		return false;
	if (builder->count)
		memcpy(items, builder->items, builder->count * sizeof *items);
	builder->items = items;
	builder->capacity = capacity;
	return true;
}

void tensors_add(struct tensors_builder *builder, const struct tensor *tensor)
{
	if (tensor && (builder->count < builder->capacity || make_room(builder)))
		builder->items[builder->count++] = tensor;
}

void tensors_put(struct tensors_builder *builder, const struct tensor *tensor)
{
	if (!tensor)
		return;
	for (size_t i = 0; i < builder->count; i++) {
		if (text_equal(builder->items[i]->name, tensor->name)) {
			builder->items[i] = tensor;
			return;
		}
	}
	tensors_add(builder, tensor);
}

struct tensors tensors_end(const struct tensors_builder *builder)
{
	return (struct tensors){builder->count, builder->items};
}
