/* model.c: Step that calls a model, on a server or in the process (`local`).
 *
 * A step without a kind is also of this kind; it calls the model of its own name. The settings of the step are sent
 * with every call as typed parameters. Marks are not sent to the model; the step passes them on.
 */
#include "steps/model.h"
#include "message/provenance.h"
#include "compiler/step/call_form.h"
#include "compiler/step/call_parameters.h"
#include "steps/drift/drift_dialect.h"
#include "steps/explain/explain_options.h"
#include "steps/kinds.h"

struct local_options {
	struct name file;
	const char *digest; /* NULL: any file is accepted */
	const char *input;  /* NULL: the only numeric tensor */
	const char *output; /* NULL: LOCAL_MODEL_OUTPUT */
	struct name_list labels;
	const char *marked; /* see struct local_model */
	enum predictor_iterations iterations;
};

static bool labels_take(struct local_model *model, const struct local_options *options, struct arena *arena, struct error *error)
{
	size_t classes = predictor_traits(model->predictor)->classes;
	struct text *labels = ARENA_ARRAY(arena, struct text, options->labels.count);
	if (!labels)
		return error_memory(error, ERROR_SYSTEM, "reading a model");
	if (options->labels.count && options->labels.count != classes)
		return error_set(error, ERROR_CONFIG, options->labels.items[0].place,
				 "`labels` has %zu names, and the model has %zu classes; name each of them, in its order, or leave "
				 "`labels` out",
				 options->labels.count, classes);
	for (size_t i = 0; i < options->labels.count; i++)
		labels[i] = text_of(options->labels.items[i].text);
	model->label_count = options->labels.count;
	model->labels = labels;
	return true;
}

/* Reads the model into the arena. NULL: CONFIG at the file's place, or SYSTEM. */
static const struct local_model *local_read(const struct step *step, const struct local_options *options, struct arena *arena,
					    struct error *error)
{
	struct error why = {0};
	struct text content;
	struct local_model *model = ARENA_NEW(arena, struct local_model);
	const char *whose = arena_print(arena, "step `%s`", step->name);
	if (!model || !whose)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a model"));
	if (!step_file(step, &options->file, options->digest, &content, error))
		return NULL;
	*model = (struct local_model){
		.predictor = predictor_read(arena, content, options->iterations, &why),
		.whose = whose,
		.input = text_of(options->input ? options->input : ""),
		.output = text_of(options->output ? options->output : LOCAL_MODEL_OUTPUT),
		.marked = options->marked,
	};
	if (!model->predictor)
		error_set(error, why.kind, options->file.place, "%s is no model that can run here: %s", options->file.text,
			  why.text);
	return model->predictor && labels_take(model, options, arena, error) ? model : NULL;
}

struct model_setting {
	struct name name;
	struct name value;
	int type;
};

struct model_step {
	struct name name;
	const char *runtime;
	struct name storage_uri;
	struct settings {
		struct item_list parameters; /* struct model_setting */
	} settings;
	const char *server;
	struct name_list requirements;
	struct call_form form;
	struct cache {
		int64_t ttl_ns;
	} cache;
	struct name local;
	const char *digest;
	const char *input;
	const char *output;
	struct name_list outputs;
	struct name_list labels;
	int iterations; /* enum predictor_iterations */
};

#define MODEL_BYTES_MAX ((size_t)1 << 30) /* of a model that is read to see what it takes and gives */

struct model_state {
	const char *name;
	struct text name_text;		 /* the same */
	const struct local_model *local; /* NULL: a server has it */
	struct parameters parameters;
};

static bool setting_typed(const struct model_setting *setting, struct parameter *parameter, struct error *error)
{
	return setting_read(setting->name.text, setting->value.text, setting->type, setting->value.place, parameter, error);
}

static bool model_check(const void *options, struct place place, struct error *error)
{
	const struct model_step *self = options;
	const struct model_setting *settings = self->settings.parameters.items;
	if (self->local.text && (self->storage_uri.text || self->server || self->cache.ttl_ns || self->settings.parameters.count))
		return error_set(error, ERROR_CONFIG, self->local.place,
				 "a local model runs in the worker and has no server; leave out storageUri, server, cache and "
				 "modelSettings, or `local`");
	if (self->local.text && self->outputs.count)
		return error_set(error, ERROR_CONFIG, self->outputs.items[0].place,
				 "`outputs` are requested from a server, and a local model gives all that it has; leave it out");
	for (size_t i = 0; i < self->outputs.count; i++)
		for (size_t j = 0; j <= i; j++)
			if (self->outputs.items[i].text[0] == '\0' ||
			    (j < i && strcmp(self->outputs.items[i].text, self->outputs.items[j].text) == 0))
				return error_set(error, ERROR_CONFIG, self->outputs.items[i].place,
						 "`outputs` names each tensor once, and `%s` is %s", self->outputs.items[i].text,
						 j < i ? "there already" : "empty");
	if (!self->local.text && (self->digest || self->labels.count || self->iterations != ITERATIONS_BEST))
		return error_set(error, ERROR_CONFIG, place,
				 "`digest`, `labels` and `iterations` need a file; name it with `local`");
	for (size_t i = 0; i < self->settings.parameters.count; i++) {
		struct parameter parameter;
		if (!setting_typed(&settings[i], &parameter, error))
			return false;
	}
	return true;
}

static const char *model_name(const struct step *step)
{
	const struct model_step *self = step->options;
	return self->name.text ? self->name.text : step->name;
}

static bool model_targets(const struct step *step, size_t nth, enum call_target *target, const char **name)
{
	const struct model_step *self = step->options;
	*target = CALL_MODEL;
	*name = model_name(step);
	return nth == 0 && !self->local.text;
}

/* With the parameters of an explainer or of a drift detector it is one, if nothing offers its model. */
static const struct step_kind *model_built_in(const struct step *step, struct arena *arena, const void **options,
					      struct name *ignored, struct error *error)
{
	const struct model_step *self = step->options;
	const struct model_setting *settings = self->settings.parameters.items;
	const size_t count = self->settings.parameters.count;
	struct dialect_parameter *parameters = ARENA_ARRAY(arena, struct dialect_parameter, count);
	for (size_t i = 0; parameters && i < count; i++)
		parameters[i] = (struct dialect_parameter){settings[i].name, settings[i].value};
	if (!parameters || count == 0)
		return NULL;
	*options = explain_options_of(parameters, count, step->place, arena, ignored, error);
	if (*options || error->kind != ERROR_NONE)
		return *options ? &step_explain : NULL;
	*options = drift_options_of(parameters, count, step->place, arena, ignored, error);
	return *options ? &step_drift : NULL;
}

static void model_describe(const struct step *step, struct step_facts *facts)
{
	const struct model_step *self = step->options;
	facts->outputs = &self->outputs;
	facts->storage = self->storage_uri.text;
}

static struct local_options local_options(const struct model_step *self)
{
	return (struct local_options){.file = self->local,
				      .digest = self->digest,
				      .input = self->input,
				      .output = self->output,
				      .labels = self->labels,
				      .iterations = (enum predictor_iterations)self->iterations};
}

static bool model_open(struct step *step, struct error *error)
{
	const struct model_step *self = step->options;
	struct model_state *state = ARENA_NEW(step->arena, struct model_state);
	if (!state)
		return error_memory(error, ERROR_SYSTEM, "opening a model step");
	step->state = state;
	state->name = model_name(step);
	state->name_text = text_of(state->name);
	if (self->local.text) {
		struct local_options options = local_options(self);
		options.marked = state->name;
		state->local = local_read(step, &options, step->arena, error);
		return state->local != NULL;
	}
	const struct model_setting *settings = self->settings.parameters.items;
	struct parameter *items = ARENA_ARRAY(step->arena, struct parameter, self->settings.parameters.count);
	for (size_t i = 0; items && i < self->settings.parameters.count; i++)
		if (!setting_typed(&settings[i], &items[i], error))
			return false;
	state->parameters = (struct parameters){self->settings.parameters.count, items};
	return items || error_memory(error, ERROR_SYSTEM, "opening a model step");
}

bool step_asks_model(const struct step *step)
{
	return step->kind == &step_model;
}

const char *model_input(const struct step *step)
{
	return ((const struct model_step *)step->options)->input;
}

bool asked_model_read(struct step *step, struct asked_model *asked, struct error *error)
{
	const struct model_step *self = step->options;
	if (!model_open(step, error))
		return false;
	const struct model_state *state = step->state;
	*asked = (struct asked_model){
		.name = state->name, .local = state->local, .input = self->input, .parameters = state->parameters};
	return true;
}

static const struct payload *request_made(const struct step *step, struct visit *visit, struct error *error)
{
	const struct model_step *self = step->options;
	const struct model_state *state = step->state;
	const struct payload *input = visit_input(visit);
	if (state->parameters.count == 0 && !self->input)
		return input;
	struct arena *arena = visit_arena(visit);
	struct payload *request = ARENA_NEW(arena, struct payload);
	if (!request)
		return error_null(error_memory(error, ERROR_LIMIT, "asking a model"));
	*request = *input;
	request->parameters = settings_join(input->parameters, state->parameters, arena);
	if (!self->input)
		return request;
	const struct tensor *tensor = tensors_find(input->tensors, text_of(self->input));
	if (!tensor) {
		if (reply_lacks(input, text_of(self->input), step->place, "`input`", error))
			return NULL;
		return error_null(error_set(error, ERROR_INPUT, step->place, "step `%s` sends the tensor `%s`, which did not come",
					    step->name, self->input));
	}
	struct tensors_builder only;
	tensors_begin(&only, arena, 1);
	tensors_add(&only, tensor);
	request->tensors = tensors_end(&only);
	return request;
}

/* Without files nothing is known of it. */
static bool infer_local(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			struct error *error)
{
	const struct local_options options = local_options(step->options);
	if (!step->files) {
		*out = (struct tensor_types){0};
		return true;
	}
	struct arena *working = arena_open(MODEL_BYTES_MAX);
	if (!working)
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	const struct local_model *model = local_read(step, &options, working, error);
	bool good = model && local_model_types(model, in, arena, out, error);
	const struct predictor_traits *traits = good ? predictor_traits(model->predictor) : NULL;
	if (traits && traits->iterations)
		out->remark = arena_print(
			arena, "%zu of the %zu iterations of its file%s", traits->iterations_used, traits->iterations,
			options.iterations == ITERATIONS_BEST ? ", up to its best_iteration" : ", as `iterations: all` has it");
	arena_close(working);
	return good;
}

/* Of what the model is known to answer, what it is asked for. */
static bool infer_asked(const struct model_step *self, struct arena *arena, struct tensor_types *out, struct error *error)
{
	struct tensor_type *items = ARENA_ARRAY(arena, struct tensor_type, self->outputs.count);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	for (size_t i = 0; i < self->outputs.count; i++) {
		const struct text name = text_of(self->outputs.items[i].text);
		bool found = false;
		items[i].name = name;
		for (size_t j = 0; j < out->count && !found; j++)
			if ((found = text_equal(out->items[j].name, name)))
				items[i] = out->items[j];
		if (!found && out->complete)
			return error_set(error, ERROR_CONFIG, self->outputs.items[i].place,
					 "the output `%s` is requested, which the model does not have according to its metadata",
					 self->outputs.items[i].text);
	}
	*out = (struct tensor_types){.complete = true, .count = self->outputs.count, .items = items};
	return true;
}

/* What `output` makes of the one tensor that the model answers. */
static bool model_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			struct error *error)
{
	const struct model_step *self = step->options;
	if (self->local.text)
		return infer_local(step, in, arena, out, error);
	if (self->outputs.count && !infer_asked(self, arena, out, error))
		return false;
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

static enum step_verdict run_local(const struct model_state *state, struct visit *visit, struct error *error)
{
	const struct payload *input = visit_input(visit);
	struct arena *arena = visit_arena(visit);
	struct payload *answer = reply_begin(arena, state->name);
	if (!answer) {
		error_memory(error, ERROR_LIMIT, "asking a model");
		return STEP_FAIL;
	}
	answer->marks = input->marks;
	answer->model_name = state->name_text;
	if (!local_model_answer(state->local, input, arena, &answer->tensors, error))
		return STEP_FAIL;
	visit_emit(visit, answer);
	return STEP_DONE;
}

static enum step_verdict model_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct model_state *state = step->state;
	if (state->local)
		return run_local(state, visit, error);
	const struct payload *request = request_made(step, visit, error);
	return request && visit_call(visit, CALL_MODEL, state->name, request, error) ? STEP_WAIT : STEP_FAIL;
}

/* Of the reply what was asked for, in the reply's order. False: it lacks some. */
static bool outputs_chosen(const struct step *step, struct arena *arena, struct payload *reply, struct error *error)
{
	const struct model_step *self = step->options;
	const struct model_state *state = step->state;
	struct tensors_builder chosen;
	tensors_begin(&chosen, arena, self->outputs.count);
	for (size_t i = 0; i < self->outputs.count; i++)
		if (!tensors_find(reply->tensors, text_of(self->outputs.items[i].text)))
			return error_set(error, ERROR_REMOTE, self->outputs.items[i].place,
					 "model `%s` was asked for the output `%s`, and its reply lacks it; check which "
					 "outputs the model has",
					 state->name, self->outputs.items[i].text);
	for (size_t i = 0; i < reply->tensors.count; i++)
		for (size_t j = 0; j < self->outputs.count; j++)
			if (text_is(reply->tensors.items[i]->name, self->outputs.items[j].text))
				tensors_add(&chosen, reply->tensors.items[i]);
	reply->tensors = tensors_end(&chosen);
	return true;
}

static enum step_verdict model_answered(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	const struct model_step *self = step->options;
	if (call->error.kind != ERROR_NONE) {
		*error = call->error;
		return STEP_FAIL;
	}
	const struct payload *input = visit_input(visit);
	if (input->marks.count == 0 && !self->outputs.count && !(self->output && call->reply->tensors.count == 1)) {
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
	if (self->outputs.count && !outputs_chosen(step, visit_arena(visit), reply, error))
		return STEP_FAIL;
	if (self->output && reply->tensors.count == 1) {
		struct tensors_builder only;
		tensors_begin(&only, visit_arena(visit), 1);
		tensors_add(&only, tensor_renamed(visit_arena(visit), reply->tensors.items[0], text_of(self->output)));
		reply->tensors = tensors_end(&only);
	}
	visit_emit(visit, reply);
	return STEP_DONE;
}

static const struct option setting_rows[] = {
	ROW("name", NAME, struct model_setting, name, .required = true, .help = "Name of the parameter."),
	ROW("value", NAME, struct model_setting, value, .required = true, .help = "Its value."),
	ROW("type", CHOICE, struct model_setting, type, .choices = SETTING_CHOICES, .fallback = "STRING",
	    .help = "The type as which the value is sent."),
	{0},
};

static const struct option settings_rows[] = {
	ROW("parameters", LIST, struct settings, parameters, .rows = setting_rows, .item_size = sizeof(struct model_setting),
	    .help = "Request parameters of each call."),
	{0},
};

static const struct option cache_rows[] = {
	ROW("ttl", DURATION, struct cache, ttl_ns, .help = "How long a cached reply is used."),
	{0},
};

static const struct option rows[] = {
	ROW("name", NAME, struct model_step, name, .help = "Name of the model; default: that of the step."),
	ROW("runtime", TEXT, struct model_step, runtime, .effect = EFFECT_NONE, .help = "Kind of server that runs it."),
	ROW("storageUri", NAME, struct model_step, storage_uri,
	    .help = "Its address: `http://host:8080`, `grpc://host:8081/name`, `stub://name`, or an artifact that a Server loads."),
	ROW("modelSettings", MAP, struct model_step, settings, .rows = settings_rows, .help = "Data that is sent with every call."),
	ROW("server", TEXT, struct model_step, server, .help = "Name of the Server that has it."),
	ROW("requirements", NAMES, struct model_step, requirements,
	    .help = "Capabilities that its Server must have, if no Model lists them."),
	CALL_FORM_ROWS(struct model_step, form),
	ROW("cache", MAP, struct model_step, cache, .rows = cache_rows,
	    .help = "A cache of replies, which are used again for equal tensors."),
	ROW("local", NAME, struct model_step, local, .file = true,
	    .help = "File of a model that runs inside the worker: XGBoost's JSON, LightGBM's text, sluice_linear/1, sluice_mlp/1, "
		    "sluice_forest/1, or an isolation forest; also by http:, https: and s3: (with AWS_... of the environment). Its "
		    "input is rows of numbers, its output FP64: [rows], or [rows, classes]."),
	ROW("digest", TEXT, struct model_step, digest, .help = "SHA-256 of that file; a file with another digest is refused."),
	ROW("input", TEXT, struct model_step, input,
	    .help = "The only tensor that is sent; default: all, or for a local model the only numeric one."),
	ROW("output", TEXT, struct model_step, output,
	    .help = "A new name for the reply's tensor, if it is the only one; default for a local model: `predict`."),
	ROW("outputs", NAMES, struct model_step, outputs,
	    .help = "Outputs to request from the model, over REST and gRPC of the Open Inference Protocol. Other tensors of the "
		    "reply are dropped. A reply that lacks one of them is a REMOTE error. Default: the outputs that the model "
		    "gives without a request."),
	ROW("labels", NAMES, struct model_step, labels,
	    .help = "Names of a local model's classes, in its order. The class of each row is then added as the text tensor "
		    "`label`."),
	ROW("iterations", CHOICE, struct model_step, iterations, .choices = "best all", .fallback = "best",
	    .help = "The iterations to use of a local XGBoost model whose file names its best one, by early stopping: those up to "
		    "the best, as in XGBClassifier.load_model and MLServer, or all. `sluice plan` prints how many."),
	{0},
};

static const struct call_rules rules = {
	.targets = model_targets,
	.built_in = model_built_in,
	.answered = model_answered,
};

const struct step_kind step_model = {
	.name = "model",
	.summary = "Calls a model and gives its reply.",
	.example = "- name: predictor\n"
		   "  inputs: [features]\n"
		   "  model: {name: baseline-predictor, storageUri: \"grpc://mlserver:8081/baseline-predictor\"}\n",
	.options = rows,
	.options_size = sizeof(struct model_step),
	.shape = SHAPE_REPLACES,
	.calls = &rules,
	.describe = model_describe,
	.check = model_check,
	.infer = model_infer,
	.open = model_open,
	.run = model_run,
};
