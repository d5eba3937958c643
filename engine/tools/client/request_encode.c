/* request_encode.c: see request_encode.h. */
#include "tools/client/request_encode.h"

#include "message/avro/avro.h"
#include "message/formats/oip_json.h"

#define TYPE_HEADER TEXT("content-type")
#define AVRO_TYPE TEXT("application/avro")
#define JSON_TYPE TEXT("application/vnd.oip.v2+json")

static void header_add(struct request_encoded *encoded, struct text name, struct text value)
{
	encoded->headers[encoded->header_count++] = (struct header){name, value};
}

static bool binary_encode(struct message *message, struct buffer *out, struct request_encoded *encoded, struct error *error)
{
	size_t json_length = 0;
	if (!oip_json_encode_call(&message->payload, message->payload_id, message->wanted, out, &json_length, error))
		return false;
	header_add(encoded, TYPE_HEADER, JSON_TYPE);
	if (json_length == 0)
		return true; /* no tensors: all of it is JSON */
	const char *length = arena_print(message->arena, "%zu", json_length);
	header_add(encoded, TEXT(OIP_LENGTH_HEADER), text_of(length ? length : ""));
	return length || error_memory(error, ERROR_LIMIT, "writing a request");
}

static bool avro_encode(struct message *message, struct buffer *out, struct request_encoded *encoded, struct error *error)
{
	header_add(encoded, TYPE_HEADER, AVRO_TYPE);
	return avro_request_encode(message, &message->payload, out, error);
}

bool request_encode(enum request_form form, struct text request, struct headers headers, size_t bytes_max, struct arena *arena,
		    struct request_encoded *encoded, struct error *error)
{
	struct message message = {.arena = arena, .headers = headers};
	struct buffer out;
	*encoded = (struct request_encoded){.bytes = request};
	if (form == REQUEST_AS_GIVEN)
		return true;
	if (!message_decode(&message, request, NULL, error))
		return false;
	buffer_open(&out, bytes_max);
	bool good = (form == REQUEST_AVRO ? avro_encode : binary_encode)(&message, &out, encoded, error);
	encoded->bytes = (struct text){good ? arena_copy(arena, out.bytes, out.length) : NULL, out.length};
	buffer_close(&out);
	return good && (encoded->bytes.bytes || error_memory(error, ERROR_LIMIT, "writing a request"));
}

size_t request_headers_put(const struct request_encoded *encoded, struct header *items, size_t count)
{
	for (size_t i = 0; i < encoded->header_count; i++) {
		size_t at = 0;
		while (at < count && !text_equal_caseless(items[at].name, encoded->headers[i].name))
			at++;
		items[at] = encoded->headers[i];
		count += at == count;
	}
	return count;
}
