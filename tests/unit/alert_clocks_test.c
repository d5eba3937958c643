/* alert_clocks_test.c: Tests of times of alerts that engines share, whose clocks may differ (tests/unit/alert_stand.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/alert_stand.h"

/* The clock of the engine that saw it first is an hour ahead of the one that writes its end to the feed. */
static void an_end_is_sent_once_although_the_firing_is_in_the_future(void **state)
{
	(void)state;
	const int64_t ahead_ms = time_of_day_ms() + 3600000;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", ahead_ms, 1);
	group_fires(two, "g", ahead_ms, 1);
	engine_looks(one, 1);
	engine_look(two, 1);
	web_receiver_await(receiver, 1);
	group_fires(one, "g", 0, 2);
	group_fires(two, "g", 0, 2);
	engine_looks(one, 2);
	engine_look(two, 2); /* it keeps the notice for a while: the other one may have ended before it sent that */
	web_receiver_await(receiver, 2);
	expect_kept(0, 0);
	engine_end(one);
	engine_take_over(two);
	engine_look(two, 3);
	assert_null(shared(two, "g"));
	engine_end(two);
	assert_int_equal(receiver->count, 2);
	web_receiver_close(receiver);
}

/* Its clock is an hour behind: by the times of day, this firing began before the end of the former one was written. */
static void an_end_is_not_lost_although_the_firing_is_before_the_end_of_the_former_one(void **state)
{
	(void)state;
	const int64_t behind_ms = time_of_day_ms() - 3600000;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct engine_stand *one = engine_start("one", receiver), *two = engine_start("two", receiver);
	engine_take_over(one);
	group_fires(one, "g", FIRED_MS, 1);
	engine_looks(one, 1);
	group_fires(one, "g", 0, 2);
	engine_looks(one, 2);
	web_receiver_await(receiver, 2);
	expect_kept(0, 0);
	engine_end(one);
	group_fires(two, "g", behind_ms, 3);
	engine_look(two, 3);
	group_fires(two, "g", 0, 4);
	engine_look(two, 4);
	engine_take_over(two);
	engine_looks(two, 5);
	web_receiver_await(receiver, 4);
	assert_non_null(strstr(web_receiver_id(receiver, 2), "-firing"));
	assert_non_null(strstr(web_receiver_id(receiver, 3), "-resolved"));
	assert_string_not_equal(web_receiver_id(receiver, 3), web_receiver_id(receiver, 1));
	engine_end(two);
	web_receiver_close(receiver);
}

static void an_alert_that_was_firing_does_so_again_without_its_for(void **state)
{
	(void)state;
	const struct alert_rule rule = {.for_ms = 60000, .resolve_after_ms = 1000};
	struct judged_alert alert = {0};
	const struct alert_read read = report_of("g", FIRED_MS);
	const char *const names[] = {"g", "h"};
	for (size_t i = 0; i < 2; i++) {
		struct alert_group *own =
			alert_group_judge(&alert.groups, text_of(names[i]), (struct alert_judgement){.held = true});
		alert_judge(&own->alert, &rule, own->judged, (struct alert_time){10, LATER_MS});
	}
	alert_resume_own(&alert, (struct alert_time){11, LATER_MS});
	assert_int_equal(alert_groups_in(&alert.groups, ALERT_PENDING), 2);
	alert_reports_take(&alert.reports, &read, 11);
	struct alert_group *known = alert_group_judge(&alert.shared, TEXT("g"), (struct alert_judgement){.held = true});
	alert_resume(&known->alert, FIRED_MS, (struct alert_time){11, LATER_MS});
	alert_resume_own(&alert, (struct alert_time){12, LATER_MS});
	assert_int_equal(alert_groups_in(&alert.groups, ALERT_PENDING), 2); /* another engine's, not one from before */
	known->is_restored = true;
	alert_resume_own(&alert, (struct alert_time){13, LATER_MS});
	struct alert_group *own = alert_group_find(&alert.groups, TEXT("g"));
	assert_int_equal(own->alert.phase, ALERT_FIRING);
	assert_int_equal(own->alert.fired_at_ms, FIRED_MS);
	assert_int_equal(alert_notice_due(&own->alert, false), NOTICE_NONE);
	assert_int_equal(alert_groups_in(&alert.groups, ALERT_PENDING), 1);
	alert_judge(&own->alert, &rule, (struct alert_judgement){.broken = true}, (struct alert_time){1012, LATER_MS});
	assert_int_equal(own->alert.phase, ALERT_FIRING);
	alert_judge(&own->alert, &rule, (struct alert_judgement){.broken = true}, (struct alert_time){1013, LATER_MS});
	assert_int_equal(alert_notice_due(&own->alert, false), NOTICE_RESOLVED);
	alert_groups_clear(&alert.groups);
	alert_groups_clear(&alert.shared);
	alert_reports_clear(&alert.reports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_end_is_sent_once_although_the_firing_is_in_the_future, alert_stand_setup,
						alert_stand_teardown),
		cmocka_unit_test_setup_teardown(an_end_is_not_lost_although_the_firing_is_before_the_end_of_the_former_one,
						alert_stand_setup, alert_stand_teardown),
		cmocka_unit_test(an_alert_that_was_firing_does_so_again_without_its_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
