/* expression.c: the step that computes tensors from tensors.
 *
 * Each entry of `set` is evaluated in the order in which it was written and may use
 * those above it; an equal name is replaced. `drop` and `keep` come last. */
#include "steps/kinds.h"

struct setting {
	struct name name;
	const struct expression *value;
};

struct expression_options {
	struct item_list set; /* struct setting */
	struct name_list drop;
	struct name_list keep;
};

static bool listed(const struct name_list *names, struct text name)
{
	for (size_t i = 0; i < names->count; i++)
		if (text_is(name, names->items[i].text))
			return true;
	return false;
}

static bool set_all(const struct expression_options *self, struct visit *visit, struct tensors_builder *made, struct error *error)
{
	const struct setting *settings = self->set.items;
	for (size_t i = 0; i < self->set.count; i++) {
		struct tensors above = tensors_end(made);
		struct scope scope = visit_scope(visit, &above);
		const struct tensor *value = expression_evaluate(settings[i].value, &scope, visit_arena(visit), error);
		if (!value)
			return false;
		tensors_put(made, tensor_renamed(visit_arena(visit), value, text_of(settings[i].name.text)));
	}
	return true;
}

static bool all_there(const struct name_list *keep, struct tensors tensors, struct error *error)
{
	for (size_t i = 0; i < keep->count; i++)
		if (!tensors_find(tensors, text_of(keep->items[i].text)))
			return error_set(error, ERROR_INPUT, keep->items[i].place,
					 "no tensor `%s` to keep; name one that came, or set it", keep->items[i].text);
	return true;
}

static struct tensors picked(const struct expression_options *self, struct tensors tensors, struct arena *arena)
{
	if (self->drop.count == 0 && self->keep.count == 0)
		return tensors;
	struct tensors_builder left;
	tensors_begin(&left, arena, tensors.count);
	for (size_t i = 0; i < tensors.count; i++) {
		struct text name = tensors.items[i]->name;
		if (!listed(&self->drop, name) && (self->keep.count == 0 || listed(&self->keep, name)))
			tensors_add(&left, tensors.items[i]);
	}
	return tensors_end(&left);
}

static enum step_verdict expression_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct expression_options *self = step->options;
	struct arena *arena = visit_arena(visit);
	const struct payload *input = visit_input(visit);
	struct tensors_builder made, all;
	tensors_begin(&made, arena, self->set.count);
	if (!set_all(self, visit, &made, error))
		return STEP_FAIL;
	tensors_begin(&all, arena, input->tensors.count + made.count);
	for (size_t i = 0; i < input->tensors.count; i++)
		tensors_add(&all, input->tensors.items[i]);
	for (size_t i = 0; i < made.count; i++)
		tensors_put(&all, made.items[i]);
	if (!all_there(&self->keep, tensors_end(&all), error))
		return STEP_FAIL;
	struct payload *payload = arena_take_raw(arena, sizeof *payload);
	if (!payload) {
		error_memory(error, ERROR_LIMIT, "setting tensors");
		return STEP_FAIL;
	}
	*payload = *input;
	payload->tensors = picked(self, tensors_end(&all), arena);
	visit_emit(visit, payload);
	return STEP_DONE;
}

/* ---- types ---- */

/* What is known of the tensors while the settings are gone through. */
struct typing {
	bool complete;
	size_t count;
	struct tensor_type *items;
};

static struct tensor_type *typed(const struct typing *typing, struct text name)
{
	for (size_t i = 0; i < typing->count; i++)
		if (text_equal(typing->items[i].name, name))
			return &typing->items[i];
	return NULL;
}

static bool type_of_name(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	const struct tensor_type *found = name->owner.length ? NULL : typed(context, name->name);
	(void)suggest;
	*type = found ? found->type : (struct value_type){0};
	return true;
}

static void typing_put(struct typing *typing, struct text name, const struct value_type *type)
{
	struct tensor_type *there = typed(typing, name);
	if (!there)
		there = &typing->items[typing->count++];
	*there = (struct tensor_type){name, *type};
}

/* Of a `keep` all is known that leaves, if not its types. */
static bool typing_keep(const struct expression_options *self, struct typing *typing, struct error *error)
{
	for (size_t i = 0; i < self->keep.count; i++) {
		struct text name = text_of(self->keep.items[i].text);
		if (typed(typing, name))
			continue;
		if (typing->complete)
			return error_set(error, ERROR_CONFIG, self->keep.items[i].place,
					 "no tensor `%s` to keep; name one that comes, or set it", self->keep.items[i].text);
		typing_put(typing, name, &(struct value_type){0});
	}
	typing->complete = typing->complete || self->keep.count > 0;
	return true;
}

static void typing_pick(const struct expression_options *self, struct typing *typing)
{
	size_t left = 0;
	for (size_t i = 0; i < typing->count; i++) {
		struct text name = typing->items[i].name;
		if (!listed(&self->drop, name) && (self->keep.count == 0 || listed(&self->keep, name)))
			typing->items[left++] = typing->items[i];
	}
	typing->count = left;
}

static bool expression_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			     struct error *error)
{
	const struct expression_options *self = step->options;
	const struct setting *settings = self->set.items;
	struct typing typing = {in->complete, in->count,
				ARENA_ARRAY(arena, struct tensor_type, in->count + self->set.count + self->keep.count + 1)};
	const struct expression_types types = {&typing, type_of_name};
	if (!typing.items)
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	if (in->count)
		memcpy(typing.items, in->items, in->count * sizeof *in->items);
	for (size_t i = 0; i < self->set.count; i++) {
		struct value_type type;
		if (!expression_check(settings[i].value, &types, arena, &type, error))
			return false;
		typing_put(&typing, text_of(settings[i].name.text), &type);
	}
	if (!typing_keep(self, &typing, error))
		return false;
	typing_pick(self, &typing);
	*out = (struct tensor_types){typing.complete, typing.count, typing.items};
	return true;
}

static const struct option set_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct setting, name), .help = "Name of the tensor."},
	{.name = "value",
	 .type = OPTION_EXPRESSION,
	 .offset = offsetof(struct setting, value),
	 .required = true,
	 .short_form = true,
	 .help = "Expression that gives its elements."},
	{0},
};

static const struct option rows[] = {
	{.name = "set",
	 .type = OPTION_TABLE,
	 .offset = offsetof(struct expression_options, set),
	 .rows = set_rows,
	 .item_size = sizeof(struct setting),
	 .help = "Tensors to make, each by an expression; a name may use those above it."},
	{.name = "drop",
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct expression_options, drop),
	 .help = "Tensors that go no further."},
	{.name = "keep",
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct expression_options, keep),
	 .help = "The only tensors that go on; each must be there."},
	{0},
};

const struct step_kind step_expression = {
	.name = "expression",
	.summary = "Computes tensors from tensors.",
	.example = "- name: spread\n"
		   "  inputs: [signals]\n"
		   "  expression:\n"
		   "    set: {width: \"(x[0, 1] - x[0, 0]) / mid\"}\n"
		   "    drop: [x]\n",
	.options = rows,
	.options_size = sizeof(struct expression_options),
	.shape = SHAPE_ADDS,
	.infer = expression_infer,
	.run = expression_run,
};
