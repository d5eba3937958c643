/* oip_json_write.c: Writer of OIP V2 bodies over REST: calls of models, and answers. */
#include "message/json/json_write.h"
#include "message/formats/name_table.h"
#include "message/formats/oip_json.h"
#include "message/formats/raw.h"
#include "message/json/tensor_json.h"

static void write_parameter(struct buffer *out, const struct parameter *parameter)
{
	json_write_string(out, parameter->name);
	buffer_byte(out, ':');
	switch (parameter->type) {
	case PARAMETER_FLAG:
		json_write_bool(out, parameter->value.flag);
		break;
	case PARAMETER_INTEGER:
		json_write_int64(out, parameter->value.integer);
		break;
	case PARAMETER_UNSIGNED:
		json_write_uint64(out, parameter->value.natural);
		break;
	case PARAMETER_NUMBER:
		json_write_double(out, parameter->value.number);
		break;
	case PARAMETER_TEXT:
		json_write_string(out, parameter->value.text);
		break;
	}
}

/* `"parameters":{…},`, with one more of ours that goes in the place of its name;
 * nothing when there are none. */
static void write_parameters(struct buffer *out, struct parameters parameters, const struct parameter *more)
{
	if (parameters.count == 0 && !more)
		return;
	const char *before = "\"parameters\":{";
	for (size_t i = 0; i < parameters.count; i++) {
		if (more && text_equal(parameters.items[i].name, more->name))
			continue;
		buffer_string(out, before);
		write_parameter(out, &parameters.items[i]);
		before = ",";
	}
	if (more) {
		buffer_string(out, before);
		write_parameter(out, more);
	}
	buffer_string(out, "},");
}

#define DATATYPE_KEY ",\"datatype\":\""
#define SHAPE_KEY "\"shape\":"

/* At once what follows the name: the datatype, and the shape unless parameters come before it. */
static inline void write_datatype(struct buffer *out, const struct tensor *tensor, bool then_shape)
{
	const struct datatype_row *row = &datatype_rows[tensor->datatype];
	size_t most = sizeof DATATYPE_KEY + sizeof row->name + sizeof SHAPE_KEY + tensor_json_shape_room(tensor);
	char *room = buffer_room(out, most);
	if (!room)
		return;
	char *at = room + sizeof DATATYPE_KEY - 1;
	uint64_t name;
	memcpy(room, DATATYPE_KEY, sizeof DATATYPE_KEY - 1);
	memcpy(at, row->name, sizeof name); /* with the zeros behind it, which are written over */
	memcpy(&name, row->name, sizeof name);
	at += 8 - (unsigned)__builtin_clzll(name) / 8;
	*at++ = '"';
	*at++ = ',';
	if (then_shape) {
		memcpy(at, SHAPE_KEY, sizeof SHAPE_KEY - 1);
		at = tensor_json_put_shape(at + sizeof SHAPE_KEY - 1, tensor);
	}
	buffer_grown(out, (size_t)(at - room));
}

static void write_tensor(struct buffer *out, const struct tensor *tensor, bool binary)
{
	static const struct parameter base64 = {.name = {"content_type", 12}, .type = PARAMETER_TEXT, .value.text = {"base64", 6}};
	struct parameter size = {.name = TEXT("binary_data_size"), .type = PARAMETER_INTEGER};
	bool as_text = binary || tensor_is_text(tensor);
	if (binary)
		size.value.integer = (int64_t)raw_size(tensor);
	const struct parameter *more = binary ? &size : as_text ? NULL : &base64;
	bool none = tensor->parameters.count == 0 && !more;
	json_write_string_after(out, TEXT("{\"name\":"), tensor->name);
	write_datatype(out, tensor, none);
	if (!none) {
		write_parameters(out, tensor->parameters, more);
		buffer_string(out, SHAPE_KEY);
		tensor_json_write_shape(out, tensor);
	}
	if (!binary) {
		buffer_string(out, ",\"data\":");
		tensor_json_write_flat(out, tensor, as_text ? BYTES_AS_TEXT : BYTES_AS_BASE64);
	}
	buffer_byte(out, '}');
}

/* Which tensors leave as binary data: all alike, or as the request says by name. */
struct oip_json_choice {
	bool otherwise;
	struct tensors_wanted wanted;
	const bool *each; /* of wanted; NULL: all alike */
	struct name_table table; /* of wanted, the first of a name; without places: they are compared */
};

/* False: the arena is full. */
static bool choice_make(struct oip_json_choice *choice, const struct message *message)
{
	*choice = (struct oip_json_choice){
		.otherwise = message->wanted_binary, .wanted = message->wanted, .each = message->wanted_each};
	if (!choice->each || choice->wanted.count <= NAMES_COMPARED_MAX)
		return true;
	if (!name_table_open(&choice->table, choice->wanted.count, message->arena))
		return false;
	for (size_t i = choice->wanted.count; i-- > 0;)
		*name_table_place(&choice->table, choice->wanted.names[i]) = &choice->wanted.names[i];
	return true;
}

/* Apart, so that answers without such a request cost nothing more. */
static __attribute__((noinline)) bool is_chosen(const struct oip_json_choice *choice, const struct tensor *tensor)
{
	if (choice->table.places) {
		const struct text *name = *name_table_place(&choice->table, tensor->name);
		return name ? choice->each[name - choice->wanted.names] : choice->otherwise;
	}
	for (size_t i = 0; i < choice->wanted.count; i++)
		if (text_equal(choice->wanted.names[i], tensor->name))
			return choice->each[i];
	return choice->otherwise;
}

static inline bool is_binary(const struct oip_json_choice *choice, const struct tensor *tensor)
{
	return choice->each ? is_chosen(choice, tensor) : choice->otherwise;
}

/* Parameters, `"inputs":[…]}`, and behind it the binary data. How long the JSON is from `begin`
 * on when there is any, else 0. */
static size_t write_tensors(struct buffer *out, size_t begin, struct text list, const struct payload *payload,
			    const struct oip_json_choice *choice)
{
	struct tensors tensors = payload->tensors;
	bool any = false;
	write_parameters(out, payload->parameters, NULL);
	buffer_text(out, list);
	for (size_t i = 0; i < tensors.count; i++) {
		bool binary = is_binary(choice, tensors.items[i]);
		if (i > 0)
			buffer_byte(out, ',');
		write_tensor(out, tensors.items[i], binary);
		any = any || binary;
	}
	buffer_string(out, "]}");
	size_t length = out->length - begin;
	for (size_t i = 0; any && i < tensors.count; i++) {
		if (!is_binary(choice, tensors.items[i]))
			continue;
		size_t size = raw_size(tensors.items[i]);
		char *room = buffer_room(out, size);
		if (!room)
			break;
		raw_write(tensors.items[i], room);
		buffer_grown(out, size);
	}
	return any ? length : 0;
}

static void write_wanted(struct buffer *out, struct tensors_wanted wanted)
{
	for (size_t i = 0; i < wanted.count; i++) {
		json_write_string_after(out, i ? TEXT(",{\"name\":") : TEXT("\"outputs\":[{\"name\":"), wanted.names[i]);
		buffer_byte(out, '}');
	}
	if (wanted.count)
		buffer_string(out, "],");
}

bool oip_json_encode_call(const struct payload *payload, struct text id, struct tensors_wanted wanted, struct buffer *out,
			  size_t *header_length, struct error *error)
{
	struct oip_json_choice choice = {.otherwise = header_length != NULL};
	size_t begin = out->length;
	buffer_byte(out, '{');
	if (id.bytes) {
		json_write_string_after(out, TEXT("\"id\":"), id);
		buffer_byte(out, ',');
	}
	write_wanted(out, wanted);
	size_t length = write_tensors(out, begin, TEXT("\"inputs\":["), payload, &choice);
	if (header_length)
		*header_length = length;
	return json_written(out, error);
}

bool oip_json_encode_answer(const struct message *message, const struct answer *answer, struct buffer *out, struct error *error)
{
	struct oip_json_choice choice = {0};
	size_t begin = out->length;
	if (answer->header_length && !choice_make(&choice, message))
		return error_memory(error, ERROR_LIMIT, "selecting the outputs asked for");
	if (!answer->payload) {
		json_write_string_after(out, TEXT("{\"error\":"), text_of(answer->error->text));
		buffer_byte(out, '}');
		return json_written(out, error);
	}
	const struct payload *payload = answer->payload;
	json_write_string_after(out, TEXT("{\"model_name\":"), payload->model_name);
	if (payload->model_version)
		json_write_string_after(out, TEXT(",\"model_version\":"), *payload->model_version);
	if (message->payload_id.bytes)
		json_write_string_after(out, TEXT(",\"id\":"), message->payload_id);
	buffer_byte(out, ',');
	size_t length = write_tensors(out, begin, TEXT("\"outputs\":["), payload, &choice);
	if (answer->header_length)
		*answer->header_length = length;
	return json_written(out, error);
}
