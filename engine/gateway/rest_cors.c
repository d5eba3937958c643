/* rest_cors.c: CORS headers of REST answers, answers to preflights, and requests of pages that come without one; see rest.h and
 * cors.h. */
#include "gateway/rest.h"
#include "net/http/cors.h"

void rest_cors_begin(const struct rest *rest, struct http_incoming *incoming)
{
	const struct name_list *origins = &rest->config->cors_origins;
	struct text origin = http_incoming_known(incoming, HEADER_ORIGIN);
	const char *allowed = origin.bytes ? cors_origin_allowed(origins, origin) : NULL;
	if (!name_list_has(*origins, CORS_ANY)) /* caches must keep the answers of origins apart */
		http_incoming_add_header(incoming, "Vary", "Origin");
	if (!allowed)
		return;
	http_incoming_add_header(incoming, "Access-Control-Allow-Origin", allowed);
	http_incoming_add_header(incoming, "Access-Control-Expose-Headers", CORS_EXPOSED);
}

static void rest_refuse_page(const struct rest_request *request)
{
	rest_refuse(request, 403, "pages of this origin may not call the gateway; --cors-origin lists those that may");
}

bool rest_page_check(const struct rest_request *request)
{
	if (!cors_page_is_refused(&request->rest->config->cors_origins, request->incoming))
		return true;
	rest_refuse_page(request);
	return false;
}

bool rest_cors_preflight(const struct rest_request *request, struct text method, const char *allowed)
{
	const struct rest *rest = request->rest;
	struct text origin = http_incoming_known(request->incoming, HEADER_ORIGIN);
	struct text wanted = http_incoming_header(request->incoming, "access-control-request-method");
	struct text headers = http_incoming_header(request->incoming, "access-control-request-headers");
	if (rest->config->cors_origins.count == 0 || !text_is(method, "OPTIONS") || !origin.bytes || !wanted.bytes)
		return false;
	if (!cors_origin_allowed(&rest->config->cors_origins, origin)) {
		rest_refuse_page(request);
		return true;
	}
	const char *names = headers.bytes ? arena_copy(rest->arena, headers.bytes, headers.length) : NULL;
	const struct http_answer_header all[] = {{"Access-Control-Allow-Methods", allowed},
						 {"Access-Control-Max-Age", CORS_MAX_AGE},
						 {"Access-Control-Allow-Headers", names}};
	http_server_answer(request->incoming, 204, NULL, (struct text){0}, all, names ? 3 : 2);
	return true;
}
