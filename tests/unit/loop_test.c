/* What a loop promises: timers in their order, bells from elsewhere, and no event for
 * what is not watched any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/loop.h"

struct diary {
	struct loop *loop;
	char text[64];
	struct watch *to_unwatch;
	struct loop_timer *to_set;
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

#define STORY(name) cmocka_unit_test_setup_teardown(name, open_diary, close_diary)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(timers_are_entered_by_time_not_by_the_order_they_were_set),
		STORY(a_timer_that_is_stopped_or_moved_keeps_the_others_in_order),
		STORY(a_timer_that_sets_itself_for_now_does_not_hold_the_turn),
		STORY(a_turn_sleeps_until_the_next_timer_whatever_it_was_allowed),
		STORY(a_bell_wakes_once_however_often_it_was_rung),
		STORY(what_is_unwatched_during_a_turn_gets_no_event_of_that_turn),
		STORY(a_virtual_loop_wakes_when_it_is_told_and_hears_a_ring_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
