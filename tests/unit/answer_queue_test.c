/* answer_queue_test.c: Tests of the queue of answers between a worker and the thread that joins them with feedback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "observe/answer_queue.h"
#include "tests/unit/arena_fixture.h"

#define LONGEST 1000
#define CHUNKS 4
#define ANSWERS 200000
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

/* The nth answer: its length and its bytes follow from its number. */
static struct text answer_of(char bytes[LONGEST], size_t number)
{
	const size_t length = 1 + number * 37 % LONGEST;
	memset(bytes, (int)('a' + number % 26), length);
	return (struct text){bytes, length};
}

/* Adds answers until one is lost, which is of that number. */
static size_t queue_add_all(struct answer_queue *queue, size_t number)
{
	char bytes[LONGEST];
	for (uint64_t lost = 0; lost == 0; lost = answer_queue_lost(queue))
		answer_queue_add(queue, answer_of(bytes, number++));
	return number - 1;
}

static void answers_come_in_their_order_until_there_is_no_space(void **state)
{
	(void)state;
	struct answer_space space = {.most = (CHUNKS - 1) * ANSWER_CHUNK_BYTES};
	struct answer_queue *queue = answer_queue_open(arena, &space);
	struct buffer got;
	char bytes[LONGEST];
	size_t next = 0;
	assert_non_null(queue);
	buffer_open(&got, LONGEST);
	assert_false(answer_queue_take(queue, &got));
	for (size_t lap = 0; lap < 3; lap++) {
		const size_t end = queue_add_all(queue, next);
		size_t held = 0;
		assert_int_equal(space.taken, space.most);
		for (; next < end; next++) {
			assert_true(answer_queue_take(queue, &got));
			assert_true(text_equal(buffer_view(&got), answer_of(bytes, next)));
			held += got.length + sizeof(size_t);
		}
		assert_in_range(held, (CHUNKS - 1) * (ANSWER_CHUNK_BYTES - 2 * LONGEST), CHUNKS * ANSWER_CHUNK_BYTES);
		assert_false(answer_queue_take(queue, &got));
		assert_in_range(space.taken, 0, ANSWER_CHUNK_BYTES);
		assert_int_equal(answer_queue_missed(queue), 0);
	}
	answer_queue_close(queue);
	assert_int_equal(space.taken, 0);
	buffer_close(&got);
}

static void a_queue_that_is_closed_gives_back_what_nobody_took(void **state)
{
	(void)state;
	struct answer_space space = {.most = 4 * ANSWER_CHUNK_BYTES};
	struct answer_queue *one = answer_queue_open(arena, &space), *other = answer_queue_open(arena, &space);
	queue_add_all(one, 0);
	queue_add_all(other, 0); /* the space is that of all queues: it has its own chunk */
	assert_int_equal(space.taken, space.most);
	answer_queue_close(other);
	assert_int_equal(space.taken, space.most);
	answer_queue_close(one);
	assert_int_equal(space.taken, 0);
}

static void one_that_is_larger_than_the_buffer_does_not_hold_up_others(void **state)
{
	(void)state;
	struct answer_space space = {0};
	struct answer_queue *queue = answer_queue_open(arena, &space);
	struct buffer got;
	char bytes[LONGEST] = {0};
	buffer_open(&got, 10);
	answer_queue_add(queue, (struct text){bytes, 11});
	answer_queue_add(queue, TEXT("next"));
	assert_true(answer_queue_take(queue, &got) && buffer_failed(&got));
	assert_true(answer_queue_take(queue, &got) && text_is(buffer_view(&got), "next"));
	buffer_close(&got);
}

static void *queue_fill(void *context)
{
	char bytes[LONGEST] = {0};
	for (size_t i = 0; i < ANSWERS; i++) {
		memcpy(bytes, &i, sizeof i);
		answer_queue_add(context, (struct text){bytes, sizeof i + i % 100});
	}
	return NULL;
}

static void another_thread_gets_them_in_order_and_what_is_left_out_is_counted(void **state)
{
	(void)state;
	struct answer_space space = {.most = 2 * ANSWER_CHUNK_BYTES};
	struct answer_queue *queue = answer_queue_open(arena, &space);
	struct buffer got;
	pthread_t thread;
	size_t next = 0, taken = 0;
	uint64_t lost = 0;
	buffer_open(&got, LONGEST);
	assert_int_equal(pthread_create(&thread, NULL, queue_fill, queue), 0);
	for (bool ended = false, empty = false; !ended || !empty;) {
		ended = ended || taken + (lost += answer_queue_lost(queue)) == ANSWERS;
		empty = !answer_queue_take(queue, &got);
		if (empty)
			continue;
		size_t number;
		memcpy(&number, buffer_view(&got).bytes, sizeof number);
		assert_true(number >= next && number < ANSWERS);
		assert_int_equal(buffer_view(&got).length, sizeof number + number % 100);
		next = number + 1;
		taken++;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(taken + lost, ANSWERS);
	assert_true(taken > 0);
	answer_queue_close(queue);
	assert_int_equal(space.taken, 0);
	buffer_close(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_come_in_their_order_until_there_is_no_space),
		TEST(a_queue_that_is_closed_gives_back_what_nobody_took),
		TEST(one_that_is_larger_than_the_buffer_does_not_hold_up_others),
		TEST(another_thread_gets_them_in_order_and_what_is_left_out_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
