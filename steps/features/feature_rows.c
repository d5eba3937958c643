/* feature_rows.c: see feature_rows.h. */
#include "steps/features/feature_rows.h"

#include "message/columns.h"

/* ---- reading ---- */

static bool part_is_sent(const struct feature_wanted *wanted, const struct tensor *tensor)
{
	return wanted->tensor.length == 0 || text_equal(tensor->name, wanted->tensor);
}

/* The tensors that are sent. A model that takes one tensor gets the named or the only numeric one. */
static bool parts_list(struct feature_rows *rows, const struct feature_wanted *wanted, struct arena *arena, struct error *error)
{
	const struct tensors tensors = rows->payload->tensors;
	size_t numeric = 0;
	rows->parts = ARENA_ARRAY(arena, struct feature_part, tensors.count);
	if (!rows->parts)
		return error_memory(error, ERROR_LIMIT, "explaining a message");
	for (size_t i = 0; i < tensors.count; i++) {
		const bool text = tensors.items[i]->datatype == DATATYPE_BYTES;
		if (!part_is_sent(wanted, tensors.items[i]) || (wanted->single && text))
			continue;
		numeric += !text;
		rows->parts[rows->part_count++].tensor = tensors.items[i];
	}
	if (rows->part_count == 0 && wanted->tensor.length)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "%s explains the tensor `" TEXT_FORMAT "`, which did not come as numbers", wanted->whose,
				 TEXT_ARGUMENTS(wanted->tensor));
	if (numeric == 0 || (wanted->single && numeric > 1))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "%s explains %s, and %zu numeric tensors came; name one with `input` of the model's step",
				 wanted->whose, wanted->single ? "one numeric tensor" : "numeric tensors", numeric);
	return true;
}

/* How many rows there are: by the first tensor of several dimensions. */
static size_t rows_count(const struct feature_rows *rows, size_t features)
{
	for (size_t i = 0; i < rows->part_count; i++)
		if (rows->parts[i].tensor->rank > 1)
			return (size_t)rows->parts[i].tensor->shape[0];
	const struct tensor *first = rows->parts[0].tensor;
	return features == 1 && rows->part_count == 1 ? first->count : 1;
}

static bool part_measure(struct feature_rows *rows, struct feature_part *part, const struct feature_wanted *wanted,
			 struct arena *arena, struct error *error)
{
	const struct tensor *tensor = part->tensor;
	const bool flat = tensor->rank < 2, each = tensor->count == rows->rows;
	const bool fits = flat ? each || rows->rows == 1 : (size_t)tensor->shape[0] == rows->rows;
	if (!fits)
		return error_set_tensor(error, PLACE_NONE, "%s explains %zu rows, and `" TEXT_FORMAT "` is %s", wanted->whose,
					rows->rows, TEXT_ARGUMENTS(tensor->name), tensor_type_text(arena, tensor));
	if (tensor->datatype == DATATYPE_BYTES)
		return true;
	part->columns = tensor->count / rows->rows;
	if (wanted->count && part->columns > wanted->count - rows->features)
		part->columns = wanted->count - rows->features;
	part->first = rows->features;
	rows->features += part->columns;
	return true;
}

/* False: the request does not name all its columns. A tensor of one column names it, if there are others beside it. */
static bool part_name(const struct feature_rows *rows, const struct feature_part *part, struct text *names, struct arena *arena)
{
	struct columns columns;
	struct text name;
	const struct text tensor = part->tensor->name;
	const bool single = part->tensor->count == rows->rows;
	bool named = part->columns > 0 && columns_begin(&columns, part->tensor->parameters, arena);
	for (size_t i = 0; i < part->columns; i++) {
		named = named && columns_next(&columns, &name);
		if (!named && !single) {
			const char *made = arena_print(arena, TEXT_FORMAT "[%zu]", TEXT_ARGUMENTS(tensor), i);
			name = made ? text_of(made) : tensor;
		}
		names[part->first + i] = named || !single ? name : tensor;
	}
	return named || part->columns == 0 || (single && rows->part_count > 1);
}

static bool values_read(struct feature_rows *rows, struct arena *arena, struct error *error)
{
	double *values = ARENA_ARRAY(arena, double, rows->rows * rows->features);
	struct text *names = ARENA_ARRAY(arena, struct text, rows->features);
	if (!values || !names)
		return error_memory(error, ERROR_LIMIT, "explaining a message");
	rows->named = true;
	for (size_t i = 0; i < rows->part_count; i++) {
		const struct feature_part *part = &rows->parts[i];
		rows->named = part_name(rows, part, names, arena) && rows->named;
		for (size_t row = 0; row < rows->rows; row++)
			for (size_t j = 0; j < part->columns; j++)
				values[row * rows->features + part->first + j] =
					tensor_number(part->tensor, row * (part->tensor->count / rows->rows) + j);
	}
	rows->values = values;
	rows->names = names;
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "explaining a message");
}

bool feature_rows_read(struct feature_rows *rows, const struct payload *payload, const struct feature_wanted *wanted,
		       struct arena *arena, struct error *error)
{
	*rows = (struct feature_rows){.payload = payload};
	if (!parts_list(rows, wanted, arena, error))
		return false;
	rows->rows = rows_count(rows, wanted->count);
	if (rows->rows == 0)
		return error_set_tensor(error, PLACE_NONE, "%s has no row to explain: the request has none", wanted->whose);
	for (size_t i = 0; i < rows->part_count; i++)
		if (!part_measure(rows, &rows->parts[i], wanted, arena, error))
			return false;
	if (rows->features < wanted->count)
		return error_set_tensor(error, PLACE_NONE, "%s explains %zu numbers a row, and %zu came", wanted->whose,
					wanted->count, rows->features);
	if (rows->features == 0)
		return error_set_tensor(error, PLACE_NONE, "%s has nothing to explain: the request has no numbers", wanted->whose);
	return values_read(rows, arena, error);
}

/* ---- writing ---- */

/* The shape of a tensor with `each` elements in each of so many rows. Returns its rank. */
static uint32_t part_shape(const struct feature_rows *rows, const struct tensor *tensor, size_t each, size_t count, int64_t *shape)
{
	const bool whole = each == tensor->count / rows->rows;
	shape[0] = (int64_t)count;
	shape[1] = (int64_t)each;
	if (tensor->rank < 2 || !whole)
		return tensor->rank < 2 && each == 1 ? 1 : 2;
	memcpy(shape + 1, tensor->shape + 1, (tensor->rank - 1) * sizeof *shape);
	return tensor->rank;
}

static const struct tensor *part_texts(const struct feature_rows *rows, const struct tensor *tensor, size_t row, size_t count,
				       struct arena *arena, struct error *error)
{
	const size_t each = tensor->count / rows->rows;
	int64_t shape[TENSOR_RANK_MAX];
	void *elements;
	const uint32_t rank = part_shape(rows, tensor, each, count, shape);
	struct tensor *made = tensor_make(arena, tensor->name, DATATYPE_BYTES, shape, rank, &elements, error);
	for (size_t i = 0; made && i < count * each; i++)
		((struct text *)elements)[i] = ((const struct text *)tensor->data)[row * each + i % each];
	return made;
}

static const struct tensor *part_numbers(const struct feature_rows *rows, const struct feature_part *part, const double *values,
					 size_t count, struct arena *arena, struct error *error)
{
	const struct tensor *tensor = part->tensor;
	int64_t shape[TENSOR_RANK_MAX];
	void *elements;
	const uint32_t rank = part_shape(rows, tensor, part->columns, count, shape);
	struct tensor *made = tensor_make(arena, tensor->name, tensor->datatype, shape, rank, &elements, error);
	for (size_t i = 0; made && i < count * part->columns; i++) {
		const double value = values[i / part->columns * rows->features + part->first + i % part->columns];
		if (tensor_store(elements, tensor->datatype, i, value))
			continue;
		return error_null(error_set(error, ERROR_INPUT, PLACE_NONE,
					    "`" TEXT_FORMAT "` is %s, and the background has %g there, which does not fit; "
					    "give a background with numbers that the model could get",
					    TEXT_ARGUMENTS(tensor->name), tensor_type_text(arena, tensor), value));
	}
	if (made)
		made->parameters = tensor->parameters;
	return made;
}

const struct payload *feature_rows_request(const struct feature_rows *rows, size_t row, const double *values, size_t count,
					   struct arena *arena, struct error *error)
{
	struct payload *request = ARENA_NEW(arena, struct payload);
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, rows->part_count);
	for (size_t i = 0; request && i < rows->part_count; i++) {
		const struct feature_part *part = &rows->parts[i];
		const struct tensor *tensor = part->tensor;
		const struct tensor *made = tensor->datatype == DATATYPE_BYTES
						    ? part_texts(rows, tensor, row, count, arena, error)
						    : part_numbers(rows, part, values, count, arena, error);
		if (!made)
			return NULL;
		tensors_add(&tensors, made);
	}
	if (!request || arena_failed(arena))
		return error_null(error_memory(error, ERROR_LIMIT, "perturbing a message"));
	*request = *rows->payload;
	request->marks = (struct tensors){0};
	request->tensors = tensors_end(&tensors);
	return request;
}
