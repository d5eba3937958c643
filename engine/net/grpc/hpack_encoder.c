/* hpack_encoder.c: Request headers in HPACK; see hpack_encoder.h. */
#include "net/grpc/hpack_encoder.h"

#define STATIC_ENTRIES 61
#define INDEXED 0x80
#define KEPT 0x40
#define RESIZED 0x20
#define PLAIN 0x00
#define INDEXED_BITS 7
#define KEPT_BITS 6
#define RESIZED_BITS 5
#define PLAIN_BITS 4
#define LENGTH_BITS 7

/* A number in the low bits of a byte, and in further bytes if it is too large for them (RFC 7541, 5.1). */
static void number_write(struct buffer *out, unsigned first, unsigned bits, size_t number)
{
	const size_t most = ((size_t)1 << bits) - 1;
	if (number < most) {
		buffer_byte(out, (char)(first | number));
		return;
	}
	buffer_byte(out, (char)(first | most));
	for (number -= most; number >= 128; number /= 128)
		buffer_byte(out, (char)(number % 128 | 128));
	buffer_byte(out, (char)number);
}

static void text_write(struct buffer *out, struct text text)
{
	number_write(out, 0, LENGTH_BITS, text.length);
	buffer_text(out, text);
}

/* ---- the table ---- */

static struct text entry_name(const struct hpack_encoder *encoder, size_t place)
{
	const struct hpack_entry *entry = &encoder->entries[place];
	return (struct text){encoder->bytes + entry->name_at, entry->name_length};
}

static struct text entry_value(const struct hpack_encoder *encoder, size_t place)
{
	const struct hpack_entry *entry = &encoder->entries[place];
	return (struct text){encoder->bytes + entry->name_at + entry->name_length, entry->value_length};
}

/* Numbers begin with the newest entry. */
static size_t entry_number(const struct hpack_encoder *encoder, size_t place)
{
	return STATIC_ENTRIES + encoder->count - place;
}

static size_t table_bytes(const struct hpack_encoder *encoder)
{
	return encoder->bytes_used + encoder->count * HPACK_ENTRY_BYTES;
}

static bool entry_add(struct hpack_encoder *encoder, struct text name, struct text value)
{
	const size_t length = name.length + value.length;
	if (encoder->count == HPACK_ENTRIES_MAX || length > sizeof encoder->bytes - encoder->bytes_used ||
	    table_bytes(encoder) + length + HPACK_ENTRY_BYTES > HPACK_TABLE_BYTES - encoder->less)
		return false;
	encoder->entries[encoder->count++] = (struct hpack_entry){encoder->bytes_used, name.length, value.length};
	memcpy(encoder->bytes + encoder->bytes_used, name.bytes, name.length);
	if (value.length > 0)
		memcpy(encoder->bytes + encoder->bytes_used + name.length, value.bytes, value.length);
	encoder->bytes_used += length;
	encoder->kept_length = 0; /* the numbers of earlier entries have changed */
	return true;
}

void hpack_encoder_resize(struct hpack_encoder *encoder, size_t bytes)
{
	const size_t less = bytes < HPACK_TABLE_BYTES ? HPACK_TABLE_BYTES - bytes : 0;
	if (less == encoder->less)
		return;
	encoder->count = 0;
	encoder->bytes_used = 0;
	encoder->kept_length = 0;
	encoder->less = less;
	encoder->resized = true;
}

/* A size of 0 first: it drops what the server's table has, as it was dropped here (RFC 7541, 4.2). */
void hpack_block_begin(struct hpack_encoder *encoder, struct buffer *out)
{
	if (!encoder->resized)
		return;
	number_write(out, RESIZED, RESIZED_BITS, 0);
	number_write(out, RESIZED, RESIZED_BITS, HPACK_TABLE_BYTES - encoder->less);
	encoder->resized = false;
}

/* ---- fields ---- */

void hpack_field_static(struct buffer *out, enum hpack_static number)
{
	number_write(out, INDEXED, INDEXED_BITS, number);
}

static void literal_write(struct buffer *out, unsigned first, unsigned bits, size_t name_number, struct text name,
			  struct text value)
{
	number_write(out, first, bits, name_number);
	if (name_number == HPACK_NONE)
		text_write(out, name);
	text_write(out, value);
}

/* Writes a field by its entry. Else `number` is set to the number of its name, if any entry has it. */
static bool field_find(const struct hpack_encoder *encoder, struct buffer *out, struct text name, struct text value, size_t *number)
{
	for (size_t place = 0; place < encoder->count; place++) {
		if (!text_equal_short(entry_name(encoder, place), name))
			continue;
		*number = entry_number(encoder, place);
		if (!text_equal(entry_value(encoder, place), value))
			continue;
		number_write(out, INDEXED, INDEXED_BITS, *number);
		return true;
	}
	return false;
}

void hpack_field_of_several(struct hpack_encoder *encoder, struct buffer *out, enum hpack_static known, struct text name,
			    struct text value)
{
	size_t number = HPACK_NONE;
	if (field_find(encoder, out, name, value, &number))
		return;
	if (known)
		number = known; /* it does not change with the table */
	if (entry_add(encoder, name, value))
		literal_write(out, KEPT, KEPT_BITS, number, name, value);
	else
		literal_write(out, PLAIN, PLAIN_BITS, number, name, value);
}

void hpack_field(struct hpack_encoder *encoder, struct buffer *out, enum hpack_static known, struct text name, struct text value,
		 bool keep)
{
	size_t number = HPACK_NONE;
	if (field_find(encoder, out, name, value, &number))
		return;
	if (keep && number == HPACK_NONE && entry_add(encoder, name, value))
		literal_write(out, KEPT, KEPT_BITS, known, name, value);
	else
		literal_write(out, PLAIN, PLAIN_BITS, known ? (size_t)known : number, name, value);
}

/* ---- kept fields ---- */

void hpack_keep(struct hpack_encoder *encoder, const struct buffer *out, size_t begin, size_t fields, struct text key)
{
	if (buffer_failed(out) || out->length - begin != fields || fields > HPACK_KEPT_FIELDS_MAX ||
	    key.length > HPACK_KEPT_KEY_BYTES_MAX)
		return;
	memcpy(encoder->kept, out->bytes + begin, fields);
	memcpy(encoder->kept_key, key.bytes, key.length);
	encoder->kept_length = fields;
	encoder->kept_key_length = key.length;
}

bool hpack_kept_write(const struct hpack_encoder *encoder, struct buffer *out, struct text key)
{
	if (encoder->kept_length == 0 || !text_equal((struct text){encoder->kept_key, encoder->kept_key_length}, key))
		return false;
	buffer_append(out, encoder->kept, encoder->kept_length);
	return true;
}
