/* outlier.c: Step that marks messages that differ from the training data. Its fields are parsed and checked; it
 * cannot run yet. */
#include <float.h>

#include "steps/kinds.h"
#include "steps/references.h"

struct outlier {
	struct step_reference reference;
};

static bool outlier_check(const void *options, struct place place, struct error *error)
{
	const struct outlier *self = options;
	(void)place;
	return reference_check(&self->reference, error);
}

static const struct option options[] = {
	CHECKED("tensor", TEXT, .required = true, .help = "The tensor that is judged."),
	CHECKED("by", CHOICE, .choices = "modified-z mahalanobis isolation-forest", .fallback = "mahalanobis",
		.help = "The method."),
	ROW("reference", MAP, struct outlier, reference, .rows = reference_rows, .required = true,
		.help = "What is usual: a file of `sluice fit outlier`, or {past: 7d}."),
	CHECKED("limit", NUMBER, .least = 0, .most = DBL_MAX, .help = "From which score on it is an outlier; default: by method."),
	CHECKED("as", CHOICE, .choices = "marks tensors", .fallback = "marks",
		.help = "Whether score and verdict travel as marks or as tensors."),
	{.type = OPTION_END},
};

const struct step_kind step_outlier = {
	.name = "outlier",
	.summary = "Marks messages unlike those it knows: outlier_score, is_outlier.",
	.example = "- name: odd\n"
		   "  inputs: [sane]\n"
		   "  outlier: {tensor: features, reference: refs/features.json}\n",
	.options = options,
	.options_size = sizeof(struct outlier),
	.shape = SHAPE_ADDS,
	.planned = true,
	.check = outlier_check,
};
