/* seldon_json.c: Format of Seldon v1: the SeldonMessage.
 *
 * data.ndarray and data.tensor are a tensor `data` of FP64, with the column names as JSON in its parameter `names`. A list may also
 * contain strings or booleans; numbers beside strings are texts, as numpy reads such a list for Seldon's servers. data.tftensor has
 * a datatype of its own, and is answered by data.tensor. strData, binData and jsonData are one element of BYTES in a tensor of the
 * same name. The answer has the form of the request, and its meta.
 */
#include "message/formats/seldon_json.h"

#include "base/base64.h"
#include "message/formats/format.h"
#include "message/json/json_form.h"
#include "message/json/json_repeats.h"
#include "message/json/json_write.h"
#include "message/formats/seldon_tftensor.h"
#include "message/json/tensor_infer.h"
#include "message/json/tensor_json.h"

#define NAMES TEXT("names") /* a parameter of the tensor */

static bool seldon_sniff(const struct message *message, struct text bytes)
{
	return json_form_of(bytes, message->arena) == JSON_FORM_SELDON;
}

/* --- reading ------------------------------------------------------------- */

/* Where the parts of a message stand; bytes NULL: nowhere. */
struct seldon_json_parts {
	struct text data, string, binary, json, meta;
	struct text names, ndarray, tensor, tftensor; /* inside data */
	struct text twice;		    /* a key of the message that occurs twice */
	bool is_reply;			    /* of a model: of equal keys the last one counts */
};

#define TWICE(scan, key, where) INPUT_ERROR(scan, TEXT_FORMAT " occurs twice in %s; send it once", TEXT_ARGUMENTS(key), where)
#define INPUT_ERROR(scan, ...) error_set((scan)->error, ERROR_INPUT, PLACE_NONE, __VA_ARGS__)
#define TENSOR_ERROR(scan, ...) error_set_tensor((scan)->error, PLACE_NONE, __VA_ARGS__)

static bool set_tensor(struct message *message, const struct tensor *tensor, struct error *error)
{
	struct tensors_builder builder;
	tensors_begin(&builder, message->arena, 1);
	tensors_add(&builder, tensor);
	message->payload.tensors = tensors_end(&builder);
	return !arena_failed(message->arena) || error_memory(error, ERROR_LIMIT, "reading a SeldonMessage");
}

/* One element of BYTES under the name of its key. */
static bool set_bytes(struct message *message, struct text name, struct text bytes, struct error *error)
{
	int64_t shape[1] = {1};
	void *elements;
	struct tensor *tensor = tensor_make(message->arena, name, DATATYPE_BYTES, shape, 1, &elements, error);
	if (!tensor)
		return false;
	*(struct text *)elements = bytes;
	return set_tensor(message, tensor, error);
}

static bool is_list_of_strings(struct json_scan *scan)
{
	struct text name;
	if (json_peek(scan) != JSON_ARRAY || !json_enter(scan))
		return false;
	while (json_item(scan))
		if (json_peek(scan) != JSON_STRING || !json_text(scan, &name))
			return false;
	return json_end(scan);
}

static bool read_names(struct message *message, const struct json_scan *scan, struct text span, struct parameters *parameters)
{
	struct json_scan inside = json_again(scan, span);
	if (json_peek(&inside) == JSON_NULL)
		return true;
	if (!is_list_of_strings(&inside))
		return INPUT_ERROR(scan, "data.names is not a list of strings");
	struct parameter *names = ARENA_NEW(message->arena, struct parameter);
	if (!names)
		return error_memory(scan->error, ERROR_LIMIT, "reading a SeldonMessage");
	*names = (struct parameter){.name = NAMES, .type = PARAMETER_TEXT, .value.text = span};
	*parameters = (struct parameters){1, names};
	return true;
}

struct seldon_tensor_parts {
	struct text shape, values; /* where they stand */
};

/* Protobuf's writers of JSON, SeldonClient's too, leave out an empty list: without a shape there is one value. */
static bool complete_tensor(const struct json_scan *scan, struct seldon_tensor_parts *parts)
{
	struct json_scan items;
	if (!parts->values.bytes)
		parts->values = TEXT("[]");
	if (parts->shape.bytes)
		return true;
	parts->shape = TEXT("[]");
	struct json_scan values = json_again(scan, parts->values);
	return json_look_ahead(&values, JSON_ARRAY, &items) == 1 ||
	       INPUT_ERROR(scan, "data.tensor has no shape; send {\"shape\": […], \"values\": […]}");
}

static bool read_tensor_parts(const struct json_scan *scan, struct text span, bool is_reply, struct seldon_tensor_parts *parts)
{
	struct json_scan inside = json_again(scan, span);
	struct text key;
	if (json_peek(&inside) != JSON_OBJECT)
		return INPUT_ERROR(scan, "data.tensor is not {\"shape\": […], \"values\": […]}");
	json_enter(&inside);
	while (json_key(&inside, &key)) {
		struct text unused = {0};
		struct text *part = text_is(key, "shape") ? &parts->shape : text_is(key, "values") ? &parts->values : &unused;
		if (part->bytes && !is_reply)
			return TWICE(scan, key, "data.tensor");
		(void)json_span(&inside, part);
	}
	return complete_tensor(scan, parts);
}

/* {"shape": [2, 2], "values": [1, 2, 3, 4]} */
static const struct tensor *read_tensor(struct message *message, const struct json_scan *scan, struct text span, bool is_reply)
{
	struct seldon_tensor_parts parts = {0};
	if (!read_tensor_parts(scan, span, is_reply, &parts))
		return NULL;
	struct tensor *tensor = ARENA_NEW(message->arena, struct tensor);
	const struct tensor *dimensions = tensor_infer(scan, "data.tensor: shape", TEXT("shape"), &parts.shape, 1, false,
						       (struct infer_rules){.integers = true});
	if (!tensor)
		(void)error_memory(scan->error, ERROR_LIMIT, "reading a SeldonMessage");
	if (!tensor || !dimensions)
		return NULL;
	if (dimensions->rank != 1 || (dimensions->count && dimensions->datatype != DATATYPE_INT64)) {
		(void)TENSOR_ERROR(scan, "data.tensor: shape is not a list of whole numbers");
		return NULL;
	}
	*tensor = (struct tensor){
		.name = TEXT("data"), .shape = dimensions->data, .datatype = DATATYPE_FP64, .rank = (uint32_t)dimensions->count};
	if (!shape_count(TEXT("data.tensor"), tensor->shape, dimensions->count, &tensor->count, scan->error))
		return NULL;
	struct json_scan inside = json_again(scan, parts.values);
	return tensor_json_read(&inside, tensor) ? tensor : NULL;
}

static bool read_data(struct message *message, const struct json_scan *scan, struct seldon_json_parts *parts)
{
	struct json_scan inside = json_again(scan, parts->data);
	struct text key;
	if (json_peek(&inside) != JSON_OBJECT)
		return INPUT_ERROR(scan, "data is not an object; send {\"data\": {\"ndarray\": […]}}");
	json_enter(&inside);
	while (json_key(&inside, &key)) {
		struct text unused = {0};
		struct text *part = text_is(key, "names")      ? &parts->names
				    : text_is(key, "ndarray")  ? &parts->ndarray
				    : text_is(key, "tensor")   ? &parts->tensor
				    : text_is(key, "tftensor") ? &parts->tftensor
							       : &unused;
		if (part->bytes && !parts->is_reply)
			return TWICE(scan, key, "data");
		(void)json_span(&inside, part);
	}
	const int count = !!parts->ndarray.bytes + !!parts->tensor.bytes + !!parts->tftensor.bytes;
	if (count != 1)
		return INPUT_ERROR(scan, "data holds %s; send one of them",
				   count ? "more than one of tensor, ndarray and tftensor"
					 : "none of tensor, ndarray and tftensor");
	if (parts->ndarray.bytes && parts->ndarray.bytes[0] != '[')
		return INPUT_ERROR(scan, "data.ndarray is not a list; send {\"data\": {\"ndarray\": [[…]]}}");
	message->seldon_form = parts->ndarray.bytes ? SELDON_NDARRAY : SELDON_TENSOR;
	const struct tensor *made = parts->tftensor.bytes ? seldon_tftensor_read(scan, parts->tftensor)
				    : parts->tensor.bytes ? read_tensor(message, scan, parts->tensor, parts->is_reply)
							  : tensor_infer(scan, "data.ndarray", TEXT("data"), &parts->ndarray, 1,
									 false, (struct infer_rules){.mixed = true});
	struct tensor *named = made ? ARENA_NEW(message->arena, struct tensor) : NULL;
	if (!named)
		return made && error_memory(scan->error, ERROR_LIMIT, "reading a SeldonMessage");
	*named = *made;
	if (parts->names.bytes && !read_names(message, scan, parts->names, &named->parameters))
		return false;
	return set_tensor(message, named, scan->error);
}

static bool read_string(struct message *message, const struct json_scan *scan, const struct seldon_json_parts *parts)
{
	bool binary = parts->binary.bytes != NULL;
	const char *key = binary ? "binData" : "strData";
	struct json_scan inside = json_again(scan, binary ? parts->binary : parts->string);
	struct text text;
	if (json_peek(&inside) != JSON_STRING || !json_text(&inside, &text))
		return INPUT_ERROR(scan, "%s is not a string", key);
	message->seldon_form = binary ? SELDON_BINARY : SELDON_TEXT;
	if (binary && !base64_read_into(message->arena, text, &text))
		return arena_failed(message->arena) ? error_memory(scan->error, ERROR_LIMIT, "reading a SeldonMessage")
						    : INPUT_ERROR(scan, "binData is not base64");
	return set_bytes(message, text_of(key), text, scan->error);
}

static bool read_parts(struct json_scan *scan, struct seldon_json_parts *parts)
{
	const struct {
		const char *key;
		struct text *part;
	} rows[] = {{"data", &parts->data},
		    {"strData", &parts->string},
		    {"binData", &parts->binary},
		    {"jsonData", &parts->json},
		    {"meta", &parts->meta}};
	struct text key;
	enum json_type type = json_peek(scan);
	if (type == JSON_OBJECT) {
		json_enter(scan);
		while (json_key(scan, &key)) {
			struct text *part = NULL;
			for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
				if (text_is(key, rows[i].key))
					part = rows[i].part;
			if (part && part->bytes && !parts->is_reply)
				parts->twice = key;
			(void)(part ? json_span(scan, part) : json_skip(scan));
		}
	} else if (type != JSON_WRONG) {
		(void)json_skip(scan);
	}
	return json_end(scan);
}

/* Its puid is the request's id, by which feedback names it. */
static bool read_meta(struct message *message, struct json_scan *scan, struct text span, bool is_reply)
{
	struct json_scan meta = json_again(scan, span);
	enum json_type type = json_peek(&meta);
	struct text key;
	if (type == JSON_NULL)
		return true;
	if (type != JSON_OBJECT)
		return INPUT_ERROR(scan, "meta is not an object");
	message->seldon_meta = span;
	const struct json_scan object = meta;
	json_enter(&meta);
	while (json_key(&meta, &key)) {
		if (text_is(key, "puid") && !message->payload_id.bytes && json_peek(&meta) == JSON_STRING)
			(void)json_text(&meta, &message->payload_id);
		else
			(void)json_skip(&meta);
	}
	return is_reply || !json_keys_repeat(object, &key) || TWICE(scan, key, "meta");
}

static bool read_message(struct message *message, struct text bytes, bool is_reply, struct error *error)
{
	struct seldon_json_parts parts = {.is_reply = is_reply};
	struct json_scan scan;
	json_begin(&scan, bytes, "the request", message->arena, error);
	if (!read_parts(&scan, &parts))
		return false;
	if (parts.meta.bytes && !read_meta(message, &scan, parts.meta, is_reply))
		return false;
	if (parts.twice.bytes)
		return TWICE(&scan, parts.twice, "the request");
	int count = !!parts.data.bytes + !!parts.string.bytes + !!parts.binary.bytes + !!parts.json.bytes;
	if (count != 1)
		return INPUT_ERROR(&scan, "the request has %s of data, strData, binData and jsonData; send exactly one",
				   count ? "more than one" : "none");
	if (parts.data.bytes)
		return read_data(message, &scan, &parts);
	if (!parts.json.bytes)
		return read_string(message, &scan, &parts);
	message->seldon_form = SELDON_JSON;
	return set_bytes(message, TEXT("jsonData"), parts.json, error);
}

static bool seldon_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error)
{
	(void)schemas;
	return read_message(message, bytes, false, error);
}

/* --- writing ------------------------------------------------------------- */

static bool is_json(struct text bytes, struct arena *arena)
{
	struct error ignored = {0};
	struct json_scan scan;
	json_begin(&scan, bytes, "", arena, &ignored);
	return json_skip(&scan) && json_end(&scan);
}

static void write_names(struct buffer *out, const struct tensor *tensor, struct arena *arena)
{
	const struct parameter *names = parameters_find(tensor->parameters, NAMES);
	struct error ignored = {0};
	struct json_scan scan;
	bool good = names && names->type == PARAMETER_TEXT;
	if (good) {
		json_begin(&scan, names->value.text, "", arena, &ignored);
		good = is_list_of_strings(&scan);
	}
	buffer_text(out, good ? names->value.text : TEXT("[]"));
}

static void write_data(struct buffer *out, const struct tensor *tensor, bool as_tensor, struct arena *arena)
{
	buffer_string(out, "\"data\":{\"names\":");
	write_names(out, tensor, arena);
	if (as_tensor) {
		buffer_string(out, ",\"tensor\":{\"shape\":");
		tensor_json_write_shape(out, tensor);
		buffer_string(out, ",\"values\":");
		tensor_json_write_flat(out, tensor, BYTES_AS_EITHER);
		buffer_byte(out, '}');
	} else {
		buffer_string(out, ",\"ndarray\":");
		if (tensor->rank > 0)
			tensor_json_write_nested(out, tensor, BYTES_AS_EITHER);
		else
			tensor_json_write_flat(out, tensor, BYTES_AS_EITHER);
	}
	buffer_byte(out, '}');
}

/* In the form of the request, where the tensor can take it; else as data. */
static void write_tensor(struct buffer *out, const struct tensor *tensor, enum seldon_form form, struct arena *arena)
{
	bool one = tensor->datatype == DATATYPE_BYTES && tensor->count == 1;
	const struct text *text = tensor->data;
	if (form == SELDON_TEXT && one && text_is_utf8(*text)) {
		json_write_string_after(out, TEXT("\"strData\":"), *text);
	} else if (form == SELDON_BINARY && one) {
		buffer_string(out, "\"binData\":");
		tensor_json_write_element(out, tensor, 0, BYTES_AS_BASE64);
	} else if (form == SELDON_JSON && one && is_json(*text, arena)) {
		buffer_string(out, "\"jsonData\":");
		buffer_text(out, *text);
	} else {
		write_data(out, tensor, form == SELDON_TENSOR && tensor->datatype != DATATYPE_BYTES, arena);
	}
}

/* A SeldonMessage has room for one tensor: several go as an object of JSON, so that
 * none is lost. */
static void write_tensors(struct buffer *out, struct tensors tensors, enum seldon_form form, struct arena *arena)
{
	if (tensors.count == 1) {
		write_tensor(out, tensors.items[0], form, arena);
		return;
	}
	if (tensors.count == 0) {
		buffer_string(out, "\"data\":{\"names\":[],\"ndarray\":[]}");
		return;
	}
	buffer_string(out, "\"jsonData\":");
	for (size_t i = 0; i < tensors.count; i++) {
		buffer_byte(out, i ? ',' : '{');
		json_write_string(out, tensors.items[i]->name);
		buffer_byte(out, ':');
		tensor_json_write_nested(out, tensors.items[i], BYTES_AS_EITHER);
	}
	buffer_byte(out, '}');
}

/* The codes are those of HTTP that the kinds have at the gateway. */
static void write_failure(struct buffer *out, const struct error *error)
{
	static const int codes[] = {[ERROR_NONE] = 500,	  [ERROR_CONFIG] = 500, [ERROR_INPUT] = 400,
				    [ERROR_REMOTE] = 502, [ERROR_LIMIT] = 504,	[ERROR_SYSTEM] = 500};
	buffer_string(out, "\"status\":{\"code\":");
	json_write_int64(out, error->kind == ERROR_INPUT && error->of_tensor ? 422 : codes[error->kind]);
	json_write_string_after(out, TEXT(",\"info\":"), text_of(error->text));
	buffer_string(out, ",\"status\":\"FAILURE\"}");
}

static bool seldon_encode(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
			  struct buffer *out, struct error *error)
{
	(void)schemas;
	buffer_byte(out, '{');
	if (answer->payload) {
		buffer_string(out, "\"meta\":");
		buffer_text(out, message->seldon_meta.bytes ? message->seldon_meta : TEXT("{}"));
		buffer_byte(out, ',');
		write_tensors(out, answer->payload->tensors, message->seldon_form, message->arena);
	} else {
		write_failure(out, answer->error);
	}
	buffer_byte(out, '}');
	return json_written(out, error);
}

bool seldon_encode_request(const struct payload *payload, struct text id, enum seldon_form form, struct buffer *out,
			   struct arena *arena, struct error *error)
{
	if (form == SELDON_NONE && payload->tensors.count == 1 && payload->tensors.items[0]->datatype == DATATYPE_BYTES)
		form = SELDON_TEXT;
	json_write_string_after(out, TEXT("{\"meta\":{\"puid\":"), id);
	buffer_string(out, "},");
	write_tensors(out, payload->tensors, form, arena);
	buffer_byte(out, '}');
	return json_written(out, error);
}

bool seldon_encode_aggregate(const struct payload *payload, struct text id, enum seldon_form form, struct buffer *out,
			     struct arena *arena, struct error *error)
{
	buffer_string(out, "{\"seldonMessages\":[");
	for (size_t i = 0; i < payload->tensors.count; i++) {
		const struct payload one = {.tensors = {1, &payload->tensors.items[i]}};
		buffer_string(out, i ? "," : "");
		if (!seldon_encode_request(&one, id, form, out, arena, error))
			return false;
	}
	buffer_string(out, "]}");
	return json_written(out, error);
}

bool seldon_decode_reply(struct arena *arena, struct text body, struct payload *payload, struct error *error)
{
	struct message message = {.arena = arena};
	struct error fault;
	fault.kind = ERROR_NONE;
	bool good = read_message(&message, body, true, &fault);
	*payload = message.payload;
	return good || error_set(error, fault.kind == ERROR_LIMIT ? ERROR_LIMIT : ERROR_REMOTE, PLACE_NONE,
				 "as a SeldonMessage: %s", fault.text);
}

const struct format format_seldon = {
	.name = "seldon",
	.content_types = {FORMAT_TYPE("application/json"), FORMAT_TYPE("application/vnd.seldon.v1+json")},
	.help = "SeldonMessage of Seldon v1, as JSON",
	.sniff = seldon_sniff,
	.decode = seldon_decode,
	.encode = seldon_encode,
};
