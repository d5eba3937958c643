/* drift.c: Step that measures how far live data have moved from the training data, off the answer path. Its fields
 * are parsed and checked; it cannot run yet. */
#include <float.h>

#include "base/duration.h"
#include "base/number.h"
#include "steps/kinds.h"
#include "steps/references.h"

#define METHODS "auto ks psi wasserstein jensen-shannon chi-square mmd page-hinkley adwin cusum"

static const struct option method_rows[] = {
	{.type = OPTION_TEXT, .short_form = true, .choices = METHODS, .offset = OPTION_UNSTORED},
	{.type = OPTION_END},
};

struct drift {
	struct step_reference reference;
	struct name false_alarms;
};

/* `1 per 30d`, or `0.5 per 1000` messages. */
static bool is_rate(struct text text)
{
	static const char per[] = " per ";
	const char *between = memmem(text.bytes, text.length, per, strlen(per));
	if (!between)
		return false;
	const char *behind = between + strlen(per);
	const struct text extent = {behind, text.length - (size_t)(behind - text.bytes)};
	double alarms;
	int64_t messages, duration_ns;
	return number_read_double((struct text){text.bytes, (size_t)(between - text.bytes)}, &alarms) && alarms > 0 &&
	       ((number_read_int64(extent, &messages) && messages > 0) || !duration_read(extent, &duration_ns));
}

static bool drift_check(const void *options, struct place place, struct error *error)
{
	const struct drift *self = options;
	(void)place;
	if (!reference_check(&self->reference, error))
		return false;
	return is_rate(text_of(self->false_alarms.text)) ||
	       error_set(error, ERROR_CONFIG, self->false_alarms.place,
			 "`falseAlarms` is `%s`; write how many in how long, or of how many messages: `1 per 30d`, `0.5 per 1000`",
			 self->false_alarms.text);
}

static const struct option options[] = {
	CHECKED("tensors", NAMES, .least = 1, .help = "The tensors that are watched; default: all numeric ones."),
	ROW("reference", MAP, struct drift, reference, .rows = reference_rows, .required = true,
		.help = "What is usual: a file of `sluice fit drift`, {past: 7d}, or {topic: T}."),
	CHECKED("window", EXTENT, .fallback = "500", .help = "How many messages, or how long, one look takes in."),
	CHECKED("methods", LIST, .rows = method_rows, .least = 1, .help = "The tests; default: by datatype."),
	ROW("falseAlarms", NAME, struct drift, false_alarms, .fallback = "1 per 30d",
		.help = "Over all features, methods and looks: `1 per 30d`, or `0.5 per 1000` messages."),
	CHECKED("effect", NUMBER, .least = 0, .most = DBL_MAX, .help = "The smallest change worth an alarm."),
	CHECKED("as", CHOICE, .choices = "marks tensors", .fallback = "marks",
		.help = "Whether score and verdict travel as marks or as tensors."),
	{.type = OPTION_END},
};

const struct step_kind step_drift = {
	.name = "drift",
	.summary = "Watches how far live data has moved: drift_score, is_drift.",
	.example = "- name: watch\n"
		   "  inputs: [clean]\n"
		   "  drift: {tensors: [features], reference: refs/features.json, falseAlarms: 1 per 30d}\n",
	.options = options,
	.options_size = sizeof(struct drift),
	.shape = SHAPE_PASSES,
	.planned = true,
	.check = drift_check,
};
