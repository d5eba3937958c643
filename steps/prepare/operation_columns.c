/* operation_columns.c: Operations on the columns of tensors: their selection, as doubles or texts, their run through
 * a chain of kinds or one that turns them, and their types. */
#include "base/number/number.h"
#include "message/columns.h"
#include "message/provenance.h"
#include "compiler/expression/expression_kernels.h"
#include "steps/prepare/operations.h"

/* ---- which columns ---- */

struct selection {
	size_t count;	     /* of columns that are worked on */
	const size_t *items; /* NULL: all */
};

static size_t columns_count(const struct tensor *tensor)
{
	return tensor->rank ? (size_t)tensor->shape[tensor->rank - 1] : 1;
}

static bool operation_columns_refuse(const struct operation_instruction *instruction, const struct work *work,
				     const struct tensor *tensor, struct error *error, const char *why)
{
	return error_set_tensor(error, instruction->place, "`%s` %s; `" TEXT_FORMAT "` is %s", instruction->kind->name,
				why ? why : "ran out of memory", TEXT_ARGUMENTS(tensor->name),
				tensor_type_text(work->arena, tensor));
}

/* By its name, where the tensor names its columns, else by its number. */
static bool column_find(const struct tensor *tensor, const char *written, struct arena *arena, size_t *column)
{
	int64_t number;
	const int64_t count = (int64_t)columns_count(tensor);
	if (columns_find(tensor->parameters, text_of(written), arena, column) && *column < (size_t)count)
		return true;
	if (!number_read_int64(text_of(written), &number))
		return false;
	number += number < 0 ? count : 0;
	*column = (size_t)number;
	return number >= 0 && number < count;
}

static bool select_columns(const struct operation_instruction *instruction, const struct work *work, const struct tensor *tensor,
			   struct selection *selection, struct error *error)
{
	const struct item_list *chosen = &instruction->target.columns;
	const struct scalar_item *items = chosen->items;
	*selection = (struct selection){.count = columns_count(tensor)};
	size_t *columns = chosen->count ? arena_take_raw(work->arena, chosen->count * sizeof *columns) : NULL;
	for (size_t i = 0; columns && i < chosen->count; i++)
		if (!column_find(tensor, items[i].text, work->arena, &columns[i]))
			return operation_columns_refuse(
				       instruction, work, tensor, error,
				       arena_print(work->arena,
						   "finds no column `%s`; name one that exists, or give its number from 0",
						   items[i].text)) ||
			       reply_blamed(error, tensor);
	if (chosen->count)
		*selection = (struct selection){chosen->count, columns};
	const size_t constants = instruction->kind->constants ? instruction->kind->constants(instruction) : 0;
	if (constants > 1 && constants != selection->count)
		return operation_columns_refuse(instruction, work, tensor, error,
						arena_print(work->arena,
							    "has %zu constants for %zu columns; give one, or one for each",
							    constants, selection->count));
	return !chosen->count || columns || error_memory(error, ERROR_LIMIT, "choosing columns");
}

/* ---- elements as doubles, and back ---- */

static void numbers_load(double *out, const struct tensor *tensor)
{
	if (tensor->datatype == DATATYPE_FP64) {
		memcpy(out, tensor->data, tensor->count * sizeof *out);
	} else if (tensor->datatype == DATATYPE_FP32) {
		floats_widen(out, tensor->data, tensor->count);
	} else {
		for (size_t i = 0; i < tensor->count; i++)
			out[i] = tensor_number(tensor, i);
	}
}

/* As what numbers leave that are computed of this datatype. */
static enum datatype float_for(enum datatype datatype)
{
	return datatype_rows[datatype].class == CLASS_FLOAT && datatype != DATATYPE_FP64 ? DATATYPE_FP32 : DATATYPE_FP64;
}

static void columns_gather(double *out, const double *in, size_t rows, size_t columns, const struct selection *selection)
{
	for (size_t row = 0; row < rows; row++, in += columns)
		for (size_t i = 0; i < selection->count; i++)
			*out++ = in[selection->items[i]];
}

static void columns_scatter(double *out, const double *in, size_t rows, size_t columns, const struct selection *selection)
{
	for (size_t row = 0; row < rows; row++, out += columns)
		for (size_t i = 0; i < selection->count; i++)
			out[selection->items[i]] = *in++;
}

/* ---- a chain on one copy ---- */

static bool has_nan(const struct tensor *tensor)
{
	bool found = false;
	if (tensor->datatype == DATATYPE_FP32)
		for (size_t i = 0; i < tensor->count; i++)
			found |= ((const float *)tensor->data)[i] != ((const float *)tensor->data)[i];
	else if (tensor->datatype == DATATYPE_FP64)
		for (size_t i = 0; i < tensor->count; i++)
			found |= ((const double *)tensor->data)[i] != ((const double *)tensor->data)[i];
	else
		found = datatype_rows[tensor->datatype].class == CLASS_FLOAT; /* FP16 and BF16 leave as FP32 anyway */
	return found;
}

/* Whether nothing in the tensor would change; all that may be wrong with it is said. */
static bool nothing_to_fill(const struct operation_instruction *first, const struct work *work, const struct tensor *tensor,
			    struct error *error)
{
	struct selection selection;
	for (size_t i = 0; i < first->chain; i++)
		if (!first[i].kind->fills || !select_columns(&first[i], work, tensor, &selection, error))
			return false;
	return !has_nan(tensor);
}

static bool link_apply(const struct operation_instruction *instruction, const struct work *work, const struct tensor *tensor,
		       double *values, struct error *error)
{
	struct selection selection;
	if (!select_columns(instruction, work, tensor, &selection, error))
		return false;
	const size_t columns = columns_count(tensor), rows = columns ? tensor->count / columns : 0;
	struct table table = {rows, selection.count, values};
	if (selection.items) {
		table.values = arena_take_raw(work->arena, rows * selection.count * sizeof *table.values);
		if (!table.values)
			return error_memory(error, ERROR_LIMIT, "choosing columns");
		columns_gather(table.values, values, rows, columns, &selection);
	}
	instruction->kind->apply(instruction, &table);
	if (selection.items)
		columns_scatter(values, table.values, rows, columns, &selection);
	return true;
}

static bool chain_run(const struct operation_instruction *first, struct work *work, const struct tensor *tensor, struct text name,
		      struct error *error)
{
	if (nothing_to_fill(first, work, tensor, error)) {
		const struct tensor *same = first->as.length ? tensor_renamed(work->arena, tensor, name) : tensor;
		if (same)
			work_put(work, same);
		return same || error_memory(error, ERROR_LIMIT, "naming a tensor");
	}
	if (error->kind)
		return false;
	const enum datatype datatype = float_for(tensor->datatype);
	void *elements;
	struct tensor *made = tensor_make(work->arena, name, datatype, tensor->shape, tensor->rank, &elements, error);
	double *values = datatype == DATATYPE_FP64 ? elements : arena_take_raw(work->arena, tensor->count * sizeof *values);
	if (!made || !values)
		return error_memory(error, ERROR_LIMIT, "computing with a tensor");
	made->parameters = tensor->parameters;
	numbers_load(values, tensor);
	for (size_t i = 0; i < first->chain; i++)
		if (!link_apply(&first[i], work, tensor, values, error))
			return false;
	if (datatype == DATATYPE_FP32)
		doubles_narrow(elements, values, tensor->count);
	work_put(work, made);
	return true;
}

/* ---- columns that become others ---- */

static bool cells_of(const struct operation_instruction *instruction, const struct work *work, const struct tensor *tensor,
		     struct cells *cells, struct error *error)
{
	struct selection selection;
	if (!select_columns(instruction, work, tensor, &selection, error))
		return false;
	const size_t columns = columns_count(tensor), rows = columns ? tensor->count / columns : 0;
	const bool texts = tensor->datatype == DATATYPE_BYTES;
	*cells = (struct cells){.tensor = tensor,
				.numbers = {.rows = rows, .columns = selection.count},
				.narrow = float_for(tensor->datatype) == DATATYPE_FP32};
	if (texts) {
		const struct text *all = tensor->data;
		struct text *chosen = NULL;
		if (selection.items && !(chosen = arena_take_raw(work->arena, rows * selection.count * sizeof *chosen)))
			return error_memory(error, ERROR_LIMIT, "choosing columns");
		for (size_t i = 0; chosen && i < rows * selection.count; i++)
			chosen[i] = all[i / selection.count * columns + selection.items[i % selection.count]];
		cells->texts = chosen ? chosen : all;
		return true;
	}
	double *values = arena_take_raw(work->arena, tensor->count * sizeof *values);
	double *chosen = selection.items ? arena_take_raw(work->arena, rows * selection.count * sizeof *chosen) : values;
	if (!values || !chosen)
		return error_memory(error, ERROR_LIMIT, "choosing columns");
	numbers_load(values, tensor);
	if (selection.items)
		columns_gather(chosen, values, rows, columns, &selection);
	cells->numbers.values = chosen;
	return true;
}

/* Whether the kind works on tensors of this class. */
static bool class_check(const struct operation_instruction *instruction, struct work *work, const struct tensor *tensor,
			struct error *error)
{
	const bool texts = tensor->datatype == DATATYPE_BYTES;
	if (texts && instruction->kind->takes == CELLS_NUMBERS) {
		work->texts = tensor;
		return operation_columns_refuse(instruction, work, tensor, error, "works on numbers") ||
		       reply_blamed(error, tensor);
	}
	return texts || instruction->kind->takes != CELLS_TEXTS ||
	       operation_columns_refuse(instruction, work, tensor, error, "works on texts") || reply_blamed(error, tensor);
}

bool instruction_cells(const struct operation_instruction *instruction, struct work *work, struct cells *cells, struct error *error)
{
	if (instruction->tensors.count != 1)
		return error_set(error, ERROR_CONFIG, instruction->place, "`%s` can be fitted of one tensor; write `tensor: NAME`",
				 instruction->kind->name);
	const struct tensor *tensor = work_find(work, instruction, instruction->tensors.items[0], error);
	return tensor && class_check(instruction, work, tensor, error) && cells_of(instruction, work, tensor, cells, error);
}

static enum datatype datatype_turned(const struct operation_instruction *instruction, enum datatype datatype)
{
	switch (instruction->kind->form(instruction)) {
	case TURNED_INTEGERS:
		return DATATYPE_INT64;
	case TURNED_FLOATS:
		return DATATYPE_FP32;
	case TURNED_NUMBERS:
		return float_for(datatype);
	case TURNED_TEXTS:
		break;
	}
	return DATATYPE_BYTES;
}

/* The shape that a rank has with other columns; the new rank. A row alone, reduced, is one
 * element. */
static uint32_t shape_turned(const struct operation_kind *kind, const int64_t *shape, uint32_t rank, int64_t width, int64_t *turned)
{
	uint32_t kept = rank ? rank - 1 : 0;
	for (uint32_t i = 0; i < kept; i++)
		turned[i] = shape[i];
	if (!kind->reduces || kept == 0)
		turned[kept++] = kind->reduces ? 1 : width;
	return kept;
}

static bool turn_run(const struct operation_instruction *instruction, struct work *work, const struct tensor *tensor,
		     struct text name, struct error *error)
{
	struct cells cells;
	if (!cells_of(instruction, work, tensor, &cells, error))
		return false;
	const size_t width =
		instruction->kind->width ? instruction->kind->width(instruction, cells.numbers.columns) : cells.numbers.columns;
	if (width == 0 && cells.numbers.columns)
		return operation_columns_refuse(instruction, work, tensor, error, "would make too many columns");
	int64_t shape[TENSOR_RANK_MAX];
	const uint32_t rank = shape_turned(instruction->kind, tensor->shape, tensor->rank, (int64_t)width, shape);
	void *elements;
	struct tensor *made =
		tensor_make(work->arena, name, datatype_turned(instruction, tensor->datatype), shape, rank, &elements, error);
	if (!made)
		return false;
	if (instruction->kind->reduces && cells.numbers.columns == 0 && made->count > 0)
		return operation_columns_refuse(instruction, work, tensor, error, "has no column to choose");
	const bool narrow = instruction->kind->form(instruction) == TURNED_NUMBERS && made->datatype == DATATYPE_FP32;
	double *wide = narrow ? arena_take_raw(work->arena, made->count * sizeof *wide) : NULL;
	if (narrow && !wide)
		return error_memory(error, ERROR_LIMIT, "computing with a tensor");
	const struct operation_run run = {instruction, work->arena, error};
	if (!instruction->kind->turn(&run, &cells, narrow ? wide : elements))
		return false;
	if (narrow)
		doubles_narrow(elements, wide, made->count);
	work_put(work, made);
	return true;
}

/* ---- on which tensors ---- */

static bool by_default(enum datatype_class class)
{
	return class != CLASS_BYTES && class != CLASS_BOOL;
}

static bool run_on(const struct operation_instruction *instruction, struct work *work, const struct tensor *tensor,
		   struct error *error)
{
	const struct operation_kind *kind = instruction->kind;
	const struct text name = instruction->as.length ? instruction->as : tensor->name;
	if (!class_check(instruction, work, tensor, error))
		return false;
	work->arena->work += tensor->count * instruction->chain;
	return kind->apply ? chain_run(instruction, work, tensor, name, error) : turn_run(instruction, work, tensor, name, error);
}

bool instruction_run_columns(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	for (size_t i = 0; i < instruction->tensors.count; i++) {
		const struct tensor *tensor = work_find(work, instruction, instruction->tensors.items[i], error);
		if (!tensor || !run_on(instruction, work, tensor, error))
			return false;
	}
	for (size_t i = 0; instruction->tensors.count == 0 && i < work->payload.tensors.count; i++)
		if (by_default(datatype_rows[work->items[i]->datatype].class) && !run_on(instruction, work, work->items[i], error))
			return false;
	return true;
}

/* ---- types ---- */

static bool constants_agree(const struct operation_instruction *instruction, struct text name, const struct value_type *type,
			    struct error *error)
{
	const size_t constants =
		instruction->kind->constants && !instruction->unknown ? instruction->kind->constants(instruction) : 0;
	const size_t chosen = instruction->target.columns.count;
	const int64_t columns = chosen ? (int64_t)chosen : !type->shape_known ? -1 : type->rank ? type->shape[type->rank - 1] : 1;
	if (constants < 2 || columns < 0 || (int64_t)constants == columns)
		return true;
	return error_set(error, ERROR_CONFIG, instruction->place,
			 "`%s` has %zu constants for the %lld columns of `" TEXT_FORMAT "`; give one, or one for each",
			 instruction->kind->name, constants, (long long)columns, TEXT_ARGUMENTS(name));
}

static bool refuse_name(const struct operation_instruction *instruction, const struct scalar_item *written,
			const struct tensor_type *tensor, struct arena *arena, struct error *error)
{
	struct columns columns;
	if (!columns_begin(&columns, *tensor->parameters, arena))
		return error_set(error, ERROR_CONFIG, written->place,
				 "`%s` finds no column `%s`: those of `" TEXT_FORMAT "` have no names; write a number from 0",
				 instruction->kind->name, written->text, TEXT_ARGUMENTS(tensor->name));
	return error_set(error, ERROR_CONFIG, written->place,
			 "`%s` finds no column `%s`: those of `" TEXT_FORMAT "` are " TEXT_FORMAT, instruction->kind->name,
			 written->text, TEXT_ARGUMENTS(tensor->name), TEXT_ARGUMENTS(columns.written));
}

/* Columns that cannot be there; names are known of mapped records alone. */
static bool columns_exist(const struct operation_instruction *instruction, const struct tensor_type *tensor, struct arena *arena,
			  struct error *error)
{
	const struct item_list *chosen = &instruction->target.columns;
	const struct scalar_item *items = chosen->items;
	const struct value_type *type = &tensor->type;
	const int64_t columns = !type->shape_known ? -1 : type->rank ? type->shape[type->rank - 1] : 1;
	for (size_t i = 0; i < chosen->count; i++) {
		const struct text written = text_of(items[i].text);
		int64_t number;
		size_t column;
		if (tensor->parameters && columns_find(*tensor->parameters, written, arena, &column) &&
		    (columns < 0 || column < (size_t)columns))
			continue;
		if (!number_read_int64(written, &number)) {
			if (tensor->parameters)
				return refuse_name(instruction, &items[i], tensor, arena, error);
		} else if (columns >= 0 && (number >= columns || number < -columns)) {
			return error_set(error, ERROR_CONFIG, items[i].place,
					 "`%s` finds no column %s: `" TEXT_FORMAT "` has %lld of them, counted from 0",
					 instruction->kind->name, items[i].text, TEXT_ARGUMENTS(tensor->name), (long long)columns);
		}
	}
	return true;
}

static struct value_type applied_type(const struct operation_instruction *instruction, const struct value_type *type)
{
	const bool integer = instruction->kind->fills && type->class != VALUE_FLOAT;
	if (!type->datatype_known || integer)
		return *type;
	struct value_type result = type_of_datatype(float_for(type->datatype));
	result.shape_known = type->shape_known;
	result.rank = type->rank;
	memcpy(result.shape, type->shape, sizeof result.shape);
	return result;
}

static struct value_type turned_type(const struct operation_instruction *instruction, const struct value_type *type)
{
	const struct operation_kind *kind = instruction->kind;
	struct value_type result = {0};
	if (type->datatype_known || kind->form(instruction) != TURNED_NUMBERS)
		result = type_of_datatype(datatype_turned(instruction, type->datatype));
	if (!type->shape_known)
		return result;
	const size_t chosen = instruction->target.columns.count;
	const int64_t columns = chosen ? (int64_t)chosen : type->rank ? type->shape[type->rank - 1] : 1;
	int64_t width = columns;
	if (kind->width)
		width = instruction->unknown || columns < 0 ? -1 : (int64_t)kind->width(instruction, (size_t)columns);
	result.shape_known = true;
	result.rank = shape_turned(kind, type->shape, type->rank, width, result.shape);
	return result;
}

static bool infer_on(const struct operation_instruction *instruction, struct typing *typing, struct text name, struct error *error)
{
	const struct operation_kind *kind = instruction->kind;
	struct tensor_type tensor;
	if (!typing_expect_tensor(typing, instruction, name, &tensor, error))
		return false;
	const struct value_type type = tensor.type;
	if (type.class == VALUE_TEXT && kind->takes == CELLS_NUMBERS)
		return error_set(error, ERROR_CONFIG, instruction->place, "`%s` works on numbers, and `" TEXT_FORMAT "` is BYTES",
				 kind->name, TEXT_ARGUMENTS(name));
	if (type.class != VALUE_TEXT && type.class != VALUE_UNKNOWN && kind->takes == CELLS_TEXTS)
		return error_set(error, ERROR_CONFIG, instruction->place,
				 "`%s` works on texts, and `" TEXT_FORMAT "` is of numbers", kind->name, TEXT_ARGUMENTS(name));
	if (!columns_exist(instruction, &tensor, typing->arena, error) || !constants_agree(instruction, name, &type, error))
		return false;
	const struct text result = instruction->as.length ? instruction->as : name;
	tensor = kind->apply ? (struct tensor_type){result, applied_type(instruction, &type), tensor.parameters}
			     : (struct tensor_type){result, turned_type(instruction, &type), NULL};
	return typing_put_tensor(typing, &tensor);
}

bool instruction_infer_columns(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	for (size_t i = 0; i < instruction->tensors.count; i++)
		if (!infer_on(instruction, typing, instruction->tensors.items[i], error))
			return false;
	for (size_t i = 0; instruction->tensors.count == 0 && i < typing->types.count; i++) {
		const struct tensor_type known = typing->types.items[i];
		const bool number = known.type.class == VALUE_INTEGER || known.type.class == VALUE_FLOAT;
		if (number && !infer_on(instruction, typing, known.name, error))
			return false;
	}
	return true;
}
