/* message_start.c: Id and deadline of a message whose record was decoded. */
#include "engine/worker/parts.h"

#define DEADLINE_LAST_MS ((int64_t)1 << 52) /* as good as none, and far from where sums of times overflow */

/* A message without an id of its own gets one from its topic position. */
void message_identify(struct message *message)
{
	if (message->id.length == 0)
		message->id = message->payload_id;
	if (message->id.length == 0) {
		const struct header *given = message_header(message, HEADER_DEFAULT_ID);
		message->id = given ? given->value : message->id;
	}
	if (message->id.length == 0)
		message->id = origin_text(&message->origin, message->arena);
}

/* Converts the deadline from a time of day to the loop's time, which never goes back. */
void message_set_clock(struct message *message, const struct loop *loop)
{
	if (message->deadline_ms == 0)
		return;
	int64_t began_ms = loop_began_ms(loop);
	message->deadline_ms = message->deadline_ms > began_ms ? message->deadline_ms - began_ms : 1;
	if (message->deadline_ms > DEADLINE_LAST_MS)
		message->deadline_ms = DEADLINE_LAST_MS;
}
