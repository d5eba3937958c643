/* json_repeats.c: see json_repeats.h. */
#include "message/json_repeats.h"

#include "message/name_table.h"

static bool few_repeat(const struct text *names, size_t count, struct text *twice)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (text_equal(names[i], names[j])) {
				*twice = names[i];
				return true;
			}
	return false;
}

bool names_repeat(const struct text *names, size_t count, struct arena *arena, struct text *twice)
{
	struct name_table table;
	if (count <= NAMES_COMPARED_MAX)
		return few_repeat(names, count, twice);
	if (!name_table_open(&table, count, arena))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct text **place = name_table_place(&table, names[i]);
		if (*place) {
			*twice = names[i];
			return true;
		}
		*place = &names[i];
	}
	return false;
}

bool json_keys_repeat(struct json_scan scan, struct text *twice)
{
	struct error unheard = {0};
	struct json_scan inside;
	scan.error = &unheard;
	const size_t count = json_look_ahead(&scan, JSON_OBJECT, &inside);
	struct text *names = count > 1 ? arena_take_raw(scan.arena, count * sizeof *names) : NULL;
	size_t read = 0;
	for (; names && read < count && json_key(&inside, &names[read]); read++)
		(void)json_skip(&inside);
	return names && names_repeat(names, read, scan.arena, twice);
}
