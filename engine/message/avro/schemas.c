/* schemas.c: Canonical forms and fingerprints of Avro schemas, as the Avro specification defines them ("Parsing
 * Canonical Form", "Schema Fingerprints"). schemas/embed.sh creates the table of schemas. */
#include "message/avro/schemas.h"

#include <jansson.h>
#include <stdatomic.h>

#define CRC64_EMPTY UINT64_C(0xc15d213aa4d7a795)
#define CANONICAL_BYTES_MAX ((size_t)1 << 20) /* the largest schemas in use take a tenth of it */

const char *schema_json(const char *name)
{
	for (const struct schema *row = schema_table; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row->json;
	return NULL;
}

static uint64_t crc64(struct text bytes)
{
	uint64_t crc = CRC64_EMPTY;
	for (size_t i = 0; i < bytes.length; i++) {
		crc ^= (unsigned char)bytes.bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC64_EMPTY : 0);
	}
	return crc;
}

/* A literal without escapes but for the two characters that would end it: so no
 * name can be written to look like more than a name. */
static void put_characters(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] == '"' || text.bytes[i] == '\\')
			buffer_byte(out, '\\');
		buffer_byte(out, text.bytes[i]);
	}
}

static void put_literal(struct buffer *out, struct text text)
{
	buffer_byte(out, '"');
	put_characters(out, text);
	buffer_byte(out, '"');
}

static struct text text_of_json(const json_t *string)
{
	return (struct text){json_string_value(string), json_string_length(string)};
}

static bool is_primitive(struct text name)
{
	static const char *const primitives[] = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"};
	for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
		if (text_is(name, primitives[i]))
			return true;
	return false;
}

static bool is_full(struct text name)
{
	return name.length && memchr(name.bytes, '.', name.length);
}

/* A name with its namespace before it, which is the enclosing one unless it has
 * dots of its own. */
static void put_name(struct buffer *out, struct text name, struct text space)
{
	buffer_byte(out, '"');
	if (space.length && !is_full(name)) {
		put_characters(out, space);
		buffer_byte(out, '.');
	}
	put_characters(out, name);
	buffer_byte(out, '"');
}

/* The namespace that holds inside a named type. */
static struct text space_inside(const json_t *type, struct text space)
{
	struct text name = text_of_json(json_object_get(type, "name"));
	if (is_full(name)) {
		size_t length = name.length;
		while (name.bytes[length - 1] != '.')
			length--;
		return (struct text){name.bytes, length - 1};
	}
	const json_t *own = json_object_get(type, "namespace");
	return json_is_string(own) ? text_of_json(own) : space;
}

static bool put_type(struct buffer *out, const json_t *type, struct text space, struct error *error);

static bool not_a_schema(struct error *error, const char *what)
{
	return error_set(error, ERROR_INPUT, PLACE_NONE, "this is not an Avro schema: %s; register one that Avro can parse", what);
}

static bool put_fields(struct buffer *out, const json_t *fields, struct text space, struct error *error)
{
	if (!json_is_array(fields))
		return not_a_schema(error, "a record has no list of fields");
	buffer_string(out, ",\"fields\":[");
	for (size_t i = 0; i < json_array_size(fields); i++) {
		const json_t *field = json_array_get(fields, i);
		const json_t *name = json_object_get(field, "name");
		if (!json_is_string(name))
			return not_a_schema(error, "a field has no name");
		buffer_string(out, i ? ",{\"name\":" : "{\"name\":");
		put_literal(out, text_of_json(name));
		buffer_string(out, ",\"type\":");
		if (!put_type(out, json_object_get(field, "type"), space, error))
			return false;
		buffer_byte(out, '}');
	}
	buffer_byte(out, ']');
	return true;
}

static bool put_symbols(struct buffer *out, const json_t *symbols, struct error *error)
{
	if (!json_is_array(symbols))
		return not_a_schema(error, "an enum has no list of symbols");
	buffer_string(out, ",\"symbols\":[");
	for (size_t i = 0; i < json_array_size(symbols); i++) {
		if (i)
			buffer_byte(out, ',');
		put_literal(out, text_of_json(json_array_get(symbols, i)));
	}
	buffer_byte(out, ']');
	return true;
}

static bool put_named(struct buffer *out, const json_t *type, struct text kind, struct text space, struct error *error)
{
	const json_t *name = json_object_get(type, "name");
	if (!json_is_string(name))
		return not_a_schema(error, "a record, enum or fixed has no name");
	struct text inside = space_inside(type, space);
	buffer_string(out, "{\"name\":");
	put_name(out, text_of_json(name), inside);
	buffer_string(out, ",\"type\":");
	put_literal(out, kind);
	bool good = true;
	if (text_is(kind, "fixed"))
		buffer_print(out, ",\"size\":%lld", (long long)json_integer_value(json_object_get(type, "size")));
	else if (text_is(kind, "enum"))
		good = put_symbols(out, json_object_get(type, "symbols"), error);
	else
		good = put_fields(out, json_object_get(type, "fields"), inside, error);
	buffer_byte(out, '}');
	return good;
}

static bool put_object(struct buffer *out, const json_t *type, struct text space, struct error *error)
{
	const json_t *inner = json_object_get(type, "type");
	if (!json_is_string(inner))
		return put_type(out, inner, space, error);
	struct text kind = text_of_json(inner);
	bool is_array = text_is(kind, "array");
	if (is_array || text_is(kind, "map")) {
		buffer_string(out, is_array ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
		if (!put_type(out, json_object_get(type, is_array ? "items" : "values"), space, error))
			return false;
		buffer_byte(out, '}');
		return true;
	}
	if (text_is(kind, "record") || text_is(kind, "error") || text_is(kind, "enum") || text_is(kind, "fixed"))
		return put_named(out, type, kind, space, error);
	return put_type(out, inner, space, error);
}

/* Recursion is as deep as the JSON, which jansson bounds (2,048). */
static bool put_type(struct buffer *out, const json_t *type, struct text space, struct error *error)
{
	if (json_is_string(type)) {
		struct text name = text_of_json(type);
		put_name(out, name, is_primitive(name) ? (struct text){NULL, 0} : space);
		return true;
	}
	if (json_is_object(type))
		return put_object(out, type, space, error);
	if (!json_is_array(type))
		return not_a_schema(error, "a type is missing");
	buffer_byte(out, '[');
	for (size_t i = 0; i < json_array_size(type); i++) {
		if (i)
			buffer_byte(out, ',');
		if (!put_type(out, json_array_get(type, i), space, error))
			return false;
	}
	buffer_byte(out, ']');
	return true;
}

bool schema_canonical(const char *json, struct buffer *out, struct error *error)
{
	json_error_t fault;
	json_t *type = json_loads(json, JSON_DECODE_ANY, &fault);
	if (!type)
		return not_a_schema(error, fault.text);
	bool good = put_type(out, type, (struct text){NULL, 0}, error);
	json_decref(type);
	if (good && buffer_failed(out))
		return error_memory(error, ERROR_LIMIT, "reading a schema");
	return good;
}

bool schema_fingerprint(const char *json, uint64_t *fingerprint, struct error *error)
{
	struct buffer canonical;
	buffer_open(&canonical, CANONICAL_BYTES_MAX);
	bool good = schema_canonical(json, &canonical, error);
	if (good)
		*fingerprint = crc64(buffer_view(&canonical));
	buffer_close(&canonical);
	return good;
}

uint64_t schema_fingerprint_keep(const char *name, _Atomic uint64_t *kept)
{
	struct error error = {0};
	uint64_t fingerprint = 0;
	if (!schema_fingerprint(schema_json(name), &fingerprint, &error))
		return 0;
	atomic_store_explicit(kept, fingerprint, memory_order_relaxed);
	return fingerprint;
}
