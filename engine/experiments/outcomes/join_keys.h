/* join_keys.h: Keys of what a join of exposures and feedback has met, and the numbers under them. Keys of all kinds may be in one
 * table: they differ by their first letter. */
#ifndef SLUICE_EXPERIMENTS_OUTCOMES_JOIN_KEYS_H
#define SLUICE_EXPERIMENTS_OUTCOMES_JOIN_KEYS_H

#include "message/message.h"
#include "base/table.h"

/* Whether the table has the key; then `number` is set. */
bool join_number_find(const struct state_table *table, struct text key, uint32_t *number);

/* Adds the key, or replaces its number. False: SYSTEM, memory ran out. */
bool join_number_put(struct state_table *table, struct text key, uint32_t number, struct error *error);

/* Keys are in the arena. An empty text: the arena is full. The letter 'o' is that of origins. */
struct text join_key_print(struct arena *arena, char kind, uint64_t number, struct text text);
struct text join_origin_print(struct arena *arena, const struct origin *origin);

#endif
