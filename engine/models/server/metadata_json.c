/* metadata_json.c: see metadata_json.h. */
#include "models/server/metadata_json.h"

#include "message/json/json_write.h"

static void tensor_write(struct buffer *out, const struct tensor_type *tensor)
{
	json_write_string_after(out, TEXT("{\"name\":"), tensor->name);
	json_write_string_after(out, TEXT(",\"datatype\":"), text_of(datatype_rows[tensor->type.datatype].name));
	buffer_string(out, tensor->type.shape_known ? ",\"shape\":[" : ",\"shape\":[-1");
	for (uint32_t i = 0; tensor->type.shape_known && i < tensor->type.rank; i++) {
		buffer_string(out, i ? "," : "");
		json_write_int64(out, tensor->type.shape[i]);
	}
	buffer_string(out, "]}");
}

void metadata_tensors_write(struct buffer *out, const char *key, const struct tensor_types *types)
{
	const char *comma = "";
	buffer_print(out, ",\"%s\":[", key);
	for (size_t i = 0; i < types->count; i++) {
		if (!types->items[i].type.datatype_known)
			continue;
		buffer_string(out, comma);
		tensor_write(out, &types->items[i]);
		comma = ",";
	}
	buffer_byte(out, ']');
}
