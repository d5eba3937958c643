/* idempotent_limits.h: Limits of open calls with idempotency keys: their number for each caller, and the bytes of requests that
 * wait for their claims. Callers are counted in groups, by a hash of who they are. Pure.
 */
#pragma once

#include "gateway/access/access_rate.h"

#define KEYED_OPEN_MAX ((size_t)4096) /* calls that wait for their claims or answers; further ones are refused */
#define KEYED_OPEN_SHARES 4 /* a caller has at most one of so many equal parts of them */
#define KEYED_BODIES_BYTES ((size_t)64 << 20) /* of requests that wait for their claims */
#define KEYED_GROUPS 4096

struct keyed_room { /* starts as `{0}` */
	size_t body_bytes;
	uint16_t callers[KEYED_GROUPS];
};

/* What a call takes of the room. */
struct keyed_place {
	uint64_t caller; /* a hash; 0: it has no share */
	size_t body_bytes;
};

/* The hash of a caller. `has_share` false: callers are not told apart. */
uint64_t keyed_caller(const struct access_identity *caller, bool has_share);

/* False: there is no room for it, and nothing has changed. */
bool keyed_room_take(struct keyed_room *room, const struct keyed_place *place);
void keyed_room_give_body(struct keyed_room *room, struct keyed_place *place); /* its body is not kept any more */
void keyed_room_give(struct keyed_room *room, struct keyed_place *place);
