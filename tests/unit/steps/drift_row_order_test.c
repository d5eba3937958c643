/* row_order_test.c: rows that wait at an observer, held against a list that is sorted: they come in any order, are taken in
 * pieces up to some horizon, are brought back from the state, and are read again after a message that failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "tests/unit/graphs.h"
#include "steps/drift/state/drift_row_order.h"

#define MESSAGES 60 /* of one story */
#define STORIES 12
#define ROWS_MOST 40000 /* that wait */
#define ADDED_MOST 4000 /* together: several chunks */
#define FORMS 3		/* of rows: with as many numbers as the form's number and one, in a segment of their own */
#define IDENTITY 77
#define WINDOW_MS 1000

struct waiting_row {
	int64_t time_ms, partition;
	uint64_t number; /* in which it came */
	int form;
};

/* What should wait, in the order. */
static struct rows_expected {
	struct waiting_row rows[ROWS_MOST];
	size_t from, count;
	uint64_t came;
	bool is_marked;		 /* a row was taken since none waited */
	struct waiting_row mark; /* the last in the order that was taken */
} expected, before;
static const char *const segments[FORMS] = {"", "a", "a segment"};
static struct random draw;
static struct drift_row_order *waiting;
static struct arena *arena;
static size_t most_waited, taken_back, failed;

static bool row_is_before(const struct waiting_row *a, const struct waiting_row *b)
{
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms;
	return a->partition != b->partition ? a->partition < b->partition : a->number < b->number;
}

static int row_order(const void *a, const void *b)
{
	return row_is_before(a, b) ? -1 : 1;
}

/* ---- adding ---- */

static struct tensor tensor_of(const double *numbers, size_t rows, int64_t shape[2])
{
	shape[0] = (int64_t)rows;
	shape[1] = 2;
	return (struct tensor){
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .count = 2 * rows, .data = numbers};
}

/* All that is told of a row follows from its number. */
static double number_of(uint64_t row, size_t at)
{
	return (double)row * 8 + (double)at;
}

/* Times mostly rise, with some that are equal, and sometimes fall; partitions come apart, or mixed. */
static void rows_draw(struct monitor_moment *moments, size_t count)
{
	const int64_t step_least = random_in_thousand(&draw, 700) ? 0 : -3;
	const bool is_mixed = random_in_thousand(&draw, 400);
	struct monitor_moment moment = {random_between(&draw, 0, 3000), random_between(&draw, 0, 3)};
	for (size_t i = 0; i < count; i++) {
		moments[i] = moment;
		moment.time_ms += random_between(&draw, step_least, 2);
		if (is_mixed)
			moment.partition = random_between(&draw, 0, 3);
	}
}

static void rows_add(size_t count)
{
	static struct monitor_moment moments[ADDED_MOST];
	static struct drift_request requests[ADDED_MOST];
	static double values[ADDED_MOST * FORMS], chances[ADDED_MOST * 2];
	const int form = (int)random_below(&draw, FORMS);
	const size_t numbers = (size_t)form + 1;
	struct error error = {0};
	int64_t shape[2];
	const struct tensor tensor = tensor_of(chances, count, shape);
	rows_draw(moments, count);
	for (size_t i = 0; i < count; i++) {
		const uint64_t row = expected.came++;
		requests[i] = (struct drift_request){row, row + 1};
		chances[2 * i] = -(chances[2 * i + 1] = (double)row);
		for (size_t j = 0; j < numbers; j++)
			values[i * numbers + j] = number_of(row, j);
		assert_true(expected.from + expected.count < ROWS_MOST);
		expected.rows[expected.from + expected.count++] =
			(struct waiting_row){moments[i].time_ms, moments[i].partition, row, form};
	}
	qsort(expected.rows + expected.from, expected.count, sizeof *expected.rows, row_order);
	const struct drift_rows rows = {.segment = text_of(segments[form]),
					.count = count,
					.numbers = numbers,
					.values = values,
					.moments = moments,
					.chances = {.tensor = form == 2 ? &tensor : NULL, .classes = 2},
					.requests = form == 1 ? requests : NULL};
	assert_true(row_order_add(waiting, &rows, &error));
}

/* ---- taking ---- */

static bool first_is_due(int64_t horizon_ms)
{
	const struct waiting_row *first = &expected.rows[expected.from];
	return expected.count > 0 && (first->time_ms < horizon_ms || horizon_ms == INT64_MAX ||
				      (expected.is_marked && row_is_before(first, &expected.mark)));
}

static void first_is(const struct drift_rows *rows, size_t at)
{
	const struct waiting_row *first = &expected.rows[expected.from++];
	expected.count--;
	assert_int_equal(rows->moments[at].time_ms, first->time_ms);
	assert_int_equal(rows->moments[at].partition, first->partition);
	assert_int_equal(rows->numbers, first->form + 1);
	for (size_t i = 0; i < rows->numbers; i++)
		assert_true(rows->values[at * rows->numbers + i] == number_of(first->number, i));
	assert_true(text_is(rows->segment, segments[first->form]));
	assert_int_equal(rows->requests != NULL, first->form == 1);
	assert_int_equal(rows->chances.tensor != NULL, first->form == 2);
	if (rows->requests)
		assert_int_equal(rows->requests[at].row, first->number + 1);
	if (rows->chances.tensor)
		assert_true(tensor_number(rows->chances.tensor, 2 * at + 1) == (double)first->number);
	if (!expected.is_marked || row_is_before(&expected.mark, first))
		expected.mark = *first;
	expected.is_marked = true;
}

/* Takes what is due; or leaves some of it to the next message, but none that is late: that is taken with the message that brings
 * it. */
static void rows_take(int64_t horizon_ms)
{
	const struct drift_estimate_options estimate = {0};
	struct drift_rows rows;
	struct error error = {0};
	size_t most = 1 + random_below(&draw, 500);
	while (row_order_take(waiting, horizon_ms, most, arena, &estimate, &rows, &error)) {
		assert_in_range(rows.count, 1, most);
		for (size_t i = 0; i < rows.count; i++) {
			assert_true(first_is_due(horizon_ms));
			first_is(&rows, i);
		}
		if (expected.count == 0)
			expected.is_marked = false;
		most = 1 + random_below(&draw, 500);
		arena_reset(arena);
		if (!first_is_due(INT64_MIN) && horizon_ms != INT64_MAX && random_in_thousand(&draw, 50))
			return;
	}
	assert_string_equal(error.text, "");
	assert_false(first_is_due(horizon_ms));
}

static void assert_nothing_is_stored(struct visit *visit)
{
	char key[32];
	struct text stored;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(key, sizeof key, "waiting/%d", i);
		assert_false(visit_recall(visit, text_of(key), &stored));
	}
}

/* Another engine goes on. */
static void engine_change(void)
{
	row_order_close(waiting);
	waiting = row_order_open();
	assert_non_null(waiting);
	taken_back += expected.count > 0;
}

static enum step_verdict run(struct step *step, struct visit *visit, struct error *error)
{
	const float message = ((const float *)tensors_find(visit_input(visit)->tensors, TEXT("x"))->data)[0];
	const bool is_last = message >= MESSAGES - 1;
	const bool fails = !is_last && random_in_thousand(&draw, 100);
	(void)step;
	if (random_in_thousand(&draw, 300))
		engine_change();
	before = expected;
	assert_true(row_order_bring(waiting, visit, IDENTITY, WINDOW_MS, error));
	for (uint64_t i = random_below(&draw, 4); i > 0; i--)
		rows_add(1 + random_below(&draw, random_in_thousand(&draw, 50) ? ADDED_MOST : 200));
	most_waited = expected.count > most_waited ? expected.count : most_waited;
	rows_take(is_last ? INT64_MAX : random_between(&draw, -10, 2500));
	assert_int_equal(row_order_is_empty(waiting), expected.count == 0);
	assert_true(row_order_store(waiting, visit, error));
	if (fails) {
		row_order_doubt(waiting);
		expected = before;
		failed++;
		error_set(error, ERROR_INPUT, PLACE_NONE, "it fails");
		return STEP_FAIL;
	}
	if (is_last)
		assert_nothing_is_stored(visit);
	visit_pass(visit);
	return STEP_DONE;
}

static const struct step_kind kind_waits = {
	.name = "waits", .state = &(const struct state_rules){0}, .shape = SHAPE_PASSES, .run = run};

static void story_tell(uint64_t seed)
{
	struct arena *own = arena_open((size_t)1 << 24);
	struct scene scene;
	const struct made_step steps[] = {{.name = "rows", .kind = &kind_waits}};
	draw.state = seed;
	memset(&expected, 0, sizeof expected);
	waiting = row_order_open();
	scene_open(&scene, graph_made(own, steps, 1, "rows", JOIN_INNER), own, false);
	scene_keep(&scene);
	for (int i = 0; i < MESSAGES; i++) {
		static char ids[MESSAGES][16];
		char tensors[16];
		(void)snprintf(ids[i], sizeof ids[i], "m%d", i);
		(void)snprintf(tensors, sizeof tensors, "x=%d", i);
		scene_send(&scene, ids[i], tensors);
		assert_non_null(scene_answer(&scene, ids[i]));
	}
	assert_int_equal(expected.count, 0);
	scene_close(&scene);
	row_order_close(waiting);
	arena_close(own);
}

static void rows_are_taken_in_the_order_of_a_sorted_list(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 24);
	for (uint64_t seed = 1; seed <= STORIES; seed++)
		story_tell(seed);
	assert_true(most_waited > ADDED_MOST);
	assert_true(taken_back > STORIES);
	assert_true(failed > STORIES);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_taken_in_the_order_of_a_sorted_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
