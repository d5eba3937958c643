/* grpc_front.c: see grpc_front.h. Each method is a row of a table. */
#include "gateway/grpc_front.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/version.h"
#include "gateway/access/call_access.h"
#include "gateway/calls/call_feedback.h"
#include "gateway/calls/call_setup.h"
#include "gateway/gateway_readiness.h"
#include "gateway/grpc_front_parts.h"
#include "gateway/grpc_metadata.h"
#include "gateway/grpc_outcome.h"
#include "gateway/health_watches.h"
#include "gateway/seldon_route.h"
#include "gateway/calls/streamed_calls.h"
#include "message/records/explained.h"
#include "message/formats/protobuf_wire.h"
#include "message/formats/seldon_protobuf.h"
#include "net/grpc/grpc_reflection.h"
#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_wire.h"
#include "net/http/refusal.h"
#include "models/server/inference_proto.h"
#include "models/server/seldon_proto.h"

#define STREAMS 1024 /* of one connection */
#define METADATA_BYTES ((size_t)32 << 10) /* twice the limit of other servers; nghttp2 ends a connection at 64 KiB */
#define REPLY_BYTES_MAX ((size_t)16 << 20) /* of answers that the gateway writes itself */
#define REQUEST_ARENA_BYTES ((size_t)16 << 20)
#define SELDON "/" SELDON_PACKAGE "." SELDON_SERVICE "/" /* of Seldon Core 1 */
#define STREAMED_INFERENCE INFERENCE "ModelStreamInfer"
#define REASON_FIELD "sluice-reason"
#define STREAMED_KEY "an idempotency key is of one request, not of a stream: send the request by " INFERENCE "ModelInfer"

/* ---- answers ---- */

static void reply_send(const struct grpc_asked *asked)
{
	const struct buffer *reply = &asked->front->reply;
	if (buffer_failed(reply))
		grpc_server_answer(asked->request, GRPC_RESOURCE_EXHAUSTED, TEXT("memory ran out"), (struct text){0});
	else
		grpc_server_answer(asked->request, GRPC_OK, (struct text){0}, buffer_view(reply));
}

static void grpc_front_refuse(const struct grpc_asked *asked, int status, const char *words)
{
	calls_count_refusal(asked->front->config.calls, COUNTED_GRPC, status);
	grpc_server_answer(asked->request, status, text_of(words), (struct text){0});
}

/* With a status of HTTP. */
static void refuse_by_http(const struct grpc_asked *asked, int status, const char *words)
{
	char id[REFUSAL_ID_SIZE];
	if (!asked->streamed) {
		grpc_front_refuse(asked, grpc_status_for_http(status), words);
		return;
	}
	calls_count_refusal(asked->front->config.calls, COUNTED_GRPC, grpc_status_for_http(status));
	refusal_id_write(calls_ids(asked->front->config.calls), (struct text){0}, id);
	streamed_call_refuse(asked->streamed, status, refusal_kind(status), words, asked->path, text_of(id));
}

/* ---- health and metadata ---- */

static bool target_is_ready(const struct grpc_front *front, const struct gateway_target *target, struct error *error)
{
	const struct gateway_readiness readiness = {front->config.gateway, front->config.targets, front->config.calls,
						    front->leaving,	   *front->config.access, front->config.keyed};
	return gateway_readiness_find(&readiness, target, error);
}

static bool grpc_front_is_ready(void *context)
{
	struct error error = {0};
	return target_is_ready(context, NULL, &error);
}

static void server_live(const struct grpc_asked *asked)
{
	protobuf_write_flag(&asked->front->reply, 1, true);
	reply_send(asked);
}

static void ready_reply(const struct grpc_asked *asked, bool is_ready)
{
	protobuf_write_flag(&asked->front->reply, 1, is_ready);
	reply_send(asked);
}

/* The message has no field for the reason, which is in the metadata. */
static void readiness_reply(const struct grpc_asked *asked, const struct gateway_target *target)
{
	struct error error = {0};
	const bool is_ready = target_is_ready(asked->front, target, &error);
	if (!is_ready)
		grpc_request_add_field(asked->request, TEXT(REASON_FIELD), text_of(error.text));
	ready_reply(asked, is_ready);
}

static void server_ready(const struct grpc_asked *asked)
{
	readiness_reply(asked, NULL);
}

static void health_check(const struct grpc_asked *asked)
{
	if (!health_service_is_known(protobuf_read_text(asked->body, 1))) {
		grpc_front_refuse(asked, GRPC_NOT_FOUND, "there is no service of that name");
		return;
	}
	health_status_write(grpc_front_is_ready(asked->front) ? HEALTH_SERVING : HEALTH_NOT_SERVING, &asked->front->reply);
	reply_send(asked);
}

static void server_metadata(const struct grpc_asked *asked)
{
	struct buffer *reply = &asked->front->reply;
	protobuf_write_text(reply, 1, TEXT("sluice"));
	protobuf_write_text(reply, 2, TEXT(SLUICE_VERSION));
	reply_send(asked);
}

/* NULL: `refusal` says why. */
static const struct gateway_target *asked_target(const struct grpc_asked *asked, struct call_refusal *refusal)
{
	const struct call_source source = grpc_source_of(asked);
	const struct call_name name = grpc_name_of(asked);
	const struct gateway_target *target = call_target_find(&source, &name, refusal);
	if (!target && !protobuf_is_whole(asked->body))
		*refusal = (struct call_refusal){400, "the message is not in the form of its method, in protobuf"};
	return target;
}

/* NULL: it is refused. */
static const struct gateway_target *find_target(const struct grpc_asked *asked)
{
	struct call_refusal refusal;
	const struct gateway_target *target = asked_target(asked, &refusal);
	if (!target)
		refuse_by_http(asked, refusal.status, refusal.words);
	return target;
}

/* What is not there is not ready, as Triton answers: an error says to its clients that nobody knows. */
static void model_ready(const struct grpc_asked *asked)
{
	struct call_refusal refusal;
	const struct gateway_target *target = asked_target(asked, &refusal);
	if (target)
		readiness_reply(asked, target);
	else if (refusal.status == 404)
		ready_reply(asked, false);
	else
		refuse_by_http(asked, refusal.status, refusal.words);
}

static void model_metadata(const struct grpc_asked *asked)
{
	const struct gateway_target *target = find_target(asked);
	if (!target)
		return;
	grpc_metadata_write(target, &asked->front->reply);
	reply_send(asked);
}

/* ---- outcomes of calls ---- */

static struct grpc_outcome_form form_of(const struct grpc_front *front, bool is_seldon)
{
	return (struct grpc_outcome_form){.is_seldon = is_seldon,
					  .has_seldon_errors = front->config.gateway->compat == COMPAT_SELDON ||
							       front->config.targets->has_seldon_errors};
}

static void outcome_answer(struct grpc_request *request, const struct call_outcome *outcome, bool is_seldon)
{
	const struct grpc_front *front = grpc_request_context(request);
	const struct grpc_outcome_form form = form_of(front, is_seldon);
	struct call_outcome seldon = *outcome;
	if (form.has_seldon_errors && !is_seldon)
		seldon.headers = seldon_route_headers(front->config.targets, outcome);
	grpc_outcome_answer(request, &seldon, &form);
}

static void grpc_front_on_ended(void *context, const struct call_outcome *outcome)
{
	outcome_answer(context, outcome, false);
}

static void on_seldon_ended(void *context, const struct call_outcome *outcome)
{
	outcome_answer(context, outcome, true);
}

static bool is_over(void *context)
{
	return grpc_request_is_over(context);
}

/* ---- inference ---- */

/* An empty value would be a tombstone in Kafka. */
static bool body_is_fit(const struct grpc_asked *asked)
{
	if (asked->body.length > 0)
		return true;
	refuse_by_http(asked, 400, "the request is empty; it must have inputs");
	return false;
}

static struct call_credentials credentials_of(const struct grpc_asked *asked, char subject[CALL_SUBJECT_BYTES_MAX])
{
	return (struct call_credentials){.header = grpc_metadata_at,
					 .context = asked->request,
					 .certificate = grpc_request_certificate(asked->request, subject, CALL_SUBJECT_BYTES_MAX)};
}

static struct text caller_of(const struct grpc_asked *asked)
{
	char subject[CALL_SUBJECT_BYTES_MAX];
	const struct call_credentials credentials = credentials_of(asked, subject);
	return call_access_caller(*asked->front->config.access, &credentials, asked->front->arena);
}

static void keyed_begin(const struct grpc_asked *asked, const struct call_request *call, struct text key)
{
	const struct grpc_front_config *config = &asked->front->config;
	char subject[CALL_SUBJECT_BYTES_MAX];
	const struct call_credentials credentials = credentials_of(asked, subject);
	struct keyed_request keyed = {.call = call,
				      .inputs = config->targets->topics[call->target->topic],
				      .has_share = *config->access != NULL,
				      .key = key};
	keyed.is_recognised = call_access_identify(*config->access, &credentials, &keyed.caller);
	keyed_calls_begin(config->keyed, &keyed);
}

static void deadline_narrow(struct call_request *call, const struct grpc_asked *asked, int64_t now_ms)
{
	int64_t left_ms = grpc_request_left_ms(asked->request);
	if (left_ms >= 0 && now_ms + left_ms < call->deadline_ms)
		call->deadline_ms = now_ms + left_ms;
}

static void call_refuse(const struct grpc_asked *asked, const struct call_request *call, const struct call_refusal *refusal)
{
	calls_count_refused(asked->front->config.calls, call, grpc_status_for_http(refusal->status));
	refuse_by_http(asked, refusal->status, refusal->words);
}

/* What ends a call, and for whom. A message of a stream has no metadata of its own, and so no id for the record. */
static void call_address(const struct grpc_asked *asked, struct call_request *call)
{
	call->is_over = asked->streamed ? streamed_call_is_over : is_over;
	call->ended = asked->streamed ? streamed_call_ended : asked->is_seldon ? on_seldon_ended : grpc_front_on_ended;
	call->context = asked->request;
	if (!asked->streamed)
		return;
	call->context = asked->streamed;
	call->id = (struct text){0};
}

static void model_infer(const struct grpc_asked *asked)
{
	struct grpc_front *front = asked->front;
	const struct call_source source = grpc_source_of(asked);
	const struct gateway_target *target = body_is_fit(asked) ? find_target(asked) : NULL;
	struct call_request call = {
		.target = target,
		.protocol = COUNTED_GRPC,
		.has_seldon_errors = form_of(front, asked->is_seldon).has_seldon_errors,
		.body = asked->body,
		.key = grpc_metadata_of(asked->request, HEADER_KEY),
		.arrived_ms = source.arrived_ms,
		.place = asked->path,
	};
	struct call_refusal refusal;
	struct text key;
	if (!target)
		return;
	if (!call_is_possible(target, asked->body.length, &refusal) || !call_deadline_read(&source, &call.deadline_ms, &refusal) ||
	    !call_id_read(&source, &call.id, &refusal) || !call_key_read(&source, false, &key, &refusal)) {
		call_refuse(asked, &call, &refusal);
		return;
	}
	if (asked->streamed && key.bytes) {
		refusal = (struct call_refusal){.status = 400, .words = STREAMED_KEY};
		call_refuse(asked, &call, &refusal);
		return;
	}
	call_address(asked, &call);
	deadline_narrow(&call, asked, source.now_ms);
	call.headers = call_headers_passed(&source, front->arena);
	if (target->explanations)
		call.headers = call_headers_with(call.headers, EXPLAIN_CALLER_HEADER, caller_of(asked), front->arena);
	if (key.bytes)
		keyed_begin(asked, &call, key);
	else
		calls_begin(front->config.calls, &call);
}

/* ---- Seldon Core 1 ---- */

static void on_feedback_taken(void *context, const struct call_outcome *outcome)
{
	const struct grpc_outcome_form form = form_of(grpc_request_context(context), true);
	grpc_outcome_answer_feedback(context, outcome, &form);
}

static void seldon_feedback(const struct grpc_asked *asked)
{
	struct grpc_front *front = asked->front;
	const struct call_source source = grpc_source_of(asked);
	const struct gateway_target *target = find_target(asked);
	struct call_feedback given = {.is_seldon = true, .arena = front->arena, .record = &front->reply};
	struct call_request call = {.target = target,
				    .protocol = COUNTED_GRPC,
				    .service = SERVICE_FEEDBACK,
				    .has_seldon_errors = form_of(front, true).has_seldon_errors,
				    .is_feedback = true,
				    .arrived_ms = source.arrived_ms,
				    .place = asked->path,
				    .ended = on_feedback_taken,
				    .is_over = is_over,
				    .context = asked->request};
	struct call_refusal refusal;
	struct error error = {0};
	if (!target)
		return;
	if (!seldon_protobuf_feedback_to_json(asked->body, front->arena, &given.json, &error)) {
		grpc_front_refuse(asked, error.kind == ERROR_INPUT ? GRPC_INVALID_ARGUMENT : GRPC_RESOURCE_EXHAUSTED, error.text);
	} else if (!call_feedback_prepare(&source, &given, &call, &refusal)) {
		call_refuse(asked, &call, &refusal);
	} else {
		deadline_narrow(&call, asked, source.now_ms);
		calls_begin(front->config.calls, &call);
	}
}

static void seldon_model_metadata(const struct grpc_asked *asked)
{
	const struct gateway_target *target = find_target(asked);
	const struct text name = protobuf_read_text(asked->body, MODEL_NAME);
	struct deployment_model model;
	struct call_refusal refusal;
	if (!target)
		return;
	if (!deployment_model_find(target, name, "GraphMetadata", &model, &refusal)) {
		grpc_front_refuse(asked, grpc_status_for_http(refusal.status), refusal.words);
		return;
	}
	grpc_metadata_write_seldon_model(&model, &asked->front->reply);
	reply_send(asked);
}

static void seldon_graph_metadata(const struct grpc_asked *asked)
{
	const struct gateway_target *target = find_target(asked);
	if (!target)
		return;
	grpc_metadata_write_seldon_graph(target, &asked->front->reply);
	reply_send(asked);
}

/* ---- methods ---- */

static const struct grpc_route routes[] = {
	{INFERENCE "ModelInfer", model_infer, ACCESS_INFER, false, true, false},
	{SELDON "Predict", model_infer, ACCESS_INFER, false, true, true},
	{SELDON "SendFeedback", seldon_feedback, ACCESS_FEEDBACK, false, true, true},
	{SELDON "ModelMetadata", seldon_model_metadata, ACCESS_METADATA, false, true, true},
	{SELDON "GraphMetadata", seldon_graph_metadata, ACCESS_METADATA, false, true, true},
	{INFERENCE "ServerLive", server_live, ACCESS_HEALTH, true, false, false},
	{INFERENCE "ServerReady", server_ready, ACCESS_HEALTH, true, false, false},
	{INFERENCE "ModelReady", model_ready, ACCESS_HEALTH, false, true, false},
	{INFERENCE "ServerMetadata", server_metadata, ACCESS_METADATA, false, false, false},
	{INFERENCE "ModelMetadata", model_metadata, ACCESS_METADATA, false, true, false},
	{HEALTH "Check", health_check, ACCESS_HEALTH, true, false, false},
};
static const struct grpc_route streamed_route = {STREAMED_INFERENCE, model_infer, ACCESS_INFER, false, true, false};

/* A stream has the credentials of its beginning: when they are no longer good, it ends, so that its caller sends others. */
static void access_refuse(const struct grpc_asked *asked, const struct access_answer *answer)
{
	if (!asked->streamed)
		grpc_access_explain(asked->request, answer);
	refuse_by_http(asked, answer->status, answer->words);
	if (asked->streamed && answer->status == 401)
		grpc_conversation_finish(asked->request, GRPC_UNAUTHENTICATED, answer->words);
}

static void route_serve(const struct grpc_asked *asked, const struct grpc_route *route)
{
	const struct call_source source = grpc_source_of(asked);
	const struct call_name name = grpc_name_of(asked);
	struct access_answer answer;
	if (route->is_open || !*asked->front->config.access ||
	    grpc_caller_may(asked->front, asked->request, route->verb,
			    route->names_target ? call_resource(&source, &name) : grpc_server_resource(asked->front), &answer))
		route->serve(asked);
	else
		access_refuse(asked, &answer);
}

static const struct grpc_route *route_find(struct text path)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		if (text_is(path, routes[i].path))
			return &routes[i];
	return text_is(path, streamed_route.path) ? &streamed_route : NULL;
}

/* Reflection needs the right to read the server's metadata. Of a stream of calls, each is asked for itself, too. Health is open to
 * everybody. */
static bool on_head(void *context, struct grpc_request *request, struct text path, int *status, const char **words)
{
	static const struct grpc_route reflection = {.verb = ACCESS_METADATA}, watch = {.is_open = true};
	const bool reflects = grpc_reflection_is_path(path), watches = text_is(path, HEALTH_WATCH);
	const struct grpc_route *route = reflects ? &reflection : watches ? &watch : route_find(path);
	const struct grpc_asked asked = {
		.front = context, .request = request, .path = path, .is_seldon = route && route->is_seldon};
	grpc_head_check(&asked, route, status, words);
	return reflects || watches || route == &streamed_route;
}

static void grpc_front_on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	const struct grpc_route *route = route_find(path);
	const struct grpc_asked asked = {
		.front = context, .request = request, .path = path, .body = body, .is_seldon = route && route->is_seldon};
	grpc_asked_begin(context);
	if (route)
		route_serve(&asked, route);
	else
		grpc_front_refuse(&asked, GRPC_UNIMPLEMENTED, grpc_absence_words(path));
}

static void on_server_refused(void *context, int status)
{
	const struct grpc_front *front = context;
	calls_count_refusal(front->config.calls, COUNTED_GRPC, status);
}

static bool reflection_answer(struct grpc_front *front, struct grpc_request *request, struct text message)
{
	static const struct proto_file *const files[] = {&inference_file,	 &health_file,		 &seldon_file,
							 &protobuf_struct_file,	 &protobuf_empty_file,	 &tensorflow_tensor_file,
							 &tensorflow_shape_file, &tensorflow_types_file, NULL};
	if (!grpc_reflection_answer(files, message, &front->reply))
		return false;
	if (buffer_failed(&front->reply))
		grpc_conversation_refuse(request, message.length, GRPC_RESOURCE_EXHAUSTED, "no memory for an answer");
	else
		grpc_conversation_answer(request, message.length, buffer_view(&front->reply));
	return true;
}

static bool grpc_front_on_message(void *context, struct grpc_request *request, struct text path, struct text message)
{
	struct grpc_front *front = context;
	grpc_asked_begin(front);
	if (grpc_reflection_is_path(path))
		return reflection_answer(front, request, message);
	if (text_is(path, HEALTH_WATCH))
		return health_watch_begin(&front->health, request, message);
	front->streamed.has_seldon_errors = form_of(front, false).has_seldon_errors; /* the files may have changed */
	const struct grpc_asked asked = {.front = front,
					 .request = request,
					 .path = path,
					 .body = message,
					 .streamed = streamed_call_open(&front->streamed, request, message)};
	if (asked.streamed)
		route_serve(&asked, &streamed_route);
	else
		grpc_conversation_refuse(request, message.length, GRPC_RESOURCE_EXHAUSTED, "no memory for a call");
	return true;
}

/* ---- opening and closing ---- */

static void content_type_write(const struct format *format, char type[CONTENT_TYPE_BYTES])
{
	(void)snprintf(type, CONTENT_TYPE_BYTES, "%s", format->content_types[0].bytes);
}

struct grpc_front *grpc_front_open(struct loop *loop, const struct grpc_front_config *config, struct error *error)
{
	struct grpc_front *front = memory_take(1, sizeof *front);
	if (!front)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gateway"));
	const struct grpc_server_config grpc = {.host = config->gateway->host,
						.port = config->gateway->grpc_port,
						.files = config->gateway->files,
						.message_bytes = config->message_bytes,
						.metadata_bytes = METADATA_BYTES,
						.streams = STREAMS,
						.bodies = config->bodies,
						.http = config->http,
						.gzips = true,
						.connections = config->connections,
						.peer_connections = config->peer_connections,
						.log = config->gateway->log,
						.called = grpc_front_on_called,
						.converses = on_head,
						.refused = on_server_refused,
						.received = grpc_front_on_message,
						.context = front};
	front->config = *config;
	front->loop = loop;
	buffer_open(&front->reply, REPLY_BYTES_MAX);
	streamed_calls_set_up(&front->streamed);
	health_watches_set_up(&front->health, loop, grpc_front_is_ready, front);
	content_type_write(&format_oip_protobuf, front->inference_type);
	content_type_write(&format_seldon_protobuf, front->seldon_type);
	front->arena = arena_open(REQUEST_ARENA_BYTES);
	if (!front->arena)
		error_memory(error, ERROR_SYSTEM, "opening a gateway");
	else if ((front->server = grpc_server_open(loop, &grpc, error)))
		return front;
	grpc_front_close(front);
	return NULL;
}

void grpc_front_close(struct grpc_front *front)
{
	if (!front)
		return;
	grpc_server_close(front->server);
	streamed_calls_close(&front->streamed);
	health_watches_close(&front->health);
	buffer_close(&front->reply);
	arena_close(front->arena);
	memory_give(front);
}

int grpc_front_port(const struct grpc_front *front)
{
	return grpc_server_port(front->server);
}

struct connection_counts grpc_front_counts(const struct grpc_front *front)
{
	return grpc_server_counts(front->server);
}

bool grpc_front_reload(struct grpc_front *front, struct error *error)
{
	return grpc_server_reload(front->server, front->config.gateway->files, error);
}

void grpc_front_limit_messages(struct grpc_front *front, size_t message_bytes)
{
	grpc_server_limit_messages(front->server, message_bytes);
}

void grpc_front_leave(struct grpc_front *front)
{
	front->leaving = true;
	grpc_server_leave(front->server);
}

bool grpc_front_drain(struct grpc_front *front)
{
	health_watches_drain(&front->health);
	return grpc_server_drain(front->server);
}
