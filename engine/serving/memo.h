/* memo.h: values kept by key for a while, in a fixed piece of memory.
 *
 * Values stand one behind the other in a ring; a new one takes the place of the oldest.
 * Nothing is asked of the heap after it was opened. The clock is handed in. One thread.
 */
#ifndef SLUICE_SERVING_MEMO_H
#define SLUICE_SERVING_MEMO_H

#include <stdint.h>

#include "base/text.h"

#define MEMO_KEY_BYTES 32

struct memo_key {
	unsigned char bytes[MEMO_KEY_BYTES]; /* a digest: any part of it is as good as another */
};

struct memo;

struct memo *memo_open(size_t size_bytes); /* NULL: memory */
void memo_close(struct memo *memo);	   /* NULL is fine */

/* False: there is none, or its time is over. The value lives until the next memo_keep(). */
bool memo_find(const struct memo *memo, const struct memo_key *key, int64_t now_ms, struct text *value);

/* Copies the value; one that is larger than a quarter of the memory is not kept. */
void memo_keep(struct memo *memo, const struct memo_key *key, struct text value, int64_t until_ms);

#endif
