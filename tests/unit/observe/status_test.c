/* What an engine says of its pipelines, and `sluice top`, which shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/produce/sender.h"
#include "observe/status.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define TOPIC "sluice.trading.status"

static struct status well; /* set_up() */

static int set_up(void **state)
{
	(void)state;
	well = (struct status){
		.instance = TEXT("one"),
		.pipeline = TEXT("p"),
		.namespace = TEXT("trading"),
		.at_ms = 1700000000000,
		.started_ms = 1690000000000,
		.ready = true,
		.state = TEXT("running"),
		.sums.taken = 18446744073709551615u,
		.sums.ended = 14,
		.sums.answered = 10,
		.sums.failed = 2,
		.sums.dropped = 5,
		.sums.dead_letters = 1,
		.sums.resets = 3,
		.sums.skipped = 900,
		.sums.in_flight = 4,
		.version = TEXT("00000000000000ab"),
		.group = TEXT(""),
		.reads = TEXT("one two"),
		.lag = 123,
		.rate = 1500.5,
		.p50_ms = 0.5,
		.p95_ms = 1.5,
		.p99_ms = 2.25,
	};
	return 0;
}

static void a_status_reads_back_as_it_was_said(void **state)
{
	(void)state;
	struct buffer json;
	struct status read;
	struct error error = {0};
	struct arena *arena = arena_open(1 << 20);
	buffer_open(&json, 1 << 20);
	status_write(&well, &json);
	assert_true(status_read(buffer_view(&json), arena, &read, &error));
	assert_true(text_equal(read.instance, well.instance) && text_equal(read.pipeline, well.pipeline));
	assert_true(text_equal(read.namespace, well.namespace) && text_equal(read.state, well.state));
	assert_int_equal(read.why.length, 0);
	assert_true(text_equal(read.reads, well.reads) && read.group.length == 0 && text_equal(read.version, well.version));
	assert_int_equal(read.at_ms, well.at_ms);
	assert_int_equal(read.started_ms, well.started_ms);
	assert_true(read.ready);
	assert_true(read.sums.taken == well.sums.taken && read.sums.answered == well.sums.answered);
	assert_true(read.sums.failed == well.sums.failed && read.sums.dead_letters == well.sums.dead_letters);
	assert_true(read.sums.resets == well.sums.resets && read.sums.skipped == well.sums.skipped);
	assert_true(read.sums.in_flight == well.sums.in_flight);
	assert_int_equal(read.sums.ended, well.sums.ended);
	assert_int_equal(read.sums.dropped, well.sums.dropped);
	assert_int_equal(read.lag, well.lag);
	assert_true(read.rate == well.rate && read.p50_ms == well.p50_ms && read.p95_ms == well.p95_ms &&
		    read.p99_ms == well.p99_ms);
	buffer_close(&json);
	arena_close(arena);
}

static void what_is_no_status_is_refused(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"", "7", "{}", "{\"pipeline\": 7}", "{\"pipeline\": \"p\", \"lag\": \"x\"}", "{\"pipeline\": \"p\"",
		"{\"pipeline\": \"p\", \"at_ms\": -9223372036854775808}",
		"{\"pipeline\": \"p\", \"started_ms\": 9223372036854775807}",
		"{\"pipeline\": \"p\", \"lag\": -2}"};
	struct arena *arena = arena_open(1 << 20);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct status status;
		struct error error = {0};
		assert_false(status_read(text_of(rows[i]), arena, &status, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	struct status status;
	struct error error = {0};
	assert_true(status_read(TEXT("{\"pipeline\": \"p\", \"later\": [1, {}]}"), arena, &status, &error));
	assert_int_equal(status.lag, -1);
	arena_close(arena);
}

/* ---- sluice top ---- */

static void say_status(struct sender *sender, const char *instance, const char *version, const char *why, int64_t at_ms)
{
	struct status status = well;
	struct error error = {0};
	struct buffer json;
	status.instance = text_of(instance);
	if (strcmp(instance, "fails") == 0)
		status.state = TEXT("failing");
	if (strcmp(instance, "slow") == 0)
		status.state = TEXT("slow");
	status.version = text_of(version);
	status.why = text_of(why);
	status.at_ms = at_ms;
	buffer_open(&json, 1 << 20);
	status_write(&status, &json);
	assert_true(sender_send(sender, &(struct outgoing){.value = buffer_view(&json)}, 1, &error));
	buffer_close(&json);
}

/* Says how it is until it is told to end, as engines do. */
static void *say_statuses(void *context)
{
	const struct mock *mock = context;
	struct error error = {0};
	const struct sender_config config = {
		.brokers = mock->brokers, .topic = TOPIC, .timeout_ms = 10000, .properties = mock_quick};
	struct sender *sender = sender_open(&config, &error);
	for (unsigned i = 0; i < 30; i++) {
		say_status(sender, "one", "ab", "", time_of_day_ms());
		say_status(sender, "two", "ab", "model nn is unreachable", time_of_day_ms());
		say_status(sender, "changed", "cd", "", time_of_day_ms());
		say_status(sender, "draining", "", "", time_of_day_ms());
		say_status(sender, "fails", "ab", "all is lost", time_of_day_ms());
		say_status(sender, "slow", "ab", "model m: 2 s a call", time_of_day_ms());
		say_status(sender, "dead", "ef", "", 1700000000000);
		assert_true(sender_send(sender, &(struct outgoing){.value = TEXT("garbage")}, 1, &error));
		(void)sender_settled(sender, 50);
		usleep(50000);
	}
	sender_close(sender);
	return NULL;
}

static void the_last_word_of_each_engine_is_shown(void **state)
{
	(void)state;
	struct mock mock;
	pthread_t engines;
	char line[200];
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, TOPIC, 1, 1);
	assert_int_equal(pthread_create(&engines, NULL, say_statuses, &mock), 0);
	snprintf(line, sizeof line, "top -n trading --brokers %s", mock.brokers);
	struct said said = say(line);
	pthread_join(engines, NULL);
	assert_int_equal(said.code, EXIT_GOOD);
	const char *expected[] = {
		"p                        one                       1500      0.50      2.25         4       123        10         "
		"2"
		"         1  running; resets 3; skipped 900; runs other files than changed\n",
		"two                       1500      0.50      2.25         4       123        10         2         1  running: "
		"model nn is unreachable; resets 3; skipped 900; runs other files than changed\n",
		"changed                   1500      0.50      2.25         4       123        10         2         1  running; "
		"resets 3; skipped 900; runs other files than fails\n",
		"draining                  1500      0.50      2.25         4       123        10         2         1  running; "
		"resets 3; skipped 900\n",
		"dead                         -         -         -         -       123        10         2         1  silent: "
		"the engine has crashed, is frozen, or has no network; resets 3; skipped 900\n",
	};
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		if (!strstr(said.out, expected[i]))
			fail_msg("`%s` is not in:\n%s", expected[i], said.out);
	said_close(&said);
	mock_close(&mock);
}

#define OFFSET_FETCH 9 /* Kafka's number of that request */

/* An engine is as it was when the status was read: what it has reported since is not read yet. */
static void kafka_that_is_slow_to_tell_the_lag_makes_no_engine_silent(void **state)
{
	struct mock mock;
	pthread_t engines;
	char line[200];
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, TOPIC, 1, 1);
	rd_kafka_mock_topic_create(mock.cluster, "one", 1, 1);
	for (int i = 0; i < 16; i++)
		rd_kafka_mock_broker_push_request_error_rtts(mock.cluster, 1, OFFSET_FETCH, (size_t)1, RD_KAFKA_RESP_ERR_NO_ERROR,
							     10 * MS_PER_S);
	well.group = TEXT("g");
	well.reads = TEXT("one");
	assert_int_equal(pthread_create(&engines, NULL, say_statuses, &mock), 0);
	snprintf(line, sizeof line, "top -n trading --once --brokers %s", mock.brokers);
	struct said said = say(line);
	pthread_join(engines, NULL);
	set_up(state);
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.out, "  running: model nn is unreachable");
	const char *silent = strstr(said.out, "silent: "), *last = strstr(said.out, "dead ");
	assert_true(silent && last && silent > last); /* only the one that has died */
	said_close(&said);
	mock_close(&mock);
}

static void health_is_of_one_engine_and_names_what_fails(void **state)
{
	(void)state;
	static const struct {
		const char *instance, *out, *err;
	} rows[] = {
		{"one", "one is healthy: 1 of 1 pipelines ready\n", ""},
		{"fails", "fails is healthy: 1 of 1 pipelines ready\n", "fails: 1 of 1 pipelines are failing; p: all is lost\n"},
		{"slow", "slow is healthy: 1 of 1 pipelines ready\n", "slow: 1 of 1 pipelines are slow; p: model m: 2 s a call\n"},
	};
	struct mock mock;
	pthread_t engines;
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, TOPIC, 1, 1);
	assert_int_equal(pthread_create(&engines, NULL, say_statuses, &mock), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char line[200];
		snprintf(line, sizeof line, "health -n trading --instance %s --brokers %s", rows[i].instance, mock.brokers);
		struct said said = say(line);
		assert_int_equal(said.code, EXIT_GOOD);
		assert_string_equal(said.out, rows[i].out);
		assert_string_equal(said.err, rows[i].err);
		said_close(&said);
	}
	pthread_join(engines, NULL);
	mock_close(&mock);
}

static void a_namespace_without_engines_is_told_so(void **state)
{
	(void)state;
	struct mock mock;
	char line[200];
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, TOPIC, 1, 1);
	snprintf(line, sizeof line, "top -n trading --once -o json --brokers %s", mock.brokers);
	struct said said = say(line);
	assert_string_equal(said.out, "");
	assert_string_equal(said.err, "{\"note\":{\"message\":\"no engine has reported a pipeline on " TOPIC
				      "; does one run in this namespace? If it runs with --control, `sluice get` lists the "
				      "resources that it has, and those that were deleted\"}}\n");
	said_close(&said);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_reads_back_as_it_was_said),
		cmocka_unit_test(what_is_no_status_is_refused),
		cmocka_unit_test(the_last_word_of_each_engine_is_shown),
		cmocka_unit_test(kafka_that_is_slow_to_tell_the_lag_makes_no_engine_silent),
		cmocka_unit_test(health_is_of_one_engine_and_names_what_fails),
		cmocka_unit_test(a_namespace_without_engines_is_told_so),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
