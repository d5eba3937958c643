/* case_gateway.c: see case_gateway.h. */
#include "tools/test/case_gateway.h"

#include "base/url.h"
#include "message/formats/oip_json.h"
#include "message/formats/oip_protobuf.h"
#include "message/rows.h"
#include "net/grpc/grpc.h"
#include "net/grpc/grpc_wire.h"
#include "net/http/http.h"

#define AT_ONCE 32
#define FEW 64	 /* so many requests keep their order on connections of their own: */
#define GAP_MS 3 /* between two of them, which the gateway reads one after the other */
#define CONNECT_MS 5000
#define REPLY_BYTES_MAX ((size_t)1 << 30)
#define REQUEST_BYTES_MAX ((size_t)256 << 20)
#define KEY_HEADER "sluice-key"
#define INFER_METHOD "/inference.GRPCInferenceService/ModelInfer"

struct gateway_call { /* a question on its way */
	const struct gateway_question *question;
	struct gateway_asking *asking;
	struct http_request http;
	struct grpc_call grpc;
	struct grpc_field metadata[GRPC_METADATA_MAX];
};

struct gateway_asking {
	const struct case_gateway *gateway;
	struct buffer *unfit;
	struct loop *loop;
	struct http *http;
	struct grpc *grpc;
	struct gateway_call *calls;
	size_t next, open;
	struct loop_timer gap;
	bool pausing;
	struct error error;
};

/* ---- the address ---- */

bool gateway_address_read(const char *url, struct arena *arena, struct gateway_address *address, struct error *error)
{
	const bool is_grpc = strncmp(url, "grpc", strlen("grpc")) == 0;
	struct url parts;
	struct error wrong = {0};
	const char *readable = is_grpc ? arena_print(arena, "http%s", url + strlen("grpc")) : url;
	if (!readable)
		return error_memory(error, ERROR_SYSTEM, "reading an address");
	if (!url_read(readable, &parts, &wrong) || parts.login.bytes || (parts.target.length && !text_is(parts.target, "/")))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "`%s` is no address of a gateway: write http://HOST:PORT, https://HOST:PORT, grpc://HOST:PORT or "
				 "grpcs://HOST:PORT",
				 url);
	*address = (struct gateway_address){.grpc = is_grpc, .tls = parts.tls};
	const bool bracketed = memchr(parts.host.bytes, ':', parts.host.length);
	address->base = is_grpc ? arena_print(arena, "%s" TEXT_FORMAT "%s:" TEXT_FORMAT, bracketed ? "[" : "",
					      TEXT_ARGUMENTS(parts.host), bracketed ? "]" : "", TEXT_ARGUMENTS(parts.port))
				: arena_print(arena, "http%s://" TEXT_FORMAT, parts.tls ? "s" : "",
					      TEXT_ARGUMENTS(parts.authority));
	return address->base || error_memory(error, ERROR_SYSTEM, "reading an address");
}

/* ---- one request ---- */

/* A Model or Experiment that is asked by its name, for which the plan has a pipeline. */
static const struct resource *model_of(const struct gateway_question *question)
{
	const struct resource *made_of = question->target->graph->resource->made_of;
	return made_of && (made_of->kind->type == RESOURCE_MODEL || made_of->kind->type == RESOURCE_EXPERIMENT) ? made_of : NULL;
}

static const char *name_of(const struct gateway_question *question)
{
	const struct resource *model = model_of(question);
	return model ? model->name.text : question->target->graph->name;
}

bool gateway_question_encode(struct gateway_question *question, struct arena *arena, struct buffer *why)
{
	const struct case_request *request = question->request;
	const char *name = name_of(question);
	struct message *message = ARENA_NEW(arena, struct message);
	struct error error = {0};
	struct buffer out;
	if (request->protocol.length && !text_is(request->protocol, "v2")) {
		buffer_print(why, "gRPC does not carry the protocol `" TEXT_FORMAT "`", TEXT_ARGUMENTS(request->protocol));
		return false;
	}
	if (question->target->graph->mapping) {
		buffer_print(why, "`%s` reads its tensors from a mapping, not from OIP", name);
		return false;
	}
	buffer_open(&out, REQUEST_BYTES_MAX);
	bool good = message;
	if (good) {
		*message = (struct message){.arena = arena, .headers = request->headers};
		good = message_decode(message, request->body, NULL, &error);
	}
	const struct oip_request asked = {.model_name = text_of(name),
					  .id = good ? message->payload_id : (struct text){0},
					  .payload = good ? &message->payload : NULL,
					  .wanted = good ? message->wanted : (struct tensors_wanted){0}};
	good = good && oip_request_encode(&asked, &out, &error);
	question->grpc_body = good ? text_copied(arena, buffer_view(&out)) : (struct text){0};
	buffer_close(&out);
	if (!good)
		buffer_print(why, "gRPC cannot carry the request `" TEXT_FORMAT "`: %s", TEXT_ARGUMENTS(request->id), error.text);
	return good;
}

/* A path of Seldon's names a namespace. Where the file has none, the gateway's may be any. */
static bool is_named_by_header(const struct gateway_question *question)
{
	return text_is(question->request->protocol, "seldon") && !question->namespace;
}

static const char *path_of(const struct gateway_question *question, const char *base, struct arena *arena)
{
	const char *name = name_of(question);
	if (text_is(question->request->protocol, "v1"))
		return arena_print(arena, "%s/v1/models/%s:predict", base, name);
	if (is_named_by_header(question))
		return arena_print(arena, "%s/api/v1.0/predictions", base);
	if (text_is(question->request->protocol, "seldon"))
		return arena_print(arena, "%s/seldon/%s/%s/api/v1.0/predictions", base, question->namespace, name);
	return arena_print(arena, "%s/v2/%s/%s/infer", base, model_of(question) ? "models" : "pipelines", name);
}

/* ---- answers ---- */

static void record_take(const struct gateway_call *call, const struct payload *payload, struct text id, struct text body,
			const struct error *error)
{
	const struct arrival arrival = {.id = call->question->request->id,
					.record_id = id,
					.payload = payload,
					.error = error,
					.body = body,
					.body_id = id};
	case_results_add(call->asking->gateway->results, &arrival);
}

/* What a status says where its words do not name the kind. */
static enum error_kind kind_of_http(long status)
{
	if (status == 504 || status == 503 || status == 429 || status == 413 || status == 410 || status == 408)
		return ERROR_LIMIT;
	return status < 500 ? ERROR_INPUT : status == 502 ? ERROR_REMOTE : ERROR_SYSTEM;
}

static enum error_kind kind_of_grpc(int status)
{
	switch (status) {
	case GRPC_DEADLINE_EXCEEDED:
	case GRPC_RESOURCE_EXHAUSTED:
		return ERROR_LIMIT;
	case GRPC_UNAVAILABLE:
		return ERROR_REMOTE;
	case GRPC_INVALID_ARGUMENT:
	case GRPC_NOT_FOUND:
		return ERROR_INPUT;
	default:
		return ERROR_SYSTEM;
	}
}

/* The member `kind` of an error's JSON; empty: it has none. */
static struct text kind_read(struct text body, struct arena *arena)
{
	struct json_scan scan;
	struct text key, kind = {0};
	struct error ignored = {0};
	json_begin(&scan, body, "the answer", arena, &ignored);
	if (json_peek(&scan) != JSON_OBJECT || !json_enter(&scan))
		return kind;
	while (json_key(&scan, &key))
		if (!text_is(key, "kind") || json_peek(&scan) != JSON_STRING)
			json_skip(&scan);
		else if (!json_text(&scan, &kind))
			return (struct text){0};
	return kind;
}

/* Reads `{"error": ..., "kind": ...}`, else takes the whole body. */
static void refusal_read(const struct gateway_call *call, long status, struct text body, struct error *error)
{
	struct arena *arena = call->asking->gateway->results->arena;
	const struct headers none = {0};
	struct decoded_answer answer = {0};
	struct error ignored = {0};
	const struct text name = kind_read(body, arena);
	const enum error_kind kind = error_kind_find(name.bytes, name.length);
	const bool has_words = answer_decode(none, body, NULL, arena, &answer, &ignored) && answer.words.length;
	error_set(error, kind == ERROR_NONE ? kind_of_http(status) : kind, PLACE_NONE, TEXT_FORMAT,
		  TEXT_ARGUMENTS(has_words ? answer.words : body));
}

static void http_answer_take(const struct gateway_call *call, struct text body, struct text json_length)
{
	struct case_results *results = call->asking->gateway->results;
	struct header header = {TEXT(OIP_LENGTH_HEADER), json_length};
	const struct headers headers = {json_length.length ? 1 : 0, &header};
	struct payload *payload = ARENA_NEW(results->arena, struct payload);
	struct decoded_answer answer = {0};
	struct error error = {0};
	const struct text kept = text_copied(results->arena, body);
	if (!payload || arena_failed(results->arena)) {
		results->failed = true;
		return;
	}
	if (json_length.length && answer_decode(headers, kept, NULL, results->arena, &answer, &error) && answer.readable) {
		*payload = answer.payload;
		record_take(call, payload, answer.id, (struct text){0}, NULL);
		return;
	}
	record_take(call, payload, (struct text){0}, kept, NULL);
}

static void unfit_note(const struct gateway_asking *asking, const struct error *refused)
{
	if (!asking->unfit->length)
		buffer_print(asking->unfit, "the gateway answers it only when it is submitted: %s", refused->text);
}

/* No answer at all is no matter of the case: the run ends. */
static void end_unanswered(struct gateway_asking *asking, const struct gateway_call *call, const struct error *why)
{
	if (asking->error.kind == ERROR_NONE)
		error_set(&asking->error, ERROR_REMOTE, PLACE_NONE,
			  "%s has not answered `" TEXT_FORMAT "`: %s; start a gateway there, or correct --gateway",
			  asking->gateway->address.base, TEXT_ARGUMENTS(call->question->request->id), why->text);
}

static void send_some(struct gateway_asking *asking);

static void call_end(struct gateway_asking *asking)
{
	asking->open--;
	if (!asking->pausing)
		send_some(asking);
}

static void on_http_done(struct http_request *request, const struct http_reply *reply)
{
	const struct gateway_call *call = request->context;
	struct gateway_asking *asking = call->asking;
	struct error refused = {0};
	if (reply->status == 0) {
		end_unanswered(asking, call, &reply->error);
	} else if (reply->status == 200) {
		http_answer_take(call, reply->body, reply->header);
	} else if (reply->status != 202 && reply->status != 204) { /* accepted, or dropped by a step: nothing comes */
		refusal_read(call, reply->status, reply->body, &refused);
		if (reply->status == 409)
			unfit_note(asking, &refused);
		record_take(call, NULL, (struct text){0}, (struct text){0}, &refused);
	}
	call_end(asking);
}

static void grpc_answer_take(const struct gateway_call *call, struct text body)
{
	struct case_results *results = call->asking->gateway->results;
	struct payload *payload = ARENA_NEW(results->arena, struct payload);
	const struct text kept = text_copied(results->arena, body);
	struct error error = {0};
	struct text id = {0};
	if (!payload || arena_failed(results->arena))
		results->failed = true;
	else if (!oip_response_decode(kept, results->arena, payload, &id, &error))
		record_take(call, NULL, id, (struct text){0}, &error);
	else if (payload->tensors.count > 0) /* without tensors: a step has dropped it */
		record_take(call, payload, id, (struct text){0}, NULL);
}

static void on_grpc_done(struct grpc_call *grpc_call, const struct grpc_reply *reply)
{
	const struct gateway_call *call = grpc_call->context;
	struct gateway_asking *asking = call->asking;
	struct error refused = {0};
	if (reply->status < 0) {
		end_unanswered(asking, call, &reply->error);
	} else if (reply->status == GRPC_OK) {
		grpc_answer_take(call, reply->body);
	} else {
		error_set(&refused, kind_of_grpc(reply->status), PLACE_NONE, TEXT_FORMAT, TEXT_ARGUMENTS(reply->words));
		if (reply->status == GRPC_FAILED_PRECONDITION)
			unfit_note(asking, &refused);
		record_take(call, NULL, (struct text){0}, (struct text){0}, &refused);
	}
	call_end(asking);
}

/* ---- sending ---- */

static bool headers_make(const struct gateway_call *call, const char **headers, const char **content_type, struct error *error)
{
	const struct case_request *request = call->question->request;
	struct arena *arena = call->asking->gateway->results->arena;
	const struct gateway_question *question = call->question;
	const struct header own[] = {
		{TEXT(KEY_HEADER), request->key},
		{TEXT("seldon-model"), is_named_by_header(question) ? text_of(name_of(question)) : (struct text){0}},
	};
	const size_t given = request->headers.count;
	size_t count = 0;
	*content_type = "application/json";
	for (size_t i = 0; i < given + sizeof own / sizeof *own; i++) {
		const struct header *header = i < given ? &request->headers.items[i] : &own[i - given];
		if (!header->value.bytes)
			continue;
		if (text_equal_caseless(header->name, TEXT("content-type"))) {
			*content_type = arena_copy(arena, header->value.bytes, header->value.length);
			continue;
		}
		if (text_equal_caseless(header->name, TEXT(OIP_LENGTH_HEADER)))
			*content_type = "application/octet-stream";
		if (count == HTTP_HEADERS_MAX)
			return error_set(error, ERROR_LIMIT, request->place,
					 "with --gateway a request may have %d headers; its key is one, and so is the name of a "
					 "deployment without a namespace",
					 HTTP_HEADERS_MAX);
		headers[count++] = arena_print(arena, TEXT_FORMAT ": " TEXT_FORMAT, TEXT_ARGUMENTS(header->name),
					       TEXT_ARGUMENTS(header->value));
	}
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
}

static bool http_send(struct gateway_call *call, struct error *error)
{
	const struct gateway_asking *asking = call->asking;
	call->http = (struct http_request){
		.url = path_of(call->question, asking->gateway->address.base, asking->gateway->results->arena),
		.body = {call->question->request->body.bytes ? call->question->request->body.bytes : "",
			 call->question->request->body.length},
		.timeout_ms = asking->gateway->timeout_ms,
		.wanted_header = OIP_LENGTH_HEADER,
		.done = on_http_done,
		.context = call,
	};
	return headers_make(call, call->http.headers, &call->http.content_type, error) &&
	       http_start(asking->http, &call->http, error);
}

static struct text lowered(struct text name, struct arena *arena)
{
	char *copy = ARENA_ARRAY(arena, char, name.length + 1);
	for (size_t i = 0; copy && i < name.length; i++)
		copy[i] = (char)(name.bytes[i] >= 'A' && name.bytes[i] <= 'Z' ? name.bytes[i] + ('a' - 'A') : name.bytes[i]);
	return (struct text){copy, copy ? name.length : 0};
}

/* The framing of binary tensors is of HTTP, and the content type is gRPC's. */
static size_t metadata_make(struct gateway_call *call)
{
	const struct case_request *request = call->question->request;
	struct arena *arena = call->asking->gateway->results->arena;
	size_t count = 0;
	for (size_t i = 0; i < request->headers.count && count + 1 < GRPC_METADATA_MAX; i++) {
		const struct header *header = &request->headers.items[i];
		if (!text_equal_caseless(header->name, TEXT(OIP_LENGTH_HEADER)) &&
		    !text_equal_caseless(header->name, TEXT("content-type")))
			call->metadata[count++] = (struct grpc_field){lowered(header->name, arena), header->value};
	}
	if (request->key.bytes)
		call->metadata[count++] = (struct grpc_field){TEXT(KEY_HEADER), request->key};
	return count;
}

static bool grpc_send(struct gateway_call *call, struct error *error)
{
	const struct gateway_asking *asking = call->asking;
	call->grpc = (struct grpc_call){
		.address = asking->gateway->address.base,
		.tls = asking->gateway->address.tls,
		.path = INFER_METHOD,
		.body = &call->question->grpc_body,
		.body_count = 1,
		.timeout_ms = asking->gateway->timeout_ms,
		.metadata = call->metadata,
		.metadata_count = metadata_make(call),
		.done = on_grpc_done,
		.context = call,
	};
	return grpc_start(asking->grpc, &call->grpc, error);
}

static void on_gap(void *context)
{
	struct gateway_asking *asking = context;
	asking->pausing = false;
	send_some(asking);
}

static void send_some(struct gateway_asking *asking)
{
	const struct case_gateway *gateway = asking->gateway;
	const bool paced = !gateway->address.grpc && gateway->count <= FEW;
	while (asking->error.kind == ERROR_NONE && asking->next < gateway->count && asking->open < AT_ONCE) {
		struct gateway_call *call = &asking->calls[asking->next];
		*call = (struct gateway_call){.question = &gateway->questions[asking->next], .asking = asking};
		asking->next++;
		if (!(gateway->address.grpc ? grpc_send : http_send)(call, &asking->error))
			return;
		asking->open++;
		if (paced) {
			asking->pausing = loop_timer_set(asking->loop, &asking->gap, loop_now_ms(asking->loop) + GAP_MS,
							 &asking->error);
			return;
		}
	}
}

static bool clients_open(struct gateway_asking *asking, struct error *error)
{
	const struct http_limits http = {
		.connections_a_host = AT_ONCE, .connection_idle_s = 60, .reply_bytes = REPLY_BYTES_MAX, .connect_ms = CONNECT_MS};
	const struct grpc_limits grpc = {
		.streams = AT_ONCE,
		.connections = 1,
		.connection_idle_s = 60,
		.reply_bytes = REPLY_BYTES_MAX,
		.connect_ms = CONNECT_MS,
	};
	asking->gap = (struct loop_timer){.due = on_gap, .context = asking};
	asking->calls = ARENA_ARRAY(asking->gateway->results->arena, struct gateway_call, asking->gateway->count);
	if (!asking->calls)
		return error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
	if (!(asking->loop = loop_open(error)))
		return false;
	return asking->gateway->address.grpc ? (asking->grpc = grpc_open(asking->loop, &grpc, NULL, error)) != NULL
					     : (asking->http = http_open(asking->loop, &http, error)) != NULL;
}

bool case_gateway_run(const struct case_gateway *gateway, struct buffer *unfit, struct error *error)
{
	struct gateway_asking asking = {.gateway = gateway, .unfit = unfit};
	bool good = clients_open(&asking, error);
	if (good)
		send_some(&asking);
	while (good && asking.error.kind == ERROR_NONE && (asking.open > 0 || asking.next < gateway->count))
		good = loop_turn(asking.loop, -1, error);
	http_close(asking.http);
	grpc_close(asking.grpc);
	if (asking.loop)
		loop_timer_stop(asking.loop, &asking.gap);
	loop_close(asking.loop);
	if (good && asking.error.kind != ERROR_NONE) {
		*error = asking.error;
		return false;
	}
	return good;
}
