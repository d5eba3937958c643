/* dead_letter.c: see dead_letter.h. The size of a record is computed first, so writing needs no checks. Reading
 * checks once, at the end, that all of it was there. */
#include "message/dead_letter.h"

#include "message/avro.h"
#include "message/avro_parts.h"
#include "message/avro_wire.h"

#define NUMBERS 16 /* of the record that are not measured one by one, at most */
#define FORMER_LETTER UINT64_C(0xedb8bdfed19f3ec1) /* fingerprint of the schema whose headers all had values */

static size_t letter_room(const struct dead_letter *letter)
{
	size_t room = AVRO_SINGLE_OBJECT_BYTES + NUMBERS * AVRO_LONG_BYTES_MAX + avro_text_room(letter->id) +
		      avro_failure_room(letter->error) + avro_text_room(text_of(letter->pipeline)) +
		      avro_text_room(text_of(letter->step)) + avro_text_room(letter->origin.topic) +
		      avro_text_room(letter->key) + avro_text_room(letter->payload);
	for (size_t i = 0; i < letter->headers.count; i++)
		room += avro_text_room(letter->headers.items[i].name) + 1 + avro_text_room(letter->headers.items[i].value);
	return room;
}

static char *put_headers(char *to, struct headers headers)
{
	if (headers.count > 0)
		to = avro_put_small(to, headers.count);
	for (size_t i = 0; i < headers.count; i++) {
		to = avro_put_bytes(to, headers.items[i].name);
		to = avro_put_optional(to, headers.items[i].value);
	}
	return avro_put_small(to, 0);
}

bool dead_letter_encode(const struct dead_letter *letter, struct buffer *out, struct error *error)
{
	uint64_t fingerprint = avro_letter_fingerprint();
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	char *begin = buffer_room(out, letter_room(letter));
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "a dead letter does not fit into %zu bytes", out->ceiling_bytes);
	char *to = avro_put_single_object(begin, fingerprint);
	to = avro_put_bytes(to, letter->id);
	to = avro_put_failure(to, letter->error);
	to = avro_put_bytes(to, text_of(letter->pipeline));
	to = avro_put_bytes(to, text_of(letter->step));
	to = avro_put_long(to, letter->attempts > 0 ? letter->attempts : 1);
	to = avro_put_position(to, &letter->origin);
	to = avro_put_long(to, letter->time_ms);
	to = avro_put_long(to, letter->failed_ms);
	to = avro_put_optional(to, letter->key);
	to = put_headers(to, letter->headers);
	to = avro_put_bytes(to, letter->payload);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}

/* ---- reading ---- */

static const char *get_string(struct avro_cursor *cursor, struct arena *arena)
{
	struct text text = avro_read_bytes(cursor);
	return arena_copy(arena, text.bytes, text.length);
}

static const struct error *get_failure(struct avro_cursor *cursor, struct arena *arena)
{
	struct error *failure = ARENA_NEW(arena, struct error);
	int64_t kind = avro_read_small(cursor);
	const char *text = get_string(cursor, arena);
	const char *file = get_string(cursor, arena);
	struct place place = {file, (unsigned)avro_read_long(cursor), 0};
	place.column = (unsigned)avro_read_long(cursor);
	if (kind < 0 || kind > ERROR_SYSTEM - ERROR_CONFIG)
		avro_fail(cursor);
	if (failure && text && !avro_failed(cursor))
		error_set(failure, (enum error_kind)(kind + ERROR_CONFIG), place, "%s", text);
	return failure;
}

static struct text get_optional(struct avro_cursor *cursor)
{
	return avro_read_small(cursor) == 1 ? avro_read_bytes(cursor) : (struct text){0};
}

static struct headers get_headers(struct avro_cursor *cursor, bool is_former, struct arena *arena)
{
	struct header *items = NULL;
	size_t count = 0, block;
	while ((block = avro_read_block(cursor)) > 0) {
		struct header *grown = ARENA_ARRAY(arena, struct header, count + block);
		if (!grown)
			break;
		if (count > 0)
			memcpy(grown, items, count * sizeof *items);
		items = grown;
		for (size_t i = 0; i < block; i++) {
			items[count].name = avro_read_bytes(cursor);
			items[count++].value = is_former ? avro_read_bytes(cursor) : get_optional(cursor);
		}
	}
	return (struct headers){count, items};
}

bool dead_letter_decode(struct text bytes, struct arena *arena, struct dead_letter *letter, struct error *error)
{
	const bool is_former = avro_is_single_object(bytes, FORMER_LETTER);
	if (!is_former && !avro_is_single_object(bytes, avro_letter_fingerprint()))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the record is not a dead letter; is this an errors topic?");
	struct avro_cursor cursor = avro_cursor_of(avro_single_object_body(bytes));
	*letter = (struct dead_letter){.id = avro_read_bytes(&cursor)};
	letter->error = get_failure(&cursor, arena);
	letter->pipeline = get_string(&cursor, arena);
	letter->step = get_string(&cursor, arena);
	letter->attempts = (unsigned)avro_read_int(&cursor);
	letter->origin.topic = avro_read_bytes(&cursor);
	letter->origin.partition = avro_read_int(&cursor);
	letter->origin.offset = avro_read_long(&cursor);
	letter->time_ms = avro_read_long(&cursor);
	letter->failed_ms = avro_read_long(&cursor);
	letter->key = get_optional(&cursor);
	letter->headers = get_headers(&cursor, is_former, arena);
	letter->payload = avro_read_bytes(&cursor);
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "reading a dead letter");
	if (!avro_failed(&cursor) && avro_left(&cursor) == 0)
		return true;
	return error_set(error, ERROR_INPUT, PLACE_NONE, "the record is a broken dead letter");
}
