/* redis.h: values in a Redis server, by hiredis, driven by a loop; never waited for.
 *
 * A server that is not there, or keeps silent, is no fault of anybody's request: what is
 * asked of it is answered `not found`, soon, and it is tried again after a pause.
 *
 * A client belongs to its loop's thread.
 */
#ifndef SLUICE_SERVING_REDIS_H
#define SLUICE_SERVING_REDIS_H

#include "base/text.h"
#include "net/loop.h"

struct redis;
struct redis_question;

#define REDIS_SILENCE_MS 100 /* so long a cache is worth waiting for */

/* `address` is host:port, borrowed. NULL: SYSTEM, or CONFIG for an address that is none. */
struct redis *redis_open(struct loop *loop, const char *address, struct error *error);
void redis_close(struct redis *redis); /* forgets what was asked; NULL is fine */

/* `found` comes once, in a later turn; bytes NULL: there is none, or nobody to ask. The
 * value is borrowed until it returns. NULL: there is no connection, and it does not come. */
struct redis_question *redis_get(struct redis *redis, struct text key, void (*found)(void *context, struct text value),
				 void *context);
void redis_forget(struct redis_question *question); /* `found` does not come any more */

void redis_set(struct redis *redis, struct text key, struct text value, int64_t ttl_ms); /* if it can */

#endif
