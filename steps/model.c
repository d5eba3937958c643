/* model.c: the step that asks a model server.
 *
 * It is also what a step without a kind is: it then calls the model of its own name.
 * The settings written in the step go with every call as typed parameters; marks travel
 * past the model, which never sees them. */
#include "step/call_form.h"
#include "step/setting.h"
#include "steps/kinds.h"

struct setting {
	struct name name;
	struct name value;
	int type;
};

struct model {
	struct name name;
	const char *runtime;
	struct name storage_uri;
	struct settings {
		struct item_list parameters; /* struct setting */
	} settings;
	const char *server;
	struct name_list requirements;
	struct call_form form;
	struct cache {
		int64_t ttl_ns;
	} cache;
	struct name local;
	const char *input;
	const char *output;
	struct name_list labels;
};

struct model_state {
	const char *name;
	struct parameters parameters;
};

static bool setting_typed(const struct setting *setting, struct parameter *parameter, struct error *error)
{
	return setting_read(setting->name.text, setting->value.text, setting->type, setting->value.place, parameter, error);
}

static bool model_check(const void *options, struct place place, struct error *error)
{
	const struct model *self = options;
	const struct setting *settings = self->settings.parameters.items;
	(void)place;
	for (size_t i = 0; i < self->settings.parameters.count; i++) {
		struct parameter parameter;
		if (!setting_typed(&settings[i], &parameter, error))
			return false;
	}
	return true;
}

static const char *model_name(const struct step *step)
{
	const struct model *self = step->options;
	return self->name.text ? self->name.text : step->name;
}

static bool model_calls(const struct step *step, size_t nth, enum call_target *target, const char **name)
{
	*target = CALL_MODEL;
	*name = model_name(step);
	return nth == 0;
}

static const char *model_storage(const struct step *step)
{
	const struct model *self = step->options;
	return self->storage_uri.text;
}

static bool model_open(struct step *step, struct error *error)
{
	const struct model *self = step->options;
	struct model_state *state = ARENA_NEW(step->arena, struct model_state);
	if (!state)
		return error_memory(error, ERROR_SYSTEM, "opening a model step");
	step->state = state;
	state->name = model_name(step);
	if (self->local.text)
		return error_set(
			error, ERROR_CONFIG, self->local.place,
			"step `%s` wants its model in the worker, and `local` is not built yet; serve it and name a storageUri",
			step->name);
	const struct setting *settings = self->settings.parameters.items;
	struct parameter *items = ARENA_ARRAY(step->arena, struct parameter, self->settings.parameters.count);
	for (size_t i = 0; items && i < self->settings.parameters.count; i++)
		if (!setting_typed(&settings[i], &items[i], error))
			return false;
	state->parameters = (struct parameters){self->settings.parameters.count, items};
	return items || error_memory(error, ERROR_SYSTEM, "opening a model step");
}

static const struct payload *request_made(const struct step *step, struct visit *visit, struct error *error)
{
	const struct model *self = step->options;
	const struct model_state *state = step->state;
	const struct payload *input = visit_input(visit);
	if (state->parameters.count == 0 && !self->input)
		return input;
	struct arena *arena = visit_arena(visit);
	struct payload *request = ARENA_NEW(arena, struct payload);
	if (!request) {
		error_memory(error, ERROR_LIMIT, "asking a model");
		return NULL;
	}
	*request = *input;
	request->parameters = settings_join(input->parameters, state->parameters, arena);
	if (!self->input)
		return request;
	const struct tensor *tensor = tensors_find(input->tensors, text_of(self->input));
	if (!tensor) {
		error_set(error, ERROR_INPUT, step->place, "step `%s` sends the tensor `%s`, which did not come", step->name,
			  self->input);
		return NULL;
	}
	struct tensors_builder only;
	tensors_begin(&only, arena, 1);
	tensors_add(&only, tensor);
	request->tensors = tensors_end(&only);
	return request;
}

/* What `output` makes of the one tensor that the model answers. */
static bool model_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			struct error *error)
{
	const struct model *self = step->options;
	(void)in;
	if (!self->output || (out->complete && out->count != 1))
		return true;
	struct tensor_type *renamed = ARENA_NEW(arena, struct tensor_type);
	if (!renamed)
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	if (out->complete)
		*renamed = out->items[0];
	renamed->name = text_of(self->output);
	*out = (struct tensor_types){.complete = out->complete, .count = 1, .items = renamed};
	return true;
}

static enum step_verdict model_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct model_state *state = step->state;
	const struct payload *request = request_made(step, visit, error);
	return request && visit_call(visit, CALL_MODEL, state->name, request, error) ? STEP_WAIT : STEP_FAIL;
}

static enum step_verdict model_answered(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	const struct model *self = step->options;
	if (call->error.kind != ERROR_NONE) {
		*error = call->error;
		return STEP_FAIL;
	}
	const struct payload *input = visit_input(visit);
	if (input->marks.count == 0 && !(self->output && call->reply->tensors.count == 1)) {
		visit_emit(visit, call->reply);
		return STEP_DONE;
	}
	struct payload *reply = ARENA_NEW(visit_arena(visit), struct payload);
	if (!reply) {
		error_memory(error, ERROR_LIMIT, "taking a model's reply");
		return STEP_FAIL;
	}
	*reply = *call->reply;
	reply->marks = input->marks;
	if (self->output && reply->tensors.count == 1) {
		struct tensors_builder only;
		tensors_begin(&only, visit_arena(visit), 1);
		tensors_add(&only, tensor_renamed(visit_arena(visit), call->reply->tensors.items[0], text_of(self->output)));
		reply->tensors = tensors_end(&only);
	}
	visit_emit(visit, reply);
	return STEP_DONE;
}

static const struct option setting_rows[] = {
	{.name = "name",
	 .type = OPTION_NAME,
	 .offset = offsetof(struct setting, name),
	 .required = true,
	 .help = "Name of the parameter."},
	{.name = "value", .type = OPTION_NAME, .offset = offsetof(struct setting, value), .required = true, .help = "Its value."},
	{.name = "type",
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct setting, type),
	 .choices = SETTING_CHOICES,
	 .fallback = "STRING",
	 .help = "As what the value is sent."},
	{0},
};

static const struct option settings_rows[] = {
	{.name = "parameters",
	 .type = OPTION_LIST,
	 .offset = offsetof(struct settings, parameters),
	 .rows = setting_rows,
	 .item_size = sizeof(struct setting),
	 .help = "Request parameters of each call."},
	{0},
};

static const struct option cache_rows[] = {
	{.name = "ttl",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct cache, ttl_ns),
	 .help = "How long a reply may be used again."},
	{0},
};

static const struct option rows[] = {
	{.name = "name",
	 .type = OPTION_NAME,
	 .offset = offsetof(struct model, name),
	 .help = "Name of the model; default: that of the step."},
	{.name = "runtime",
	 .type = OPTION_TEXT,
	 .effect = EFFECT_NONE,
	 .offset = offsetof(struct model, runtime),
	 .help = "Kind of server that runs it."},
	{.name = "storageUri",
	 .type = OPTION_NAME,
	 .offset = offsetof(struct model, storage_uri),
	 .help = "Where it is: `http://host:8080`, `grpc://host:8081/name`, `stub://name`, or an artifact that a Server loads."},
	{.name = "modelSettings",
	 .type = OPTION_MAP,
	 .offset = offsetof(struct model, settings),
	 .rows = settings_rows,
	 .help = "What goes with every call."},
	{.name = "server",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct model, server),
	 .help = "Name of the Server that has it."},
	ROW("requirements", NAMES, struct model, requirements,
	    .help = "Capabilities that its Server must have, where no Model says them."),
	CALL_FORM_ROWS(struct model, form),
	{.name = "cache",
	 .type = OPTION_MAP,
	 .offset = offsetof(struct model, cache),
	 .rows = cache_rows,
	 .help = "Replies that are used again for equal tensors."},
	{.name = "local",
	 .type = OPTION_NAME,
	 .effect = EFFECT_LATER,
	 .offset = offsetof(struct model, local),
	 .help = "File of a model that runs inside the worker."},
	{.name = "input",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct model, input),
	 .help = "The only tensor that is sent; default: all."},
	{.name = "output",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct model, output),
	 .help = "Name that the reply's tensor gets, when it is one."},
	{.name = "labels",
	 .type = OPTION_NAMES,
	 .effect = EFFECT_LATER,
	 .offset = offsetof(struct model, labels),
	 .help = "Names of the classes, for a local model."},
	{0},
};

const struct step_kind step_model = {
	.name = "model",
	.summary = "Calls a model and gives its reply.",
	.example = "- name: predictor\n"
		   "  inputs: [features]\n"
		   "  model: {name: baseline-predictor, storageUri: \"grpc://mlserver:8081/baseline-predictor\"}\n",
	.options = rows,
	.options_size = sizeof(struct model),
	.shape = SHAPE_REPLACES,
	.check = model_check,
	.calls = model_calls,
	.storage = model_storage,
	.infer = model_infer,
	.open = model_open,
	.run = model_run,
	.answered = model_answered,
};
