/* dead_letter_list.c: see dead_letter_list.h. */
#include "tools/client/data/dead_letter_list.h"

#include <stdlib.h>

#define ROOM_FIRST 256

static bool list_full(struct error *error)
{
	return error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "there are more dead letters than fit in memory; select fewer by --since, --kind or --step");
}

static const char *text_kept(struct dead_letter_list *list, struct text text)
{
	return arena_copy(list->arena, text.bytes ? text.bytes : "", text.length);
}

bool dead_letter_list_add(struct dead_letter_list *list, const struct found_letter *found, struct text json, struct error *error)
{
	const struct dead_letter *letter = &found->letter;
	struct listed_letter *items = arena_grow(list->arena, list->items, list->count, &list->room, ROOM_FIRST, sizeof *items);
	if (!items)
		return list_full(error);
	list->items = items;
	items[list->count++] = (struct listed_letter){.partition = found->partition,
						      .offset = found->offset,
						      .failed_ms = letter->failed_ms,
						      .kind = error_kind_name(letter->error->kind),
						      .step = text_kept(list, text_of(letter->step)),
						      .id = text_kept(list, letter->id),
						      .text = text_kept(list, text_of(letter->error->text)),
						      .json = json.length > 0 ? text_kept(list, json) : NULL};
	return !arena_failed(list->arena) || list_full(error);
}

bool dead_letter_list_mark(struct dead_letter_list *list, int32_t partition, int64_t offset, int64_t time_ms, struct error *error)
{
	struct letter_mark *marks =
		arena_grow(list->arena, list->marks, list->mark_count, &list->mark_room, ROOM_FIRST, sizeof *marks);
	if (!marks)
		return list_full(error);
	list->marks = marks;
	marks[list->mark_count++] = (struct letter_mark){partition, offset, time_ms};
	return true;
}

/* ---- sorting ---- */

static int int64_compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int place_compare(int32_t partition, int64_t offset, int32_t other_partition, int64_t other_offset)
{
	int order = int64_compare(partition, other_partition);
	return order ? order : int64_compare(offset, other_offset);
}

static int mark_compare(const void *a, const void *b)
{
	const struct letter_mark *one = a, *other = b;
	int order = place_compare(one->partition, one->offset, other->partition, other->offset);
	return order ? order : int64_compare(one->time_ms, other->time_ms);
}

static int letter_compare(const void *a, const void *b)
{
	const struct listed_letter *one = a, *other = b;
	int order = int64_compare(one->failed_ms, other->failed_ms);
	return order ? order : place_compare(one->partition, one->offset, other->partition, other->offset);
}

/* Of sorted marks, the newest of that place. */
static int64_t mark_find(const struct dead_letter_list *list, const struct listed_letter *letter)
{
	size_t low = 0, high = list->mark_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct letter_mark *mark = &list->marks[middle];
		if (place_compare(mark->partition, mark->offset, letter->partition, letter->offset) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	const struct letter_mark *last = low > 0 ? &list->marks[low - 1] : NULL;
	return last && last->partition == letter->partition && last->offset == letter->offset ? last->time_ms : 0;
}

void dead_letter_list_sort(struct dead_letter_list *list)
{
	if (list->count == 0)
		return;
	if (list->mark_count > 0)
		qsort(list->marks, list->mark_count, sizeof *list->marks, mark_compare);
	for (size_t i = 0; i < list->count; i++)
		list->items[i].replayed_ms = mark_find(list, &list->items[i]);
	qsort(list->items, list->count, sizeof *list->items, letter_compare);
}

/* ---- counting ---- */

/* Numbers of whatever length are the same. */
static int reason_compare(const char *a, const char *b)
{
	while (*a && *b) {
		bool number = byte_is_digit(*a) && byte_is_digit(*b);
		if (!number && *a != *b)
			break;
		a++, b++;
		while (number && byte_is_digit(*a))
			a++;
		while (number && byte_is_digit(*b))
			b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

/* The newest of a reason last. */
static int count_compare(const void *a, const void *b)
{
	const struct listed_letter *one = *(const struct listed_letter *const *)a, *other = *(const struct listed_letter *const *)b;
	int order = strcmp(one->kind, other->kind);
	if (order == 0)
		order = strcmp(one->step, other->step);
	if (order == 0)
		order = reason_compare(one->text, other->text);
	return order ? order : letter_compare(one, other);
}

static bool is_same_reason(const struct listed_letter *a, const struct listed_letter *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->step, b->step) == 0 && reason_compare(a->text, b->text) == 0;
}

static int frequency_compare(const void *a, const void *b)
{
	const struct letter_count *one = a, *other = b;
	int order = (one->count < other->count) - (one->count > other->count);
	return order ? order : letter_compare(one->last, other->last);
}

struct letter_count *dead_letter_list_count(const struct dead_letter_list *list, size_t *count)
{
	const struct listed_letter **order = ARENA_ARRAY(list->arena, const struct listed_letter *, list->count + 1);
	struct letter_count *counts = ARENA_ARRAY(list->arena, struct letter_count, list->count + 1);
	*count = 0;
	if (!order || !counts)
		return NULL;
	for (size_t i = 0; i < list->count; i++)
		order[i] = &list->items[i];
	if (list->count > 0)
		qsort(order, list->count, sizeof *order, count_compare);
	for (size_t i = 0; i < list->count; i++) {
		if (i == 0 || !is_same_reason(order[i - 1], order[i]))
			++*count;
		struct letter_count *at = &counts[*count - 1];
		at->count++;
		at->replayed += order[i]->replayed_ms > 0;
		at->last = order[i];
	}
	if (*count > 0)
		qsort(counts, *count, sizeof *counts, frequency_compare);
	return counts;
}
