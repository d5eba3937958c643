/* cache.h: Cache of one model's replies: reuses a reply for equal requests, and sends equal requests in flight
 * only once.
 *
 * The time to live comes from the call (compiler/step/step.h) or from the model's configuration. A call for which
 * neither sets one bypasses the cache. The key is a digest of that time, the namespace, the model as it is
 * called, its parameters, and the tensors and parameters of the request. So no step gets a reply that is older
 * than it allows, because another step allows more. And no step gets a reply of another model of the same name
 * from a Redis that several deployments share. Errors are not cached. A cache that fails is bypassed: the model
 * is called. A call that waits for the reply to an equal call is always answered, also when memory runs out.
 * Replies that are kept in memory are in a memo that the caches of a worker share.
 * The cache is in front of a model's queue: a call without a cached reply is passed on by `ask`, and its answer
 * comes back by cache_answered().
 *
 * A cache belongs to its loop's thread.
 */
#pragma once

#include "models/calls/caller.h"

struct cache;
struct memo;

struct cache_environment {
	void *context;
	bool (*ask)(void *context, struct call *call, struct error *error);
	void (*forget)(void *context, struct call *call);   /* a call that was passed to `ask` */
	void (*answered)(void *context, struct call *call); /* called only from the loop */
	void (*reported)(void *context, const char *words); /* redis_config.reported */
	struct model_counts *counts;			    /* NULL: not counted */
	struct memo *memo; /* of replies in memory; borrowed. NULL: none are kept there */
};

/* Borrows the model's configuration and the environment. */
struct cache *cache_open(struct loop *loop, const struct model_config *model, const struct cache_environment *environment,
			 struct error *error);
void cache_close(struct cache *cache); /* NULL is fine */

/* As caller_call() and caller_forget(). */
bool cache_call(struct cache *cache, struct call *call, struct error *error);
void cache_forget(struct cache *cache, struct call *call);

/* The call with which the model is asked for the reply that this one waits for: itself, or an equal one. */
const struct call *cache_asked(const struct cache *cache, const struct call *call);

/* A call that was passed to `ask` is finished: it and all calls that wait for the same reply are answered. */
void cache_answered(struct cache *cache, struct call *call);
