/* access_rate.h: Rate limiter of callers: a token bucket for each identity, in a table of fixed size. Pure.
 *
 * A full bucket holds no information, so its place may be given to another identity. If no place is free, new
 * identities share one bucket. So a caller that uses ever new identities gets no more than a single caller, and
 * no other caller gets less.
 *
 * A limiter belongs to one thread.
 */
#pragma once

#include "base/error.h"

#define ACCESS_IDENTITY_BYTES 32	/* a SHA-256, so that no caller can choose another's bucket */
#define ACCESS_RATE_IDENTITIES 16384	/* that are being limited at once: 1.4 MiB */
#define ACCESS_RATE_PER_SECOND_MAX 1e6	/* a microsecond, in which buckets count */
#define ACCESS_RATE_BURST_MAX 1000000

struct access_identity {
	unsigned char bytes[ACCESS_IDENTITY_BYTES];
};

struct access_rate;

/* `per_second` requests a second, and `burst` at once after a pause. NULL: CONFIG (a number is out of range) or
 * SYSTEM. */
struct access_rate *access_rate_open(double per_second, int64_t burst, struct error *error);
void access_rate_close(struct access_rate *rate); /* NULL is fine */

/* Takes one request from the identity's bucket. Returns 0, or the milliseconds until there will be one. */
int64_t access_rate_take(struct access_rate *rate, const struct access_identity *identity, int64_t now_ms);

/* Whether access_rate_take() would refuse. */
bool access_rate_is_spent(const struct access_rate *rate, const struct access_identity *identity, int64_t now_ms);
