/* mirror_pairs.h: Pairs of what the mirror of an experiment replied to a copy, and of the result that it is compared with: that of
 * the call that was copied; or, where the choices are ways of a step, as the predictors of a SeldonDeployment, the answer of the
 * message. They are compared here, where both are known, and not by a reader of topics: that costs a record, a decoding and a
 * search for each answer and each reply, and what is compared with a candidate would be the answer of the whole pipeline.
 *
 * Nothing is compared on the way of an answer: when the result is known, its outputs are copied, and the comparison follows after
 * the messages of the turn have left. A mirror that was faster waits for the result. At most MIRROR_PAIRS_MAX wait; the oldest is
 * left out and counted when one more comes, and so is a copy whose message another stage of the pipeline answers. All replies are
 * written to the shadow topic, best effort, with the verdict, and so is which copies were not sent.
 *
 * Private to mirror_pairs.c and shadow_requests.c.
 */
#pragma once

#include <assert.h>

#include "engine/worker/parts.h"

#define MIRROR_PAIRS_MAX 512
#define COPIES_BYTES_MAX ((size_t)32 << 20) /* for all copies of a worker, with the answers that wait for a comparison */

/* A copy of a message in an arena of its own, whose reply changes no answer. shadow_requests.c sends it. */
struct shadow_request {
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

/* Notes that the reply to this copy is to be compared with that result. */
void mirror_pair_begin(struct shadow_request *copy, const struct mirrored_result *of);

/* Takes the reply of a mirror, whose copy is in no list. */
void mirror_pair_replied(struct shadow_request *copy);

/* A copy without a reply: it was not sent, or nobody waits for it any more. */
void mirror_leave_out(struct worker_stage *stage, const struct call *call, const struct mirrored_result *of, const char *why);

/* Leaves out the oldest pairs that wait, until all copies are within the worker's bytes. */
void mirror_pairs_make_room(struct worker *worker);

/* Ends the pairs of the stage: those that are complete are compared, the others left out. */
void mirror_pairs_close(struct worker_stage *stage);
