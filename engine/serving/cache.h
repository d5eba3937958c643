/* cache.h: replies of one model that are used again for equal requests, and equal requests
 * that are under way asked once.
 *
 * How long, each call says (step/step.h), or the model's configuration; one of which neither
 * says it is asked as if there were no cache. The key is a digest of that time, of the
 * namespace, of the model as it is called, of its parameters and of the request's tensors and
 * parameters: so no step gets a reply that is older than it allows, because another keeps it for
 * longer, nor that of a namesake of its model from a Redis that several use. Errors are not kept.
 * A cache that fails is none: the model is asked. Whoever waits for another's call is answered,
 * also when memory ends. It stands before a model's line: what it has no reply for goes on by
 * `ask`, and its answer comes back by cache_answered().
 *
 * A cache belongs to its loop's thread.
 */
#ifndef SLUICE_SERVING_CACHE_H
#define SLUICE_SERVING_CACHE_H

#include "serving/caller.h"

struct cache;

struct cache_outside {
	void *context;
	bool (*ask)(void *context, struct call *call, struct error *error);
	void (*forget)(void *context, struct call *call);   /* one that was asked */
	void (*answered)(void *context, struct call *call); /* from the loop alone */
	void (*told)(void *context, const char *words);	    /* redis_config.told */
};

/* The model's configuration and the outside are borrowed. */
struct cache *cache_open(struct loop *loop, const struct model_config *model, const struct cache_outside *outside,
			 struct error *error);
void cache_close(struct cache *cache); /* NULL is fine */

/* As caller_call() and caller_forget(). */
bool cache_call(struct cache *cache, struct call *call, struct error *error);
void cache_forget(struct cache *cache, struct call *call);

/* A call that was asked has its end: it and all that wait for the same are answered. */
void cache_answered(struct cache *cache, struct call *call);

#endif
