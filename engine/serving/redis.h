/* redis.h: values in a Redis server, over a link of ours, in hiredis' words; never waited for.
 *
 * A server that is not there, keeps silent or does not let us in is no fault of anybody's
 * request: what is asked of it is answered `not found`, soon, and it is tried again after a
 * pause. Why there is none is told once, until there is one again; so is with what words it
 * refuses what it is asked (no memory left, a replica that takes nothing), until it has refused
 * nothing for REDIS_QUIET_MS.
 *
 * A client belongs to its loop's thread.
 */
#ifndef SLUICE_SERVING_REDIS_H
#define SLUICE_SERVING_REDIS_H

#include "base/text.h"
#include "net/loop.h"
#include "net/tls.h"

struct redis;
struct redis_question;

#define REDIS_SILENCE_MS 100 /* so long a cache is worth waiting for */
#define REDIS_QUIET_MS 1000  /* one at the edge of its memory takes some and refuses some: it is not told each time */

/* Borrowed. */
struct redis_config {
	const char *address; /* host:port */
	const char *login;   /* PASSWORD, or USER:PASSWORD; NULL: none */
	bool tls;
	struct tls_files files;				/* for TLS */
	/* "Redis is away: HOST:PORT: ..." or "Redis refuses: HOST:PORT: ..."; NULL: it serves again. NULL: nobody asks. */
	void (*told)(void *context, const char *words);
	void *context;
};

/* NULL: SYSTEM, or CONFIG for an address that is none, or a file that cannot be used. */
struct redis *redis_open(struct loop *loop, const struct redis_config *config, struct error *error);
void redis_close(struct redis *redis); /* forgets what was asked; NULL is fine */

/* `found` comes once, in a later turn; bytes NULL: there is none, or nobody to ask. The
 * value is borrowed until it returns. NULL: there is no connection, and it does not come. */
struct redis_question *redis_get(struct redis *redis, struct text key, void (*found)(void *context, struct text value),
				 void *context);
void redis_forget(struct redis_question *question); /* `found` does not come any more */

void redis_set(struct redis *redis, struct text key, struct text value, int64_t ttl_ms); /* if it can */

#endif
