/* expression.c: Step that computes tensors from tensors.
 *
 * The entries of `set` are evaluated in the order of the file; each may use earlier ones, and replaces a tensor of
 * the same name. `drop` and `keep` come last.
 */
#include "message/provenance.h"
#include "steps/kinds.h"
#include "steps/prepare/typing.h"

struct expression_setting {
	struct name name;
	const struct expression *value;
};

struct expression_options {
	struct item_list set; /* struct expression_setting */
	struct name_list drop;
	struct name_list keep;
};

/* The options with their names as texts, so that no visit measures them again. */
struct names {
	size_t count;
	struct text *items;
};

struct opened {
	struct names set; /* of each setting */
	struct names drop;
	struct names keep;
};

static struct names names_of(const struct name_list *list, struct arena *arena)
{
	struct names names = {list->count, ARENA_ARRAY(arena, struct text, list->count)};
	for (size_t i = 0; names.items && i < list->count; i++)
		names.items[i] = text_of(list->items[i].text);
	return names;
}

static inline bool listed(const struct names *names, struct text name)
{
	for (size_t i = 0; i < names->count; i++)
		if (text_equal_short(name, names->items[i]))
			return true;
	return false;
}

/* Whether a tensor goes on: it is not dropped, and kept when only some are. */
static inline bool stays(const struct names *drop, const struct names *keep, struct text name)
{
	return !listed(drop, name) && (keep->count == 0 || listed(keep, name));
}

static bool expression_open(struct step *step, struct error *error)
{
	const struct expression_options *self = step->options;
	const struct expression_setting *settings = self->set.items;
	struct opened *opened = ARENA_NEW(step->arena, struct opened);
	if (!opened)
		return error_memory(error, ERROR_SYSTEM, "opening a step of expressions");
	*opened = (struct opened){.set = {self->set.count, ARENA_ARRAY(step->arena, struct text, self->set.count)},
				  .drop = names_of(&self->drop, step->arena),
				  .keep = names_of(&self->keep, step->arena)};
	for (size_t i = 0; opened->set.items && i < self->set.count; i++)
		opened->set.items[i] = text_of(settings[i].name.text);
	step->state = opened;
	return !arena_failed(step->arena) || error_memory(error, ERROR_SYSTEM, "opening a step of expressions");
}

/* What leaves: as it grows, each expression reads it, and so sees what was set above. */
struct expression_outcome {
	struct payload payload;
	const struct tensor *items[]; /* of the payload */
};

static struct expression_outcome *outcome_begin(const struct payload *input, size_t more, struct arena *arena)
{
	size_t count = input->tensors.count;
	struct expression_outcome *outcome = arena_take_raw(arena, sizeof *outcome + (count + more) * sizeof *outcome->items);
	if (!outcome)
		return NULL;
	outcome->payload = *input;
	outcome->payload.tensors.items = outcome->items;
	for (size_t i = 0; i < count; i++)
		outcome->items[i] = input->tensors.items[i];
	return outcome;
}

/* In the place of the first of its name, else behind all. */
static void outcome_put(struct expression_outcome *outcome, const struct tensor *tensor)
{
	size_t at = 0;
	while (at < outcome->payload.tensors.count && !text_equal_short(outcome->items[at]->name, tensor->name))
		at++;
	outcome->items[at] = tensor;
	outcome->payload.tensors.count += at == outcome->payload.tensors.count;
}

/* By the general way, which needs to know the whole message. */
static __attribute__((noinline)) const struct tensor *evaluate_setting(const struct expression *value, struct text name,
								       struct visit *visit, const struct payload *payload,
								       struct scope *scope, struct error *error)
{
	if (!scope->payload) { /* of none of the settings before */
		*scope = visit_scope(visit, NULL);
		scope->payload = payload;
	}
	return expression_evaluate_as(value, name, scope, visit_arena(visit), error);
}

static bool set_all(const struct step *step, struct visit *visit, struct expression_outcome *outcome, struct error *error)
{
	const struct expression_options *self = step->options;
	const struct opened *opened = step->state;
	const struct expression_setting *settings = self->set.items;
	struct scope scope;
	scope.payload = NULL;
	for (size_t i = 0; i < self->set.count; i++) {
		const struct text name = opened->set.items[i];
		const struct tensor *value =
			expression_evaluate_briefly(settings[i].value, name, outcome->payload.tensors, visit_arena(visit));
		if (!value && !(value = evaluate_setting(settings[i].value, name, visit, &outcome->payload, &scope, error)))
			return false;
		outcome_put(outcome, value);
	}
	return true;
}

static bool all_there(const struct step *step, const struct payload *payload, struct error *error)
{
	const struct expression_options *self = step->options;
	const struct opened *opened = step->state;
	for (size_t i = 0; i < opened->keep.count; i++)
		if (!tensors_find(payload->tensors, opened->keep.items[i]))
			return !reply_lacks(payload, opened->keep.items[i], self->keep.items[i].place, "`keep`", error) &&
			       error_set(error, ERROR_INPUT, self->keep.items[i].place,
					 "no tensor `%s` to keep; name one that the message has, or set it",
					 self->keep.items[i].text);
	return true;
}

static void pick(const struct opened *opened, struct expression_outcome *outcome)
{
	size_t left = 0;
	for (size_t i = 0; i < outcome->payload.tensors.count; i++)
		if (stays(&opened->drop, &opened->keep, outcome->items[i]->name))
			outcome->items[left++] = outcome->items[i];
	outcome->payload.tensors.count = left;
}

static enum step_verdict expression_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct opened *opened = step->state;
	struct expression_outcome *outcome = outcome_begin(visit_input(visit), opened->set.count, visit_arena(visit));
	if (!outcome) {
		error_memory(error, ERROR_LIMIT, "setting tensors");
		return STEP_FAIL;
	}
	if (opened->set.count && !set_all(step, visit, outcome, error))
		return STEP_FAIL;
	if (opened->drop.count || opened->keep.count) {
		if (!all_there(step, &outcome->payload, error))
			return STEP_FAIL;
		pick(opened, outcome);
	}
	visit_emit(visit, &outcome->payload);
	return STEP_DONE;
}

/* ---- types ---- */

/* Of a `keep` all is known that leaves, if not its types. */
static bool typing_keep(const struct expression_options *self, struct typing *typing, struct error *error)
{
	for (size_t i = 0; i < self->keep.count; i++) {
		struct text name = text_of(self->keep.items[i].text);
		if (typing_find(typing, name))
			continue;
		if (typing->types.complete)
			return error_set(error, ERROR_CONFIG, self->keep.items[i].place,
					 "no tensor `%s` to keep; name one that comes, or set it", self->keep.items[i].text);
		if (!typing_put(typing, name, &(struct value_type){0}))
			return error_memory(error, ERROR_SYSTEM, "inferring types");
	}
	typing->types.complete = typing->types.complete || self->keep.count > 0;
	return true;
}

static bool stays_by(const void *context, struct text name)
{
	const struct opened *lists = context;
	return stays(&lists->drop, &lists->keep, name);
}

static bool typing_drop(const struct expression_options *self, struct typing *typing)
{
	const struct opened lists = {.drop = names_of(&self->drop, typing->arena), .keep = names_of(&self->keep, typing->arena)};
	if (lists.drop.count + lists.keep.count == 0)
		return true;
	return !arena_failed(typing->arena) && typing_pick(typing, stays_by, &lists);
}

static bool expression_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			     struct error *error)
{
	const struct expression_options *self = step->options;
	const struct expression_setting *settings = self->set.items;
	struct typing typing = {.types = *in, .arena = arena};
	const struct expression_types types = {&typing, typing_of_name};
	for (size_t i = 0; i < self->set.count; i++) {
		struct value_type type;
		if (!expression_check(settings[i].value, &types, arena, &type, error))
			return false;
		if (!typing_put(&typing, text_of(settings[i].name.text), &type))
			return error_memory(error, ERROR_SYSTEM, "inferring types");
	}
	if (!typing_keep(self, &typing, error))
		return false;
	if (!typing_drop(self, &typing))
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	*out = typing.types;
	return true;
}

static const struct option set_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct expression_setting, name), .help = "Name of the tensor."},
	ROW("value", EXPRESSION, struct expression_setting, value, .required = true, .short_form = true,
	    .help = "Expression that gives its elements."),
	{0},
};

static const struct option rows[] = {
	ROW("set", TABLE, struct expression_options, set, .rows = set_rows, .item_size = sizeof(struct expression_setting),
	    .least = 1, .help = "Tensors to make, each by an expression; a name may use those above it."),
	ROW("drop", NAMES, struct expression_options, drop, .least = 1, .help = "Tensors to remove."),
	ROW("keep", NAMES, struct expression_options, keep, .least = 1, .help = "The only tensors to keep; each must exist."),
	{0},
};

static bool expression_options_check(const void *filled, struct place place, struct error *error)
{
	const struct expression_options *self = filled;
	return self->set.count || self->drop.count || self->keep.count ||
	       error_set(error, ERROR_CONFIG, place, "`set`, `drop` or `keep` is missing; write at least one of them");
}

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
	.check = expression_options_check,
	.infer = expression_infer,
	.open = expression_open,
	.run = expression_run,
};
