/* redis.h: Redis client: gets and sets values without blocking, over a link of the engine, in hiredis'
 * encoding.
 *
 * A server that is unreachable, silent, or refuses the login never fails a request. Its questions are answered
 * `not found` soon, and the connection is tried again after a pause. An outage is reported once, with its
 * reason, and so is its end. Errors that the server returns (no memory left, a read-only replica) are reported
 * once too, until it has returned none for REDIS_QUIET_MS.
 *
 * A client belongs to its loop's thread.
 */
#pragma once

#include "net/loop.h"
#include "net/tls.h"

struct redis;
struct redis_question;

#define REDIS_SILENCE_MS 100 /* longest time to wait for a cached value */
#define REDIS_QUIET_MS 1000  /* a server at its memory limit accepts some and refuses some: not each is reported */

/* Borrowed. */
struct redis_config {
	const char *address; /* host:port */
	const char *login;   /* PASSWORD, or USER:PASSWORD; NULL: none */
	bool tls;
	struct tls_files files;				/* for TLS */
	/* Reports "Redis is away: HOST:PORT: ..." or "Redis refuses: HOST:PORT: ..."; NULL: it works again.
	 * `reported` NULL: not reported. */
	void (*reported)(void *context, const char *words);
	void *context;
};

/* NULL: SYSTEM, or CONFIG for an invalid address or an unusable file. */
struct redis *redis_open(struct loop *loop, const struct redis_config *config, struct error *error);
void redis_close(struct redis *redis); /* forgets open questions; NULL is fine */

/* Gets a value. `found` is called once, in a later turn; bytes NULL: no value, or no connection. The value is
 * borrowed until `found` returns. NULL: there is no connection, and `found` is not called. */
struct redis_question *redis_get(struct redis *redis, struct text key, void (*found)(void *context, struct text value),
				 void *context);
void redis_forget(struct redis_question *question); /* `found` is not called any more */

void redis_set(struct redis *redis, struct text key, struct text value, int64_t ttl_ms); /* above 0; fails silently */
