/* topic_creation_test.c: Tests of the creation of topics while connections to Kafka break. The mock of a broker creates none by
 * request: the outcome of each request is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kafka/topics/topic_setup.h"
#include "tests/unit/mock_broker.h"

static struct {
	struct mock mock;
	size_t requests;
	size_t created_at;	  /* the request that creates the topic; 0: none */
	size_t answered_at;	  /* the request that is answered; 0: none, their connections break */
	rd_kafka_resp_err_t code; /* of those that are not */
} story;

/* In place of librdkafka's; the event is the story itself. */
void rd_kafka_CreateTopics(rd_kafka_t *rk, rd_kafka_NewTopic_t **new_topics, size_t new_topic_cnt,
			   const rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *rkqu)
{
	(void)rk, (void)new_topics, (void)options, (void)rkqu;
	assert_int_equal(new_topic_cnt, 1);
	if (++story.requests == story.created_at)
		assert_int_equal(rd_kafka_mock_topic_create(story.mock.cluster, "new", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
}

rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *rkqu, int timeout_ms)
{
	(void)rkqu, (void)timeout_ms;
	return (rd_kafka_event_t *)&story;
}

void rd_kafka_event_destroy(rd_kafka_event_t *rkev)
{
	assert_ptr_equal(rkev, &story);
}

rd_kafka_resp_err_t rd_kafka_event_error(rd_kafka_event_t *rkev)
{
	(void)rkev;
	return story.requests == story.answered_at ? RD_KAFKA_RESP_ERR_NO_ERROR : story.code;
}

const char *rd_kafka_event_error_string(rd_kafka_event_t *rkev)
{
	return rd_kafka_err2str(rd_kafka_event_error(rkev));
}

const rd_kafka_CreateTopics_result_t *rd_kafka_event_CreateTopics_result(rd_kafka_event_t *rkev)
{
	(void)rkev;
	return NULL;
}

const rd_kafka_topic_result_t **rd_kafka_CreateTopics_result_topics(const rd_kafka_CreateTopics_result_t *result, size_t *cntp)
{
	(void)result;
	*cntp = 0;
	return NULL;
}

static bool ensure(size_t created_at, size_t answered_at, rd_kafka_resp_err_t code, struct error *error)
{
	const struct wanted_topic wanted = {.name = "new"};
	*error = (struct error){0};
	mock_open(&story.mock);
	story.requests = 0;
	story.created_at = created_at;
	story.answered_at = answered_at;
	story.code = code;
	bool good = topics_ensure(story.mock.brokers, mock_quick, (struct wanted_topics){1, &wanted}, true, NULL, error);
	mock_close(&story.mock);
	return good;
}

static void topics_are_ordered_again_when_the_connection_breaks(void **state)
{
	(void)state;
	struct error error;
	assert_true(ensure(3, 3, RD_KAFKA_RESP_ERR__TRANSPORT, &error));
	assert_int_equal(story.requests, 3);
}

static void topics_that_were_created_before_it_broke_are_found(void **state)
{
	(void)state;
	struct error error;
	assert_true(ensure(1, 0, RD_KAFKA_RESP_ERR__TRANSPORT, &error));
	assert_int_equal(story.requests, 1);
}

static void a_reason_that_lasts_is_told_at_once(void **state)
{
	(void)state;
	struct error error;
	assert_false(ensure(0, 0, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, &error));
	assert_int_equal(story.requests, 1);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "Kafka did not create the topics: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topics_are_ordered_again_when_the_connection_breaks),
		cmocka_unit_test(topics_that_were_created_before_it_broke_are_found),
		cmocka_unit_test(a_reason_that_lasts_is_told_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
