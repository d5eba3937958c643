/* kinds.h: Table of step kinds, which main() passes down. A kind is registered by its line in kinds.c, and nowhere else. */
#pragma once

#include "compiler/step/step.h"

extern const struct step_kind *const step_kinds[]; /* ends with NULL */

extern const struct step_kind step_model;
extern const struct step_kind step_expression;
extern const struct step_kind step_filter;
extern const struct step_kind step_combine;
extern const struct step_kind step_route;
extern const struct step_kind step_features;
extern const struct step_kind step_router;
extern const struct step_kind step_traffic;
extern const struct step_kind step_split;
extern const struct step_kind step_aggregate;
extern const struct step_kind step_preprocess;
extern const struct step_kind step_postprocess;
extern const struct step_kind step_outlier;
extern const struct step_kind step_explain;
extern const struct step_kind step_experiment;
extern const struct step_kind step_drift;
