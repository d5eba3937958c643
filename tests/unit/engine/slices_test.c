/* slices_test.c: when rows that wait leave for their observer, and what happens if the producer does not take them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sliced.h"
#include "engine/outputs/slices.h"

#define NEXT 1
#define RECORDS_MAX 600

/* An output that counts rows of records, and takes as many records as it is told. */
struct counting_output {
	struct output output;
	size_t count, rows[RECORDS_MAX];
	uint32_t topics[RECORDS_MAX];
	struct position origin;
	size_t room;	   /* records until it is full */
	size_t bytes_most; /* of a record that is not refused */
	char key[16];
};

static struct counting_output out;
static struct slices slices;
static struct buffer encoded;
static struct arena *arena;

static enum produce_verdict produce(struct output *output, const struct outgoing *record, struct error *error)
{
	assert_ptr_equal(output, &out.output);
	if (record->value.length > out.bytes_most) {
		error_set(error, ERROR_LIMIT, PLACE_NONE, "too large");
		return PRODUCE_REFUSED;
	}
	if (out.room == 0)
		return PRODUCE_FULL;
	out.room--;
	assert_true(out.count < RECORDS_MAX);
	out.rows[out.count] = sliced_rows(record->value);
	out.topics[out.count++] = record->topic;
	out.origin = record->origin;
	assert_true(record->key.length < sizeof out.key);
	memcpy(out.key, record->key.bytes, record->key.length);
	return PRODUCED;
}

static int set_up(void **state)
{
	static const struct output_operations operations = {.produce = produce};
	(void)state;
	out = (struct counting_output){.output = {.operations = &operations}, .room = RECORDS_MAX, .bytes_most = SIZE_MAX};
	slices = (struct slices){0};
	buffer_open(&encoded, 1 << 20);
	arena = arena_open(1 << 22);
	return arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	slices_close(&slices);
	buffer_close(&encoded);
	arena_close(arena);
	return 0;
}

static enum produce_verdict add(uint32_t topic, const char *key, int64_t columns, bool *failed)
{
	const double *numbers = ARENA_ARRAY(arena, double, (size_t)columns);
	const int64_t shape[] = {1, columns};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = (size_t)columns};
	const struct tensor *items[] = {&tensor};
	const struct payload payload = {.tensors = {1, items}};
	const struct given given = {.step = TEXT("watch"), .inputs = true, .state = GIVEN_CAME, .payload = &payload, .next = NEXT};
	const struct carried carried = {.count = 1, .items = &given, .next = NEXT};
	const struct message message = {.arena = arena, .id = TEXT("r"), .carried = &carried};
	static const char *const observers[] = {"watch.observer"};
	struct slice_row what;
	assert_true(slice_row_of(&message, NEXT, 1, &what));
	const struct slices_row row = {.topic = topic,
				       .key = text_of(key),
				       .observers = observers,
				       .message = &message,
				       .row = &what,
				       .link = {.from = TEXT("first")}};
	struct error error = {0};
	return slices_add(&slices, &row, &out.output, &encoded, failed, &error);
}

static void add_rows(uint32_t topic, int count)
{
	bool failed;
	for (int i = 0; i < count; i++)
		assert_int_equal(add(topic, "watch", 2, &failed), PRODUCED);
}

static enum produce_verdict leave_all(struct error *error)
{
	*error = (struct error){0};
	return slices_leave_all(&slices, &out.output, &encoded, error);
}

static void rows_wait_until_a_slice_is_full_or_all_leave(void **state)
{
	struct error error;
	(void)state;
	add_rows(3, SLICE_ROWS_MAX);
	assert_int_equal(out.count, 0);
	add_rows(3, 1);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.rows[0], SLICE_ROWS_MAX);
	add_rows(5, 2);
	assert_int_equal(leave_all(&error), PRODUCED);
	assert_int_equal(out.count, 3);
	assert_int_equal(out.rows[1] + out.rows[2], 3);
	assert_int_not_equal(out.topics[1], out.topics[2]);
	assert_string_equal(out.key, "watch");
	assert_int_equal(leave_all(&error), PRODUCED);
	assert_int_equal(out.count, 3);
}

static void rows_of_one_topic_leave_before_a_message_that_goes_alone(void **state)
{
	struct error error = {0};
	(void)state;
	add_rows(3, 2);
	add_rows(5, 2);
	assert_int_equal(slices_leave(&slices, 3, &out.output, &encoded, &error), PRODUCED);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.topics[0], 3);
	assert_int_equal(slices_leave(&slices, 8, &out.output, &encoded, &error), PRODUCED);
	assert_int_equal(out.count, 1);
}

static void rows_of_another_form_or_key_are_another_slice(void **state)
{
	bool failed;
	struct error error;
	(void)state;
	add_rows(3, 2);
	assert_int_equal(add(3, "watch", 3, &failed), PRODUCED);
	assert_int_equal(out.rows[0], 2);
	assert_int_equal(add(3, "other", 3, &failed), PRODUCED);
	assert_int_equal(out.rows[1], 1);
	assert_int_equal(leave_all(&error), PRODUCED);
	assert_int_equal(out.rows[2], 1);
}

static void a_full_producer_is_asked_again_and_nothing_leaves_twice(void **state)
{
	bool failed;
	struct error error;
	(void)state;
	add_rows(3, SLICE_ROWS_MAX);
	out.room = 0;
	assert_int_equal(add(3, "watch", 2, &failed), PRODUCE_FULL);
	assert_false(failed);
	assert_int_equal(leave_all(&error), PRODUCE_FULL);
	out.room = 1;
	assert_int_equal(add(3, "watch", 2, &failed), PRODUCED);
	assert_int_equal(leave_all(&error), PRODUCE_FULL);
	out.room = 1;
	assert_int_equal(leave_all(&error), PRODUCED);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.rows[0], SLICE_ROWS_MAX);
	assert_int_equal(out.rows[1], 1);
}

/* The producer is full in the midst of the smaller parts, and another row comes: it is behind them. */
static void a_record_that_is_too_large_leaves_in_parts(void **state)
{
	struct error error;
	size_t rows = 0;
	bool failed;
	(void)state;
	add_rows(3, 100);
	out.bytes_most = 1000;
	out.room = 2;
	assert_int_equal(leave_all(&error), PRODUCE_FULL);
	assert_int_equal(add(3, "watch", 2, &failed), PRODUCE_FULL);
	out.room = RECORDS_MAX;
	assert_int_equal(add(3, "watch", 2, &failed), PRODUCED);
	assert_int_equal(leave_all(&error), PRODUCED);
	for (size_t i = 0; i < out.count; i++)
		rows += out.rows[i];
	assert_int_equal(rows, 101);
	assert_true(out.rows[0] > 1 && out.rows[0] < 100);
	assert_int_equal(out.rows[out.count - 1], 1);
}

static void a_row_that_can_never_leave_is_a_failure_of_the_worker(void **state)
{
	bool failed;
	struct error error;
	(void)state;
	add_rows(3, 2);
	out.bytes_most = 10;
	assert_int_equal(leave_all(&error), PRODUCE_REFUSED);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_int_equal(add(3, "other", 2, &failed), PRODUCE_REFUSED);
	assert_true(failed);
}

static void what_is_void_is_dropped(void **state)
{
	struct error error;
	(void)state;
	add_rows(3, 7);
	add_rows(5, 7);
	slices_drop(&slices);
	assert_int_equal(leave_all(&error), PRODUCED);
	assert_int_equal(out.count, 0);
	add_rows(3, 1);
	assert_int_equal(leave_all(&error), PRODUCED);
	assert_int_equal(out.rows[0], 1);
}

/* Its origin is of no record, so nobody else's message is blamed for it. */
static void a_refused_slice_is_known(void **state)
{
	struct error error;
	(void)state;
	add_rows(3, 1);
	assert_int_equal(leave_all(&error), PRODUCED);
	struct refusal refusal = {.origin = out.origin, .topic = 3};
	assert_true(slices_wrote(&slices, &refusal));
	refusal.topic = 4;
	assert_false(slices_wrote(&slices, &refusal));
	refusal = (struct refusal){.origin = {0, 0, 0}, .topic = 3};
	assert_false(slices_wrote(&slices, &refusal));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(rows_wait_until_a_slice_is_full_or_all_leave),
		TEST(rows_of_one_topic_leave_before_a_message_that_goes_alone),
		TEST(rows_of_another_form_or_key_are_another_slice),
		TEST(a_full_producer_is_asked_again_and_nothing_leaves_twice),
		TEST(a_record_that_is_too_large_leaves_in_parts),
		TEST(a_row_that_can_never_leave_is_a_failure_of_the_worker),
		TEST(what_is_void_is_dropped),
		TEST(a_refused_slice_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
