/* threads_test.c: the little that crosses threads, run by threads: ThreadSanitizer sees
 * a race in it, the plain build a wrong result. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "net/loop.h"
#include "compiler/expression/expression.h"

#define THREADS 2
#define ROUNDS 1000

/* ---- bells ---- */

struct ringer {
	int bell;
	int64_t written; /* before the bell, read behind it by the one that was woken */
};

static void *ring(void *context)
{
	struct ringer *ringer = context;
	ringer->written = 42;
	bell_ring(ringer->bell);
	return NULL;
}

struct listener {
	struct ringer *ringer;
	int64_t heard;
};

static void hear(void *context, uint32_t events)
{
	(void)events;
	struct listener *listener = context;
	if (bell_quiet(listener->ringer->bell))
		listener->heard = listener->ringer->written;
}

static void a_bell_wakes_the_loop_of_another_thread_and_what_was_written_before_it_is_seen(void **state)
{
	(void)state;
	struct error error = {0};
	struct loop *loop = loop_open(&error);
	struct ringer ringer = {.bell = bell_open(&error)};
	struct listener listener = {.ringer = &ringer};
	struct watch watch = {.ready = hear, .context = &listener};
	assert_non_null(loop);
	assert_true(loop_watch(loop, &watch, ringer.bell, EPOLLIN, &error));
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, ring, &ringer), 0);
	assert_true(loop_turn(loop, 10000, &error));
	assert_int_equal(listener.heard, 42);
	assert_int_equal(pthread_join(thread, NULL), 0);
	loop_unwatch(loop, &watch);
	close(ringer.bell);
	loop_close(loop);
}

/* ---- the heap's count ---- */

static void *take_and_give(void *context)
{
	(void)context;
	for (int i = 0; i < ROUNDS; i++)
		memory_give(memory_take(1, 16));
	return NULL;
}

static void allocations_of_several_threads_are_all_counted(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	uint64_t before = memory_taken();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(memory_taken() - before, THREADS * ROUNDS);
}

/* ---- compiled expressions ---- */

static void *evaluate(void *context)
{
	const struct expression *expression = context;
	struct arena *arena = arena_open(1 << 20);
	const struct payload nothing = {0};
	const struct scope scope = {.payload = &nothing};
	uintptr_t good = 0;
	for (int i = 0; arena && i < ROUNDS; i++) {
		struct error error = {0};
		bool holds = false;
		arena_reset(arena);
		good += expression_judge(expression, &scope, arena, &holds, &error) && holds;
	}
	arena_close(arena);
	return (void *)good;
}

static void a_compiled_expression_is_evaluated_by_several_threads_at_once(void **state)
{
	(void)state;
	struct error error = {0};
	struct arena *arena = arena_open(1 << 20);
	const struct expression *expression =
		expression_compile(arena, TEXT("sum([1, 2, 3]) == 6 and min(2, 1) < 1.5"), PLACE_NONE, USE_MESSAGE, &error);
	assert_non_null(expression);
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, evaluate, (void *)expression), 0);
	for (int i = 0; i < THREADS; i++) {
		void *good;
		assert_int_equal(pthread_join(threads[i], &good), 0);
		assert_int_equal((uintptr_t)good, ROUNDS);
	}
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bell_wakes_the_loop_of_another_thread_and_what_was_written_before_it_is_seen),
		cmocka_unit_test(allocations_of_several_threads_are_all_counted),
		cmocka_unit_test(a_compiled_expression_is_evaluated_by_several_threads_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
