/* dead_letter.c: see dead_letter.h. The room that a record needs is measured first, so
 * that writing checks nothing. */
#include "message/dead_letter.h"

#include "message/avro.h"
#include "message/avro_wire.h"

#define SINGLE_OBJECT_BYTES 10
#define NUMBERS 16 /* of the record that are not measured one by one, at most */

static size_t text_room(struct text text)
{
	return text.length + AVRO_LONG_BYTES_MAX;
}

static size_t letter_room(const struct dead_letter *letter)
{
	size_t room = SINGLE_OBJECT_BYTES + NUMBERS * AVRO_LONG_BYTES_MAX + text_room(letter->id) +
		      text_room(text_of(letter->error->text)) + text_room(text_of(letter->error->place.file)) +
		      text_room(text_of(letter->pipeline)) + text_room(text_of(letter->step)) + text_room(letter->origin.topic) +
		      text_room(letter->key) + text_room(letter->payload);
	for (size_t i = 0; i < letter->headers.count; i++)
		room += text_room(letter->headers.items[i].name) + text_room(letter->headers.items[i].value);
	return room;
}

static char *put_failure(char *to, const struct error *failure)
{
	to = avro_put_long(to, failure->kind - ERROR_CONFIG);
	to = avro_put_bytes(to, text_of(failure->text));
	to = avro_put_bytes(to, text_of(failure->place.file));
	to = avro_put_long(to, failure->place.line);
	return avro_put_long(to, failure->place.column);
}

static char *put_origin(char *to, const struct origin *origin)
{
	to = avro_put_bytes(to, origin->topic);
	to = avro_put_long(to, origin->partition);
	return avro_put_long(to, origin->offset);
}

/* The branches of its union: none, bytes. */
static char *put_key(char *to, struct text key)
{
	to = avro_put_small(to, key.bytes != NULL);
	return key.bytes ? avro_put_bytes(to, key) : to;
}

static char *put_headers(char *to, struct headers headers)
{
	if (headers.count > 0)
		to = avro_put_small(to, headers.count);
	for (size_t i = 0; i < headers.count; i++) {
		to = avro_put_bytes(to, headers.items[i].name);
		to = avro_put_bytes(to, headers.items[i].value);
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
	to = put_failure(to, letter->error);
	to = avro_put_bytes(to, text_of(letter->pipeline));
	to = avro_put_bytes(to, text_of(letter->step));
	to = avro_put_long(to, letter->attempts > 0 ? letter->attempts : 1);
	to = put_origin(to, &letter->origin);
	to = avro_put_long(to, letter->time_ms);
	to = avro_put_long(to, letter->failed_ms);
	to = put_key(to, letter->key);
	to = put_headers(to, letter->headers);
	to = avro_put_bytes(to, letter->payload);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}
