/* categories.c: see categories.h. There are two tables with open addressing, at most half full. */
#include "methods/numeric/categories.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/number/number.h"

static uint64_t number_hash(double number)
{
	const double same = number == 0 ? 0 : number; /* also of -0 */
	return hash_bytes(&same, sizeof same, 0);
}

int64_t categories_text(const struct categories *categories, struct text text)
{
	for (uint64_t at = hash_bytes(text.bytes, text.length, 0);; at++) {
		const uint32_t category = categories->texts[at & categories->mask];
		if (category == 0)
			return -1;
		if (text_equal_short(categories->items[category - 1], text))
			return category - 1;
	}
}

int64_t categories_number(const struct categories *categories, double number)
{
	for (uint64_t at = number_hash(number);; at++) {
		const uint32_t category = categories->numbers[at & categories->mask];
		if (category == 0)
			return -1;
		if (categories->values[category - 1] == number)
			return category - 1;
	}
}

static void categories_put(uint32_t *table, uint32_t mask, uint64_t at, size_t category)
{
	while (table[at & mask])
		at++;
	table[at & mask] = (uint32_t)category + 1;
}

bool categories_make(struct categories *categories, const struct text *items, size_t count, struct arena *arena, int64_t *twice)
{
	size_t room = 4;
	while (room < 2 * count)
		room *= 2;
	uint32_t *texts = ARENA_ARRAY(arena, uint32_t, room), *numbers = ARENA_ARRAY(arena, uint32_t, room);
	double *values = ARENA_ARRAY(arena, double, count + 1);
	*twice = -1;
	if (!texts || !numbers || !values)
		return false;
	*categories = (struct categories){count, items, (uint32_t)room - 1, texts, numbers, values};
	for (size_t i = 0; i < count; i++) {
		values[i] = NAN;
		if (categories_text(categories, items[i]) >= 0)
			*twice = (int64_t)i;
		else
			categories_put(texts, categories->mask, hash_bytes(items[i].bytes, items[i].length, 0), i);
		double number;
		if (number_read_double(items[i], &number) && categories_number(categories, number) < 0) {
			values[i] = number;
			categories_put(numbers, categories->mask, number_hash(number), i);
		}
	}
	return true;
}

static int compare_texts(const void *left, const void *right)
{
	const struct text *a = left, *b = right;
	const size_t shared = a->length < b->length ? a->length : b->length;
	const int order = shared ? memcmp(a->bytes, b->bytes, shared) : 0;
	return order ? order : (a->length > b->length) - (a->length < b->length);
}

size_t texts_distinct(struct text *texts, size_t count)
{
	size_t left = 0;
	qsort(texts, count, sizeof *texts, compare_texts);
	for (size_t i = 0; i < count; i++)
		if (left == 0 || !text_equal(texts[left - 1], texts[i]))
			texts[left++] = texts[i];
	return left;
}
