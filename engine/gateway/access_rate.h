/* access_rate.h: Rate limiter of callers: a token bucket for each identity, in a table of fixed size. Pure.
 *
 * A bucket that is full again says no more than none at all, so its place may be given to another. When no place is free, newcomers
 * share one bucket: whoever comes under ever new identities gets no more by it than a single caller, and nobody else gets less.
 *
 * A limiter belongs to one thread.
 */
#ifndef SLUICE_GATEWAY_ACCESS_RATE_H
#define SLUICE_GATEWAY_ACCESS_RATE_H

#include "base/error.h"

#define ACCESS_IDENTITY_BYTES 32	/* a SHA-256, so that nobody can choose whose bucket is theirs */
#define ACCESS_RATE_IDENTITIES 16384	/* that are being limited at once: 1.4 MiB */
#define ACCESS_RATE_PER_SECOND_MAX 1e6	/* a microsecond, in which buckets count */
#define ACCESS_RATE_BURST_MAX 1000000

struct access_identity {
	unsigned char bytes[ACCESS_IDENTITY_BYTES];
};

struct access_rate;

/* So many requests a second, and so many at once after a pause. NULL: CONFIG, a number is out of range; SYSTEM. */
struct access_rate *access_rate_open(double per_second, int64_t burst, struct error *error);
void access_rate_close(struct access_rate *rate); /* NULL is fine */

/* Takes one request out of the identity's bucket: 0, or after how many milliseconds there will be one. */
int64_t access_rate_take(struct access_rate *rate, const struct access_identity *identity, int64_t now_ms);

/* Whether access_rate_take() would refuse. */
bool access_rate_is_spent(const struct access_rate *rate, const struct access_identity *identity, int64_t now_ms);

#endif
