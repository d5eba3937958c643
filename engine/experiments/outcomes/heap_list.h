/* heap_list.h: Growing array of items that were read from a log, on the heap: it doubles. For joins that read all of it first. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define HEAP_LIST_MAX (UINT32_MAX - 1) /* items: their numbers fit into 32 bits */

/* Starts as {0}; memory_give(items) ends it. */
struct heap_list {
	void *items;
	size_t count, room;
};

/* A new item of `size` bytes, which are zero; those before may move. NULL: SYSTEM, memory ran out, or there are HEAP_LIST_MAX. */
void *heap_list_add(struct heap_list *list, size_t size, struct error *error);
