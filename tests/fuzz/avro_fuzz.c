/* avro_fuzz.c: our own Avro codec against avro-c. What ours takes, avro-c takes too,
 * and both write the same bytes of it. The other way round, that ours takes what
 * resolves through avro-c, is in avro_foreign_fuzz.c.
 *
 * seeds: tests/data/avro/request*.body
 */
#include <stdint.h>
#include <stdlib.h>

#include <avro.h>

#include "message/avro/avro.h"
#include "message/avro/schemas.h"

#define HEAD_BYTES 10
#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *arena;
static struct buffer out;
static avro_value_iface_t *class;
static avro_value_t value;
static avro_reader_t reader;
static avro_writer_t writer;
static char written[1 << 20];

static void set_up(void)
{
	avro_schema_t schema;
	const char *json = schema_json("request");
	arena = arena_open(ARENA_BYTES);
	buffer_open(&out, sizeof written);
	if (avro_schema_from_json_length(json, strlen(json), &schema))
		abort();
	class = avro_generic_class_from_schema(schema);
	reader = avro_reader_memory("", 0);
	writer = avro_writer_memory(written, sizeof written);
}

/* A record as avro-c writes what it read; 0 bytes when it refuses. The content must
 * have been read by ours already: avro-c takes memory by the lengths it meets. */
static struct text by_avro_c(struct text body)
{
	avro_reader_memory_set_source(reader, body.bytes, (int64_t)body.length);
	avro_writer_reset(writer);
	if (avro_value_read(reader, &value) || avro_value_write(writer, &value))
		return (struct text){NULL, 0};
	return (struct text){written, (size_t)avro_writer_tell(writer)};
}

/* Whether a mark of the record is for the headers of an answer: only a stage may say so. */
static bool has_header_marks(void)
{
	avro_value_t marks;
	avro_value_t mark;
	avro_value_t name;
	size_t count = 0;
	avro_value_get_by_name(&value, "marks", &marks, NULL);
	avro_value_get_size(&marks, &count);
	for (size_t i = 0; i < count; i++) {
		const char *text;
		size_t size = 0;
		avro_value_get_by_index(&marks, i, &mark, NULL);
		avro_value_get_by_name(&mark, "name", &name, NULL);
		avro_value_get_string(&name, &text, &size);
		if (!strncmp(text, MARK_OF_HEADER, strlen(MARK_OF_HEADER)))
			return true;
	}
	return false;
}

/* What ours does not keep makes the bytes differ: assignments, versions, an origin
 * without a topic, marks for headers. */
static bool keeps_all(void)
{
	avro_value_t field;
	avro_value_t branch;
	size_t assignments = 0;
	size_t versions = 0;
	int origin = 0;
	avro_value_get_by_name(&value, "assignments", &field, NULL);
	avro_value_get_size(&field, &assignments);
	avro_value_get_by_name(&value, "versions", &field, NULL);
	avro_value_get_size(&field, &versions);
	avro_value_get_by_name(&value, "origin", &field, NULL);
	avro_value_get_discriminant(&field, &origin);
	if (origin == 1) {
		size_t length = 0;
		const char *topic;
		avro_value_get_current_branch(&field, &branch);
		avro_value_get_by_name(&branch, "topic", &field, NULL);
		avro_value_get_string(&field, &topic, &length);
		origin = length > 1 ? 0 : 1;
	}
	return assignments == 0 && versions == 0 && origin == 0 && !has_header_marks();
}

static void compare(struct text body)
{
	struct error error = {0};
	struct message message = {.arena = arena};
	arena_reset(arena);
	buffer_clear(&out);
	if (!avro_request_read(&message, body, &error)) {
		if (error.kind != ERROR_INPUT && error.kind != ERROR_LIMIT)
			abort();
		return;
	}
	struct text theirs = by_avro_c(body);
	if (!theirs.bytes)
		abort();
	if (!keeps_all())
		return;
	if (!avro_request_encode(&message, &message.payload, &out, &error))
		abort();
	if (!text_equal((struct text){out.bytes + HEAD_BYTES, out.length - HEAD_BYTES}, theirs))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!arena)
		set_up();
	/* A value for each input: avro-c keeps pointers misaligned, where the leak checker
	 * does not see them. */
	avro_generic_value_new(class, &value);
	compare((struct text){(const char *)data, size});
	avro_value_decref(&value);
	return 0;
}
