/* drift_remarks.h: Remarks on a reference of a drift step, for whoever learns or compares: what cannot be judged by it.
 */
#pragma once

#include "methods/drift/monitor.h"
#include "compiler/step/step.h"

/* Why no window is judged by it: nearly all values of all features are missing. NULL: some is, or it has no rows. */
const char *drift_reference_unjudged(const struct drift_reference *reference);

/* A sentence on the features that nothing is compared with, since nearly all their values are missing; in the arena. NULL: there
 * are none, or memory ran out. */
const char *drift_reference_remark(const struct drift_reference *reference, struct arena *arena);

/* The same on the features that have a single value in the reference, and what is judged of them. */
const char *drift_constants_remark(const struct drift_reference *reference, struct arena *arena);

/* The same on the features whose loss is an alarm that `falseAlarms` has no part for. */
const char *drift_lost_remark(const struct drift_reference *reference, const struct monitor_settings *settings,
			      struct arena *arena);

/* The same on the features in which no window can have drift, by the settings, and on tests that find large changes alone
 * (MONITOR_LARGE_SHIFT): which, why, and what to do. */
const char *drift_unwatchable_remark(const struct drift_reference *reference, const struct monitor_settings *settings,
				     struct arena *arena);

/* All remarks, in the arena: what is not compared, what does not vary, what `falseAlarms` has no part for, and what can have no
 * drift, or only a large one. NULL: nothing. `monitor`: one that has learnt from the reference; NULL: it is not at hand. */
struct drift_remarks {
	const char *uncompared, *constants, *lost, *unwatchable;
};
struct drift_remarks drift_remarks_of(const struct drift_reference *reference, const struct monitor_settings *settings,
				      const struct monitor *monitor, struct arena *arena);

/* Gives them to whoever reads the source. */
void drift_remarks_say(const struct drift_remarks *remarks, const struct fit_source *source);
