/* preprocess.c: the step that prepares tensors as training did: a list of operations.
 * Its fields are known and checked; it cannot run yet. */
#include <float.h>

#include "steps/kinds.h"
#include "steps/operations.h"

#define FITTED CHECKED("fitted", TEXT, .help = "A file made by `sluice fit`, instead of numbers here.")

static const struct option impute_rows[] = {
	OPERATION_TARGET,
	CHECKED("by", CHOICE, .choices = "mean median most-frequent constant", .fallback = "mean", .help = "What the values are."),
	CHECKED("values", NUMBERS, .least = -DBL_MAX, .most = DBL_MAX,
		.help = "What stands in for a missing element, column by column."),
	FITTED,
	{.type = OPTION_END},
};

static const struct option scale_rows[] = {
	OPERATION_TARGET,
	CHECKED("by", CHOICE, .choices = "standard min-max robust max-abs", .fallback = "standard",
		.help = "How the numbers were found."),
	CHECKED("center", NUMBERS, .least = -DBL_MAX, .most = DBL_MAX, .help = "What is subtracted, column by column."),
	CHECKED("scale", NUMBERS, .least = -DBL_MAX, .most = DBL_MAX,
		.help = "By what is divided, column by column; 0 counts as 1."),
	CHECKED("range", NUMBERS, .least = -DBL_MAX, .most = DBL_MAX, .help = "For min-max: the lowest and the highest result."),
	FITTED,
	{.type = OPTION_END},
};

static const struct option bucketize_rows[] = {
	OPERATION_TARGET,
	CHECKED("edges", NUMBERS, .least = -DBL_MAX, .most = DBL_MAX, .required = true,
		.help = "The edges of the buckets, rising."),
	CHECKED("closed", CHOICE, .choices = "left right", .fallback = "left", .help = "To which bucket an edge itself belongs."),
	{.type = OPTION_END},
};

static const struct option category_rows[] = {
	{.type = OPTION_SCALAR, .short_form = true, .offset = OPTION_UNSTORED},
	{.type = OPTION_END},
};

#define CATEGORIES                                                                                                                 \
	{.name = "categories",                                                                                                     \
	 .type = OPTION_LIST,                                                                                                      \
	 .offset = OPTION_UNSTORED,                                                                                                \
	 .rows = category_rows,                                                                                                    \
	 .least = 1,                                                                                                               \
	 .help = "The categories, in order."},                                                                                     \
		FITTED

static const struct option onehot_rows[] = {
	OPERATION_TARGET,
	CATEGORIES,
	CHECKED("drop", CHOICE, .choices = "none first", .fallback = "none", .help = "Whether the first category gets no column."),
	{.type = OPTION_END},
};

static const struct option ordinal_rows[] = {
	OPERATION_TARGET,
	CATEGORIES,
	CHECKED("unknown", INTEGER, .least = -2147483648.0, .most = 2147483647.0, .fallback = "-1",
		.help = "The number of an unknown category."),
	{.type = OPTION_END},
};

static const struct option hash_rows[] = {
	OPERATION_TARGET,
	CHECKED("size", INTEGER, .least = 1, .most = 16777216.0, .required = true, .help = "How many columns the result has."),
	{.type = OPTION_END},
};

static const struct option normalise_rows[] = {
	OPERATION_TARGET,
	CHECKED("by", CHOICE, .choices = "l1 l2 max", .fallback = "l2", .help = "The norm that each row gets."),
	{.type = OPTION_END},
};

static const struct option split_rows[] = {
	CHECKED("tensor", TEXT, .required = true, .help = "The tensor that is split."),
	CHECKED("axis", INTEGER, .least = -16, .most = 15, .fallback = "-1", .help = "Along which axis; -1 is the last."),
	CHECKED("as", NAMES, .least = 1, .required = true, .help = "The names of the parts."),
	{.type = OPTION_END},
};

static const struct option fitted_rows[] = {
	{.type = OPTION_TEXT, .short_form = true, .required = true, .offset = OPTION_UNSTORED},
	{.type = OPTION_END},
};

static const struct option operations[] = {
	OPERATIONS_OF_BOTH,
	OPERATION("impute", impute_rows, "Fills in missing elements."),
	OPERATION("log1p", operation_target_rows, "The logarithm of 1 + x."),
	OPERATION("scale", scale_rows, "Shifts and stretches columns."),
	OPERATION("bucketize", bucketize_rows, "Turns numbers into the numbers of buckets."),
	OPERATION("onehot", onehot_rows, "Turns categories into columns of 0 and 1."),
	OPERATION("ordinal", ordinal_rows, "Turns categories into their numbers."),
	OPERATION("hash", hash_rows, "Turns texts into columns by hashing."),
	OPERATION("normalise", normalise_rows, "Gives each row the norm 1."),
	OPERATION("split", split_rows, "Cuts a tensor into several."),
	OPERATION("fitted", fitted_rows, "All operations of a file made by `sluice fit`."),
	{.type = OPTION_END},
};

static const struct option options[] = {
	OPERATIONS_LIST(operations),
	{.type = OPTION_END},
};

const struct step_kind step_preprocess = {
	.name = "preprocess",
	.summary = "Prepares tensors as training did: casts, fills in, scales, encodes.",
	.example = "- name: clean\n"
		   "  preprocess:\n"
		   "  - cast: {tensor: mid, to: FP64}\n"
		   "  - clip: {tensor: x, columns: [volume], low: 0, high: 1e6}\n",
	.options = options,
	.shape = SHAPE_ADDS,
	.planned = true,
};
