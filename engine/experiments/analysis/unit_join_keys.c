/* unit_join_keys.c: Numbers of all that a join met, by keys; see unit_join_parts.h. */
#include <inttypes.h>

#include "experiments/analysis/unit_join_parts.h"

bool join_number_find(const struct unit_join *join, struct text key, uint32_t *number)
{
	struct text value;
	if (!table_read(join->numbers, key, &value))
		return false;
	memcpy(number, value.bytes, sizeof *number);
	return true;
}

bool join_number_put(struct unit_join *join, struct text key, uint32_t number, struct error *error)
{
	return table_put(join->numbers, key, (struct text){(const char *)&number, sizeof number}, false) ||
	       error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
}

struct text join_key_print(struct unit_join *join, char kind, uint64_t number, struct text text)
{
	return text_of(arena_print(join->arena, "%c%" PRIu64 " " TEXT_FORMAT, kind, number, TEXT_ARGUMENTS(text)));
}
