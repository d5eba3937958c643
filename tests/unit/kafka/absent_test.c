/* Tests of topics before an engine starts: those that a broker does not show yet are waited for, within bounds, and a
 * changelog with fewer partitions than its input is refused. On librdkafka's mock of a broker, where another
 * thread has them appear: pthread_create(). */
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
#include "kafka/state/changelog.h"
#include "kafka/client.h"
#include "kafka/kafka_log.h"
#include "kafka/consume/reader.h"
#include "kafka/topics/topic_setup.h"
#include "tests/unit/mock_broker.h"

#define LATE_US 700000
#define BYTES_MAX ((size_t)1 << 20)

static const char *const scope_names[] = {"n"};
static const struct store_scopes scopes = {1, scope_names};

/* It is made, or shown, after a while. */
struct late {
	struct mock mock;
	pthread_t thread;
	const char *topic;
	bool is_hidden; /* it is there, and the broker says that it is not */
};

static size_t said;

static void count_said(const struct log_sink *sink, const struct log_line *said_line)
{
	const char *line = said_line->message;
	(void)sink;
	said += strstr(line, "topic late does not exist yet: waiting for it") != NULL;
}

static const struct log_sink count_said_sink = {count_said};

static void *appear(void *context)
{
	struct late *late = context;
	usleep(LATE_US);
	if (late->is_hidden)
		rd_kafka_mock_topic_set_error(late->mock.cluster, late->topic, RD_KAFKA_RESP_ERR_NO_ERROR);
	else
		rd_kafka_mock_topic_create(late->mock.cluster, late->topic, 1, 1);
	return NULL;
}

static void late_open(struct late *late, const char *topic, bool is_hidden)
{
	*late = (struct late){.topic = topic, .is_hidden = is_hidden};
	said = 0;
	kafka_log_to(&count_said_sink);
	mock_open(&late->mock);
	if (is_hidden)
		rd_kafka_mock_topic_set_error(late->mock.cluster, topic, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	assert_int_equal(pthread_create(&late->thread, NULL, appear, late), 0);
}

static void late_close(struct late *late)
{
	pthread_join(late->thread, NULL);
	mock_close(&late->mock);
	kafka_log_to(NULL);
}

static void a_topic_of_somebody_else_that_was_just_made_is_waited_for(void **state)
{
	(void)state;
	struct late late;
	struct error error = {0};
	const struct wanted_topic wanted = {.name = "late", .bound = true};
	late_open(&late, "late", false);
	bool there = topics_ensure(late.mock.brokers, mock_quick, (struct wanted_topics){1, &wanted}, true, NULL, &error);
	assert_string_equal(error.text, "");
	assert_true(there);
	assert_int_equal(said, 1);
	late_close(&late);
}

static void topics_that_are_only_checked_are_waited_for_and_not_for_ever(void **state)
{
	(void)state;
	struct late late;
	struct error error = {0};
	const struct wanted_topic wanted[] = {{.name = "late"}, {.name = "never"}};
	late_open(&late, "late", false);
	assert_true(topics_ensure(late.mock.brokers, mock_quick, (struct wanted_topics){1, wanted}, false, NULL, &error));
	int64_t begun_ms = clock_ms();
	assert_false(topics_ensure(late.mock.brokers, mock_quick, (struct wanted_topics){2, wanted}, false, NULL, &error));
	assert_in_range(clock_ms() - begun_ms, TOPICS_APPEAR_MS, TOPICS_APPEAR_MS + MOCK_WAIT_MS);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "topic never does not exist (1 are missing)"));
	late_close(&late);
}

static void a_command_that_reads_waits_for_a_topic_that_was_just_made(void **state)
{
	(void)state;
	struct late late;
	struct error error = {0};
	late_open(&late, "out", true);
	const struct reader_config config = {.brokers = late.mock.brokers, .topic = "out", .properties = mock_quick};
	struct reader *reader = reader_open(&config, &error);
	assert_string_equal(error.text, "");
	assert_non_null(reader);
	reader_close(reader);
	late_close(&late);
}

static char notice[512];
static atomic_bool stopping; /* from the notice on */

static void keep_notice(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	if (!strstr(line->message, "no broker has answered"))
		return;
	(void)snprintf(notice, sizeof notice, "%s", line->message);
	atomic_store(&stopping, true);
}

static const struct log_sink keep_notice_sink = {keep_notice};

/* For a caller that waits no longer, or longer than others do. */
static void a_broker_that_cannot_be_reached_is_tried_for_a_time_that_may_be_given(void **state)
{
	struct error error = {0};
	const int64_t begun_ms = clock_ms();
	struct reader_config config = {.brokers = "127.0.0.1:1", .topic = "out", .properties = mock_quick, .wait_ms = 500};
	(void)state;
	assert_null(reader_open(&config, &error));
	assert_in_range(clock_ms() - begun_ms, 400, 10000); /* and not 15 s */
	assert_non_null(strstr(error.text, "Kafka did not describe topic out: "));
	atomic_store(&stopping, false);
	config.stopping = &stopping;
	config.wait_ms = 60000;
	kafka_log_to(&keep_notice_sink);
	assert_null(reader_open(&config, &error));
	kafka_log_to(NULL);
	assert_non_null(strstr(notice, "Trying for 57 s more"));
}

/* It gives up early here, because it is told to stop by then. */
static void a_broker_that_cannot_be_reached_is_named_while_it_is_tried(void **state)
{
	struct error error = {0};
	const int64_t begun_ms = clock_ms();
	const struct reader_config config = {
		.brokers = "127.0.0.1:1", .topic = "out", .properties = mock_quick, .stopping = &stopping};
	(void)state;
	atomic_store(&stopping, false);
	kafka_log_to(&keep_notice_sink);
	assert_null(reader_open(&config, &error));
	kafka_log_to(NULL);
	assert_in_range(clock_ms() - begun_ms, 2900, 2900 + MOCK_WAIT_MS);
	assert_non_null(strstr(notice, "Kafka: no broker has answered at 127.0.0.1:1 for 3 s: "));
	assert_non_null(strstr(notice, "Connection refused. Trying for 12 s more"));
	assert_non_null(strstr(error.text, "Kafka did not describe topic out: "));
	assert_non_null(strstr(error.text, "Connection refused; check that a broker runs at 127.0.0.1:1,"));
}

static void the_reason_for_which_a_broker_is_not_reached_is_kept(void **state)
{
	struct error trouble = {0};
	(void)state;
	client_note_trouble(RD_KAFKA_RESP_ERR__TRANSPORT,
			    "h:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)",
			    &trouble);
	assert_string_equal(trouble.text, "h:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: Connection refused");
	client_note_trouble(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down", &trouble);
	assert_string_equal(trouble.text, "h:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: Connection refused");
	client_note_trouble(RD_KAFKA_RESP_ERR__BAD_MSG,
			    "h:80/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000): increase "
			    "receive.message.max.bytes (after 0ms in state APIVERSION_QUERY)",
			    &trouble);
	assert_string_equal(trouble.text, "h:80: it is the port of an HTTP server");
	client_note_trouble(RD_KAFKA_RESP_ERR__TRANSPORT,
			    "h:1/bootstrap: ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10 "
			    "(see api.version.request configuration) (after 10006ms in state APIVERSION_QUERY)",
			    &trouble);
	assert_string_equal(trouble.text, "h:1/bootstrap: ApiVersionRequest failed: Local: Timed out: the broker does not answer");
	assert_int_equal(trouble.kind, ERROR_NONE);
	client_note_trouble(RD_KAFKA_RESP_ERR__AUTHENTICATION, "wrong password", &trouble);
	assert_int_equal(trouble.kind, ERROR_SYSTEM);
	assert_non_null(strstr(trouble.text, "Kafka rejects the login: wrong password"));
	client_note_trouble(RD_KAFKA_RESP_ERR__TRANSPORT, "h:1: away", &trouble);
	assert_non_null(strstr(trouble.text, "Kafka rejects the login: wrong password"));
}

/* Its partition is there, and brokers that are slow say that it is not. */
static void a_changelog_that_brokers_do_not_show_yet_is_waited_for(void **state)
{
	(void)state;
	struct late late;
	struct error error = {0};
	struct changelog_extent extent;
	late_open(&late, "out", true);
	struct store *store = store_open(scopes, BYTES_MAX);
	struct changelog_reader *reader = changelog_reader_open(late.mock.brokers, mock_quick, &error);
	assert_non_null(reader);
	const struct changelog_source source = {.topic = "out", .pipeline = "p", .from = OFFSET_NONE};
	enum changelog_end end = changelog_read(reader, &source, store, &extent, &error);
	assert_string_equal(error.text, "");
	assert_int_equal(end, CHANGELOG_READ);
	changelog_reader_close(reader);
	store_close(store);
	late_close(&late);
}

static void a_changelog_of_fewer_partitions_than_its_input_is_refused(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	const struct wanted_topic wanted[] = {{.name = "source"},
					       {.name = "source.state", .changelog_of = "source", .pipeline = "p"}};
	const struct wanted_topics both = {2, wanted};
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, "source", 4, 1);
	rd_kafka_mock_topic_create(mock.cluster, "source.state", 3, 1);
	assert_false(topics_ensure(mock.brokers, mock_quick, both, false, NULL, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "topic source.state has 3 partitions, and source, whose changelog it is, has 4; "
					   "the state of a key does not move with it to an added partition. Give it as many: "
					   "kafka-topics.sh --alter --topic source.state --partitions 4"));
	mock_close(&mock);

	error = (struct error){0};
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, "source", 3, 1);
	rd_kafka_mock_topic_create(mock.cluster, "source.state", 4, 1);
	assert_true(topics_ensure(mock.brokers, mock_quick, both, false, NULL, &error));
	assert_string_equal(error.text, "");
	mock_close(&mock);
}

/* Their worker looks at it, and answers go on meanwhile. */
static void a_changelog_of_observers_keeps_no_engine_from_starting(void **state)
{
	(void)state;
	struct mock mock;
	struct error error = {0};
	const struct wanted_topic wanted[] = {
		{.name = "source"},
		{.name = "source.state", .changelog_of = "source", .pipeline = "p", .observes = true},
		{.name = "gone.state", .changelog_of = "source", .pipeline = "p", .observes = true},
	};
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, "source", 4, 1);
	rd_kafka_mock_topic_create(mock.cluster, "source.state", 3, 1);
	assert_true(topics_ensure(mock.brokers, mock_quick, (struct wanted_topics){3, wanted}, false, NULL, &error));
	assert_string_equal(error.text, "");
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_of_somebody_else_that_was_just_made_is_waited_for),
		cmocka_unit_test(topics_that_are_only_checked_are_waited_for_and_not_for_ever),
		cmocka_unit_test(a_command_that_reads_waits_for_a_topic_that_was_just_made),
		cmocka_unit_test(a_broker_that_cannot_be_reached_is_named_while_it_is_tried),
		cmocka_unit_test(a_broker_that_cannot_be_reached_is_tried_for_a_time_that_may_be_given),
		cmocka_unit_test(the_reason_for_which_a_broker_is_not_reached_is_kept),
		cmocka_unit_test(a_changelog_that_brokers_do_not_show_yet_is_waited_for),
		cmocka_unit_test(a_changelog_of_observers_keeps_no_engine_from_starting),
		cmocka_unit_test(a_changelog_of_fewer_partitions_than_its_input_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
