/* postprocess.c: the step that makes an answer of what a model gave: a list of
 * operations. Its fields are known and checked; it cannot run yet. */
#include <float.h>

#include "steps/kinds.h"
#include "steps/operations.h"

static const struct option calibrate_rows[] = {
	OPERATION_TARGET,
	CHECKED("table", TEXT, .required = true, .help = "A file with the points of the calibration."),
	{.type = OPTION_END},
};

static const struct option threshold_rows[] = {
	OPERATION_TARGET,
	CHECKED("cuts", NUMBERS, .least = -DBL_MAX, .most = DBL_MAX, .required = true,
		.help = "Where one label ends and the next begins, rising."),
	CHECKED("labels", NAMES, .least = 1, .help = "One more than there are cuts; default: their numbers."),
	{.type = OPTION_END},
};

static const struct option operations[] = {
	OPERATIONS_OF_BOTH,
	OPERATION("sigmoid", operation_target_rows, "Turns margins into probabilities."),
	OPERATION("softmax", operation_target_rows, "Turns margins of classes into probabilities."),
	OPERATION("argmax", operation_target_rows, "The number of the largest element."),
	OPERATION("calibrate", calibrate_rows, "Corrects probabilities by a table."),
	OPERATION("threshold", threshold_rows, "Turns numbers into labels."),
	OPERATION("headers", operation_set_rows, "Sets headers of the answer, each by an expression."),
	{.type = OPTION_END},
};

static const struct option options[] = {
	OPERATIONS_LIST(operations),
	{.type = OPTION_END},
};

const struct step_kind step_postprocess = {
	.name = "postprocess",
	.summary = "Makes an answer of what a model gave: probabilities, labels, headers.",
	.example = "- name: decide\n"
		   "  inputs: [scores]\n"
		   "  postprocess:\n"
		   "  - sigmoid: {tensor: predict, as: p}\n"
		   "  - threshold: {tensor: p, cuts: [0.5], labels: [hold, buy], as: action}\n",
	.options = options,
	.shape = SHAPE_ADDS,
	.planned = true,
};
