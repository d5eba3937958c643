/* probe_state_test.c: Tests of the probe that looks for the state to which a group's commits refer, on a mock of Kafka. */
#include "kafka/topics/probe_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "flow/state/changelog_identity.h"
#include "tests/unit/mock_broker.h"

#define OFFSET_FETCH 9 /* Kafka's number of the request */

/* The changelog of `in` is `out`. */
static struct wanted_topic wanted = {
	.name = "out", .changelog_of = "in", .pipeline = "p", .group = "readers", .family = "sluice.default.pipeline.p.stage."};

static enum error_kind probe(const struct mock *mock, struct error *error)
{
	*error = (struct error){0};
	bool good = probe_states(mock->brokers, mock_quick, (struct wanted_topics){1, &wanted}, error);
	assert_true(good == (error->kind == ERROR_NONE));
	return error->kind;
}

static void commit(const struct mock *mock, const char *changelog, int64_t end)
{
	char metadata[STATE_REFERENCE_BYTES_MAX];
	const struct state_reference reference = {.id = 7, .end = end, .changelog = changelog};
	state_reference_write(&reference, metadata);
	mock_commit_with(mock, wanted.group, 1, metadata);
}

static void what_commits_refer_to_is_looked_for(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	mock_open(&mock);
	assert_int_equal(probe(&mock, &error), ERROR_NONE);
	mock_commit(&mock, wanted.group, 1);
	assert_int_equal(probe(&mock, &error), ERROR_NONE);
	commit(&mock, "out", 0);
	assert_int_equal(probe(&mock, &error), ERROR_NONE);
	commit(&mock, "out", 1);
	assert_int_equal(probe(&mock, &error), ERROR_CONFIG);
	assert_non_null(strstr(error.text, "partition 0 ends at offset 0, and the last commit was made when it reached 1"));
	commit(&mock, "sluice.default.pipeline.q.stage.request.state", 0);
	assert_int_equal(probe(&mock, &error), ERROR_CONFIG);
	assert_non_null(strstr(error.text, "the last commit was made with the changelog sluice.default.pipeline.q"));
	assert_non_null(strstr(error.text, "--new-state p"));
	wanted.new_state = true;
	assert_int_equal(probe(&mock, &error), ERROR_NONE);
	wanted.new_state = false;
	mock_close(&mock);
}

static void a_changelog_that_is_gone_is_lost(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	mock_open(&mock);
	wanted.name = "gone";
	assert_int_equal(probe(&mock, &error), ERROR_NONE);
	commit(&mock, "gone", 0);
	assert_int_equal(probe(&mock, &error), ERROR_CONFIG);
	assert_non_null(strstr(error.text, "the topic is gone, and the last commit refers to it"));
	wanted.name = "out";
	mock_close(&mock);
}

/* As after a step was renamed, or shares a record with another one since. */
static void observers_begin_anew_where_their_changelog_is_gone(void **state)
{
	(void)state;
	struct mock mock;
	char words[ERROR_TEXT_MAX];
	mock_open(&mock);
	wanted.observes = true;
	commit(&mock, "sluice.default.pipeline.p.stage.former.observer.state", 0);
	assert_int_equal(probe_state(mock.brokers, mock_quick, &wanted, 1, false, words), STATE_THERE);
	commit(&mock, "out", 1); /* which was emptied */
	assert_int_equal(probe_state(mock.brokers, mock_quick, &wanted, 1, false, words), STATE_THERE);
	assert_int_equal(probe_state(mock.brokers, mock_quick, &wanted, 1, true, words), STATE_THERE);
	wanted.observes = false;
	assert_int_equal(probe_state(mock.brokers, mock_quick, &wanted, 1, true, words), STATE_LOST);
	mock_close(&mock);
}

static void a_kafka_that_does_not_tell_is_not_taken_for_one_that_has_all(void **state)
{
	(void)state;
	struct mock mock;
	struct error error;
	mock_open(&mock);
	commit(&mock, "out", 0);
	rd_kafka_mock_push_request_errors(mock.cluster, OFFSET_FETCH, 1, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
	assert_int_equal(probe(&mock, &error), ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "Kafka does not report the committed offsets of group readers in in"));
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_commits_refer_to_is_looked_for),
		cmocka_unit_test(a_changelog_that_is_gone_is_lost),
		cmocka_unit_test(observers_begin_anew_where_their_changelog_is_gone),
		cmocka_unit_test(a_kafka_that_does_not_tell_is_not_taken_for_one_that_has_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
