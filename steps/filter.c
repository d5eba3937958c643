/* filter.c: Step that passes the messages that meet a condition.
 *
 * Other messages are dropped and counted. If the user gave a text, they are answered with it, so that a waiting
 * caller learns the reason.
 */
#include "steps/kinds.h"

struct filter {
	const struct expression *keep;
	struct otherwise {
		int action;	   /* there is only `drop` */
		struct name error; /* text NULL: drop */
	} otherwise;
};

static enum step_verdict filter_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct filter *self = step->options;
	bool holds;
	if (!visit_judge(visit, self->keep, &holds, error))
		return STEP_FAIL;
	if (holds) {
		visit_pass(visit);
		return STEP_DONE;
	}
	if (!self->otherwise.error.text)
		return STEP_DROP;
	error_set(error, ERROR_INPUT, self->otherwise.error.place, "%s", self->otherwise.error.text);
	return STEP_FAIL;
}

static const struct option otherwise_rows[] = {
	ROW("action", CHOICE, struct otherwise, action, .choices = "drop", .fallback = "drop", .short_form = true,
	    .help = "`drop`: no answer; the message is counted as dropped."),
	ROW("error", NAME, struct otherwise, error, .help = "Text of the error answer that is given instead."),
	{0},
};

static const struct option rows[] = {
	ROW("keep", EXPRESSION, struct filter, keep, .required = true, .condition = true,
	    .help = "Condition that a message must meet to continue."),
	ROW("otherwise", MAP, struct filter, otherwise, .rows = otherwise_rows,
	    .help = "What happens to other messages: `drop`, or `{error: TEXT}`."),
	{0},
};

const struct step_kind step_filter = {
	.name = "filter",
	.summary = "Passes on messages that meet a condition.",
	.example = "- name: sane\n"
		   "  inputs: [spread]\n"
		   "  filter: {keep: width >= 0 and mid > 0, otherwise: {error: \"crossed book\"}}\n",
	.options = rows,
	.options_size = sizeof(struct filter),
	.shape = SHAPE_PASSES,
	.run = filter_run,
};
