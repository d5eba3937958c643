/* streamed_calls.c: see streamed_calls.h. */
#include "gateway/calls/streamed_calls.h"

#include "base/memory.h"
#include "message/formats/protobuf_wire.h"
#include "net/grpc/grpc_wire.h"

#define ANSWER_BYTES_MAX ((size_t)1 << 31) /* of a protobuf message */

enum { REQUEST_ID = 3 };			   /* field of a ModelInferRequest */
enum { ERROR_MESSAGE = 1, INFER_RESPONSE = 2 };	   /* of a ModelStreamInferResponse */
enum { RESPONSE_ID = 3, RESPONSE_PARAMETERS = 4 }; /* of a ModelInferResponse */
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };	   /* of an entry of a map */
enum { FLAG_VALUE = 1, STRING_VALUE = 3 };	   /* of an InferParameter */

struct streamed_call {
	struct list_node node;
	struct streamed_calls *calls;
	struct grpc_request *stream;
	size_t message_bytes;
	size_t id_length;
	char id[];
};

/* ---- the message of an outcome ---- */

static void bytes_write(struct buffer *out, uint32_t number, struct text bytes)
{
	char *room = buffer_room(out, protobuf_bytes_size(bytes.length));
	if (room)
		buffer_grown(out, (size_t)(protobuf_put_bytes(room, number, bytes) - room));
}

/* A string of protobuf is UTF-8: readers refuse the whole message otherwise. */
static void parameter_add(void *context, struct text name, struct text value)
{
	struct buffer *out = context;
	const size_t value_size = protobuf_bytes_size(value.length);
	const size_t size = protobuf_bytes_size(name.length) + protobuf_bytes_size(value_size);
	char *room = text_is_utf8(name) && text_is_utf8(value) ? buffer_room(out, protobuf_bytes_size(size)) : NULL;
	if (!room)
		return;
	char *at = protobuf_put_bytes(protobuf_put_head(room, RESPONSE_PARAMETERS, size), ENTRY_KEY, name);
	at = protobuf_put_bytes(protobuf_put_head(at, ENTRY_VALUE, value_size), STRING_VALUE, value);
	buffer_grown(out, (size_t)(at - room));
}

static void final_add(struct buffer *out)
{
	static const char name[] = "triton_final_response", is_true[] = {FLAG_VALUE << 3 | WIRE_VARINT, true};
	const size_t size = protobuf_bytes_size(sizeof name - 1) + protobuf_bytes_size(sizeof is_true);
	char *room = buffer_room(out, protobuf_bytes_size(size));
	if (!room)
		return;
	char *at = protobuf_put_bytes(protobuf_put_head(room, RESPONSE_PARAMETERS, size), ENTRY_KEY, TEXT(name));
	at = protobuf_put_bytes(at, ENTRY_VALUE, (struct text){is_true, sizeof is_true});
	buffer_grown(out, (size_t)(at - room));
}

void streamed_outcome_write(const struct call_outcome *outcome, struct text id, bool has_seldon_errors, struct buffer *parameters,
			    struct buffer *out)
{
	const struct outcome_notes notes = {parameter_add, parameters};
	const bool is_answered = outcome->end == CALL_ANSWERED;
	const struct text body = is_answered ? outcome->body : (struct text){0};
	struct buffer words;
	buffer_clear(parameters);
	if (!is_answered && text_is_utf8(id))
		protobuf_write_text(parameters, RESPONSE_ID, id);
	grpc_outcome_note(outcome, &notes);
	if (outcome->end == CALL_FILTERED || outcome->end == CALL_ACCEPTED)
		parameter_add(parameters, TEXT(REPLY_OUTCOME_HEADER),
			      text_of(outcome->end == CALL_FILTERED ? REPLY_FILTERED : "accepted"));
	if (outcome->end == CALL_FAILED) {
		buffer_open(&words, CALL_ERROR_BYTES_MAX);
		(void)grpc_outcome_explain(outcome, has_seldon_errors, &notes, &words);
		bytes_write(out, ERROR_MESSAGE, buffer_view(&words));
		buffer_close(&words);
	}
	final_add(parameters);
	/* Fields of a message that follow one another are one message. */
	char *room = buffer_room(out, protobuf_bytes_size(body.length + parameters->length));
	if (!room)
		return;
	buffer_grown(out, (size_t)(protobuf_put_head(room, INFER_RESPONSE, body.length + parameters->length) - room));
	buffer_text(out, body);
	buffer_text(out, buffer_view(parameters));
}

/* ---- open calls ---- */

void streamed_calls_set_up(struct streamed_calls *calls)
{
	*calls = (struct streamed_calls){0};
	buffer_open(&calls->answer, ANSWER_BYTES_MAX);
	buffer_open(&calls->parameters, ANSWER_BYTES_MAX);
}

static void call_close(struct streamed_call *call)
{
	list_remove(&call->node);
	memory_give(call);
}

void streamed_calls_close(struct streamed_calls *calls)
{
	while (calls->open.first)
		call_close(LIST_OWNER(calls->open.first, struct streamed_call, node));
	buffer_close(&calls->answer);
	buffer_close(&calls->parameters);
}

struct streamed_call *streamed_call_open(struct streamed_calls *calls, struct grpc_request *stream, struct text message)
{
	const struct text id = protobuf_read_text(message, REQUEST_ID);
	struct streamed_call *call = memory_take(1, sizeof *call + id.length);
	if (!call)
		return NULL;
	call->calls = calls;
	call->stream = stream;
	call->message_bytes = message.length;
	call->id_length = id.length;
	if (id.length > 0)
		memcpy(call->id, id.bytes, id.length);
	list_add(&calls->open, &call->node);
	return call;
}

void streamed_call_ended(void *context, const struct call_outcome *outcome)
{
	struct streamed_call *call = context;
	struct streamed_calls *calls = call->calls;
	struct grpc_request *stream = call->stream;
	const size_t message_bytes = call->message_bytes;
	buffer_clear(&calls->answer);
	streamed_outcome_write(outcome, (struct text){call->id, call->id_length}, calls->has_seldon_errors, &calls->parameters,
			       &calls->answer);
	call_close(call);
	if (buffer_failed(&calls->answer) || buffer_failed(&calls->parameters))
		grpc_conversation_refuse(stream, message_bytes, GRPC_RESOURCE_EXHAUSTED, "no memory for an answer");
	else
		grpc_conversation_answer(stream, message_bytes, buffer_view(&calls->answer));
}

void streamed_call_refuse(struct streamed_call *call, int status, enum error_kind kind, const char *words, struct text place,
			  struct text id)
{
	struct call_outcome outcome;
	struct buffer body;
	buffer_open(&body, CALL_ERROR_BYTES_MAX);
	call_outcome_refused(&outcome, status, kind, words, place, id, &body);
	outcome.id = id;
	streamed_call_ended(call, &outcome);
	buffer_close(&body);
}

bool streamed_call_is_over(void *context)
{
	const struct streamed_call *call = context;
	return grpc_request_is_over(call->stream);
}
