/* operation_rows.h: Options of the operations of preprocess and postprocess: their structs, and the rows that read
 * them from YAML and from fitted files. */
#pragma once

#include "base/option.h"

/* The single option of such a kind. */
struct operations {
	struct item_list list; /* struct operation */
};

/* A column by its name or number, or a category. */
struct scalar_item {
	const char *text;
	struct place place;
};

/* Target of an operation: its tensors and columns, and the name of its result. It is the first member in the options
 * of all operations on columns. */
struct operation_target {
	struct name tensor;
	struct name_list tensors;
	struct item_list columns; /* struct scalar_item */
	struct name as;
	struct name fitted; /* file of its constants; absent: they are in the options */
};

/* An item of a list of categories: one category, or the categories of one column. */
struct category_item {
	const char *text;	 /* NULL: the categories of one column */
	struct item_list column; /* struct scalar_item */
};

struct numbers_item {
	struct number_list numbers;
};

struct operation_cast {
	struct operation_target target;
	const char *to;
};

struct operation_clip {
	struct operation_target target;
	double low, high;
	struct place low_here, high_here; /* line 0: not given */
};

struct operation_impute {
	struct operation_target target;
	int by; /* IMPUTE_MEAN, _MEDIAN, _MOST_FREQUENT, or a constant */
	struct number_list values;
};

enum scaling { SCALE_STANDARD, SCALE_MIN_MAX, SCALE_ROBUST, SCALE_MAX_ABS };

struct operation_scale {
	struct operation_target target;
	int by; /* enum scaling */
	struct number_list center, scale;
	struct number_list range, quantiles;
	bool clip;
};

struct operation_power {
	struct operation_target target;
	int by; /* enum power */
	struct number_list lambdas;
};

struct operation_quantile {
	struct operation_target target;
	int to; /* 0 uniform, 1 normal */
	int64_t size;
	struct item_list values; /* struct numbers_item */
};

struct operation_normalise {
	struct operation_target target;
	int by; /* enum norm */
};

struct operation_polynomial {
	struct operation_target target;
	int64_t degree;
	bool bias, interactions;
};

struct operation_bucketize {
	struct operation_target target;
	struct number_list edges;
	int closed; /* 0 left, 1 right */
};

struct operation_kbins {
	struct operation_target target;
	int by; /* enum binning */
	int64_t bins;
	int method;		/* enum quantile_type */
	struct item_list edges; /* struct numbers_item */
};

struct operation_categories {
	struct operation_target target;
	struct item_list categories; /* struct category_item */
	int drop;		     /* onehot: 1 drops the first */
	int64_t unknown;	     /* ordinal */
};

struct operation_hash {
	struct operation_target target;
	int64_t size;
};

struct operation_calibrate {
	struct operation_target target;
	struct name table;
};

struct operation_labels {
	struct operation_target target;
	struct number_list cuts; /* threshold */
	struct name_list labels;
};

struct operation_reshape {
	struct name tensor, as;
	struct number_list shape;
};

struct operation_concat {
	struct name_list tensors;
	struct name as;
	int64_t axis;
};

struct operation_split {
	struct name tensor;
	int64_t axis;
	struct name_list as;
};

struct operation_names {
	struct name_list names;
};

struct operation_file {
	struct name file;
};

struct renaming {
	struct name from, to;
};

struct expression;

struct set_value {
	struct name name;
	const struct expression *value;
};

struct operation_entries {
	struct item_list items; /* struct renaming, struct set_value */
};

#define OPERATION(key, operation_rows, struct_type, text)                                                                          \
	{                                                                                                                          \
		.name = key, .type = OPTION_MAP, .offset = OPTION_UNSTORED, .rows = operation_rows,                                \
		.item_size = sizeof(struct struct_type), .help = text                                                              \
	}

/* The single row of such a kind: the list itself. */
#define OPERATIONS_LIST(operation_rows)                                                                                            \
	{                                                                                                                          \
		.type = OPTION_OPERATIONS, .short_form = true, .offset = offsetof(struct operations, list),                        \
		.rows = operation_rows, .least = 1, .help = "The operations, in order."                                            \
	}

extern const struct option operation_target_rows[]; /* only the target; also a plain tensor name */
extern const struct option operation_rename_rows[], operation_cast_rows[], operation_clip_rows[], operation_reshape_rows[],
	operation_concat_rows[], operation_names_rows[], operation_set_rows[];
extern const struct option operation_impute_rows[], operation_scale_rows[], operation_power_rows[], operation_quantile_rows[],
	operation_normalise_rows[], operation_polynomial_rows[], operation_bucketize_rows[], operation_kbins_rows[],
	operation_onehot_rows[], operation_ordinal_rows[], operation_hash_rows[], operation_split_rows[], operation_file_rows[];
extern const struct option operation_calibrate_rows[], operation_threshold_rows[], operation_argmax_rows[];

/* The operations of both kinds. */
#define OPERATIONS_OF_BOTH                                                                                                         \
	OPERATION("rename", operation_rename_rows, operation_entries, "Gives tensors new names, all at once: old to new."),        \
		OPERATION("cast", operation_cast_rows, operation_cast,                                                             \
			  "Turns elements into another datatype, rounded to even; what does not fit is an INPUT error."),          \
		OPERATION("clip", operation_clip_rows, operation_clip, "Limits elements to a range; NaN is unchanged."),           \
		OPERATION("reshape", operation_reshape_rows, operation_reshape, "Gives a tensor another shape."),                  \
		OPERATION("concat", operation_concat_rows, operation_concat, "Joins tensors along an axis."),                      \
		OPERATION("split", operation_split_rows, operation_split, "Cuts a tensor into equal parts along an axis."),        \
		OPERATION("set", operation_set_rows, operation_entries, "Computes tensors by expressions, in order."),             \
		OPERATION("drop", operation_names_rows, operation_names, "Removes tensors."),                                      \
		OPERATION("keep", operation_names_rows, operation_names, "Keeps only these tensors.")
