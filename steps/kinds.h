/* kinds.h: the table of step kinds that main hands down. A kind becomes known by its
 * line in kinds.c, and by nothing else. */
#ifndef SLUICE_STEPS_KINDS_H
#define SLUICE_STEPS_KINDS_H

#include "step/step.h"

extern const struct step_kind *const step_kinds[]; /* ends with NULL */

extern const struct step_kind step_model;
extern const struct step_kind step_expression;
extern const struct step_kind step_filter;
extern const struct step_kind step_combine;
extern const struct step_kind step_route;

#endif
