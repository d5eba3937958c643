/* request_members.h: A line with a request, for input data: alone, or as the member `request`, as in cases, with the key, the id
 * and the headers that it is sent with. */
#pragma once

#include "message/message.h"

/* Returns the request, and sets the message's id, key and headers, where the line has them as texts. All of it is borrowed from the
 * line or lives in the arena. A line that is no JSON object is the request, whose reader says what is wrong. */
struct text request_members_read(struct text line, struct arena *arena, struct message *message);
