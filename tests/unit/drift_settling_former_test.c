/* drift_settling_former_test.c: state of windows that wait for truths, as builds stored it that did not count rows which do not
 * wait, or whose truths do not fit: what it has counts on, and it has no such rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flow/state/store.h"
#include "steps/drift/state/drift_settling.h"
#include "tests/unit/observed.h"

#define TEN_MINUTES_MS 600000
#define WAITS USUAL ", estimate: {probabilities: p, outcomeWindow: 10m}"
#define RIGHT_OF_FIVE 4
#define NUMBER sizeof(uint64_t) /* all fields before the ones that changed are such */

/* An entry of the state. */
struct entry {
	struct text prefix;
	uint32_t scope;
	char key[64], value[65536];
	size_t key_length, length;
};

static void entry_take(void *context, const struct change *kept)
{
	struct entry *entry = context;
	if (!text_starts_with(kept->key, entry->prefix))
		return;
	assert_true(kept->key.length <= sizeof entry->key && kept->value.length <= sizeof entry->value);
	entry->scope = kept->scope;
	entry->key_length = kept->key.length;
	entry->length = kept->value.length;
	memcpy(entry->key, kept->key.bytes, kept->key.length);
	memcpy(entry->value, kept->value.bytes, kept->value.length);
}

/* The only entry with that prefix. */
static struct entry entry_find(const struct observed *observed, const char *prefix)
{
	struct store_walk walk = {0};
	struct entry entry = {.prefix = text_of(prefix)};
	assert_int_equal(observed_entries(observed, prefix), 1);
	while (store_show(observed->store, &walk, 1000, entry_take, &entry))
		;
	return entry;
}

/* Another engine has it. */
static void entry_put(struct observed *observed, const struct entry *entry)
{
	struct error error = {0};
	observed_engine_close(observed);
	assert_true(store_restore(observed->store, entry->scope, (struct text){entry->key, entry->key_length},
				  (struct text){entry->value, entry->length}, &error));
	observed_engine_open(observed);
}

static void expect_settled(struct observed *observed, uint64_t unkept)
{
	observed->passed_ms += TEN_MINUTES_MS;
	observed_positives(observed, 1, 0.8);
	assert_int_equal(observed->settled_count, 1);
	assert_int_equal(observed->settled[0].truths, 40 - unkept);
	assert_int_equal(observed->settled[0].unkept, unkept);
}

/* It had the identity, the window, the newest chunk, and the number of rows that wait. */
static void rows_of_an_open_window_wait_on(void **state)
{
	(void)state;
	static double chances[SETTLING_CLASSES_MAX + 1] = {1};
	const uint64_t rows = 30;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, (int)rows, 0.8);
	struct entry entry = entry_find(&observed, "awaited/");
	memcpy(entry.value + 3 * NUMBER, &rows, sizeof rows);
	entry.length = 4 * NUMBER;
	entry_put(&observed, &entry);
	observed_classes(&observed, 4, SETTLING_CLASSES_MAX + 1, chances);
	observed_positives(&observed, 6, 0.8);
	observed_outcomes(&observed, first_ms, 40, RIGHT_OF_FIVE);
	expect_settled(&observed, 4);
	observed_close(&observed);
}

/* Its version was 1, and after four numbers it had that of its rows. */
static void a_closed_window_settles(void **state)
{
	(void)state;
	const uint64_t version = 1, rows = 40;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	observed_outcomes(&observed, observed.time_ms, 40, RIGHT_OF_FIVE);
	observed_positives(&observed, (int)rows, 0.8);
	struct entry entry = entry_find(&observed, "closed/");
	memcpy(entry.value, &version, sizeof version);
	memcpy(entry.value + 5 * NUMBER, &rows, sizeof rows);
	entry_put(&observed, &entry);
	expect_settled(&observed, 0);
	observed_close(&observed);
}

/* Its last number was not there, nor before that its third. Then rows for the exact AUC are lacking, and it is that of bins:
 * 1/2, as all probabilities are in one. */
static void expect_counted_on(int numbers_cut)
{
	double chances[200];
	static const int64_t shape[] = {200, 1};
	const struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = chances, .count = 200};
	struct observed observed;
	observed_open_now(&observed, "window: 6000, falseAlarms: 0.1 per 1000, estimate: {probabilities: p, outcomeWindow: 10m}");
	const int64_t first_ms = observed.time_ms;
	for (int i = 0; i < 200; i++)
		chances[i] = i % 5 < RIGHT_OF_FIVE ? 0.8001 : 0.8;
	observed.also = &tensor;
	observed.with_requests = true;
	observed_slices(&observed, 6000, 200, 0);
	observed_truth(&observed, first_ms + 1000, NULL, 0, 1.5); /* of a row of the last part */
	observed_outcomes(&observed, first_ms, 6000, RIGHT_OF_FIVE);
	observed.passed_ms += TEN_MINUTES_MS;
	observed_slices(&observed, 200, 200, 0);
	assert_int_equal(observed.settled_count, 0);
	struct entry entry = entry_find(&observed, "settled");
	entry.length -= NUMBER;
	if (numbers_cut == 2) {
		entry.length -= NUMBER;
		memmove(entry.value + 2 * NUMBER, entry.value + 3 * NUMBER, entry.length - 2 * NUMBER);
	}
	entry_put(&observed, &entry);
	for (int i = 0; i < 6000 / SETTLING_TURN_ROWS + 1; i++)
		observed_slices(&observed, 200, 200, 0);
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(observed.settled[0].truths, 5999);
	assert_int_equal(observed.settled[0].unfit, 1);
	assert_int_equal(observed.settled[0].first.rows, 5999);
	assert_string_equal(observed.settled[0].last.metric, "auc");
	assert_int_equal(observed.settled[0].last.rows, 5999);
	assert_true(observed.settled[0].last.value == 0.5);
	observed_close(&observed);
}

static void a_window_that_is_counted_in_part_is_counted_on(void **state)
{
	(void)state;
	expect_counted_on(1);
	expect_counted_on(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_an_open_window_wait_on),
		cmocka_unit_test(a_closed_window_settles),
		cmocka_unit_test(a_window_that_is_counted_in_part_is_counted_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
