/* tensor_files.c: see tensor_files.h. */
#include "tools/source/tensor_files.h"

#include "base/file.h"
#include "message/avro/avro.h"
#include "message/formats/npy.h"

/* Splits NAME=FILE. */
static bool item_split(const char *item, struct arena *arena, struct text *name, const char **path, struct error *error)
{
	const char *equals = strchr(item, '=');
	if (!equals || equals == item || equals[1] == '\0')
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "`--tensor %s` is not a name and a file; write it as in --tensor features=batch.npy", item);
	*name = (struct text){arena_copy(arena, item, (size_t)(equals - item)), (size_t)(equals - item)};
	*path = equals + 1;
	return name->bytes || error_memory(error, ERROR_SYSTEM, "reading a tensor");
}

static bool name_is_new(const struct tensor *const *tensors, size_t count, struct text name, struct error *error)
{
	for (size_t i = 0; i < count; i++)
		if (text_equal(tensors[i]->name, name))
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "`--tensor` has the name " TEXT_FORMAT " twice; give each tensor a name of its own",
					 TEXT_ARGUMENTS(name));
	return true;
}

static const struct tensor *tensor_read(const char *item, size_t bytes_max, struct arena *arena, struct error *error)
{
	struct text name = {NULL, 0}, bytes = {NULL, 0};
	const char *path = NULL;
	if (!item_split(item, arena, &name, &path, error) || !file_read(path, bytes_max + 1, arena, &bytes, error))
		return NULL;
	if (bytes.length > bytes_max)
		return error_null(error_set(error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu MiB that a request may have",
					    path, bytes_max >> 20));
	return npy_read(name, bytes, arena, error);
}

static bool request_write(const struct payload *payload, size_t bytes_max, struct arena *arena, struct text *request,
			  struct error *error)
{
	const struct message message = {.arena = arena};
	struct buffer record;
	buffer_open(&record, bytes_max);
	bool good = avro_request_encode(&message, payload, &record, error);
	*request = (struct text){good ? arena_copy(arena, record.bytes, record.length) : NULL, record.length};
	buffer_close(&record);
	return good && (request->bytes || error_memory(error, ERROR_SYSTEM, "writing a request"));
}

static const struct tensor **tensors_read(struct name_list items, size_t bytes_max, struct arena *arena, struct error *error)
{
	const struct tensor **tensors = ARENA_ARRAY(arena, const struct tensor *, items.count);
	if (!tensors)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading tensors"));
	for (size_t i = 0; i < items.count; i++) {
		tensors[i] = tensor_read(items.items[i].text, bytes_max, arena, error);
		if (!tensors[i] || !name_is_new(tensors, i, tensors[i]->name, error))
			return NULL;
	}
	return tensors;
}

bool tensor_files_request(struct name_list items, size_t bytes_max, struct arena *arena, struct text *request,
			  struct error *error)
{
	const struct tensor **tensors = tensors_read(items, bytes_max, arena, error);
	return tensors && request_write(&(struct payload){.tensors = {items.count, tensors}}, bytes_max, arena, request, error);
}

/* ---- rows ---- */

static bool rows_agree(const struct tensor_rows *rows, struct error *error)
{
	const struct tensor *first = rows->tensors[0];
	for (size_t i = 0; i < rows->tensor_count; i++) {
		const struct tensor *tensor = rows->tensors[i];
		if (tensor->rank == 0)
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "tensor " TEXT_FORMAT " is a single number, and each request is a row; add a dimension, "
					 "as by numpy.atleast_1d()",
					 TEXT_ARGUMENTS(tensor->name));
		if (tensor->shape[0] != first->shape[0])
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "tensor " TEXT_FORMAT " has %lld rows, and " TEXT_FORMAT
					 " has %lld; each request has a row of each tensor, so make them agree",
					 TEXT_ARGUMENTS(tensor->name), (long long)tensor->shape[0], TEXT_ARGUMENTS(first->name),
					 (long long)first->shape[0]);
	}
	return true;
}

bool tensor_rows_read(struct name_list items, size_t bytes_max, struct arena *arena, struct tensor_rows *rows, struct error *error)
{
	*rows = (struct tensor_rows){.tensor_count = items.count, .tensors = tensors_read(items, bytes_max, arena, error)};
	if (!rows->tensors || !rows_agree(rows, error))
		return false;
	rows->row_count = (size_t)rows->tensors[0]->shape[0];
	return true;
}

static const struct tensor *row_of(const struct tensor *tensor, size_t row, struct arena *arena)
{
	const size_t count = tensor->count / (size_t)tensor->shape[0];
	struct tensor *slice = ARENA_NEW(arena, struct tensor);
	int64_t *shape = ARENA_ARRAY(arena, int64_t, tensor->rank);
	if (!slice || !shape)
		return NULL;
	memcpy(shape, tensor->shape, tensor->rank * sizeof *shape);
	shape[0] = 1;
	*slice = *tensor;
	slice->shape = shape;
	slice->count = count;
	slice->data = (const char *)tensor->data + row * count * datatype_stride(tensor->datatype);
	return slice;
}

bool tensor_rows_request(const struct tensor_rows *rows, size_t row, size_t bytes_max, struct arena *arena, struct text *request,
			 struct error *error)
{
	const struct tensor **tensors = ARENA_ARRAY(arena, const struct tensor *, rows->tensor_count);
	bool good = tensors;
	for (size_t i = 0; good && i < rows->tensor_count; i++)
		good = (tensors[i] = row_of(rows->tensors[i], row, arena)) != NULL;
	if (!good)
		return error_memory(error, ERROR_LIMIT, "writing a request");
	return request_write(&(struct payload){.tensors = {rows->tensor_count, tensors}}, bytes_max, arena, request, error);
}
