/* metadata_protobuf.c: see metadata_protobuf.h. */
#include "models/server/metadata_protobuf.h"

#include "message/formats/protobuf_wire.h"

#define VARINT_BYTES_MAX 10
#define TENSOR_SHAPE_BYTES_MAX (TENSOR_RANK_MAX * VARINT_BYTES_MAX)

static void write_tensor(struct buffer *out, uint32_t number, enum metadata_tensors form, const struct tensor_type *tensor)
{
	const uint32_t first = (uint32_t)form;
	char shape[TENSOR_SHAPE_BYTES_MAX];
	char *end = shape;
	struct text datatype = text_of(datatype_rows[tensor->type.datatype].name);
	if (!tensor->type.shape_known)
		end = protobuf_put_varint(end, UINT64_MAX); /* -1 */
	for (uint32_t i = 0; tensor->type.shape_known && i < tensor->type.rank; i++)
		end = protobuf_put_varint(end, (uint64_t)tensor->type.shape[i]);
	struct text dimensions = {shape, (size_t)(end - shape)};
	size_t size = protobuf_bytes_size(tensor->name.length) + protobuf_bytes_size(datatype.length) +
		      (dimensions.length ? protobuf_bytes_size(dimensions.length) : 0);
	char *room = buffer_room(out, protobuf_bytes_size(size));
	if (!room)
		return;
	char *to = protobuf_put_head(room, number, size);
	to = protobuf_put_bytes(to, first, tensor->name);
	to = protobuf_put_bytes(to, first + 1, datatype);
	if (dimensions.length)
		to = protobuf_put_bytes(to, first + 2, dimensions);
	buffer_grown(out, (size_t)(to - room));
}

void metadata_tensors_write_protobuf(struct buffer *out, uint32_t number, enum metadata_tensors form,
				     const struct tensor_types *types)
{
	for (size_t i = 0; i < types->count; i++)
		if (types->items[i].type.datatype_known)
			write_tensor(out, number, form, &types->items[i]);
}
