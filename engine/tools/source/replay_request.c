/* replay_request.c: see replay_request.h. */
#include "tools/source/replay_request.h"

#include <inttypes.h>

#include "message/formats/format.h"

void replay_request_remove(struct replay_request *request, struct text name)
{
	size_t kept = 0;
	for (size_t i = 0; i < request->headers.count; i++)
		if (!text_equal_caseless(request->items[i].name, name))
			request->items[kept++] = request->items[i];
	request->headers.count = kept;
}

void replay_request_put(struct replay_request *request, struct text name, struct text value)
{
	replay_request_remove(request, name);
	request->items[request->headers.count++] = (struct header){name, value};
}

/* Whether it had a deadline, in a header or in its own bytes. */
static bool had_deadline(const struct dead_letter *letter, struct arena *arena)
{
	struct message message = {.arena = arena, .headers = letter->headers};
	struct error wrong = {0};
	return headers_find(letter->headers, TEXT(DEADLINE_HEADER)) ||
	       (message_decode(&message, letter->payload, NULL, &wrong) && message.deadline_ms != 0);
}

bool replay_request_make(const struct dead_letter *letter, int64_t deadline_ms, struct arena *arena,
			 struct replay_request *request, struct error *error)
{
	struct header *items = ARENA_ARRAY(arena, struct header, letter->headers.count + REPLAY_HEADERS_ADDED);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "making a request");
	if (letter->headers.count > 0)
		memcpy(items, letter->headers.items, letter->headers.count * sizeof *items);
	*request = (struct replay_request){letter->payload, {letter->headers.count, items}, items};
	if (letter->id.length > 0)
		replay_request_put(request, TEXT("x-request-id"), letter->id);
	if (had_deadline(letter, arena)) {
		const char *deadline = arena_print(arena, "%" PRId64, deadline_ms);
		if (!deadline)
			return error_memory(error, ERROR_SYSTEM, "making a request");
		replay_request_put(request, TEXT(DEADLINE_HEADER), text_of(deadline));
	}
	return true;
}
