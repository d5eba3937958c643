/* explain.c: Step that explains the answers of a model. Its fields are parsed and checked; it cannot run yet. */
#include "steps/kinds.h"

struct background {
	struct place here;
	const char *file;
	int64_t rows;
};

struct explain {
	struct name step;
	struct background background;
};

static bool explain_check(const void *options, struct place place, struct error *error)
{
	const struct background *background = &((const struct explain *)options)->background;
	(void)place;
	return background->here.line == 0 || (background->file != NULL) != (background->rows > 0) ||
	       error_set(error, ERROR_CONFIG, background->here, "`background` is a file, or {rows: 100}; write one of them");
}

static bool explain_watches(const struct step *step, struct name *watched)
{
	const struct explain *self = step->options;
	*watched = self->step;
	return self->step.text != NULL;
}

static const struct option background_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct background, here)},
	ROW("file", TEXT, struct background, file, .short_form = true, .help = "A file with rows of usual data."),
	ROW("rows", INTEGER, struct background, rows, .least = 1, .most = 1000000.0,
	    .help = "A running sample of so many rows."),
	{.type = OPTION_END},
};

static const struct option budget_rows[] = {
	CHECKED("calls", INTEGER, .least = 1, .most = 1000000.0, .help = "Rows sent to the model at the most."),
	CHECKED("time", DURATION, .help = "How long it may take at the most."),
	{.type = OPTION_END},
};

static const struct option options[] = {
	ROW("step", NAME, struct explain, step, .help = "Whose answer is explained; default: the step it reads."),
	CHECKED("by", CHOICE, .choices = "auto tree linear exact sample anchors gradients permutation", .fallback = "auto",
		.help = "The method."),
	ROW("background", MAP, struct explain, background, .rows = background_rows,
	    .help = "What is usual: a file, or {rows: 100}."),
	CHECKED("deliver", CHOICE, .choices = "beside inline on-request", .fallback = "beside",
		.help = "Whether the answer waits for it, or it follows on a topic of its own."),
	CHECKED("share", NUMBER, .least = 0, .most = 1, .fallback = "1", .help = "Of how many requests: 10%."),
	CHECKED("budget", MAP, .rows = budget_rows, .help = "What it may cost; then the best estimate counts."),
	{.type = OPTION_END},
};

const struct step_kind step_explain = {
	.name = "explain",
	.summary = "Says why a model answered as it did.",
	.example = "- name: why\n"
		   "  inputs: [local]\n"
		   "  explain: {step: local, background: {rows: 100}, share: 10%}\n",
	.options = options,
	.options_size = sizeof(struct explain),
	.shape = SHAPE_REPLACES,
	.planned = true,
	.monitors = &(const struct monitor_rules){.watches = explain_watches},
	.check = explain_check,
};
