/* seldon_protobuf.c: see seldon_protobuf.h. The messages are rows, as in Seldon's prediction.proto. */
#include "message/formats/seldon_protobuf.h"

#include "message/formats/format.h"
#include "message/json/protobuf_json.h"
#include "message/rows.h"

#define JSON_BYTES_MIN ((size_t)4096)
#define JSON_GROWTH 16 /* bytes of JSON for one of protobuf, at most: a number of a list, or an escaped byte */

static const char *const status_words[] = {"SUCCESS", "FAILURE", NULL};
static const char *const metric_words[] = {"COUNTER", "GAUGE", "TIMER", NULL};

static const struct protobuf_json_field status_fields[] = {
	{.name = "code", .number = 1, .type = PROTOBUF_JSON_INT32},
	{.name = "info", .number = 2, .type = PROTOBUF_JSON_TEXT},
	{.name = "reason", .number = 3, .type = PROTOBUF_JSON_TEXT},
	{.name = "status", .number = 4, .type = PROTOBUF_JSON_ENUM, .words = status_words},
	{.name = NULL},
};
static const struct protobuf_json_field metric_fields[] = {
	{.name = "key", .number = 1, .type = PROTOBUF_JSON_TEXT},
	{.name = "type", .number = 2, .type = PROTOBUF_JSON_ENUM, .words = metric_words},
	{.name = "value", .number = 3, .type = PROTOBUF_JSON_FLOAT},
	{.name = "tags", .number = 4, .type = PROTOBUF_JSON_TEXT, .count = PROTOBUF_JSON_MAP},
	{.name = NULL},
};
static const struct protobuf_json_field meta_fields[] = {
	{.name = "puid", .number = 1, .type = PROTOBUF_JSON_TEXT},
	{.name = "tags", .number = 2, .type = PROTOBUF_JSON_VALUE, .count = PROTOBUF_JSON_MAP},
	{.name = "routing", .number = 3, .type = PROTOBUF_JSON_INT32, .count = PROTOBUF_JSON_MAP},
	{.name = "requestPath", .number = 4, .type = PROTOBUF_JSON_TEXT, .count = PROTOBUF_JSON_MAP},
	{.name = "metrics", .number = 5, .type = PROTOBUF_JSON_MESSAGE, .count = PROTOBUF_JSON_MANY, .inside = metric_fields},
	{.name = NULL},
};
static const struct protobuf_json_field tensor_fields[] = {
	{.name = "shape", .number = 1, .type = PROTOBUF_JSON_INT32, .count = PROTOBUF_JSON_MANY_ALWAYS},
	{.name = "values", .number = 2, .type = PROTOBUF_JSON_DOUBLE, .count = PROTOBUF_JSON_MANY_ALWAYS},
	{.name = NULL},
};
/* TensorFlow's TensorProto, without what no datatype takes (message/formats/seldon_tftensor.h). */
static const struct protobuf_json_field dimension_fields[] = {
	{.name = "size", .number = 1, .type = PROTOBUF_JSON_INT64},
	{.name = NULL},
};
static const struct protobuf_json_field shape_fields[] = {
	{.name = "dim", .number = 2, .type = PROTOBUF_JSON_MESSAGE, .count = PROTOBUF_JSON_MANY, .inside = dimension_fields},
	{.name = NULL},
};
static const struct protobuf_json_field tftensor_fields[] = {
	{.name = "dtype", .number = 1, .type = PROTOBUF_JSON_INT32},
	{.name = "tensorShape", .number = 2, .type = PROTOBUF_JSON_MESSAGE, .inside = shape_fields},
	{.name = "tensorContent", .number = 4, .type = PROTOBUF_JSON_BYTES},
	{.name = "floatVal", .number = 5, .type = PROTOBUF_JSON_FLOAT, .count = PROTOBUF_JSON_MANY},
	{.name = "doubleVal", .number = 6, .type = PROTOBUF_JSON_DOUBLE, .count = PROTOBUF_JSON_MANY},
	{.name = "intVal", .number = 7, .type = PROTOBUF_JSON_INT32, .count = PROTOBUF_JSON_MANY},
	{.name = "stringVal", .number = 8, .type = PROTOBUF_JSON_BYTES, .count = PROTOBUF_JSON_MANY},
	{.name = "int64Val", .number = 10, .type = PROTOBUF_JSON_INT64, .count = PROTOBUF_JSON_MANY},
	{.name = "boolVal", .number = 11, .type = PROTOBUF_JSON_BOOL, .count = PROTOBUF_JSON_MANY},
	{.name = "halfVal", .number = 13, .type = PROTOBUF_JSON_INT32, .count = PROTOBUF_JSON_MANY},
	{.name = "uint32Val", .number = 16, .type = PROTOBUF_JSON_UINT32, .count = PROTOBUF_JSON_MANY},
	{.name = "uint64Val", .number = 17, .type = PROTOBUF_JSON_UINT64, .count = PROTOBUF_JSON_MANY},
	{.name = NULL},
};
static const struct protobuf_json_field data_fields[] = {
	{.name = "names", .number = 1, .type = PROTOBUF_JSON_TEXT, .count = PROTOBUF_JSON_MANY},
	{.name = "tensor", .number = 2, .type = PROTOBUF_JSON_MESSAGE, .inside = tensor_fields},
	{.name = "ndarray", .number = 3, .type = PROTOBUF_JSON_LIST},
	{.name = "tftensor", .number = 4, .type = PROTOBUF_JSON_MESSAGE, .inside = tftensor_fields},
	{.name = NULL},
};
static const struct protobuf_json_field message_fields[] = {
	{.name = "status", .number = 1, .type = PROTOBUF_JSON_MESSAGE, .inside = status_fields},
	{.name = "meta", .number = 2, .type = PROTOBUF_JSON_MESSAGE, .inside = meta_fields},
	{.name = "data", .number = 3, .type = PROTOBUF_JSON_MESSAGE, .inside = data_fields},
	{.name = "binData", .number = 4, .type = PROTOBUF_JSON_BYTES},
	{.name = "strData", .number = 5, .type = PROTOBUF_JSON_TEXT},
	{.name = "jsonData", .number = 6, .type = PROTOBUF_JSON_VALUE},
	{.name = NULL},
};
static const struct protobuf_json_field feedback_fields[] = {
	{.name = "request", .number = 1, .type = PROTOBUF_JSON_MESSAGE, .inside = message_fields},
	{.name = "response", .number = 2, .type = PROTOBUF_JSON_MESSAGE, .inside = message_fields},
	{.name = "reward", .number = 3, .type = PROTOBUF_JSON_FLOAT},
	{.name = "truth", .number = 4, .type = PROTOBUF_JSON_MESSAGE, .inside = message_fields},
	{.name = NULL},
};

static bool message_to_arena(const struct protobuf_json_field *fields, struct text bytes, const char *what, struct arena *arena,
			     struct text *json, struct error *error)
{
	struct buffer out;
	buffer_open(&out, JSON_BYTES_MIN + bytes.length * JSON_GROWTH);
	bool good = protobuf_json_write(fields, bytes, what, &out, error);
	if (good)
		*json = text_copied(arena, buffer_view(&out));
	buffer_close(&out);
	return good && (!arena_failed(arena) || error_memory(error, ERROR_LIMIT, "reading a SeldonMessage"));
}

bool seldon_protobuf_to_json(struct text bytes, struct arena *arena, struct text *json, struct error *error)
{
	return message_to_arena(message_fields, bytes, "the SeldonMessage", arena, json, error);
}

bool seldon_protobuf_feedback_to_json(struct text bytes, struct arena *arena, struct text *json, struct error *error)
{
	return message_to_arena(feedback_fields, bytes, "the Feedback", arena, json, error);
}

/* Appends a SeldonMessage that is JSON as protobuf. INPUT: it is not in the form of one. */
static bool seldon_protobuf_from_json(struct text json, struct arena *arena, struct buffer *out, struct error *error)
{
	return protobuf_json_read(message_fields, json, "the SeldonMessage", arena, out, error);
}

/* ---- format ---- */

/* Nothing tells its bytes from those of other messages. */
static bool seldon_protobuf_sniff(const struct message *message, struct text bytes)
{
	(void)message, (void)bytes;
	return false;
}

static bool seldon_protobuf_decode(struct message *message, struct text bytes, const struct schema_source *schemas,
				   struct error *error)
{
	struct text json;
	return seldon_protobuf_to_json(bytes, message->arena, &json, error) &&
	       format_seldon.decode(message, json, schemas, error);
}

static bool seldon_protobuf_encode(const struct message *message, const struct answer *answer,
				   const struct schema_source *schemas, struct buffer *out, struct error *error)
{
	struct buffer json;
	buffer_open(&json, JSON_BYTES_MIN + out->ceiling_bytes);
	bool good = format_seldon.encode(message, answer, schemas, &json, error) &&
		    seldon_protobuf_from_json(buffer_view(&json), message->arena, out, error);
	buffer_close(&json);
	return good;
}

const struct format format_seldon_protobuf = {
	.name = "seldon-protobuf",
	.content_types = {FORMAT_TYPE("application/vnd.seldon.v1+protobuf")},
	.help = "SeldonMessage of Seldon v1 in protobuf, as gRPC carries it; known by its content type alone.",
	.binary = true,
	.sniff = seldon_protobuf_sniff,
	.decode = seldon_protobuf_decode,
	.encode = seldon_protobuf_encode,
};
