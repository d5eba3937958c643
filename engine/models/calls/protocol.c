/* protocol.c: see protocol.h. */
#include "models/calls/protocol.h"

#include "message/json/json_scan.h"
#include "message/formats/oip_base64.h"
#include "message/formats/oip_json.h"
#include "message/formats/oip_protobuf.h"
#include "message/formats/seldon_json.h"
#include "message/formats/v1_json.h"
#include "compiler/step/call_parameters.h"

#define RESOURCE_EXHAUSTED 8 /* status of gRPC */
#define WORDS_MAX 200 /* of a body that is not a JSON error, in our error */

bool protocol_write(const struct model_address *address, const struct call *call, struct parameters parameters, struct buffer *out,
		    size_t *header_length, struct error *error)
{
	struct payload payload = *call->request;
	const struct message *message = call->message;
	if (parameters.count > 0)
		payload.parameters = settings_join(payload.parameters, parameters, message->arena);
	switch (address->protocol) {
	case PROTOCOL_OIP_REST:
		return oip_json_encode_call(&payload, message->id, call->outputs, out, header_length, error);
	case PROTOCOL_OIP_GRPC: {
		const struct oip_request request = {
			.model_name = text_of(address->model), .id = message->id, .payload = &payload, .wanted = call->outputs};
		return oip_request_encode(&request, out, error);
	}
	case PROTOCOL_V1:
		return v1_encode_request(&payload, false, out, error);
	case PROTOCOL_MLFLOW:
		return mlflow_encode_request(&payload, out, error);
	case PROTOCOL_SELDON:
		break;
	}
	if (address->method == CALL_AGGREGATE)
		return seldon_encode_aggregate(&payload, message->id, message->seldon_form, out, message->arena, error);
	return seldon_encode_request(&payload, message->id, message->seldon_form, out, message->arena, error);
}

#define PAGE_WORDS "an HTML page or XML came instead of JSON; does a proxy answer for the model server?"

/* Whether the body is an HTML page, as proxies and wrong addresses send. (oip_json.h reports that by itself.) */
static bool is_page(struct text body)
{
	size_t at = 0;
	while (at < body.length && (unsigned char)body.bytes[at] <= ' ')
		at++;
	return at < body.length && body.bytes[at] == '<';
}

/* Whether the body is compressed by gzip or zlib, whose first bytes never begin JSON. */
static bool is_compressed(struct text body)
{
	if (body.length < 2)
		return false;
	unsigned first = (unsigned char)body.bytes[0], second = (unsigned char)body.bytes[1];
	return (first == 0x1f && second == 0x8b) || (first == 0x78 && (first << 8 | second) % 31 == 0); /* RFC 1952, 1950 */
}

bool protocol_read(enum model_protocol protocol, struct arena *arena, const struct payload *request, struct text body,
		   size_t header_length, struct payload *payload, struct error *error)
{
	struct oip_reply reply;
	if (protocol != PROTOCOL_OIP_GRPC && is_compressed(body))
		return error_set(error, ERROR_REMOTE, PLACE_NONE,
				 "the reply is compressed, which was not requested; disable compression in the server or its "
				 "proxy");
	switch (protocol) {
	case PROTOCOL_OIP_REST:
		if (!oip_json_decode_reply(arena, body, header_length, &reply, error))
			return false;
		*payload = reply.payload;
		return oip_base64_decode_outputs(request, payload, arena, error);
	case PROTOCOL_OIP_GRPC:
		return oip_response_decode(body, arena, payload, NULL, error);
	case PROTOCOL_V1:
	case PROTOCOL_MLFLOW:
	case PROTOCOL_SELDON:
		break;
	}
	if (is_page(body))
		return error_set(error, ERROR_REMOTE, PLACE_NONE,
				 "the reply is an HTML page or XML instead of JSON; check that the address is that of a model "
				 "server");
	return (protocol == PROTOCOL_SELDON ? seldon_decode_reply : v1_decode_reply)(arena, body, payload, error);
}

/* Whether the next object has a member of that name; the scan is then before its value. */
static bool find_member(struct json_scan *scan, const char *name)
{
	struct text key;
	if (json_peek(scan) != JSON_OBJECT || !json_enter(scan))
		return false;
	while (json_key(scan, &key)) {
		if (text_is(key, name))
			return true;
		json_skip(scan);
	}
	return false;
}

struct text protocol_reply_id(enum model_protocol protocol, struct arena *arena, struct text body, size_t header_length)
{
	struct json_scan scan;
	struct error fault;
	struct text id = {0};
	fault.kind = ERROR_NONE;
	if (header_length > 0 && header_length < body.length)
		body.length = header_length;
	json_begin(&scan, body, "the reply", arena, &fault);
	scan.bare = true; /* members before the id may contain such numbers */
	bool found = protocol == PROTOCOL_SELDON ? find_member(&scan, "meta") && find_member(&scan, "puid")
						 : protocol == PROTOCOL_OIP_REST && find_member(&scan, "id");
	return found && json_peek(&scan) == JSON_STRING && json_text(&scan, &id) ? id : (struct text){0};
}

/* ---- failures ---- */

/* Finds the message. It is under one of these keys, or in Seldon's `status` under `info`. */
static bool find_words(struct json_scan *scan, struct text *words)
{
	static const char *const keys[] = {"error", "message", "detail", "info", "reason"};
	struct text key;
	if (json_peek(scan) != JSON_OBJECT || !json_enter(scan))
		return json_skip(scan);
	while (json_key(scan, &key)) {
		bool known = false;
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			known = known || text_is(key, keys[i]);
		enum json_type type = json_peek(scan);
		if (known && words->length == 0 && type == JSON_STRING)
			json_text(scan, words);
		else if (text_is(key, "status") && type == JSON_OBJECT)
			find_words(scan, words);
		else
			json_skip(scan);
	}
	return true;
}

/* The body itself, if it is text, cut to the available length. */
static struct text body_words(struct text body)
{
	struct text words = {body.bytes, body.length < WORDS_MAX ? body.length : WORDS_MAX};
	while (words.length > 0 && words.length < body.length && ((unsigned char)body.bytes[words.length] & 0xC0) == 0x80)
		words.length--;
	return text_is_utf8(words) ? words : (struct text){0};
}

struct text protocol_words(struct arena *arena, struct text body)
{
	struct json_scan scan;
	struct error fault = {0};
	struct text words = {0};
	if (is_page(body))
		return TEXT(PAGE_WORDS);
	json_begin(&scan, body, "the error", arena, &fault);
	find_words(&scan, &words);
	if (json_end(&scan) && words.length > 0)
		return words;
	return body_words(body);
}

/* As google.rpc.Code maps them; ABORTED may be tried again, so it is no 409. */
static const struct {
	const char *name;
	int http;
} statuses[] = {
	{"OK", 200},
	{"CANCELLED", 503},
	{"UNKNOWN", 500},
	{"INVALID_ARGUMENT", 400},
	{"DEADLINE_EXCEEDED", 504},
	{"NOT_FOUND", 404},
	{"ALREADY_EXISTS", 409},
	{"PERMISSION_DENIED", 403},
	{"RESOURCE_EXHAUSTED", 429},
	{"FAILED_PRECONDITION", 400},
	{"ABORTED", 503},
	{"OUT_OF_RANGE", 400},
	{"UNIMPLEMENTED", 501},
	{"INTERNAL", 500},
	{"UNAVAILABLE", 503},
	{"DATA_LOSS", 500},
	{"UNAUTHENTICATED", 401},
};

#define STATUSES (int)(sizeof statuses / sizeof *statuses)

static bool says_too_large(struct text words)
{
	static const char *const signs[] = {"message larger than max", "message exceeds maximum size"};
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (words.length > 0 && memmem(words.bytes, words.length, signs[i], strlen(signs[i])))
			return true;
	return false;
}

int protocol_http_status(int grpc_status, struct text words)
{
	if (grpc_status == RESOURCE_EXHAUSTED && says_too_large(words))
		return 413;
	return grpc_status >= 0 && grpc_status < STATUSES ? statuses[grpc_status].http : 500;
}

const char *protocol_status_name(int grpc_status)
{
	return grpc_status >= 0 && grpc_status < STATUSES ? statuses[grpc_status].name : "unknown status";
}
