/* rest.c: see rest.h. */
#include "gateway/rest.h"

#include <stdio.h>

#include "base/version.h"
#include "gateway/calls/call_feedback.h"
#include "gateway/gateway_readiness.h"
#include "gateway/access/seldon_path.h"
#include "message/formats/explained_seldon.h"
#include "message/json/json_write.h"
#include "net/http/http_field.h"
#include "models/server/metadata_json.h"

#define JSON "application/json"
#define ANSWER_FEEDBACK_BYTES_MAX ((size_t)4096) /* JSON may write each byte of an id as six */

/* ---- health and metadata ---- */

static void rest_live(const struct rest_request *request)
{
	buffer_string(&request->rest->body, "{\"live\":true}");
	rest_answer(request, 200);
}

/* Ends the JSON of an answer about the readiness of a target (NULL: of the gateway), and sends it. */
static void readiness_answer(const struct rest_request *request, const struct gateway_target *target)
{
	struct rest *rest = request->rest;
	const struct gateway_readiness readiness = {rest->config,  rest->targets, rest->calls,
						    rest->leaving, rest->access,  rest->keyed};
	struct error error = {0};
	const bool is_ready = gateway_readiness_find(&readiness, target, &error);
	buffer_string(&rest->body, is_ready ? "\"ready\":true" : "\"ready\":false");
	if (!is_ready)
		json_write_string_after(&rest->body, TEXT(",\"reason\":"), text_of(error.text));
	buffer_byte(&rest->body, '}');
	rest_answer(request, is_ready ? 200 : 503);
}

static void rest_ready(const struct rest_request *request)
{
	buffer_byte(&request->rest->body, '{');
	readiness_answer(request, NULL);
}

static void server_metadata(const struct rest_request *request)
{
	buffer_string(&request->rest->body, "{\"name\":\"sluice\",\"version\":\"" SLUICE_VERSION
					    "\",\"extensions\":[\"binary_tensor_data\"]}");
	rest_answer(request, 200);
}

static void routes(const struct rest_request *request)
{
	struct buffer *body = &request->rest->body;
	buffer_string(body, "{\"routes\":[");
	for (const struct gateway_route *route = rest_routes; route->method; route++) {
		buffer_print(body, "%s{\"method\":\"%s\",\"path\":\"%s\",", route == rest_routes ? "" : ",", route->method,
			     route->path);
		json_write_string_after(body, TEXT("\"summary\":"), text_of(route->summary));
		buffer_byte(body, '}');
	}
	buffer_string(body, "]}");
	rest_answer(request, 200);
}

static void openapi(const struct rest_request *request)
{
	rest_openapi_write(request->rest, &request->rest->body);
	rest_answer(request, 200);
}

static void target_ready(const struct rest_request *request)
{
	const struct gateway_target *target = rest_target_find(request);
	if (!target)
		return;
	json_write_string_after(&request->rest->body, TEXT("{\"name\":"), text_of(target->name));
	buffer_byte(&request->rest->body, ',');
	readiness_answer(request, target);
}

static void target_metadata(const struct rest_request *request)
{
	const struct gateway_target *target = rest_target_find(request);
	struct buffer *body = &request->rest->body;
	char digits[GATEWAY_VERSION_BYTES];
	if (!target)
		return;
	json_write_string_after(body, TEXT("{\"name\":"), text_of(target->name));
	json_write_string_after(body, TEXT(",\"versions\":["), gateway_target_version(target, digits));
	buffer_string(body, "],\"platform\":\"sluice\"");
	metadata_tensors_write(body, "inputs", &target->plan->types.expected);
	metadata_tensors_write(body, "outputs", &target->plan->types.answer);
	buffer_byte(body, '}');
	rest_answer(request, 200);
}

static bool on_asked_whether_over(void *context)
{
	return http_incoming_is_over(context);
}

/* ---- calls ---- */

/* The headers that are sent on; one more where the explanation is to be replied, which says in which form, and one where it can be
 * polled. */
static struct headers call_headers(const struct rest_request *request, const struct call_source *source,
				   const struct gateway_target *target, const char *explains)
{
	struct arena *arena = request->rest->arena;
	const struct headers passed = call_headers_passed(source, arena);
	const struct headers replied = call_headers_with(passed, EXPLAIN_REPLY_HEADER, text_of(explains ? explains : ""), arena);
	return target->explanations ? call_headers_with(replied, EXPLAIN_CALLER_HEADER, rest_caller(request), arena) : replied;
}

static void keyed_begin(const struct rest_request *request, const struct call_request *call, struct text key)
{
	const struct rest *rest = request->rest;
	struct keyed_request keyed = {.call = call,
				      .inputs = rest->targets->topics[call->target->topic],
				      .has_share = rest->access != NULL,
				      .key = key};
	keyed.is_recognised = rest_caller_find(request, &keyed.caller);
	keyed_calls_begin(rest->keyed, &keyed);
}

/* Paths of v1 have a form of their own. */
static bool request_has_seldon_errors(const struct rest_request *request)
{
	return rest_has_seldon_errors(request->rest) && !seldon_path_is_v1(request->path);
}

/* `explains`: the form of the explanation that is replied; NULL: the answer is. */
static void call_begin(const struct rest_request *request, const char *explains)
{
	const struct call_source source = rest_source(request);
	const bool submits = !explains && rest_prefers_async(request->incoming);
	const struct gateway_target *target = rest_target_find(request);
	struct call_request call = {
		.target = target,
		.service = explains ? SERVICE_EXPLANATIONS : SERVICE_PREDICTIONS,
		.has_seldon_errors = request_has_seldon_errors(request),
		.key = http_incoming_known(request->incoming, HEADER_KEY),
		.arrived_ms = source.arrived_ms,
		.place = request->path,
		.submits = submits,
		.is_unhurried = submits && !call_has_deadline(&source),
		.ended = submits ? rest_submitted : rest_call_ended,
		.is_over = on_asked_whether_over,
		.context = request->incoming,
	};
	struct call_refusal refusal;
	struct text key;
	if (!target || !rest_page_check(request) || !rest_event_check(request) || !rest_type_check(request))
		return;
	if (request->rest->draining) {
		rest_refuse(request, 503, "this gateway is stopping; ask another one");
	} else if ((call.submits ? !call_body_fits(target, request->body.length, &refusal)
				 : !call_is_possible(target, request->body.length, &refusal)) ||
		   !call_deadline_read(&source, &call.deadline_ms, &refusal) || !call_id_read(&source, &call.id, &refusal) ||
		   !rest_event_id_read(request->incoming, &call.id, &refusal) ||
		   !call_key_read(&source, explains != NULL, &key, &refusal)) {
		calls_count_refused(request->rest->calls, &call, refusal.status);
		rest_refuse(request, refusal.status, "%s", refusal.words);
	} else if (rest_body_read(request, target->request_bytes, &call.body)) {
		call.headers = call_headers(request, &source, target, explains);
		if (key.bytes)
			keyed_begin(request, &call, key);
		else
			calls_begin(request->rest->calls, &call);
	}
}

static void rest_infer(const struct rest_request *request)
{
	call_begin(request, NULL);
}

static void rest_explain(const struct rest_request *request)
{
	call_begin(request, EXPLAIN_REPLY_YES);
}

static void explain_seldon(const struct rest_request *request)
{
	call_begin(request, EXPLAIN_REPLY_SELDON);
}

/* ---- feedback ---- */

static void on_feedback_taken(void *context, const struct call_outcome *outcome)
{
	if (outcome->end == CALL_ACCEPTED)
		http_server_answer(context, outcome->status, JSON, outcome->body, NULL, 0);
	else
		rest_call_ended(context, outcome);
}

/* Seldon answers with a SeldonMessage. */
static void on_seldon_feedback_taken(void *context, const struct call_outcome *outcome)
{
	struct buffer body;
	if (outcome->end != CALL_ACCEPTED) {
		rest_call_ended(context, outcome);
		return;
	}
	buffer_open(&body, ANSWER_FEEDBACK_BYTES_MAX);
	json_write_string_after(&body, TEXT("{\"meta\":{\"puid\":"), outcome->id);
	buffer_string(&body, "}}");
	http_server_answer(context, 200, JSON, buffer_view(&body), NULL, 0);
	buffer_close(&body);
}

static void feedback_begin(const struct rest_request *request, bool seldon)
{
	const struct call_source source = rest_source(request);
	const struct gateway_target *target = rest_target_find(request);
	struct call_request call = {
		.target = target,
		.service = SERVICE_FEEDBACK,
		.has_seldon_errors = request_has_seldon_errors(request),
		.is_feedback = true,
		.arrived_ms = source.arrived_ms,
		.place = request->path,
		.ended = seldon ? on_seldon_feedback_taken : on_feedback_taken,
		.is_over = on_asked_whether_over,
		.context = request->incoming,
	};
	struct call_feedback given = {
		.json = request->body, .is_seldon = seldon, .arena = request->rest->arena, .record = &request->rest->body};
	struct call_refusal refusal;
	if (!target || !rest_page_check(request) || !rest_type_check(request))
		return;
	if (request->rest->draining) {
		rest_refuse(request, 503, "this gateway is stopping; ask another one");
		return;
	}
	if (request->body.length > 0 && !rest_body_read(request, target->request_bytes, &given.json))
		return;
	if (call_feedback_prepare(&source, &given, &call, &refusal))
		calls_begin(request->rest->calls, &call);
	else
		rest_refuse(request, refusal.status, "%s", refusal.words);
}

static void feedback(const struct rest_request *request)
{
	feedback_begin(request, false);
}

static void seldon_feedback(const struct rest_request *request)
{
	feedback_begin(request, true);
}

/* ---- routes ---- */

const struct gateway_route rest_routes[] = {
	{"POST", "/v2/pipelines/{pipeline}/infer", rest_infer, "Sends a request through a pipeline and answers with its outputs.",
	 ACCESS_INFER, false},
	{"POST", "/v2/models/{model}/infer", rest_infer, "The same, of a model or a pipeline.", ACCESS_INFER, false},
	{"POST", "/v2/models/{model}/versions/{version}/infer", rest_infer, "The same of a version: 1 or the one in force.",
	 ACCESS_INFER, false},
	{"GET", "/v2/pipelines/{pipeline}/requests/{request}", rest_poll,
	 "The answer to a request that was submitted with `prefer: respond-async`.", ACCESS_POLL, false},
	{"GET", "/v2/models/{model}/requests/{request}", rest_poll, "The same, of a model or a pipeline.", ACCESS_POLL, false},
	{"GET", "/v2/pipelines/{pipeline}/requests/{request}/explanations", rest_poll_explanations,
	 "The explanations of a request, submitted or not, when a step `explain` has made them.", ACCESS_POLL, false},
	{"GET", "/v2/models/{model}/requests/{request}/explanations", rest_poll_explanations, "The same, of a model or a pipeline.",
	 ACCESS_POLL, false},
	{"DELETE", "/v2/pipelines/{pipeline}/requests/{request}", rest_cancel,
	 "Cancels a submitted request: stages of the pipeline that have not begun it do not process it.", ACCESS_CANCEL, false},
	{"DELETE", "/v2/models/{model}/requests/{request}", rest_cancel, "The same, of a model or a pipeline.", ACCESS_CANCEL,
	 false},
	{"GET", "/v2/pipelines/{pipeline}/requests/{request}/watch", rest_watch,
	 "The same as server-sent events: the last one has the answer, as soon as it is there.", ACCESS_WATCH, false},
	{"GET", "/v2/models/{model}/requests/{request}/watch", rest_watch, "The same, of a model or a pipeline.", ACCESS_WATCH,
	 false},
	{"GET", "/v2/pipelines/{pipeline}/watch", rest_watch, "The same, of the request that the query names.", ACCESS_WATCH,
	 false},
	{"GET", "/v2/models/{model}/watch", rest_watch, "The same, of a model or a pipeline.", ACCESS_WATCH, false},
	{"GET", "/v2/pipelines/{pipeline}", target_metadata,
	 "The tensors that a pipeline takes and gives, where known. The shape [-1] is any, of any rank.", ACCESS_METADATA, false},
	{"GET", "/v2/pipelines/{pipeline}/ready", target_ready, "Whether the pipeline can be asked.", ACCESS_HEALTH, false},
	{"GET", "/v2/models/{model}", target_metadata, "The same as of a pipeline.", ACCESS_METADATA, false},
	{"GET", "/v2/models/{model}/versions/{version}", target_metadata, "The same.", ACCESS_METADATA, false},
	{"GET", "/v2/models/{model}/ready", target_ready, "Whether the model can be asked.", ACCESS_HEALTH, false},
	{"GET", "/v2/models/{model}/versions/{version}/ready", target_ready, "The same.", ACCESS_HEALTH, false},
	{"GET", "/v2", server_metadata, "Name, version and extensions of this server.", ACCESS_METADATA, false},
	{"GET", "/v2/health/live", rest_live, "Whether the gateway runs.", ACCESS_HEALTH, true},
	{"GET", "/v2/health/ready", rest_ready, "Whether the gateway takes calls.", ACCESS_HEALTH, true},
	{"GET", "/v1/health/live", rest_live, "The same as /v2/health/live.", ACCESS_HEALTH, true},
	{"GET", "/v1/health/ready", rest_ready, "The same as /v2/health/ready.", ACCESS_HEALTH, true},
	{"GET", "/v2/routes", routes, "This table.", ACCESS_METADATA, false},
	{"GET", "/openapi.json", openapi, "This table as an OpenAPI document.", ACCESS_METADATA, false},
	{"POST", "/v1/models/{model}:predict", rest_infer, "A request in the form of TensorFlow Serving.", ACCESS_INFER, false},
	{"POST", "/v1/models/{model}/versions/{version}:predict", rest_infer, "The same of a version: 1 or the one in force.",
	 ACCESS_INFER, false},
	{"GET", "/v1/models/{model}", target_ready, "Whether the model can be asked, in the form of V1.", ACCESS_HEALTH, false},
	{"POST", "/api/v1.0/predictions", rest_infer, "A request of the first Seldon Core, also behind /seldon/NAMESPACE/NAME.",
	 ACCESS_INFER, false},
	{"POST", "/api/v0.1/predictions", rest_infer, "The same.", ACCESS_INFER, false},
	{"POST", "/v2/pipelines/{pipeline}/explain", rest_explain,
	 "Sends a request through a pipeline and answers with the explanation of its step `explain`.", ACCESS_EXPLAIN, false},
	{"POST", "/v2/models/{model}/explain", rest_explain, "The same, of a model or a pipeline.", ACCESS_EXPLAIN, false},
	{"POST", "/v1/models/{model}:explain", rest_explain, "The same, for a request in the form of TensorFlow Serving.",
	 ACCESS_EXPLAIN, false},
	{"POST", "/api/v1.0/explanations", explain_seldon,
	 "The same in the form of the first Seldon Core, also behind /seldon/NAMESPACE/NAME.", ACCESS_EXPLAIN, false},
	{"POST", "/api/v1.0/explain", explain_seldon, "The same.", ACCESS_EXPLAIN, false},
	{"GET", "/api/v1.0/metadata", rest_graph_metadata,
	 "The tensors of a deployment and of the models that it calls, where known, in the form of the first Seldon Core.",
	 ACCESS_METADATA, false},
	{"GET", "/api/v1.0/metadata/{node}", rest_node_metadata, "The same, of one of its models.", ACCESS_METADATA, false},
	{"POST", "/v2/pipelines/{pipeline}/feedback", feedback,
	 "Takes what became of an answer: a reward, metrics or the truth, by request id, origin or unit.", ACCESS_FEEDBACK, false},
	{"POST", "/v2/models/{model}/feedback", feedback, "The same, of a model or a pipeline.", ACCESS_FEEDBACK, false},
	{"POST", "/api/v1.0/feedback", seldon_feedback,
	 "The same, in the form of the first Seldon Core, also behind /seldon/NAMESPACE/NAME.", ACCESS_FEEDBACK, false},
	{"POST", "/api/v0.1/feedback", seldon_feedback, "The same.", ACCESS_FEEDBACK, false},
	{.method = NULL},
};

void rest_called(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	struct rest *rest = context;
	struct rest_request request = {
		.rest = rest, .incoming = incoming, .path = path, .body = body, .is_head = text_is(method, "HEAD")};
	char allowed[REST_ALLOWED_BYTES_MAX];
	arena_reset(rest->arena);
	buffer_clear(&rest->body);
	const struct gateway_route *route = rest_route_find(method, path, &request, allowed, sizeof allowed);
	if (!route)
		rest_route_refuse(&request, method, allowed);
	else if (rest_query_read(route, &request))
		route->serve(&request);
}
