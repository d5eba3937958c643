/* work_queue_test.c: Tests of work in portions: no turn has more than one of them, whoever's it is, and what ends at once waits for
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http/body_coder.h"

#define WORKS 4

struct part {
	struct queued_work work;
	size_t left_bytes, portions, ended_at; /* `ended_at`: how many had ended before; WORKS: it has not */
};

static struct loop *loop;
static struct work_queue queue;
static struct part parts[WORKS];
static size_t ended, worked_bytes;

static bool part_go(struct queued_work *work, size_t *bytes)
{
	struct part *part = LIST_OWNER(work, struct part, work);
	const size_t count = part->left_bytes < *bytes ? part->left_bytes : *bytes;
	assert_true(*bytes > 0);
	part->left_bytes -= count;
	part->portions++;
	*bytes -= count;
	worked_bytes += count;
	if (part->left_bytes > 0)
		return false;
	part->ended_at = ended++;
	return true;
}

static bool begin(size_t place, size_t bytes)
{
	parts[place] = (struct part){.work = {.go = part_go}, .left_bytes = bytes, .ended_at = WORKS};
	return work_queue_begin(&queue, &parts[place].work);
}

/* A turn of the loop, and the bytes that were worked on in it. */
static size_t turn(void)
{
	worked_bytes = 0;
	assert_true(loop_turn(loop, 0, &(struct error){0}));
	return worked_bytes;
}

static void queue_open_story(bool in_turns)
{
	loop = loop_open(&(struct error){0});
	ended = worked_bytes = 0;
	assert_true(loop && work_queue_open(&queue, loop, in_turns, &(struct error){0}));
}

static int queue_open_in_order(void **state)
{
	(void)state;
	queue_open_story(false);
	return 0;
}

static int queue_open_in_turns(void **state)
{
	(void)state;
	queue_open_story(true);
	return 0;
}

static int queue_close(void **state)
{
	(void)state;
	work_queue_close(&queue);
	loop_close(loop);
	return 0;
}

static void what_is_short_ends_at_once_until_the_turn_is_used_up(void **state)
{
	(void)state;
	assert_true(work_queue_has(&queue, WORK_TURN_BYTES));
	assert_false(work_queue_has(&queue, WORK_TURN_BYTES + 1));
	assert_true(begin(0, WORK_TURN_BYTES - 10));
	assert_false(work_queue_has(&queue, 11));
	assert_true(begin(1, 10));
	assert_false(begin(2, 1));
	assert_int_equal(parts[2].portions, 0);
	assert_int_equal(turn(), 1);
	assert_true(work_queue_has(&queue, WORK_TURN_BYTES - 1)); /* what the turn has left */
	assert_int_equal(turn(), 0);
	assert_true(work_queue_has(&queue, WORK_TURN_BYTES));
}

static void a_turn_has_one_portion_whoever_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORKS; i++)
		assert_false(begin(i, 2 * WORK_TURN_BYTES));
	assert_int_equal(worked_bytes, WORK_TURN_BYTES); /* of the first */
	for (size_t turns = 0; turns < 2 * WORKS - 1; turns++)
		assert_int_equal(turn(), WORK_TURN_BYTES);
	assert_int_equal(ended, WORKS);
	assert_int_equal(turn(), 0);
}

static void in_order_the_first_is_done_before_the_next_one(void **state)
{
	(void)state;
	begin(0, 3 * WORK_TURN_BYTES);
	begin(1, WORK_TURN_BYTES);
	begin(2, 10);
	while (ended < 3)
		assert_in_range(turn(), 1, WORK_TURN_BYTES);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(parts[i].ended_at, i);
}

static void in_turns_a_short_one_ends_before_a_long_one(void **state)
{
	(void)state;
	begin(0, 9 * WORK_TURN_BYTES);
	begin(1, 10);
	turn();
	turn();
	assert_int_equal(parts[1].ended_at, 0);
	queued_work_stop(&parts[0].work);
	assert_int_equal(turn(), 0);
	assert_int_equal(parts[0].ended_at, WORKS);
}

int main(void)
{
#define STORY(name, order) cmocka_unit_test_setup_teardown(name, queue_open_##order, queue_close)
	const struct CMUnitTest tests[] = {
		STORY(what_is_short_ends_at_once_until_the_turn_is_used_up, in_order),
		STORY(a_turn_has_one_portion_whoever_waits, in_order),
		STORY(a_turn_has_one_portion_whoever_waits, in_turns),
		STORY(in_order_the_first_is_done_before_the_next_one, in_order),
		STORY(in_turns_a_short_one_ends_before_a_long_one, in_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
