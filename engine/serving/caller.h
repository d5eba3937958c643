/* caller.h: a step's calls of models, made real.
 *
 * Each call's tensors go out in the protocol of the address that is chosen for it, and
 * its answer comes back as tensors in the message's arena, or as the error that the
 * server gave, in its own words. What is in between is the caller's: which replica is
 * asked, how many at a time, what is asked again and when, what is merged, and what is
 * answered without asking.
 *
 * A model that is away keeps its calls here, in order: those whose message has no
 * deadline wait until it is back (unless `outage_deadletter`), and no attempt that
 * never reached it counts. A call whose deadline has passed is never sent.
 *
 * A caller belongs to its loop's thread.
 */
#ifndef SLUICE_SERVING_CALLER_H
#define SLUICE_SERVING_CALLER_H

#include <stdatomic.h>

#include "net/loop.h"
#include "net/tls.h"
#include "plan/address.h"
#include "step/step.h"

struct caller;

enum cache_backend { CACHE_NONE, CACHE_MEMORY, CACHE_REDIS };

/* A model, by the name that calls use. What is 0 or NULL is as usual; the texts are
 * borrowed as long as the caller lives. */
struct model_config {
	const char *name;
	struct model_addresses addresses; /* several are replicas */
	struct parameters parameters;	  /* sent with each call, behind the request's own */
	int64_t timeout_ms;		  /* of an attempt; the step's own goes before it */
	size_t lanes_least, lanes_most;	  /* calls under way at once: between these the server's pace decides */
	struct model_batching {
		size_t rows_most;   /* that are merged into one call; 0: none are */
		int64_t latency_ms; /* the longest that one waits for others */
		int64_t timeout_ms; /* of a merged call */
	} batching;
	struct model_pool {
		size_t connections; /* to one address */
		int64_t idle_ms;    /* an idle one is closed after so long */
	} pool;
	struct model_cache {
		enum cache_backend backend;
		const char *namespace; /* whose they are: those of another are not used; NULL: nobody's */
		int64_t ttl_ms;	   /* of replies to calls that do not say it themselves; 0: those are not kept */
		const char *redis; /* host:port */
		const char *login; /* PASSWORD, or USER:PASSWORD; NULL: none */
		bool redis_tls;
		struct tls_files redis_files;
	} cache;
	const struct tls_files *tls; /* for addresses with TLS; NULL: the system's authorities */
	struct place place;	     /* where the user wrote it */
};

struct caller_config {
	size_t model_count;
	const struct model_config *models;
	size_t request_bytes; /* of one call; a longer one is a LIMIT */
	size_t reply_bytes;
	bool outage_deadletter;		    /* onOutage: a model that is away fails its calls (REMOTE) */
	uint64_t seed;			    /* of what is drawn: replicas, pauses */
	const struct wire_operations *wire; /* serving/wire.h; NULL: the usual, sockets */
	void *wire_context;
	/* A model is away, because of `words`, or back (NULL). From the caller's thread; NULL:
	 * nobody listens. */
	void (*told)(void *context, const char *model, const char *words);
	/* A server that is to be called by gRPC is called by REST, because of `words`, or by gRPC again (NULL). */
	void (*way_told)(void *context, const char *model, const struct model_address *address, const char *words);
	/* Its replies are not kept, because of `words` of Redis (redis.h), or they are again (NULL). */
	void (*cache_told)(void *context, const char *model, const char *words);
	void *told_context;
	/* How many of the models are away now, over all callers of this configuration; NULL: nobody counts. */
	_Atomic size_t *away;
};

/* `answered` is entered in a later turn of the loop, once for each call, with reply or
 * error filled in. The configuration is borrowed. */
struct caller *caller_open(struct loop *loop, const struct caller_config *config,
			   void (*answered)(void *context, struct call *call), void *context, struct error *error);
void caller_close(struct caller *caller); /* forgets what is under way; NULL is fine */

/* Borrows the call and its message until it is answered or forgotten. False: it could
 * not be begun, and `answered` does not come. */
bool caller_call(struct caller *caller, struct call *call, struct error *error);

/* When the call's model last kept calls waiting because none of its servers could be reached, by the loop's clock: now, if
 * it still does; 0: never, or it has none that wait. */
int64_t caller_outage_ms(struct caller *caller, const struct call *call);

void caller_forget(struct caller *caller, struct call *call);

#endif
