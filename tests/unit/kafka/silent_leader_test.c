/* silent_leader_test.c: Tests of the time that questions about offsets take while the broker that leads a partition is silent, as
 * one is that was stopped by SIGSTOP: it is connected, and its metadata are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/state/changelog.h"
#include "kafka/client.h"
#include "kafka/consume/group_lag.h"
#include "kafka/topics/probe_state.h"
#include "kafka/topics/topic_registry.h"
#include "net/loop.h"
#include "flow/state/changelog_identity.h"
#include "tests/unit/mock_broker.h"

#define SHORT_MS 500
#define PROMPT_MS 9000	    /* far less than a silent broker takes; the longest wait of those that ask is 5 s */
#define RECORD_TIME_MS 1000 /* of the mock's records */

static atomic_bool asked;

/* Notes that it is called, by whatever thread. */
rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *offsets, int timeout_ms)
{
	rd_kafka_resp_err_t (*query)(rd_kafka_t *, rd_kafka_topic_partition_list_t *, int);
	*(void **)&query = dlsym(RTLD_NEXT, "rd_kafka_offsets_for_times");
	atomic_store(&asked, true);
	return query(rk, offsets, timeout_ms);
}

static void silent_open(struct mock *mock)
{
	mock_open(mock);
	for (int i = 0; i < 5; i++)
		mock_write(mock, NULL, "x", NULL, NULL);
	rd_kafka_flush(mock->writer, MOCK_WAIT_MS);
	mock_hide_offsets(mock);
}

static void both_ends_share_one_wait(void **state)
{
	(void)state;
	struct mock mock;
	int64_t begin = 7, end = 8, offset = 9;
	mock_open(&mock);
	mock_write(&mock, NULL, "x", NULL, NULL);
	rd_kafka_flush(mock.writer, MOCK_WAIT_MS);
	assert_int_equal(client_find_extent(mock.writer, "in", 0, &begin, &end, MOCK_WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(begin, 0);
	assert_int_equal(end, 1);
	mock_hide_offsets(&mock);
	const int64_t began_ms = clock_ms();
	const rd_kafka_resp_err_t code = client_find_extent(mock.writer, "in", 0, &begin, &end, SHORT_MS);
	assert_int_equal(code, RD_KAFKA_RESP_ERR__TIMED_OUT);
	assert_int_equal(client_find_offset(mock.writer, "in", 0, RD_KAFKA_OFFSET_END, &offset, SHORT_MS), code);
	assert_in_range(clock_ms() - began_ms, SHORT_MS, PROMPT_MS);
	assert_int_equal(begin, 0);
	assert_int_equal(end, 1);
	assert_int_equal(offset, 9);
	assert_non_null(strstr(client_offset_words(code), "the broker that leads it does not answer; check that it runs"));
	assert_string_equal(client_offset_words(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION), "Local: Unknown partition");
	mock_close(&mock);
}

static void the_lag_of_a_group_is_unknown_in_time(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	silent_open(&mock);
	struct group_lag *backlog = group_lag_open(NULL, mock.brokers, mock_quick, "g", &error);
	assert_non_null(backlog);
	const int64_t began_ms = clock_ms();
	assert_int_equal(group_lag_measure(backlog, TEXT("in out"), SHORT_MS), -1);
	assert_false(group_lag_mark(backlog, TEXT("in"), SHORT_MS));
	assert_in_range(clock_ms() - began_ms, 0, PROMPT_MS);
	group_lag_close(backlog);
	mock_close(&mock);
}

static void a_probe_of_state_names_the_partition_and_who_is_silent(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	struct wanted_topic wanted = {.name = "out", .changelog_of = "in", .pipeline = "p", .group = "readers", .family = "f"};
	char metadata[STATE_REFERENCE_BYTES_MAX];
	const struct state_reference reference = {.id = 7, .end = 0, .changelog = "out"};
	silent_open(&mock);
	state_reference_write(&reference, metadata);
	mock_commit_with(&mock, wanted.group, 1, metadata);
	const int64_t began_ms = clock_ms();
	assert_false(probe_states(mock.brokers, mock_quick, (struct wanted_topics){1, &wanted}, &error));
	assert_in_range(clock_ms() - began_ms, 0, PROMPT_MS);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_string_equal(
		error.text,
		"Kafka does not report the end of changelog out-0: the broker that leads it does not answer; check that "
		"it runs and is not stopped (kafka-topics.sh --describe names it); so the state of pipeline "
		"p could not be checked: try again");
	mock_close(&mock);
}

/* Counts what is told, and stops the second time. */
static bool go_on(void *context, int64_t reached, int64_t end)
{
	int *times = context;
	assert_int_equal(reached, 0);
	assert_int_equal(end, OFFSET_NONE);
	return ++*times < 2;
}

static void a_restore_may_be_stopped_meanwhile(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	int times = 0;
	struct changelog_extent extent;
	static const char *const names[] = {"n"};
	silent_open(&mock);
	struct store *store = store_open((struct store_scopes){1, names}, 1 << 20);
	struct changelog_reader *reader = changelog_reader_open(mock.brokers, mock_quick, &error);
	const struct changelog_source source = {
		.topic = "in", .pipeline = "p", .from = OFFSET_NONE, .go_on = go_on, .context = &times};
	const int64_t began_ms = clock_ms();
	assert_int_equal(changelog_read(reader, &source, store, &extent, &error), CHANGELOG_STOPPED);
	assert_in_range(clock_ms() - began_ms, 0, PROMPT_MS);
	assert_int_equal(times, 2);
	changelog_reader_close(reader);
	store_close(store);
	mock_close(&mock);
}

/* Where another record was found, its thread asks where the partition begins. */
static void a_registry_that_looks_for_replaced_topics_closes_in_time(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	silent_open(&mock);
	atomic_store(&asked, false);
	const int bell = bell_open(&error);
	const struct topic_member_config config = {
		.brokers = mock.brokers, .properties = mock_quick, .every_ms = 20, .bell = bell};
	struct topic_member *member = topic_member_open(&config, &error);
	assert_non_null(member);
	topic_member_note(member, "in", 0, 1, RECORD_TIME_MS + 1);
	topic_member_note(member, "in", 0, 3, RECORD_TIME_MS);
	const int64_t began_ms = clock_ms();
	while (!atomic_load(&asked))
		assert_true(clock_ms() - began_ms < MOCK_WAIT_MS);
	const int64_t closed_ms = clock_ms();
	topic_member_close(member);
	assert_in_range(clock_ms() - closed_ms, 0, PROMPT_MS);
	close(bell);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_share_one_wait),
		cmocka_unit_test(the_lag_of_a_group_is_unknown_in_time),
		cmocka_unit_test(a_probe_of_state_names_the_partition_and_who_is_silent),
		cmocka_unit_test(a_restore_may_be_stopped_meanwhile),
		cmocka_unit_test(a_registry_that_looks_for_replaced_topics_closes_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
