/* oip_protobuf_fuzz.c: hostile protobuf: nothing crashes or takes more memory than the
 * bytes account for; what is read as a request and written as one again reads the
 * same, and what is read as an answer is written and read again alike.
 *
 * seeds: tests/data/oip-protobuf-*
 */
#include <stdint.h>
#include <stdlib.h>

#include "message/formats/oip_protobuf.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define CEILING ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *arena;
static struct buffer first;
static struct buffer second;

/* A request once read, and what is read is written: twice the same bytes. */
static void request_settles(struct text bytes)
{
	struct error error = {0};
	struct message message = {.arena = arena};
	struct message again = {.arena = arena};
	if (!format_oip_protobuf.decode(&message, bytes, NULL, &error)) {
		if (error.kind != ERROR_INPUT && error.kind != ERROR_LIMIT)
			abort();
		return;
	}
	struct oip_request request = {.id = message.payload_id, .payload = &message.payload, .wanted = message.wanted};
	buffer_clear(&first);
	buffer_clear(&second);
	if (!oip_request_encode(&request, &first, &error) || !format_oip_protobuf.decode(&again, buffer_view(&first), NULL, &error))
		abort();
	request = (struct oip_request){.id = again.payload_id, .payload = &again.payload, .wanted = again.wanted};
	if (!oip_request_encode(&request, &second, &error) || !text_equal(buffer_view(&first), buffer_view(&second)))
		abort();
}

static void response_settles(struct text bytes)
{
	struct error error = {0};
	struct payload payload;
	struct payload again;
	struct text id = {NULL, 0};
	struct message message = {.arena = arena};
	struct answer answer = {.payload = &payload};
	if (!oip_response_decode(bytes, arena, &payload, &id, &error)) {
		if (error.kind != ERROR_REMOTE && error.kind != ERROR_LIMIT)
			abort();
		return;
	}
	message.payload_id = id;
	buffer_clear(&first);
	buffer_clear(&second);
	if (!format_oip_protobuf.encode(&message, &answer, NULL, &first, &error) ||
	    !oip_response_decode(buffer_view(&first), arena, &again, &id, &error))
		abort();
	answer.payload = &again;
	if (!format_oip_protobuf.encode(&message, &answer, NULL, &second, &error) ||
	    !text_equal(buffer_view(&first), buffer_view(&second)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text bytes = {(const char *)data, size};
	if (!arena) {
		arena = arena_open(ARENA_BYTES);
		buffer_open(&first, CEILING);
		buffer_open(&second, CEILING);
	}
	arena_reset(arena);
	request_settles(bytes);
	arena_reset(arena);
	response_settles(bytes);
	return 0;
}
