/* merge.h: the rows of several calls as one call, and its answer cut apart again.
 *
 * Calls go together when their tensors agree in name, datatype and all but the first
 * dimension, and their parameters are the same. A reply that has not as many rows as the
 * call had cannot be told apart, and is nobody's.
 *
 * Pure. Of the members only what is here is touched: a batch outlives those that are
 * forgotten while it is sent.
 */
#ifndef SLUICE_SERVING_MERGE_H
#define SLUICE_SERVING_MERGE_H

#include "serving/queued_call.h"

/* Rows that a queued call would bring; 0: it goes alone, as a copy does, which is not repeated. */
size_t merge_rows(const struct queued_call *queued_call);

/* Whether both can be in one call. Each has rows. */
bool merge_fits(const struct queued_call *one, const struct queued_call *other);

/* Makes the batch's own call of those of its members. False: memory. */
bool merge_load(struct queued_call *call_batch);

/* The part of the batch's reply that is this member's, from the row `first` on, in its
 * message's arena. NULL when that arena is full. */
const struct payload *merge_part(const struct queued_call *member, const struct payload *reply, size_t first);

/* Whether each tensor of the reply has a row for each of the call's. */
bool merge_is_by_rows(const struct payload *reply, size_t rows);

#endif
