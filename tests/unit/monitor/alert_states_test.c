/* alert_states_test.c: Tests of the states of alerts: reports of engines, and the notices that a keeper makes of them. How the next
 * keeper goes on: alert_takeover_test.c. */
#include "tests/unit/alert_states_stand.h"

static const struct alert_states_config alone = {.engine = "lone"};

static void define(void)
{
	struct error error = {0};
	assert_true(alert_states_define(stand->states, &stand->definitions, now(), &error));
}

static void engines_that_report_the_same_have_one_notice(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "two", FIRED_MS + 5);
	expect_handed("");
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
	assert_int_equal(feed_count("alert/"), 1);
	assert_int_equal(feed_count("notice/"), 1);
	assert_int_equal(feed_count("receivers/"), 1);
	deliver();
	assert_int_equal(feed_count("notice/"), 0);
	report("large", "g", "one", 0);
	tick(ALERT_TICK_MS);
	expect_handed("");
	report("large", "g", "two", 0);
	tick(ALERT_TICK_MS);
	expect_handed("resolved g to a; ");
	assert_int_equal(feed_count("alert/"), 0);
	deliver();
	assert_int_equal(feed_count(""), 0);
	tick(ALERT_TICK_MS);
	assert_int_equal(alert_states_due_ms(stand->states), INT64_MAX);
}

static void a_firing_that_ends_at_once_has_both_notices_and_the_next_one_its_own(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; resolved g to a; ");
	assert_string_not_equal(stand->keys[0], stand->keys[1]);
	report("large", "g", "one", FIRED_MS + 1);
	tick(ALERT_SETTLE_MS);
	report("large", "g", "one", 0);
	report("large", "g", "one", FIRED_MS + 2); /* before anything was decided */
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; resolved g to a; firing g to a; ");
	assert_string_not_equal(stand->keys[2], stand->keys[4]);
	assert_int_equal(feed_count("alert/"), 1);
}

static void an_engine_that_is_silent_counts_until_its_alert_would_have_resolved(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
	tick(20000 - ALERT_SETTLE_MS);
	expect_handed("");
	tick(1);
	expect_handed("resolved g to a; ");
}

static void a_silence_or_another_alert_holds_back_a_notice_and_no_end(void **state)
{
	(void)state;
	struct name inhibitor = {.text = "other"};
	stand->silence = (struct group_silence){.alert = "large", .group = "g", .until_ms = stand->at_ms + 5000};
	stand->definitions.silence_count = 1;
	stand->items[0].inhibited_by = (struct name_list){1, &inhibitor};
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	assert_int_equal(feed_count(""), 0);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing h to a; ");
	report("other", "", "one", FIRED_MS);
	tick(5000);
	expect_handed(""); /* the silence is over, and the other alert fires */
	report("large", "h", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved h to a; ");
	report("other", "", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
}

static void a_silence_of_others_holds_back_nothing(void **state)
{
	(void)state;
	const struct group_silence others[] = {{.alert = "other", .until_ms = INT64_MAX},
					       {.alert = "large", .pipeline = "q", .until_ms = INT64_MAX},
					       {.alert = "large", .namespace = "staging", .until_ms = INT64_MAX},
					       {.alert = "large", .group = "h", .until_ms = INT64_MAX},
					       {.alert = "large", .until_ms = stand->at_ms + ALERT_SETTLE_MS}}; /* it ends then */
	stand->definitions.silences = others;
	stand->definitions.silence_count = 5;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
}

static void an_inhibitor_of_the_same_groups_holds_back_its_own(void **state)
{
	(void)state;
	struct name inhibitor = {.text = "other"};
	stand->items[0].inhibited_by = (struct name_list){1, &inhibitor};
	stand->items[0].group_by = stand->items[1].group_by = 7;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	report("other", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing h to a; ");
}

static void a_removed_alert_ends_for_those_that_had_it(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	stand->definitions = (struct alert_definitions){0};
	stand->handed[0] = '\0';
	deliver();
	define();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a: the alert was removed; ");
	report("large", "g", "one", FIRED_MS); /* of an engine that still has it */
	tick(ALERT_TICK_MS);
	expect_handed("");
	assert_int_equal(feed_count("receivers/"), 1); /* who is owed the end, for the next keeper */
	deliver();
	tick(ALERT_TICK_MS);
	assert_int_equal(feed_count(""), 0);
}

static void receivers_that_change_get_the_end_and_the_firing(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	deliver();
	expect_handed("firing g to a; ");
	stand->items[0].actions = (struct item_list){2, stand->actions + 1}; /* with a rollback, which only a beginning commands */
	define();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a: no longer a receiver of this alert; firing g to b; ");
	keeper_replace(); /* before they were delivered */
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a: no longer a receiver of this alert; firing g to b; ");
	deliver();
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to b; ");
	deliver();
	tick(ALERT_TICK_MS);
	assert_int_equal(feed_count(""), 0);
}

static void a_notice_waits_for_room_and_a_firing_that_ends_meanwhile_has_none(void **state)
{
	(void)state;
	begin(NULL);
	stand->refuses = true;
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	assert_int_equal(feed_count("notice/"), 1);
	assert_int_equal(feed_count("alert/"), 1);
	stand->refuses = false;
	tick(ALERT_TICK_MS);
	expect_handed("firing h to a; ");
}

static void no_notice_overtakes_one_that_its_receiver_has_no_room_for(void **state)
{
	(void)state;
	begin(NULL);
	stand->refusals = 1;
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	tick(ALERT_TICK_MS);
	expect_handed("firing h to a; firing g to a; ");
}

static void a_rollback_is_commanded_by_a_beginning_and_while_it_fires(void **state)
{
	(void)state;
	stand->items[0].actions = (struct item_list){1, stand->actions + 2};
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to rollback; ");
	deliver();
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	stand->refuses = true;
	report("large", "g", "one", FIRED_MS + 1);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	report("large", "g", "one", 0);
	stand->refuses = false;
	tick(ALERT_TICK_MS);
	expect_handed("firing h to rollback; ");
}

static void an_engine_alone_keeps_no_records_and_rolls_nothing_back(void **state)
{
	(void)state;
	struct error error = {0};
	struct outgoing none[1];
	alert_states_close(stand->states);
	stand->states = alert_states_open(&alone, &error);
	stand->items[0].actions.count = 3;
	define();
	report("large", "g", "one", FIRED_MS);
	assert_true(alert_states_tick(stand->states, now(), &error));
	assert_int_equal(alert_states_records(stand->states, none, 1), 0);
	hand();
	expect_handed("firing g to a; firing g to b; ");
	assert_true(alert_states_end(stand->states, now(), &error));
	hand();
	expect_handed("resolved g to a; resolved g to b; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(engines_that_report_the_same_have_one_notice),
		STORY(a_firing_that_ends_at_once_has_both_notices_and_the_next_one_its_own),
		STORY(an_engine_that_is_silent_counts_until_its_alert_would_have_resolved),
		STORY(a_silence_or_another_alert_holds_back_a_notice_and_no_end),
		STORY(a_silence_of_others_holds_back_nothing),
		STORY(an_inhibitor_of_the_same_groups_holds_back_its_own),
		STORY(a_removed_alert_ends_for_those_that_had_it),
		STORY(receivers_that_change_get_the_end_and_the_firing),
		STORY(a_notice_waits_for_room_and_a_firing_that_ends_meanwhile_has_none),
		STORY(no_notice_overtakes_one_that_its_receiver_has_no_room_for),
		STORY(a_rollback_is_commanded_by_a_beginning_and_while_it_fires),
		STORY(an_engine_alone_keeps_no_records_and_rolls_nothing_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
