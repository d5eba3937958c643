/* exposures.h: Outlet of the exposures of a message: a record for each choice of an experiment that this stage writes, in the
 * transaction of the message; or a header of its answer, which costs no record.
 *
 * Private to worker.
 */
#pragma once

#include "kafka/produce/output.h"
#include "message/records/exposure.h"
#include "engine/worker/partition_queues.h"

struct exposure_outlet {
	struct output *output;
	struct position origin; /* of the message's record */
	struct buffer *value;
};

/* Whether it is produced here: as the experiment asks, or as another stage answers, whose answer cannot carry it. A stage to which
 * the outcome goes on (engine/outputs/choice_links.h) produces it. */
bool exposure_is_written(const struct inflight *inflight, const struct assigned *assigned);

/* Produces them; those of earlier stages have left there. PRODUCE_FULL: to be called again; what was produced before is not
 * produced twice. */
enum produce_verdict exposures_leave(const struct exposure_outlet *outlet, struct inflight *inflight, const struct answer *answer,
				     struct error *error);

#define EXPOSURES_CARRIED_BYTES_MAX ((size_t)8 << 10) /* of the exposures in one answer */

/* Writes those that the answer carries as headers, whose values are in `records`. What does not fit is not carried: an answer comes
 * first. The first of several answers that are produced carries them; in Avro, the first with the key that is their unit. An Avro
 * answer has none as headers, since the first header of a record costs more than a record: exposures_mark(). The format decides,
 * and not whether this answer has other headers. Returns their number. */
size_t exposures_carry(struct buffer *records, const struct inflight *inflight, const struct answer *answer,
		       const struct format *format, struct header headers[ASSIGNED_MAX]);

/* Whether any is to be carried that no answer has carried yet. */
bool exposures_pending(const struct inflight *inflight);

/* Marks those that an Avro answer with that key carries (message/records/answer_exposures.h): of the unit that is the key. Without
 * marks an answer carries none. */
void exposures_mark(const struct inflight *inflight, struct text key);

/* Ends the marks. If the answer was produced, what it carried does not wait any more; an answer in another format carried all. */
void exposures_unmark(const struct inflight *inflight, const struct format *format, bool is_produced);
