/* postprocess.c: Step that makes an answer from a model's output: a list of operations. */
#include "steps/kinds.h"
#include "steps/prepare/operations.h"

static const struct option operations[] = {
	OPERATIONS_OF_BOTH,
	OPERATION("sigmoid", operation_target_rows, operation_target, "Turns margins into probabilities."),
	OPERATION("softmax", operation_target_rows, operation_target, "Turns the margins of a row into probabilities."),
	OPERATION("argmax", operation_argmax_rows, operation_labels,
		  "Gives the index of the largest column, or its label; of equal ones the first. [2,3] becomes [2]."),
	OPERATION("calibrate", operation_calibrate_rows, operation_calibrate, "Corrects probabilities by a table."),
	OPERATION("threshold", operation_threshold_rows, operation_labels,
		  "Turns each number into a label, or into the index of a label."),
	OPERATION("headers", operation_set_rows, operation_entries,
		  "Sets headers of the answer, each by an expression of one value. `traceparent` and `tracestate` take the place "
		  "of the request's."),
	{.type = OPTION_END},
};

static const struct option options[] = {
	OPERATIONS_LIST(operations),
	{.type = OPTION_END},
};

const struct step_kind step_postprocess = {
	.name = "postprocess",
	.summary = "Turns a model's output into an answer: probabilities, labels, headers.",
	.example = "- name: decide\n"
		   "  inputs: [scores]\n"
		   "  postprocess:\n"
		   "  - sigmoid: {tensor: predict, as: p}\n"
		   "  - threshold: {tensor: p, cuts: [0.5], labels: [hold, buy], as: action}\n",
	.options = options,
	.options_size = sizeof(struct operations),
	.shape = SHAPE_ADDS,
	.check = operations_check,
	.infer = operations_infer,
	.open = operations_open,
	.run = operations_run,
};
