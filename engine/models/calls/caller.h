/* caller.h: Caller of models: sends a step's calls to model servers and returns their replies.
 *
 * Each call's tensors are sent in the protocol of the address that is chosen for it. The answer comes back as
 * tensors in the message's arena, or as the server's error in its own words. The caller decides which replica
 * is called, how many calls are in flight, what is retried and when, what is batched, and what is answered from
 * the cache.
 *
 * While a model is unavailable, its calls are queued here, in order. Those whose message has no deadline wait
 * until it is back (unless `outage_deadletter`, or the call's `outage_fails`). An attempt that never reached the model does not
 * count as a try. A call whose deadline has passed is never sent.
 *
 * A caller belongs to its loop's thread.
 */
#pragma once

#include <stdatomic.h>

#include "net/loop.h"
#include "net/tls.h"
#include "observe/counts.h"
#include "compiler/graph/address.h"
#include "compiler/step/step.h"

struct caller;
struct model_demand;
struct memo;

enum cache_backend { CACHE_NONE, CACHE_MEMORY, CACHE_REDIS };

/* A model, by the name that calls use. A field that is 0 or NULL means the default. The texts are borrowed as
 * long as the caller lives. */
struct model_config {
	const char *name;
	struct model_addresses addresses; /* several addresses are replicas */
	struct parameters parameters;	  /* sent with each call, after the request's own */
	int64_t timeout_ms;		  /* of an attempt; the step's own timeout overrides it */
	size_t concurrency_least, concurrency_most; /* limits of calls in flight; between them the concurrency limit adapts */
	struct model_batching {
		size_t rows_most;   /* most rows of one batch; 0: calls are not merged */
		int64_t latency_ms; /* the longest time that a call waits for others */
		int64_t timeout_ms; /* of a batch */
	} batching;
	struct model_pool {
		size_t connections; /* to one address */
		int64_t idle_ms;    /* an idle connection is closed after this time */
	} pool;
	struct model_cache {
		enum cache_backend backend;
		const char *namespace; /* owner of the replies; replies of other owners are not used; NULL: none */
		int64_t ttl_ms;	   /* for calls that set none themselves; 0: their replies are not cached */
		const char *redis; /* host:port */
		const char *login; /* PASSWORD, or USER:PASSWORD; NULL: none */
		bool redis_tls;
		struct tls_files redis_files;
	} cache;
	const struct tls_files *tls; /* for addresses with TLS; NULL: the system's authorities */
	struct place place;	     /* in the user's files */
	const char *version; /* by the control plane, of the resource with the addresses: "version 3"; NULL: it is of a file */
};

struct caller_config {
	size_t model_count;
	const struct model_config *models;
	size_t request_bytes; /* of one call; a longer one fails with LIMIT */
	size_t reply_bytes;
	bool outage_deadletter;		    /* onOutage: calls of an unavailable model fail (REMOTE) */
	uint64_t seed;			    /* of random choices: replicas, pauses */
	const struct wire_operations *wire; /* models/calls/wire.h; NULL: the default, sockets */
	void *wire_context;
	/* Reports that a model is unavailable, because of `words`, or available again (NULL). Called from the
	 * caller's thread. NULL: not reported. */
	void (*reported)(void *context, const char *model, const char *words);
	/* Reports that the caller closes while a model is unavailable. NULL: not reported. */
	void (*left)(void *context, const char *model);
	/* Reports that a server configured for gRPC is called by REST, because of `words`, or by gRPC again
	 * (NULL). */
	void (*protocol_changed)(void *context, const char *model, const struct model_address *address, const char *words);
	/* Reports that a model's replies are not cached, because of Redis' error `words` (redis.h), or are
	 * cached again (NULL). */
	void (*cache_reported)(void *context, const char *model, const char *words);
	void *report_context;
	/* Counts of each model, one entry for each worker by its number (caller_count_as()); NULL: not counted. */
	struct model_counts *const *counts;
	/* Demand for each model in the process (models/calls/dispatch.h); NULL: there is no other caller of these models. */
	struct model_demand *const *demands;
};

/* `answered` is called in a later turn of the loop, once for each call, with reply or error filled in. The
 * configuration is borrowed. */
struct caller *caller_open(struct loop *loop, const struct caller_config *config,
			   void (*answered)(void *context, struct call *call), void *context, struct error *error);
/* Makes the caller write the entry of that number in the counts of its configuration, if there are any. */
void caller_count_as(struct caller *caller, size_t number);

/* Whether a model of that configuration keeps replies in memory, which is to be given to its caller by caller_keep_in(). */
bool caller_keeps(const struct caller_config *config);
void caller_keep_in(struct caller *caller, struct memo *memo); /* borrowed; NULL: nothing is kept */

void caller_close(struct caller *caller); /* forgets calls in flight; NULL is fine */

/* Borrows the call and its message until the call is answered or forgotten. False: the call could not be
 * started, and `answered` is not called for it. */
bool caller_call(struct caller *caller, struct call *call, struct error *error);

/* Last time at which the call's model kept calls waiting because none of its servers was reachable, by the
 * loop's clock: now, if it still does. 0: never, or its calls do not wait. */
int64_t caller_outage_ms(struct caller *caller, const struct call *call);

/* How long the call has waited in this process before its model got it, without the model's outages: behind other calls. */
int64_t caller_waited_ms(struct caller *caller, const struct call *call);

/* Why a model of that name is unreachable; NULL: it is reachable. */
const char *caller_away(struct caller *caller, const char *model);

/* What a call that is under way waits for. */
enum standing caller_standing(struct caller *caller, const struct call *call);

void caller_forget(struct caller *caller, struct call *call);
