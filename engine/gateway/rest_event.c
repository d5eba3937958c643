/* rest_event.c: CloudEvents in the binary mode of HTTP: a request with `ce-` headers is an event whose data is the body, and so
 * is its answer; see rest.h. */
#include <stdio.h>

#include "gateway/rest.h"

#define EVENT_TYPE "io.seldon.serving.inference.response" /* as of Seldon's servers */
#define EVENT_SOURCE "io.seldon.serving.deployment."
#define STRUCTURED "application/cloudevents" /* and the batch mode */

/* Version 0.3 is what Seldon's components send. */
static bool version_is_known(struct text version)
{
	return text_is(version, "1.0") || text_is(version, "0.3");
}

bool rest_event_check(const struct rest_request *request)
{
	static const enum header_name required[] = {HEADER_EVENT_ID, HEADER_EVENT_SOURCE, HEADER_EVENT_TYPE};
	const struct http_incoming *incoming = request->incoming;
	struct text version = http_incoming_known(incoming, HEADER_EVENT_VERSION);
	struct text type = http_incoming_known(incoming, HEADER_CONTENT_TYPE);
	const size_t length = sizeof STRUCTURED - 1;
	if (type.length >= length && text_equal_caseless((struct text){type.bytes, length}, TEXT(STRUCTURED))) {
		rest_refuse(request, 415, "an event as JSON is not supported; send its data as the body, and its attributes as ce- "
			    "headers (binary mode)");
		return false;
	}
	if (!version.bytes)
		return true;
	if (!version_is_known(version)) {
		rest_refuse(request, 400, "the header ce-specversion is \"%.*s\"; it must be 1.0 or 0.3",
			    (int)(version.length < 20 ? version.length : 20), version.bytes);
		return false;
	}
	for (size_t i = 0; i < sizeof required / sizeof *required; i++)
		if (http_incoming_known(incoming, required[i]).length == 0) {
			rest_refuse(request, 400, "the event lacks the header %s, which CloudEvents require",
				    header_name_text(required[i]).bytes);
			return false;
		}
	return true;
}

bool rest_event_id_read(const struct http_incoming *incoming, struct text *id, struct call_refusal *refusal)
{
	if (id->length > 0 || !http_incoming_known(incoming, HEADER_EVENT_VERSION).bytes)
		return true;
	*id = http_incoming_known(incoming, HEADER_EVENT_ID);
	return call_id_check("ce-id", *id, refusal);
}

size_t rest_event_answer(const struct http_incoming *incoming, const struct call_outcome *outcome, const char *id,
			 struct http_answer_header headers[REST_EVENT_HEADERS])
{
	struct text version = http_incoming_known(incoming, HEADER_EVENT_VERSION);
	if (!version.bytes || outcome->end != CALL_ANSWERED || !id)
		return 0;
	const char *source = arena_print(outcome->arena, EVENT_SOURCE TEXT_FORMAT, TEXT_ARGUMENTS(outcome->target));
	headers[0] = (struct http_answer_header){"ce-specversion", text_is(version, "0.3") ? "0.3" : "1.0"};
	headers[1] = (struct http_answer_header){"ce-id", id};
	headers[2] = (struct http_answer_header){"ce-source", source ? source : EVENT_SOURCE};
	headers[3] = (struct http_answer_header){"ce-type", EVENT_TYPE};
	return REST_EVENT_HEADERS;
}
