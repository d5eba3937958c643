/* explain_options.c: see explain_options.h. */
#include "steps/explain/explain_options.h"

#include "base/number/number.h"
#include "methods/explain/sampler.h"
#include "steps/explain/explain_importance.h"
#include "steps/explain/explain_work.h"

static bool importance_check(const struct explain_step *self, struct error *error)
{
	if (!self->importance.here.line)
		return true;
	if (self->by == BY_ANCHORS)
		return error_set(error, ERROR_CONFIG, self->importance.here,
				 "anchors have no contributions, of which importance is the mean; write another `by`, or leave "
				 "`importance` out");
	return self->importance.window.count <= IMPORTANCE_WINDOW_MAX ||
	       error_set(error, ERROR_CONFIG, self->importance.here, "a window has at most %d explanations; write fewer, or a time",
			 IMPORTANCE_WINDOW_MAX);
}

bool explain_options_check(const void *options, struct place place, struct error *error)
{
	const struct explain_step *self = options;
	const struct explain_background *background = &self->background;
	(void)place;
	if (background->here.line != 0 && (background->file.text != NULL) == (background->rows > 0))
		return error_set(error, ERROR_CONFIG, background->here,
				 "`background` is a file, or {rows: 100}; write one of them");
	return importance_check(self, error);
}

/* ---- the reference dialect ---- */

#define BACKGROUND_ROWS_MAX 65536
#define EXPLAIN_CALLS_DEFAULT 512 /* as the row of `budget.calls` has it */

/* Names that methods have there, as alibi and shap write them. */
static const struct explain_method_name {
	const char *name;
	enum explain_by by;
} explain_method_names[] = {
	{"shap", BY_AUTO},	  {"kernel", BY_AUTO},	       {"kernel_shap", BY_AUTO}, {"kernelshap", BY_AUTO},
	{"tree_shap", BY_AUTO},	  {"auto", BY_AUTO},	       {"exact", BY_EXACT},	 {"sample", BY_SAMPLE},
	{"anchors", BY_ANCHORS},  {"anchor_tabular", BY_ANCHORS}, {"permutation", BY_PERMUTATION},
	{"permutation_importance", BY_PERMUTATION},
};

static bool method_read(const struct dialect_parameter *parameter, struct explain_step *options, struct error *error)
{
	const char *value = parameter->value.text;
	for (size_t i = 0; i < sizeof explain_method_names / sizeof *explain_method_names; i++)
		if (strcmp(explain_method_names[i].name, value) == 0) {
			options->by = (int)explain_method_names[i].by;
			return true;
		}
	return error_set(error, ERROR_CONFIG, parameter->value.place,
			 "`" EXPLAIN_METHOD_PARAMETER ": %s` is not built in, and nothing offers the model; write `shap` "
			 "or `anchors`, or name a server that has it",
			 value);
}

static bool samples_read(const struct dialect_parameter *parameter, struct explain_step *options, struct error *error)
{
	const char *value = parameter->value.text;
	return (number_read_int64(text_of(value), &options->background.rows) && options->background.rows >= BACKGROUND_ROWS_LEAST &&
		options->background.rows <= BACKGROUND_ROWS_MAX) ||
	       error_set(error, ERROR_CONFIG, parameter->value.place,
			 "`" EXPLAIN_SAMPLES_PARAMETER "` is `%s`; write a number of rows, %d to %d", value, BACKGROUND_ROWS_LEAST,
			 BACKGROUND_ROWS_MAX);
}

static bool is_parameter(const struct dialect_parameter *parameter, const char *name)
{
	return parameter->name.text && strcmp(parameter->name.text, name) == 0;
}

const struct explain_step *explain_options_of(const struct dialect_parameter *parameters, size_t count, struct place place,
						 struct arena *arena, struct name *ignored, struct error *error)
{
	struct explain_step *options = ARENA_NEW(arena, struct explain_step);
	bool meant = false;
	if (!options)
		return NULL;
	*options = (struct explain_step){
		.here = place,
		.by = BY_AUTO,
		.deliver = DELIVER_INLINE,
		.alone = true,
		.share = 1,
		.budget = {.calls = EXPLAIN_CALLS_DEFAULT},
	};
	for (size_t i = 0; i < count; i++) {
		const bool method = is_parameter(&parameters[i], EXPLAIN_METHOD_PARAMETER);
		const bool samples = is_parameter(&parameters[i], EXPLAIN_SAMPLES_PARAMETER);
		meant = meant || method || samples;
		if ((method || samples) && !parameters[i].value.text)
			continue; /* a value that is no text has its fault already */
		if ((method && !method_read(&parameters[i], options, error)) ||
		    (samples && !samples_read(&parameters[i], options, error)))
			return NULL;
		if (!method && !samples && !ignored->text)
			*ignored = parameters[i].name;
	}
	if (!meant)
		*ignored = (struct name){0};
	return meant ? options : NULL;
}

/* ---- the table ---- */

static const struct option background_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct explain_background, here)},
	ROW("file", NAME, struct explain_background, file, .file = true, .short_form = true,
	    .help = "A file with rows of background data: numbers separated by commas, in the order of the model's features. The "
		    "first line may name them."),
	ROW("rows", INTEGER, struct explain_background, rows, .least = BACKGROUND_ROWS_LEAST, .most = BACKGROUND_ROWS_MAX,
	    .help = "A running sample of so many rows, of the requests that the step gets. It begins with the newest requests in "
		    "the pipeline's topic, which an engine reads when it starts, if the explained step gets requests as they are. "
		    "While it has fewer than 20 rows, nothing is explained."),
	{.type = OPTION_END},
};

static const struct option budget_rows[] = {
	ROW("calls", INTEGER, struct explain_budget, calls, .least = 2, .most = SAMPLER_BUDGET_MAX, .fallback = "512",
	    .help = "The largest number of coalitions of features for which a model on a server is called. Each has one row for "
		    "each row of the background. They are sent together, in large calls. Anchors use at most as many rows."),
	ROW("time", DURATION, struct explain_budget, time_ns, .whole = true,
	    .help = "The longest time of these calls. Then the best estimate so far is the result, with its error. Default: the "
		    "time that the request has."),
	{.type = OPTION_END},
};

static const struct option importance_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct explain_importance_options, here)},
	ROW("window", EXTENT, struct explain_importance_options, window, .fallback = "500",
	    .help = "The length of a window: a number of explanations, or a time by event times."),
	{.type = OPTION_END},
};

const struct option explain_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct explain_step, here)},
	ROW("step", NAME, struct explain_step, step,
	    .help = "The step whose answer is explained, at that step's own inputs; default: the first step that it reads."),
	ROW("by", CHOICE, struct explain_step, by, .choices = "auto tree linear exact sample gradients anchors permutation",
	    .fallback = "auto",
	    .help = "The method. `auto`: by what the file of a local model has (trees, weights, layers; for LightGBM's `rf` the "
		    "mean of the trees, as in its answers; its own pred_contrib has their sum), else by a sample of coalitions, or "
		    "by all if the budget is enough. Trees, weights and layers are explained before the model's link: of a "
		    "probability its log-odds, of classes by softmax their scores; the field `scale` of a record says which "
		    "(tensor explanation_scale). `exact`, `sample` and `permutation` explain the answer itself. `anchors`: the few "
		    "features that hold the answer as it is, with the precision and the coverage of that rule; also of classes and "
		    "texts. `permutation`: the mean squared change of the answer when a feature has the background's values; it "
		    "takes one coalition for each feature."),
	ROW("background", MAP, struct explain_step, background, .rows = background_rows,
	    .help = "The background data: a file, or {rows: 100}. Default: none for local trees, which are explained by the "
		    "training rows of their branches, else {rows: 100}."),
	ROW("deliver", CHOICE, struct explain_step, deliver, .choices = "beside inline on-request", .fallback = "beside",
	    .help = "`beside`: the answer leaves at once, and explanations follow on the topic `explanations` of the pipeline, "
		    "with the same id, by which a gateway gives them (GET /v2/pipelines/NAME/requests/ID/explanations); the step "
		    "is a stage of its own, and passes on its inputs. `inline`: the step adds the explanation to its inputs, as "
		    "the tensors explanation, explanation_base and so on, and records follow too. `on-request`: as `inline`, for "
		    "requests with the header `x-explain: yes`."),
	ROW("share", NUMBER, struct explain_step, share, .least = 0, .most = 1, .fallback = "1",
	    .help = "The share of requests that are explained: 10%. They are drawn one by one, whatever their keys are. Those with "
		    "the header `x-explain: yes` are always explained."),
	ROW("budget", MAP, struct explain_step, budget, .rows = budget_rows,
	    .help = "Limits of its cost. When one is reached, the best estimate so far is the result."),
	ROW("importance", MAP, struct explain_step, importance, .rows = importance_rows,
	    .help = "Keeps the mean absolute contribution of each feature, such as mean |SHAP|, over windows of explanations. Each "
		    "window is a record of the topic `importance` of the pipeline; `sluice explain PIPELINE --importance` shows "
		    "them. The open window is state of the step, so that each explanation counts once. Messages are explained side "
		    "by side, and counted in the order of their partition: with `inline` and `on-request` an answer leaves after "
		    "the earlier explained ones of its partition. Each partition has windows of its own, which merge. Explanations "
		    "of more than 4096 contributions are counted, and not in the means. Absolute contributions have the units of "
		    "the explanations, and the error of an estimate adds to them."),
	{.type = OPTION_END},
};
