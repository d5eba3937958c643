/* oip_protobuf_write.c: Writer of ModelInferRequest and ModelInferResponse: fields in the order of their
 * numbers, contents raw. Sizes are computed first, because protobuf writes each size before its content. */
#include "message/formats/oip_protobuf.h"
#include "message/formats/protobuf_wire.h"
#include "message/formats/raw.h"

enum { MODEL_NAME = 1, MODEL_VERSION, ID, PARAMETERS, TENSORS, REQUEST_OUTPUTS, REQUEST_RAW };
#define RESPONSE_RAW 6

/* A string that is not written when it is empty. */
static size_t text_size(struct text text)
{
	return text.length ? protobuf_bytes_size(text.length) : 0;
}

static char *put_text(char *to, uint32_t number, struct text text)
{
	return text.length ? protobuf_put_bytes(to, number, text) : to;
}

/* InferParameter. */
static size_t value_size(const struct parameter *parameter)
{
	switch (parameter->type) {
	case PARAMETER_FLAG:
		return 2;
	case PARAMETER_NUMBER:
		return 1 + sizeof(double);
	case PARAMETER_TEXT:
		return protobuf_bytes_size(parameter->value.text.length);
	case PARAMETER_INTEGER:
	case PARAMETER_UNSIGNED:
		break;
	}
	return 1 + protobuf_varint_size(parameter->value.natural);
}

static char *put_value(char *to, const struct parameter *parameter)
{
	switch (parameter->type) {
	case PARAMETER_FLAG:
		return protobuf_put_varint(protobuf_put_tag(to, 1, WIRE_VARINT), parameter->value.flag);
	case PARAMETER_NUMBER:
		to = protobuf_put_tag(to, 4, WIRE_FIXED64);
		memcpy(to, &parameter->value.number, sizeof parameter->value.number);
		return to + sizeof parameter->value.number;
	case PARAMETER_TEXT:
		return protobuf_put_bytes(to, 3, parameter->value.text);
	case PARAMETER_INTEGER:
	case PARAMETER_UNSIGNED:
		break;
	}
	to = protobuf_put_tag(to, parameter->type == PARAMETER_INTEGER ? 2 : 5, WIRE_VARINT);
	return protobuf_put_varint(to, parameter->value.natural);
}

/* An entry of the map has its key and value always, be they empty. */
static size_t entry_size(const struct parameter *parameter)
{
	return protobuf_bytes_size(parameter->name.length) + protobuf_bytes_size(value_size(parameter));
}

static size_t parameters_size(struct parameters parameters)
{
	size_t size = 0;
	for (size_t i = 0; i < parameters.count; i++)
		size += protobuf_bytes_size(entry_size(&parameters.items[i]));
	return size;
}

static char *put_parameters(char *to, struct parameters parameters)
{
	for (size_t i = 0; i < parameters.count; i++) {
		const struct parameter *parameter = &parameters.items[i];
		to = protobuf_put_head(to, PARAMETERS, entry_size(parameter));
		to = protobuf_put_bytes(to, 1, parameter->name);
		to = put_value(protobuf_put_head(to, 2, value_size(parameter)), parameter);
	}
	return to;
}

static size_t shape_size(const struct tensor *tensor)
{
	size_t size = 0;
	for (size_t i = 0; i < tensor->rank; i++)
		size += protobuf_varint_size((uint64_t)tensor->shape[i]);
	return size;
}

static struct text datatype_text(const struct tensor *tensor)
{
	return text_of(datatype_rows[tensor->datatype].name);
}

static size_t tensor_size(const struct tensor *tensor)
{
	size_t size = text_size(tensor->name) + text_size(datatype_text(tensor)) + parameters_size(tensor->parameters);
	return size + (tensor->rank ? protobuf_bytes_size(shape_size(tensor)) : 0);
}

static char *put_tensor(char *to, const struct tensor *tensor)
{
	to = protobuf_put_head(to, TENSORS, tensor_size(tensor));
	to = put_text(to, 1, tensor->name);
	to = put_text(to, 2, datatype_text(tensor));
	if (tensor->rank)
		to = protobuf_put_head(to, 3, shape_size(tensor));
	for (size_t i = 0; i < tensor->rank; i++)
		to = protobuf_put_varint(to, (uint64_t)tensor->shape[i]);
	return put_parameters(to, tensor->parameters);
}

static size_t tensors_size(struct tensors tensors)
{
	size_t size = 0;
	for (size_t i = 0; i < tensors.count; i++)
		size += protobuf_bytes_size(tensor_size(tensors.items[i])) + protobuf_bytes_size(raw_size(tensors.items[i]));
	return size;
}

static char *put_tensors(char *to, struct tensors tensors)
{
	for (size_t i = 0; i < tensors.count; i++)
		to = put_tensor(to, tensors.items[i]);
	return to;
}

static char *put_raw(char *to, uint32_t number, struct tensors tensors)
{
	for (size_t i = 0; i < tensors.count; i++) {
		size_t size = raw_size(tensors.items[i]);
		to = protobuf_put_head(to, number, size);
		raw_write(tensors.items[i], to);
		to += size;
	}
	return to;
}

static char *room_for(struct buffer *out, size_t size, struct error *error)
{
	char *room = buffer_room(out, size);
	if (!room)
		error_set(error, ERROR_LIMIT, PLACE_NONE,
			  "a protobuf message of %zu bytes does not fit into the %zu that a message may have; ask for less at "
			  "once", size,
			  out->ceiling_bytes);
	return room;
}

bool oip_request_encode(const struct oip_request *request, struct buffer *out, struct error *error)
{
	const struct payload *payload = request->payload;
	size_t size = text_size(request->model_name) + text_size(request->model_version) + text_size(request->id) +
		      parameters_size(payload->parameters) + tensors_size(payload->tensors);
	for (size_t i = 0; i < request->wanted.count; i++)
		size += protobuf_bytes_size(text_size(request->wanted.names[i]));
	char *to = room_for(out, size, error);
	if (!to)
		return false;
	to = put_text(to, MODEL_NAME, request->model_name);
	to = put_text(to, MODEL_VERSION, request->model_version);
	to = put_text(to, ID, request->id);
	to = put_parameters(to, payload->parameters);
	to = put_tensors(to, payload->tensors);
	for (size_t i = 0; i < request->wanted.count; i++) {
		to = protobuf_put_head(to, REQUEST_OUTPUTS, text_size(request->wanted.names[i]));
		to = put_text(to, 1, request->wanted.names[i]);
	}
	put_raw(to, REQUEST_RAW, payload->tensors);
	buffer_grown(out, size);
	return true;
}

/* The number that gRPC has for an error of that kind. */
static int grpc_status(enum error_kind kind)
{
	enum { OK = 0, INVALID_ARGUMENT = 3, RESOURCE_EXHAUSTED = 8, FAILED_PRECONDITION = 9, INTERNAL = 13, UNAVAILABLE = 14 };
	switch (kind) {
	case ERROR_NONE:
		return OK;
	case ERROR_CONFIG:
		return FAILED_PRECONDITION;
	case ERROR_INPUT:
		return INVALID_ARGUMENT;
	case ERROR_REMOTE:
		return UNAVAILABLE;
	case ERROR_LIMIT:
		return RESOURCE_EXHAUSTED;
	case ERROR_SYSTEM:
		break;
	}
	return INTERNAL;
}

/* google.rpc.Status: 1 code, 2 message. */
static bool status_encode(const struct error *failure, struct buffer *out, struct error *error)
{
	uint64_t code = (uint64_t)grpc_status(failure->kind);
	struct text text = text_of(failure->text);
	size_t size = 1 + protobuf_varint_size(code) + text_size(text);
	char *to = room_for(out, size, error);
	if (!to)
		return false;
	to = protobuf_put_varint(protobuf_put_tag(to, 1, WIRE_VARINT), code);
	put_text(to, 2, text);
	buffer_grown(out, size);
	return true;
}

bool oip_protobuf_encode(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
			 struct buffer *out, struct error *error)
{
	const struct payload *payload = answer->payload;
	(void)schemas;
	if (!payload)
		return status_encode(answer->error, out, error);
	size_t size = text_size(payload->model_name) + text_size(payload_version(payload)) + text_size(message->payload_id) +
		      parameters_size(payload->parameters) + tensors_size(payload->tensors);
	char *to = room_for(out, size, error);
	if (!to)
		return false;
	to = put_text(to, MODEL_NAME, payload->model_name);
	to = put_text(to, MODEL_VERSION, payload_version(payload));
	to = put_text(to, ID, message->payload_id);
	to = put_parameters(to, payload->parameters);
	to = put_tensors(to, payload->tensors);
	put_raw(to, RESPONSE_RAW, payload->tensors);
	buffer_grown(out, size);
	return true;
}
