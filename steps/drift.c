/* drift.c: the step that watches how far live data has moved from what the model knew,
 * beside the path. Its fields are known and checked; it cannot run yet. */
#include <float.h>

#include "steps/kinds.h"
#include "steps/references.h"

#define METHODS "auto ks psi wasserstein jensen-shannon chi-square mmd page-hinkley adwin cusum"

static const struct option method_rows[] = {
	{.type = OPTION_TEXT, .short_form = true, .choices = METHODS, .offset = OPTION_UNSTORED},
	{.type = OPTION_END},
};

static const struct option options[] = {
	CHECKED("tensors", NAMES, .least = 1, .help = "The tensors that are watched; default: all numeric ones."),
	CHECKED("reference", MAP, .rows = reference_rows, .required = true,
		.help = "What is usual: a file of `sluice fit drift`, {past: 7d}, or {topic: T}."),
	CHECKED("window", EXTENT, .fallback = "500", .help = "How many messages, or how long, one look takes in."),
	CHECKED("methods", LIST, .rows = method_rows, .least = 1, .help = "The tests; default: by datatype."),
	CHECKED("falseAlarms", TEXT, .fallback = "1 per 30d",
		.help = "Over all features, methods and looks: `1 per 30d`, or `0.5 per 1000` messages."),
	CHECKED("effect", NUMBER, .least = 0, .most = DBL_MAX, .help = "The smallest change worth an alarm."),
	CHECKED("as", CHOICE, .choices = "marks tensors", .fallback = "marks",
		.help = "Whether score and verdict travel as marks or as tensors."),
	{.type = OPTION_END},
};

const struct step_kind step_drift = {
	.name = "drift",
	.summary = "Watches how far live data has moved: drift_score, is_drift.",
	.example = "- name: watch\n"
		   "  inputs: [clean]\n"
		   "  drift: {tensors: [features], reference: refs/features.json, falseAlarms: 1 per 30d}\n",
	.options = options,
	.shape = SHAPE_PASSES,
	.planned = true,
};
