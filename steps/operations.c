/* operations.c: see operations.h. */
#include "steps/operations.h"

#include <float.h>

const struct option operation_target_rows[] = {
	CHECKED("tensor", TEXT, .short_form = true, .help = "The tensor that it works on."),
	CHECKED("tensors", NAMES, .short_form = true, .least = 1,
		.help = "The tensors that it works on; default: all numeric ones."),
	CHECKED("columns", NAMES, .least = 1, .help = "Which columns of them; default: all."),
	CHECKED("as", TEXT, .help = "The name of the result; default: in place."),
	{.type = OPTION_END},
};

static const struct option new_name_rows[] = {
	{.type = OPTION_TEXT, .short_form = true, .required = true, .offset = OPTION_UNSTORED},
	{.type = OPTION_END},
};

const struct option operation_rename_rows[] = {
	{.type = OPTION_TABLE, .short_form = true, .offset = OPTION_UNSTORED, .rows = new_name_rows},
	{.type = OPTION_END},
};

const struct option operation_cast_rows[] = {
	OPERATION_TARGET,
	CHECKED("to", TEXT, .choices = "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 BF16 FP32 FP64 BYTES",
		.required = true, .help = "The datatype."),
	{.type = OPTION_END},
};

const struct option operation_clip_rows[] = {
	OPERATION_TARGET,
	CHECKED("low", NUMBER, .least = -DBL_MAX, .most = DBL_MAX, .help = "What is below becomes this."),
	CHECKED("high", NUMBER, .least = -DBL_MAX, .most = DBL_MAX, .help = "What is above becomes this."),
	{.type = OPTION_END},
};

const struct option operation_reshape_rows[] = {
	CHECKED("tensor", TEXT, .required = true, .help = "The tensor that it works on."),
	CHECKED("shape", NUMBERS, .whole = true, .least = -1, .most = 4294967295.0, .required = true,
		.help = "The new shape; one -1 stands for what is left."),
	CHECKED("as", TEXT, .help = "The name of the result; default: in place."),
	{.type = OPTION_END},
};

const struct option operation_concat_rows[] = {
	CHECKED("tensors", NAMES, .least = 1, .required = true, .help = "The tensors, in order."),
	CHECKED("axis", INTEGER, .least = -16, .most = 15, .fallback = "-1", .help = "Along which axis; -1 is the last."),
	CHECKED("as", TEXT, .required = true, .help = "The name of the result."),
	{.type = OPTION_END},
};

const struct option operation_names_rows[] = {
	{.type = OPTION_NAMES, .short_form = true, .least = 1, .offset = OPTION_UNSTORED},
	{.type = OPTION_END},
};

static const struct option value_rows[] = {
	{.type = OPTION_EXPRESSION, .short_form = true, .offset = OPTION_UNSTORED},
	{.type = OPTION_END},
};

const struct option operation_set_rows[] = {
	{.type = OPTION_TABLE, .short_form = true, .offset = OPTION_UNSTORED, .rows = value_rows},
	{.type = OPTION_END},
};
