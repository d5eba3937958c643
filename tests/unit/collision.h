/* collision.h: two keys that one hash does not tell apart, for tests of what is found by it. */
#pragma once

#include "base/text.h"

struct collision {
	char bytes[2][16];
	struct text keys[2]; /* their bytes */
};

/* Unlike keys of one length, of which the lower 32 bits of hash_bytes(.., 0) are the same. */
void collision_find(struct collision *collision);
