/* drift_lint.h: Remarks of `lint` on a step `drift`: on its memory, its options, and the file of its reference. There are none on a
 * file that cannot be read, which is an error.
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_LINT_H
#define SLUICE_STEPS_DRIFT_DRIFT_LINT_H

#include "compiler/step/step.h"

/* remark() of the kind (compiler/step/step.h). */
void drift_lint(const struct step *step, const struct tensor_types *in, bool is_lint, struct arena *arena,
		struct remark remarks[REMARK_SUBJECTS]);

#endif
