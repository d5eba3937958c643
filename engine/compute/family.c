/* family.c: List of the families of `sluice compute`. */
#include "compute/family.h"

#include <stddef.h>

const struct compute_family *const compute_families[] = {
	&compute_preprocess,
	&compute_features_ta,
	&compute_windows,
	&compute_inference,
	&compute_sketches,
	&compute_drift_twosample,
	&compute_drift_online,
	&compute_outliers,
	&compute_drift_quality,
	&compute_explain_kernelshap,
	&compute_explain_treeshap,
	&compute_explain_other,
	&compute_shap_budget,
	&compute_abtest,
	&compute_bandits,
	NULL,
};
