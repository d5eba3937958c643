/* cors.c: see cors.h. */
#include "net/http/cors.h"

#include "net/http/http_server.h"

/* Whether browsers would send it as an Origin header: neither a path nor an ending slash. */
static bool is_origin(struct text text)
{
	const char *separator = memmem(text.bytes, text.length, "://", 3);
	size_t scheme = separator ? (size_t)(separator - text.bytes) : 0;
	if (scheme == 0 || text.length <= scheme + 3)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (text.bytes[i] <= ' ' || (i >= scheme + 3 && strchr("/?#@*,", text.bytes[i])))
			return false;
	return true;
}

bool cors_origins_check(const struct name_list *origins, struct error *error)
{
	for (size_t i = 0; i < origins->count; i++) {
		const char *origin = origins->items[i].text;
		if (strcmp(origin, CORS_ANY) != 0 && !is_origin(text_of(origin)))
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "`--cors-origin %s` is not an origin; write https://app.example, without a path or an "
					 "ending slash, or * for every origin",
					 origin);
	}
	return true;
}

const char *cors_origin_allowed(const struct name_list *origins, struct text origin)
{
	for (size_t i = 0; i < origins->count; i++)
		if (strcmp(origins->items[i].text, CORS_ANY) == 0 || text_equal_caseless(text_of(origins->items[i].text), origin))
			return origins->items[i].text;
	return NULL;
}

bool cors_type_is_of_form(struct text content_type)
{
	static const char *const forms[] = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"};
	const struct text type = text_trimmed(text_take_until(&content_type, ';'), " \t");
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (text_equal_caseless(type, text_of(forms[i])))
			return true;
	return type.length == 0;
}

/* A request with a credential in a header comes after a preflight. */
bool cors_page_is_refused(const struct name_list *origins, const struct http_incoming *incoming)
{
	const struct text origin = http_incoming_known(incoming, HEADER_ORIGIN);
	return origin.bytes && cors_type_is_of_form(http_incoming_known(incoming, HEADER_CONTENT_TYPE)) &&
	       !http_incoming_known(incoming, HEADER_AUTHORIZATION).bytes &&
	       !http_incoming_known(incoming, HEADER_API_KEY).bytes && !cors_origin_allowed(origins, origin);
}
