/* json_repeats.c: see json_repeats.h. */
#include "message/json/json_repeats.h"

#include "message/formats/name_table.h"

bool json_keys_repeat(struct json_scan scan, struct text *twice)
{
	struct error ignored = {0};
	struct json_scan inside;
	struct name_set keys;
	scan.error = &ignored;
	const size_t count = json_look_ahead(&scan, JSON_OBJECT, &inside);
	struct text *names = count > 1 ? arena_take_raw(scan.arena, count * sizeof *names) : NULL;
	if (!names || !name_set_open(&keys, count, scan.arena))
		return false;
	for (size_t read = 0; read < count && json_key(&inside, &names[read]); read++) {
		if (name_set_add(&keys, &names[read])) {
			*twice = names[read];
			return true;
		}
		(void)json_skip(&inside);
	}
	return false;
}
