/* rest_route.c: Matching of paths and queries against the table of routes; see rest.h. */
#include <stdio.h>

#include "base/url.h"
#include "gateway/rest.h"
#include "gateway/access/seldon_path.h"

#define EXPLAINER_END "-explainer"

/* `{model}:predict` matches a segment with that ending. What has another one, or a colon at all, is no name (DNS 1123). */
static bool segment_fits(struct text wanted, struct text segment, struct rest_request *request)
{
	const char *closes = wanted.length > 0 && wanted.bytes[0] == '{' ? memchr(wanted.bytes, '}', wanted.length) : NULL;
	if (!closes)
		return text_equal(wanted, segment);
	struct text word = {wanted.bytes + 1, (size_t)(closes - wanted.bytes) - 1};
	struct text end = {closes + 1, wanted.length - word.length - 2};
	if (segment.length == end.length || !text_ends_with(segment, end))
		return false;
	const struct text value = {segment.bytes, segment.length - end.length};
	if (text_is(word, "version"))
		request->version = value;
	else if (text_is(word, "request"))
		request->submission = value;
	else if (text_is(word, "node"))
		request->node = value;
	else if (memchr(value.bytes, ':', value.length))
		return false;
	else
		request->name = value;
	request->pipeline_only |= text_is(word, "pipeline");
	return true;
}

static bool segments_fit(struct text pattern, struct text path, struct rest_request *request)
{
	while (pattern.length > 0 && path.length > 0)
		if (!segment_fits(text_take_until(&pattern, '/'), text_take_until(&path, '/'), request))
			return false;
	return pattern.length == 0 && path.length == 0;
}

/* Whether a path fits, of which `whole` is without a slash at its end. Most patterns are left out because it does not begin as they
 * do up to the first name, or does not end in the same byte, unless that is a name's. `fitted` gets the request with its names. */
static bool path_fits(const char *pattern, struct text path, struct text whole, const struct rest_request *request,
		      struct rest_request *fitted)
{
	size_t at = 0;
	while (at < whole.length && pattern[at] != '{' && pattern[at] == whole.bytes[at])
		at++;
	if (pattern[at] != '{' && (pattern[at] != '\0' || at != whole.length))
		return false;
	const struct text rest = text_of(pattern + at);
	if (rest.length > 0 && rest.bytes[rest.length - 1] != '}' && rest.bytes[rest.length - 1] != whole.bytes[whole.length - 1])
		return false;
	*fitted = *request;
	return rest.length == 0 || segments_fit(rest, (struct text){path.bytes + at, path.length - at}, fitted);
}

/* Removes the part of the path of an explainer that Seldon Core 1 puts at /seldon/NAMESPACE/NAME-explainer/PREDICTOR; here the
 * deployment explains itself. */
static struct text explainer_take(struct text path, struct rest_request *request)
{
	struct text rest = path;
	const bool is_named = text_take_until(&rest, '/').length > 0 && text_ends_with(request->name, TEXT(EXPLAINER_END)) &&
			      request->name.length > sizeof EXPLAINER_END - 1;
	if (!is_named || !(text_is(rest, "api/v1.0/explain") || text_is(rest, "api/v1.0/explain/")))
		return path;
	request->name.length -= sizeof EXPLAINER_END - 1;
	return rest;
}

/* What follows the prefix of a path, whose names it sets in the request. */
static struct text prefix_take(struct text path, struct rest_request *request)
{
	const struct seldon_path split = seldon_path_split(path);
	if (split.prefix.length == 0)
		return split.rest;
	request->namespace = split.namespace;
	request->name = split.name;
	return explainer_take(split.rest, request);
}

const char *rest_route_query(const struct gateway_route *route)
{
	return route->verb == ACCESS_WATCH && !strstr(route->path, "{request}") ? "request" : NULL;
}

/* A value of a query without its percent-encoding, which any of its characters may have; bytes NULL: that is malformed. */
static struct text query_value_decode(struct text value, struct arena *arena)
{
	const bool is_encoded = value.length > 0 && memchr(value.bytes, '%', value.length);
	char *out = is_encoded ? arena_copy(arena, value.bytes, value.length) : NULL;
	size_t length = 0;
	if (!out)
		return value;
	for (size_t at = 0; at < value.length; length++) {
		const int byte = url_escape(text_from(value, at));
		if (byte < 0 && value.bytes[at] == '%')
			return (struct text){0};
		out[length] = byte < 0 ? value.bytes[at] : (char)byte;
		at += byte < 0 ? 1 : URL_ESCAPE_BYTES;
	}
	return (struct text){out, length};
}

bool rest_query_read(const struct gateway_route *route, struct rest_request *request)
{
	const char *name = rest_route_query(route);
	if (!name)
		return true;
	struct text query = http_incoming_query(request->incoming), given = {0};
	while (query.length > 0) {
		struct text value = text_take_until(&query, '&');
		if (text_is(text_take_until(&value, '='), name))
			given = value;
	}
	request->submission = query_value_decode(given, request->rest->arena);
	if (given.length > 0 && !request->submission.bytes)
		rest_refuse(request, 400,
			    "the query holds a `%%` without two hexadecimal digits after it; write `%%25` for a `%%`");
	else if (request->submission.length == 0)
		rest_refuse(request, 400, "which request? Name it by its id, as in " TEXT_FORMAT "?%s=ID",
			    TEXT_ARGUMENTS(request->path), name);
	return request->submission.length > 0;
}

/* Adds the method of a route to those in `list`, unless it is one of them; with GET, HEAD, which needs no route of its own. */
static void method_list(const struct gateway_route *route, char *list, size_t size)
{
	struct text rest = text_of(list);
	while (rest.length > 0) {
		const struct text listed = text_take_until(&rest, ',');
		if (text_ends_with(listed, text_of(route->method)))
			return;
	}
	const size_t length = strlen(list);
	(void)snprintf(list + length, size - length, "%s%s%s", length ? ", " : "", route->method,
		       strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
}

static const struct gateway_route *route_search(struct text method, struct text path, struct rest_request *request, char *allowed,
						size_t size)
{
	const struct text rest = prefix_take(path, request);
	allowed[0] = '\0';
	const struct text whole = {rest.bytes, rest.length - text_ends_with(rest, TEXT("/"))};
	bool head = text_is(method, "HEAD");
	for (const struct gateway_route *route = rest_routes; route->method; route++) {
		struct rest_request fitted;
		if (!path_fits(route->path + 1, rest, whole, request, &fitted))
			continue;
		if (text_is(method, route->method) || (head && strcmp(route->method, "GET") == 0)) {
			if (request->name.length > 0) { /* the name in the prefix overrides it */
				if (fitted.pipeline_only && !text_equal(fitted.name, request->name))
					fitted.other = fitted.name;
				fitted.name = request->name;
			}
			*request = fitted;
			return route;
		}
		method_list(route, allowed, size);
	}
	return NULL;
}

/* ---- the last route ---- */

static inline struct text text_moved(struct text part, const char *from, const char *to)
{
	return part.bytes ? (struct text){to + (part.bytes - from), part.length} : part;
}

/* Names that are in the bytes `from` get the bytes `to`, which are equal. */
static void names_move(struct rest_request *request, const struct rest_request *named, const char *from, const char *to)
{
	request->namespace = text_moved(named->namespace, from, to);
	request->name = text_moved(named->name, from, to);
	request->other = text_moved(named->other, from, to);
	request->version = text_moved(named->version, from, to);
	request->submission = text_moved(named->submission, from, to);
	request->node = text_moved(named->node, from, to);
	request->pipeline_only = named->pipeline_only;
}

static bool memo_has(const struct rest_route_memo *memo, struct text method, struct text path)
{
	return memo->route && memo->method_length == method.length && memo->path_length == path.length &&
	       memcmp(memo->key + method.length, path.bytes, path.length) == 0 &&
	       memcmp(memo->key, method.bytes, method.length) == 0;
}

static void memo_keep(struct rest_route_memo *memo, const struct gateway_route *route, struct text method, struct text path,
		      const struct rest_request *request)
{
	if (method.length + path.length > sizeof memo->key)
		return;
	memcpy(memo->key, method.bytes, method.length);
	memcpy(memo->key + method.length, path.bytes, path.length);
	memo->method_length = method.length;
	memo->path_length = path.length;
	memo->route = route;
	names_move(&memo->found, request, path.bytes, memo->key + method.length);
}

const struct gateway_route *rest_route_find(struct text method, struct text path, struct rest_request *request, char *allowed,
					    size_t size)
{
	struct rest_route_memo *memo = request->rest ? &request->rest->memo : NULL;
	if (memo && memo_has(memo, method, path)) {
		allowed[0] = '\0';
		names_move(request, &memo->found, memo->key + method.length, path.bytes);
		return memo->route;
	}
	const struct gateway_route *route = route_search(method, path, request, allowed, size);
	if (memo && route)
		memo_keep(memo, route, method, path, request);
	return route;
}

/* The answer to OPTIONS, of a path with the methods `allowed` or of the server (RFC 9110, 9.3.7), or 405, which has the same. */
static void methods_answer(const struct rest_request *request, bool is_options, const char *allowed)
{
	char all[REST_ALLOWED_BYTES_MAX + sizeof ", OPTIONS"], words[ERROR_TEXT_MAX];
	const struct http_answer_header header = {"Allow", all};
	(void)snprintf(all, sizeof all, "%s, OPTIONS", allowed);
	(void)snprintf(words, sizeof words, "this path takes %s alone", allowed);
	if (is_options)
		http_server_answer(request->incoming, 204, NULL, (struct text){0}, &header, 1);
	else
		rest_refuse_with(request, 405, &header, 1, words);
}

/* `OPTIONS *` asks about the server: which methods any of its paths has. */
static void server_options_answer(const struct rest_request *request)
{
	char all[REST_ALLOWED_BYTES_MAX] = "";
	for (const struct gateway_route *route = rest_routes; route->method; route++)
		method_list(route, all, sizeof all);
	methods_answer(request, true, all);
}

void rest_route_refuse(const struct rest_request *request, struct text method, const char *allowed)
{
	if (text_is(request->path, "*"))
		server_options_answer(request);
	else if (!allowed[0])
		rest_refuse(request, 404, "there is nothing at this path; GET /v2/routes lists what there is");
	else if (!rest_cors_preflight(request, method, allowed))
		methods_answer(request, text_is(method, "OPTIONS"), allowed);
}
