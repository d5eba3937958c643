/* drift_settled.h: Findings about a window for a report: what became of its rows, by the feedback that was read for it, or by the
 * window's settled record. */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_SETTLED_H
#define SLUICE_STEPS_DRIFT_DRIFT_SETTLED_H

#include "message/records/drift_score.h"
#include "steps/drift/drift_truths.h"

/* Of feedback that was counted. */
void drift_findings_of_realised(const struct drift_realised *realised, struct drift_finding findings[FIGURES]);

/* Of a record; NULL: nothing is known. */
void drift_findings_of_settled(const struct settled_score *settled, struct drift_finding findings[FIGURES]);

#endif
