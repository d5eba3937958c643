/* model_survey.h: Comparison of a plan with the inputs and outputs that the servers of its models report. For `sluice
 * run`. */
#pragma once

#include "compiler/plan/plan.h"
#include "engine/setup/revision.h"
#include "models/calls/survey.h"

/* Asks the servers of all models of the plan for their metadata. In the arena. */
bool model_survey_ask(const struct plan *plan, struct arena *arena, struct survey *survey, struct error *error);

/* Asks the servers, and checks the types of the pipelines against their metadata, from which the plan then has the tensors of
 * requests and answers that callers are told. A model that does not answer is
 * named and not checked; if it must answer (revision_options), REMOTE; if it gets copies alone, a failure of the report. False,
 * with reported faults and an empty `error`: the pipelines do not fit their models. */
bool model_survey_check(const struct revision_options *revision, const struct spec *spec, const struct plan_options *options,
			struct arena *arena, struct plan *plan, struct error *error);
