/* memory.h: the only door to the heap.
 *
 * Everything that lives longer than a message or is not in an arena comes from
 * here, so that a test can make each allocation fail once and see that nothing
 * leaks and nothing crashes (tests/torture.py).
 *
 * Any thread may call. What is returned is the caller's, to be given back with
 * memory_give().
 */
#ifndef SLUICE_BASE_MEMORY_H
#define SLUICE_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `count` elements of `size`, zeroed. NULL when the heap is empty or the product
 * overflows. */
void *memory_take(size_t count, size_t size);

/* As memory_take(), but not zeroed: for large blocks that are written before
 * they are read. */
void *memory_take_raw(size_t size);

/* `piece` (or NULL) with room for `count` elements of `size`; what is new is not
 * zeroed. On failure NULL, and `piece` stays as it was. */
void *memory_resize(void *piece, size_t count, size_t size);

void memory_give(void *piece); /* NULL is fine */

/* Zeroes it, by a call: what compilers make of `= {0}` for some hundred bytes takes longer
 * to start than this takes whole. For the way of a message. */
void memory_clear(void *piece, size_t size);

/* Makes the `nth` allocation from now on fail, once (1: the next); 0 stops that.
 * memory_taken() counts the allocations so far. For tests; main reads
 * SLUICE_FAIL_ALLOCATION. */
void memory_fail_at(uint64_t nth);
uint64_t memory_taken(void);

#endif
