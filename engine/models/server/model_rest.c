/* model_rest.c: Open Inference Protocol REST; see model_rest.h. A path is a row of routes. */
#include "models/server/model_rest.h"

#include <stdio.h>

#include "base/memory.h"
#include "base/version.h"
#include "message/formats/format.h"
#include "message/json/json_scan.h"
#include "message/json/json_write.h"
#include "message/formats/oip_base64.h"
#include "message/formats/oip_json.h"
#include "net/http/cors.h"
#include "net/http/http_server.h"
#include "models/server/metadata_json.h"

#define CUT_CLAIMS 100 /* bytes that a truncated body claims to have beyond those it has */
#define NUMBER_BYTES 24

struct model_rest {
	struct model_service models;
	struct http_server *server;
};

struct rest_model_request { /* the current request */
	struct model_service *models;
	struct http_incoming *asked;
	struct text model; /* from the path; empty: none */
	struct text version;
	struct text body;
};

/* ---- answers ---- */

static void send_answer(void *request, const struct model_service_answer *answer)
{
	char digits[NUMBER_BYTES];
	const struct http_answer_header header = {OIP_LENGTH_HEADER, digits};
	struct text body = answer->body;
	snprintf(digits, sizeof digits, "%zu", answer->header_length);
	if (answer->cut)
		http_server_cut(request, answer->status, "application/json", (struct text){body.bytes, body.length + CUT_CLAIMS},
				body.length);
	else
		http_server_answer(request, answer->status, answer->header_length ? "application/octet-stream" : "application/json",
				   body, &header, answer->header_length ? 1 : 0);
}

static bool nobody_waits(const void *request)
{
	return http_incoming_is_over(request);
}

/* Sends the contents of the reply's buffer. */
static void send_reply(const struct rest_model_request *model_request, int status)
{
	static const struct text lost = {"{\"error\":\"memory ran out\"}", 26};
	const struct buffer *reply = &model_request->models->reply;
	struct model_service_answer answer = {.status = status, .body = buffer_view(reply)};
	if (buffer_failed(reply))
		answer = (struct model_service_answer){.status = HTTP_INTERNAL_ERROR, .body = lost};
	send_answer(model_request->asked, &answer);
}

static void write_error(struct buffer *reply, struct text words)
{
	buffer_clear(reply);
	json_write_string_after(reply, TEXT("{\"error\":"), words);
	buffer_byte(reply, '}');
}

static void model_rest_refuse(const struct rest_model_request *model_request, int status, struct text words)
{
	write_error(&model_request->models->reply, words);
	send_reply(model_request, status);
}

/* Refuses a call of the model before it is asked. */
static void model_rest_refuse_call(const struct rest_model_request *model_request, int status, struct text words)
{
	model_service_count_refused(model_request->models, model_request->model, model_request->version, status);
	model_rest_refuse(model_request, status, words);
}

static void write_member(struct buffer *reply, const char *key, const char *value)
{
	buffer_print(reply, "\"%s\":", key);
	json_write_string(reply, text_of(value));
}

/* ---- health and metadata ---- */

static void model_rest_live(const struct rest_model_request *model_request)
{
	buffer_string(&model_request->models->reply, "{\"live\":true}");
	send_reply(model_request, HTTP_OK);
}

static void model_rest_ready(const struct rest_model_request *model_request)
{
	buffer_string(&model_request->models->reply, "{\"ready\":true}");
	send_reply(model_request, HTTP_OK);
}

static void server_metadata(const struct rest_model_request *model_request)
{
	static const char *const extensions[] = MODEL_SERVICE_EXTENSIONS;
	struct buffer *reply = &model_request->models->reply;
	buffer_byte(reply, '{');
	write_member(reply, "name", MODEL_SERVICE_NAME);
	buffer_byte(reply, ',');
	write_member(reply, "version", SLUICE_VERSION);
	buffer_string(reply, ",\"extensions\":[");
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		json_write_string_after(reply, text_of(i ? "," : ""), text_of(extensions[i]));
	buffer_string(reply, "]}");
	send_reply(model_request, HTTP_OK);
}

static struct catalog_model *find_model(const struct rest_model_request *model_request)
{
	struct model_service_refusal refusal;
	struct catalog_model *model =
		model_service_find(model_request->models, model_request->model, model_request->version, &refusal);
	if (!model)
		model_rest_refuse(model_request, refusal.status, text_of(refusal.words));
	return model;
}

static void model_ready(const struct rest_model_request *model_request)
{
	struct buffer *reply = &model_request->models->reply;
	const struct catalog_model *model = find_model(model_request);
	if (!model)
		return;
	buffer_byte(reply, '{');
	write_member(reply, "name", model->name);
	buffer_string(reply, ",\"ready\":");
	json_write_bool(reply, model->ready);
	buffer_byte(reply, '}');
	send_reply(model_request, model->ready ? HTTP_OK : HTTP_UNAVAILABLE);
}

static void model_metadata(const struct rest_model_request *model_request)
{
	struct buffer *reply = &model_request->models->reply;
	const struct catalog_model *model = find_model(model_request);
	if (!model)
		return;
	struct model_signature signature = model_service_signature(model);
	buffer_byte(reply, '{');
	write_member(reply, "name", model->name);
	json_write_string_after(reply, TEXT(",\"versions\":["), text_of(model->version));
	buffer_string(reply, "],");
	write_member(reply, "platform", model->kind ? model->kind->name : "");
	metadata_tensors_write(reply, "inputs", &signature.inputs);
	metadata_tensors_write(reply, "outputs", &signature.outputs);
	buffer_byte(reply, '}');
	send_reply(model_request, HTTP_OK);
}

/* ---- the repository ---- */

/* With `{"ready": true}` only ready models are listed. */
static bool wants_ready_alone(const struct rest_model_request *model_request)
{
	struct json_scan scan;
	struct error error = {0};
	struct text key;
	bool wanted = false;
	json_begin(&scan, model_request->body, "the request", model_request->models->arena, &error);
	if (json_peek(&scan) == JSON_OBJECT && json_enter(&scan))
		while (json_key(&scan, &key)) {
			if (text_is(key, "ready"))
				wanted = json_peek(&scan) == JSON_TRUE;
			json_skip(&scan);
		}
	return wanted;
}

static void repository_index(const struct rest_model_request *model_request)
{
	struct buffer *reply = &model_request->models->reply;
	bool ready_alone = model_request->body.length > 0 && wants_ready_alone(model_request);
	const char *comma = "";
	buffer_byte(reply, '[');
	for (const struct catalog_model *model = catalog_first(model_request->models->config.catalog); model; model = model->next) {
		if (ready_alone && !model->ready)
			continue;
		buffer_print(reply, "%s{", comma);
		write_member(reply, "name", model->name);
		buffer_byte(reply, ',');
		write_member(reply, "version", model->version);
		buffer_byte(reply, ',');
		write_member(reply, "state", model_state(model));
		buffer_byte(reply, ',');
		write_member(reply, "reason", model_reason(model));
		buffer_byte(reply, '}');
		comma = ",";
	}
	buffer_byte(reply, ']');
	send_reply(model_request, HTTP_OK);
}

static void model_rest_act(const struct rest_model_request *model_request, model_service_act *act_on)
{
	struct model_service_refusal refusal;
	if (act_on(model_request->models, model_request->model, &refusal)) {
		buffer_string(&model_request->models->reply, "{}");
		send_reply(model_request, HTTP_OK);
	} else {
		model_rest_refuse(model_request, refusal.status, text_of(refusal.words));
	}
}

static void repository_load(const struct rest_model_request *model_request)
{
	model_rest_act(model_request, model_service_load);
}

static void repository_unload(const struct rest_model_request *model_request)
{
	model_rest_act(model_request, model_service_unload);
}

/* ---- inference ---- */

/* Writes the answer's body into the reply's buffer, and returns its status. */
static int model_rest_encode(const struct rest_model_request *model_request, const struct message *message,
			     const struct stub_reply *reply, size_t *header_length)
{
	struct error error = {0};
	struct buffer *out = &model_request->models->reply;
	const struct answer answer = {.payload = reply->payload, .header_length = header_length};
	if (reply->status != HTTP_OK) {
		write_error(out, reply->words);
	} else if (!reply->payload) {
		buffer_text(out, reply->body);
	} else if (!answer_encode(message, &answer, NULL, NULL, out, &error)) {
		write_error(out, text_of(error.text));
		return error.kind == ERROR_INPUT ? HTTP_BAD_REQUEST : HTTP_INTERNAL_ERROR;
	}
	return reply->status;
}

/* The bytes of a compressed body would only be no JSON. */
static bool is_plain(const struct rest_model_request *model_request)
{
	struct text coding = http_incoming_header(model_request->asked, "content-encoding");
	if (coding.length == 0 || text_equal_caseless(coding, TEXT("identity")))
		return true;
	model_rest_refuse_call(model_request, HTTP_UNSUPPORTED_MEDIA_TYPE,
			       TEXT("the body has a content-encoding, and this model server takes none; send it as it is"));
	return false;
}

static void model_rest_infer(const struct rest_model_request *model_request)
{
	struct model_service *models = model_request->models;
	struct error error = {0};
	struct stub_reply reply;
	const struct header header = {TEXT(OIP_LENGTH_HEADER), http_incoming_header(model_request->asked, OIP_LENGTH_HEADER)};
	struct message message = {
		.arena = models->arena,
		.format = &format_oip_json,
		.headers = {header.value.bytes ? 1 : 0, &header},
		.names_repeat = true,
	};
	if (!is_plain(model_request))
		return;
	if (!message_decode(&message, model_request->body, NULL, &error) ||
	    !oip_base64_decode_inputs(&message.payload, message.arena, &error)) {
		model_rest_refuse_call(model_request, error.kind == ERROR_LIMIT ? HTTP_CONTENT_TOO_LARGE : HTTP_BAD_REQUEST,
				       text_of(error.text));
		return;
	}
	model_service_infer(models, model_request->model, model_request->version, &message, model_request->body, &reply);
	struct model_service_answer answer = {.cut = reply.cut};
	answer.status = model_rest_encode(model_request, &message, &reply, &answer.header_length);
	answer.body = buffer_view(&models->reply);
	if (buffer_failed(&models->reply))
		send_reply(model_request, HTTP_INTERNAL_ERROR);
	else
		model_service_send(models, model_request->asked, &reply, &answer);
}

/* ---- routes ---- */

struct rest_route {
	const char *method;
	const char *path; /* `M` stands for a model's name, `V` for a version */
	void (*serve)(const struct rest_model_request *model_request);
};

static const struct rest_route routes[] = {
	{"POST", "v2/models/M/infer", model_rest_infer},
	{"POST", "v2/models/M/versions/V/infer", model_rest_infer},
	{"GET", "v2", server_metadata},
	{"GET", "v2/health/live", model_rest_live},
	{"GET", "v2/health/ready", model_rest_ready},
	{"GET", "v2/models/M", model_metadata},
	{"GET", "v2/models/M/versions/V", model_metadata},
	{"GET", "v2/models/M/ready", model_ready},
	{"GET", "v2/models/M/versions/V/ready", model_ready},
	{"POST", "v2/repository/index", repository_index},
	{"POST", "v2/repository/models/M/load", repository_load},
	{"POST", "v2/repository/models/M/unload", repository_unload},
};

static size_t count_segments(struct text path)
{
	size_t count = path.length > 0;
	for (size_t i = 0; i < path.length; i++)
		count += path.bytes[i] == '/';
	return count;
}

/* Takes a name from the path. A name may contain slashes: it takes `more` segments in addition to its first. Empty:
 * one of the segments is empty. */
static struct text take_name(struct text *path, size_t more)
{
	struct text name = text_take_until(path, '/');
	bool whole = name.length > 0;
	while (more-- > 0) {
		struct text segment = text_take_until(path, '/');
		whole = whole && segment.length > 0;
		name.length += 1 + segment.length;
	}
	return whole ? name : (struct text){0};
}

static bool model_rest_fits(struct text pattern, struct text path, size_t more, struct rest_model_request *model_request)
{
	while (pattern.length > 0) {
		struct text wanted = text_take_until(&pattern, '/');
		bool is_model = text_is(wanted, "M");
		struct text segment = is_model ? take_name(&path, more) : text_take_until(&path, '/');
		if (segment.length == 0)
			return false;
		if (is_model)
			model_request->model = segment;
		else if (text_is(wanted, "V"))
			model_request->version = segment;
		else if (!text_equal(wanted, segment))
			return false;
	}
	return path.length == 0;
}

/* Finds a route. Names without slashes are tried first; a name has slashes only if no other route fits. */
static const struct rest_route *find_route(struct text path, bool slashed, struct text method,
					   struct rest_model_request *model_request)
{
	const struct rest_route *found = NULL;
	size_t segments = count_segments(path);
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		size_t own = count_segments(text_of(routes[i].path));
		model_request->model = model_request->version = (struct text){0};
		if (segments < own || (segments > own) != slashed ||
		    !model_rest_fits(text_of(routes[i].path), path, segments - own, model_request))
			continue;
		found = &routes[i];
		if (text_is(method, found->method))
			return found;
	}
	return found;
}

/* The answer to OPTIONS, or to a method that the path does not have (RFC 9110, 9.3.7 and 15.5.6). `method` NULL: of the server. */
static void methods_answer_of(const struct rest_model_request *model_request, bool is_options, const char *method)
{
	struct arena *arena = model_request->models->arena;
	const char *name = !method ? "GET, HEAD, POST" : strcmp(method, "GET") == 0 ? "GET, HEAD" : method;
	const char *allowed = arena_print(arena, "%s, OPTIONS", name);
	const struct http_answer_header header = {"Allow", allowed ? allowed : "OPTIONS"};
	struct buffer *reply = &model_request->models->reply;
	buffer_clear(reply);
	if (!is_options)
		write_error(reply, text_of(arena_print(arena, "this path accepts only %s", method)));
	if (buffer_failed(reply))
		send_reply(model_request, HTTP_INTERNAL_ERROR);
	else
		http_server_answer(model_request->asked, is_options ? 204 : HTTP_METHOD_NOT_ALLOWED,
				   is_options ? NULL : "application/json", buffer_view(reply), &header, 1);
}

static void model_rest_on_called(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	struct model_rest *service = context;
	struct rest_model_request model_request = {.models = &service->models, .asked = asked, .body = body};
	const struct text whole = path;
	model_service_tidy(&service->models);
	(void)text_take_until(&path, '/'); /* the empty segment before the first slash */
	const struct rest_route *found = find_route(path, false, method, &model_request);
	if (!found)
		found = find_route(path, true, method, &model_request);
	if (found && text_is(method, found->method)) {
		if (text_is(method, "POST") && cors_page_is_refused(&(struct name_list){0}, asked))
			model_rest_refuse(&model_request, HTTP_FORBIDDEN,
					  TEXT("pages of a browser may not call this model server"));
		else
			found->serve(&model_request);
		return;
	}
	const bool is_options = text_is(method, "OPTIONS"), is_server = is_options && text_is(whole, "*");
	if (found || is_server)
		methods_answer_of(&model_request, is_options, found ? found->method : NULL);
	else
		model_rest_refuse(&model_request, HTTP_NOT_FOUND,
				  TEXT("there is nothing at this path; models answer at /v2/models/NAME/infer"));
}

/* ---- opening and closing ---- */

struct model_rest *model_rest_open(struct loop *loop, const struct model_service_config *config, struct error *error)
{
	assert(loop && config->catalog);
	static const struct delayed_replies_config later = {.send = send_answer, .is_over = nobody_waits};
	struct model_rest *service = memory_take(1, sizeof *service);
	if (!service)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a model server"));
	const struct http_server_config http = {.host = config->host,
						.port = config->port,
						.files = config->files,
						.body_bytes = MODEL_SERVICE_REQUEST_BYTES_MAX,
						.connections = MODEL_SERVICE_CONNECTIONS,
						.peer_connections = MODEL_SERVICE_PEER_CONNECTIONS,
						.bodies = config->bodies,
						.hosts = config->hosts,
						.called = model_rest_on_called,
						.context = service};
	if (model_service_open(&service->models, loop, config, &later, error) &&
	    (service->server = http_server_open(loop, &http, error)))
		return service;
	model_rest_close(service);
	return NULL;
}

void model_rest_close(struct model_rest *service)
{
	if (!service)
		return;
	http_server_close(service->server);
	model_service_close(&service->models);
	memory_give(service);
}

bool model_rest_drain(struct model_rest *service)
{
	return http_server_drain(service->server);
}

bool model_rest_reload(struct model_rest *service, const struct tls_files *files, struct error *error)
{
	return http_server_reload(service->server, files, error);
}

int model_rest_port(const struct model_rest *service)
{
	return http_server_port(service->server);
}
