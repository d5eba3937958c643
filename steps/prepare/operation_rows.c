/* operation_rows.c: see operation_rows.h. */
#include "steps/prepare/operation_rows.h"

#include <float.h>

#define NUMBERS_OF(key, struct_type, member, text)                                                                                 \
	ROW(key, NUMBERS, struct_type, member, .least = -DBL_MAX, .most = DBL_MAX, .help = text)

static const struct option scalar_rows[] = {
	{.type = OPTION_SCALAR, .short_form = true, .offset = offsetof(struct scalar_item, text)},
	{.type = OPTION_HERE, .offset = offsetof(struct scalar_item, place)},
	{.type = OPTION_END},
};

/* `short_forms`: a bare name, or a list of them, is the whole of it. */
#define TARGET_BY(short_forms)                                                                                                     \
	ROW("tensor", NAME, struct operation_target, tensor, .short_form = short_forms, .help = "The tensor that it works on."),   \
		ROW("tensors", NAMES, struct operation_target, tensors, .short_form = short_forms, .least = 1,                     \
		    .help = "The tensors that it works on; default: all numeric ones but BOOL."),                                  \
		ROW("columns", LIST, struct operation_target, columns, .least = 1, .rows = scalar_rows,                            \
		    .item_size = sizeof(struct scalar_item),                                                                       \
		    .help = "The columns to use, by name or by number from 0; default: all."),                                     \
		ROW("as", NAME, struct operation_target, as, .help = "The name of the result; default: in place.")
#define TARGET TARGET_BY(false)

#define FITTED                                                                                                                     \
	ROW("fitted", NAME, struct operation_target, fitted, .file = true, .help = "A file made by `sluice fit`, in place of "     \
	    "numbers.")

const struct option operation_target_rows[] = {
	TARGET_BY(true),
	{.type = OPTION_END},
};

/* ---- the list of tensors ---- */

static const struct option new_name_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct renaming, from)},
	{.type = OPTION_NAME, .short_form = true, .required = true, .offset = offsetof(struct renaming, to)},
	{.type = OPTION_END},
};

const struct option operation_rename_rows[] = {
	{.type = OPTION_TABLE,
	 .short_form = true,
	 .offset = offsetof(struct operation_entries, items),
	 .item_size = sizeof(struct renaming),
	 .least = 1,
	 .rows = new_name_rows},
	{.type = OPTION_END},
};

const struct option operation_cast_rows[] = {
	TARGET,
	ROW("to", TEXT, struct operation_cast, to,
	    .choices = "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 BF16 FP32 FP64 BYTES", .required = true,
	    .help = "The datatype; BYTES is the number as text."),
	{.type = OPTION_END},
};

const struct option operation_reshape_rows[] = {
	ROW("tensor", NAME, struct operation_reshape, tensor, .required = true, .help = "The tensor that it works on."),
	ROW("shape", NUMBERS, struct operation_reshape, shape, .whole = true, .least = -1, .most = 4294967295.0, .required = true,
	    .help = "The new shape; one dimension may be -1, for the remaining elements."),
	ROW("as", NAME, struct operation_reshape, as, .help = "The name of the result; default: in place."),
	{.type = OPTION_END},
};

const struct option operation_concat_rows[] = {
	ROW("tensors", NAMES, struct operation_concat, tensors, .least = 1, .required = true, .help = "The tensors, in order."),
	ROW("axis", INTEGER, struct operation_concat, axis, .least = -16, .most = 15, .fallback = "-1",
	    .help = "The axis; -1 is the last."),
	ROW("as", NAME, struct operation_concat, as, .required = true, .help = "The name of the result."),
	{.type = OPTION_END},
};

const struct option operation_split_rows[] = {
	ROW("tensor", NAME, struct operation_split, tensor, .required = true, .help = "The tensor that is split."),
	ROW("axis", INTEGER, struct operation_split, axis, .least = -16, .most = 15, .fallback = "-1",
	    .help = "The axis; -1 is the last."),
	ROW("as", NAMES, struct operation_split, as, .least = 1, .required = true, .help = "The names of the parts."),
	{.type = OPTION_END},
};

const struct option operation_names_rows[] = {
	{.type = OPTION_NAMES, .short_form = true, .least = 1, .offset = offsetof(struct operation_names, names)},
	{.type = OPTION_END},
};

static const struct option value_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct set_value, name)},
	{.type = OPTION_EXPRESSION, .short_form = true, .offset = offsetof(struct set_value, value)},
	{.type = OPTION_END},
};

const struct option operation_set_rows[] = {
	{.type = OPTION_TABLE,
	 .short_form = true,
	 .offset = offsetof(struct operation_entries, items),
	 .item_size = sizeof(struct set_value),
	 .least = 1,
	 .rows = value_rows},
	{.type = OPTION_END},
};

const struct option operation_file_rows[] = {
	{.type = OPTION_NAME,
	 .file = true,
	 .short_form = true,
	 .required = true,
	 .offset = offsetof(struct operation_file, file)},
	{.type = OPTION_END},
};

/* ---- numbers where they are ---- */

const struct option operation_clip_rows[] = {
	TARGET,
	ROW("low", NUMBER, struct operation_clip, low, .least = -DBL_MAX, .most = DBL_MAX,
	    .place_offset = offsetof(struct operation_clip, low_here), .help = "Smaller values become this one."),
	ROW("high", NUMBER, struct operation_clip, high, .least = -DBL_MAX, .most = DBL_MAX,
	    .place_offset = offsetof(struct operation_clip, high_here), .help = "Larger values become this one."),
	{.type = OPTION_END},
};

const struct option operation_impute_rows[] = {
	TARGET,
	ROW("by", CHOICE, struct operation_impute, by, .choices = "mean median most-frequent constant", .fallback = "mean",
	    .help = "How the values are learned; if several are most frequent, the smallest is used."),
	NUMBERS_OF("values", struct operation_impute, values, "The replacement of NaN: one number, or one for each column."),
	FITTED,
	{.type = OPTION_END},
};

const struct option operation_scale_rows[] = {
	TARGET,
	ROW("by", CHOICE, struct operation_scale, by, .choices = "standard min-max robust max-abs", .fallback = "standard",
	    .help = "How the constants are learned: mean and standard deviation (ddof 0); minimum and range; median and "
		    "interquantile range; 0 and largest absolute value."),
	NUMBERS_OF("center", struct operation_scale, center, "The number to subtract: one, or one for each column; default: 0."),
	NUMBERS_OF("scale", struct operation_scale, scale,
		   "The divisor: one number, or one for each column; 0 counts as 1. Default: 1."),
	NUMBERS_OF("range", struct operation_scale, range,
		   "For min-max: the results for the learned minimum and maximum; default: 0 and 1."),
	ROW("clip", FLAG, struct operation_scale, clip, .help = "For min-max: keeps results within the range."),
	ROW("quantiles", NUMBERS, struct operation_scale, quantiles, .least = 0, .most = 100,
	    .help = "For robust: the two quantiles, in percent, of the interquantile range; default: 25 and 75."),
	FITTED,
	{.type = OPTION_END},
};

const struct option operation_power_rows[] = {
	TARGET,
	ROW("by", CHOICE, struct operation_power, by, .choices = "yeo-johnson box-cox", .fallback = "yeo-johnson",
	    .help = "The kind of power; Box-Cox needs numbers above 0, and gives NaN for others."),
	NUMBERS_OF("lambdas", struct operation_power, lambdas, "The exponents: one number, or one for each column."),
	FITTED,
	{.type = OPTION_END},
};

static const struct option numbers_rows[] = {
	{.type = OPTION_NUMBERS,
	 .short_form = true, /* infinite ones too: a column that does not vary has such edges */
	 .offset = offsetof(struct numbers_item, numbers)},
	{.type = OPTION_END},
};

const struct option operation_quantile_rows[] = {
	TARGET,
	ROW("to", CHOICE, struct operation_quantile, to, .choices = "uniform normal", .fallback = "uniform",
	    .help = "The result for an element: its rank, from 0 to 1, or the quantile of that rank in the normal distribution."),
	ROW("size", INTEGER, struct operation_quantile, size, .least = 2, .most = 100000, .fallback = "1000",
	    .help = "The number of quantiles to learn, at most the number of rows."),
	ROW("values", LIST, struct operation_quantile, values, .least = 1, .rows = numbers_rows,
	    .item_size = sizeof(struct numbers_item),
	    .help = "A list of rising quantiles for each column, at equal steps from 0 to 1."),
	FITTED,
	{.type = OPTION_END},
};

const struct option operation_normalise_rows[] = {
	TARGET,
	ROW("by", CHOICE, struct operation_normalise, by, .choices = "l1 l2 max", .fallback = "l2",
	    .help = "The norm to which each row is scaled; a row of zeros is unchanged."),
	{.type = OPTION_END},
};

/* ---- other columns ---- */

const struct option operation_polynomial_rows[] = {
	TARGET,
	ROW("degree", INTEGER, struct operation_polynomial, degree, .least = 1, .most = 16, .fallback = "2",
	    .help = "The degree of the highest products."),
	ROW("bias", FLAG, struct operation_polynomial, bias, .fallback = "true", .help = "Whether the first column is 1."),
	ROW("interactions", FLAG, struct operation_polynomial, interactions,
	    .help = "Whether only products of different columns are made."),
	{.type = OPTION_END},
};

const struct option operation_bucketize_rows[] = {
	TARGET,
	NUMBERS_OF("edges", struct operation_bucketize, edges, "The edges of the buckets, rising; bucket 0 is below the first."),
	ROW("closed", CHOICE, struct operation_bucketize, closed, .choices = "left right", .fallback = "left",
	    .help = "Whether an edge belongs to the bucket above it or below it. NaN belongs to none: -1."),
	{.type = OPTION_END},
};

/* The names of quantile_types, in their order (methods/numeric/quantile.h). */
#define KBINS_METHODS                                                                                                              \
	"linear lower higher inverted_cdf interpolated_inverted_cdf hazen weibull median_unbiased normal_unbiased "                \
	"averaged_inverted_cdf closest_observation"

const struct option operation_kbins_rows[] = {
	TARGET,
	ROW("by", CHOICE, struct operation_kbins, by, .choices = "uniform quantile kmeans", .fallback = "quantile",
	    .help = "How the edges are learned."),
	ROW("bins", INTEGER, struct operation_kbins, bins, .least = 2, .most = 65536, .fallback = "5",
	    .help = "The number of bins to learn; fewer if edges coincide."),
	ROW("method", CHOICE, struct operation_kbins, method, .choices = KBINS_METHODS, .fallback = "averaged_inverted_cdf",
	    .help = "The method of quantiles, by numpy's name."),
	ROW("edges", LIST, struct operation_kbins, edges, .least = 1, .rows = numbers_rows,
	    .item_size = sizeof(struct numbers_item),
	    .help = "A list of rising edges for each column; values outside belong to the first or the last bin. NaN belongs "
		    "to none: -1."),
	FITTED,
	{.type = OPTION_END},
};

static const struct option category_rows[] = {
	{.type = OPTION_SCALAR, .short_form = true, .offset = offsetof(struct category_item, text)},
	{.type = OPTION_LIST,
	 .short_form = true,
	 .offset = offsetof(struct category_item, column),
	 .item_size = sizeof(struct scalar_item),
	 .rows = scalar_rows},
	{.type = OPTION_END},
};

#define CATEGORIES                                                                                                                 \
	ROW("categories", LIST, struct operation_categories, categories, .rows = category_rows, .least = 1,                        \
	    .item_size = sizeof(struct category_item), .help = "The categories, in order; or a list of them for each column."),    \
		FITTED

const struct option operation_onehot_rows[] = {
	TARGET,
	CATEGORIES,
	ROW("drop", CHOICE, struct operation_categories, drop, .choices = "none first", .fallback = "none",
	    .help = "`first`: the first category gets no column. An unknown category is all zeros."),
	{.type = OPTION_END},
};

const struct option operation_ordinal_rows[] = {
	TARGET,
	CATEGORIES,
	ROW("unknown", INTEGER, struct operation_categories, unknown, .least = -2147483648.0, .most = 2147483647.0,
	    .fallback = "-1", .help = "The index of an unknown category."),
	{.type = OPTION_END},
};

const struct option operation_hash_rows[] = {
	TARGET,
	ROW("size", INTEGER, struct operation_hash, size, .least = 1, .most = 16777216.0, .required = true,
	    .help = "The number of columns of the result."),
	{.type = OPTION_END},
};

/* ---- answers ---- */

const struct option operation_calibrate_rows[] = {
	TARGET,
	ROW("table", NAME, struct operation_calibrate, table, .file = true, .required = true,
	    .help = "A JSON file with the points of the calibration: `x`, in rising order, and `y`. It is linear between "
		    "points and constant outside."),
	{.type = OPTION_END},
};

const struct option operation_threshold_rows[] = {
	TARGET,
	ROW("cuts", NUMBERS, struct operation_labels, cuts, .least = -DBL_MAX, .most = DBL_MAX, .required = true,
	    .help = "The limits between labels, in rising order; a value equal to a limit has the label above it."),
	ROW("labels", NAMES, struct operation_labels, labels, .least = 1,
	    .help = "The labels, one more than cuts; default: their indices."),
	{.type = OPTION_END},
};

const struct option operation_argmax_rows[] = {
	TARGET_BY(true),
	ROW("labels", NAMES, struct operation_labels, labels, .least = 1,
	    .help = "One for each column; default: the indices of columns."),
	{.type = OPTION_END},
};
