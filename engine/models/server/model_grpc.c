/* model_grpc.c: Open Inference Protocol over gRPC; see model_grpc.h. A method is a row. */
#include "models/server/model_grpc.h"

#include "base/memory.h"
#include "base/version.h"
#include "message/formats/format.h"
#include "message/formats/protobuf_wire.h"
#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_wire.h"
#include "models/server/metadata_protobuf.h"

#define STREAMS 1024 /* of one connection */
#define SERVICE "/inference.GRPCInferenceService/"

struct model_grpc {
	struct model_service models;
	struct grpc_server *server;
};

struct grpc_model_request { /* the current call */
	struct model_service *models;
	struct grpc_request *request;
	struct text body;
};

/* ---- answers ---- */

static void send_answer(void *request, const struct model_service_answer *answer)
{
	grpc_server_answer(request, answer->status, answer->words, answer->body);
}

static bool nobody_waits(const void *request)
{
	return grpc_request_is_over(request);
}

/* Sends the contents of the reply's buffer. */
static void send_reply(const struct grpc_model_request *model_request)
{
	const struct buffer *reply = &model_request->models->reply;
	if (buffer_failed(reply))
		grpc_server_answer(model_request->request, GRPC_RESOURCE_EXHAUSTED, TEXT("memory ran out"), (struct text){0});
	else
		grpc_server_answer(model_request->request, GRPC_OK, (struct text){0}, buffer_view(reply));
}

static void model_grpc_refuse(const struct grpc_model_request *model_request, int http, struct text words)
{
	grpc_server_answer(model_request->request, grpc_status_for_http(http), words, (struct text){0});
}

/* ---- health and metadata ---- */

static void model_grpc_live(const struct grpc_model_request *model_request)
{
	protobuf_write_flag(&model_request->models->reply, 1, true);
	send_reply(model_request);
}

static void server_metadata(const struct grpc_model_request *model_request)
{
	static const char *const extensions[] = MODEL_SERVICE_EXTENSIONS;
	struct buffer *reply = &model_request->models->reply;
	protobuf_write_text(reply, 1, TEXT(MODEL_SERVICE_NAME));
	protobuf_write_text(reply, 2, TEXT(SLUICE_VERSION));
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		protobuf_write_text(reply, 3, text_of(extensions[i]));
	send_reply(model_request);
}

/* NULL: `refusal` says why. */
static struct catalog_model *asked_model(const struct grpc_model_request *model_request, struct model_service_refusal *refusal)
{
	return model_service_find(model_request->models, protobuf_read_text(model_request->body, 1),
				  protobuf_read_text(model_request->body, 2), refusal);
}

/* NULL: it is refused. */
static struct catalog_model *find_model(const struct grpc_model_request *model_request)
{
	struct model_service_refusal refusal;
	struct catalog_model *model = asked_model(model_request, &refusal);
	if (!model)
		model_grpc_refuse(model_request, refusal.status, text_of(refusal.words));
	return model;
}

/* What is not there is not ready, as Triton answers: an error says to its clients that nobody knows. */
static void model_ready(const struct grpc_model_request *model_request)
{
	struct model_service_refusal refusal;
	const struct catalog_model *model = asked_model(model_request, &refusal);
	protobuf_write_flag(&model_request->models->reply, 1, model && model->ready);
	send_reply(model_request);
}

static void model_metadata(const struct grpc_model_request *model_request)
{
	struct buffer *reply = &model_request->models->reply;
	const struct catalog_model *model = find_model(model_request);
	if (!model)
		return;
	struct model_signature signature = model_service_signature(model);
	protobuf_write_text(reply, 1, text_of(model->name));
	protobuf_write_text(reply, 2, text_of(model->version));
	protobuf_write_text(reply, 3, text_of(model->kind ? model->kind->name : ""));
	metadata_tensors_write_protobuf(reply, 4, TENSORS_OF_INFERENCE, &signature.inputs);
	metadata_tensors_write_protobuf(reply, 5, TENSORS_OF_INFERENCE, &signature.outputs);
	send_reply(model_request);
}

/* ---- the repository ---- */

/* ModelIndex: name 1, version 2, state 3, reason 4. */
static void write_index(struct buffer *out, const struct catalog_model *model)
{
	const struct text texts[] = {text_of(model->name), text_of(model->version), text_of(model_state(model)),
				     text_of(model_reason(model))};
	size_t size = 0;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		size += texts[i].length ? protobuf_bytes_size(texts[i].length) : 0;
	char *space = buffer_room(out, protobuf_bytes_size(size));
	if (!space)
		return;
	buffer_grown(out, (size_t)(protobuf_put_head(space, 1, size) - space));
	for (uint32_t i = 0; i < sizeof texts / sizeof *texts; i++)
		protobuf_write_text(out, i + 1, texts[i]);
}

static void repository_index(const struct grpc_model_request *model_request)
{
	bool ready_alone = protobuf_read_flag(model_request->body, 2);
	for (const struct catalog_model *model = catalog_first(model_request->models->config.catalog); model; model = model->next)
		if (model->ready || !ready_alone)
			write_index(&model_request->models->reply, model);
	send_reply(model_request);
}

static void model_grpc_act(const struct grpc_model_request *model_request, model_service_act *act_on)
{
	struct model_service_refusal refusal;
	if (act_on(model_request->models, protobuf_read_text(model_request->body, 2), &refusal))
		send_reply(model_request);
	else
		model_grpc_refuse(model_request, refusal.status, text_of(refusal.words));
}

static void repository_load(const struct grpc_model_request *model_request)
{
	model_grpc_act(model_request, model_service_load);
}

static void repository_unload(const struct grpc_model_request *model_request)
{
	model_grpc_act(model_request, model_service_unload);
}

/* ---- inference ---- */

/* Writes the answer's message into the reply's buffer. A body that is not JSON is not a message either: the first
 * byte of JSON begins a group that never ends in protobuf. An empty body would be a valid message, so it gets a byte
 * with which no message begins. */
static void model_grpc_encode(const struct grpc_model_request *model_request, const struct message *message,
			      const struct stub_reply *reply, struct model_service_answer *answer, struct error *error)
{
	struct buffer *out = &model_request->models->reply;
	const struct answer encoded = {.payload = reply->payload};
	answer->status = grpc_status_for_http(reply->status);
	answer->words = reply->words;
	if (reply->status != HTTP_OK)
		return;
	if (!reply->payload) {
		buffer_text(out, reply->body.length ? reply->body : TEXT("\0"));
	} else if (!answer_encode(message, &encoded, NULL, NULL, out, error)) {
		buffer_clear(out);
		answer->status = error->kind == ERROR_INPUT ? GRPC_INVALID_ARGUMENT : GRPC_RESOURCE_EXHAUSTED;
		answer->words = text_of(error->text);
	}
	answer->body = buffer_view(out);
}

static void model_grpc_infer(const struct grpc_model_request *model_request)
{
	struct model_service *models = model_request->models;
	struct error error = {0};
	struct stub_reply reply;
	struct message message = {.arena = models->arena, .format = &format_oip_protobuf, .names_repeat = true};
	struct model_service_answer answer = {0};
	const struct text name = protobuf_read_text(model_request->body, 1), version = protobuf_read_text(model_request->body, 2);
	if (!message_decode(&message, model_request->body, NULL, &error)) {
		model_service_count_refused(models, name, version, HTTP_BAD_REQUEST);
		model_grpc_refuse(model_request, HTTP_BAD_REQUEST, text_of(error.text));
		return;
	}
	model_service_infer(models, name, version, &message, model_request->body, &reply);
	model_grpc_encode(model_request, &message, &reply, &answer, &error);
	model_service_send(models, model_request->request, &reply, &answer);
}

/* ---- methods ---- */

static const struct method {
	const char *path;
	void (*serve)(const struct grpc_model_request *model_request);
} methods[] = {
	{SERVICE "ModelInfer", model_grpc_infer},
	{SERVICE "ServerLive", model_grpc_live},
	{SERVICE "ServerReady", model_grpc_live},
	{SERVICE "ModelReady", model_ready},
	{SERVICE "ServerMetadata", server_metadata},
	{SERVICE "ModelMetadata", model_metadata},
	{SERVICE "RepositoryIndex", repository_index},
	{SERVICE "RepositoryModelLoad", repository_load},
	{SERVICE "RepositoryModelUnload", repository_unload},
};

static void model_grpc_on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	struct model_grpc *service = context;
	const struct grpc_model_request model_request = {&service->models, request, body};
	model_service_tidy(&service->models);
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (text_is(path, methods[i].path)) {
			methods[i].serve(&model_request);
			return;
		}
	grpc_server_answer(request, GRPC_UNIMPLEMENTED, TEXT("there is no such method; models answer to " SERVICE "ModelInfer"),
			   (struct text){0});
}

/* ---- opening and closing ---- */

struct model_grpc *model_grpc_open(struct loop *loop, const struct model_service_config *config, struct error *error)
{
	assert(loop && config->catalog);
	static const struct delayed_replies_config later = {.send = send_answer, .is_over = nobody_waits};
	struct model_grpc *service = memory_take(1, sizeof *service);
	if (!service)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a model server"));
	const struct grpc_server_config grpc = {.host = config->host,
						.port = config->port,
						.files = config->files,
						.message_bytes = MODEL_SERVICE_REQUEST_BYTES_MAX,
						.streams = STREAMS,
						.connections = MODEL_SERVICE_CONNECTIONS,
						.peer_connections = MODEL_SERVICE_PEER_CONNECTIONS,
						.bodies = config->bodies,
						.called = model_grpc_on_called,
						.context = service};
	if (model_service_open(&service->models, loop, config, &later, error) &&
	    (service->server = grpc_server_open(loop, &grpc, error)))
		return service;
	model_grpc_close(service);
	return NULL;
}

void model_grpc_close(struct model_grpc *service)
{
	if (!service)
		return;
	grpc_server_close(service->server);
	model_service_close(&service->models);
	memory_give(service);
}

bool model_grpc_drain(struct model_grpc *service)
{
	return grpc_server_drain(service->server);
}

bool model_grpc_reload(struct model_grpc *service, const struct tls_files *files, struct error *error)
{
	return grpc_server_reload(service->server, files, error);
}

int model_grpc_port(const struct model_grpc *service)
{
	return grpc_server_port(service->server);
}
