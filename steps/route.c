/* route.c: Step that chooses one of several targets.
 *
 * The first case whose condition is true decides. Its model, pipeline or experiment is called and answers in place of
 * the step, or the message goes only to that later step. Only the chosen target costs anything.
 */
#include "steps/kinds.h"

struct route_way {
	const struct expression *when;
	struct name call;
	struct name to;
	struct place here;
};

struct route_step {
	struct item_list cases; /* struct route_way */
	struct fallback {
		struct name call;
		struct name error;
		bool drop;
		struct place here;
	} fallback;
};

static bool route_check(const void *options, struct place place, struct error *error)
{
	const struct route_step *self = options;
	const struct route_way *ways = self->cases.items;
	if (self->cases.count == 0)
		return error_set(error, ERROR_CONFIG, place,
				 "`cases` is empty: a route needs at least one `{when: ..., call: ...}`");
	for (size_t i = 0; i < self->cases.count; i++)
		if (!ways[i].call.text == !ways[i].to.text)
			return error_set(error, ERROR_CONFIG, ways[i].here,
					 "a case has either `call` (a model or pipeline) or `to` (a later step)");
	if (self->fallback.here.line && !!self->fallback.call.text + !!self->fallback.error.text + self->fallback.drop != 1)
		return error_set(error, ERROR_CONFIG, self->fallback.here, "`default` has one of `call`, `error` and `drop: true`");
	return true;
}

static bool route_call_targets(const struct step *step, size_t nth, enum call_target *target, const char **name)
{
	const struct route_step *self = step->options;
	const struct route_way *ways = self->cases.items;
	*target = CALL_ANY;
	for (size_t i = 0; i <= self->cases.count; i++) {
		*name = i < self->cases.count ? ways[i].call.text : self->fallback.call.text;
		if (*name && nth-- == 0)
			return true;
	}
	return false;
}

static bool route_step_targets(const struct step *step, size_t nth, struct name *target)
{
	const struct route_step *self = step->options;
	const struct route_way *ways = self->cases.items;
	for (size_t i = 0; i < self->cases.count; i++) {
		*target = ways[i].to;
		if (target->text && nth-- == 0)
			return true;
	}
	return false;
}

/* Where nobody is called, what came in leaves. */
static bool route_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			struct error *error)
{
	enum call_target target;
	const char *name;
	(void)arena, (void)error;
	if (!route_call_targets(step, 0, &target, &name))
		*out = *in;
	return true;
}

static enum step_verdict call_out(struct visit *visit, const char *name, struct error *error)
{
	return visit_call(visit, CALL_ANY, name, visit_input(visit), error) ? STEP_WAIT : STEP_FAIL;
}

static enum step_verdict fall_back(const struct route_step *self, const struct step *step, struct visit *visit, struct error *error)
{
	const struct fallback *fallback = &self->fallback;
	if (fallback->drop)
		return STEP_DROP;
	if (fallback->call.text)
		return call_out(visit, fallback->call.text, error);
	if (fallback->error.text)
		error_set(error, ERROR_INPUT, fallback->error.place, "%s", fallback->error.text);
	else
		error_set(error, ERROR_INPUT, step->place, "no case of the route `%s` is true; add a case, or a `default`",
			  step->name);
	return STEP_FAIL;
}

static enum step_verdict route_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct route_step *self = step->options;
	const struct route_way *ways = self->cases.items;
	for (size_t i = 0; i < self->cases.count; i++) {
		bool holds;
		if (!visit_judge(visit, ways[i].when, &holds, error))
			return STEP_FAIL;
		if (!holds)
			continue;
		if (ways[i].call.text)
			return call_out(visit, ways[i].call.text, error);
		visit_pass(visit);
		visit_only_to(visit, ways[i].to.text);
		return STEP_DONE;
	}
	return fall_back(self, step, visit, error);
}

static enum step_verdict route_answered(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	(void)step;
	if (call->error.kind != ERROR_NONE) {
		*error = call->error;
		return STEP_FAIL;
	}
	visit_emit(visit, call->reply);
	return STEP_DONE;
}

static const struct option case_rows[] = {
	ROW("when", EXPRESSION, struct route_way, when, .required = true, .condition = true, .help = "Condition of this case."),
	ROW("call", NAME, struct route_way, call,
	    .help = "Model, pipeline or experiment to call; its answer is the step's output."),
	ROW("to", NAME, struct route_way, to,
	    .help = "A later step that lists this one in its inputs; only that step receives the message."),
	{.type = OPTION_HERE, .offset = offsetof(struct route_way, here)},
	{0},
};

static const struct option default_rows[] = {
	ROW("call", NAME, struct fallback, call, .help = "Model, pipeline or experiment to call; its answer is the step's output."),
	ROW("error", NAME, struct fallback, error, .help = "Text of the error answer."),
	ROW("drop", FLAG, struct fallback, drop, .help = "No answer; the message is counted as dropped."),
	{.type = OPTION_HERE, .offset = offsetof(struct fallback, here)},
	{0},
};

static const struct option rows[] = {
	ROW("cases", LIST, struct route_step, cases, .rows = case_rows, .item_size = sizeof(struct route_way), .required = true,
	    .help = "The cases; the first whose condition is true decides."),
	ROW("default", MAP, struct route_step, fallback, .rows = default_rows,
	    .help = "What happens if no case is true; without it, an INPUT error."),
	{0},
};

const struct step_kind step_route = {
	.name = "route",
	.summary = "Routes a message by the first case whose condition is true.",
	.example = "- name: by-regime\n"
		   "  inputs: [watch]\n"
		   "  route:\n"
		   "    cases:\n"
		   "    - {when: vol > 0.03, call: enhanced-predictor}\n"
		   "    - {when: is_outlier, to: careful}\n"
		   "    default: {call: baseline-predictor}\n",
	.options = rows,
	.options_size = sizeof(struct route_step),
	.shape = SHAPE_REPLACES,
	.calls = &(const struct call_rules){.targets = route_call_targets, .answered = route_answered},
	.routes = &(const struct route_rules){.targets = route_step_targets},
	.check = route_check,
	.infer = route_infer,
	.run = route_run,
};
