/* shadow_request.h: A shadow request: a copy of a message in an arena of its own, whose reply changes no answer. Private to
 * shadow_requests.c, which sends it, and mirror_pairs.c, which compares what a mirror of an experiment replies. */
#ifndef SLUICE_ENGINE_OUTPUTS_SHADOW_REQUEST_H
#define SLUICE_ENGINE_OUTPUTS_SHADOW_REQUEST_H

#include <assert.h>

#include "engine/worker/parts.h"

#define COPIES_BYTES_MAX ((size_t)32 << 20) /* for all copies of a worker, with the answers that wait for a comparison */

struct shadow_request {	  /* in its own arena */
	struct call call; /* first: the flow returns it by its address */
	struct arena *arena;
	struct flow_owner *flow_owner; /* the flow owner that sent it */
	struct list_node node;	       /* in the list of its state */
	size_t bytes;		       /* of the arena, as the worker counts them */
	int64_t sent_ms;
	/* Of one to the mirror of an experiment; `of.experiment` NULL: of no mirror. */
	struct mirrored_result of; /* `of.copy` NULL: the result is known, or nobody waits for it */
	bool is_answered;	 /* that result is known */
	bool has_failed;	 /* it is an error */
	struct tensors answered; /* otherwise its outputs */
	int64_t answer_ms;	 /* from the copy to that result */
	int64_t reply_ms;	 /* from the copy to the mirror's reply */
};

/* Counts the memory of the arena again. */
static inline void shadow_request_measure(struct shadow_request *copy)
{
	struct worker *worker = copy->flow_owner->stage->worker;
	worker->copy_bytes += copy->arena->held_bytes - copy->bytes;
	copy->bytes = copy->arena->held_bytes;
}

/* Frees it, in whichever list it is. */
static inline void shadow_request_drop(struct shadow_request *copy)
{
	struct worker *worker = copy->flow_owner->stage->worker;
	assert(!copy->of.copy); /* which would refer to it */
	worker->copy_count -= copy->node.list == &worker->copies;
	worker->copy_bytes -= copy->bytes;
	list_remove(&copy->node);
	arena_close(copy->arena);
}

#endif
