/* mapped_fuzz.c: hostile events and hostile paths: nothing crashes or takes more
 * memory than the bytes account for. The input is a path on the first line and an
 * event behind it, JSON or a record of one of the schemas below.
 *
 * seeds: tests/data/mapped-*
 */
#include <stdint.h>
#include <stdlib.h>

#include "message/avro/mapped.h"

#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *arena;

static const char *schema_of(void *context, uint32_t id, struct error *error)
{
	(void)context;
	(void)error;
	switch (id) {
	case 0:
		return "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":"
		       "{\"type\":\"record\","
		       "\"name\":\"I\",\"fields\":[{\"name\":\"b\",\"type\":[\"null\",\"double\",\"string\"]},"
		       "{\"name\":\"c\",\"type\":\"int\"}]}}},"
		       "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":\"null\"}}},"
		       "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
		       "{\"name\":\"f\",\"type\":"
		       "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}},{\"name\":\"next\",\"type\":[\"null\",\"R\"]}]}";
	case 1:
		return "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":\"float\"}}";
	default:
		return NULL;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct schema_source source = {.by_id = schema_of};
	static const int64_t shape[] = {4};
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	if (!line)
		return 0;
	if (!arena)
		arena = arena_open(ARENA_BYTES);
	arena_reset(arena);
	struct text path = {(const char *)data, (size_t)(line - data)};
	struct text paths[] = {path, TEXT("a[1].c")};
	struct mapped_tensor tensors[] = {
		{.name = TEXT("free"), .path_count = 1, .paths = paths, .fallback = TEXT("0")},
		{.name = TEXT("padded"), .path_count = 1, .paths = paths, .has_datatype = true, .datatype = DATATYPE_BYTES,
		 .has_shape = true,
		 .rank = 1, .shape = shape, .pad = TEXT(""), .fallback = TEXT("none")},
		{.name = TEXT("columns"), .path_count = 2, .paths = paths, .columns = true, .fallback = TEXT("nan")},
	};
	struct error error = {0};
	struct mapped_input input = {.count = sizeof tensors / sizeof *tensors, .tensors = tensors, .key = TEXT("e")};
	const struct mapping *mapping = mapping_compile(arena, &input, &error);
	if (!mapping && error.kind != ERROR_CONFIG)
		abort();
	if (!mapping) { /* a path with [*] is no column */
		error = (struct error){0};
		input.count--;
		mapping = mapping_compile(arena, &input, &error);
	}
	struct message message = {.arena = arena};
	if (mapping && !mapped_decode(&message, mapping, (struct text){(const char *)line + 1, size - path.length - 1}, &source,
				      &error) &&
	    error.kind != ERROR_INPUT && error.kind != ERROR_LIMIT)
		abort();
	return 0;
}
