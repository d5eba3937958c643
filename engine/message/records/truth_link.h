/* truth_link.h: Truth on its way to observers: what became of one request, by feedback, as a message of their stage.
 *
 * The relay of a pipeline's feedback (engine/outputs/truth_relay.h) makes it. For each observer that waits for truths it has the
  * request and its truth twice: as the inputs of the step that it watches, so that the observer is visited, and under the
   * observer's own name. So it is a stage link like any other, and an observer knows it by that name, as it knows a slice
    * (message/records/slice.h).
 *
 * A request is known by a hash of its id, which slices carry for each of their rows. Feedback by origin finds requests that were
 * sent without an id. Pure.
 */
#pragma once

#include <math.h>

#include "base/hash.h"
#include "message/records/carried.h"
#include "message/records/feedback.h"

#define TRUTH_NUMBERS_MAX 65536 /* as many as rows may wait for truths; 512 KiB, so a link fits into a record of the usual size */

/* What became of a request: the accuracy of all its rows, or a number for each. */
struct truth_link {
	uint64_t request;
	double accuracy; /* NaN: the numbers say */
	size_t count;
	const double *numbers;
};

/* The hash by which a request is known. */
static inline uint64_t request_hash(struct text id)
{
	return hash_text(id, 0);
}

/* The truth of no request, which says nothing: what waits for a time is due by the time of its record, where no other one brings
 * that (engine/outputs/time_links.h). Observers of former releases keep it as any other, until it is forgotten. */
struct truth_link truth_link_of_time(void);

#define SENDER_TIME "+time" /* of such a record, and its key; no stage has this name */

static inline bool truth_link_is_of_time(const struct truth_link *truth)
{
	return truth->count == 0 && isnan(truth->accuracy);
}

/* Reads feedback, into the arena. False: it names no request, or has nothing that observers compare. */
bool truth_link_make(const struct feedback *feedback, struct arena *arena, struct truth_link *truth);

/* Fills in the results of an observer and of the step that it watches: two, for the stages `next` (bits, as of a struct given).
 * They are of the arena, which may be full. */
void truth_link_give(const struct truth_link *truth, struct text watched, struct text observer, uint64_t next, struct arena *arena,
		     struct given *items);

/* At the observer: the truth, if the message is one. */
bool truth_link_read(const struct message *message, const char *observer, struct truth_link *truth);
