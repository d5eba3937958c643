/* rest_openapi.c: OpenAPI document of a gateway, printed from the table of routes; see rest.h. */
#include "base/version.h"
#include "gateway/calls/idempotent_calls.h"
#include "gateway/rest.h"
#include "message/json/json_write.h"
#include "message/formats/oip_json.h"
#include "message/records/reply.h"

#define OPENAPI_VERSION "3.0.3" /* the newest that most generators of clients read */
#define BINARY "\"application/octet-stream\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}"

#define PROTOBUF ",\"application/x-protobuf\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}"

/* ---- headers ---- */

enum header_place { IN_REQUEST = 1, AT_200 = 2, AT_202 = 4, AT_204 = 8, AT_ERROR = 16 };

#define ON(verb) (1u << ACCESS_##verb)
#define ON_CALLS (ON(INFER) | ON(EXPLAIN))
#define ON_TIMED (ON_CALLS | ON(POLL) | ON(CANCEL) | ON(WATCH))
#define ON_TARGETS (ON_CALLS | ON(FEEDBACK) | ON(POLL) | ON(CANCEL) | ON(WATCH))

#define OF_TEXT "{\"type\":\"string\"}"
#define OF_TIME "{\"type\":\"integer\",\"minimum\":1}"
#define OF_COUNT "{\"type\":\"integer\",\"minimum\":0}"

static const struct header_row {
	const char *name;
	unsigned places; /* of enum header_place */
	unsigned verbs;	 /* of the routes; of errors, which all routes share, 0 */
	const char *words;
	const char *schema; /* as JSON */
} header_rows[] = {
	{"Prefer", IN_REQUEST, ON(INFER), "`respond-async` submits the request: the answer is 202, and Location is polled.",
	 OF_TEXT},
	{"x-timeout-ms", IN_REQUEST, ON_TIMED, "How long the caller waits, in milliseconds: at most 10 minutes.", OF_TIME},
	{DEADLINE_HEADER, IN_REQUEST, ON_TIMED, "The same as a time, in milliseconds since 1970.", OF_TIME},
	{REPLY_ID_HEADER, IN_REQUEST, ON_CALLS, "The id of the request, which the answer has, too.",
	 "{\"type\":\"string\",\"maxLength\":256}"},
	{"sluice-key", IN_REQUEST, ON_CALLS, "The key of the request's record. Requests of one key are answered in order.",
	 OF_TEXT},
	{"seldon-model", IN_REQUEST, ON_TARGETS, "The pipeline or model that is asked, instead of that of the path.", OF_TEXT},
	{OIP_LENGTH_HEADER, IN_REQUEST, ON_CALLS, "Bytes of JSON at the beginning of a body with binary tensors.", OF_COUNT},
	{IDEMPOTENCY_HEADER, IN_REQUEST, ON(INFER),
	 "Each request with this key gets the answer to the first one, for 24 hours; 409 until it is there, and 422 with another "
	 "body.",
	 "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}"},
	{"Last-Event-ID", IN_REQUEST, ON(WATCH), "The id of the last event, which browsers send when they connect again.", OF_TEXT},
	{REPLY_ID_HEADER, AT_200 | AT_202 | AT_204, ON_CALLS, "The id of the request.", OF_TEXT},
	{REPLY_ID_HEADER, AT_200 | AT_204, ON(POLL), "The id of the request.", OF_TEXT},
	{REPLY_ID_HEADER, AT_ERROR, 0, "The id of the request.", OF_TEXT},
	{OIP_LENGTH_HEADER, AT_200, ON(INFER) | ON(POLL), "The same of the answer.", OF_COUNT},
	{"Location", AT_202, ON(INFER), "Where a submitted request is polled, if its pipeline has an answer.", OF_TEXT},
	{"Location", AT_ERROR, 0, "Of a 504: where a later answer is polled.", OF_TEXT},
	{"Preference-Applied", AT_202, ON(INFER), "`respond-async`: the request was submitted.", OF_TEXT},
	{IDEMPOTENCY_REPLAYED_HEADER, AT_200 | AT_202 | AT_204, ON(INFER), "`true`: an earlier request with the key was answered.",
	 OF_TEXT},
	{IDEMPOTENCY_REPLAYED_HEADER, AT_ERROR, 0, "The same.", OF_TEXT},
	{"Retry-After", AT_202, ON(POLL), "Seconds after which to poll again.", OF_COUNT},
	{"Retry-After", AT_ERROR, 0, "Of 409, 429 and 503: seconds after which to ask again.", OF_COUNT},
	{"Allow", AT_ERROR, 0, "Of a 405: the methods of the path.", OF_TEXT},
};

#define HEADER_ROWS (sizeof header_rows / sizeof *header_rows)

static bool header_is_at(const struct header_row *row, enum header_place place, const struct gateway_route *route)
{
	return (row->places & place) && (!route || (row->verbs & 1u << route->verb));
}

/* The headers of an answer; `route` NULL: of an error. */
static void answer_headers_write(struct buffer *out, enum header_place place, const struct gateway_route *route)
{
	bool any = false;
	for (const struct header_row *row = header_rows; row < header_rows + HEADER_ROWS; row++) {
		if (!header_is_at(row, place, route))
			continue;
		json_write_string_after(out, any ? TEXT(",") : TEXT(",\"headers\":{"), text_of(row->name));
		json_write_string_after(out, TEXT(":{\"description\":"), text_of(row->words));
		buffer_print(out, ",\"schema\":%s}", row->schema);
		any = true;
	}
	buffer_string(out, any ? "}" : "");
}

/* ---- parameters ---- */

/* The next `{name}` of a path. Empty: there is none. */
static struct text parameter_take(const char **path)
{
	const char *begin = strchr(*path, '{'), *end = begin ? strchr(begin, '}') : NULL;
	*path = end ? end : "";
	return end ? (struct text){begin + 1, (size_t)(end - begin) - 1} : (struct text){0};
}

static void parameter_begin(struct buffer *out, bool *first, struct text name, const char *in, bool required)
{
	json_write_string_after(out, *first ? TEXT("{\"name\":") : TEXT(",{\"name\":"), name);
	buffer_print(out, ",\"in\":\"%s\",\"required\":%s,", in, required ? "true" : "false");
	*first = false;
}

static void parameters_write(struct buffer *out, const struct gateway_route *route)
{
	struct text name;
	bool first = true;
	const char *path = route->path;
	buffer_string(out, ",\"parameters\":[");
	while ((name = parameter_take(&path)).length > 0) {
		parameter_begin(out, &first, name, "path", true);
		buffer_string(out, "\"schema\":{\"type\":\"string\"}}");
	}
	const char *query = rest_route_query(route);
	if (query) {
		parameter_begin(out, &first, text_of(query), "query", true);
		buffer_string(out, "\"description\":\"The id of a submitted request.\",\"schema\":{\"type\":\"string\"}}");
	}
	for (const struct header_row *row = header_rows; row < header_rows + HEADER_ROWS; row++) {
		if (!header_is_at(row, IN_REQUEST, route))
			continue;
		parameter_begin(out, &first, text_of(row->name), "header", false);
		json_write_string_after(out, TEXT("\"description\":"), text_of(row->words));
		buffer_print(out, ",\"schema\":%s}", row->schema);
	}
	buffer_byte(out, ']');
}

/* ---- operations ---- */

/* Such as `post_v2_models_model_infer`: unique, since method and path are. */
static void operation_id_write(struct buffer *out, const struct gateway_route *route)
{
	buffer_string(out, "\"operationId\":\"");
	for (const char *at = route->method; *at; at++)
		buffer_byte(out, letter_lowered(*at));
	for (const char *at = route->path; *at; at++) {
		bool is_word = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
		if (is_word || *at == '/' || *at == ':' || *at == '.')
			buffer_byte(out, is_word ? *at : '_');
	}
	buffer_byte(out, '"');
}

/* What the status 202 says; NULL: the operation has none. */
static const char *accepted_words(const struct gateway_route *route)
{
	if (route->verb == ACCESS_POLL)
		return "There is nothing yet; poll again.";
	if (route->verb == ACCESS_CANCEL)
		return "The cancellation was accepted; a poll shows whether it came in time.";
	return strcmp(route->method, "POST") == 0 ? "The request was accepted." : NULL;
}

static void responses_write(struct buffer *out, const struct gateway_route *route)
{
	const char *accepted = accepted_words(route);
	const bool answers = route->verb == ACCESS_INFER || route->verb == ACCESS_POLL;
	buffer_string(out, ",\"responses\":{\"200\":{\"description\":\"The answer.\"");
	answer_headers_write(out, AT_200, route);
	buffer_string(out, ",\"content\":{");
	buffer_string(out, route->verb == ACCESS_WATCH ? "\"text/event-stream\":{\"schema\":{\"type\":\"string\"}}"
						       : "\"application/json\":{\"schema\":{\"type\":\"object\"}}");
	if (answers)
		buffer_string(out, "," BINARY PROTOBUF);
	buffer_string(out, "}}");
	if (accepted) {
		json_write_string_after(out, TEXT(",\"202\":{\"description\":"), text_of(accepted));
		answer_headers_write(out, AT_202, route);
		buffer_string(out,
			      ",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Accepted\"}}}}");
	}
	if (answers || route->verb == ACCESS_EXPLAIN || route->verb == ACCESS_WATCH) {
		buffer_string(out, ",\"204\":{\"description\":");
		buffer_string(out, route->verb == ACCESS_WATCH ? "\"The caller had the last event.\""
							       : "\"A step dropped the request.\"");
		answer_headers_write(out, AT_204, route);
		buffer_byte(out, '}');
	}
	buffer_string(out, ",\"4XX\":{\"$ref\":\"#/components/responses/Error\"},"
			   "\"5XX\":{\"$ref\":\"#/components/responses/Error\"}}");
}

static void operation_write(struct buffer *out, const struct gateway_route *route)
{
	bool has_body = strcmp(route->method, "POST") == 0;
	buffer_byte(out, '"');
	for (const char *at = route->method; *at; at++)
		buffer_byte(out, letter_lowered(*at));
	buffer_string(out, "\":{");
	operation_id_write(out, route);
	json_write_string_after(out, TEXT(",\"summary\":"), text_of(route->summary));
	parameters_write(out, route);
	if (has_body) {
		buffer_string(out, ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":"
				   "{\"type\":\"object\"}}," BINARY);
		buffer_string(out, 1u << route->verb & ON_CALLS ? PROTOBUF "}}" : "}}");
	}
	responses_write(out, route);
	if (route->is_open)
		buffer_string(out, ",\"security\":[]");
	buffer_byte(out, '}');
}

/* ---- the document ---- */

static bool path_is_first(const struct gateway_route *route)
{
	for (const struct gateway_route *before = rest_routes; before < route; before++)
		if (strcmp(before->path, route->path) == 0)
			return false;
	return true;
}

static void paths_write(struct buffer *out)
{
	for (const struct gateway_route *route = rest_routes; route->method; route++) {
		if (!path_is_first(route))
			continue;
		json_write_string_after(out, route == rest_routes ? TEXT("") : TEXT(","), text_of(route->path));
		buffer_string(out, ":{");
		operation_write(out, route);
		for (const struct gateway_route *other = route + 1; other->method; other++)
			if (strcmp(other->path, route->path) == 0) {
				buffer_byte(out, ',');
				operation_write(out, other);
			}
		buffer_byte(out, '}');
	}
}

static void components_write(struct buffer *out, bool is_protected)
{
	buffer_string(out,
		      "\"components\":{\"schemas\":{\"Accepted\":{\"type\":\"object\",\"properties\":{\"id\":"
		      "{\"type\":\"string\"},\"status\":{\"type\":\"string\"},\"outputs\":{\"type\":\"string\",\"description\":"
		      "\"The topic to read instead of a poll, if the pipeline does not answer each request once.\"}}},"
		      "\"Error\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{"
		      "\"error\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\",\"enum\":[");
	for (int kind = ERROR_CONFIG; kind <= ERROR_SYSTEM; kind++)
		json_write_string_after(out, kind == ERROR_CONFIG ? TEXT("") : TEXT(","),
					text_of(error_kind_name((enum error_kind)kind)));
	buffer_string(out, "]},\"place\":{\"type\":\"string\"},\"step\":{\"type\":\"string\"},\"attempts\":{\"type\":\"integer\"},"
			   "\"id\":{\"type\":\"string\"}}}},\"responses\":{\"Error\":{\"description\":\"The reason why there is no "
			   "answer.\"");
	answer_headers_write(out, AT_ERROR, NULL);
	buffer_string(out, ",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}}");
	if (is_protected)
		buffer_string(out, ",\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\","
				   "\"bearerFormat\":\"JWT\"},\"key\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":"
				   "\"" ACCESS_API_KEY_HEADER "\"}}");
	buffer_byte(out, '}');
}

void rest_openapi_write(const struct rest *rest, struct buffer *out)
{
	bool is_protected = rest->access != NULL;
	buffer_string(out, "{\"openapi\":\"" OPENAPI_VERSION "\",\"info\":{\"title\":\"sluice gateway\","
			   "\"version\":\"" SLUICE_VERSION "\"},\"servers\":[{\"url\":\"/\"},{\"url\":"
			   "\"/seldon/{namespace}/{name}\",\"description\":\"The paths "
			   "behind the ingress of Seldon Core 1, which name the deployment.\",\"variables\":{\"namespace\":");
	json_write_string_after(out, TEXT("{\"default\":"), text_of(rest->targets->namespace));
	json_write_string_after(out, TEXT("},\"name\":{\"default\":"), text_of(rest->targets->items[0].name));
	buffer_string(out, "}}}],\"paths\":{");
	paths_write(out);
	buffer_string(out, "},");
	components_write(out, is_protected);
	if (is_protected)
		buffer_string(out, ",\"security\":[{\"token\":[]},{\"key\":[]}]");
	buffer_byte(out, '}');
}
