/* tensor_files.c: see tensor_files.h. */
#include "cli/tensor_files.h"

#include "base/file.h"
#include "message/avro.h"
#include "message/npy.h"

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
	if (bytes.length > bytes_max) {
		error_set(error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu MiB that a request may have", path,
			  bytes_max >> 20);
		return NULL;
	}
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

bool tensor_files_request(struct name_list items, size_t bytes_max, struct arena *arena, struct text *request,
			  struct error *error)
{
	const struct tensor **tensors = ARENA_ARRAY(arena, const struct tensor *, items.count);
	if (!tensors)
		return error_memory(error, ERROR_SYSTEM, "reading tensors");
	for (size_t i = 0; i < items.count; i++) {
		tensors[i] = tensor_read(items.items[i].text, bytes_max, arena, error);
		if (!tensors[i] || !name_is_new(tensors, i, tensors[i]->name, error))
			return false;
	}
	return request_write(&(struct payload){.tensors = {items.count, tensors}}, bytes_max, arena, request, error);
}
