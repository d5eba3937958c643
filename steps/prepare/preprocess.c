/* preprocess.c: Step that prepares tensors as the training did: a list of operations. */
#include "steps/kinds.h"
#include "steps/prepare/operations.h"

static const struct option operations[] = {
	OPERATIONS_OF_BOTH,
	OPERATION("impute", operation_impute_rows, operation_impute,
		  "Replaces NaN. `sluice fit` refuses a column without a number, because there is nothing to learn."),
	OPERATION("log1p", operation_target_rows, operation_target, "Computes the logarithm of 1 + x; NaN below -1."),
	OPERATION("scale", operation_scale_rows, operation_scale, "Shifts and scales columns: (x - center) / scale."),
	OPERATION("power", operation_power_rows, operation_power,
		  "Transforms columns by a power, so that they are closer to a normal distribution."),
	OPERATION("quantile", operation_quantile_rows, operation_quantile,
		  "Turns numbers into their ranks among the learned ones."),
	OPERATION("normalise", operation_normalise_rows, operation_normalise, "Scales each row to the norm 1."),
	OPERATION("polynomial", operation_polynomial_rows, operation_polynomial,
		  "Makes products of columns up to a degree: 1, then by degree and by columns."),
	OPERATION("bucketize", operation_bucketize_rows, operation_bucketize,
		  "Turns each number into the index of its bucket, INT64."),
	OPERATION("kbins", operation_kbins_rows, operation_kbins, "Turns each number into the index of its learned bin, INT64."),
	OPERATION("onehot", operation_onehot_rows, operation_categories,
		  "Turns each column of categories into columns of 0 and 1, FP32, in the order of the columns."),
	OPERATION("ordinal", operation_ordinal_rows, operation_categories, "Turns each category into its index, INT64."),
	OPERATION("hash", operation_hash_rows, operation_hash,
		  "Turns the texts of a row into columns of counts, FP32, by signed MurmurHash3 as scikit-learn does."),
	OPERATION("fitted", operation_file_rows, operation_file, "Applies all operations of a file made by `sluice fit`."),
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
		   "  - clip: {tensor: x, columns: [volume], low: 0, high: 1e6}\n"
		   "  - scale: {tensor: x, by: standard, fitted: prep.json}\n",
	.options = options,
	.options_size = sizeof(struct operations),
	.shape = SHAPE_ADDS,
	.learns = &(const struct learning_rules){.fit = operations_fit},
	.check = operations_check,
	.infer = operations_infer,
	.open = operations_open,
	.run = operations_run,
};
