/* types.c: see types.h. Names in expressions are checked in type_names.c. */
#include "compiler/plan/types.h"

#include "base/arena_list.h"
#include "compiler/plan/type_bounds.h"
#include "compiler/graph/type_list.h"
#include "compiler/plan/type_names.h"
#include "compiler/yaml/fault_codes.h"

#define NAMES_SHOWN_MAX 8 /* of what is there instead, in a fault */

/* ---- words ---- */

static const char *names_text(const struct tensor_types *types, struct arena *arena)
{
	const char *text = "";
	for (size_t i = 0; i < types->count && text; i++) {
		if (i == NAMES_SHOWN_MAX)
			return arena_print(arena, "%s, ...", text);
		text = arena_print(arena, "%s%s`" TEXT_FORMAT "`", text, i ? ", " : "", TEXT_ARGUMENTS(types->items[i].name));
	}
	return types->count ? text : "nothing";
}

/* ---- the request ---- */

static struct value_type mapped_type(const struct input_tensor *tensor)
{
	struct value_type type = {0};
	enum datatype datatype;
	if (tensor->datatype && datatype_find(text_of(tensor->datatype), &datatype))
		type = type_of_datatype(datatype);
	type.shape_known = tensor->shape.count <= TENSOR_RANK_MAX;
	if (tensor->shape.count && type.shape_known) {
		type.rank = (uint32_t)tensor->shape.count;
		for (uint32_t i = 0; i < type.rank; i++)
			type.shape[i] = (int64_t)tensor->shape.items[i];
	} else if (tensor->paths.count) {
		type.rank = 2;
		type.shape[0] = 1;
		type.shape[1] = (int64_t)tensor->paths.count;
	} else {
		type.rank = 1;
		type.shape[0] = 1;
	}
	return type;
}

/* Of one path no column has a name. NULL: memory ran out. */
static const struct parameters *mapped_parameters(const struct input_tensor *tensor, struct arena *arena)
{
	struct parameters *parameters = ARENA_NEW(arena, struct parameters);
	struct text *paths = tensor->paths.count ? ARENA_ARRAY(arena, struct text, tensor->paths.count) : NULL;
	for (size_t i = 0; paths && i < tensor->paths.count; i++)
		paths[i] = text_of(tensor->paths.items[i].text ? tensor->paths.items[i].text : "");
	bool made = !tensor->paths.count || (paths && parameters && mapped_columns(arena, paths, tensor->paths.count, parameters));
	return made ? parameters : NULL;
}

static struct tensor_types request_types(const struct pipeline_input *input, struct arena *arena)
{
	const struct input_tensor *tensors = input->tensors.items;
	struct tensor_type *items = input->tensors.count ? ARENA_ARRAY(arena, struct tensor_type, input->tensors.count) : NULL;
	size_t count = 0;
	for (size_t i = 0; items && i < input->tensors.count; i++)
		if (tensors[i].name.text)
			items[count++] = (struct tensor_type){text_of(tensors[i].name.text), mapped_type(&tensors[i]),
							      mapped_parameters(&tensors[i], arena)};
	return (struct tensor_types){.complete = count > 0, .count = count, .items = items};
}

/* ---- joins ---- */

static const struct tensor_types *source_types(const struct inference *inference, const struct source *source)
{
	static const struct tensor_types unknown = {0};
	if (source->step == STEP_NONE)
		return &inference->types->request;
	if (!inference->done[source->step])
		return &unknown; /* the edge that closes a cycle */
	const struct step_types *types = &inference->types->steps[source->step];
	return source->point == SOURCE_STEP_INPUTS ? &types->inputs : &types->outputs;
}

static struct text types_renamed(const struct source *source, struct text name)
{
	for (size_t i = 0; i < source->rename_count; i++)
		if (text_equal(source->renames[i].from, name))
			return source->renames[i].to;
	return name;
}

/* A tensor that is read and can never be there. */
static void fault_missing(const struct inference *inference, const struct source *source, const struct tensor_types *given)
{
	fault_add(inference->faults, CODE_MISSING_TENSOR, source->place, types_nearest(given, source->tensor, inference->arena),
		  "`" TEXT_FORMAT "` is read here, and the tensors there are %s", TEXT_ARGUMENTS(source->reference),
		  names_text(given, inference->arena));
}

/* A tensor of a source, by the name that it has in the step. `sure`: it is not another source's. */
static struct tensor_type as_read(const struct source *source, const struct tensor_type *given, bool sure)
{
	return (struct tensor_type){types_renamed(source, given->name), given->type, sure ? given->parameters : NULL};
}

static void put_source(const struct inference *inference, const struct source *source, bool sure, struct tensor_types *into,
		       struct tensor_type *items)
{
	const struct tensor_types *given = source_types(inference, source);
	if (source->tensor.length == 0) {
		into->complete = into->complete && given->complete;
		for (size_t i = 0; i < given->count; i++)
			items[into->count++] = as_read(source, &given->items[i], sure);
		return;
	}
	const struct tensor_type *found = types_find(given, source->tensor);
	if (!found && given->complete)
		fault_missing(inference, source, given);
	const struct tensor_type unknown = {.name = source->tensor};
	items[into->count++] = as_read(source, found ? found : &unknown, sure);
}

/* What a join gives. Of joins that need not have all their sources, a tensor that is
 * not seen here may still be there, and one that is may be missing. */
static struct tensor_types join_types(const struct inference *inference, const struct join *join)
{
	if (join->count == 1 && join->sources[0].tensor.length == 0 && join->sources[0].rename_count == 0)
		return *source_types(inference, &join->sources[0]);
	size_t room = 0;
	for (size_t i = 0; i < join->count; i++)
		room += join->sources[i].tensor.length ? 1 : source_types(inference, &join->sources[i])->count;
	const bool sure = join->count == 1 || join->type == JOIN_INNER;
	struct tensor_types types = {.complete = sure};
	if (!type_bounds_take(inference->bounds, room))
		return (struct tensor_types){0};
	struct tensor_type *items = ARENA_ARRAY(inference->arena, struct tensor_type, room + 1);
	for (size_t i = 0; items && i < join->count; i++)
		put_source(inference, &join->sources[i], sure, &types, items);
	if (!items || !type_bounds_once(items, &types.count, inference->arena))
		return (struct tensor_types){0};
	types.items = items;
	return types;
}

/* Behind the join: whether the pipeline is refused for what would come out of it. */
static void check_bounds(const struct inference *inference, const char *what, struct place place, size_t count)
{
	struct type_bounds *bounds = inference->bounds;
	if (count > STEP_TENSORS_MAX && !inference->types->refused) {
		inference->types->refused = true;
		fault_add(inference->faults, CODE_MANY_TENSORS, place, NULL,
			  "more than %d tensors of one request would reach %s of pipeline `%s`: each step before it passes on "
			  "all that it reads",
			  STEP_TENSORS_MAX, what, inference->graph->name);
	}
	if (bounds->bytes_left == 0 && !bounds->spent) {
		bounds->spent = true;
		fault_add(inference->faults, CODE_LARGE_PIPELINE, place, NULL,
			  "from %s on, the tensors of pipeline `%s` are unknown: their types would need more than %zu MiB", what,
			  inference->graph->name, PIPELINE_TYPES_BYTES >> 20);
	}
}

/* ---- steps ---- */

static struct tensor_types without(const struct inference *inference, const struct tensor_types *types, struct text name)
{
	struct tensor_type *items = ARENA_ARRAY(inference->arena, struct tensor_type, types->count + 1);
	struct tensor_types result = {.complete = types->complete, .items = items};
	for (size_t i = 0; items && i < types->count; i++)
		if (!text_equal(types->items[i].name, name))
			items[result.count++] = types->items[i];
	return result;
}

static bool types_fits(const struct value_type *given, const struct value_type *wanted)
{
	if (given->datatype_known && wanted->datatype_known && given->datatype != wanted->datatype)
		return false;
	if (!given->shape_known || !wanted->shape_known)
		return true;
	if (given->rank != wanted->rank)
		return false;
	for (uint32_t i = 0; i < given->rank; i++)
		if (given->shape[i] >= 0 && wanted->shape[i] >= 0 && given->shape[i] != wanted->shape[i])
			return false;
	return true;
}

static void check_model(const struct inference *inference, size_t step, const struct model_signature *model,
			const struct tensor_types *given)
{
	const struct graph_step *of = &inference->graph->steps[step];
	const char *name = inference->called[step].name;
	for (size_t i = 0; i < model->inputs.count; i++) {
		const struct tensor_type *wanted = &model->inputs.items[i];
		const struct tensor_type *found = types_find(given, wanted->name);
		const struct place place = of->inputs.count ? of->inputs.sources[0].place : of->spec->name.place;
		if (!found && given->complete)
			fault_add(inference->faults, CODE_MISSING_TENSOR, place,
				  types_nearest(given, wanted->name, inference->arena),
				  "model `%s` of step `%s` takes `" TEXT_FORMAT "` %s, and what comes in is %s", name, of->name,
				  TEXT_ARGUMENTS(wanted->name), type_text(&wanted->type, inference->arena),
				  names_text(given, inference->arena));
		else if (found && !types_fits(&found->type, &wanted->type))
			fault_add(inference->faults, CODE_WRONG_TENSOR, place, NULL,
				  "step `%s` gets `" TEXT_FORMAT "` as %s, and its model `%s` takes %s", of->name,
				  TEXT_ARGUMENTS(wanted->name), type_text(&found->type, inference->arena), name,
				  type_text(&wanted->type, inference->arena));
	}
}

static const struct model_signature *signature_of(const struct inference *inference, size_t step)
{
	const struct called_model *called = &inference->called[step];
	const struct model_signature *known = called->name ? metadata_find(inference->metadata, called->name) : NULL;
	if (known || !called->name || !called->storage_uri)
		return known;
	return stub_signature(inference->arena, text_of(called->storage_uri));
}

/* Whether a source may give a tensor that goes by that name in the step. */
static bool may_give(const struct inference *inference, const struct source *source, struct text tensor)
{
	const struct tensor_types *given = source_types(inference, source);
	if (source->tensor.length)
		return text_equal(types_renamed(source, source->tensor), tensor);
	for (size_t i = 0; i < given->count; i++)
		if (text_equal(types_renamed(source, given->items[i].name), tensor))
			return true;
	return !given->complete;
}

/* The name in the request of what the step reads by that name; empty: it may come from elsewhere. */
static struct text request_tensor(const struct inference *inference, const struct join *inputs, struct text name)
{
	struct text found = {0};
	for (size_t i = 0; i < inputs->count; i++) {
		const struct source *source = &inputs->sources[i];
		const bool is_request = source->step == STEP_NONE;
		if (is_request && source->tensor.length == 0)
			found = name;
		if (is_request && source->tensor.length > 0 && text_equal(types_renamed(source, source->tensor), name))
			found = source->tensor;
		for (size_t j = 0; is_request && source->tensor.length == 0 && j < source->rename_count; j++)
			if (text_equal(source->renames[j].to, name))
				found = source->renames[j].from;
		if (!is_request && may_give(inference, source, name))
			return (struct text){0};
	}
	return found;
}

static void expected_add(const struct inference *inference, const struct join *inputs, const struct model_signature *model)
{
	struct tensor_types *expected = &inference->types->expected;
	for (size_t i = 0; i < model->inputs.count && expected->count < STEP_TENSORS_MAX; i++) {
		const struct text name = request_tensor(inference, inputs, model->inputs.items[i].name);
		struct tensor_type *items;
		if (name.length == 0 || types_find(expected, name) ||
		    !(items = arena_list_grow(inference->arena, expected->items, expected->count, sizeof *items)))
			continue;
		items[expected->count++] = (struct tensor_type){name, model->inputs.items[i].type, NULL};
		expected->items = items;
	}
}

/* A kind that combines its sources wants one tensor of each, or of as many as it needs. */
static void check_members(const struct inference *inference, size_t step)
{
	const struct graph_step *of = &inference->graph->steps[step];
	const struct step self = {.kind = of->spec->kind, .name = of->name, .options = of->spec->options, .place = of->spec->here};
	const struct source *sources = of->inputs.sources, *lacking = NULL;
	const struct step_facts facts = step_facts(&self);
	const struct text tensor = text_of(facts.member_tensor ? facts.member_tensor : "");
	const size_t need = facts.quorum.need ? facts.quorum.need : of->inputs.count;
	size_t giving = 0;
	if (!facts.member_tensor)
		return;
	for (size_t i = 0; i < of->inputs.count; i++)
		if (may_give(inference, &sources[i], tensor))
			giving++;
		else if (!lacking)
			lacking = &sources[i];
	if (lacking && giving < need)
		fault_add(inference->faults, CODE_WRONG_EXPRESSION, lacking->place,
			  types_nearest(source_types(inference, lacking), tensor, inference->arena),
			  "step `%s` combines the tensor `" TEXT_FORMAT "` of its members, and what `" TEXT_FORMAT "` gives is %s",
			  of->name, TEXT_ARGUMENTS(tensor), TEXT_ARGUMENTS(lacking->reference),
			  names_text(source_types(inference, lacking), inference->arena));
}

/* An `any` join takes the source that comes first: what one step gives comes together. */
static bool come_one_at_a_time(const struct graph_step *of)
{
	const struct source *sources = of->inputs.sources;
	bool apart = false;
	for (size_t i = 1; i < of->inputs.count; i++)
		apart |= sources[i].point != sources[0].point || sources[i].step != sources[0].step;
	return apart && of->inputs.type == JOIN_ANY;
}

static void check_joined(const struct inference *inference, size_t step)
{
	const struct graph_step *of = &inference->graph->steps[step];
	const struct step self = {.kind = of->spec->kind, .name = of->name, .options = of->spec->options, .place = of->spec->here};
	const struct merge_rules *rules = self.kind->merges;
	struct name *items = rules && rules->check ? ARENA_ARRAY(inference->arena, struct name, of->inputs.count + 1) : NULL;
	struct error error = {0};
	for (size_t i = 0; items && i < of->inputs.count; i++) {
		const struct source *source = &of->inputs.sources[i];
		const char *name = source->step == STEP_NONE ? inference->graph->name : inference->graph->steps[source->step].name;
		items[i] = (struct name){name, source->place};
	}
	const struct step_sources sources = {of->inputs.count, items, come_one_at_a_time(of)};
	if (items && !rules->check(&self, &sources, &error))
		fault_add(inference->faults, CODE_STEP_OPTIONS, error.place.line ? error.place : of->spec->options_here, NULL,
			  "step `%s`: %s", of->name, error.text);
}

/* Whether it asks its model for outputs by name. */
static bool step_asks(const struct step_spec *spec)
{
	const struct step self = {.kind = spec->kind, .options = spec->options};
	const struct name_list *asked = step_model_outputs(&self);
	return asked && asked->count > 0;
}

bool step_renames(const struct step_spec *spec)
{
	return spec->outputs.count == 1 && spec->outputs.items[0].text && !step_asks(spec);
}

/* The reference dialect: what the step declares is what it is known to give. */
static struct tensor_types declared_types(const struct inference *inference, const struct step_spec *spec,
					  struct tensor_types given)
{
	const char *only = step_renames(spec) ? spec->outputs.items[0].text : NULL;
	const bool idle = given.complete && (given.count != 1 || (only && text_is(given.items[0].name, only)));
	if (only && !idle)
		fault_add(inference->faults, CODE_RENAMED_OUTPUT, spec->outputs.items[0].place, NULL,
			  "the only tensor of the reply is renamed to `%s`, whatever it is called; to ask the model for that "
			  "output, write `model: {outputs: [%s]}`",
			  only, only);
	const size_t count = step_asks(spec) ? 0 : spec->outputs.count;
	struct tensor_type *items = count ? ARENA_ARRAY(inference->arena, struct tensor_type, count) : NULL;
	if (!items)
		return given;
	for (size_t i = 0; i < spec->outputs.count; i++) {
		struct text name = text_of(spec->outputs.items[i].text ? spec->outputs.items[i].text : "");
		const struct tensor_type *found = types_find(&given, name);
		bool single = count == 1 && given.complete && given.count == 1;
		items[i].name = name;
		items[i].type = found ? found->type : single ? given.items[0].type : (struct value_type){0};
	}
	return (struct tensor_types){.count = spec->outputs.count, .items = items};
}

static struct tensor_types types_by_shape(enum step_shape shape, const struct tensor_types *inputs)
{
	struct tensor_types outputs = {0};
	if (shape != SHAPE_REPLACES)
		outputs = *inputs;
	if (shape == SHAPE_ADDS)
		outputs.complete = false;
	return outputs;
}

/* A source that remembers whether a file was asked for. */
struct asked_file {
	const struct file_source *files;
	bool asked;
};

static bool asked_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	struct asked_file *asked = context;
	asked->asked = true;
	return asked->files->read(asked->files->context, file, digest, content, error);
}

/* Of a step with a file: what is wrong at a place of the options is wrong with the file, and
 * anything else with the tensors that come. */
static const char *code_of(const struct error *error, const struct asked_file *asked)
{
	if (!asked->asked)
		return CODE_WRONG_EXPRESSION;
	return error->place.line ? CODE_BAD_FILE : CODE_WRONG_TENSOR;
}

static void check_remarks(const struct inference *inference, const struct step *self, const struct tensor_types *inputs)
{
	static const char *const codes[] = {[REMARK_LARGE_STATE] = CODE_LARGE_STATE,
					    [REMARK_IDLE_OPTION] = CODE_IGNORED_SETTING,
					    [REMARK_CONSTANT_FEATURES] = CODE_CONSTANT_FEATURES,
					    [REMARK_UNDECLARED_ALARMS] = CODE_UNDECLARED_ALARMS,
					    [REMARK_UNWATCHABLE_FEATURES] = CODE_UNWATCHABLE_FEATURES};
	struct remark remarks[REMARK_SUBJECTS] = {0};
	if (self->kind->remark)
		self->kind->remark(self, inputs, inference->draws_laws, inference->arena, remarks);
	for (size_t i = 0; i < REMARK_SUBJECTS; i++)
		if (remarks[i].words)
			fault_add(inference->faults, codes[i], remarks[i].place, NULL, "step `%s`: %s", self->name,
				  remarks[i].words);
}

/* `named`: the names in its expressions were good, so that an error here is another. */
static struct tensor_types infer_by_kind(const struct inference *inference, size_t step, const struct tensor_types *inputs,
					 struct tensor_types outputs, bool named)
{
	const struct step_spec *spec = inference->graph->steps[step].spec;
	struct error error = {0};
	struct asked_file asked = {.files = inference->files};
	const struct file_source files = {&asked, asked_read};
	struct step self = {.kind = spec->kind,
			    .name = inference->graph->steps[step].name,
			    .pipeline = inference->graph->name,
			    .options = spec->options,
			    .place = spec->here,
			    .files = inference->files ? &files : NULL};
	const struct tensor_types before = outputs;
	check_remarks(inference, &self, inputs);
	asked.asked = false;
	if (spec->kind->infer(&self, inputs, inference->arena, &outputs, &error))
		return outputs;
	if (error.kind == ERROR_REMOTE) {
		self.files = NULL;
		outputs = before;
		error = (struct error){0};
		if (spec->kind->infer(&self, inputs, inference->arena, &outputs, &error))
			return outputs;
	}
	if (named && (error.kind == ERROR_CONFIG || error.kind == ERROR_INPUT))
		fault_add(inference->faults, code_of(&error, &asked), error.place.line ? error.place : spec->options_here, NULL,
			  "step `%s`: %s", self.name, error.text);
	return (struct tensor_types){0};
}

static const char *step_words(const struct inference *inference, size_t step)
{
	const char *words = arena_print(inference->arena, "step `%s`", inference->graph->steps[step].name);
	return words ? words : "a step";
}

static void infer_step(struct inference *inference, size_t step)
{
	const struct graph_step *of = &inference->graph->steps[step];
	struct step_types *types = &inference->types->steps[step];
	struct tensor_types inputs = join_types(inference, &of->inputs);
	inference->bounds->inputs[step] = type_bounds_joined(inference->bounds, &of->inputs);
	check_bounds(inference, step_words(inference, step), of->spec->name.place, inference->bounds->inputs[step]);
	bool named = type_names_check(inference, step, &inputs);
	if (of->model_switch.count)
		inputs = without(inference, &inputs, of->model_switch.decision);
	types->inputs = inputs;
	inference->done[step] = true;
	const struct model_signature *model = signature_of(inference, step);
	if (model) {
		check_model(inference, step, model, &inputs);
		expected_add(inference, &of->inputs, model);
	}
	if (model)
		types->outputs = model->outputs;
	else if (of->spec->kind)
		types->outputs = types_by_shape(of->spec->kind->shape, &inputs);
	if (of->spec->kind && of->spec->options) {
		check_members(inference, step);
		check_joined(inference, step);
	}
	if (of->spec->kind && of->spec->kind->infer && of->spec->options && !inference->bounds->spent)
		types->outputs = infer_by_kind(inference, step, &inputs, types->outputs, named);
	else if (inference->bounds->spent)
		types->outputs = (struct tensor_types){0};
	types->outputs = declared_types(inference, of->spec, types->outputs);
	if (types->outputs.items != inputs.items)
		(void)type_bounds_take(inference->bounds, types->outputs.count);
	type_bounds_given(inference->bounds, step, types, of->spec->kind && of->spec->kind->shape != SHAPE_REPLACES);
}

bool types_infer(const struct graph *graph, const struct called_model *called, const struct types_known *known,
		 struct arena *arena, struct faults *faults, struct graph_types *types)
{
	struct type_bounds bounds;
	struct awaited awaited = {
		.reader = STEP_NONE,
		.steps = ARENA_ARRAY(arena, bool, graph->count),
		.seen = ARENA_ARRAY(arena, bool, graph->count),
		.stack = ARENA_ARRAY(arena, size_t, graph->count),
	};
	struct inference inference = {
		.graph = graph,
		.called = called,
		.metadata = known->metadata,
		.files = known->files,
		.spec = known->spec,
		.draws_laws = known->draws_laws,
		.arena = arena,
		.faults = faults,
		.types = types,
		.done = ARENA_ARRAY(arena, bool, graph->count),
		.awaited = &awaited,
		.bounds = &bounds,
	};
	types->steps = ARENA_ARRAY(arena, struct step_types, graph->count);
	types->request = request_types(&graph->spec->input, arena);
	if (!type_bounds_open(&bounds, graph, known->bytes_left, arena) || arena_failed(arena))
		return false;
	const size_t bytes_before = bounds.bytes_left;
	for (size_t i = 0; i < graph->count && !arena_failed(arena); i++)
		infer_step(&inference, graph->order[i]);
	if (types->request.count > 0)
		types->expected = types->request;
	if (graph->has_output) {
		types->answer = join_types(&inference, &graph->output);
		check_bounds(&inference, "the answer", graph->resource->name.place, type_bounds_joined(&bounds, &graph->output));
	}
	if (known->bytes_left)
		*known->bytes_left -= bytes_before - bounds.bytes_left;
	return !arena_failed(arena);
}
