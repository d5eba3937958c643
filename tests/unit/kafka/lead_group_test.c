/* lead_group_test.c: Tests of a group of leaders of a mock broker: one leads, and a group that may not be joined is reported. */
#include "kafka/consume/lead_group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "tests/unit/mock_broker.h"

#include <cmocka.h>

static const int16_t join_group = 11; /* Kafka's number of that request */

static struct mock mock;
static const char *const topics[] = {"out", "in"};
static struct lead_group_config config;

static int stand_open(void **state)
{
	(void)state;
	mock_open(&mock);
	config = (struct lead_group_config){
		.brokers = mock.brokers, .group = "g", .topic_count = 1, .topics = topics, .properties = mock_quick};
	return 0;
}

static int stand_close(void **state)
{
	(void)state;
	mock_close(&mock);
	return 0;
}

/* Looks until it leads the topic, or the look fails. */
static bool looks_until_held(struct lead_group *group, const char *topic, struct error *error)
{
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !lead_group_leads(group, topic);) {
		if (!lead_group_look(group, error))
			return false;
		if (clock_ms() > until_ms)
			fail_msg("it neither leads nor fails");
		nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
	}
	return true;
}

static void a_single_member_leads(void **state)
{
	struct error error = {0};
	(void)state;
	struct lead_group *group = lead_group_open(&config, &error);
	assert_non_null(group);
	assert_true(looks_until_held(group, "out", &error));
	lead_group_close(group);
}

static void a_topic_that_is_added_is_led_and_one_that_is_removed_is_not(void **state)
{
	struct error error = {0};
	(void)state;
	struct lead_group *group = lead_group_open(&config, &error);
	assert_true(looks_until_held(group, "out", &error) && !lead_group_leads(group, "in"));
	const uint64_t assignments = lead_group_assignments(group);
	assert_true(lead_group_follow(group, topics, 2, &error) && looks_until_held(group, "in", &error));
	assert_true(lead_group_leads(group, "out") && lead_group_assignments(group) > assignments);
	assert_true(lead_group_follow(group, topics + 1, 1, &error));
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; lead_group_leads(group, "out") || !lead_group_leads(group, "in");) {
		assert_true(clock_ms() < until_ms && lead_group_look(group, &error));
		nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
	}
	assert_true(lead_group_follow(group, topics + 1, 1, &error)); /* as it does: nothing is assigned anew */
	for (int i = 0; i < 20; i++) {
		assert_true(lead_group_look(group, &error) && lead_group_leads(group, "in") && !lead_group_is_leaving(group));
		nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
	}
	lead_group_close(group);
}

/* The mock finds no times: their answer is the end. */
static void questions_are_answered_together_and_one_that_fails_alone_holds_up_no_other(void **state)
{
	struct error error = {0};
	struct arena *arena = arena_open(1 << 16);
	(void)state;
	rd_kafka_mock_topic_set_error(mock.cluster, "absent", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	for (int i = 0; i < 3; i++)
		mock_append(&mock, "in", TEXT("k"), TEXT("v"));
	mock_commit_with(&mock, "g", 2, "note");
	config.alone = true;
	struct lead_group *group = lead_group_open(&config, &error);
	struct group_question questions[] = {{.topic = "in", .partition = GROUP_ALL_PARTITIONS},
					     {.topic = "absent", .partition = GROUP_ALL_PARTITIONS},
					     {.topic = "in", .partition = 0, .time_ms = GROUP_END},
					     {.topic = "in", .partition = 0, .time_ms = 1},
					     {.topic = "in", .partition = 0, .time_ms = INT64_MAX / 2}};
	struct group_question *asked[5];
	for (size_t i = 0; i < 5; i++)
		asked[i] = &questions[i];
	lead_group_ask(group, asked, 5, arena);
	assert_string_equal(questions[0].error.text, "");
	assert_int_equal(questions[0].places[0].committed, 2);
	assert_true(text_is(questions[0].places[0].metadata, "note"));
	assert_int_equal(questions[0].places[0].end, 3);
	assert_int_equal(questions[1].error.kind, ERROR_REMOTE);
	assert_false(questions[4].is_asked); /* one time of a partition at once */
	lead_group_ask(group, asked + 4, 1, arena);
	for (size_t i = 2; i < 5; i++)
		assert_true(questions[i].is_answered && questions[i].offset == 3);
	lead_group_close(group);
	arena_close(arena);
}

static void a_group_that_may_not_be_joined_is_reported_with_the_next_step(void **state)
{
	struct error error = {0};
	(void)state;
	for (int i = 0; i < 100; i++)
		rd_kafka_mock_push_request_errors(mock.cluster, join_group, 1, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
	struct lead_group *group = lead_group_open(&config, &error);
	assert_non_null(group);
	assert_false(looks_until_held(group, "out", &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "group g cannot be joined"));
	assert_non_null(strstr(error.text, "sluice plan --acls"));
	lead_group_close(group);
	rd_kafka_mock_clear_request_errors(mock.cluster, join_group);
	error = (struct error){0};
	group = lead_group_open(&config, &error);
	assert_true(lead_group_look(group, &error) && !lead_group_leads(group, "out"));
	assert_true(looks_until_held(group, "out", &error));
	lead_group_close(group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_single_member_leads, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_topic_that_is_added_is_led_and_one_that_is_removed_is_not, stand_open,
						stand_close),
		cmocka_unit_test_setup_teardown(questions_are_answered_together_and_one_that_fails_alone_holds_up_no_other,
						stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_group_that_may_not_be_joined_is_reported_with_the_next_step, stand_open,
						stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
