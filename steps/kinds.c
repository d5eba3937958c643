/* kinds.c: List of all step kinds, in the order of the help pages. */
#include "steps/kinds.h"

const struct step_kind *const step_kinds[] = {
	&step_model,
	&step_expression,
	&step_filter,
	&step_combine,
	&step_route,
	&step_traffic,
	&step_router,
	&step_preprocess,
	&step_features,
	&step_aggregate,
	&step_split,
	&step_postprocess,
	&step_outlier,
	&step_experiment,
	&step_drift,
	&step_explain,
	NULL,
};
