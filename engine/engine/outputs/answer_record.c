/* answer_record.c: see answer_record.h. */
#include "engine/outputs/answer_record.h"

#include <stdio.h>
#include <string.h>

#include "engine/worker/parts.h"
#include "message/records/answer_tensors.h"
#include "message/formats/oip_json.h"
#include "engine/outputs/direct_log.h"
#include "message/records/reply.h"
#include "message/records/trace_context.h"

/* Encodes the answer of the in-flight message, or of one of its children. `value` borrows from the buffer, which is overwritten, or
 * from the arena. */
static bool answer_encode_once(struct buffer *buffer, struct inflight *inflight, const struct message *message,
			       const struct format *format, const struct answer *answer, struct text *value, struct error *error)
{
	const bool is_shared =
		message == &inflight->message && format == message->format && !answer->error && inflight->outcome == FLOW_ANSWER;
	if (is_shared && inflight->encoded.bytes) {
		*answer->header_length = inflight->encoded_head;
		*value = inflight->encoded;
		return true;
	}
	buffer_clear(buffer);
	if (!answer_encode(message, answer, format, inflight->stage->schemas, buffer, error))
		return false;
	*value = buffer_view(buffer);
	char *kept = is_shared && message_header(message, HEADER_REPLY) ? arena_take_spare(message->arena, value->length) : NULL;
	if (kept) {
		inflight->encoded = (struct text){memcpy(kept, value->bytes, value->length), value->length};
		inflight->encoded_head = *answer->header_length;
	}
	return true;
}

#define ID_HEADER_BYTES_MAX 1024 /* a longer id could make the record too large for its topic */

struct position inflight_origin(const struct inflight *inflight)
{
	return inflight->direct ? direct_origin(inflight)
				: (struct position){inflight->record.topic, inflight->record.partition, inflight->record.offset};
}

/* Begins with the headers that steps set, which are marks of the message. */
static bool step_headers(const struct payload *payload, struct answer_headers *headers, struct error *error)
{
	headers->count = 0;
	for (size_t i = 0; payload && i < payload->marks.count; i++) {
		const struct tensor *mark = payload->marks.items[i];
		const size_t length = sizeof MARK_OF_HEADER - 1;
		if (!text_starts_with(mark->name, TEXT(MARK_OF_HEADER)) || mark->datatype != DATATYPE_BYTES || mark->count != 1)
			continue;
		if (headers->count == STEP_HEADERS_MAX)
			return error_set(error, ERROR_LIMIT, PLACE_NONE, "an answer has at most %d headers of steps; set fewer",
					 STEP_HEADERS_MAX);
		headers->items[headers->count++] =
			(struct header){{mark->name.bytes + length, mark->name.length - length}, *(const struct text *)mark->data};
	}
	return true;
}

void answer_headers_assign(const struct message *message, const struct format *format, struct answer_headers *headers)
{
	struct text all = {0}, route = {0};
	if (format != &format_avro)
		all = assigned_header(message, message->arena);
	bool asked = message_header(message, HEADER_ROUTE) || message_header(message, HEADER_REPLY);
	if (asked)
		route = assigned_route(message, message->arena);
	if (all.length > 0)
		headers->items[headers->count++] = (struct header){TEXT(ASSIGNED_HEADER), all};
	if (route.length > 0)
		headers->items[headers->count++] = (struct header){TEXT(ROUTE_HEADER), route};
}

/* An error in JSON or protobuf has no id, nor has an answer in a format whose requests have none. */
static bool body_has_id(const struct format *format, const struct answer *answer)
{
	return format == &format_avro || (!answer->error && (format == &format_oip_json || format == &format_oip_protobuf));
}

/* Whether the answer has the request's id: in its body, or in a header that this writes. */
static bool id_header_write(const struct message *message, const struct answer *answer, const struct format *format,
			    struct answer_headers *headers)
{
	const struct text id = message->payload_id;
	if (id.length > 0 && body_has_id(format, answer))
		return true;
	if (id.length == 0 || id.length > ID_HEADER_BYTES_MAX)
		return false;
	headers->items[headers->count++] = (struct header){TEXT(REPLY_ID_HEADER), id};
	return true;
}

/* Names the request: by its id or, if that is missing or long, by its origin. By both if a caller waits, who may get no reply and
 * then polls: callers choose ids, so those may repeat. */
static void request_headers_write(const struct message *message, const struct answer *answer, const struct format *format,
				  bool is_named, bool is_awaited, struct answer_headers *headers)
{
	const bool has_id = is_named || id_header_write(message, answer, format, headers);
	if ((!has_id || is_awaited) && message->origin.partition >= 0)
		headers->items[headers->count++] = origin_header(message, headers->texts.origin);
	if (is_awaited) /* a poll answers with the error that the caller would have had */
		headers->count += reply_error_headers(answer, headers->items + headers->count, &headers->texts.details);
}

/* Exposures and feedback have a request without an id by the one that its gateway gave it. */
static void default_id_write(const struct message *message, bool named, struct answer_headers *headers)
{
	const struct header *given = message_header(message, HEADER_DEFAULT_ID);
	if (!named && message->payload_id.length == 0 && given && given->value.length <= ID_HEADER_BYTES_MAX)
		headers->items[headers->count++] = *given;
}

static void tensors_header_write(const struct message *message, const struct answer *answer, const struct format *format,
				 struct answer_headers *headers)
{
	struct text tensors = {0};
	if (answer->payload && !answer->error)
		tensors = answer_tensors_write(answer->payload->tensors, format, message->arena);
	if (tensors.length > 0)
		headers->items[headers->count++] = (struct header){TEXT(ANSWER_TENSORS_HEADER), tensors};
}

void answer_trace_write(const struct message *message, struct answer_headers *headers)
{
	const struct headers before = {headers->count, headers->items};
	struct trace_context trace = message_trace(message);
	if (!trace.parent.bytes || headers_find(before, TEXT(TRACE_PARENT_HEADER)))
		return;
	if (headers_find(before, TEXT(TRACE_STATE_HEADER)))
		trace.state = (struct text){0};
	headers->count += trace_headers_write(&trace, headers->items + headers->count);
}

void answer_error_limit(struct error *error)
{
	if (error->kind == ERROR_LIMIT && error->limit == LIMIT_OF_ENGINE && !error->of_memory)
		error->limit = LIMIT_OF_ANSWER;
}

bool answer_headers_write(const struct message *message, const struct answer *answer, const struct format *format,
			  struct answer_headers *headers, struct headers *all, struct error *error)
{
	const struct header *id = message_header(message, HEADER_REQUEST_ID);
	const bool named = id && id->value.length > 0;
	const bool is_awaited = message_header(message, HEADER_REPLY) != NULL;
	if (!step_headers(answer->payload, headers, error))
		return false;
	if (named)
		headers->items[headers->count++] = *id;
	default_id_write(message, named, headers);
	const size_t submitted = submitted_headers(message, answer, headers->items + headers->count, &headers->texts);
	headers->count += submitted;
	if (submitted == 0)
		request_headers_write(message, answer, format, named, is_awaited, headers);
	else if (answer->error && !named) /* which a poll answers, with the id */
		(void)id_header_write(message, answer, format, headers);
	if (submitted > 0 || is_awaited || message_header(message, HEADER_CONTENT_TYPE))
		headers->items[headers->count++] = (struct header){TEXT("content-type"), format->content_types[0]};
	tensors_header_write(message, answer, format, headers);
	answer_trace_write(message, headers);
	if (answer->error)
		headers->items[headers->count++] =
			(struct header){TEXT("sluice-error"), text_of(error_kind_name(answer->error->kind))};
	if (message->assigned) {
		const struct text mirrored = assigned_mirrored(message, message->arena);
		answer_headers_assign(message, format, headers);
		if (mirrored.length > 0)
			headers->items[headers->count++] = (struct header){TEXT(MIRRORED_HEADER), mirrored};
	}
	if (headers->json_length > 0) {
		snprintf(headers->json_length_text, sizeof headers->json_length_text, "%zu", headers->json_length);
		headers->items[headers->count++] = (struct header){TEXT(OIP_LENGTH_HEADER), text_of(headers->json_length_text)};
	}
	*all = (struct headers){headers->count, headers->items};
	return true;
}

struct text answer_key(const struct inflight *inflight, const struct message *message)
{
	const struct offspring *offspring = message->parent ? (const struct offspring *)message : NULL; /* its first member */
	return offspring && offspring->keyed ? message->key : inflight->kept_key;
}

bool answer_record_write(struct buffer *buffer, struct inflight *inflight, const struct message *message,
			 const struct format *format, const struct answer *given, struct answer_headers *headers,
			 struct outgoing *outgoing, struct error *error)
{
	struct answer answer = *given;
	struct text value;
	answer.header_length = &headers->json_length;
	if (!answer_encode_once(buffer, inflight, message, format, &answer, &value, error))
		return false;
	*outgoing = (struct outgoing){
		.origin = inflight_origin(inflight),
		.key = answer_key(inflight, message),
		.value = value,
	};
	return answer_headers_write(message, &answer, format, headers, &outgoing->headers, error);
}
