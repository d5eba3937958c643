/* operations.c: Implementation of a step of operations: its check, its program, its type inference, and its run; see
 * operations.h. */
#include "steps/prepare/operations.h"

bool numbers_rise(const struct number_list *list)
{
	for (size_t i = 1; i < list->count; i++)
		if (!(list->items[i - 1] < list->items[i]))
			return false;
	return list->count != 1 || list->items[0] == list->items[0];
}

static const struct operation_target *target_of(const struct operation_kind *kind, const void *options)
{
	return kind->on_columns ? options : NULL;
}

/* ---- checks ---- */

static bool target_check(const struct operation_kind *kind, const struct operation_target *target, struct place place,
			 struct error *error)
{
	if (target->tensor.text && target->tensors.count)
		return error_set(error, ERROR_CONFIG, target->tensor.place, "`%s` has `tensor` and `tensors`; write one of the two",
				 kind->name);
	if (target->as.text && !target->tensor.text && target->tensors.count != 1)
		return error_set(error, ERROR_CONFIG, target->as.place,
				 "`%s` names one result by `as` and works on several tensors; write `tensor` too", kind->name);
	if (kind->takes != CELLS_NUMBERS && !target->tensor.text && !target->tensors.count)
		return error_set(error, ERROR_CONFIG, place, "`%s` needs the name of its tensor; write `tensor: NAME`", kind->name);
	if (kind->turn && target->columns.count && !target->as.text)
		return error_set(error, ERROR_CONFIG, place,
				 "`%s` makes a tensor of the chosen columns only; name it by `as`, so that the others are kept",
				 kind->name);
	return true;
}

bool operations_check(const void *options, struct place place, struct error *error)
{
	const struct operations *self = options;
	const struct operation *operations = self->list.items;
	(void)place;
	for (size_t i = 0; i < self->list.count; i++) {
		const struct operation_kind *kind = operation_kind_find(operations[i].row->name);
		const struct operation_target *target = target_of(kind, operations[i].options);
		if (target && !target_check(kind, target, operations[i].place, error))
			return false;
		bool (*check)(const void *, struct place, struct error *) =
			target && target->fitted.text ? kind->settings : kind->check;
		if (check && !check(operations[i].options, operations[i].place, error))
			return false;
	}
	return true;
}

/* ---- making a program ---- */

struct operation_making {
	const struct step *step;
	const struct option *rows;
	struct arena *arena;
	struct program *program;
	size_t room;
};

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "making a list of operations");
}

struct texts target_tensors(const struct operation_target *target, struct arena *arena)
{
	const size_t count = target->tensor.text ? 1 : target->tensors.count;
	struct text *items = count ? ARENA_ARRAY(arena, struct text, count) : NULL;
	for (size_t i = 0; items && i < count; i++)
		items[i] = text_of(target->tensor.text ? target->tensor.text : target->tensors.items[i].text);
	return (struct texts){items ? count : 0, items};
}

/* Whether an operation of a file is the one that those options mean. */
static bool same_target(const struct operation_target *a, const struct operation_target *b)
{
	const struct name *names_a = a->tensor.text ? &a->tensor : a->tensors.items;
	const struct name *names_b = b->tensor.text ? &b->tensor : b->tensors.items;
	const size_t count = a->tensor.text ? 1 : a->tensors.count;
	const struct scalar_item *columns_a = a->columns.items, *columns_b = b->columns.items;
	if (count != (b->tensor.text ? 1 : b->tensors.count) || a->columns.count != b->columns.count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(names_a[i].text, names_b[i].text) != 0)
			return false;
	for (size_t i = 0; i < a->columns.count; i++)
		if (strcmp(columns_a[i].text, columns_b[i].text) != 0)
			return false;
	return true;
}

/* How many instructions above have been read from the same file, of that kind and target:
 * the same operation twice means the first of the file, and then the second. */
static size_t read_before(const struct program *program, const struct operation_kind *kind, const struct operation_target *target)
{
	size_t count = 0;
	for (size_t i = 0; i < program->count; i++) {
		const struct operation_instruction *above = &program->items[i];
		count += above->kind == kind && above->target.fitted.text &&
			 strcmp(above->target.fitted.text, target->fitted.text) == 0 && same_target(&above->target, target);
	}
	return count;
}

/* The options with the constants of their file. */
static bool find_fitted(struct operation_making *making, const struct operation_kind *kind,
			struct operation_instruction *instruction, struct error *error)
{
	const struct operation_target *target = &instruction->target;
	struct item_list list;
	if (!making->step->files) {
		instruction->unknown = true;
		return true;
	}
	if (!operations_read(making->step, &target->fitted, making->rows, making->arena, &list, error))
		return false;
	size_t skipped = read_before(making->program, kind, target);
	const struct operation *operations = list.items;
	for (size_t i = 0; i < list.count; i++) {
		if (operation_kind_find(operations[i].row->name) != kind || !same_target(operations[i].options, target))
			continue;
		instruction->options = operations[i].options;
		if (skipped-- == 0)
			return true;
	}
	return error_set(error, ERROR_CONFIG, target->fitted.place,
			 "`%s` has no `%s` for this %s; make it with `sluice fit preprocess`", target->fitted.text, kind->name,
			 target->tensor.text ? "tensor" : "list of tensors");
}

static bool instruction_add(struct operation_making *making, const struct operation *operation, const struct operation_kind *kind,
			    struct error *error)
{
	struct program *program = making->program;
	if (program->count == making->room) {
		const size_t room = 2 * making->room + 4;
		struct operation_instruction *items = ARENA_ARRAY(making->arena, struct operation_instruction, room);
		if (!items)
			return out_of_memory(error);
		if (program->count)
			memcpy(items, program->items, program->count * sizeof *items);
		program->items = items;
		making->room = room;
	}
	struct operation_instruction instruction = {
		.kind = kind, .options = operation->options, .place = operation->place, .chain = 1};
	const struct operation_target *target = target_of(kind, operation->options);
	if (target) {
		instruction.target = *target;
		instruction.as = text_of(target->as.text);
		instruction.tensors = target_tensors(target, making->arena);
		program->more += target->as.text != NULL;
	}
	program->more += kind->adds ? kind->adds(operation->options) : 0;
	if (target && target->fitted.text && !find_fitted(making, kind, &instruction, error))
		return false;
	if (kind->make && !instruction.unknown && !kind->make(making->step, &instruction, making->arena, error))
		return false;
	program->items[program->count++] = instruction;
	return !arena_failed(making->arena) || out_of_memory(error);
}

static bool list_add(struct operation_making *making, const struct item_list *list, bool in_file, struct error *error);

/* All operations of a file. */
static bool file_add(struct operation_making *making, const struct operation *operation, bool in_file, struct error *error)
{
	const struct operation_file *file = operation->options;
	struct item_list list;
	if (in_file)
		return error_set(error, ERROR_CONFIG, operation->place, "a fitted file names another, `%s`; write both in the step",
				 file->file.text);
	if (making->step->files)
		return operations_read(making->step, &file->file, making->rows, making->arena, &list, error) &&
		       list_add(making, &list, true, error);
	if (!instruction_add(making, operation, operation_kind_find("fitted"), error))
		return false;
	making->program->items[making->program->count - 1].unknown = true;
	return true;
}

static bool list_add(struct operation_making *making, const struct item_list *list, bool in_file, struct error *error)
{
	const struct operation *operations = list->items;
	for (size_t i = 0; i < list->count; i++) {
		const struct operation_kind *kind = operation_kind_find(operations[i].row->name);
		const bool added = kind->is_file ? file_add(making, &operations[i], in_file, error)
						 : instruction_add(making, &operations[i], kind, error);
		if (!added)
			return false;
	}
	return true;
}

static bool same_texts(struct texts a, struct texts b)
{
	bool same = a.count == b.count;
	for (size_t i = 0; same && i < a.count; i++)
		same = text_equal(a.items[i], b.items[i]);
	return same;
}

/* Whether `next` works in place on what `first`, with those between, leaves. */
static bool goes_on(const struct operation_instruction *first, const struct operation_instruction *next)
{
	const struct texts result = {1, &first->as};
	return next->kind->apply && next->as.length == 0 && same_texts(first->as.length ? result : first->tensors, next->tensors);
}

bool program_make(const struct step *step, const struct item_list *list, const struct option *rows, struct arena *arena,
		  struct program *program, struct error *error)
{
	struct operation_making making = {.step = step, .rows = rows, .arena = arena, .program = program};
	*program = (struct program){0};
	if (!list_add(&making, list, false, error))
		return false;
	for (size_t first = 0; first < program->count; first += program->items[first].chain) {
		struct operation_instruction *instruction = &program->items[first];
		while (instruction->kind->apply && first + instruction->chain < program->count &&
		       goes_on(instruction, &program->items[first + instruction->chain]))
			instruction->chain++;
	}
	return true;
}

/* ---- running it ---- */

bool work_begin(struct work *work, const struct program *program, const struct payload *input, const struct scope *scope,
		struct arena *arena, struct error *error)
{
	const size_t count = input->tensors.count;
	const struct tensor **items = arena_take_raw(arena, (count + program->more) * sizeof *items);
	if (!items)
		return error_memory(error, ERROR_LIMIT, "running operations");
	if (count)
		memcpy(items, input->tensors.items, count * sizeof *items);
	*work = (struct work){.arena = arena, .scope = *scope, .payload = *input, .items = items};
	work->payload.tensors.items = items;
	work->scope.payload = &work->payload;
	return true;
}

bool program_run(const struct program *program, struct work *work, struct error *error)
{
	for (size_t i = 0; i < program->count; i += program->items[i].chain) {
		const struct operation_instruction *instruction = &program->items[i];
		const bool done = instruction->kind->run ? instruction->kind->run(instruction, work, error)
							 : instruction_run_columns(instruction, work, error);
		if (!done)
			return false;
		if (arena_failed(work->arena))
			return error_memory(error, ERROR_LIMIT, "running operations");
	}
	return true;
}

static const struct option *rows_of(const struct step *step)
{
	return step->kind->options[0].rows;
}

bool operations_open(struct step *step, struct error *error)
{
	const struct operations *self = step->options;
	struct program *program = ARENA_NEW(step->arena, struct program);
	step->state = program;
	if (!program)
		return out_of_memory(error);
	return program_make(step, &self->list, rows_of(step), step->arena, program, error);
}

enum step_verdict operations_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct scope scope = visit_scope(visit, NULL);
	const struct program *program = step->state;
	struct work *work = arena_take_raw(visit_arena(visit), sizeof *work);
	if (!work) {
		error_memory(error, ERROR_LIMIT, "running operations");
		return STEP_FAIL;
	}
	if (!work_begin(work, program, visit_input(visit), &scope, visit_arena(visit), error) || !program_run(program, work, error))
		return STEP_FAIL;
	visit_emit(visit, &work->payload);
	return STEP_DONE;
}

/* ---- types ---- */

bool operations_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
		      struct error *error)
{
	const struct operations *self = step->options;
	struct program program;
	if (!program_make(step, &self->list, rows_of(step), arena, &program, error))
		return false;
	struct typing typing = {.types = *in, .arena = arena};
	for (size_t i = 0; i < program.count; i++) {
		const struct operation_instruction *instruction = &program.items[i];
		const bool done = instruction->kind->infer ? instruction->kind->infer(instruction, &typing, error)
							   : instruction_infer_columns(instruction, &typing, error);
		if (!done)
			return error->kind ? false : out_of_memory(error);
	}
	*out = typing.types;
	return true;
}
