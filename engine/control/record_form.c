/* record_form.c: see record_form.h. */
#include "control/record_form.h"

#include <stdatomic.h>

#include "message/avro_wire.h"
#include "message/schemas.h"

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

static void real_put(struct buffer *out, double number)
{
	char *room = buffer_room(out, sizeof number);
	if (room)
		buffer_grown(out, (size_t)(avro_put_double(room, number) - room));
}

static void fields_put(const struct record_field *fields, const void *record, struct buffer *out);

static void list_put_items(const struct record_field *field, const struct record_list *list, struct buffer *out)
{
	if (list->count > 0)
		number_put(out, (int64_t)list->count);
	for (size_t i = 0; i < list->count; i++)
		fields_put(field->fields, (const char *)list->items + i * field->item_bytes, out);
	number_put(out, 0);
}

static void fields_put(const struct record_field *fields, const void *record, struct buffer *out)
{
	for (const struct record_field *field = fields; field->type != RECORD_FIELD_END; field++) {
		const void *at = (const char *)record + field->offset;
		if (field->type == RECORD_FIELD_TEXT) {
			const struct text *text = at;
			number_put(out, (int64_t)text->length);
			buffer_text(out, *text);
		} else if (field->type == RECORD_FIELD_NUMBER) {
			number_put(out, *(const int64_t *)at);
		} else if (field->type == RECORD_FIELD_REAL) {
			real_put(out, *(const double *)at);
		} else if (field->type == RECORD_FIELD_FLAG) {
			buffer_byte(out, (char)*(const bool *)at);
		} else if (field->type == RECORD_FIELD_CHOICE) {
			number_put(out, *(const int *)at);
		} else {
			list_put_items(field, at, out);
		}
	}
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

/* ---- reading ---- */

struct record_cursor {
	struct avro_cursor avro;
	struct arena *arena;
	unsigned schema; /* number of the record's schema among those of the form, from 1 */
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

static void list_get(const struct record_field *field, struct record_cursor *cursor, struct record_list *list)
{
	char *items = NULL;
	size_t count = 0, room = 0, block;
	while ((block = avro_read_block(&cursor->avro)) > 0) {
		items = items_grow(cursor->arena, items, count, &room, block, field->item_bytes);
		if (!items) {
			avro_fail(&cursor->avro);
			return;
		}
		for (size_t i = 0; i < block && !avro_failed(&cursor->avro); i++)
			fields_get(field->fields, cursor, items + count++ * field->item_bytes);
	}
	*list = (struct record_list){count, items};
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

static void fields_get(const struct record_field *fields, struct record_cursor *cursor, void *record)
{
	for (const struct record_field *field = fields; field->type != RECORD_FIELD_END; field++) {
		void *at = (char *)record + field->offset;
		if (field->since > cursor->schema)
			continue;
		if (field->type == RECORD_FIELD_TEXT)
			*(struct text *)at = avro_read_bytes(&cursor->avro);
		else if (field->type == RECORD_FIELD_NUMBER)
			*(int64_t *)at = avro_read_long(&cursor->avro);
		else if (field->type == RECORD_FIELD_REAL)
			*(double *)at = avro_read_double(&cursor->avro);
		else if (field->type == RECORD_FIELD_FLAG)
			flag_get(&cursor->avro, at);
		else if (field->type == RECORD_FIELD_CHOICE)
			*(int *)at = choice_get(&cursor->avro, field->choices);
		else
			list_get(field, cursor, at);
	}
}

uint64_t record_schema(struct text bytes)
{
	uint64_t fingerprint = 0;
	if (bytes.length >= AVRO_SINGLE_OBJECT_BYTES && memcmp(bytes.bytes, "\xC3\x01", 2) == 0)
		memcpy(&fingerprint, bytes.bytes + 2, sizeof fingerprint);
	return fingerprint;
}

/* The number of a schema among those of the form, from 1; 0: it is none of them. */
static unsigned schema_number(const struct record_form *form, uint64_t schema)
{
	unsigned formers = 0;
	while (formers < RECORD_FORMERS_MAX && form->formers[formers] != 0 && form->formers[formers] != schema)
		formers++;
	const bool is_former = formers < RECORD_FORMERS_MAX && form->formers[formers] != 0;
	return schema != 0 && (is_former || schema == record_fingerprint(form)) ? formers + 1 : 0;
}

bool record_is_of(const struct record_form *form, uint64_t schema)
{
	return schema_number(form, schema) > 0;
}

bool record_decode(const struct record_form *form, struct text bytes, struct arena *arena, void *record, struct error *error)
{
	const unsigned schema = schema_number(form, record_schema(bytes));
	if (record_fingerprint(form) == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	if (schema == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record is no %s of this version of sluice; use one version for all engines and commands, and "
				 "check who else writes to the topic",
				 form->called);
	struct record_cursor cursor = {avro_cursor_of(avro_single_object_body(bytes)), arena, schema};
	memset(record, 0, form->bytes);
	fields_get(form->fields, &cursor, record);
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "reading a record of the control plane");
	if (!avro_failed(&cursor.avro) && avro_left(&cursor.avro) == 0)
		return true;
	return error_set(error, ERROR_INPUT, PLACE_NONE, "the record is a broken %s", form->called);
}
