/* drift_identity.h: Identity of what a step `drift` compares: a hash of its reference, its window and `groupBy`. With `past`, it is
 * also of the watched tensors, which a file names.
 *
 * Verdicts are known by it. So the marks of a step are never those of a former reference, or of other segments, whichever
 * engine gave the verdict (observe/verdict_board.h, message/records/feed_record.h).
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_IDENTITY_H
#define SLUICE_STEPS_DRIFT_DRIFT_IDENTITY_H

#include "compiler/step/step.h"

/* Of a step `drift` or its observer, which have one identity. CONFIG: an option, or the reference's file, cannot be used. */
bool drift_identity(const struct step *step, uint64_t *identity, struct error *error);

#endif
