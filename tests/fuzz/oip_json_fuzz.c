/* oip_json_fuzz.c: OIP V2 JSON. What is read is written, as JSON and with binary
 * data, so that reading that and writing it again gives the same bytes. As a model's
 * reply, bytes end in REMOTE or LIMIT.
 *
 * A first byte of 0 or 1 begins, in two bytes, the length of the JSON before binary
 * data.
 *
 * seeds: tests/data/json/oip-*.json
 */
#include <stdlib.h>

#include "bodies.h"
#include "message/formats/oip_json.h"

static struct text written(struct arena *arena, const struct payload *payload, size_t *header_length)
{
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, (size_t)64 << 20);
	if (!oip_json_encode_request(payload, (struct text){0}, &out, header_length, &error))
		abort();
	struct text copy = {arena_copy(arena, out.bytes, out.length), out.length};
	buffer_close(&out);
	return copy;
}

static struct payload read_again(struct arena *arena, struct text body, size_t header_length)
{
	struct error error = {0};
	struct message message = {.arena = arena};
	if (!oip_json_decode_request(&message, body, header_length, &error))
		abort();
	return message.payload;
}

static void check_request(struct arena *arena, struct text body, size_t header_length)
{
	struct error error = {0};
	struct message message = {.arena = arena};
	if (!oip_json_decode_request(&message, body, header_length, &error)) {
		if (error.kind != ERROR_INPUT && error.kind != ERROR_LIMIT)
			abort();
		return;
	}
	struct text first = written(arena, &message.payload, NULL);
	struct payload again = read_again(arena, first, 0);
	if (!text_equal(first, written(arena, &again, NULL)))
		abort();
	struct text binary = written(arena, &message.payload, &header_length);
	again = read_again(arena, binary, header_length);
	if (!text_equal(first, written(arena, &again, NULL)))
		abort();
}

static void check_reply(struct arena *arena, struct text body, size_t header_length)
{
	struct error error = {0};
	struct oip_reply reply;
	bool taken = oip_json_decode_reply(arena, body, header_length, &reply, &error);
	if (!taken && error.kind != ERROR_REMOTE && error.kind != ERROR_LIMIT)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text body = {(const char *)data, size};
	size_t header_length = 0;
	if (size > 2 && data[0] < 2) {
		header_length = (size_t)data[0] << 8 | data[1];
		body = (struct text){body.bytes + 2, size - 2};
	}
	fuzz_begin();
	check_request(fuzz_arena(), body, header_length);
	check_reply(fuzz_arena(), body, header_length);
	return 0;
}
