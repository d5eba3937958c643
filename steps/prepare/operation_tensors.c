/* operation_tensors.c: Operations on the list of tensors: names, shapes, datatypes, expressions. */
#include "message/columns.h"
#include "steps/prepare/operations.h"

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_LIMIT, "running operations");
}

static bool no_types(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "inferring types");
}

/* ---- rename ---- */

/* What a tensor is called afterwards; the same when it is not renamed. */
static struct text new_name(const struct operation_entries *self, struct text name)
{
	const struct renaming *items = self->items.items;
	for (size_t i = 0; i < self->items.count; i++)
		if (text_is(name, items[i].from.text))
			return text_of(items[i].to.text);
	return name;
}

static bool is_taken(const struct operation_entries *self, struct text name)
{
	const struct renaming *items = self->items.items;
	for (size_t i = 0; i < self->items.count; i++)
		if (text_is(name, items[i].to.text))
			return true;
	return false;
}

/* All at once: a tensor whose name is given to another goes. */
static bool rename_run(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	const struct operation_entries *self = instruction->options;
	const struct renaming *items = self->items.items;
	for (size_t i = 0; i < self->items.count; i++)
		if (!work_find(work, instruction, text_of(items[i].from.text), error))
			return false;
	size_t left = 0;
	for (size_t i = 0; i < work->payload.tensors.count; i++) {
		const struct tensor *tensor = work->items[i];
		const struct text name = new_name(self, tensor->name);
		if (name.bytes != tensor->name.bytes)
			tensor = tensor_renamed(work->arena, tensor, name);
		else if (is_taken(self, name))
			continue;
		if (!tensor)
			return out_of_memory(error);
		work->items[left++] = tensor;
	}
	work->payload.tensors.count = left;
	return true;
}

static bool rename_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	const struct operation_entries *self = instruction->options;
	const struct renaming *items = self->items.items;
	struct tensor_type *tensors = ARENA_ARRAY(typing->arena, struct tensor_type, self->items.count + 1);
	for (size_t i = 0; tensors && i < self->items.count; i++) {
		if (!typing_expect_tensor(typing, instruction, text_of(items[i].from.text), &tensors[i], error))
			return false;
		tensors[i].name = text_of(items[i].to.text);
	}
	if (!tensors || !typing_own(typing))
		return no_types(error);
	struct tensor_type *list = typing->types.room->items;
	size_t left = 0;
	for (size_t i = 0; i < typing->types.count; i++)
		if (!is_taken(self, list[i].name) && text_equal(new_name(self, list[i].name), list[i].name))
			list[left++] = list[i];
	typing->types.count = typing->types.room->taken = left;
	for (size_t i = 0; i < self->items.count; i++)
		if (!typing_put_tensor(typing, &tensors[i]))
			return no_types(error);
	return true;
}

/* ---- drop, keep ---- */

static bool is_named(const void *context, struct text name)
{
	const struct operation_names *self = context;
	for (size_t i = 0; i < self->names.count; i++)
		if (text_is(name, self->names.items[i].text))
			return true;
	return false;
}

static bool is_not_named(const void *context, struct text name)
{
	return !is_named(context, name);
}

static void work_pick(struct work *work, bool (*stays)(const void *context, struct text name), const void *context)
{
	size_t left = 0;
	for (size_t i = 0; i < work->payload.tensors.count; i++)
		if (stays(context, work->items[i]->name))
			work->items[left++] = work->items[i];
	work->payload.tensors.count = left;
}

static bool drop_run(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	(void)error;
	work_pick(work, is_not_named, instruction->options);
	return true;
}

static bool drop_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	return typing_pick(typing, is_not_named, instruction->options) || no_types(error);
}

static bool keep_run(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	const struct operation_names *self = instruction->options;
	for (size_t i = 0; i < self->names.count; i++)
		if (!work_find(work, instruction, text_of(self->names.items[i].text), error))
			return false;
	work_pick(work, is_named, self);
	return true;
}

/* Of a `keep` all is known that leaves, if not its types. */
static bool keep_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	const struct operation_names *self = instruction->options;
	for (size_t i = 0; i < self->names.count; i++) {
		struct text name = text_of(self->names.items[i].text);
		const struct value_type *type = typing_expect(typing, instruction, name, error);
		if (!type)
			return false;
		if (!typing_find(typing, name) && !typing_put(typing, name, type))
			return no_types(error);
	}
	typing->types.complete = true;
	return typing_pick(typing, is_named, self) || no_types(error);
}

/* ---- cast ---- */

/* The three ways to a datatype, as expressions of `it`: from numbers, and from texts. */
struct cast {
	enum datatype to;
	const struct expression *numbers, *texts;
};

static bool cast_check(const void *options, struct place place, struct error *error)
{
	const struct operation_cast *self = options;
	return !self->target.columns.count ||
	       error_set(error, ERROR_CONFIG, place, "a tensor has one datatype; leave out `columns`");
}

static bool cast_make(const struct step *step, struct operation_instruction *instruction, struct arena *arena, struct error *error)
{
	const struct operation_cast *self = instruction->options;
	struct cast *cast = ARENA_NEW(arena, struct cast);
	const char *numbers = arena_print(arena, "cast(it, %s)", self->to),
		   *texts = arena_print(arena, "cast(number(it), %s)", self->to);
	(void)step;
	if (!cast || !numbers || !texts || !datatype_find(text_of(self->to), &cast->to))
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	if (cast->to == DATATYPE_BYTES || cast->to == DATATYPE_BOOL) {
		numbers = cast->to == DATATYPE_BYTES ? "text(it)" : "it != 0";
		texts = cast->to == DATATYPE_BYTES ? "it" : "it == \"true\"";
	}
	cast->numbers = expression_compile(arena, text_of(numbers), instruction->place, USE_MESSAGE, error);
	cast->texts = cast->numbers ? expression_compile(arena, text_of(texts), instruction->place, USE_MESSAGE, error) : NULL;
	instruction->made = cast;
	return cast->texts;
}

/* The columns are called as they were. NULL: memory ran out. */
static const struct tensor *with_columns(struct arena *arena, const struct tensor *made, const struct tensor *from)
{
	struct tensor *tensor = ARENA_NEW(arena, struct tensor);
	if (!tensor)
		return NULL;
	*tensor = *made;
	tensor->parameters = columns_parameters(from->parameters);
	return tensor;
}

static bool cast_one(const struct operation_instruction *instruction, struct work *work, const struct tensor *tensor,
		     struct error *error)
{
	const struct cast *cast = instruction->made;
	const struct text name = instruction->as.length ? instruction->as : tensor->name;
	const struct tensor *it = tensor_renamed(work->arena, tensor, TEXT("it"));
	const struct tensors made = {1, &it};
	struct scope scope = {.made = &made};
	if (!it)
		return out_of_memory(error);
	if (tensor->datatype == cast->to) {
		it = instruction->as.length ? tensor_renamed(work->arena, tensor, name) : tensor;
	} else {
		const bool texts = tensor->datatype == DATATYPE_BYTES;
		it = expression_evaluate_as(texts ? cast->texts : cast->numbers, name, &scope, work->arena, error);
		it = it ? with_columns(work->arena, it, tensor) : NULL;
	}
	if (!it)
		return out_of_memory(error);
	work_put(work, it);
	return true;
}

static bool cast_run(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	for (size_t i = 0; i < instruction->tensors.count; i++) {
		const struct tensor *tensor = work_find(work, instruction, instruction->tensors.items[i], error);
		if (!tensor || !cast_one(instruction, work, tensor, error))
			return false;
	}
	for (size_t i = 0; instruction->tensors.count == 0 && i < work->payload.tensors.count; i++) {
		const enum datatype_class class = datatype_rows[work->items[i]->datatype].class;
		if (class != CLASS_BYTES && class != CLASS_BOOL && !cast_one(instruction, work, work->items[i], error))
			return false;
	}
	return true;
}

static bool cast_type(const struct operation_instruction *instruction, struct typing *typing, struct text name, struct error *error)
{
	const struct cast *cast = instruction->made;
	struct tensor_type result;
	if (!typing_expect_tensor(typing, instruction, name, &result, error))
		return false;
	if (instruction->as.length)
		result.name = instruction->as;
	result.type.class = type_of_datatype(cast->to).class;
	result.type.datatype_known = true;
	result.type.datatype = cast->to;
	return typing_put_tensor(typing, &result) || no_types(error);
}

static bool cast_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	for (size_t i = 0; i < instruction->tensors.count; i++)
		if (!cast_type(instruction, typing, instruction->tensors.items[i], error))
			return false;
	for (size_t i = 0; instruction->tensors.count == 0 && i < typing->types.count; i++) {
		const struct tensor_type known = typing->types.items[i];
		const bool number = known.type.class == VALUE_INTEGER || known.type.class == VALUE_FLOAT;
		if (number && !cast_type(instruction, typing, known.name, error))
			return false;
	}
	return true;
}

/* ---- set ---- */

static size_t table_adds(const void *options)
{
	return ((const struct operation_entries *)options)->items.count;
}

static bool set_run(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	const struct operation_entries *self = instruction->options;
	const struct set_value *items = self->items.items;
	for (size_t i = 0; i < self->items.count; i++) {
		const struct tensor *value =
			expression_evaluate_as(items[i].value, text_of(items[i].name.text), &work->scope, work->arena, error);
		if (!value)
			return false;
		work_put(work, value);
	}
	return true;
}

static bool set_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	const struct operation_entries *self = instruction->options;
	const struct set_value *items = self->items.items;
	const struct expression_types types = {typing, typing_of_present};
	for (size_t i = 0; i < self->items.count; i++) {
		struct value_type type;
		if (!expression_check(items[i].value, &types, typing->arena, &type, error))
			return false;
		if (!typing_put(typing, text_of(items[i].name.text), &type))
			return no_types(error);
	}
	return true;
}

/* ---- a file that cannot be read here ---- */

static bool file_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	(void)instruction;
	(void)error;
	typing->types = (struct tensor_types){0};
	typing->own = false;
	return true;
}

const struct operation_kind operations_on_tensors[] = {
	{.name = "rename", .run = rename_run, .infer = rename_infer},
	{.name = "drop", .run = drop_run, .infer = drop_infer},
	{.name = "keep", .run = keep_run, .infer = keep_infer},
	{.name = "cast", .on_columns = true, .check = cast_check, .make = cast_make, .run = cast_run, .infer = cast_infer},
	{.name = "set", .adds = table_adds, .run = set_run, .infer = set_infer},
	{.name = "fitted", .is_file = true, .infer = file_infer},
	{0},
};
