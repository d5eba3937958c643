/* join_keys.c: see join_keys.h. */
#include "experiments/outcomes/join_keys.h"

#include <inttypes.h>

bool join_number_find(const struct state_table *table, struct text key, uint32_t *number)
{
	struct text value;
	if (!table_read(table, key, &value))
		return false;
	memcpy(number, value.bytes, sizeof *number);
	return true;
}

bool join_number_put(struct state_table *table, struct text key, uint32_t number, struct error *error)
{
	return table_put(table, key, (struct text){(const char *)&number, sizeof number}, false) ||
	       error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
}

struct text join_key_print(struct arena *arena, char kind, uint64_t number, struct text text)
{
	return text_of(arena_print(arena, "%c%" PRIu64 " " TEXT_FORMAT, kind, number, TEXT_ARGUMENTS(text)));
}

struct text join_origin_print(struct arena *arena, const struct origin *origin)
{
	return text_of(arena_print(arena, "o" TEXT_FORMAT "-%d-%" PRId64, TEXT_ARGUMENTS(origin->topic), (int)origin->partition,
				   origin->offset));
}
