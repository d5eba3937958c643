/* assigned_record.c: see assigned_record.h. */
#include "message/records/assigned_record.h"

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

/* Hash of the unit, by which an entry finds its unit again; 0: it has none. */
static uint64_t assigned_unit_hash(const struct assigned *entry)
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

static bool is_of_unit(const struct assigned *entry, struct text experiment, uint64_t unit)
{
	return text_equal(entry->experiment, experiment) && assigned_unit_hash(entry) == unit;
}

static bool record_has(const struct assigned_record *record, size_t count, struct text experiment, uint64_t unit,
		       const struct text *variant)
{
	for (size_t i = 0; i < count; i++)
		if (is_of_unit(&record->items[i], experiment, unit) && (!variant || text_equal(record->items[i].variant, *variant)))
			return true;
	return false;
}

void assigned_record_add(struct assigned_record *record, const struct message *message)
{
	const struct assigned *items[ASSIGNED_MAX];
	const size_t count = assigned_list(message, items);
	for (size_t i = 0; i < count && record->count < ASSIGNED_MAX; i++)
		if (!record_has(record, record->count, items[i]->experiment, assigned_unit_hash(items[i]), &items[i]->variant))
			record->items[record->count++] = *items[i];
}

static struct text record_of(struct headers headers)
{
	const struct header *header = headers_find(headers, TEXT(ASSIGNED_RECORD_HEADER));
	return header ? header->value : (struct text){0};
}

/* Entries of experiments that the request did not reach again. */
static void former_add(struct assigned_record *record, struct text lines)
{
	const size_t own = record->count;
	while (lines.length > 0 && record->count < ASSIGNED_MAX) {
		const struct assigned entry = assigned_line_take(&lines);
		if (!record_has(record, own, entry.experiment, entry.unit_hash, NULL))
			record->items[record->count++] = entry;
	}
}

bool assigned_record_write(struct assigned_record *record, const struct message *message, struct headers *headers)
{
	const struct assigned *items[ASSIGNED_MAX];
	former_add(record, record_of(message->headers));
	*headers = message->headers;
	if (record->count == 0)
		return true;
	for (size_t i = 0; i < record->count; i++)
		items[i] = &record->items[i];
	const struct header own = {TEXT(ASSIGNED_RECORD_HEADER), assigned_lines_write(items, record->count, message->arena)};
	return own.value.bytes && headers_put(headers, own, message->arena);
}

bool assigned_record_find(struct headers headers, struct text experiment, struct text unit, struct assigned *found)
{
	struct text lines = record_of(headers);
	const uint64_t hash = lines.length > 0 ? unit_hash(unit) : 0;
	size_t count = 0;
	while (lines.length > 0) {
		const struct assigned entry = assigned_line_take(&lines);
		if (!is_of_unit(&entry, experiment, hash) || !(entry.probability > 0 && entry.probability <= 1))
			continue;
		*found = entry;
		count++;
	}
	return count == 1;
}
