/* memo.h: In-memory cache of values by key, with an expiry time and a fixed size.
 *
 * Values are in a ring; a new value replaces the oldest. After memo_open() it allocates nothing. The clock is
 * an argument. Several users may share it, whose keys differ by their numbers. Belongs to one thread.
 */
#pragma once

#include "base/text.h"

#define MEMO_KEY_BYTES 32

struct memo_key {
	unsigned char bytes[MEMO_KEY_BYTES]; /* a digest: any part of it is as random as another */
};

struct memo;

struct memo *memo_open(size_t size_bytes); /* NULL: memory */
void memo_close(struct memo *memo);	   /* NULL is fine */

/* The number of another user of it: 1, 2, ... */
uint64_t memo_user_add(struct memo *memo);

/* Finds a value. False: there is none, or it has expired. The value lives until the next memo_keep(). */
bool memo_find(const struct memo *memo, const struct memo_key *key, int64_t now_ms, struct text *value);

/* Copies the value. A value larger than a quarter of the memory is not kept. */
void memo_keep(struct memo *memo, const struct memo_key *key, struct text value, int64_t until_ms);
