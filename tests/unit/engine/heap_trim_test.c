/* heap_trim_test.c: Freed memory of a flood, which goes back to the system, and how long looks wait for each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <string.h>

#include "base/memory.h"
#include "engine/run/heap_trim.h"
#include "engine/run/process_usage.h"

#define MIB ((size_t)1 << 20)
#define BLOCKS 192
#define FLOOD_BYTES ((double)(BLOCKS * MIB))
#define SLACK_BYTES ((double)(16 * MIB))

/* Of jemalloc. */
extern int mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size) __attribute__((weak));
extern const char *malloc_conf;
const char *malloc_conf = "dirty_decay_ms:-1"; /* it keeps what is free until it is asked, as the C library's does */

/* Sanitizers have an allocator of their own. */
static void skip_without_heap(void)
{
	void *block = memory_take_raw(MIB);
	const bool is_of_glibc = mallinfo2().uordblks >= MIB;
	memory_give(block);
	if (!is_of_glibc && !mallctl)
		skip();
}

/* Leaves a block at the end of the heap, so that free() itself gives nothing back; returns it. */
static void *flood(void)
{
	char *blocks[BLOCKS];
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = memory_take_raw(MIB);
		assert_non_null(blocks[i]);
		memset(blocks[i], 1, MIB);
	}
	void *last = memory_take_raw(MIB);
	for (size_t i = 0; i < BLOCKS; i++)
		memory_give(blocks[i]);
	return last;
}

static void the_system_has_the_memory_of_a_flood_again(void **state)
{
	(void)state;
	skip_without_heap();
	struct heap_trim trim = {.wait_ms = HEAP_TRIM_FIRST_MS};
	const double before = process_resident_bytes();
	void *last = flood();
	assert_true(process_resident_bytes() > before + FLOOD_BYTES - SLACK_BYTES);
	heap_trim_look(&trim);
	assert_true(process_resident_bytes() < before + SLACK_BYTES);
	assert_int_equal(trim.wait_ms, HEAP_TRIM_FIRST_MS);
	memory_give(last);
}

static void what_is_taken_again_is_kept_for_longer(void **state)
{
	(void)state;
	skip_without_heap();
	struct heap_trim trim = {.wait_ms = HEAP_TRIM_FIRST_MS};
	void *last = flood();
	heap_trim_look(&trim);
	memory_give(last);
	for (int64_t wait_ms = HEAP_TRIM_FIRST_MS; wait_ms < HEAP_TRIM_MOST_MS / 2;) {
		last = flood();
		heap_trim_look(&trim);
		wait_ms *= 2;
		assert_int_equal(trim.wait_ms, wait_ms);
		memory_give(last);
	}
	last = flood();
	heap_trim_look(&trim);
	assert_int_equal(trim.wait_ms, HEAP_TRIM_MOST_MS);
	memory_give(last);
	heap_trim_look(&trim); /* it was not taken again, but nothing is left to give back */
	assert_int_equal(trim.wait_ms, HEAP_TRIM_MOST_MS);
	last = flood();
	heap_trim_look(&trim);
	assert_int_equal(trim.wait_ms, HEAP_TRIM_FIRST_MS);
	memory_give(last);
}

static void looks_come_by_the_clock_of_the_loop(void **state)
{
	struct heap_trim trim;
	struct error error = {0};
	struct loop *loop = loop_open(&error);
	(void)state;
	assert_non_null(loop);
	assert_true(heap_trim_start(&trim, loop, &error));
	assert_int_equal(trim.timer.due_ms, loop_now_ms(loop) + HEAP_TRIM_FIRST_MS);
	trim.timer.due(trim.timer.context);
	assert_int_equal(trim.timer.due_ms, loop_now_ms(loop) + trim.wait_ms);
	heap_trim_stop(&trim);
	heap_trim_stop(&trim);
	loop_close(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_system_has_the_memory_of_a_flood_again),
		cmocka_unit_test(what_is_taken_again_is_kept_for_longer),
		cmocka_unit_test(looks_come_by_the_clock_of_the_loop),
	};
	allocator_keep_blocks(); /* as engines do */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
