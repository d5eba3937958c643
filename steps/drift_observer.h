/* drift_observer.h: Observer of a step `drift`: keeps the open window in its state, and lists a verdict with the message that
 * closes it.
 *
 * The state is the monitor's position, and the rows that the window keeps, in chunks. So a message writes its own rows and
 * the position, and an engine that takes over begins where the last one was. The monitor in memory is only used if it has
 * seen the same rows as the state; else it is filled from the state. Another reference, or another window, begins anew.
 *
 * Messages that do not fit the reference are counted in the next verdict. If nothing else comes, a verdict that judges
 * nothing says so, after as many of them as a window has.
 */
#ifndef SLUICE_STEPS_DRIFT_OBSERVER_H
#define SLUICE_STEPS_DRIFT_OBSERVER_H

#include "step/step.h"

extern const struct step_kind step_drift_observer; /* with the options of a step `drift` */

#endif
