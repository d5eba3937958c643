/* record_form.c: see record_form.h. */
#include "message/record_form.h"

#include <limits.h>
#include <stdatomic.h>

#include "message/avro/avro_parts.h"
#include "message/avro/schemas.h"

const struct record_field record_text_item[] = {{.type = RECORD_FIELD_TEXT}, RECORD_END};
const struct record_field record_real_item[] = {{.type = RECORD_FIELD_REAL}, RECORD_END};
const struct record_field record_version_item[] = {
	RECORD_ROW(TEXT, struct record_version, resource),
	RECORD_ROW(TEXT, struct record_version, version),
	RECORD_END,
};

uint64_t record_fingerprint(const struct record_form *form)
{
	uint64_t fingerprint = atomic_load_explicit(form->schema_name, memory_order_relaxed);
	return fingerprint ? fingerprint : schema_fingerprint_keep(form->schema, form->schema_name);
}

/* ---- writing ---- */

static void number_put(struct buffer *out, int64_t number)
{
	char *room = buffer_room(out, AVRO_LONG_BYTES_MAX);
	if (room)
		buffer_grown(out, (size_t)(avro_put_long(room, number) - room));
}

static void text_put(struct buffer *out, struct text text)
{
	number_put(out, (int64_t)text.length);
	buffer_text(out, text);
}

static void tensors_append(struct buffer *out, const struct tensors *tensors)
{
	char *room = buffer_room(out, avro_tensors_room(*tensors));
	if (room)
		buffer_grown(out, (size_t)(avro_put_tensors(room, *tensors) - room));
}

/* Whether what is in a union with null is there. */
static bool branch_put(struct buffer *out, bool is_there)
{
	buffer_byte(out, is_there ? 2 : 0);
	return is_there;
}

static void origin_put(struct buffer *out, const struct origin *origin)
{
	if (!branch_put(out, origin->topic.length > 0))
		return;
	text_put(out, origin->topic);
	number_put(out, origin->partition);
	number_put(out, origin->offset);
}

static void fields_put(const struct record_field *fields, const void *record, struct buffer *out);

static void list_put(const struct record_field *field, const void *record, struct buffer *out)
{
	const size_t count = *(const size_t *)((const char *)record + field->offset);
	const char *items = (const char *)record + field->items_offset;
	if (field->choices == 0)
		memcpy(&items, (const char *)record + field->items_offset, sizeof items);
	if (count > 0)
		number_put(out, (int64_t)count);
	for (size_t i = 0; i < count; i++)
		fields_put(field->fields, items + i * field->item_bytes, out);
	number_put(out, 0);
}

static void field_put(const struct record_field *field, const void *record, struct buffer *out)
{
	const void *at = (const char *)record + field->offset;
	switch (field->type) {
	case RECORD_FIELD_OPTIONAL:
		if (!branch_put(out, ((const struct text *)at)->bytes != NULL))
			break;
		/* fall through */
	case RECORD_FIELD_TEXT:
		text_put(out, *(const struct text *)at);
		break;
	case RECORD_FIELD_STRING:
		text_put(out, text_of(*(const char *const *)at));
		break;
	case RECORD_FIELD_NUMBER:
		number_put(out, *(const int64_t *)at);
		break;
	case RECORD_FIELD_INT:
	case RECORD_FIELD_CHOICE:
		number_put(out, *(const int32_t *)at);
		break;
	case RECORD_FIELD_FINITE:
	case RECORD_FIELD_UNION:
		if (!branch_put(out, field->type == RECORD_FIELD_UNION || isfinite(*(const double *)at)))
			break;
		/* fall through */
	case RECORD_FIELD_REAL:
		buffer_append(out, at, sizeof(double));
		break;
	case RECORD_FIELD_WHOLE:
		number_put(out, (int64_t)*(const double *)at);
		break;
	case RECORD_FIELD_FLAG:
		buffer_byte(out, (char)*(const bool *)at);
		break;
	case RECORD_FIELD_LIST:
		list_put(field, record, out);
		break;
	case RECORD_FIELD_GIVEN:
		if (branch_put(out, *(const bool *)at))
			fields_put(field->fields, record, out);
		break;
	case RECORD_FIELD_ORIGIN:
		origin_put(out, at);
		break;
	case RECORD_FIELD_TENSORS:
		tensors_append(out, at);
		break;
	case RECORD_FIELD_WITHIN:
		fields_put(field->fields, at, out);
		break;
	case RECORD_FIELD_END:
		break;
	}
}

static void fields_put(const struct record_field *fields, const void *record, struct buffer *out)
{
	for (; fields->type != RECORD_FIELD_END; fields++)
		if (fields->until == 0)
			field_put(fields, record, out);
}

bool record_encode(const struct record_form *form, const void *record, struct buffer *out, struct error *error)
{
	uint64_t fingerprint = record_fingerprint(form);
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	char *room = buffer_room(out, AVRO_SINGLE_OBJECT_BYTES);
	if (room)
		buffer_grown(out, (size_t)(avro_put_single_object(room, fingerprint) - room));
	fields_put(form->fields, record, out);
	return !buffer_failed(out) || error_set(error, ERROR_LIMIT, PLACE_NONE, "a %s does not fit into %zu bytes", form->called,
						out->ceiling_bytes);
}

bool record_rows_encode(const struct record_field *rows, const void *record, struct buffer *out)
{
	fields_put(rows, record, out);
	return !buffer_failed(out);
}

/* ---- reading ---- */

struct record_cursor {
	struct avro_cursor avro;
	struct arena *arena;
	unsigned schema; /* number of the record's schema among those of the form, from 1 */
	struct error *error;
	bool refused; /* by what reads tensors, with its error */
};

static void fields_get(const struct record_field *fields, struct record_cursor *cursor, void *record);

/* Makes space for more items. Items that were read are copied, at most as many bytes as are new. */
static char *items_grow(struct arena *arena, char *items, size_t count, size_t *room, size_t more, size_t item_bytes)
{
	if (more <= *room - count)
		return items;
	size_t wanted = count + (more > count ? more : count);
	char *grown = arena_take(arena, wanted, item_bytes);
	if (!grown)
		return NULL;
	if (count > 0)
		memcpy(grown, items, count * item_bytes);
	*room = wanted;
	return grown;
}

static void list_get(const struct record_field *field, struct record_cursor *cursor, void *record)
{
	const bool is_inside = field->choices > 0;
	char *items = is_inside ? (char *)record + field->items_offset : NULL;
	size_t count = 0, room = field->choices, block;
	while ((block = avro_read_block(&cursor->avro)) > 0) {
		if (!is_inside)
			items = items_grow(cursor->arena, items, count, &room, block, field->item_bytes);
		if (!items || block > room - count) {
			avro_fail(&cursor->avro);
			return;
		}
		for (size_t i = 0; i < block && !avro_failed(&cursor->avro); i++)
			fields_get(field->fields, cursor, items + count++ * field->item_bytes);
	}
	*(size_t *)((char *)record + field->offset) = count;
	if (!is_inside)
		memcpy((char *)record + field->items_offset, &items, sizeof items);
}

static int choice_get(struct avro_cursor *cursor, unsigned choices)
{
	int32_t choice = avro_read_int(cursor);
	if (choice >= 0 && (unsigned)choice < choices)
		return choice;
	avro_fail(cursor);
	return 0;
}

static void flag_get(struct avro_cursor *cursor, bool *flag)
{
	const unsigned char *byte = avro_read_raw(cursor, 1);
	if (byte && *byte > 1)
		avro_fail(cursor);
	*flag = byte && *byte == 1;
}

static void origin_get(struct avro_cursor *cursor, struct origin *origin)
{
	origin->topic = avro_read_bytes(cursor);
	origin->partition = avro_read_int(cursor);
	origin->offset = avro_read_long(cursor);
}

static void tensors_get(struct record_cursor *cursor, struct tensors *tensors)
{
	cursor->refused = !avro_failed(&cursor->avro) && !avro_read_tensors(&cursor->avro, cursor->arena, tensors, cursor->error);
	if (cursor->refused)
		avro_fail(&cursor->avro);
}

/* Its rows count their own schemas. */
static void within_get(const struct record_field *field, struct record_cursor *cursor, void *record)
{
	const unsigned schema = cursor->schema;
	cursor->schema = field->choices;
	fields_get(field->fields, cursor, record);
	cursor->schema = schema;
}

static void field_get(const struct record_field *field, struct record_cursor *cursor, void *record)
{
	struct avro_cursor *avro = &cursor->avro;
	void *at = (char *)record + field->offset;
	struct text text;
	switch (field->type) {
	case RECORD_FIELD_TEXT:
		*(struct text *)at = avro_read_bytes(avro);
		break;
	case RECORD_FIELD_STRING:
		text = avro_read_bytes(avro);
		*(const char **)at = arena_copy(cursor->arena, text.bytes, text.length);
		break;
	case RECORD_FIELD_OPTIONAL:
		*(struct text *)at = avro_read_presence(avro) ? avro_read_bytes(avro) : (struct text){0};
		break;
	case RECORD_FIELD_NUMBER:
		*(int64_t *)at = avro_read_long(avro);
		break;
	case RECORD_FIELD_INT:
		*(int32_t *)at = avro_read_int(avro);
		break;
	case RECORD_FIELD_REAL:
		*(double *)at = avro_read_double(avro);
		break;
	case RECORD_FIELD_FINITE:
	case RECORD_FIELD_UNION:
		*(double *)at = avro_read_finite(avro);
		break;
	case RECORD_FIELD_WHOLE:
		*(double *)at = (double)avro_read_long(avro);
		break;
	case RECORD_FIELD_FLAG:
		flag_get(avro, at);
		break;
	case RECORD_FIELD_CHOICE:
		*(int *)at = choice_get(avro, field->choices);
		break;
	case RECORD_FIELD_LIST:
		list_get(field, cursor, record);
		break;
	case RECORD_FIELD_GIVEN:
		*(bool *)at = avro_read_presence(avro);
		if (*(bool *)at)
			fields_get(field->fields, cursor, record);
		break;
	case RECORD_FIELD_ORIGIN:
		if (avro_read_presence(avro))
			origin_get(avro, at);
		break;
	case RECORD_FIELD_TENSORS:
		tensors_get(cursor, at);
		break;
	case RECORD_FIELD_WITHIN:
		within_get(field, cursor, at);
		break;
	case RECORD_FIELD_END:
		break;
	}
}

static void fields_get(const struct record_field *fields, struct record_cursor *cursor, void *record)
{
	for (; fields->type != RECORD_FIELD_END; fields++)
		if (fields->since <= cursor->schema && (fields->until == 0 || cursor->schema <= fields->until))
			field_get(fields, cursor, record);
		else if (fields->type == RECORD_FIELD_FINITE)
			memcpy((char *)record + fields->offset, &(double){(double)NAN}, sizeof(double));
}

uint64_t record_schema(struct text bytes)
{
	uint64_t fingerprint = 0;
	if (bytes.length >= AVRO_SINGLE_OBJECT_BYTES && memcmp(bytes.bytes, "\xC3\x01", 2) == 0)
		memcpy(&fingerprint, bytes.bytes + 2, sizeof fingerprint);
	return fingerprint;
}

unsigned record_schema_number(const struct record_form *form, uint64_t schema)
{
	unsigned formers = 0;
	while (formers < RECORD_FORMERS_MAX && form->formers[formers] != 0 && form->formers[formers] != schema)
		formers++;
	const bool is_former = formers < RECORD_FORMERS_MAX && form->formers[formers] != 0;
	return schema != 0 && (is_former || schema == record_fingerprint(form)) ? formers + 1 : 0;
}

bool record_decode(const struct record_form *form, struct text bytes, struct arena *arena, void *record, struct error *error)
{
	const unsigned schema = record_schema_number(form, record_schema(bytes));
	if (record_fingerprint(form) == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	if (schema == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record is no %s of this version of sluice; use one version for all engines and commands, and "
				 "check who else writes to the topic",
				 form->called);
	struct record_cursor cursor = {
		.avro = avro_cursor_of(avro_single_object_body(bytes)), .arena = arena, .schema = schema, .error = error};
	memset(record, 0, form->bytes);
	fields_get(form->fields, &cursor, record);
	if (cursor.refused)
		return false;
	if (arena && arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "reading a record");
	if (!avro_failed(&cursor.avro) && avro_left(&cursor.avro) == 0)
		return true;
	return error_set(error, ERROR_INPUT, PLACE_NONE, "the record is a broken %s", form->called);
}

bool record_rows_decode(const struct record_field *rows, struct text bytes, struct arena *arena, void *record)
{
	struct record_cursor cursor = {.avro = avro_cursor_of(bytes), .arena = arena, .schema = UINT_MAX};
	fields_get(rows, &cursor, record);
	return !avro_failed(&cursor.avro) && !arena_failed(arena);
}
