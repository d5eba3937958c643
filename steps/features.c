/* features.c: the step that computes trailing features per key: one message out for
 * each in. Its fields are known and checked; it cannot run yet. */
#include "steps/kinds.h"

static const struct option value_rows[] = {
	{.type = OPTION_EXPRESSION, .short_form = true, .offset = OPTION_UNSTORED, .uses = USE_TRAILING},
	{.type = OPTION_END},
};

static const struct option table_rows[] = {
	CHECKED("topic", TEXT, .required = true, .help = "A compacted topic."),
	CHECKED("key", EXPRESSION, .required = true, .help = "Whose row is looked up."),
	{.type = OPTION_END},
};

static const struct option options[] = {
	CHECKED("key", EXPRESSION, .help = "Whose state it is; default: the message's key."),
	CHECKED("lateness", DURATION, .help = "How late a message may come and still count."),
	CHECKED("tables", TABLE, .effect = EFFECT_LATER, .rows = table_rows, .help = "Tables in which rows are looked up."),
	CHECKED("set", TABLE, .rows = value_rows, .required = true, .help = "Tensors made by expressions, in order."),
	{.type = OPTION_END},
};

const struct step_kind step_features = {
	.name = "features",
	.summary = "Computes features over the messages of a key that came before.",
	.example = "- name: signals\n"
		   "  inputs: [clean]\n"
		   "  features:\n"
		   "    key: symbol\n"
		   "    set: {vol: std(ret over 20)}\n",
	.options = options,
	.shape = SHAPE_ADDS,
	.planned = true,
};
