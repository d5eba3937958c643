/* record_payload.c: see record_payload.h. */
#include "message/records/record_payload.h"

#include "message/formats/answer_decode.h"
#include "message/records/answer_tensors.h"
#include "message/records/reply.h"

/* The id that an engine gives to the request; empty: that is its origin. */
static struct text message_id(const struct message *message)
{
	static const char *const names[] = {REPLY_ID_HEADER, REPLY_DEFAULT_ID_HEADER};
	const struct header *headers[2];
	for (size_t i = 0; i < 2; i++)
		headers[i] = headers_find(message->headers, text_of(names[i]));
	if (headers[0])
		return headers[0]->value;
	if (message->payload_id.length > 0)
		return message->payload_id;
	return headers[1] ? headers[1]->value : (struct text){0};
}

/* An answer that another pipeline, or a step's tap, has left. */
static bool answer_read(struct headers headers, struct text value, int64_t time_ms, const struct schema_source *schemas,
			struct arena *arena, struct record_payload *made, struct error *error)
{
	struct decoded_answer answer;
	struct error wrong = {0};
	if (!answer_decode(headers, value, schemas, arena, &answer, &wrong) || !answer.readable)
		return false;
	*made = (struct record_payload){answer.payload, answer_request_id(&answer, headers, arena), time_ms, answer.unnamed};
	error->kind = ERROR_NONE;
	return true;
}

bool record_payload_decode(struct headers headers, struct text value, int64_t time_ms, const struct mapping *mapping,
			   const struct schema_source *schemas, struct arena *arena, struct record_payload *made,
			   struct error *error)
{
	struct message message = {.arena = arena, .headers = headers, .time_ms = time_ms};
	const bool good = mapping ? mapped_decode(&message, mapping, value, schemas, error)
				  : message_decode(&message, value, schemas, error);
	/* An answer that is a SeldonMessage looks like a request. */
	const bool unnamed = good && !mapping && !answer_tensors_restore(headers, message.format, arena, &message.payload);
	*made = (struct record_payload){message.payload, message_id(&message), message.time_ms, unnamed};
	return good || (!mapping && answer_read(headers, value, time_ms, schemas, arena, made, error));
}
