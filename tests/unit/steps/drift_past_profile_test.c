/* drift_past_profile_test.c: bytes that a closed window adds to the changelog of a step that keeps its past: as many as are
 * promised, for windows of any size and features of any kind. And a past with larger windows of a former build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/state/change.h"
#include "steps/drift/state/drift_past_record.h"
#include "tests/unit/observed.h"

#define PROMISED_BYTES 4096 /* of a feature */
#define ROWS_MAX 5000
#define COLUMNS_MAX 40
#define NUMBER_BLOCKS ((size_t)17) /* of a large window of one column: a block of it has 184 bytes, and a key */
#define STEP "watch"		   /* of the observed pipeline */

static struct observed *window_open(const char *tensor, int rows)
{
	static struct observed observed;
	static char watch[256];
	snprintf(watch, sizeof watch, "drift: {tensors: [%s], reference: {past: 1d}, window: %d, falseAlarms: 0.1 per 100000}",
		 tensor, rows);
	observed_open_watch(&observed, watch);
	return &observed;
}

struct added {
	size_t bytes, blocks;
};

static bool key_begins(struct text key, const char *start)
{
	return key.length >= strlen(start) && memcmp(key.bytes, start, strlen(start)) == 0;
}

/* Whether the block is one that the last window has added. */
static bool block_is_new(struct text key, unsigned long long former)
{
	char number[PAST_KEY_BYTES] = "";
	const size_t before = strlen("past/block/");
	memcpy(number, key.bytes + before, key.length - before);
	return strtoull(number, NULL, 10) >= former;
}

/* What the changelog gets of a window: keys and values, but those of the list and of the features' names, of which there is one in
 * all, and blocks of former windows, which are merged. `blocks`: how many came before. */
static struct added changes_take(struct store *store, unsigned long long blocks)
{
	struct added added = {0};
	struct buffer written;
	buffer_open(&written, (size_t)16 << 20);
	for (struct change change; store_change(store, &change); store_change_written(store)) {
		const bool is_block = key_begins(change.key, "past/block/");
		if (!key_begins(change.key, "past/") || key_begins(change.key, PAST_LIST_KEY) ||
		    key_begins(change.key, PAST_FEATURES_KEY) || (is_block && !block_is_new(change.key, blocks)))
			continue;
		change_write_key(&written, STEP OBSERVER_SUFFIX, change.key);
		if (change.value.bytes)
			change_write_value(&written, change.value);
		added.blocks += is_block;
	}
	added.bytes = buffer_view(&written).length;
	assert_false(buffer_failed(&written));
	buffer_close(&written);
	return added;
}

/* ---- numbers ---- */

#define MESSAGE_ROWS 500 /* a message may not have all */

/* Of full precision, around this one. */
static void numbers_send(struct observed *observed, int rows, int columns, double middle)
{
	static double numbers[MESSAGE_ROWS * COLUMNS_MAX];
	for (int sent = 0, more; sent < rows; sent += more) {
		more = rows - sent < MESSAGE_ROWS ? rows - sent : MESSAGE_ROWS;
		const int64_t shape[] = {more, columns};
		const size_t count = (size_t)more * (size_t)columns;
		for (size_t i = 0; i < count; i++)
			numbers[i] = middle + (double)(random_next(&observed->chance) >> 11) / 3 * 0x1p-53;
		observed_send(observed, &(struct tensor){.name = TEXT("x"),
							 .datatype = DATATYPE_FP64,
							 .shape = shape,
							 .rank = 2,
							 .data = numbers,
							 .count = count});
	}
}

static void numbers_have_4_kib_a_feature(void **state)
{
	(void)state;
	static const int sizes[] = {20, 340, 439, 440, 460, 1000, ROWS_MAX};
	static const struct {
		int columns;
		size_t blocks; /* of a large window */
	} cases[] = {{1, NUMBER_BLOCKS}, {2, 19}, {3, 20}, {COLUMNS_MAX, 22}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
			struct observed *observed = window_open("x", sizes[j]);
			const size_t whole = (size_t)sizes[j] / 20;
			numbers_send(observed, sizes[j], cases[i].columns, 0);
			assert_int_equal(observed->count, 1);
			const struct added added = changes_take(observed->store, 0);
			assert_int_equal(added.blocks, whole < cases[i].blocks ? whole : cases[i].blocks);
			assert_true(added.bytes > 0 && added.bytes <= PROMISED_BYTES * (size_t)cases[i].columns);
			observed_close(observed);
		}
}

/* ---- texts ---- */

#define TEXT_LETTERS 64 /* a longer one is not counted */
#define NOTES 1000

/* Texts as long as one may be: so many rows of each of 60, the first of which has that number. */
static void notes_send(struct observed *observed, int columns, int first)
{
	static char bytes[NOTES * 2][TEXT_LETTERS + 1];
	static struct text notes[NOTES * 2];
	const int64_t shape[] = {NOTES, columns};
	const size_t count = (size_t)NOTES * (size_t)columns;
	for (size_t i = 0; i < count; i++) {
		snprintf(bytes[i], sizeof bytes[i], "%064d", first + (int)(i / (size_t)columns) % 60);
		notes[i] = text_of(bytes[i]);
	}
	observed_send(observed, &(struct tensor){.name = TEXT("note"),
						 .datatype = DATATYPE_BYTES,
						 .shape = shape,
						 .rank = 2,
						 .data = notes,
						 .count = count});
}

/* A column of texts is two features: the commonest of them are in the bytes of both. Each window has texts that none had before. */
static void so_have_texts_and_their_lengths(void **state)
{
	enum { WINDOWS = 8 };
	(void)state;
	for (int columns = 1; columns <= 2; columns++) {
		struct observed *observed = window_open("note", NOTES);
		unsigned long long blocks = 0;
		for (int i = 0; i < WINDOWS; i++) {
			notes_send(observed, columns, 100 * i);
			assert_int_equal(observed->count, i + 1);
			const struct added added = changes_take(observed->store, blocks);
			const size_t promised = PROMISED_BYTES * 2 * (size_t)columns;
			assert_true(added.bytes <= promised && (i > 0 || added.bytes > promised * 9 / 10));
			assert_true(i > 0 || added.blocks >= 8);
			blocks += added.blocks;
		}
		observed_close(observed);
	}
}

/* ---- a former build ---- */

#define FORMER_BLOCKS 32 /* of a window of it, whatever its features */
#define FORMER_ROWS ((size_t)FORMER_BLOCKS * PAST_BLOCK_ROWS)
#define WINDOW_ROWS 700

static uint32_t scope_of(const struct observed *observed)
{
	uint32_t scope;
	assert_true(store_scope_find(observed->store, TEXT(STEP OBSERVER_SUFFIX), &scope));
	return scope;
}

static bool state_recall(void *context, struct text key, struct text *value)
{
	const struct observed *observed = context;
	return store_read(observed->store, scope_of(observed), key, value);
}

static void state_restore(struct observed *observed, struct text key, const void *bytes, size_t length)
{
	struct error error = {0};
	assert_true(store_restore(observed->store, scope_of(observed), key, (struct text){bytes, length}, &error));
}

/* Two windows as that build remembered them take the place of the past. */
static void former_past_put(struct observed *observed)
{
	struct text stored;
	struct past_list list = {0};
	assert_true(state_recall(observed, TEXT(PAST_LIST_KEY), &stored));
	memcpy(&list, stored.bytes, stored.length);
	list.past.count = list.past.next = 0;
	for (uint64_t i = 0; i < 2 * FORMER_BLOCKS; i++) {
		struct keyed_log_key key;
		struct past_values values = {.least = -1000, .greatest = 1000};
		for (size_t j = 0; j < PAST_BLOCK_ROWS; j++)
			values.values[j] = (double)(random_next(&observed->chance) >> 11) / 3 * 0x1p-53;
		state_restore(observed, keyed_log_key(&past_blocks, i, &key), &values, sizeof values);
		past_add(&list.past,
			 &(struct past_block){
				 .rows = PAST_BLOCK_ROWS, .time_ms = list.past.clock.last_ms, .windows = i % FORMER_BLOCKS == 0},
			 i);
	}
	state_restore(observed, TEXT(PAST_LIST_KEY), &list, past_list_bytes(list.past.count));
}

static const struct step_spec *spec_of(const struct graph *graph)
{
	size_t at = 0;
	while (strcmp(graph->steps[at].name, STEP) != 0)
		at++;
	return graph->steps[at].spec;
}

static void expect_rebased(struct observed *observed, uint64_t windows, uint64_t rows)
{
	const struct step_spec *spec = spec_of(observed->planning.graph);
	const struct step step = {
		.kind = spec->kind, .name = STEP, .options = spec->options, .arena = arena_open((size_t)16 << 20)};
	const struct rebase_wanted wanted = {
		.state = observed, .recall = state_recall, .from_ms = INT64_MIN, .until_ms = INT64_MAX, .alarmed = true};
	struct rebase_made made;
	struct error error = {0};
	struct buffer file;
	buffer_open(&file, (size_t)4 << 20);
	assert_true(step.kind->learns->rebase(&step, &wanted, &made, &file, &error));
	assert_int_equal(made.windows, windows);
	assert_int_equal(made.rows, rows);
	assert_true(made.values >= (FORMER_BLOCKS + 2 * NUMBER_BLOCKS) * PAST_BLOCK_ROWS); /* two of 20 rows became one of 40 */
	buffer_close(&file);
	arena_close(step.arena);
}

static enum drift_verdict verdict_of_window(struct observed *observed, double middle)
{
	observed->count = 0;
	numbers_send(observed, WINDOW_ROWS, 1, middle);
	assert_int_equal(observed->count, 1);
	return observed->seen[0].verdict;
}

/* Its blocks are of one reference with those of this build, and merge with them. */
static void windows_of_a_former_build_are_of_one_past_with_new_ones(void **state)
{
	(void)state;
	struct observed *observed = window_open("x", WINDOW_ROWS);
	assert_int_equal(verdict_of_window(observed, 0), DRIFT_LEARNING);
	former_past_put(observed);
	observed_engine_close(observed);
	observed_engine_open(observed);
	assert_int_equal(verdict_of_window(observed, 0), DRIFT_LEARNING);
	assert_int_equal(verdict_of_window(observed, 0), DRIFT_STEADY);
	assert_int_equal(observed->seen[0].reference_rows, 2 * FORMER_ROWS + WINDOW_ROWS);
	expect_rebased(observed, 4, 2 * FORMER_ROWS + 2 * WINDOW_ROWS);
	for (size_t i = 3; i <= 20; i++)
		assert_int_equal(verdict_of_window(observed, 0), DRIFT_STEADY);
	expect_rebased(observed, 22, 2 * FORMER_ROWS + 20 * WINDOW_ROWS);
	assert_int_equal(verdict_of_window(observed, 0.3), DRIFT_FOUND);
	observed_close(observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_4_kib_a_feature),
		cmocka_unit_test(so_have_texts_and_their_lengths),
		cmocka_unit_test(windows_of_a_former_build_are_of_one_past_with_new_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
