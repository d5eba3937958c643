/* copy.c: Copy of a message in an arena of its own; see message.h. */
#include "message/rows.h"

struct headers headers_copied(struct arena *arena, struct headers headers)
{
	struct header *items = ARENA_ARRAY(arena, struct header, headers.count);
	for (size_t i = 0; items && i < headers.count; i++)
		items[i] = (struct header){text_copied(arena, headers.items[i].name), text_copied(arena, headers.items[i].value)};
	return (struct headers){items ? headers.count : 0, items};
}

static const struct tensor *tensor_copied(struct arena *arena, const struct tensor *tensor)
{
	struct error full = {0};
	void *elements;
	struct tensor *copy = tensor_make(arena, text_copied(arena, tensor->name), tensor->datatype, tensor->shape, tensor->rank,
					  &elements, &full);
	if (!copy)
		return NULL;
	copy->parameters = parameters_copied(arena, tensor->parameters);
	if (tensor->datatype != DATATYPE_BYTES)
		memcpy(elements, tensor->data, tensor_size_bytes(tensor));
	for (size_t i = 0; tensor->datatype == DATATYPE_BYTES && i < tensor->count; i++)
		((struct text *)elements)[i] = text_copied(arena, ((const struct text *)tensor->data)[i]);
	return copy;
}

struct tensors tensors_copied(struct arena *arena, struct tensors tensors)
{
	struct tensors_builder builder;
	tensors_begin(&builder, arena, tensors.count);
	for (size_t i = 0; i < tensors.count; i++)
		tensors_add(&builder, tensor_copied(arena, tensors.items[i]));
	return tensors_end(&builder);
}

struct message *message_copy(struct arena *arena, const struct message *message, const struct payload *payload)
{
	struct message *copy = ARENA_NEW(arena, struct message);
	if (!copy)
		return NULL;
	*copy = (struct message){
		.arena = arena,
		.id = text_copied(arena, message->id),
		.payload_id = text_copied(arena, message->payload_id),
		.key = text_copied(arena, message->key),
		.time_ms = message->time_ms,
		.written_ms = message->written_ms,
		.deadline_ms = message->deadline_ms,
		.origin = message->origin,
		.headers = headers_copied(arena, message->headers),
		.payload = {.tensors = tensors_copied(arena, payload->tensors),
			    .marks = tensors_copied(arena, payload->marks),
			    .parameters = parameters_copied(arena, payload->parameters)},
		.copied = true,
		.format = message->format,
		.seldon_form = message->seldon_form,
	};
	copy->origin.topic = text_copied(arena, message->origin.topic);
	return arena_failed(arena) ? NULL : copy;
}
