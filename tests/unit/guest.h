/* guest.h: a caller of an HTTP door, by hand: bytes said and heard on a socket, while the
 * loop that the door hangs on is turned. */
#pragma once

#include "net/loop.h"

struct guest {
	struct loop *loop;
	int socket;
};

struct guest guest_open(struct loop *loop, int port);
void guest_close(struct guest *caller);

void guest_turn(const struct guest *caller);
void guest_say(const struct guest *caller, const char *words);

/* What is heard until `end` is heard, or the connection is closed ("" for that alone);
 * NULL: nothing of it came. Lasts until the next call. */
const char *guest_hear(const struct guest *caller, const char *end);
const char *guest_ask(const struct guest *caller, const char *words, const char *end);
