/* Groups of alerts: judgements that cross from a worker to the engine's thread, and states by group. */
#include "monitor/alerts/alert_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/memory.h"

#define KEEP_MS 10000

static const struct alert_judgement yes = {.held = true}, no = {.broken = true};

/* What a take gave, as "GROUP:held/broken " in the order of places. */
struct taken {
	char text[512];
};

static void take_text(void *context, struct text group, struct alert_judgement judgement)
{
	struct taken *taken = context;
	const size_t length = strlen(taken->text);
	(void)snprintf(taken->text + length, sizeof taken->text - length, TEXT_FORMAT ":%s%s ", TEXT_ARGUMENTS(group),
		       judgement.held ? "+" : "", judgement.broken ? "-" : "");
}

static void expect_taken(struct judged_groups *groups, const char *text)
{
	struct taken taken = {{0}};
	judged_groups_take(groups, take_text, &taken);
	assert_string_equal(taken.text, text);
}

static void expect_missed(const struct judged_groups *groups, uint64_t count)
{
	struct missed_groups missed = {{0}};
	judged_groups_add_missed(groups, &missed);
	assert_int_equal(missed.of[GROUP_MISS_FULL] + missed.of[GROUP_MISS_LONG] + missed.of[GROUP_MISS_NAMELESS], count);
}

static void a_group_has_a_place_from_its_first_message_that_held(void **state)
{
	(void)state;
	struct judged_groups *groups = judged_groups_open();
	assert_non_null(groups);
	judged_groups_note(groups, TEXT("a"), false, 0, KEEP_MS, 0);
	assert_false(judged_groups_any(groups));
	expect_taken(groups, "");
	judged_groups_note(groups, TEXT("b"), true, 1, KEEP_MS, 0);
	judged_groups_note(groups, TEXT(""), true, 1, KEEP_MS, 0);
	judged_groups_note(groups, TEXT("b"), false, 2, KEEP_MS, 0);
	judged_groups_note(groups, TEXT("a"), false, 2, KEEP_MS, 0);
	assert_true(judged_groups_any(groups));
	expect_taken(groups, "b:+- :+ ");
	expect_taken(groups, "");
	judged_groups_note(groups, TEXT("b"), false, 3, KEEP_MS, 0);
	expect_taken(groups, "b:- ");
	expect_missed(groups, 0);
	judged_groups_close(groups);
}

static void take_first(void *context, struct text group, struct alert_judgement judgement)
{
	(void)group;
	*(int64_t *)context = judgement.at_ms;
}

static int64_t first_taken(struct judged_groups *groups)
{
	int64_t first_ms = -1;
	judged_groups_take(groups, take_first, &first_ms);
	return first_ms;
}

static void a_group_has_the_time_of_the_first_message_that_held_since_the_last_take(void **state)
{
	(void)state;
	struct judged_groups *groups = judged_groups_open();
	judged_groups_note(groups, TEXT("a"), true, 1, KEEP_MS, 700);
	judged_groups_note(groups, TEXT("a"), true, 2, KEEP_MS, 500);
	judged_groups_note(groups, TEXT("a"), false, 2, KEEP_MS, 0);
	assert_int_equal(first_taken(groups), 700);
	judged_groups_note(groups, TEXT("a"), false, 3, KEEP_MS, 0);
	assert_int_equal(first_taken(groups), 0);
	judged_groups_note(groups, TEXT("a"), true, 4, KEEP_MS, 500);
	assert_int_equal(first_taken(groups), 500);
	judged_groups_close(groups);
}

static void a_group_begins_again_after_its_time_or_when_messages_were_dropped(void **state)
{
	(void)state;
	struct judged_groups *groups = judged_groups_open();
	assert_false(judged_groups_begin(groups, TEXT("a"), 1, 10, 0)); /* it has no slot */
	judged_groups_note(groups, TEXT("a"), true, 1, KEEP_MS, 0);
	assert_true(judged_groups_begin(groups, TEXT("a"), 1, 10, 0));
	assert_false(judged_groups_begin(groups, TEXT("a"), 10, 10, 0));
	assert_true(judged_groups_begin(groups, TEXT("a"), 11, 10, 0));
	assert_true(judged_groups_begin(groups, TEXT("a"), 12, 10, 11));
	assert_false(judged_groups_begin(groups, TEXT("a"), 13, 10, 11));
	judged_groups_close(groups);
}

static void note_number(struct judged_groups *groups, int number, bool held, int64_t now_ms)
{
	char name[16];
	(void)snprintf(name, sizeof name, "g%d", number);
	judged_groups_note(groups, text_of(name), held, now_ms, KEEP_MS, 0);
}

static void places_are_bounded_and_free_again_when_their_alert_has_resolved(void **state)
{
	(void)state;
	static const char long_name[ALERT_GROUP_BYTES_MAX + 1] = "x";
	struct judged_groups *groups = judged_groups_open();
	assert_non_null(groups);
	for (int i = 0; i < ALERT_GROUPS_MAX; i++)
		note_number(groups, i, true, i);
	note_number(groups, 5000, true, 2000);
	judged_groups_note(groups, (struct text){long_name, sizeof long_name}, true, 2000, KEEP_MS, 0);
	judged_groups_miss(groups, GROUP_MISS_NAMELESS);
	expect_missed(groups, 3);
	note_number(groups, 0, true, 2001); /* so that it is not the oldest any more */
	struct taken taken = {{0}};
	judged_groups_take(groups, take_text, &taken);
	note_number(groups, 5000, true, 1 + KEEP_MS); /* the oldest, 1, is not older than that */
	expect_missed(groups, 4);
	note_number(groups, 1, false, 2 + KEEP_MS);
	note_number(groups, 5000, true, 2 + KEEP_MS); /* it is, but a judgement of it was not taken yet */
	expect_missed(groups, 5);
	expect_taken(groups, "g1:- ");
	note_number(groups, 5000, true, 2 + KEEP_MS);
	note_number(groups, 1, false, 2 + KEEP_MS); /* it has no place, and needs none */
	note_number(groups, 0, false, 2 + KEEP_MS);
	expect_taken(groups, "g0:- g5000:+ ");
	expect_missed(groups, 5);
	judged_groups_close(groups);
}

static void a_name_as_long_as_a_segment_s_has_a_place_and_a_longer_one_is_a_miss_of_its_own(void **state)
{
	(void)state;
	char name[257];
	struct judged_groups *groups = judged_groups_open();
	struct missed_groups missed = {{0}};
	struct taken taken = {{0}};
	memset(name, 'x', sizeof name);
	judged_groups_note(groups, (struct text){name, 256}, true, 1, KEEP_MS, 0);
	judged_groups_note(groups, (struct text){name, 257}, false, 1, KEEP_MS, 0); /* nothing of it is missed */
	judged_groups_take(groups, take_text, &taken);
	assert_int_equal(strlen(taken.text), 256 + strlen(":+ "));
	expect_missed(groups, 0);
	judged_groups_note(groups, (struct text){name, 257}, true, 2, KEEP_MS, 0);
	judged_groups_add_missed(groups, &missed);
	assert_int_equal(missed.of[GROUP_MISS_LONG], 1);
	expect_missed(groups, 1);
	judged_groups_close(groups);
}

#define ROUNDS 40000
#define NAMES 3000 /* more than there are places, each for a moment */

static void *note_all(void *context)
{
	struct judged_groups *groups = context;
	for (int i = 0; i < ROUNDS; i++) {
		char name[32];
		(void)snprintf(name, sizeof name, "%d-%d", i % NAMES, i % NAMES);
		judged_groups_note(groups, text_of(name), true, i, 1500, 0);
	}
	return NULL;
}

static void take_whole_names(void *context, struct text group, struct alert_judgement judgement)
{
	int first, second;
	char name[ALERT_GROUP_BYTES_MAX + 1] = {0};
	memcpy(name, group.bytes, group.length);
	assert_int_equal(sscanf(name, "%d-%d", &first, &second), 2);
	assert_int_equal(first, second);
	assert_true(judgement.held);
	(*(int *)context)++;
}

static void names_are_whole_while_places_change_hands(void **state)
{
	(void)state;
	struct judged_groups *groups = judged_groups_open();
	pthread_t worker;
	int taken = 0;
	assert_non_null(groups);
	assert_int_equal(pthread_create(&worker, NULL, note_all, groups), 0);
	for (int i = 0; i < 2000; i++)
		judged_groups_take(groups, take_whole_names, &taken);
	assert_int_equal(pthread_join(worker, NULL), 0);
	judged_groups_take(groups, take_whole_names, &taken);
	assert_true(taken >= ALERT_GROUPS_MAX);
	judged_groups_close(groups);
}

/* One look, a second after the last; the groups that were judged come with it. */
static void look(struct alert_groups *groups, int64_t second, const char *held, const char *broken)
{
	const struct alert_rule rule = {.resolve_after_ms = 3000};
	for (struct alert_group *group = groups->first; group; group = group->next)
		group->judged = (struct alert_judgement){0};
	if (held)
		(void)alert_group_judge(groups, text_of(held), yes);
	if (broken)
		(void)alert_group_judge(groups, text_of(broken), no);
	for (struct alert_group *group = groups->first; group; group = group->next)
		alert_judge(&group->alert, &rule, group->judged, (struct alert_time){second * 1000, second * 1000});
}

static enum alert_notice notice_of(struct alert_groups *groups, const char *name)
{
	struct alert_group *group = alert_group_find(groups, text_of(name));
	return group ? alert_notice_due(&group->alert) : NOTICE_NONE;
}

static void groups_fire_and_resolve_each_by_itself(void **state)
{
	(void)state;
	struct alert_groups groups = {0};
	look(&groups, 1, "a", "b");
	assert_int_equal(groups.count, 1); /* what never held needs no state */
	assert_int_equal(notice_of(&groups, "a"), NOTICE_FIRING);
	look(&groups, 2, "b", "a");
	assert_int_equal(notice_of(&groups, "b"), NOTICE_FIRING);
	assert_int_equal(alert_groups_in(&groups, ALERT_FIRING), 2);
	look(&groups, 4, "b", NULL);
	assert_int_equal(notice_of(&groups, "a"), NOTICE_RESOLVED);
	assert_int_equal(notice_of(&groups, "b"), NOTICE_NONE);
	alert_groups_settle(&groups);
	assert_null(alert_group_find(&groups, TEXT("a")));
	assert_int_equal(groups.count, 1);
	look(&groups, 7, NULL, NULL);
	alert_groups_settle(&groups);
	assert_int_equal(groups.count, 1); /* a state stays until its end is reported */
	assert_int_equal(notice_of(&groups, "b"), NOTICE_RESOLVED);
	alert_groups_settle(&groups);
	assert_int_equal(groups.count, 0);
}

static void states_of_groups_are_bounded(void **state)
{
	(void)state;
	struct alert_groups groups = {0};
	char name[16];
	for (int i = 0; i <= ALERT_GROUPS_MAX; i++) {
		(void)snprintf(name, sizeof name, "g%d", i);
		assert_true((alert_group_judge(&groups, text_of(name), yes) != NULL) == (i < ALERT_GROUPS_MAX));
	}
	assert_int_equal(groups.count, ALERT_GROUPS_MAX);
	assert_int_equal(groups.beyond, 1);
	alert_groups_clear(&groups);
	assert_int_equal(groups.count, 0);
}

/* ---- reports of several engines ---- */

#define RESOLVE_AFTER_MS 20000

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_has_a_place_from_its_first_message_that_held),
		cmocka_unit_test(a_group_has_the_time_of_the_first_message_that_held_since_the_last_take),
		cmocka_unit_test(a_group_begins_again_after_its_time_or_when_messages_were_dropped),
		cmocka_unit_test(a_name_as_long_as_a_segment_s_has_a_place_and_a_longer_one_is_a_miss_of_its_own),
		cmocka_unit_test(places_are_bounded_and_free_again_when_their_alert_has_resolved),
		cmocka_unit_test(names_are_whole_while_places_change_hands),
		cmocka_unit_test(groups_fire_and_resolve_each_by_itself),
		cmocka_unit_test(states_of_groups_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
