/* rest_openapi.c: OpenAPI document of a gateway, printed from the table of routes; see rest.h. */
#include "base/version.h"
#include "gateway/idempotent_calls.h"
#include "gateway/rest.h"
#include "message/json_write.h"

#define OPENAPI_VERSION "3.0.3" /* the newest that most generators of clients read */
#define BINARY "\"application/octet-stream\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}"

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

static void parameters_write(struct buffer *out, const struct gateway_route *route, bool takes_key)
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
	if (takes_key) {
		parameter_begin(out, &first, TEXT(IDEMPOTENCY_HEADER), "header", false);
		buffer_string(out, "\"description\":\"Each request with this key gets the answer to the first one, for 24 hours; "
				   "409 until it is there, and 422 with another body.\","
				   "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}}");
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
	buffer_string(out, ",\"responses\":{\"200\":{\"description\":\"The answer.\",\"content\":{");
	buffer_string(out, route->verb == ACCESS_WATCH ? "\"text/event-stream\":{\"schema\":{\"type\":\"string\"}}"
						       : "\"application/json\":{\"schema\":{\"type\":\"object\"}}");
	if (answers)
		buffer_string(out, "," BINARY);
	buffer_string(out, "}}");
	if (accepted) {
		json_write_string_after(out, TEXT(",\"202\":{\"description\":"), text_of(accepted));
		buffer_string(out,
			      ",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Accepted\"}}}}");
	}
	if (answers || route->verb == ACCESS_EXPLAIN)
		buffer_string(out, ",\"204\":{\"description\":\"A step dropped the request.\"}");
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
	parameters_write(out, route, has_body && route->verb == ACCESS_INFER);
	if (has_body)
		buffer_string(out, ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":"
				   "{\"type\":\"object\"}}," BINARY "}}");
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
	buffer_string(out, "\"components\":{\"schemas\":{\"Accepted\":{\"type\":\"object\",\"properties\":{\"id\":"
			   "{\"type\":\"string\"},\"status\":{\"type\":\"string\"}}},"
			   "\"Error\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{"
			   "\"error\":{\"type\":\"string\"},"
			   "\"kind\":{\"type\":\"string\",\"enum\":[");
	for (int kind = ERROR_CONFIG; kind <= ERROR_SYSTEM; kind++)
		json_write_string_after(out, kind == ERROR_CONFIG ? TEXT("") : TEXT(","),
					text_of(error_kind_name((enum error_kind)kind)));
	buffer_string(out, "]},\"place\":{\"type\":\"string\"},\"step\":{\"type\":\"string\"},\"attempts\":{\"type\":\"integer\"},"
			   "\"id\":{\"type\":\"string\"}}}},\"responses\":{\"Error\":{\"description\":\"The reason why there is no "
			   "answer.\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}}");
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
