/* memory.h: Heap allocation: the only access to the heap.
 *
 * Everything that lives longer than a message, or is not in an arena, is allocated here. So a test can make
 * each allocation fail once and check that nothing leaks or crashes (tests/torture.py).
 *
 * Callable from any thread. The caller owns what is returned and frees it with memory_give().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The allocator beneath memory.h and the libraries: jemalloc in programs that are linked with it, else that of the C
 * library.
 *
 * librdkafka allocates six times for a record with three headers, and frees many records at once, for which the C library keeps too
 * few free blocks of a thread. With jemalloc an engine answers a fifth more requests directly in the same time
 * (engine/COMPARISON.md). Otherwise both are as fast. It takes 2 to 40 MiB more memory.
 */

/* Freed blocks of megabytes, as buffers of fetches, stay in the heap. jemalloc keeps them for seconds by itself. Call it before
 * threads are started. */
void allocator_keep_blocks(void);

/* Gives free memory back to the system. Other threads may wait for some milliseconds meanwhile. */
void allocator_trim(void);

/* `count` elements of `size`, zeroed. NULL: memory ran out, or the product overflows. */
void *memory_take(size_t count, size_t size);

/* As memory_take(), but not zeroed: for large blocks that are written before they are read. */
void *memory_take_raw(size_t size);

/* Resizes `piece` (or NULL) to `count` elements of `size`; new elements are not zeroed. On failure NULL, and
 * `piece` is unchanged. */
void *memory_resize(void *piece, size_t count, size_t size);

/* The list `items` with space for one element more than its `count`: the list itself while that is less than `*room`, else
 * one of twice the room, or of `first` elements. NULL: memory ran out, and the list is unchanged. */
void *memory_grow(void *items, size_t count, size_t *room, size_t first, size_t size);

void memory_give(void *piece); /* NULL is fine */

/* A table of `count` zeroed elements of `size`, for megabytes that are rarely full: of the system itself, so that a page
 * costs nothing before it is written, and all of them are the system's again when the table is given back. (A block of the
 * heap that is freed and taken again is zeroed by writing it, and the heap keeps it.) NULL: as memory_take(). */
void *memory_take_table(size_t count, size_t size);
void memory_give_table(void *table, size_t count, size_t size); /* as they were asked for; NULL is fine */

/* Zeroes memory by a function call. What compilers generate for `= {0}` of some hundred bytes takes longer to
 * start than this takes in all. For code that runs for each message. */
void memory_clear(void *piece, size_t size);

/* Makes the `nth` allocation from now on fail, once (1: the next); 0 cancels that. memory_taken() is the number
 * of allocations so far. For tests; main reads SLUICE_FAIL_ALLOCATION. */
void memory_fail_at(uint64_t nth);
uint64_t memory_taken(void);
