/* bodies.c: see bodies.h. */
#include "bodies.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)

static struct arena *arena;

void fuzz_begin(void)
{
	if (!arena)
		arena = arena_open(ARENA_BYTES);
	arena_reset(arena);
}

struct arena *fuzz_arena(void)
{
	return arena;
}

bool fuzz_decode(struct message *message, const struct format *format, struct text body)
{
	struct error error = {0};
	message->arena = arena;
	message->format = format;
	bool taken = message_decode(message, body, NULL, &error);
	if (taken != (error.kind == ERROR_NONE) || (!taken && error.kind != ERROR_INPUT && error.kind != ERROR_LIMIT))
		abort();
	return taken;
}

struct text fuzz_answer(const struct message *message)
{
	struct error error = {0};
	struct answer answer = {.payload = &message->payload};
	struct buffer out;
	struct text written;
	buffer_open(&out, ARENA_BYTES);
	if (!message->format->encode(message, &answer, NULL, &out, &error))
		abort();
	written = (struct text){arena_copy(arena, out.bytes, out.length), out.length};
	buffer_close(&out);
	return written;
}

struct text fuzz_replace(struct text text, struct text prefix, struct text with)
{
	if (!text_starts_with(text, prefix))
		abort();
	size_t length = text.length - prefix.length + with.length;
	char *bytes = arena_take_raw(arena, length);
	if (!bytes)
		abort();
	memcpy(bytes, with.bytes, with.length);
	memcpy(bytes + with.length, text.bytes + prefix.length, text.length - prefix.length);
	return (struct text){bytes, length};
}
