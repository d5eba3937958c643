/* policy_file.h: Policy of a JSON file, for the evaluation of what it would have earned from recorded choices.
 *
 *	{"always": "new"}
 *	{"probabilities": {"old": 0.2, "new": 0.8}}
 *	{"features": ["age"], "scores": {"old": [0.1, 0], "new": [0, 0.01]}, "explore": 0.1}
 */
#pragma once

#include "experiments/analysis/unit_join.h"

struct file_policy {
	size_t arms;
	double fixed[ANALYSIS_ARMS_MAX]; /* without features */
	size_t features;
	struct text *names;
	double *scores; /* [arm][1 + features]: the first is added as it is; NaN: the arm is never chosen */
	double explore; /* share spread over all arms with scores */
	size_t scored;
};

/* Reads the policy for the variants of these exposures. Everything is in the arena. INPUT: it is no policy, or names a variant that
 * no exposure has; with the file. CONFIG: the file cannot be read. */
bool file_policy_open(struct file_policy *policy, const char *path, const struct joined *joined, struct arena *arena,
		      struct error *error);

/* The probabilities with which the policy chooses the variants, in their order; `chances` has room for all. */
void file_policy_chances(const struct file_policy *policy, const struct joined_exposure *exposure, double *chances);

/* The value of a feature of the exposure; 0: it has none of that name, or no finite one. */
double exposure_feature(const struct joined_exposure *exposure, struct text name);
