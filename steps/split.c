/* split.c: the step that makes many messages of one, row by row. Its fields are known
 * and checked; it cannot run yet. */
#include "steps/kinds.h"

static const struct option options[] = {
	CHECKED("by", CHOICE, .choices = "rows", .fallback = "rows", .help = "What a part is."),
	CHECKED("tensors", NAMES, .least = 1, .help = "The tensors that are split; the others go with each part. Default: all."),
	{.type = OPTION_END},
};

const struct step_kind step_split = {
	.name = "split",
	.summary = "Makes a message of each row, with the ids ID/0, ID/1 and so on.",
	.example = "- name: items\n"
		   "  inputs: [ensemble]\n"
		   "  split: {by: rows, tensors: [predict]}\n",
	.options = options,
	.shape = SHAPE_REPLACES,
	.planned = true,
};
