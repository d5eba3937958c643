/* drift_lint.h: Remarks of `lint` on the file of a reference, to which a step `drift` compares messages: hooks of its kind
 * (compiler/step/step.h). Nothing is said of a file that cannot be read, which is an error.
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_LINT_H
#define SLUICE_STEPS_DRIFT_DRIFT_LINT_H

#include "compiler/step/step.h"

const char *drift_constant(const struct step *step, struct arena *arena, struct place *place);
const char *drift_undeclared(const struct step *step, struct arena *arena, struct place *place);
const char *drift_unwatchable(const struct step *step, struct arena *arena, struct place *place);

#endif
