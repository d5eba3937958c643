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
 * Private to the worker.
 */
#ifndef SLUICE_ENGINE_OUTPUTS_MIRROR_PAIRS_H
#define SLUICE_ENGINE_OUTPUTS_MIRROR_PAIRS_H

#include "engine/outputs/shadow_request.h"

#define MIRROR_PAIRS_MAX 512

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

#endif
