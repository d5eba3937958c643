/* merge.h: Merging of the rows of several calls into one call, and splitting of its reply.
 *
 * Calls can be merged if their tensors agree in name, datatype and all but the first dimension, and their
 * parameters are equal. A reply whose number of rows differs from the call's cannot be split, and no member
 * gets it.
 *
 * Pure. Only members that are still there are used: a batch outlives members that are forgotten while it is
 * sent.
 */
#ifndef SLUICE_MODELS_CALLS_MERGE_H
#define SLUICE_MODELS_CALLS_MERGE_H

#include "models/calls/queued_call.h"

/* Rows of a queued call; 0: it is sent alone. A shadow request is sent alone, because it is not retried. */
size_t merge_rows(const struct queued_call *queued_call);

/* Whether both can be in one call. Both must have rows. */
bool merge_fits(const struct queued_call *one, const struct queued_call *other);

/* Builds the batch's call from its members' calls. False: memory. */
bool merge_load(struct queued_call *call_batch);

/* This member's part of the batch's reply, from row `first` on, in the arena of its message. NULL: that arena
 * is full. */
const struct payload *merge_part(const struct queued_call *member, const struct payload *reply, size_t first);

/* Whether each tensor of the reply has as many rows as the call. */
bool merge_is_by_rows(const struct payload *reply, size_t rows);

#endif
