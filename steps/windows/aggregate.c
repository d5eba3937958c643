/* aggregate.c: Step that makes one message from many: from a closed window (windows.h), or from the child messages of
 * a split (aggregate_parts.h). */
#include "base/number/duration.h"
#include "methods/numeric/distinct_sketch.h"
#include "methods/numeric/quantile_sketch.h"
#include "methods/numeric/summary.h"
#include "steps/windows/aggregate_parts.h"
#include "steps/kinds.h"
#include "steps/prepare/typing.h"
#include "steps/windows/window_functions.h"
#include "steps/windows/window_answer.h"
#include "steps/windows/windows.h"

struct aggregate {
	struct name parts;
	const struct expression *key;
	struct item_list set; /* struct aggregate_setting */
	struct window {
		struct place here;
		int64_t tumbling_ns;
		int64_t hopping_ns;
		int64_t every_ns;
		int64_t session_ns;
		int64_t count;
		int64_t grace_ns;
	} window;
	int late; /* enum late */
};

enum late { LATE_DROP, LATE_DEAD_LETTER };

/* ---- running ---- */

static struct closing form_of(const struct window *window)
{
	int64_t grace = window->grace_ns / NS_PER_MS;
	if (window->count > 0)
		return (struct closing){CLOSING_COUNT, window->count, 0, 0};
	if (window->session_ns > 0)
		return (struct closing){CLOSING_SESSION, window->session_ns / NS_PER_MS, 0, grace};
	int64_t length_ns = window->tumbling_ns > 0 ? window->tumbling_ns : window->hopping_ns;
	int64_t every_ns = window->tumbling_ns > 0 ? window->tumbling_ns : window->every_ns;
	return (struct closing){CLOSING_HOPPING, length_ns / NS_PER_MS, every_ns / NS_PER_MS, grace};
}

static bool aggregate_open(struct step *step, struct error *error)
{
	const struct aggregate *self = step->options;
	if (self->parts.text)
		return true;
	struct windows *windows = ARENA_NEW(step->arena, struct windows);
	if (!windows)
		return error_memory(error, ERROR_SYSTEM, "opening a step of windows");
	windows->form = form_of(&self->window);
	windows->program = window_program_make(self->set.items, self->set.count, step->arena);
	windows->key = self->key;
	windows->refuse_late = self->late == LATE_DEAD_LETTER;
	step->state = windows;
	return windows->program || error_memory(error, ERROR_SYSTEM, "opening a step of windows");
}

static enum step_verdict aggregate_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct aggregate *self = step->options;
	return self->parts.text ? parts_run(step, visit, error) : windows_run(step->state, step, visit, error);
}

/* ---- for the plan ---- */

static void aggregate_describe(const struct step *step, struct step_facts *facts)
{
	const struct aggregate *self = step->options;
	static const char *const forms[] = { /* the sorts of windows store them differently */
		[CLOSING_COUNT] = "count", [CLOSING_SESSION] = "session", [CLOSING_HOPPING] = "hopping"};
	facts->makes_offspring = self->window.here.line > 0;
	facts->collects = self->parts;
	facts->key = self->key;
	facts->form = forms[form_of(&self->window).kind];
}

/* What the messages have, and what has been set of their window. */
struct two_typings {
	struct typing messages;
	struct typing window;
};

static bool type_of_name(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	struct two_typings *typings = context;
	return typing_of_name(name->outside ? &typings->window : &typings->messages, name, type, suggest);
}

/* For the plan: how exact the approximate functions of the settings are. */
static const char *errors_remark(const struct aggregate *self, struct arena *arena)
{
	const struct aggregate_setting *settings = self->set.items;
	bool quantiles = false, distinct = false;
	for (size_t i = 0; i < self->set.count; i++) {
		size_t count;
		const struct trailing_call *calls = expression_trailing(settings[i].value, &count);
		for (size_t j = 0; j < count; j++) {
			unsigned tracks = window_function_find(calls[j].name)->tracks;
			quantiles |= (tracks & SUMMARY_QUANTILES) != 0;
			distinct |= (tracks & SUMMARY_DISTINCT) != 0;
		}
	}
	const char *quantile_error =
		arena_print(arena, "approx_quantile() is within %g %% of the value", 100 * QUANTILE_SKETCH_ALPHA);
	const char *distinct_error =
		arena_print(arena, "approx_distinct() has a standard error of %.1f %%", 100 * DISTINCT_SKETCH_ERROR);
	if (quantiles && distinct)
		return arena_print(arena, "%s; %s", quantile_error, distinct_error);
	return quantiles ? quantile_error : distinct ? distinct_error : NULL;
}

static bool aggregate_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			    struct error *error)
{
	const struct aggregate *self = step->options;
	const struct aggregate_setting *settings = self->set.items;
	struct two_typings typings = {{.types = *in, .arena = arena}, {.types.complete = true, .arena = arena}};
	const struct expression_types types = {&typings, type_of_name};
	struct value_type type;
	if (self->parts.text)
		return parts_infer(in, arena, out, error);
	if (self->key && !expression_check(self->key, &types, arena, &type, error))
		return false;
	for (size_t i = 0; i < self->set.count; i++) {
		if (!expression_check(settings[i].value, &types, arena, &type, error))
			return false;
		if (!typing_put(&typings.window, text_of(settings[i].name.text), &type))
			return error_memory(error, ERROR_SYSTEM, "inferring types");
	}
	const struct value_type words = type_of_datatype(DATATYPE_BYTES); /* where a setting could not be worked out */
	if (!typing_put(&typings.window, TEXT(WINDOW_ERROR), &words))
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	*out = typings.window.types;
	out->remark = errors_remark(self, arena);
	return true;
}

/* ---- options ---- */

static const struct option value_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct aggregate_setting, name), .help = "Name of the tensor."},
	{.name = "value",
	 .type = OPTION_EXPRESSION,
	 .required = true,
	 .short_form = true,
	 .offset = offsetof(struct aggregate_setting, value),
	 .uses = USE_WINDOW,
	 .help = "Expression over the window's messages."},
	{.type = OPTION_END},
};

static const struct option window_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct window, here)},
	ROW("tumbling", DURATION, struct window, tumbling_ns, .whole = true,
	    .help = "Windows of that length, one after the other."),
	ROW("hopping", DURATION, struct window, hopping_ns, .whole = true,
	    .help = "Windows of that length that overlap."),
	ROW("every", DURATION, struct window, every_ns, .whole = true,
	    .help = "For hopping: the time from the start of one window to the start of the next."),
	ROW("session", DURATION, struct window, session_ns, .whole = true,
	    .help = "Messages that are no further apart than this; a message between two windows joins them."),
	ROW("count", INTEGER, struct window, count, .least = 1, .most = 1000000000.0,
	    .help = "Windows of that many messages of a key."),
	ROW("grace", DURATION, struct window, grace_ns, .whole = true, .or_none = true,
	    .help = "How long a window stays open for late messages; default: not at all, as 0s."),
	{.type = OPTION_END},
};

static const struct option options[] = {
	ROW("key", EXPRESSION, struct aggregate, key,
	    .help = "The key of the windows; default: the message's key. Messages without a key share windows. The rows of a "
		    "message must have the same key."),
	ROW("window", MAP, struct aggregate, window, .rows = window_rows,
	    .help = "The kind of window. A closed window leaves as a message of its own, with the id KEY/START (for a count "
		    "KEY/NUMBER), its key, and its end as its time. It closes when the greatest time of any message of the "
		    "partition is past its end and grace. So if no more messages arrive, the last windows stay open, and are "
		    "kept, until a message arrives in that partition; if they must not wait, send a message to each partition "
		    "from time to time. Times may go back. A message that is repeated counts again. A period without messages "
		    "has no window. All functions but count() leave NaN out: of no values, count(x), sum, norm, distinct and "
		    "approx_distinct are 0, and all others are nan. Infinite values count: sums and means are then infinite or "
		    "nan, and deviations nan. Integers are exact; all calls but count() refuse a message with one of 2^53 or more, "
		    "of either sign. Keep such identifiers by first(text(x)) or last(text(x)); these give texts of at most 4096 "
		    "bytes. One message closes at most 256 windows, or twice as many as it belongs to; the next messages close "
		    "the rest."),
	ROW("set", TABLE, struct aggregate, set, .rows = value_rows, .item_size = sizeof(struct aggregate_setting),
	    .help = "Tensors made by expressions over the window's messages, element by element; a name outside such calls is one "
		    "that was set above. median, quantile and distinct keep all numbers of the window, at most 65536; "
		    "approx_quantile and approx_distinct have no such limit, but an error, which `sluice plan` states. Their "
		    "sketches have at most 512 KiB in a window: those of 63 elements, or of 127. If the expressions were changed, "
		    "open windows start again with their next message; a window that receives none leaves with `window_error` "
		    "only."),
	ROW("late", CHOICE, struct aggregate, late, .choices = "drop dead-letter", .fallback = "drop",
	    .help = "What happens to messages whose windows are all closed."),
	ROW("parts", NAME, struct aggregate, parts, .help = "The step whose parts are combined, in place of a window."),
	{.type = OPTION_END},
};

/* ---- what the rows cannot check ---- */

static bool is_set_above(const struct aggregate *self, size_t setting, struct text name)
{
	const struct aggregate_setting *settings = self->set.items;
	for (size_t i = 0; i < setting; i++)
		if (text_is(name, settings[i].name.text))
			return true;
	return false;
}

/* What is the window's own beside what is set. */
static bool is_own(struct text name)
{
	static const char *const own[] = {"key", "id", "ts", "pipeline", "step"};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (text_is(name, own[i]))
			return true;
	return false;
}

/* Outside of the calls no single message is looked at. */
static bool check_names(const struct aggregate *self, struct error *error)
{
	const struct aggregate_setting *settings = self->set.items;
	const struct expression_name *name;
	for (size_t i = 0; i < self->set.count; i++)
		for (size_t nth = 0; settings[i].value && (name = expression_outside(settings[i].value, nth)); nth++)
			if (name->owner.length || !(is_set_above(self, i, name->name) || is_own(name->name)))
				return error_set(
					error, ERROR_CONFIG, name->place,
					"`" TEXT_FORMAT "` belongs to one message, and a window has many: apply a function to "
							"all, such as last(" TEXT_FORMAT ") or mean(" TEXT_FORMAT ")",
					TEXT_ARGUMENTS(name->name), TEXT_ARGUMENTS(name->name), TEXT_ARGUMENTS(name->name));
	return true;
}

static bool check_window(const struct window *window, struct error *error)
{
	int kinds = (window->tumbling_ns > 0) + (window->hopping_ns > 0) + (window->session_ns > 0) + (window->count > 0);
	if (kinds != 1)
		return error_set(error, ERROR_CONFIG, window->here,
				 "a window is one of tumbling, hopping, session and count; this has %d of them", kinds);
	if ((window->hopping_ns > 0) != (window->every_ns > 0))
		return error_set(error, ERROR_CONFIG, window->here, "`hopping` and `every` belong together; write both or neither");
	if (window->every_ns > window->hopping_ns)
		return error_set(error, ERROR_CONFIG, window->here,
				 "`every` is longer than `hopping`, so some messages would belong to no window");
	if (window->count > 0 && window->grace_ns > 0)
		return error_set(error, ERROR_CONFIG, window->here,
				 "`grace` waits for late messages, and windows of a `count` have no times: leave it out");
	const struct closing form = form_of(window);
	return closing_is_sound(&form) ||
	       error_set(error, ERROR_CONFIG, window->here,
			 "every message would belong to %lld windows, and at most %d are allowed; make `every` longer",
			 (long long)((form.size - 1) / form.every) + 1, CLOSING_WINDOWS_MAX);
}

static bool aggregate_check(const void *filled, struct place place, struct error *error)
{
	const struct aggregate *self = filled;
	if (self->parts.text && (self->window.here.line > 0 || self->set.count > 0))
		return error_set(error, ERROR_CONFIG, self->parts.place,
				 "`parts` combines parts, and cannot be used with `window` or `set`");
	if (self->parts.text)
		return true;
	if (self->window.here.line == 0)
		return error_set(error, ERROR_CONFIG, place,
				 "`window` or `parts` is missing; write one of them");
	if (self->set.count == 0)
		return error_set(error, ERROR_CONFIG, place, "`set` is missing: the tensors to make of a window's messages");
	return check_window(&self->window, error) && check_names(self, error);
}

const struct step_kind step_aggregate = {
	.name = "aggregate",
	.summary = "Makes one message from many: from a window, or from the parts of one message.",
	.example = "- name: bars\n"
		   "  inputs: [clean]\n"
		   "  aggregate:\n"
		   "    key: symbol\n"
		   "    window: {tumbling: 1m, grace: 5s}\n"
		   "    set: {high: max(mid), low: min(mid), n: count()}\n",
	.options = options,
	.options_size = sizeof(struct aggregate),
	.shape = SHAPE_REPLACES,
	.state = &(const struct state_rules){0},
	.describe = aggregate_describe,
	.check = aggregate_check,
	.infer = aggregate_infer,
	.open = aggregate_open,
	.run = aggregate_run,
};
