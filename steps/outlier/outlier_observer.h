/* outlier_observer.h: Observer of a step `outlier` with `past`: learns the covariance of its rows, and lists it with the message
 * that makes it due.
 *
 * The state has the list of blocks (methods/drift/covariance_past.h) under `list`, and the covariance of each under `block/NUMBER`.
  * A message writes the blocks of its own rows, so an engine that takes over has all of them. Rows with a number that is missing,
 * infinite, or so large that it has no square are left out.
 *
 * The columns are those of the first row. After as many rows of another number of columns, one behind the other, as are enough to
 * learn from, the past begins anew with these.
 */
#pragma once

#include "compiler/step/step.h"

extern const struct step_kind step_outlier_observer; /* with the options of a step `outlier` */
