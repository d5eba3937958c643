/* drift_observer.h: Observer of a step `drift`: keeps the open window in its state, and lists a verdict with the message that
 * closes it.
 *
 * The state is the monitor's position, and the rows that the window keeps, in chunks. So a message writes its own rows and
 * the position, and an engine that takes over begins where the last one was. The monitor in memory is only used if it has
 * seen the same rows as the state; else it is filled from the state. Another reference, or another window, begins anew,
 * and so does what a former version has stored; the numbers of windows go on.
 *
 * A slice (message/records/slice.h) is several messages, each of which is a row with its own time: the verdicts are those of its
 * messages one by one, and each counts. Only where a past is forgotten in the midst of a slice, the rest of it is not watched
 * yet, and counts as what does not fit. Each row of a slice was drawn by the path, if there is a share.
 *
 * Online methods look into the open window (methods/drift/monitor.h): what they find before its end is a record of its own, once a
  * window. A monitor that is filled from the state has found it at the same row, and does not list it again.
 *
 * With `groupBy` each segment has that (steps/drift/drift_segments.h). They share the monitor in memory, which gets the rows of a
 * segment's window only when it closes; so a message of any segment costs the same.
 *
 * Messages that do not fit the reference, or have no segment, are counted in the next verdict of any segment, and so are rows
 * of segments beyond the limit. If nothing else comes, a verdict that judges nothing says so, after as many of them as a
 * window has.
 *
 * A past (steps/drift/state/drift_past.h) is forgotten after as many messages as a window has, in a row, none of which fits, or
  * each of which has more tensors than it knows. One that fits shows that the stream is still what it was. What is known of a past
   * that is over is over in all engines: the feed gets a record without bytes.
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_OBSERVER_H
#define SLUICE_STEPS_DRIFT_DRIFT_OBSERVER_H

#include "compiler/step/step.h"

extern const struct step_kind step_drift_observer; /* with the options of a step `drift` */

#endif
