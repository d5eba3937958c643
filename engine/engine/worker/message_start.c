/* message_start.c: Deadline of a message whose record was decoded. */
#include "engine/worker/parts.h"

#define DEADLINE_LAST_MS ((int64_t)1 << 52) /* as good as none, and far from where sums of times overflow */

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
