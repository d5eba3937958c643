/* drift_past_counts_test.c: Tests of the counts of texts in the past of a stream: they are those of the rows of its windows, also
 * after a failed transaction and a takeover, and are stored only when a text needs a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "methods/drift/past_texts.h"
#include "tests/unit/observed.h"

#define ROWS 100 /* of a window */
#define HALF (ROWS / 2)
#define WINDOWS_LEARNT 10
#define TEXT_LETTERS 16

/* ---- streams ---- */

static void half_send(struct observed *observed, const struct text *texts)
{
	const int64_t shape[] = {HALF, 1};
	observed_send(
		observed,
		&(struct tensor){
			.name = TEXT("note"), .datatype = DATATYPE_BYTES, .shape = shape, .rank = 2, .data = texts, .count = HALF});
}

/* Half a window of two texts, so many of which are the first. */
static void two_send(struct observed *observed, const char *first, size_t count, const char *second)
{
	struct text texts[HALF];
	for (size_t i = 0; i < HALF; i++)
		texts[i] = text_of(i < count ? first : second);
	half_send(observed, texts);
}

/* A past with its reference: 40 of 100 rows are "buy", the others "sell". */
static void past_open(struct observed *observed)
{
	observed_open_watch(observed, "drift: {tensors: [note], reference: {past: 1d}, window: 100, falseAlarms: 0.1 per 1000}");
	for (int i = 0; i < 2 * WINDOWS_LEARNT; i++)
		two_send(observed, "buy", 20, "sell");
	assert_int_equal(observed->count, WINDOWS_LEARNT);
}

/* ---- state ---- */

static uint32_t scope_of(const struct observed *observed)
{
	uint32_t scope;
	assert_true(store_scope_find(observed->store, TEXT("watch.observer"), &scope));
	return scope;
}

/* Writes what changed to the other store, as to a changelog. */
static void changes_commit(struct observed *observed, struct store *committed)
{
	struct error error = {0};
	for (struct change change; store_change(observed->store, &change); store_change_written(observed->store))
		assert_true(store_restore(committed, change.scope, change.key, change.value, &error));
}

/* What was not committed is gone from the state. The steps stay open. */
static void transaction_fail(struct observed *observed, struct store *committed)
{
	struct error error = {0};
	line_close(observed->line);
	store_close(observed->store);
	observed->store = committed;
	observed->line = line_open(observed->flow, observed->store, &error);
	assert_non_null(observed->line);
}

/* The stored count of a text of windows since the reference; 0: it is not stored. */
static uint32_t counted(const struct observed *observed, const char *text)
{
	struct text stored;
	if (!store_read(observed->store, scope_of(observed), TEXT("past/counted/0"), &stored))
		return 0;
	const struct past_text *items = (const void *)stored.bytes;
	for (size_t i = 0; i < stored.length / sizeof *items; i++)
		if (text_is((struct text){items[i].bytes, items[i].length}, text))
			return items[i].count;
	return 0;
}

/* ---- counts ---- */

static void a_message_that_is_processed_again_counts_once(void **state)
{
	(void)state;
	struct observed observed;
	past_open(&observed);
	struct store *committed = store_open(flow_scopes(observed.flow), STORE_BYTES);
	changes_commit(&observed, committed);
	two_send(&observed, "short", 30, "sell");
	transaction_fail(&observed, committed);
	two_send(&observed, "short", 30, "sell");
	two_send(&observed, "short", 10, "buy");
	assert_int_equal(observed.count, WINDOWS_LEARNT + 1);
	assert_int_equal(counted(&observed, "short"), 40);
	assert_int_equal(counted(&observed, "buy"), 400 + 40);
	assert_int_equal(counted(&observed, "sell"), 600 + 20);
	observed_close(&observed);
}

/* The message that failed had closed the window. */
static void so_does_one_that_closes_a_window(void **state)
{
	(void)state;
	struct observed observed;
	past_open(&observed);
	struct store *committed = store_open(flow_scopes(observed.flow), STORE_BYTES);
	two_send(&observed, "short", 30, "sell");
	changes_commit(&observed, committed);
	two_send(&observed, "hold", 10, "buy");
	assert_int_equal(counted(&observed, "hold"), 10);
	transaction_fail(&observed, committed);
	assert_int_equal(counted(&observed, "hold"), 0);
	two_send(&observed, "hold", 10, "buy");
	assert_int_equal(counted(&observed, "short"), 30);
	assert_int_equal(counted(&observed, "hold"), 10);
	assert_int_equal(counted(&observed, "buy"), 400 + 40);
	assert_int_equal(counted(&observed, "sell"), 600 + 20);
	observed_close(&observed);
}

/* It reads the rows of the open window from the state, and knows their texts where they have a name. */
static void another_engine_counts_all_rows_of_an_open_window(void **state)
{
	(void)state;
	struct observed observed;
	past_open(&observed);
	two_send(&observed, "buy", 20, "sell");
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	two_send(&observed, "short", 10, "sell");
	assert_int_equal(counted(&observed, "short"), 10);
	assert_int_equal(counted(&observed, "buy"), 400 + 20);
	assert_int_equal(counted(&observed, "sell"), 600 + 70);
	observed_close(&observed);
}

/* ---- what is stored ---- */

/* How many values of texts the windows since the last call have written. */
static size_t texts_written(struct observed *observed)
{
	const struct text counts = TEXT("past/counted/"), names = TEXT("past/texts/");
	size_t written = 0;
	for (struct change change; store_change(observed->store, &change); store_change_written(observed->store))
		written += (text_starts_with(change.key, counts) || text_starts_with(change.key, names)) && change.value.bytes;
	return written;
}

/* The third of these windows renews the reference. */
static void a_window_without_a_new_text_stores_none(void **state)
{
	static const size_t wanted[] = {0, 1, 1, 0};
	static const char *const first[] = {"buy", "short", "short", "short"};
	(void)state;
	struct observed observed;
	past_open(&observed);
	assert_int_equal(texts_written(&observed), 1); /* those of the reference */
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		two_send(&observed, first[i], 20, "sell");
		two_send(&observed, "buy", 20, "sell");
		assert_int_equal(texts_written(&observed), wanted[i]);
	}
	observed_close(&observed);
}

/* Sends a window whose texts are numbered, so many of which come as often as each other. */
static void numbered_send(struct observed *observed, size_t different)
{
	char bytes[HALF][TEXT_LETTERS];
	struct text texts[HALF];
	for (int half = 0; half < ROWS / HALF; half++) {
		for (size_t i = 0; i < HALF; i++) {
			snprintf(bytes[i], sizeof bytes[i], "no %zu", (size_t)random_below(&observed->chance, different));
			texts[i] = text_of(bytes[i]);
		}
		half_send(observed, texts);
	}
}

/* More texts of one frequency than can be stored: the list does not change with each window. */
static void texts_as_common_as_those_stored_do_not_take_turns(void **state)
{
	enum { WINDOWS = 24 };
	(void)state;
	for (size_t different = 100; different <= 100000; different *= 10) {
		struct observed observed;
		size_t written = 0;
		observed_open_watch(&observed, "drift: {tensors: [note], reference: {past: 30d}, window: 100, falseAlarms: 0.1 per "
					       "1000}");
		for (int i = 0; i < WINDOWS; i++)
			numbered_send(&observed, different);
		observed.count = 0;
		(void)texts_written(&observed);
		for (int i = 0; i < WINDOWS; i++) {
			numbered_send(&observed, different);
			written += texts_written(&observed);
		}
		print_message("%zu different texts: %zu of %d windows stored their counts\n", different, written, WINDOWS);
		assert_true(written <= WINDOWS / 4);
		observed_close(&observed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_that_is_processed_again_counts_once),
		cmocka_unit_test(so_does_one_that_closes_a_window),
		cmocka_unit_test(another_engine_counts_all_rows_of_an_open_window),
		cmocka_unit_test(a_window_without_a_new_text_stores_none),
		cmocka_unit_test(texts_as_common_as_those_stored_do_not_take_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
