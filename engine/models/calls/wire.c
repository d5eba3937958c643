/* wire.c: see wire.h. */
#include "models/calls/wire.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/number/number.h"
#include "message/formats/oip_json.h"
#include "message/formats/protobuf_wire.h"
#include "message/records/trace_context.h"
#include "net/grpc/grpc.h"
#include "net/http/http.h"
#include "models/calls/protocol.h"

#define CONNECTIONS 100
#define STREAMS 128 /* of one connection of gRPC: what is under way at the most of a model */
#define IDLE_MS 60000
#define AGE_MS (2 * 60 * 1000) /* of a connection: servers that are added behind one name or address get calls by then */
#define CONNECT_MS 2000
#define SERVICE "/inference.GRPCInferenceService/"
#define QUESTION_BYTES 512
#define TRACE_LINES_BYTES_MAX ((size_t)1024) /* of the longest context, with its names */
#define REDIRECTED "it redirects to another address, which is not followed; write that address"

struct wire {
	struct loop *loop;
	const struct wire_config *config;
	struct http *http;
	struct grpc *grpc;
	struct wire_asked *asked; /* under way */
};

/* What a queued call keeps from call to call. */
struct wire_sending {
	struct wire *wire;
	struct queued_call *queued_call;
	const struct model_address *address;
	struct http_request http;
	struct grpc_call grpc;
	struct buffer body;
	struct text part;	       /* of the body: all of it */
	char deadline[64 + NUMBER_TEXT_MAX], length[64]; /* headers */
	struct buffer trace;				 /* headers of its trace, for HTTP */
	struct grpc_field trace_fields[TRACE_HEADERS_MAX]; /* the same for gRPC */
};

struct wire_asked {
	struct wire *wire;
	struct wire_asked *next, *previous;
	struct http_request http;
	struct grpc_call grpc;
	struct text part;
	void (*answered)(void *context, size_t nth, const struct attempt *attempt);
	void *context;
	size_t nth;
	char text[QUESTION_BYTES]; /* the URL, or the message */
};

/* ---- opening and closing ---- */

struct wire *wire_open(struct loop *loop, const struct wire_config *config, struct error *error)
{
	assert(loop && config->arrived);
	struct wire *wire = memory_take(1, sizeof *wire);
	if (!wire)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a client of models"));
	const size_t connections = config->pool.connections ? config->pool.connections : CONNECTIONS;
	const int64_t idle_ms = config->pool.idle_ms ? config->pool.idle_ms : IDLE_MS;
	const struct http_limits http = {.connections_a_host = connections,
					 .connection_idle_s = (idle_ms + 999) / 1000,
					 .connection_age_ms = AGE_MS,
					 .reply_bytes = config->reply_bytes,
					 .connect_ms = CONNECT_MS,
					 .tls = config->tls};
	const struct grpc_limits grpc = {.streams = STREAMS,
					 .connections = connections,
					 .connection_idle_s = (idle_ms + 999) / 1000,
					 .connection_age_ms = AGE_MS,
					 .reply_bytes = config->reply_bytes,
					 .connect_ms = CONNECT_MS};
	wire->loop = loop;
	wire->config = config;
	if ((wire->http = http_open(loop, &http, error)) && (wire->grpc = grpc_open(loop, &grpc, config->tls, error)))
		return wire;
	wire_close(wire);
	return NULL;
}

static void asked_end(struct wire_asked *asked)
{
	if (asked->next)
		asked->next->previous = asked->previous;
	*(asked->previous ? &asked->previous->next : &asked->wire->asked) = asked->next;
	memory_give(asked);
}

void wire_close(struct wire *wire)
{
	if (!wire)
		return;
	http_close(wire->http);
	grpc_close(wire->grpc);
	while (wire->asked)
		asked_end(wire->asked);
	memory_give(wire);
}

/* ---- what came back ---- */

static void take_reply(struct wire_sending *sending, struct attempt *attempt, struct text body, size_t header_length,
		       struct payload *payload, struct error *fault)
{
	const struct call *call = sending->queued_call->attempts.call;
	struct arena *arena = call->message->arena;
	/* The tensors borrow from the body. */
	struct text kept = {arena_copy(arena, body.bytes ? body.bytes : "", body.length), body.length};
	attempt->status = 200;
	attempt->fault = fault;
	if (!kept.bytes)
		error_memory(fault, ERROR_LIMIT, "keeping a model's answer");
	else if (protocol_read(sending->address->protocol, arena, call->request, kept, header_length, payload, fault))
		attempt->fault = NULL;
	attempt->payload = attempt->fault ? NULL : payload;
}

static void wire_arrive(struct wire_sending *sending, struct attempt *attempt)
{
	const struct wire_config *config = sending->wire->config;
	config->arrived(config->context, sending->queued_call, attempt);
}

/* No answer came. What is ours (too long an answer, no memory) is no failure of the server. */
static bool is_ours(const struct error *error, struct attempt *attempt)
{
	if (error->kind == ERROR_REMOTE)
		return false;
	attempt->status = 200;
	attempt->fault = error;
	return true;
}

/* Of its part in JSON, before binary data; 0: all of it. */
static size_t header_length_of(struct text header)
{
	uint64_t length = 0;
	if (header.bytes)
		(void)number_read_uint64(header, &length);
	return (size_t)length;
}

static void note_http(const struct http_reply *reply, struct attempt *attempt)
{
	static const enum attempt_end ends[] = {
		[HTTP_UNMET] = ATTEMPT_REFUSED, [HTTP_SENT] = ATTEMPT_LOST, [HTTP_BEGUN] = ATTEMPT_BROKE};
	attempt->end = reply->timed_out ? ATTEMPT_TIMED_OUT : ends[reply->stage];
	attempt->words = text_of(reply->error.text);
}

static enum http_echo check_echo(const struct http_request *request, long status, struct text body, struct text header)
{
	const struct wire_sending *sending = request->context;
	const struct message *message = sending->queued_call->attempts.call->message;
	if (status != 200 || message->id.length == 0)
		return HTTP_ECHO_NONE;
	struct text id = protocol_reply_id(sending->address->protocol, message->arena, body, header_length_of(header));
	if (id.length == 0)
		return HTTP_ECHO_NONE;
	return text_equal(id, message->id) ? HTTP_ECHO_OWN : HTTP_ECHO_OTHER;
}

static void on_http_done(struct http_request *request, const struct http_reply *reply)
{
	struct wire_sending *sending = request->context;
	struct arena *arena = sending->queued_call->attempts.call->message->arena;
	struct attempt attempt = {.status = (int)reply->status, .where = sending->address->url};
	struct error fault;
	struct payload *payload = NULL;
	fault.kind = ERROR_NONE;
	if (reply->status == 200) {
		payload = ARENA_NEW(arena, struct payload);
		if (payload)
			take_reply(sending, &attempt, reply->body, header_length_of(reply->header), payload, &fault);
		else if (!error_memory(&fault, ERROR_LIMIT, "keeping a model's answer"))
			attempt.fault = &fault;
	} else if (reply->status > 0) {
		attempt.words = reply->status / 100 == 3 ? TEXT(REDIRECTED) : protocol_words(arena, reply->body);
		attempt.loading = reply->status == 404;
	} else if (!is_ours(&reply->error, &attempt)) {
		note_http(reply, &attempt);
	}
	wire_arrive(sending, &attempt);
}

static void note_grpc(const struct grpc_reply *reply, struct attempt *attempt)
{
	if (reply->timed_out || reply->lost)
		attempt->end = reply->unprocessed ? ATTEMPT_REFUSED : reply->timed_out ? ATTEMPT_TIMED_OUT : ATTEMPT_LOST;
	else
		attempt->end = ATTEMPT_BROKE;
	attempt->words = text_of(reply->error.text);
}

static void on_grpc_done(struct grpc_call *call, const struct grpc_reply *reply)
{
	struct wire_sending *sending = call->context;
	struct arena *arena = sending->queued_call->attempts.call->message->arena;
	struct attempt attempt = {.where = sending->address->host, .by_grpc = true};
	struct error fault;
	struct payload *payload = NULL;
	fault.kind = ERROR_NONE;
	if (reply->status == 0) {
		payload = ARENA_NEW(arena, struct payload);
		if (payload)
			take_reply(sending, &attempt, reply->body, 0, payload, &fault);
		else if (!error_memory(&fault, ERROR_LIMIT, "keeping a model's answer"))
			attempt.fault = &fault;
	} else if (reply->status > 0) {
		attempt.status = protocol_http_status(reply->status, reply->words);
		attempt.words = reply->words.length ? reply->words : text_of(protocol_status_name(reply->status));
		attempt.loading = attempt.status == 404;
	} else if (!is_ours(&reply->error, &attempt)) {
		note_grpc(reply, &attempt);
	}
	wire_arrive(sending, &attempt);
}

/* ---- what goes out ---- */

static struct wire_sending *sending_of(struct wire *wire, struct queued_call *queued_call)
{
	struct wire_sending *sending = queued_call->sending;
	if (!sending && (queued_call->sending = sending = memory_take(1, sizeof *sending))) {
		buffer_open(&sending->body, wire->config->request_bytes);
		buffer_open(&sending->trace, TRACE_LINES_BYTES_MAX);
	}
	if (!sending)
		return NULL;
	sending->wire = wire;
	sending->queued_call = queued_call;
	buffer_clear(&sending->body);
	return sending;
}

void wire_discard(struct queued_call *queued_call)
{
	struct wire_sending *sending = queued_call->sending;
	if (sending) {
		buffer_close(&sending->body);
		buffer_close(&sending->trace);
	}
	memory_give(sending);
	queued_call->sending = NULL;
}

/* A caller's deadline goes along, as a time of day. */
static const char *deadline_header(struct wire_sending *sending, const struct call *call)
{
	const int64_t deadline_ms = call_deadline_ms(call);
	if (deadline_ms == 0)
		return NULL;
	struct loop *loop = sending->wire->loop;
	int64_t day_ms = deadline_ms + loop_began_ms(loop);
	static const char name[] = DEADLINE_HEADER ": ";
	char *digits = (char *)memcpy(sending->deadline, name, sizeof name - 1) + sizeof name - 1;
	digits[number_write_int64(digits, day_ms)] = '\0';
	return sending->deadline;
}

/* The trace context of the call, as headers. Returns their number. */
static size_t trace_headers(const struct wire_sending *sending, struct header items[TRACE_HEADERS_MAX])
{
	const struct trace_context trace = message_trace(sending->queued_call->attempts.call->message);
	return trace_headers_write(&trace, items);
}

/* The same as lines of an HTTP request. Without memory for them, the call has no trace. */
static size_t trace_lines(struct wire_sending *sending, const char **lines)
{
	struct header items[TRACE_HEADERS_MAX];
	size_t begins[TRACE_HEADERS_MAX];
	const size_t count = trace_headers(sending, items);
	buffer_clear(&sending->trace);
	for (size_t i = 0; i < count; i++) {
		begins[i] = sending->trace.length;
		buffer_text(&sending->trace, items[i].name);
		buffer_string(&sending->trace, ": ");
		buffer_text(&sending->trace, items[i].value);
		buffer_byte(&sending->trace, '\0');
	}
	if (buffer_failed(&sending->trace))
		return 0;
	for (size_t i = 0; i < count; i++)
		lines[i] = sending->trace.bytes + begins[i];
	return count;
}

static bool send_http(struct wire_sending *sending, const struct wire_call *call, size_t header_length, struct error *error)
{
	const char *deadline = deadline_header(sending, sending->queued_call->attempts.call);
	sending->http = (struct http_request){
		.url = call->address->url,
		.content_type = header_length ? "application/octet-stream" : "application/json",
		.body = sending->part,
		.timeout_ms = call->timeout_ms,
		.wanted_header = call->binary ? OIP_LENGTH_HEADER : NULL,
		.check_echo = check_echo,
		.done = on_http_done,
		.context = sending,
	};
	size_t count = trace_lines(sending, sending->http.headers);
	if (deadline)
		sending->http.headers[count++] = deadline;
	if (header_length > 0) {
		(void)snprintf(sending->length, sizeof sending->length, OIP_LENGTH_HEADER ": %zu", header_length);
		sending->http.headers[count] = sending->length;
	}
	return http_start(sending->wire->http, &sending->http, error);
}

static bool send_grpc(struct wire_sending *sending, const struct wire_call *call, struct error *error)
{
	struct header items[TRACE_HEADERS_MAX];
	const size_t count = trace_headers(sending, items);
	for (size_t i = 0; i < count; i++)
		sending->trace_fields[i] = (struct grpc_field){items[i].name, items[i].value};
	sending->grpc = (struct grpc_call){
		.address = call->address->host,
		.tls = call->address->tls,
		.path = SERVICE "ModelInfer",
		.body = &sending->part,
		.body_count = 1,
		.timeout_ms = call->timeout_ms,
		.metadata = sending->trace_fields,
		.metadata_count = count,
		.done = on_grpc_done,
		.context = sending,
	};
	return grpc_start(sending->wire->grpc, &sending->grpc, error);
}

bool wire_send(struct wire *wire, struct queued_call *queued_call, const struct wire_call *call, struct error *error)
{
	struct wire_sending *sending = sending_of(wire, queued_call);
	size_t header_length = 0;
	if (!sending)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	sending->address = call->address;
	if (!protocol_write(call->address, queued_call->attempts.call, call->parameters, &sending->body,
			    call->binary ? &header_length : NULL, error))
		return false;
	sending->part = buffer_view(&sending->body);
	return call->address->protocol == PROTOCOL_OIP_GRPC ? send_grpc(sending, call, error)
							    : send_http(sending, call, header_length, error);
}

void wire_withdraw(struct wire *wire, struct queued_call *queued_call)
{
	struct wire_sending *sending = queued_call->sending;
	if (sending->address->protocol == PROTOCOL_OIP_GRPC)
		grpc_forget(wire->grpc, &sending->grpc);
	else
		http_forget(wire->http, &sending->http);
}

/* ---- questions ---- */

bool wire_can_ask(enum model_protocol protocol, enum wire_question question)
{
	return protocol == PROTOCOL_OIP_REST || protocol == PROTOCOL_OIP_GRPC ||
	       (protocol == PROTOCOL_V1 && question == ASK_MODEL_READY);
}

static void wire_answer(struct wire_asked *asked, const struct attempt *attempt)
{
	void (*answered)(void *, size_t, const struct attempt *) = asked->answered;
	void *context = asked->context;
	size_t nth = asked->nth;
	answered(context, nth, attempt);
	asked_end(asked);
}

static void on_http_answered(struct http_request *request, const struct http_reply *reply)
{
	struct wire_asked *asked = request->context;
	struct attempt attempt = {.status = (int)reply->status, .body = reply->body, .where = request->url};
	if (reply->status == 0)
		note_http(reply, &attempt);
	wire_answer(asked, &attempt);
}

static void on_grpc_answered(struct grpc_call *call, const struct grpc_reply *reply)
{
	struct wire_asked *asked = call->context;
	struct attempt attempt = {.body = reply->body, .words = reply->words, .where = call->address};
	if (reply->status >= 0)
		attempt.status = protocol_http_status(reply->status, reply->words);
	else
		note_grpc(reply, &attempt);
	wire_answer(asked, &attempt);
}

static bool ask_http(struct wire_asked *asked, const struct model_address *address, enum wire_question question, int64_t timeout_ms)
{
	struct error error = {0};
	const char *version = address->protocol == PROTOCOL_V1 ? "v1" : "v2";
	int length =
		question == ASK_SERVER_METADATA
			? snprintf(asked->text, sizeof asked->text, "%s/v2", address->base)
			: snprintf(asked->text, sizeof asked->text, "%s/%s/models/%s%s", address->base, version, address->model,
				   question == ASK_MODEL_READY && address->protocol != PROTOCOL_V1 ? "/ready" : "");
	asked->http = (struct http_request){.url = asked->text,
					    .content_type = "application/json",
					    .timeout_ms = timeout_ms,
					    .done = on_http_answered,
					    .context = asked};
	return length < QUESTION_BYTES && http_start(asked->wire->http, &asked->http, &error);
}

static bool ask_grpc(struct wire_asked *asked, const struct model_address *address, enum wire_question question, int64_t timeout_ms)
{
	static const char *const paths[] = {[ASK_MODEL_READY] = SERVICE "ModelReady",
					    [ASK_SERVER_METADATA] = SERVICE "ServerMetadata",
					    [ASK_MODEL_METADATA] = SERVICE "ModelMetadata"};
	struct error error = {0};
	struct text name = text_of(address->model);
	if (protobuf_bytes_size(name.length) > sizeof asked->text)
		return false;
	asked->part = (struct text){asked->text, 0};
	if (question != ASK_SERVER_METADATA)
		asked->part.length = (size_t)(protobuf_put_bytes(asked->text, 1, name) - asked->text);
	asked->grpc = (struct grpc_call){.address = address->host,
					 .tls = address->tls,
					 .path = paths[question],
					 .body = &asked->part,
					 .body_count = 1,
					 .timeout_ms = timeout_ms,
					 .done = on_grpc_answered,
					 .context = asked};
	return grpc_start(asked->wire->grpc, &asked->grpc, &error);
}

bool wire_ask(struct wire *wire, const struct model_address *address, enum wire_question question, int64_t timeout_ms,
	      void (*answered)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth)
{
	assert(wire_can_ask(address->protocol, question) && answered);
	struct wire_asked *asked = memory_take(1, sizeof *asked);
	if (!asked)
		return false;
	*asked = (struct wire_asked){.wire = wire, .answered = answered, .context = context, .nth = nth, .next = wire->asked};
	if (asked->next)
		asked->next->previous = asked;
	wire->asked = asked;
	bool grpc = address->protocol == PROTOCOL_OIP_GRPC;
	if ((grpc ? ask_grpc : ask_http)(asked, address, question, timeout_ms))
		return true;
	asked_end(asked);
	return false;
}

/* ---- as a table ---- */

static struct wire *usual_open(void *context, struct loop *loop, const struct wire_config *config, struct error *error)
{
	(void)context;
	return wire_open(loop, config, error);
}

const struct wire_operations wire_usual = {
	.open = usual_open,
	.close = wire_close,
	.send = wire_send,
	.withdraw = wire_withdraw,
	.discard = wire_discard,
	.ask = wire_ask,
};
