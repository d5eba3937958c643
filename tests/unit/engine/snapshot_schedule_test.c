/* snapshot_schedule_test.c: which state of a worker gets the next snapshot. */
#include "engine/worker/partition_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

static void of_several_snapshots_that_are_due_the_oldest_comes_first(void **state)
{
	(void)state;
	const struct partition_state_config config = {.snapshot_ms = 1, .snapshot_changes = 3};
	struct worker_stage *stage = (struct worker_stage *)&(int){0}; /* any */
	struct store *store = store_open((struct store_scopes){0}, 1 << 20);
	struct partition_state items[] = {
		{.snapshot_begun_ms = 30}, {.snapshot_begun_ms = 20}, {.snapshot_begun_ms = 10}, {.snapshot_begun_ms = 20}};
	struct partition_states states = {.first = items};
	assert_non_null(store);
	for (size_t i = 0; i < 4; i++) {
		items[i].next = i < 3 ? &items[i + 1] : NULL;
		items[i].stage = stage, items[i].store = store, items[i].written = config.snapshot_changes;
		items[i].referred = 1;
	}
	assert_ptr_equal(snapshot_schedule_due(&states, &config, 31), &items[2]);
	items[2].snapshot_begun_ms = 31; /* it has begun */
	assert_ptr_equal(snapshot_schedule_due(&states, &config, 32), &items[1]);
	items[1].written--;
	assert_ptr_equal(snapshot_schedule_due(&states, &config, 32), &items[3]);
	items[3].stage = NULL;
	assert_ptr_equal(snapshot_schedule_due(&states, &config, 32), &items[0]);
	items[0].store = NULL; /* it is being restored */
	assert_ptr_equal(snapshot_schedule_due(&states, &config, 32), &items[2]);
	assert_null(snapshot_schedule_due(&states, &config, 31));
	items[2].referred = 0; /* no commit refers to its changelog */
	assert_null(snapshot_schedule_due(&states, &config, 32));
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(of_several_snapshots_that_are_due_the_oldest_comes_first)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
