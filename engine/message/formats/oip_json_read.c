/* oip_json_read.c: Reader of OIP V2 bodies over REST: requests of clients, and replies of model servers. */
#include "message/formats/oip_json.h"
#include "message/formats/oip_json_tensors.h"
#include "message/formats/oip_wanted.h"

/* --- requests --------------------------------------------------------------- */

/* What stands at the top of a request, beside what goes straight to the message. */
struct oip_json_request {
	struct text outputs;	  /* where they stand: read last, when binary_data_output is known */
	struct text raw_contents; /* as well */
	bool has_inputs;
	bool has_parameters;
};

static __attribute__((cold, noinline)) bool part_occurs_twice(struct oip_reader *reader, struct text key)
{
	return error_set(reader->error, ERROR_INPUT, PLACE_NONE, TEXT_FORMAT " occurs twice in the request; send it once",
			 TEXT_ARGUMENTS(key));
}

static bool read_request_parameters(struct oip_reader *reader, struct message *message)
{
	struct oip_extension extension = {0};
	bool taken = oip_read_parameters(reader, &message->payload.parameters, &extension);
	message->wanted_binary = extension.binary_data_output;
	return taken;
}

/* Neither inputs nor an id. */
static __attribute__((noinline)) bool read_further_part(struct oip_reader *reader, struct message *message,
							struct oip_json_request *request, struct text key)
{
	if (text_is(key, "parameters")) {
		if (request->has_parameters)
			return part_occurs_twice(reader, key);
		request->has_parameters = true;
		return read_request_parameters(reader, message);
	}
	struct text *span = text_is(key, "outputs")		 ? &request->outputs
			    : text_is(key, "raw_input_contents") ? &request->raw_contents
								 : NULL;
	if (span && span->bytes)
		return part_occurs_twice(reader, key);
	return span ? json_span(&reader->scan, span) : json_skip(&reader->scan);
}

static inline bool read_request_part(struct oip_reader *reader, struct message *message, struct oip_json_request *request,
				     struct text key)
{
	if (text_is(key, "inputs")) {
		if (request->has_inputs)
			return part_occurs_twice(reader, key);
		request->has_inputs = true;
		return oip_read_tensors(reader);
	}
	if (text_is(key, "id"))
		return message->payload_id.bytes ? part_occurs_twice(reader, key)
						 : oip_read_string(reader, "id", &message->payload_id);
	return read_further_part(reader, message, request, key);
}

static bool read_wanted_parameters(struct oip_reader *reader, struct oip_extension *extension)
{
	struct parameters parameters = {0};
	if (!oip_read_parameters(reader, &parameters, extension))
		return false;
	for (size_t i = 0; i < parameters.count; i++)
		if (!oip_wanted_check(parameters.items[i].name, reader->error))
			return false;
	return true;
}

/* One of the outputs asked for. */
static bool read_wanted(struct oip_reader *reader, struct text *name, bool *binary)
{
	struct json_scan *scan = &reader->scan;
	struct oip_extension extension = {0};
	struct text key;
	if (json_peek(scan) != JSON_OBJECT)
		return error_set(reader->error, ERROR_INPUT, PLACE_NONE,
				 "outputs has an item that is not an object; write {\"name\": \"…\"}");
	json_enter(scan);
	while (json_key(scan, &key)) {
		const bool is_name = text_is(key, "name"), is_parameters = text_is(key, "parameters");
		if ((is_name && name->bytes) || (is_parameters && extension.is_read))
			return error_set(reader->error, ERROR_INPUT, PLACE_NONE,
					 TEXT_FORMAT " of outputs occurs twice; send it once", TEXT_ARGUMENTS(key));
		if (!(is_name	      ? oip_read_string(reader, "name of outputs", name)
		      : is_parameters ? read_wanted_parameters(reader, &extension)
				      : json_skip(scan)))
			return false;
	}
	if (extension.has_binary_data)
		*binary = extension.binary_data;
	return name->bytes ||
	       error_set(reader->error, ERROR_INPUT, PLACE_NONE, "outputs has an entry without name; write {\"name\": \"…\"}");
}

static size_t count_items(struct json_scan scan)
{
	size_t count = 0;
	json_enter(&scan);
	for (; json_item(&scan); count++)
		(void)json_skip(&scan);
	return count;
}

static __attribute__((noinline)) bool read_outputs(struct oip_reader *reader, struct message *message, struct text span)
{
	reader->scan = json_again(&reader->scan, span);
	if (json_peek(&reader->scan) == JSON_NULL)
		return true;
	if (json_peek(&reader->scan) != JSON_ARRAY)
		return error_set(reader->error, ERROR_INPUT, PLACE_NONE, "outputs is not a list; write [{\"name\": \"…\"}]");
	size_t count = count_items(reader->scan);
	struct text *names = arena_take(reader->arena, count, sizeof *names);
	bool *binary = arena_take(reader->arena, count, sizeof *binary);
	if (!names || !binary)
		return error_memory(reader->error, ERROR_LIMIT, "reading the outputs asked for");
	json_enter(&reader->scan);
	for (size_t i = 0; json_item(&reader->scan); i++) {
		binary[i] = message->wanted_binary;
		if (!read_wanted(reader, &names[i], &binary[i]))
			return false;
	}
	message->wanted = (struct tensors_wanted){count, names};
	message->wanted_each = binary;
	return !reader->scan.failed;
}

/* Whether another key stands there. */
static inline bool next_key(struct json_scan *scan, struct text *key)
{
	if (!scan->fresh && scan->at < scan->end && *scan->at == '}') {
		json_leave(scan);
		return false;
	}
	const char *begin = json_key_begin(scan);
	if (begin && json_key_passed(scan, begin, TEXT("\"inputs\":"))) {
		*key = TEXT("inputs");
		return true;
	}
	if (begin && json_key_passed(scan, begin, TEXT("\"id\":"))) {
		*key = TEXT("id");
		return true;
	}
	struct text other; /* so that `key` may stay in registers */
	const bool good = json_key(scan, &other);
	*key = good ? other : (struct text){0};
	return good;
}

static inline bool read_request(struct oip_reader *reader, struct message *message)
{
	struct oip_json_request request = {0};
	struct text key;
	enum json_type type = json_peek(&reader->scan);
	if (type == JSON_WRONG)
		return false;
	if (type != JSON_OBJECT)
		return error_set(reader->error, ERROR_INPUT, PLACE_NONE,
				 "the request is not an object with inputs; send {\"inputs\": […]}");
	json_enter(&reader->scan);
	while (next_key(&reader->scan, &key))
		if (!read_request_part(reader, message, &request, key))
			return false;
	if (!json_end(&reader->scan))
		return false;
	if (reader->tensors.count == 0)
		return error_set(reader->error, ERROR_INPUT, PLACE_NONE,
				 "the request has %s inputs; send at least one tensor in the list inputs",
				 request.has_inputs ? "an empty list of" : "no");
	return oip_reader_end(reader, request.raw_contents, &message->payload.tensors) &&
	       (!request.outputs.bytes || read_outputs(reader, message, request.outputs));
}

/* The id of a request that is refused may stand after what is wrong. Returns false, as its caller does. */
static __attribute__((cold, noinline)) bool find_id(const struct oip_reader *reader, struct message *message)
{
	const struct text json = {reader->scan.begin, (size_t)(reader->scan.end - reader->scan.begin)};
	struct error ignored = {0};
	struct json_scan scan;
	struct text key;
	if (message->payload_id.bytes)
		return false;
	json_begin(&scan, json, "", message->arena, &ignored);
	if (json_peek(&scan) != JSON_OBJECT)
		return false;
	json_enter(&scan);
	while (json_key(&scan, &key)) {
		if (text_is(key, "id")) {
			json_take_text(&scan, &message->payload_id);
			break;
		}
		(void)json_skip(&scan);
	}
	return false;
}

bool oip_json_decode_request(struct message *message, struct text body, size_t header_length, struct error *error)
{
	struct oip_reader reader;
	reader.arena = message->arena;
	reader.list = "inputs";
	reader.is_reply = false;
	if (!oip_reader_begin(&reader, body, header_length, "the request", error))
		return false;
	return read_request(&reader, message) || find_id(&reader, message);
}

/* --- replies ---------------------------------------------------------------- */

struct reply_parts {
	bool has_outputs;
	struct text error; /* what some servers send with status 200 */
};

/* A string, or nothing: of what only identifies, no reply fails. */
static bool read_lenient(struct json_scan *scan, struct text *text)
{
	return json_peek(scan) == JSON_STRING ? json_text(scan, text) : json_skip(scan);
}

static bool read_version(struct oip_reader *reader, struct payload *payload)
{
	struct text version = {NULL, 0};
	bool good = read_lenient(&reader->scan, &version);
	payload_set_version(payload, reader->arena, version);
	return good;
}

static bool read_reply_part(struct oip_reader *reader, struct oip_reply *reply, struct reply_parts *parts, struct text key)
{
	struct oip_extension extension = {0};
	struct json_scan *scan = &reader->scan;
	if (text_is(key, "outputs") && !parts->has_outputs) {
		parts->has_outputs = true;
		return oip_read_tensors(reader);
	}
	if (text_is(key, "model_name"))
		return read_lenient(scan, &reply->payload.model_name);
	if (text_is(key, "model_version"))
		return read_version(reader, &reply->payload);
	if (text_is(key, "id"))
		return read_lenient(scan, &reply->id);
	if (text_is(key, "error"))
		return read_lenient(scan, &parts->error);
	if (text_is(key, "parameters"))
		return oip_read_parameters(reader, &reply->payload.parameters, &extension);
	return json_skip(scan);
}

/* What is plainly something else: it comes from proxies and wrong addresses. */
static bool check_body(struct text body, struct error *error)
{
	size_t at = 0;
	while (at < body.length && (unsigned char)body.bytes[at] <= ' ')
		at++;
	if (at == body.length)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the reply is empty instead of JSON with outputs");
	if (body.bytes[at] == '<')
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the reply is an HTML page or XML instead of JSON with outputs; check that the address is that of "
				 "a model server");
	return true;
}

static bool read_reply(struct arena *arena, struct text body, size_t header_length, struct oip_reply *reply, struct error *error)
{
	struct oip_reader reader = {.arena = arena, .list = "outputs", .is_reply = true};
	struct reply_parts parts = {0};
	struct text key;
	if (!check_body(body, error) || !oip_reader_begin(&reader, body, header_length, "the reply", error))
		return false;
	enum json_type type = json_peek(&reader.scan);
	if (type == JSON_WRONG)
		return false;
	if (type != JSON_OBJECT)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the reply is JSON, but no object with outputs");
	json_enter(&reader.scan);
	while (json_key(&reader.scan, &key))
		if (!read_reply_part(&reader, reply, &parts, key))
			return false;
	if (!json_end(&reader.scan))
		return false;
	if (!parts.has_outputs && parts.error.bytes)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the reply is an error: " TEXT_FORMAT,
				 TEXT_ARGUMENTS(parts.error));
	if (!parts.has_outputs)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the reply has no outputs");
	return oip_reader_end(&reader, (struct text){0}, &reply->payload.tensors);
}

bool oip_json_decode_reply(struct arena *arena, struct text body, size_t header_length, struct oip_reply *reply,
			   struct error *error)
{
	*reply = (struct oip_reply){0};
	if (read_reply(arena, body, header_length, reply, error))
		return true;
	/* The same faults that would be the caller's are the model's here. */
	if (error->kind == ERROR_INPUT)
		error->kind = ERROR_REMOTE;
	return false;
}
