/* arena_list.h: Growing array in an arena, of which only the items and their count are stored: it doubles when the count is a
 * power of two. The arrays that it leaves behind stay in the arena, and have fewer items in all than the last one.
 */
#pragma once

#include "base/arena.h"

/* The items, with space for one behind them that is not set: `items` or a larger copy. Every item must have been added so, and
 * none removed. `items` is NULL if `count` is 0. NULL: the arena is full, and `items` is unchanged. */
void *arena_list_grow(struct arena *arena, const void *items, size_t count, size_t item_bytes);
