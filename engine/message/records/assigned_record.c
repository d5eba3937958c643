/* assigned_record.c: see assigned_record.h. */
#include "message/records/assigned_record.h"

#include "message/records/assigned_line.h"

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
