/* memory_test.c: Tables of megabytes: zeroed, of no cost before they are written, and given back to the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define MIB ((size_t)1 << 20)
#define TABLE_BYTES (48 * MIB)
#define SLACK (4 * MIB)
#define PAGE_BYTES 4096 /* the unit of statm on what we test on; a larger page makes the figures smaller than the slack */

static size_t resident_bytes(void)
{
	size_t whole, resident;
	FILE *statm = fopen("/proc/self/statm", "re");
	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%zu %zu", &whole, &resident), 2);
	assert_int_equal(fclose(statm), 0);
	return resident * PAGE_BYTES;
}

static void a_table_costs_what_is_written_and_nothing_afterwards(void **state)
{
	(void)state;
	const size_t before = resident_bytes();
	for (int time = 0; time < 2; time++) {
		char *table = memory_take_table(TABLE_BYTES / 16, 16);
		assert_non_null(table);
		assert_true(resident_bytes() < before + SLACK);
		for (size_t i = 0; i < TABLE_BYTES; i += PAGE_BYTES)
			assert_int_equal(table[i], 0);
		memset(table, 0x5A, TABLE_BYTES);
		assert_true(resident_bytes() > before + TABLE_BYTES - SLACK);
		memory_give_table(table, TABLE_BYTES / 16, 16);
		assert_true(resident_bytes() < before + SLACK);
	}
}

static void a_table_that_cannot_be_is_refused(void **state)
{
	(void)state;
	assert_null(memory_take_table(SIZE_MAX / 2, 4));
	memory_fail_at(1);
	assert_null(memory_take_table(1, 1));
	char *table = memory_take_table(0, 8);
	assert_non_null(table);
	memory_give_table(table, 0, 8);
	memory_give_table(NULL, 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_costs_what_is_written_and_nothing_afterwards),
		cmocka_unit_test(a_table_that_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
