/* rest_outcome.c: Answers of REST to calls that have ended; see rest.h. */
#include <stdio.h>

#include "gateway/rest.h"
#include "gateway/calls/seldon_errors.h"
#include "gateway/access/seldon_path.h"
#include "gateway/calls/seldon_puid.h"
#include "gateway/seldon_route.h"
#include "message/formats/oip_json.h"
#include "message/records/reply.h"
#include "net/http/http_field.h"
#include "net/http/http_head.h"

#define ANSWER_HEADERS_MAX 74 /* at most 64 that steps set (engine/outputs/outbox.c), those of the gateway, and of a trace */

static const char *text_kept(struct arena *arena, struct text text)
{
	return arena_copy(arena, text.bytes, text.length);
}

static void header_put(struct http_answer_header *headers, size_t *count, const char *name, const char *value)
{
	if (name && value && *count < ANSWER_HEADERS_MAX)
		headers[(*count)++] = (struct http_answer_header){name, value};
}

/* A step may set any header, and so may whoever writes to the topic of answers. One that HTTP does not allow would turn the whole
 * answer into an error. */
static bool is_header(const struct header *header)
{
	return !http_field_is_of_connection(header->name) && http_head_is_name(header->name) && http_head_is_value(header->value);
}

static void outcome_answer(struct http_incoming *incoming, const struct call_outcome *outcome)
{
	struct http_answer_header headers[ANSWER_HEADERS_MAX];
	struct arena *arena = outcome->arena;
	char retry[24];
	size_t count = 0;
	if (call_id_is_header(outcome->id)) {
		const char *id = text_kept(arena, outcome->id);
		header_put(headers, &count, REPLY_ID_HEADER, id);
		if (seldon_path_is_v1(http_incoming_path(incoming)))
			header_put(headers, &count, SELDON_PUID_HEADER, id);
		count += rest_event_answer(incoming, outcome, id, headers + count);
	}
	if (outcome->header_length.length > 0 && http_head_is_value(outcome->header_length))
		header_put(headers, &count, OIP_LENGTH_HEADER, text_kept(arena, outcome->header_length));
	if (outcome->retry_after_s > 0) {
		(void)snprintf(retry, sizeof retry, "%d", outcome->retry_after_s);
		header_put(headers, &count, "Retry-After", retry);
	}
	if (outcome->submission.length > 0 && outcome->target.length > 0) {
		const struct text prefix =
			seldon_path_split(http_incoming_path(incoming)).prefix; /* which an ingress may ask for */
		header_put(headers, &count, "Location",
			   arena_print(arena, TEXT_FORMAT "/v2/pipelines/" TEXT_FORMAT "/requests/" TEXT_FORMAT,
				       TEXT_ARGUMENTS(prefix), TEXT_ARGUMENTS(outcome->target),
				       TEXT_ARGUMENTS(outcome->submission)));
	}
	for (size_t i = 0; i < outcome->headers.count; i++)
		if (is_header(&outcome->headers.items[i]))
			header_put(headers, &count, text_kept(arena, outcome->headers.items[i].name),
				   text_kept(arena, outcome->headers.items[i].value));
	const struct text type_text = call_outcome_type(outcome);
	const char *type = http_head_is_value(type_text) ? text_kept(arena, type_text) : NULL;
	http_server_answer(incoming, outcome->status, outcome->end == CALL_FILTERED ? NULL : type, outcome->body, headers, count);
}

static bool is_prediction(struct text path)
{
	path.length -= text_ends_with(path, TEXT("/"));
	return seldon_path_is_v1(path) && text_ends_with(path, TEXT("/predictions"));
}

void rest_call_ended(void *context, const struct call_outcome *outcome)
{
	struct http_incoming *incoming = context;
	struct call_outcome seldon = *outcome;
	const struct text path = http_incoming_path(incoming);
	const struct rest *rest = http_incoming_context(incoming);
	struct buffer body;
	if (!rest_has_seldon_errors(rest)) {
		outcome_answer(incoming, outcome);
		return;
	}
	if (!seldon_path_is_v1(path))
		seldon.headers = seldon_route_headers(rest->targets, outcome);
	buffer_open(&body, outcome->body.length + CALL_ERROR_BYTES_MAX);
	if (outcome->end == CALL_FAILED)
		(void)seldon_outcome_write(&seldon, seldon_path_is_v1(path), &body);
	else if (outcome->end == CALL_ANSWERED && is_prediction(path) && outcome->id.length > 0 &&
		 seldon_puid_write(outcome->body, outcome->id, outcome->arena, &body) && !buffer_failed(&body))
		seldon.body = buffer_view(&body);
	outcome_answer(incoming, &seldon);
	buffer_close(&body);
}
