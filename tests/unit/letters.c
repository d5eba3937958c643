/* letters.c: see letters.h. */
#include "tests/unit/letters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "message/avro/schemas.h"

void letter_open(struct letter *letter, struct text bytes)
{
	letter_open_as(letter, "error", bytes);
}

void letter_open_as(struct letter *letter, const char *schema, struct text bytes)
{
	uint64_t fingerprint, written;
	struct error error = {0};
	assert_true(schema_fingerprint(schema_json(schema), &fingerprint, &error));
	assert_true(bytes.length > 10);
	assert_memory_equal(bytes.bytes, "\xC3\x01", 2);
	memcpy(&written, bytes.bytes + 2, sizeof written);
	assert_int_equal(written, fingerprint);
	assert_int_equal(avro_schema_from_json_length(schema_json(schema), strlen(schema_json(schema)), &letter->schema), 0);
	letter->class = avro_generic_class_from_schema(letter->schema);
	avro_generic_value_new(letter->class, &letter->value);
	avro_reader_t reader = avro_reader_memory(bytes.bytes + 10, (int64_t)bytes.length - 10);
	assert_int_equal(avro_value_read(reader, &letter->value), 0);
	char more;
	assert_int_not_equal(avro_read(reader, &more, 1), 0); /* nothing is left over */
	avro_reader_free(reader);
}

void letter_close(struct letter *letter)
{
	avro_value_decref(&letter->value);
	avro_value_iface_decref(letter->class);
	avro_schema_decref(letter->schema);
}

/* A union is looked through; a list gives its first item. */
static avro_value_t find(struct letter *letter, const char *path)
{
	avro_value_t value = letter->value, inner;
	char name[64];
	while (*path) {
		size_t length = strcspn(path, ".");
		assert_true(length < sizeof name);
		memcpy(name, path, length);
		name[length] = '\0';
		path += length + (path[length] == '.');
		assert_int_equal(avro_value_get_by_name(&value, name, &inner, NULL), 0);
		value = inner;
		if (avro_value_get_type(&value) == AVRO_UNION && avro_value_get_current_branch(&value, &inner) == 0)
			value = inner;
		if (avro_value_get_type(&value) == AVRO_ARRAY && avro_value_get_by_index(&value, 0, &inner, NULL) == 0)
			value = inner;
	}
	return value;
}

struct text letter_text(struct letter *letter, const char *path)
{
	avro_value_t value = find(letter, path);
	const void *bytes = NULL;
	size_t size = 0;
	if (avro_value_get_type(&value) == AVRO_STRING) {
		assert_int_equal(avro_value_get_string(&value, (const char **)&bytes, &size), 0);
		return (struct text){bytes, size - 1};
	}
	if (avro_value_get_type(&value) == AVRO_BYTES)
		assert_int_equal(avro_value_get_bytes(&value, &bytes, &size), 0);
	return (struct text){bytes, size};
}

int64_t letter_number(struct letter *letter, const char *path)
{
	avro_value_t value = find(letter, path);
	int32_t small = 0;
	int64_t large = 0;
	if (avro_value_get_type(&value) == AVRO_INT32)
		assert_int_equal(avro_value_get_int(&value, &small), 0);
	else
		assert_int_equal(avro_value_get_long(&value, &large), 0);
	return small + large;
}

const char *letter_kind(struct letter *letter)
{
	avro_value_t value = find(letter, "error.kind");
	int which = -1;
	assert_int_equal(avro_value_get_enum(&value, &which), 0);
	return avro_schema_enum_get(avro_value_get_schema(&value), which);
}
