/* idempotent_limits.c: see idempotent_limits.h. */
#include "gateway/calls/idempotent_limits.h"

#include <string.h>

uint64_t keyed_caller(const struct access_identity *caller, bool has_share)
{
	uint64_t hash; /* an identity is a digest */
	memcpy(&hash, caller->bytes, sizeof hash);
	return has_share ? hash | 1 : 0;
}

bool keyed_room_take(struct keyed_room *room, const struct keyed_place *place)
{
	uint16_t *open = &room->callers[place->caller % KEYED_GROUPS];
	if ((place->caller != 0 && *open >= KEYED_OPEN_MAX / KEYED_OPEN_SHARES) ||
	    place->body_bytes > KEYED_BODIES_BYTES - room->body_bytes)
		return false;
	++*open;
	room->body_bytes += place->body_bytes;
	return true;
}

void keyed_room_give_body(struct keyed_room *room, struct keyed_place *place)
{
	room->body_bytes -= place->body_bytes;
	place->body_bytes = 0;
}

void keyed_room_give(struct keyed_room *room, struct keyed_place *place)
{
	keyed_room_give_body(room, place);
	--room->callers[place->caller % KEYED_GROUPS];
}
