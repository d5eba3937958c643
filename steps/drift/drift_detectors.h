/* drift_detectors.h: Stored state of a segment's online methods, by the observer of a step `drift`: as it was at the end of the
 * last window, in pieces under `detectors/SEGMENT/NUMBER`. It is written by the message that closes a window, so it costs nothing
 * between two.
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_DETECTORS_H
#define SLUICE_STEPS_DRIFT_DRIFT_DETECTORS_H

#include "methods/drift/monitor.h"
#include "compiler/step/step.h"

/* Where the state belongs: the open window that it precedes, of a segment with that identity. */
struct drift_detectors_place {
	struct text segment;
	uint64_t identity, window;
};

/* Brings the monitor's online methods to the stored state; where there is none of that place, they begin anew. */
void drift_detectors_bring(struct visit *visit, const struct drift_detectors_place *place, struct monitor *monitor);

/* Stores that of the monitor. False: LIMIT. */
bool drift_detectors_keep(struct visit *visit, const struct drift_detectors_place *place, const struct monitor *monitor,
			  struct error *error);

/* Deletes what is stored of a segment. False: LIMIT. */
bool drift_detectors_forget(struct visit *visit, struct text segment, struct error *error);

#endif
