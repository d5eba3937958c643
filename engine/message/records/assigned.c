/* assigned.c: see assigned.h. */
#include "message/records/assigned.h"

#include "base/number/number.h"
#include "message/records/assigned_line.h"

#define LINK_HEADER ":assigned" /* between stages; HTTP has no such name */
#define MIRRORED_BETWEEN ", "

static const char *const reasons[] = {
	[ASSIGNED_WEIGHT] = "weight",	  [ASSIGNED_MATCH] = "header",	[ASSIGNED_ROUTE] = "route",
	[ASSIGNED_OVERRIDE] = "override", [ASSIGNED_POLICY] = "policy", [ASSIGNED_STAGE] = "stage",
	[ASSIGNED_FALLBACK] = "fallback", [ASSIGNED_LAYER] = "layer",	[ASSIGNED_HOLDOUT] = "holdout",
	[ASSIGNED_REPLAY] = "replay",
};

enum { REASONS = sizeof reasons / sizeof *reasons };
static_assert((int)REASONS == (int)ASSIGNED_REASONS && REASONS <= 10, "each reason has a name, and a digit between stages");

const char *assigned_reason_name(enum assigned_reason reason)
{
	return reasons[reason];
}

bool assigned_reason_read(struct text name, enum assigned_reason *reason)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (text_is(name, reasons[i])) {
			*reason = (enum assigned_reason)i;
			return true;
		}
	return false;
}

struct assigned *assigned_add(struct message *message, const struct assigned *one)
{
	for (struct assigned *entry = message->assigned; entry; entry = entry->next)
		if (text_equal(entry->experiment, one->experiment) && text_equal(entry->variant, one->variant))
			return entry;
	struct assigned *added = arena_take_raw(message->arena, sizeof *added);
	if (!added)
		return NULL;
	*added = *one;
	added->next = message->assigned;
	message->assigned = added;
	return added;
}

size_t assigned_list(const struct message *message, const struct assigned **items)
{
	size_t count = 0;
	for (const struct assigned *entry = message->assigned; entry && count < ASSIGNED_MAX; entry = entry->next)
		items[count++] = entry;
	for (size_t i = 0; i < count / 2; i++) {
		const struct assigned *other = items[i];
		items[i] = items[count - 1 - i];
		items[count - 1 - i] = other;
	}
	return count;
}

bool assigned_join(struct message *message, const struct message *from)
{
	const struct assigned *items[ASSIGNED_MAX];
	size_t count = assigned_list(from, items);
	for (size_t i = 0; i < count; i++)
		if (!assigned_add(message, items[i]))
			return false;
	return true;
}

/* ---- headers ---- */

static char *bytes_put(char *to, struct text bytes)
{
	if (bytes.length > 0)
		memcpy(to, bytes.bytes, bytes.length);
	return to + bytes.length;
}

static size_t names_length(const struct assigned *entry)
{
	return entry->experiment.length + entry->variant.length;
}

struct text assigned_header(const struct message *message, struct arena *arena)
{
	static const struct text marks[ASSIGNED_REASONS] = {
		[ASSIGNED_FALLBACK] = {"; fallback", 10}, [ASSIGNED_REPLAY] = {"; replay", 8}};
	const struct text probability = TEXT("; probability="), between = TEXT(", ");
	const struct assigned *items[ASSIGNED_MAX];
	size_t count = assigned_list(message, items), room = 0;
	for (size_t i = 0; i < count; i++)
		room += names_length(items[i]) + 1 + probability.length + NUMBER_TEXT_MAX + marks[items[i]->reason].length +
			between.length;
	char *begin = count > 0 ? arena_take_raw(arena, room) : NULL, *to = begin;
	for (size_t i = 0; begin && i < count; i++) {
		to = i > 0 ? bytes_put(to, between) : to;
		to = bytes_put(to, items[i]->experiment);
		*to++ = '=';
		to = bytes_put(to, items[i]->variant);
		to = bytes_put(to, probability);
		to += number_write_double(to, items[i]->probability);
		to = bytes_put(to, marks[items[i]->reason]);
	}
	return (struct text){begin, (size_t)(to - begin)};
}

static struct text route_end(const struct assigned *entry)
{
	return entry->is_pipeline ? TEXT(ROUTE_OF_PIPELINE ":") : TEXT("_1:");
}

struct text assigned_route(const struct message *message, struct arena *arena)
{
	const struct assigned *items[ASSIGNED_MAX];
	size_t count = assigned_list(message, items), room = 0;
	for (size_t i = 0; i < count; i++)
		room += 1 + items[i]->variant.length + route_end(items[i]).length;
	char *begin = count > 0 ? arena_take_raw(arena, room) : NULL, *to = begin;
	for (size_t i = 0; begin && i < count; i++) {
		*to++ = ':';
		to = bytes_put(to, items[i]->variant);
		to = bytes_put(to, route_end(items[i]));
	}
	return (struct text){begin, (size_t)(to - begin)};
}

struct text assigned_mirrored(const struct message *message, struct arena *arena)
{
	const struct text between = TEXT(MIRRORED_BETWEEN);
	const struct assigned *items[ASSIGNED_MAX];
	size_t room = 0;
	for (const struct assigned *entry = message->assigned; entry; entry = entry->next)
		room += entry->mirrored ? entry->experiment.length + between.length : 0;
	if (room == 0)
		return (struct text){0};
	const size_t count = assigned_list(message, items);
	char *begin = arena_take_raw(arena, room), *to = begin;
	for (size_t i = 0; begin && i < count; i++)
		if (items[i]->mirrored) {
			to = to > begin ? bytes_put(to, between) : to;
			to = bytes_put(to, items[i]->experiment);
		}
	return (struct text){begin, (size_t)(to - begin)};
}

bool assigned_mirrored_has(struct text value, struct text experiment)
{
	while (value.length > 0) {
		struct text name = text_take_until(&value, MIRRORED_BETWEEN[0]);
		if (text_equal(name, experiment))
			return true;
		value = value.length > 0 ? text_from(value, 1) : value;
	}
	return false;
}

/* ---- between stages ---- */

bool assigned_write(const struct message *message, struct headers *headers)
{
	const struct assigned *items[ASSIGNED_MAX];
	const size_t count = assigned_list(message, items);
	*headers = message->headers;
	if (count == 0)
		return true;
	const struct header link = {TEXT(LINK_HEADER), assigned_lines_write(items, count, message->arena)};
	return link.value.bytes && headers_put(headers, link, message->arena);
}

static bool entries_read(struct message *message, struct text entries)
{
	while (entries.length > 0) {
		const struct assigned entry = assigned_line_take(&entries);
		if (!assigned_add(message, &entry))
			return false;
	}
	return true;
}

bool assigned_read(struct message *message)
{
	size_t count = message->headers.count;
	const struct header *last = count > 0 ? &message->headers.items[count - 1] : NULL;
	message->assigned = NULL;
	if (!last || !text_is(last->name, LINK_HEADER))
		return true;
	message->headers.count--;
	return entries_read(message, last->value);
}
