/* stored_record.c: see stored_record.h. */
#include "methods/bandits/stored_record.h"

#include <math.h>

#include "base/hash.h"
#include "base/number/little_endian.h"

#define VERSION_BITS UINT64_C(0xffff)

void stored_put(struct buffer *out, uint64_t number)
{
	unsigned char bytes[LITTLE_BYTES];
	little_write(bytes, number);
	buffer_append(out, bytes, sizeof bytes);
}

void stored_put_numbers(struct buffer *out, const double *numbers, size_t count)
{
	unsigned char bytes[LITTLE_BYTES];
	for (size_t i = 0; i < count; i++) {
		little_write_double(bytes, numbers[i]);
		buffer_append(out, bytes, sizeof bytes);
	}
}

void stored_end(struct buffer *out, size_t begin)
{
	if (!buffer_failed(out))
		stored_put(out, hash_bytes(out->bytes + begin, out->length - begin, 0));
}

bool stored_damaged(const struct stored *record, struct error *error)
{
	return error_set(error, ERROR_INPUT, PLACE_NONE, "The stored %s is damaged. %s", record->name,
			 record->remedy ? record->remedy : "Learn again from the recorded rewards.");
}

bool stored_begin(struct stored *record, struct error *error)
{
	const size_t length = record->bytes.length;
	const uint64_t mark = stored_take(record);
	const uint64_t version = mark & VERSION_BITS;
	if (!record->sound || (mark & ~VERSION_BITS) != record->mark || version == 0)
		return stored_damaged(record, error);
	if (version > record->version)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "The stored %s has version %d, and this program reads up to %u. Update the program.", record->name,
				 (int)version, record->version);
	if (length < 2 * LITTLE_BYTES || length % LITTLE_BYTES != 0)
		return stored_damaged(record, error);
	record->bytes.length -= LITTLE_BYTES;
	const unsigned char *end = (const unsigned char *)record->bytes.bytes + record->bytes.length;
	return little_read(end) == hash_bytes(record->bytes.bytes, record->bytes.length, 0) || stored_damaged(record, error);
}

unsigned stored_version(const struct stored *record)
{
	return (unsigned)(little_read((const unsigned char *)record->bytes.bytes) & VERSION_BITS);
}

bool stored_has(const struct stored *record, size_t numbers)
{
	return record->sound && (record->bytes.length - record->at) / LITTLE_BYTES >= numbers;
}

uint64_t stored_take(struct stored *record)
{
	if (!stored_has(record, 1)) {
		record->sound = false;
		return 0;
	}
	const uint64_t number = little_read((const unsigned char *)record->bytes.bytes + record->at);
	record->at += LITTLE_BYTES;
	return number;
}

double stored_take_number(struct stored *record)
{
	unsigned char bytes[LITTLE_BYTES];
	little_write(bytes, stored_take(record));
	const double number = little_read_double(bytes);
	record->sound = record->sound && isfinite(number);
	return record->sound ? number : 0;
}

void stored_take_numbers(struct stored *record, double *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		numbers[i] = stored_take_number(record);
}

bool stored_ended(const struct stored *record)
{
	return record->sound && record->at == record->bytes.length;
}
