/* drift_dialect.h: Drift detector of the reference dialect: the parameters of a model that stand for options of a step `drift`.
 *
 * A step of that dialect that calls a model with these parameters is such a step, where nothing offers its model:
 *	reference_window       so much of the stream's own past is the reference: `7d`, which is also the default
 *	detection_threshold    it is drift from a drift_score above it on; default 0
 *	drift_methods          `ks,psi,wasserstein`, of which jensen-shannon is another; default: the first three. Also `KS`,
 *	                       `page_hinkley`, and by their other names, as `js`
 * It watches all numeric tensors by windows of 500 rows, at 1 false alarm in 30 days.
 */
#pragma once

#include "steps/dialect.h"
#include "steps/drift/drift_comparison.h"

/* Options for these parameters, in the arena. NULL: none is meant for a drift detector; or CONFIG, with the place of a value that
 * it cannot have. `ignored` is set to the first that means nothing. */
const struct drift *drift_options_of(const struct dialect_parameter *parameters, size_t count, struct place place,
				     struct arena *arena, struct name *ignored, struct error *error);
