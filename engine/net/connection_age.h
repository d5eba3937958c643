/* connection_age.h: Time from which a connection to a server is too old, and is replaced by a new one.
 *
 * Each connection has an age of its own, from three quarters of the limit on. Engines that have started together would otherwise
 * replace their connections at one time, again and again. */
#pragma once

#include "base/number/random.h"

#define CONNECTION_AGE_SPREAD 4 /* the part of the limit within which ages differ */

/* Of a connection that is opened now. `limit_ms` is 0 if it may have any age. */
static inline int64_t connection_old_from_ms(struct random *random, int64_t limit_ms, int64_t now_ms)
{
	if (limit_ms <= 0)
		return INT64_MAX;
	return now_ms + limit_ms - random_between(random, 0, limit_ms / CONNECTION_AGE_SPREAD);
}
