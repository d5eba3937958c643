/* aggregate.c: the step that makes one message of many: of a closed window, or of the
 * parts into which a step split one. Windows are known and checked; they cannot run yet. */
#include "steps/aggregate_parts.h"
#include "steps/kinds.h"

struct aggregate {
	struct name parts;
	struct item_list set; /* struct aggregate_value */
	struct window {
		struct place here;
		int64_t tumbling_ns;
		int64_t hopping_ns;
		int64_t every_ns;
		int64_t session_ns;
		int64_t count;
	} window;
};

struct aggregate_value {
	struct name name;
	const struct expression *value;
};

static const struct option value_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct aggregate_value, name)},
	{.type = OPTION_EXPRESSION, .short_form = true, .offset = offsetof(struct aggregate_value, value), .uses = USE_WINDOW},
	{.type = OPTION_END},
};

static const struct option window_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct window, here)},
	ROW("tumbling", DURATION, struct window, tumbling_ns, .help = "Windows of that length, one behind the other."),
	ROW("hopping", DURATION, struct window, hopping_ns, .help = "Windows of that length that overlap."),
	ROW("every", DURATION, struct window, every_ns, .help = "For hopping: how long after one the next begins."),
	ROW("session", DURATION, struct window, session_ns, .help = "A window ends when nothing came for so long."),
	ROW("count", INTEGER, struct window, count, .least = 1, .most = 1000000000.0, .help = "Windows of so many messages."),
	CHECKED("grace", DURATION, .help = "How long a window stays open for late messages."),
	{.type = OPTION_END},
};

static const struct option options[] = {
	CHECKED("key", EXPRESSION, .help = "Whose windows they are; default: the message's key."),
	ROW("window", MAP, struct aggregate, window, .rows = window_rows, .help = "Over what is aggregated."),
	ROW("set", TABLE, struct aggregate, set, .rows = value_rows, .item_size = sizeof(struct aggregate_value),
	    .help = "Tensors made by expressions over the window's messages."),
	CHECKED("late", CHOICE, .choices = "drop dead-letter", .fallback = "drop",
		.help = "What becomes of messages that come too late."),
	ROW("parts", NAME, struct aggregate, parts, .help = "The step whose parts are put together again, instead of a window."),
	{.type = OPTION_END},
};

static bool aggregate_check(const void *filled, struct place place, struct error *error)
{
	const struct aggregate *self = filled;
	const struct window *window = &self->window;
	int kinds = (window->tumbling_ns > 0) + (window->hopping_ns > 0) + (window->session_ns > 0) + (window->count > 0);
	if (self->parts.text && (window->here.line > 0 || self->set.count > 0))
		return error_set(error, ERROR_CONFIG, self->parts.place,
				 "`parts` puts parts together and takes no `window` and no `set`");
	if (self->parts.text)
		return true;
	if (window->here.line == 0)
		return error_set(error, ERROR_CONFIG, place,
				 "neither `window` nor `parts` says what is aggregated; write one of them");
	if (kinds != 1)
		return error_set(error, ERROR_CONFIG, window->here,
				 "a window is one of tumbling, hopping, session and count; this has %d of them", kinds);
	if ((window->hopping_ns > 0) != (window->every_ns > 0))
		return error_set(error, ERROR_CONFIG, window->here, "`hopping` and `every` belong together; write both or neither");
	if (window->every_ns > window->hopping_ns)
		return error_set(error, ERROR_CONFIG, window->here,
				 "`every` is longer than `hopping`, so messages would fall between two windows");
	return self->set.count > 0 ||
	       error_set(error, ERROR_CONFIG, place, "`set` is missing: what is made of a window's messages");
}

static bool aggregate_gathers(const struct step *step, struct name *multiplier)
{
	const struct aggregate *self = step->options;
	*multiplier = self->parts;
	return self->parts.text != NULL;
}

static bool aggregate_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			    struct error *error)
{
	const struct aggregate *self = step->options;
	return !self->parts.text || parts_infer(in, arena, out, error);
}

static bool aggregate_open(struct step *step, struct error *error)
{
	const struct aggregate *self = step->options;
	return self->parts.text ||
	       error_set(error, ERROR_CONFIG, self->window.here,
			 "step `%s` cannot run: windows are not built yet; leave the step out to run the others", step->name);
}

const struct step_kind step_aggregate = {
	.name = "aggregate",
	.summary = "Makes one message of many: of a window, or of the parts of one message.",
	.example = "- name: bars\n"
		   "  inputs: [clean]\n"
		   "  aggregate:\n"
		   "    key: symbol\n"
		   "    window: {tumbling: 1m, grace: 5s}\n"
		   "    set: {high: max(mid), low: min(mid), n: count()}\n",
	.options = options,
	.options_size = sizeof(struct aggregate),
	.shape = SHAPE_REPLACES,
	.check = aggregate_check,
	.infer = aggregate_infer,
	.gathers = aggregate_gathers,
	.open = aggregate_open,
	.run = parts_run,
};
