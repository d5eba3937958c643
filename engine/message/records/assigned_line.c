/* assigned_line.c: see assigned_line.h. */
#include "message/records/assigned_line.h"

#include <assert.h>

#include "base/hash.h"
#include "base/number/number.h"

#define HEX_BYTES 16
#define FIELDS_ROOM 10 /* the separators, the digit of the reason, and MIRRORED */
#define MIRRORED TEXT("m")

uint64_t unit_hash(struct text unit)
{
	const uint64_t hash = hash_bytes(unit.bytes, unit.length, 0);
	return unit.length == 0 ? 0 : hash + (hash == 0);
}

uint64_t assigned_unit_hash(const struct assigned *entry)
{
	return entry->unit.length > 0 ? unit_hash(entry->unit) : entry->unit_hash;
}

/* ---- writing ---- */

static size_t line_room(const struct assigned *entry)
{
	return entry->experiment.length + entry->variant.length + NUMBER_TEXT_MAX + 2 * HEX_BYTES + FIELDS_ROOM;
}

static char *field_put(char *to, struct text field)
{
	if (field.length > 0)
		memcpy(to, field.bytes, field.length);
	to[field.length] = '\t';
	return to + field.length + 1;
}

static char *line_put(char *to, const struct assigned *entry)
{
	const char reason = (char)('0' + entry->reason);
	to = field_put(to, entry->experiment);
	to = field_put(to, entry->variant);
	to += number_write_double(to, entry->probability);
	*to++ = '\t';
	to = field_put(to, (struct text){&reason, 1});
	if (entry->mirrored)
		to = field_put(to, MIRRORED);
	to += number_write_hex(to, entry->table, HEX_BYTES);
	*to++ = '\t';
	to += number_write_hex(to, assigned_unit_hash(entry), HEX_BYTES);
	*to++ = '\n';
	return to;
}

struct text assigned_lines_write(const struct assigned *const *entries, size_t count, struct arena *arena)
{
	size_t room = 0;
	for (size_t i = 0; i < count; i++)
		room += line_room(entries[i]);
	char *begin = arena_take_raw(arena, room), *to = begin;
	for (size_t i = 0; begin && i < count; i++)
		to = line_put(to, entries[i]);
	assert((size_t)(to - begin) <= room);
	return (struct text){begin, (size_t)(to - begin)};
}

/* ---- reading ---- */

static uint64_t hex_read(struct text digits)
{
	uint64_t number = 0;
	for (size_t i = 0; i < digits.length; i++) {
		const int digit = digit_value(digits.bytes[i]);
		if (digit < 0 || i == HEX_BYTES)
			return 0;
		number = number << 4 | (uint64_t)digit;
	}
	return number;
}

static enum assigned_reason reason_read(struct text digit)
{
	const unsigned reason = digit.length == 1 ? (unsigned)(digit.bytes[0] - '0') : ASSIGNED_REASONS;
	return reason < ASSIGNED_REASONS ? (enum assigned_reason)reason : ASSIGNED_WEIGHT;
}

struct assigned assigned_line_take(struct text *lines)
{
	struct text line = text_take_until(lines, '\n');
	struct assigned entry = {.experiment = text_take_until(&line, '\t')};
	entry.variant = text_take_until(&line, '\t');
	(void)number_read_double(text_take_until(&line, '\t'), &entry.probability);
	entry.reason = reason_read(text_take_until(&line, '\t'));
	struct text field = text_take_until(&line, '\t');
	entry.mirrored = text_equal(field, MIRRORED);
	if (entry.mirrored)
		field = text_take_until(&line, '\t');
	entry.table = hex_read(field);
	entry.unit_hash = hex_read(line);
	return entry;
}
