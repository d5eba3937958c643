/* alert_takeover_test.c: Tests of the states of alerts: what the next keeper finds in the feed, and goes on with. */
#include "tests/unit/alert_states_stand.h"

static void receivers_that_change_without_a_keeper_get_theirs_from_the_next(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	deliver();
	stand->handed[0] = '\0';
	stand->items[0].actions.items = stand->actions + 1;
	keeper_replace();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a: no longer a receiver of this alert; firing g to b; ");
	deliver();
	tick(0);
	stand->definitions.count = 0;
	keeper_replace();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to b: the alert was removed; ");
}

static void the_next_keeper_goes_on_and_ends_what_no_engine_reports(void **state)
{
	(void)state;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	deliver();
	stand->handed[0] = '\0';
	keeper_replace();
	report("large", "g", "one", FIRED_MS + 9);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	report("large", "g", "one", FIRED_MS + 9);
	tick(19000);
	report("large", "g", "one", FIRED_MS + 9);
	expect_handed("");
	tick(1000);
	expect_handed("resolved h to a; ");
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a; ");
}

/* Others in which it fires report again before that. */
static void what_ends_after_a_keeper_was_replaced_waits_for_reports_of_others_alone(void **state)
{
	(void)state;
	stand->items[0].resolve_after_ms = 10 * ALERT_SILENT_MS;
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	report("large", "h", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	deliver();
	stand->handed[0] = '\0';
	keeper_replace();
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "one", 0);
	report("large", "h", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a; ");
	tick(ALERT_SILENT_MS);
	expect_handed("resolved h to a; ");
}

/* Whatever was written when the keeper is killed: no firing is without its end, and no notice lost. */
static void a_keeper_that_is_killed_between_two_transactions_loses_nothing(void **state)
{
	for (size_t transactions = 0; transactions < 6; transactions++) {
		struct error error = {0};
		begin(NULL);
		report("large", "g", "one", FIRED_MS);
		report("large", "h", "one", FIRED_MS);
		report("large", "i", "one", FIRED_MS);
		stand->now_ms += ALERT_SETTLE_MS;
		assert_true(alert_states_tick(stand->states, now(), &error));
		hand();
		expect_handed(""); /* before it is written */
		const bool written = records_write(transactions);
		keeper_replace();
		for (size_t i = 0; i < 3; i++)
			report("large", (const char *[]){"g", "h", "i"}[i], "one", FIRED_MS);
		tick(ALERT_SETTLE_MS);
		assert_int_equal(stand->handed_count, 3); /* nothing was handed over before */
		assert_true(written == (transactions >= 3));
		deliver();
		assert_int_equal(feed_count("alert/"), 3);
		assert_int_equal(feed_count("notice/"), 0);
		for (size_t i = 0; i < 3; i++)
			report("large", (const char *[]){"g", "h", "i"}[i], "one", 0);
		tick(ALERT_SETTLE_MS);
		assert_int_equal(stand->handed_count, 3);
		deliver();
		tick(ALERT_TICK_MS);
		assert_int_equal(feed_count(""), 0);
		(void)stand_close(state);
		assert_int_equal(stand_open(state), 0);
	}
}

static void what_began_and_ended_without_a_keeper_has_both_notices(void **state)
{
	(void)state;
	struct error error = {0};
	report("large", "g", "one", FIRED_MS);
	stand->now_ms += ALERT_TICK_MS;
	assert_true(alert_states_tick(stand->states, now(), &error)); /* of a candidate */
	report("large", "g", "one", 0);
	report("unknown", "g", "one", FIRED_MS);
	begin(NULL);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; resolved g to a; ");
}

/* Groups of alerts that are not defined yet are limited. */
static void groups_that_end_before_a_term_make_space_for_others(void **state)
{
	struct error error = {0};
	char alert[16], group[16];
	(void)state;
	for (int i = 0; i < ALERT_GROUPS_UNDEFINED_MAX; i++) {
		(void)snprintf(alert, sizeof alert, "a%d", i % (ALERT_GROUPS_UNDEFINED_MAX / ALERT_GROUPS_OF_ALERT_MAX));
		(void)snprintf(group, sizeof group, "g%d", i);
		report(alert, group, "one", FIRED_MS);
	}
	report("large", "g", "one", FIRED_MS);
	stand->now_ms += ALERT_UNDECIDED_MS + 1;
	assert_true(alert_states_tick(stand->states, now(), &error));
	report("large", "h", "one", FIRED_MS);
	begin(NULL);
	tick(ALERT_SETTLE_MS);
	expect_handed("firing h to a; ");
}

static void what_a_former_keeper_has_ended_is_over_for_the_next(void **state)
{
	(void)state;
	struct alert_feed *feed = alert_feed_open();
	const struct alert_message names = {.namespace = TEXT("default"),
					    .pipeline = TEXT("p"),
					    .alert = TEXT("large"),
					    .group = TEXT("g"),
					    .fired_at_ms = FIRED_MS};
	char key[ALERT_KEY_BYTES];
	alert_firing_key(&names, key);
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "one", 0);
	assert_true(alert_feed_take(feed, text_of(key), (struct text){0}));
	begin(feed);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	alert_feed_close(feed);
}

static void a_message_that_began_a_firing_is_a_report_once(void **state)
{
	(void)state;
	struct error error = {0};
	struct buffer record;
	struct alert_message names = {.namespace = TEXT("default"),
				      .pipeline = TEXT("p"),
				      .alert = TEXT("large"),
				      .group = TEXT("g"),
				      .fired_at_ms = FIRED_MS};
	char key[ALERT_KEY_BYTES];
	const struct text bytes = record_of("large", "g", "one", FIRED_MS, &record);
	alert_beginning_key(&names, key);
	feed_append(key, bytes);
	keeper_replace(); /* it was there before the keeper */
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
	assert_int_equal(feed_count("began/"), 0);
	report("large", "g", "one", FIRED_MS);
	report("large", "g", "one", 0);
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a; ");
	assert_true(alert_states_beginning(stand->states, text_of(key), bytes, now(), &error)); /* late */
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	names.fired_at_ms++;
	alert_beginning_key(&names, key);
	struct buffer next;
	const struct text later = record_of("large", "g", "one", FIRED_MS + 1, &next);
	feed_append(key, later);
	assert_true(alert_states_beginning(stand->states, text_of(key), later, now(), &error));
	tick(ALERT_SETTLE_MS);
	expect_handed("firing g to a; ");
	assert_int_equal(feed_count("began/"), 0);
	buffer_close(&record);
	buffer_close(&next);
}

static void a_notice_is_given_up_after_a_day_of_all_keepers(void **state)
{
	(void)state;
	begin(NULL);
	stand->refuses = true;
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	stand->at_ms += INT64_C(24) * 3600 * 1000;
	stand->refuses = false;
	keeper_replace();
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	expect_handed("");
	assert_int_equal(feed_count("notice/"), 0);
}

/* As during an outage of engines that announced by ids that all share. */
static void a_second_firing_of_a_group_in_the_feed_ends(void **state)
{
	(void)state;
	struct alert_message names = {
		.namespace = TEXT("default"), .pipeline = TEXT("p"), .alert = TEXT("large"), .group = TEXT("g")};
	begin(NULL);
	report("large", "g", "one", FIRED_MS);
	tick(ALERT_SETTLE_MS);
	deliver();
	stand->handed[0] = '\0';
	struct buffer record;
	char key[ALERT_KEY_BYTES];
	names.fired_at_ms = FIRED_MS + 7;
	alert_firing_key(&names, key);
	feed_append(key, record_of("large", "g", "two", FIRED_MS + 7, &record));
	buffer_close(&record);
	keeper_replace();
	tick(ALERT_SETTLE_MS);
	expect_handed("resolved g to a; ");
	assert_int_equal(feed_count("alert/"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(receivers_that_change_without_a_keeper_get_theirs_from_the_next),
		STORY(the_next_keeper_goes_on_and_ends_what_no_engine_reports),
		STORY(what_ends_after_a_keeper_was_replaced_waits_for_reports_of_others_alone),
		STORY(a_keeper_that_is_killed_between_two_transactions_loses_nothing),
		STORY(what_began_and_ended_without_a_keeper_has_both_notices),
		STORY(groups_that_end_before_a_term_make_space_for_others),
		STORY(what_a_former_keeper_has_ended_is_over_for_the_next),
		STORY(a_message_that_began_a_firing_is_a_report_once),
		STORY(a_notice_is_given_up_after_a_day_of_all_keepers),
		STORY(a_second_firing_of_a_group_in_the_feed_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
