/* format.c: Table of formats, and the choice of one; see format.h. */
#include "message/formats/format.h"

/* The binary framings begin with a magic byte. Protobuf is what is left, and so the
 * last. */
const struct format *const format_table[] = {
	&format_avro, &format_oip_json, &format_v1, &format_seldon, &format_oip_protobuf,
	&format_seldon_protobuf, &(const struct format){0},
};

const struct format *format_named(struct text name)
{
	for (size_t i = 0; format_table[i]->name; i++)
		if (text_is(name, format_table[i]->name))
			return format_table[i];
	return NULL;
}

/* Without its parameters (`; charset=utf-8`) and the blanks around it. */
static struct text media_type_of(struct text value)
{
	const char *end = value.length ? memchr(value.bytes, ';', value.length) : NULL;
	if (end)
		value.length = (size_t)(end - value.bytes);
	while (value.length && *value.bytes == ' ') {
		value.bytes++;
		value.length--;
	}
	while (value.length && value.bytes[value.length - 1] == ' ')
		value.length--;
	return value;
}

static bool has_content_type(const struct format *format, struct text type)
{
	for (const struct text *known = format->content_types; known->bytes; known++)
		if (text_equal_caseless(*known, type))
			return true;
	return false;
}

const struct format *format_of_content_type(struct text value)
{
	struct text type = media_type_of(value);
	for (size_t i = 0; format_table[i]->name; i++)
		if (has_content_type(format_table[i], type))
			return format_table[i];
	return NULL;
}

/* The first whose look says yes, among those of the content type when it is a known
 * one: all JSON formats share application/json. */
static const struct format *choose_format(const struct message *message, struct text bytes)
{
	const struct header *header = message_header(message, HEADER_CONTENT_TYPE);
	const struct format *declared = header ? format_of_content_type(header->value) : NULL;
	for (size_t i = 0; format_table[i]->name; i++) {
		if (declared && !has_content_type(format_table[i], media_type_of(header->value)))
			continue;
		if (format_table[i]->sniff(message, bytes))
			return format_table[i];
	}
	return declared ? declared : &format_oip_json;
}

bool message_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error)
{
	if (!message->format)
		message->format = choose_format(message, bytes);
	return message->format->decode(message, bytes, schemas, error) &&
	       tensors_check_names(message->payload.tensors, message->names_repeat, message->arena, error);
}

bool answer_encode(const struct message *message, const struct answer *answer, const struct format *format,
		   const struct schema_source *schemas, struct buffer *out, struct error *error)
{
	format = format ? format : message->format;
	if (answer->header_length)
		*answer->header_length = 0;
	if (__builtin_expect(!answer->payload || message->wanted.count == 0, 1)) /* nearly all ask for all */
		return format->encode(message, answer, schemas, out, error);
	struct answer wanted = *answer;
	struct payload selected = *answer->payload;
	wanted.payload = &selected;
	return answer_select_wanted(message, answer->payload, &selected.tensors, error) &&
	       format->encode(message, &wanted, schemas, out, error);
}
