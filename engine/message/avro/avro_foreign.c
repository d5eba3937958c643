/* avro_foreign.c: see avro_foreign.h.
 *
 * avro-c resolves a record only if the writer has every field of the reader, because it does not support
 * defaults. So the reader's schema is first reduced to the fields that the writer has. The other fields keep
 * their default, which is empty. */
#include "message/avro/avro_foreign.h"

#include "base/memory.h"
#include "message/avro/avro_walk.h"
#include "message/formats/raw.h"
#include "message/avro/schemas.h"

struct avro_resolution {
	avro_schema_t reader;
	avro_value_iface_t *reader_class;
	avro_value_iface_t *resolver;
	avro_value_t value;    /* of the reduced reader's schema */
	avro_value_t resolved; /* the same, as the writer's schema sees it */
	avro_reader_t bytes;
};

static avro_schema_t reduce(avro_schema_t reader, avro_schema_t writer);

/* Fields in the order of the reader; those that the writer has. The record takes the
 * writer's name, for avro-c compares names. */
static avro_schema_t reduce_record(avro_schema_t reader, avro_schema_t writer)
{
	avro_schema_t reduced = avro_schema_record(avro_schema_name(writer), avro_schema_namespace(writer));
	size_t count = avro_schema_record_size(reader);
	for (size_t i = 0; reduced && i < count; i++) {
		const char *name = avro_schema_record_field_name(reader, (int)i);
		avro_schema_t written = avro_walk_field(writer, name);
		if (!written)
			continue;
		avro_schema_t field = reduce(avro_schema_record_field_get_by_index(reader, (int)i), written);
		avro_schema_record_field_append(reduced, name, field);
		avro_schema_decref(field);
	}
	return reduced;
}

/* The writer's branch that is of the same kind as `branch`; `branch` where there is
 * none. */
static avro_schema_t counterpart(avro_schema_t branch, avro_schema_t writer)
{
	if (!is_avro_union(writer))
		return avro_typeof(writer) == avro_typeof(branch) ? writer : branch;
	for (size_t i = 0; i < avro_schema_union_size(writer); i++) {
		avro_schema_t other = avro_walk_target(avro_schema_union_branch(writer, (int)i));
		if (avro_typeof(other) == avro_typeof(branch))
			return other;
	}
	return branch;
}

static avro_schema_t reduce_union(avro_schema_t reader, avro_schema_t writer)
{
	avro_schema_t reduced = avro_schema_union();
	for (size_t i = 0; reduced && i < avro_schema_union_size(reader); i++) {
		avro_schema_t branch = avro_walk_target(avro_schema_union_branch(reader, (int)i));
		avro_schema_t kept = reduce(branch, counterpart(branch, writer));
		avro_schema_union_append(reduced, kept);
		avro_schema_decref(kept);
	}
	return reduced;
}

static bool is_text(avro_schema_t schema)
{
	return is_avro_string(schema) || is_avro_bytes(schema) || is_avro_enum(schema);
}

/* The reader's schema as far as the writer's goes; a reference of the caller's. An
 * enum, a string and bytes are read as they were written: what they say is looked up
 * by name, so that a writer who knows fewer symbols, or none, is understood. Our own
 * schema ends the recursion: nothing in it holds itself. */
static avro_schema_t reduce(avro_schema_t reader, avro_schema_t writer)
{
	reader = avro_walk_target(reader);
	writer = avro_walk_target(writer);
	if (is_avro_record(reader) && is_avro_record(writer))
		return reduce_record(reader, writer);
	if (is_avro_union(reader))
		return reduce_union(reader, writer);
	if (is_text(reader) && is_text(writer))
		return avro_schema_incref(writer);
	if (is_avro_array(reader) && is_avro_array(writer)) {
		avro_schema_t items = reduce(avro_schema_array_items(reader), avro_schema_array_items(writer));
		avro_schema_t reduced = avro_schema_array(items);
		avro_schema_decref(items);
		return reduced;
	}
	return avro_schema_incref(reader);
}

void avro_resolution_free(struct avro_resolution *resolution)
{
	if (!resolution)
		return;
	if (resolution->bytes)
		avro_reader_free(resolution->bytes);
	if (resolution->resolved.iface)
		avro_value_decref(&resolution->resolved);
	if (resolution->value.iface)
		avro_value_decref(&resolution->value);
	if (resolution->resolver)
		avro_value_iface_decref(resolution->resolver);
	if (resolution->reader_class)
		avro_value_iface_decref(resolution->reader_class);
	if (resolution->reader)
		avro_schema_decref(resolution->reader);
	memory_give(resolution);
}

/* avro_schema_match() is asked first: avro-c loses memory when it begins to resolve
 * what does not match. */
static bool resolution_fill(struct avro_resolution *made, avro_schema_t writer, const char *own_name)
{
	const char *json = schema_json(own_name);
	avro_schema_t whole;
	if (avro_schema_from_json_length(json, strlen(json), &whole))
		return false;
	made->reader = reduce(whole, writer);
	avro_schema_decref(whole);
	if (!avro_schema_match(writer, made->reader)) {
		avro_set_error("fields of one name have different types");
		return false;
	}
	made->bytes = avro_reader_memory("", 0);
	made->reader_class = avro_generic_class_from_schema(made->reader);
	made->resolver = avro_resolved_writer_new(writer, made->reader);
	if (!made->bytes || !made->reader_class || !made->resolver || avro_generic_value_new(made->reader_class, &made->value) ||
	    avro_resolved_writer_new_value(made->resolver, &made->resolved))
		return false;
	avro_resolved_writer_set_dest(&made->resolved, &made->value);
	return true;
}

static struct avro_resolution *resolution_make(avro_schema_t writer, const char *own_name, struct error *error)
{
	struct avro_resolution *made = memory_take(1, sizeof *made);
	if (!made)
		return error_null(error_memory(error, ERROR_SYSTEM, "resolving a schema"));
	if (resolution_fill(made, avro_walk_target(writer), own_name))
		return made;
	error_set(error, ERROR_INPUT, PLACE_NONE,
		  "the schema that the record names does not resolve to schemas/%s.avsc: %s; for other events, map fields with "
		  "input.tensors",
		  own_name, avro_strerror());
	avro_resolution_free(made);
	return NULL;
}

/* One record through avro-c, into resolution->value. The bytes are walked first, for
 * avro-c takes memory by the lengths it meets. */
static bool avro_foreign_resolve(struct avro_resolution *resolution, avro_schema_t writer, struct text body, struct error *error)
{
	struct avro_walk walk = avro_walk_of(body);
	if (!avro_walk_over(&walk, writer))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the Avro record is cut off or broken; write it with the schema that its first bytes name");
	if (avro_left(&walk.cursor))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "%zu bytes follow the Avro record; send one record in each message",
				 avro_left(&walk.cursor));
	avro_reader_memory_set_source(resolution->bytes, body.bytes, (int64_t)body.length);
	avro_value_reset(&resolution->value);
	if (avro_value_read(resolution->bytes, &resolution->resolved))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the Avro record does not resolve to our schema: %s; write what schemas/ shows",
				 avro_strerror());
	return true;
}

/* ---- from avro-c's values to ours ---- */

struct avro_foreign_taking {
	struct arena *arena;
	struct error *error;
};

static bool lacking(struct avro_foreign_taking *taking, const char *record, const char *field)
{
	return error_set(taking->error, ERROR_INPUT, PLACE_NONE,
			 "the record's schema has no field %s in its %s, or one of another type; write it as schemas/ shows, or "
			 "map its fields with input.tensors",
			 field, record);
}

static bool take_bytes(struct avro_foreign_taking *taking, const void *bytes, size_t size, struct text *text)
{
	char *copy = arena_copy(taking->arena, bytes, size);
	if (!copy)
		return error_memory(taking->error, ERROR_LIMIT, "reading an Avro record");
	*text = (struct text){copy, size};
	return true;
}

/* A string, bytes, or the symbol of an enum. */
static bool take_value_text(struct avro_foreign_taking *taking, avro_value_t *value, struct text *text)
{
	const void *bytes = NULL;
	const char *string = NULL;
	size_t size = 0;
	int symbol = 0;
	switch (avro_value_get_type(value)) {
	case AVRO_STRING:
		if (avro_value_get_string(value, &string, &size))
			return false;
		if (!text_is_utf8((struct text){string, size - 1}))
			return error_set(taking->error, ERROR_INPUT, PLACE_NONE,
					 "the Avro record has a string that is not UTF-8; write it so");
		return take_bytes(taking, string, size - 1, text);
	case AVRO_BYTES:
		return avro_value_get_bytes(value, &bytes, &size) == 0 && take_bytes(taking, bytes, size, text);
	case AVRO_ENUM:
		if (avro_value_get_enum(value, &symbol))
			return false;
		string = avro_schema_enum_get(avro_value_get_schema(value), symbol);
		return string && take_bytes(taking, string, strlen(string), text);
	default:
		return false;
	}
}

/* A field that may be missing: then `text` stays. */
static bool take_text(struct avro_foreign_taking *taking, avro_value_t *record, const char *name, struct text *text)
{
	avro_value_t field;
	if (avro_value_get_by_name(record, name, &field, NULL))
		return true;
	return take_value_text(taking, &field, text) || lacking(taking, "record", name);
}

static bool take_version(struct avro_foreign_taking *taking, avro_value_t *record, struct payload *payload)
{
	struct text version = {NULL, 0};
	bool good = take_text(taking, record, "model_version", &version);
	payload_set_version(payload, taking->arena, version);
	return good;
}

static bool has_field(avro_value_t *record, const char *name)
{
	avro_value_t field;
	return avro_value_get_by_name(record, name, &field, NULL) == 0;
}

static int64_t long_of(avro_value_t *record, const char *name)
{
	avro_value_t field;
	int64_t wide = 0;
	int32_t narrow = 0;
	if (avro_value_get_by_name(record, name, &field, NULL))
		return 0;
	if (avro_value_get_type(&field) == AVRO_INT32)
		return avro_value_get_int(&field, &narrow) == 0 ? narrow : 0;
	return avro_value_get_long(&field, &wide) == 0 ? wide : 0;
}

/* The record that a union of null and a record holds; false for null and for a field
 * that is missing. */
static bool present(avro_value_t *record, const char *name, avro_value_t *inner)
{
	avro_value_t field;
	return avro_value_get_by_name(record, name, &field, NULL) == 0 && avro_value_get_current_branch(&field, inner) == 0 &&
	       avro_value_get_type(inner) == AVRO_RECORD;
}

/* The items of a list; 0 when it is missing. */
static size_t list_of(avro_value_t *record, const char *name, avro_value_t *list)
{
	size_t count = 0;
	if (avro_value_get_by_name(record, name, list, NULL) || avro_value_get_size(list, &count))
		return 0;
	return count;
}

static bool take_parameter(struct avro_foreign_taking *taking, avro_value_t *record, struct parameter *parameter)
{
	avro_value_t value;
	avro_value_t held;
	int flag = 0;
	if (!has_field(record, "name") || avro_value_get_by_name(record, "value", &value, NULL) ||
	    avro_value_get_current_branch(&value, &held))
		return lacking(taking, "parameters", "name or value");
	if (!take_text(taking, record, "name", &parameter->name))
		return false;
	switch (avro_value_get_type(&held)) {
	case AVRO_BOOLEAN:
		parameter->type = PARAMETER_FLAG;
		avro_value_get_boolean(&held, &flag);
		parameter->value.flag = flag != 0;
		return true;
	case AVRO_INT64:
		parameter->type = PARAMETER_INTEGER;
		avro_value_get_long(&held, &parameter->value.integer);
		return true;
	case AVRO_DOUBLE:
		parameter->type = PARAMETER_NUMBER;
		avro_value_get_double(&held, &parameter->value.number);
		return true;
	case AVRO_RECORD:
		parameter->type = PARAMETER_UNSIGNED;
		parameter->value.natural = (uint64_t)long_of(&held, "bits");
		return true;
	default:
		parameter->type = PARAMETER_TEXT;
		return take_value_text(taking, &held, &parameter->value.text) || lacking(taking, "parameters", "value");
	}
}

static bool take_parameters(struct avro_foreign_taking *taking, avro_value_t *record, struct parameters *parameters)
{
	avro_value_t list;
	size_t count = list_of(record, "parameters", &list);
	if (count == 0)
		return true;
	struct parameter *items = ARENA_ARRAY(taking->arena, struct parameter, count);
	if (!items)
		return error_memory(taking->error, ERROR_LIMIT, "reading an Avro record");
	for (size_t i = 0; i < count; i++) {
		avro_value_t item;
		avro_value_get_by_index(&list, i, &item, NULL);
		if (!take_parameter(taking, &item, &items[i]))
			return false;
	}
	*parameters = (struct parameters){count, items};
	return true;
}

static bool take_shape(struct avro_foreign_taking *taking, avro_value_t *record, struct tensor *tensor)
{
	avro_value_t list;
	size_t rank = list_of(record, "shape", &list);
	if (rank > TENSOR_RANK_MAX)
		return shape_count(tensor->name, NULL, rank, &tensor->count, taking->error);
	int64_t *shape = arena_take_raw(taking->arena, rank * sizeof *shape);
	if (!shape)
		return error_memory(taking->error, ERROR_LIMIT, "reading an Avro record");
	for (size_t i = 0; i < rank; i++) {
		avro_value_t item;
		avro_value_get_by_index(&list, i, &item, NULL);
		if (avro_value_get_long(&item, &shape[i]))
			return lacking(taking, "tensors", "shape");
	}
	tensor->shape = shape;
	tensor->rank = (uint32_t)rank;
	return shape_count(tensor->name, shape, rank, &tensor->count, taking->error);
}

static const struct tensor *take_tensor(struct avro_foreign_taking *taking, avro_value_t *record)
{
	static const char *const needed[] = {"name", "datatype", "shape", "data"};
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		if (!has_field(record, needed[i]))
			return error_null(lacking(taking, "tensors", needed[i]));
	}
	struct tensor *tensor = ARENA_NEW(taking->arena, struct tensor);
	struct text datatype = {NULL, 0};
	struct text data = {NULL, 0};
	if (!tensor)
		return error_null(error_memory(taking->error, ERROR_LIMIT, "reading an Avro record"));
	if (!take_text(taking, record, "name", &tensor->name) || !take_text(taking, record, "datatype", &datatype))
		return NULL;
	if (!datatype_find(datatype, &tensor->datatype))
		return error_null(error_set_tensor(taking->error, PLACE_NONE,
						   "tensor " TEXT_FORMAT " has the datatype " TEXT_FORMAT ", which is none",
						   TEXT_ARGUMENTS(tensor->name), TEXT_ARGUMENTS(datatype)));
	if (!take_shape(taking, record, tensor) || !take_text(taking, record, "data", &data) ||
	    !raw_read(tensor, data, taking->arena, taking->error) || !take_parameters(taking, record, &tensor->parameters))
		return NULL;
	return tensor;
}

static bool take_tensors(struct avro_foreign_taking *taking, avro_value_t *record, const char *name, struct tensors *tensors)
{
	avro_value_t list;
	size_t count = list_of(record, name, &list);
	if (count == 0)
		return true;
	struct tensors_builder builder;
	tensors_begin(&builder, taking->arena, count);
	for (size_t i = 0; i < count; i++) {
		avro_value_t item;
		avro_value_get_by_index(&list, i, &item, NULL);
		const struct tensor *tensor = take_tensor(taking, &item);
		if (!tensor)
			return false;
		tensors_add(&builder, tensor);
	}
	*tensors = tensors_end(&builder);
	return !arena_failed(taking->arena) || error_memory(taking->error, ERROR_LIMIT, "reading an Avro record");
}

static bool take_wanted(struct avro_foreign_taking *taking, avro_value_t *record, struct tensors_wanted *wanted)
{
	avro_value_t list;
	size_t count = list_of(record, "outputs", &list);
	if (count == 0)
		return true;
	struct text *names = ARENA_ARRAY(taking->arena, struct text, count);
	if (!names)
		return error_memory(taking->error, ERROR_LIMIT, "reading an Avro record");
	for (size_t i = 0; i < count; i++) {
		avro_value_t item;
		avro_value_get_by_index(&list, i, &item, NULL);
		if (!take_value_text(taking, &item, &names[i]))
			return lacking(taking, "record", "outputs");
	}
	*wanted = (struct tensors_wanted){count, names};
	return true;
}

static bool take_origin(struct avro_foreign_taking *taking, avro_value_t *record, struct origin *origin)
{
	avro_value_t inner;
	if (!present(record, "origin", &inner))
		return true;
	origin->partition = (int32_t)long_of(&inner, "partition");
	origin->offset = long_of(&inner, "offset");
	return take_text(taking, &inner, "topic", &origin->topic);
}

bool avro_foreign_request(struct avro_writer *writer, struct message *message, struct text body, struct error *error)
{
	if (!writer->request && !(writer->request = resolution_make(writer->schema, "request", error)))
		return false;
	if (!avro_foreign_resolve(writer->request, writer->schema, body, error))
		return false;
	struct avro_foreign_taking taking = {message->arena, error};
	avro_value_t *record = &writer->request->value;
	struct text id = {NULL, 0};
	struct origin origin = {0};
	if (!has_field(record, "inputs"))
		return lacking(&taking, "record", "inputs");
	if (!take_text(&taking, record, "id", &id) || !take_parameters(&taking, record, &message->payload.parameters) ||
	    !take_tensors(&taking, record, "inputs", &message->payload.tensors) ||
	    !take_wanted(&taking, record, &message->wanted) ||
	    !take_tensors(&taking, record, "marks", &message->payload.marks) || !take_origin(&taking, record, &origin))
		return false;
	avro_request_marks(&message->payload.marks);
	avro_request_envelope(message, id, long_of(record, "deadline_ms"));
	avro_request_origin(message, &origin);
	return true;
}

static bool take_failure(struct avro_foreign_taking *taking, avro_value_t *record, struct error *failure)
{
	struct text kind = TEXT("SYSTEM");
	struct text text = {NULL, 0};
	struct text file = {NULL, 0};
	if (!take_text(taking, record, "kind", &kind) || !take_text(taking, record, "text", &text) ||
	    !take_text(taking, record, "file", &file))
		return false;
	enum error_kind found = ERROR_SYSTEM;
	for (enum error_kind candidate = ERROR_CONFIG; candidate <= ERROR_SYSTEM; candidate++)
		if (text_is(kind, error_kind_name(candidate)))
			found = candidate;
	struct place place = {file.length ? file.bytes : NULL, (uint32_t)long_of(record, "line"),
			      (uint32_t)long_of(record, "column")};
	error_set(failure, found, place, TEXT_FORMAT, TEXT_ARGUMENTS(text));
	return true;
}

bool avro_foreign_answer(struct avro_writer *writer, struct text body, struct arena *arena, struct avro_answer *answer,
			 struct error *error)
{
	if (!writer->answer && !(writer->answer = resolution_make(writer->schema, "response", error)))
		return false;
	if (!avro_foreign_resolve(writer->answer, writer->schema, body, error))
		return false;
	struct avro_foreign_taking taking = {arena, error};
	avro_value_t *record = &writer->answer->value;
	avro_value_t failure;
	*answer = (struct avro_answer){.failed = present(record, "error", &failure)};
	struct payload *payload = &answer->payload;
	if (!answer->failed && !has_field(record, "outputs"))
		return lacking(&taking, "record", "outputs");
	return (!answer->failed || take_failure(&taking, &failure, &answer->error)) &&
	       take_text(&taking, record, "id", &answer->id) &&
	       take_text(&taking, record, "model_name", &payload->model_name) &&
	       take_version(&taking, record, payload) &&
	       take_parameters(&taking, record, &payload->parameters) &&
	       take_tensors(&taking, record, "outputs", &payload->tensors) &&
	       take_tensors(&taking, record, "marks", &payload->marks) && take_origin(&taking, record, &answer->origin);
}
