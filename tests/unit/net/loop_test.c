/* What a loop promises: timers in their order, bells from elsewhere, and no event for
 * what is not watched any more; and what it sees of its own pauses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"

struct diary {
	struct loop *loop;
	char text[64];
	struct watch *to_unwatch;
	struct loop_timer *to_set;
	struct pause_watch pauses;
	int64_t paused_ms;
};

struct entry {
	struct diary *diary;
	char letter;
};

static void write_letter(void *context)
{
	struct entry *entry = context;
	struct diary *diary = entry->diary;
	diary->text[strlen(diary->text)] = entry->letter;
	if (diary->to_set)
		assert_true(loop_timer_set(diary->loop, diary->to_set, loop_now_ms(diary->loop), &(struct error){0}));
}

static void write_letter_for_the_past(void *context)
{
	struct entry *entry = context;
	entry->diary->text[strlen(entry->diary->text)] = entry->letter;
	assert_true(loop_timer_set(entry->diary->loop, entry->diary->to_set, 0, &(struct error){0}));
}

static void ready(void *context, uint32_t events)
{
	struct entry *entry = context;
	assert_true(events & EPOLLIN);
	write_letter(context);
	if (entry->diary->to_unwatch)
		loop_unwatch(entry->diary->loop, entry->diary->to_unwatch);
	entry->diary->to_unwatch = NULL;
}

static int open_diary(void **state)
{
	static struct diary diary;
	diary = (struct diary){.loop = loop_open(&(struct error){0})};
	*state = &diary;
	return diary.loop ? 0 : -1;
}

static int close_diary(void **state)
{
	loop_close(((struct diary *)*state)->loop);
	return 0;
}

static void timers_are_entered_by_time_not_by_the_order_they_were_set(void **state)
{
	struct diary *diary = *state;
	struct entry entries[40];
	struct loop_timer timers[40];
	int64_t now = loop_now_ms(diary->loop);
	for (int i = 0; i < 40; i++) { /* 17 and 40 have no common divisor: each place once */
		entries[i] = (struct entry){diary, (char)('A' + i * 17 % 40)};
		timers[i] = (struct loop_timer){.due = write_letter, .context = &entries[i]};
		assert_true(loop_timer_set(diary->loop, &timers[i], now - 100 + i * 17 % 40, &(struct error){0}));
	}
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_int_equal(strlen(diary->text), 40);
	for (int i = 0; i < 40; i++)
		assert_int_equal(diary->text[i], 'A' + i);
}

static void a_timer_that_is_stopped_or_moved_keeps_the_others_in_order(void **state)
{
	struct diary *diary = *state;
	struct entry entries[5];
	struct loop_timer timers[5];
	int64_t now = loop_now_ms(diary->loop);
	for (int i = 0; i < 5; i++) {
		entries[i] = (struct entry){diary, (char)('a' + i)};
		timers[i] = (struct loop_timer){.due = write_letter, .context = &entries[i]};
		assert_true(loop_timer_set(diary->loop, &timers[i], now - 50 + i, &(struct error){0}));
	}
	loop_timer_stop(diary->loop, &timers[1]);
	loop_timer_stop(diary->loop, &timers[1]); /* once more is fine */
	assert_true(loop_timer_set(diary->loop, &timers[0], now - 1, &(struct error){0}));
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_string_equal(diary->text, "cdea");
}

static void a_timer_that_sets_itself_for_now_does_not_hold_the_turn(void **state)
{
	struct diary *diary = *state;
	struct entry entry = {diary, 'x'};
	struct loop_timer timer = {.due = write_letter, .context = &entry};
	diary->to_set = &timer;
	assert_true(loop_timer_set(diary->loop, &timer, loop_now_ms(diary->loop), &(struct error){0}));
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_string_equal(diary->text, "x");
	assert_true(loop_turn(diary->loop, -1, &(struct error){0}));
	assert_string_equal(diary->text, "xx");
}

/* A server's loop has a timer for each connection. What work does in each turn must not be done as often as there are timers. */
static void a_timer_that_sets_itself_runs_once_a_turn_whatever_others_are_set(void **state)
{
	struct diary *diary = *state;
	struct entry itself = {diary, 'x'}, due = {diary, 'd'};
	struct loop_timer timer = {.due = write_letter, .context = &itself}, later[20],
			  behind = {.due = write_letter, .context = &due};
	const int64_t now = loop_now_ms(diary->loop);
	diary->to_set = &timer;
	for (size_t i = 0; i < 20; i++) {
		later[i] = (struct loop_timer){.due = write_letter, .context = &due};
		assert_true(loop_timer_set(diary->loop, &later[i], now + 60000, &(struct error){0}));
	}
	assert_true(loop_timer_set(diary->loop, &timer, now - 5, &(struct error){0}));
	for (int i = 0; i < 3; i++)
		assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_string_equal(diary->text, "xxx");
	assert_true(loop_timer_set(diary->loop, &behind, loop_now_ms(diary->loop), &(struct error){0}));
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_string_equal(diary->text, "xxxxd"); /* whoever is due at the same time has a turn too */
}

/* A time limit may have passed when it is set. */
static void a_timer_that_sets_itself_for_the_past_lets_others_run(void **state)
{
	struct diary *diary = *state;
	struct entry itself = {diary, 'x'}, due = {diary, 'd'};
	struct loop_timer timer = {.due = write_letter_for_the_past, .context = &itself},
			  other = {.due = write_letter, .context = &due};
	diary->to_set = &timer;
	assert_true(loop_timer_set(diary->loop, &timer, 0, &(struct error){0}));
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	diary->to_set = NULL;
	assert_true(loop_timer_set(diary->loop, &other, loop_now_ms(diary->loop), &(struct error){0}));
	diary->to_set = &timer;
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_string_equal(diary->text, "xxd");
}

static void a_turn_sleeps_until_the_next_timer_whatever_it_was_allowed(void **state)
{
	struct diary *diary = *state;
	struct entry entry = {diary, 'x'};
	struct loop_timer timer = {.due = write_letter, .context = &entry};
	int64_t began = loop_now_ms(diary->loop);
	assert_true(loop_timer_set(diary->loop, &timer, began + 20, &(struct error){0}));
	assert_true(loop_turn(diary->loop, 60000, &(struct error){0}));
	assert_string_equal(diary->text, "x");
	assert_in_range(loop_now_ms(diary->loop) - began, 20, 5000);
}

static void a_bell_wakes_once_however_often_it_was_rung(void **state)
{
	struct diary *diary = *state;
	struct entry entry = {diary, 'b'};
	struct watch watch = {.ready = ready, .context = &entry};
	int bell = bell_open(&(struct error){0});
	assert_false(bell_quiet(bell));
	assert_true(loop_watch(diary->loop, &watch, bell, EPOLLIN, &(struct error){0}));
	bell_ring(bell);
	bell_ring(bell);
	assert_true(loop_turn(diary->loop, 60000, &(struct error){0}));
	assert_true(bell_quiet(bell));
	assert_false(bell_quiet(bell));
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_string_equal(diary->text, "b");
	loop_unwatch(diary->loop, &watch);
	close(bell);
}

static void what_is_unwatched_during_a_turn_gets_no_event_of_that_turn(void **state)
{
	struct diary *diary = *state;
	struct entry entries[2] = {{diary, '1'}, {diary, '2'}};
	struct watch watches[2];
	int bells[2];
	for (int i = 0; i < 2; i++) {
		watches[i] = (struct watch){.ready = ready, .context = &entries[i]};
		bells[i] = bell_open(&(struct error){0});
		assert_true(loop_watch(diary->loop, &watches[i], bells[i], EPOLLIN, &(struct error){0}));
		bell_ring(bells[i]);
	}
	diary->to_unwatch = &watches[1]; /* epoll gives them in the order they became ready */
	assert_true(loop_turn(diary->loop, 60000, &(struct error){0}));
	assert_string_equal(diary->text, "1");
	loop_unwatch(diary->loop, &watches[0]);
	close(bells[0]);
	close(bells[1]);
}

static void a_virtual_loop_wakes_when_it_is_told_and_hears_a_ring_once(void **state)
{
	struct diary *diary = *state;
	struct error error = {0};
	loop_close(diary->loop);
	diary->loop = loop_open_virtual(1000, &error);
	struct entry rings = {diary, 'r'}, falls_due = {diary, 't'};
	struct watch watch = {.ready = ready, .context = &rings};
	struct loop_timer timer = {.due = write_letter, .context = &falls_due};
	int bell = loop_bell(diary->loop);
	assert_true(loop_watch(diary->loop, &watch, bell, EPOLLIN, &error));
	assert_true(loop_timer_set(diary->loop, &timer, 1300, &error));
	assert_true(loop_turn(diary->loop, 500, &error));
	assert_int_equal(loop_wake_ms(diary->loop), 1300); /* the timer comes before the 500 */
	assert_string_equal(diary->text, "");
	loop_ring(diary->loop, bell);
	assert_true(loop_wake_ms(diary->loop) <= 1000);
	loop_wake(diary->loop, 1100);
	loop_wake(diary->loop, 1200);
	assert_string_equal(diary->text, "r");
	loop_wake(diary->loop, 1300);
	assert_string_equal(diary->text, "rt");
	assert_int_equal(loop_now_ms(diary->loop), 1300);
	assert_true(loop_turn(diary->loop, -1, &error));
	assert_true(loop_wake_ms(diary->loop) == INT64_MAX);
}

/* ---- pauses ---- */

static void note_pause(void *context, int64_t since_ms)
{
	struct diary *diary = context;
	diary->text[strlen(diary->text)] = 'p';
	diary->paused_ms += since_ms;
}

static void watch_pauses(struct diary *diary)
{
	diary->pauses = (struct pause_watch){.paused = note_pause, .context = diary};
	loop_watch_pauses(diary->loop, &diary->pauses);
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
}

static void watch_pauses_virtually(struct diary *diary)
{
	loop_close(diary->loop);
	diary->loop = loop_open_virtual(1000, &(struct error){0});
	watch_pauses(diary);
}

static void sleep_and_wake_at(struct diary *diary, int most_ms, int64_t wake_ms)
{
	assert_true(loop_turn(diary->loop, most_ms, &(struct error){0}));
	loop_wake(diary->loop, wake_ms);
}

static void a_late_wake_is_told_as_a_pause_before_what_fell_due(void **state)
{
	struct diary *diary = *state;
	watch_pauses_virtually(diary);
	struct entry falls_due = {diary, 't'};
	struct loop_timer timer = {.due = write_letter, .context = &falls_due};
	assert_true(loop_timer_set(diary->loop, &timer, 1300, &(struct error){0}));
	sleep_and_wake_at(diary, 500, 11300);
	assert_string_equal(diary->text, "pt");
	assert_int_equal(diary->paused_ms, 10300); /* nobody knows when in its sleep it began */
}

static void a_wake_that_is_hardly_late_is_no_pause(void **state)
{
	struct diary *diary = *state;
	watch_pauses_virtually(diary);
	sleep_and_wake_at(diary, 500, 1500 + LOOP_PAUSE_MS);
	assert_string_equal(diary->text, "");
	sleep_and_wake_at(diary, 0, loop_now_ms(diary->loop) + LOOP_PAUSE_MS + 1);
	assert_string_equal(diary->text, "p");
	assert_int_equal(diary->paused_ms, LOOP_PAUSE_MS + 1);
}

static void a_sleep_that_ends_early_or_may_last_for_ever_is_no_pause(void **state)
{
	struct diary *diary = *state;
	watch_pauses_virtually(diary);
	int bell = loop_bell(diary->loop);
	assert_true(loop_turn(diary->loop, 5000, &(struct error){0}));
	loop_ring(diary->loop, bell);
	loop_wake(diary->loop, 4000);
	sleep_and_wake_at(diary, -1, 100000);
	assert_string_equal(diary->text, "");
}

static void whoever_does_not_watch_any_more_hears_of_no_pause(void **state)
{
	struct diary *diary = *state;
	struct pause_watch other = {.paused = note_pause, .context = diary};
	watch_pauses_virtually(diary);
	loop_watch_pauses(diary->loop, &other);
	loop_unwatch_pauses(diary->loop, &diary->pauses);
	loop_unwatch_pauses(diary->loop, &diary->pauses); /* once more is fine */
	sleep_and_wake_at(diary, 0, 9000);
	assert_string_equal(diary->text, "p");
}

static void stand_still(void *context)
{
	(void)context;
	const struct timespec pause = {.tv_nsec = 300 * (long)NS_PER_MS};
	(void)nanosleep(&pause, NULL);
}

static void standing_still_in_a_turn_is_a_pause(void **state)
{
	struct diary *diary = *state;
	struct loop_timer timer = {.due = stand_still};
	watch_pauses(diary);
	int64_t began_ms = clock_ms();
	assert_true(loop_timer_set(diary->loop, &timer, loop_now_ms(diary->loop), &(struct error){0}));
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_in_range(diary->paused_ms, 250, clock_ms() - began_ms);
}

#define WAIT_MS 50

/* It is the time of the wake-up while the thread works, and a later one after the next. */
static void the_time_of_day_of_the_last_wake_up_stays_while_the_thread_works(void **state)
{
	struct diary *diary = *state;
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	const int64_t woke_ms = loop_now_of_day_ms(diary->loop), until_ms = clock_ms() + 40;
	assert_in_range(loop_time_of_day_ms(diary->loop) - woke_ms, 0, WAIT_MS);
	while (clock_ms() < until_ms)
		;
	assert_int_equal(loop_now_of_day_ms(diary->loop), woke_ms);
	const int64_t by_clock_ms = loop_clock_us(diary->loop) / US_PER_MS + loop_began_ms(diary->loop);
	assert_in_range(loop_time_of_day_ms(diary->loop) - by_clock_ms + 20, 0, 39); /* however long ago the thread woke */
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_in_range(loop_now_of_day_ms(diary->loop) - woke_ms, 40 - 1, INT64_MAX);
}

static void a_pause_that_was_told_is_not_counted_as_busy_too(void **state)
{
	struct diary *diary = *state;
	struct loop_timer timer = {.due = stand_still};
	watch_pauses(diary);
	assert_true(loop_timer_set(diary->loop, &timer, loop_now_ms(diary->loop), &(struct error){0}));
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	int64_t before_us = clock_us();
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_true(diary->paused_ms > 0);
	int64_t busy_us = loop_busy_us(diary->loop, loop_clock_us(diary->loop));
	assert_in_range(busy_us, 0, clock_us() - before_us);
}

/* What comes meanwhile is found at once. */
static void a_loop_is_not_busy_while_it_waits(void **state)
{
	struct diary *diary = *state;
	int64_t began_us = clock_us();
	for (int i = 0; i < 2; i++)
		assert_true(loop_turn(diary->loop, WAIT_MS, &(struct error){0}));
	int64_t busy_us = loop_busy_us(diary->loop, loop_clock_us(diary->loop)), waited_us = (int64_t)2 * (WAIT_MS - 1) * US_PER_MS;
	assert_in_range(busy_us, 0, clock_us() - began_us - waited_us);
}

#define WORK_MS (LOOP_PAUSE_MS + 50)

static void work(void *context)
{
	(void)context;
	for (int64_t until_ms = thread_ran_ms() + WORK_MS; thread_ran_ms() < until_ms;)
		;
}

/* What is found then may have come while it worked. */
static void work_is_busy_in_its_turn_and_in_the_one_behind_it(void **state)
{
	struct diary *diary = *state;
	struct loop_timer timer = {.due = work};
	assert_true(loop_timer_set(diary->loop, &timer, loop_now_ms(diary->loop), &(struct error){0}));
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_true(loop_busy_us(diary->loop, loop_clock_us(diary->loop)) >= (WORK_MS - 1) * US_PER_MS);
	int64_t before_us = clock_us();
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	assert_true(loop_busy_us(diary->loop, loop_clock_us(diary->loop)) >= (WORK_MS - 1) * US_PER_MS);
	assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
	int64_t busy_us = loop_busy_us(diary->loop, loop_clock_us(diary->loop));
	assert_in_range(busy_us, 0, clock_us() - before_us);
}

/* On a busy machine the thread is kept from its processor meanwhile, which is a pause: until once it is not. */
static void work_is_no_pause_however_long_it_takes(void **state)
{
	struct diary *diary = *state;
	struct loop_timer timer = {.due = work};
	watch_pauses(diary);
	for (int i = 0; i < 100; i++) {
		diary->paused_ms = 0;
		int64_t began_ms = clock_ms();
		assert_true(loop_timer_set(diary->loop, &timer, loop_now_ms(diary->loop), &(struct error){0}));
		assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
		assert_true(loop_turn(diary->loop, 0, &(struct error){0}));
		diary->text[0] = '\0';
		if (clock_ms() - began_ms > WORK_MS + LOOP_PAUSE_MS)
			continue;
		assert_int_equal(diary->paused_ms, 0);
		return;
	}
	skip();
}

/* Stops the process that sleeps in its loop, and has it go on when it is long too late. A busy machine may let it
 * begin late, but not by the second after which that process would wake. */
static void be_the_one_who_stops_it(int bell)
{
	const struct timespec moment = {.tv_nsec = 20 * (long)NS_PER_MS}, pause = {.tv_sec = 1, .tv_nsec = 500 * (long)NS_PER_MS};
	pid_t it = getppid();
	(void)nanosleep(&moment, NULL);
	kill(it, SIGSTOP);
	(void)nanosleep(&moment, NULL);
	bell_ring(bell);
	(void)nanosleep(&pause, NULL);
	kill(it, SIGCONT);
	_exit(0);
}

static void a_stopped_process_finds_what_came_meanwhile_before_what_fell_due(void **state)
{
	struct diary *diary = *state;
	struct entry rings = {diary, 'b'}, falls_due = {diary, 't'};
	struct watch watch = {.ready = ready, .context = &rings};
	struct loop_timer timer = {.due = write_letter, .context = &falls_due};
	int bell = bell_open(&(struct error){0});
	watch_pauses(diary);
	assert_true(loop_watch(diary->loop, &watch, bell, EPOLLIN, &(struct error){0}));
	pid_t child = fork();
	if (child == 0)
		be_the_one_who_stops_it(bell);
	assert_true(child > 0);
	assert_true(loop_timer_set(diary->loop, &timer, loop_now_ms(diary->loop) + 1000, &(struct error){0}));
	assert_true(loop_turn(diary->loop, 60000, &(struct error){0}));
	assert_string_equal(diary->text, "pbt");
	assert_true(diary->paused_ms >= 300);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(bell);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, open_diary, close_diary)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(timers_are_entered_by_time_not_by_the_order_they_were_set),
		STORY(a_timer_that_is_stopped_or_moved_keeps_the_others_in_order),
		STORY(a_timer_that_sets_itself_for_now_does_not_hold_the_turn),
		STORY(a_timer_that_sets_itself_runs_once_a_turn_whatever_others_are_set),
		STORY(a_timer_that_sets_itself_for_the_past_lets_others_run),
		STORY(a_turn_sleeps_until_the_next_timer_whatever_it_was_allowed),
		STORY(a_bell_wakes_once_however_often_it_was_rung),
		STORY(what_is_unwatched_during_a_turn_gets_no_event_of_that_turn),
		STORY(a_virtual_loop_wakes_when_it_is_told_and_hears_a_ring_once),
		STORY(a_late_wake_is_told_as_a_pause_before_what_fell_due),
		STORY(a_wake_that_is_hardly_late_is_no_pause),
		STORY(a_sleep_that_ends_early_or_may_last_for_ever_is_no_pause),
		STORY(whoever_does_not_watch_any_more_hears_of_no_pause),
		STORY(standing_still_in_a_turn_is_a_pause),
		STORY(the_time_of_day_of_the_last_wake_up_stays_while_the_thread_works),
		STORY(a_pause_that_was_told_is_not_counted_as_busy_too),
		STORY(a_loop_is_not_busy_while_it_waits),
		STORY(work_is_busy_in_its_turn_and_in_the_one_behind_it),
		STORY(work_is_no_pause_however_long_it_takes),
		STORY(a_stopped_process_finds_what_came_meanwhile_before_what_fell_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
