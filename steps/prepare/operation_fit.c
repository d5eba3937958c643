/* operation_fit.c: Learning of the constants of a fitted file: one operation after the other, each from the output of
 * the earlier ones for every message. Only the columns that it learns from are kept in memory. */
#include <assert.h>

#include "base/memory.h"
#include "base/number/number.h"
#include "message/avro/mapped_cell.h"
#include "message/rows.h"
#include "steps/prepare/operations.h"

#define MESSAGE_BYTES_MAX ((size_t)1 << 30)
#define ROOM_FIRST 1024 /* rows; doubled when they are full */

/* The cells that one operation learns from, of all messages. */
struct fit_columns {
	struct arena *arena; /* where texts are kept */
	struct cells cells;
	struct text *texts;
	size_t room; /* of rows */
};

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "collecting the data for fit");
}

/* Room for as many more rows. */
static bool gathered_grow(struct fit_columns *all, size_t rows, bool texts)
{
	struct table *table = &all->cells.numbers;
	size_t room = all->room ? all->room : ROOM_FIRST;
	while (room < table->rows + rows)
		room *= 2;
	if (room == all->room && (texts ? (void *)all->texts : (void *)table->values))
		return true;
	if (texts) {
		struct text *more = memory_resize(all->texts, room * table->columns, sizeof *more);
		all->texts = more ? more : all->texts;
		all->room = more ? room : all->room;
		return more;
	}
	double *more = memory_resize(table->values, room * table->columns, sizeof *more);
	table->values = more ? more : table->values;
	all->room = more ? room : all->room;
	return more;
}

static bool gathered_add(struct fit_columns *all, const struct cells *cells, const struct operation_instruction *instruction,
			 struct error *error)
{
	struct table *table = &all->cells.numbers;
	const bool texts = cells->texts != NULL;
	if (cells->numbers.rows == 0)
		return true; /* what has no rows says nothing of columns either */
	all->cells.narrow = all->cells.narrow || cells->narrow;
	if (table->rows == 0) {
		table->columns = cells->numbers.columns;
	} else if (table->columns != cells->numbers.columns || texts != (all->texts != NULL)) {
		return error_set(error, ERROR_INPUT, instruction->place,
				 "`%s` cannot learn of %zu columns after messages with %zu, or of texts after numbers; give "
				 "messages of one form",
				 instruction->kind->name, cells->numbers.columns, table->columns);
	}
	if (!gathered_grow(all, cells->numbers.rows, texts))
		return out_of_memory(error);
	const size_t from = table->rows * table->columns, count = cells->numbers.rows * table->columns;
	for (size_t i = 0; texts && i < count; i++)
		all->texts[from + i] = text_copied(all->arena, cells->texts[i]);
	if (!texts && count) {
		assert(table->values); /* gathered_grow() made room */
		memcpy(table->values + from, cells->numbers.values, count * sizeof *table->values);
	}
	table->rows += cells->numbers.rows;
	return !arena_failed(all->arena) || out_of_memory(error);
}

/* Nothing finite can be learnt from an infinite number; scikit-learn refuses it too. */
static bool cells_finite(const struct cells *cells, const struct operation_instruction *instruction, struct error *error)
{
	const struct table *table = &cells->numbers;
	for (size_t i = 0; table->values && i < table->rows * table->columns; i++)
		if (__builtin_isinf(table->values[i]))
			return error_set(error, ERROR_INPUT, instruction->place,
					 "`%s` cannot learn from an infinite number, as column %zu of `" TEXT_FORMAT "` has it; "
					 "leave the field empty, or put `clip` with a bound before it",
					 instruction->kind->name, i % table->columns, TEXT_ARGUMENTS(cells->tensor->name));
	return true;
}

/* An error of texts, with the first that is no number. */
static void texts_show(const struct tensor *tensor, struct arena *arena, struct error *error)
{
	const struct text *texts = tensor->data;
	const struct error why = *error;
	double number;
	size_t at = 0;
	while (at + 1 < tensor->count && number_read_double(texts[at], &number))
		at++;
	if (tensor->count == 0)
		return;
	const struct cell cell = {.kind = CELL_TEXT, .value.text = texts[at]};
	*error = (struct error){0};
	(void)error_set(error, why.kind, why.place, "%s, and its element %zu is %s; send numbers, or apply it to other tensors",
			why.text, at, cell_shown(&cell, arena));
}

/* What an operation would get of every message, behind the program. */
static bool operation_fit_gather(const struct program *program, const struct operation_instruction *instruction,
				 const struct fit_source *source, struct fit_columns *all, struct error *error)
{
	struct arena *arena = arena_open(MESSAGE_BYTES_MAX);
	if (!arena)
		return out_of_memory(error);
	struct payload payload;
	size_t refused = 0;
	const struct scope scope = {0};
	source->rewind(source->context);
	for (; source->next(source->context, arena, &payload, error); arena_reset(arena)) {
		struct work work = {0};
		struct cells cells;
		const bool taken = work_begin(&work, program, &payload, &scope, arena, error) &&
				   program_run(program, &work, error) && instruction_cells(instruction, &work, &cells, error) &&
				   cells_finite(&cells, instruction, error);
		payload = (struct payload){0};
		if (taken && gathered_add(all, &cells, instruction, error))
			continue;
		if (error->kind == ERROR_INPUT && work.texts)
			texts_show(work.texts, arena, error);
		const struct error why = *error;
		if (error->kind != ERROR_INPUT || !source->refused(source->context, work.texts, error))
			break;
		refused++;
		*error = taken ? why : (struct error){0}; /* of unlike messages nobody knows which one is wrong */
		if (taken)
			break;
	}
	arena_close(arena);
	all->cells.texts = all->texts;
	if (error->kind == ERROR_NONE && all->cells.numbers.rows == 0)
		return error_set(error, ERROR_INPUT, instruction->place, "`%s` has nothing to learn from: %s",
				 instruction->kind->name, refused ? "the step refuses every message" : "there is no message");
	return error->kind == ERROR_NONE;
}

/* One operation: `learnt` are those above it, with their constants. */
static bool fit_one(const struct step *step, const struct item_list *above, const struct operation *operation,
		    struct operation *learnt, const struct fit_source *source, struct error *error)
{
	const struct operation_kind *kind = operation_kind_find(operation->row->name);
	struct program program;
	struct operation_target *target = arena_take(step->arena, 1, operation->row->item_size);
	if (!target)
		return out_of_memory(error);
	memcpy(target, operation->options, operation->row->item_size);
	target->fitted = (struct name){0};
	*learnt = (struct operation){operation->row, target, operation->place};
	const struct operation_instruction instruction = {.kind = kind,
							  .options = target,
							  .place = operation->place,
							  .target = *target,
							  .tensors = target_tensors(target, step->arena)};
	struct fit_columns all = {.arena = step->arena};
	bool good = program_make(step, above, step->kind->options[0].rows, step->arena, &program, error) &&
		    operation_fit_gather(&program, &instruction, source, &all, error) &&
		    kind->fit(target, &all.cells, step->arena, error);
	const char *remark = good && kind->remark ? kind->remark(target, &all.cells, step->arena) : NULL;
	fit_source_remark(source, remark);
	memory_give(all.cells.numbers.values);
	memory_give(all.texts);
	if (!good && !error->place.line)
		error->place = operation->place;
	return good;
}

bool operations_fit(struct step *step, const struct fit_source *source, struct buffer *file, struct error *error)
{
	const struct operations *self = step->options;
	const struct operation *operations = self->list.items;
	struct operation *all = ARENA_ARRAY(step->arena, struct operation, self->list.count);
	struct operation *learnt = ARENA_ARRAY(step->arena, struct operation, self->list.count);
	size_t count = 0;
	if (!all || !learnt)
		return out_of_memory(error);
	for (size_t i = 0; i < self->list.count; i++) {
		const struct operation_kind *kind = operation_kind_find(operations[i].row->name);
		const struct operation_target *target = operations[i].options;
		all[i] = operations[i];
		if (kind->is_file)
			return error_set(error, ERROR_CONFIG, operations[i].place,
					 "the step does not list what to learn: write its operations, each with `fitted: FILE`");
		if (!kind->fit || !target->fitted.text)
			continue;
		const struct item_list above = {i, all};
		if (!fit_one(step, &above, &operations[i], &all[i], source, error))
			return false;
		learnt[count++] = all[i];
	}
	if (count == 0)
		return error_set(error, ERROR_CONFIG, step->place,
				 "step `%s` has nothing to learn: give an operation `fitted: FILE` instead of constants",
				 step->name);
	operations_write(&(struct item_list){count, learnt}, file);
	return !buffer_failed(file) || out_of_memory(error);
}
