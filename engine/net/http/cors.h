/* cors.h: Cross-origin resource sharing (CORS, by the Fetch standard): the origins whose pages may call a server from a browser.
 *
 * Without a configured origin the gateway sends none of these headers, and browsers refuse its answers to pages of other
 * origins. CORS protects users of browsers. It does not replace access control: preflights need no credentials, and every
 * other request is checked as without CORS.
 *
 * A browser sends a preflight before most requests of a page. Requests that a form could make are sent without one, and the page
 * only does not get the answer. So gateways and model servers refuse them, unless the origin is listed: on a developer's machine
 * they usually have no access control, and any page could send requests to them.
 */
#pragma once

#include "base/option.h"
#include "base/text.h"

struct http_incoming;

#define CORS_ANY "*"
#define CORS_EXPOSED "*"   /* headers of answers that pages may read: steps may set any. Browsers send no cookies here */
#define CORS_MAX_AGE "600" /* seconds for which a browser repeats no preflight; some limit it to this */

/* Checks the origins: SCHEME://HOST, with a port where it is not the scheme's own, or CORS_ANY. False: CONFIG. */
bool cors_origins_check(const struct name_list *origins, struct error *error);

/* The value of Access-Control-Allow-Origin for a request's Origin header, borrowed from the list; NULL: the origin may not
 * call. */
const char *cors_origin_allowed(const struct name_list *origins, struct text origin);

/* Whether a browser sends a body of that content type without a preflight: none, or one of a form. Parameters are ignored. */
bool cors_type_is_of_form(struct text content_type);

/* Whether a page of an origin that is not listed sent this POST without a preflight. Such a request is to be answered 403. */
bool cors_page_is_refused(const struct name_list *origins, const struct http_incoming *incoming);
