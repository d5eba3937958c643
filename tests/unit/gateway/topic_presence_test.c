/* topic_presence_test.c: topics of a gateway that are deleted: it is not ready,
 * its errors name them, and it is ready again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "gateway/gateway_readiness.h"
#include "gateway/calls/topic_presence.h"
#include "tests/unit/calls_stand.h"

#define PRODUCE 0 /* the number of the request */
#define CLAIMS "sluice.default.claims"

static void topic_show(struct calls_stand *stand, const char *topic, bool is_shown)
{
	rd_kafka_mock_topic_set_error(stand->mock.cluster, topic,
				      is_shown ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

static bool stand_is_ready(struct calls_stand *stand, const struct gateway_target *target, struct error *error)
{
	const struct gateway_config config = {.brokers = "here:9092"};
	const struct gateway_readiness readiness = {&config, &stand->targets, stand->calls, false, NULL, NULL};
	*error = (struct error){0};
	return gateway_readiness_find(&readiness, target, error);
}

static void readiness_await(struct calls_stand *stand, const struct gateway_target *target, bool is_ready)
{
	struct error error;
	for (int turns = 0; turns < MOCK_WAIT_MS / MOMENT_MS && stand_is_ready(stand, target, &error) != is_ready; turns++)
		calls_turn_for(stand, MOMENT_MS);
	assert_true(stand_is_ready(stand, target, &error) == is_ready);
}

static void a_gateway_whose_replies_topic_is_gone_is_not_ready(void **state)
{
	struct calls_stand *stand = *state;
	struct error error;
	if (mock_error_of_topic_crashes())
		skip();
	calls_turn_for(stand, TOPIC_PRESENCE_MS); /* it was there */
	topic_show(stand, REPLIES, false);
	readiness_await(stand, NULL, false);
	assert_false(stand_is_ready(stand, NULL, &error));
	assert_string_equal(error.text, "topic " REPLIES ", by which engines answer, is gone; create it, or start a gateway or an "
					"engine with `--topics create`");
	assert_false(stand_is_ready(stand, &stand->target, &error));
	calls_call_with(stand, 0, MOMENT_MS, "", TEXT("1"));
	rd_kafka_message_destroy(calls_next_record(stand, "in"));
	calls_await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 504);
	assert_non_null(strstr(stand->callers[0].body, "topic " REPLIES ", by which engines answer, is gone; create it"));
	assert_null(strstr(stand->callers[0].body, "runs pipeline"));
	assert_non_null(strstr(stand->callers[0].body, "A later answer is in the topic out")); /* where engines have
												  written it */
	topic_show(stand, REPLIES, true);
	readiness_await(stand, NULL, true);
}

static void a_pipeline_whose_topic_is_gone_is_not_ready(void **state)
{
	struct calls_stand *stand = *state;
	static const char *const topics[] = {"in", "out"};
	struct error error;
	if (mock_error_of_topic_crashes())
		skip();
	calls_turn_for(stand, TOPIC_PRESENCE_MS);
	for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
		char words[128];
		(void)snprintf(words, sizeof words, "topic %s is gone; create it, or start an engine again", topics[i]);
		topic_show(stand, topics[i], false);
		readiness_await(stand, &stand->target, false);
		assert_false(stand_is_ready(stand, &stand->target, &error));
		assert_non_null(strstr(error.text, words));
		assert_true(stand_is_ready(stand, NULL, &error)); /* others can be asked */
		topic_show(stand, topics[i], true);
		readiness_await(stand, &stand->target, true);
	}
}

/* An engine that answers exactly once may still wait for Kafka's client to give up. */
static void a_call_without_a_topic_for_its_answer_names_it(void **state)
{
	struct calls_stand *stand = *state;
	if (mock_error_of_topic_crashes())
		skip();
	calls_turn_for(stand, TOPIC_PRESENCE_MS);
	calls_call_with(stand, 0, 6 * TOPIC_PRESENCE_MS, "", TEXT("1"));
	rd_kafka_message_destroy(calls_next_record(stand, "in"));
	topic_show(stand, "out", false);
	readiness_await(stand, &stand->target, false);
	calls_await_end(stand, 0);
	assert_int_equal(stand->callers[0].status, 504);
	assert_non_null(strstr(stand->callers[0].body, "topic out, to which pipeline p answers, is gone; create it"));
	assert_null(strstr(stand->callers[0].body, "see whether an engine"));
}

/* Nobody would answer it before its deadline. */
static void a_caller_is_refused_at_once_while_a_topic_for_its_answer_is_gone(void **state)
{
	struct calls_stand *stand = *state;
	if (mock_error_of_topic_crashes())
		skip();
	calls_turn_for(stand, TOPIC_PRESENCE_MS);
	topic_show(stand, "out", false);
	readiness_await(stand, &stand->target, false);
	calls_call_with(stand, 0, MOCK_WAIT_MS, "", TEXT("1"));
	assert_int_equal(stand->callers[0].ended, 1);
	assert_int_equal(stand->callers[0].status, 503);
	assert_non_null(strstr(stand->callers[0].body, "topic out is gone; create it, or start an engine again"));
	topic_show(stand, "out", true);
	readiness_await(stand, &stand->target, true);
	calls_call_with(stand, 1, MOCK_WAIT_MS, "", TEXT("1"));
	rd_kafka_message_destroy(calls_next_record(stand, "in")); /* the first one that was asked */
	assert_int_equal(stand->callers[1].ended, 0);
}

/* It answers without Kafka, but waits until it can log again. */
static void a_pipeline_of_direct_ingress_whose_topic_is_gone_is_not_ready(void **state)
{
	struct calls_stand *stand = *state;
	const struct gateway_config config = {.brokers = "here:9092", .direct = stand->hub};
	const struct gateway_readiness readiness = {&config, &stand->targets, stand->calls, false, NULL, NULL};
	struct error error = {0};
	if (mock_error_of_topic_crashes())
		skip();
	stand->target.direct = true;
	calls_turn_for(stand, TOPIC_PRESENCE_MS);
	assert_true(gateway_readiness_find(&readiness, &stand->target, &error));
	topic_show(stand, REPLIES, false); /* which it does without */
	calls_turn_for(stand, 2 * TOPIC_PRESENCE_MS);
	assert_true(gateway_readiness_find(&readiness, &stand->target, &error));
	topic_show(stand, "in", false);
	calls_turn_for(stand, 2 * TOPIC_PRESENCE_MS);
	assert_false(gateway_readiness_find(&readiness, &stand->target, &error));
	assert_non_null(strstr(error.text, "topic in is gone; create it, or start an engine again"));
	assert_true(gateway_readiness_find(&readiness, NULL, &error));
	topic_show(stand, "in", true);
	calls_turn_for(stand, 2 * TOPIC_PRESENCE_MS);
	assert_true(gateway_readiness_find(&readiness, &stand->target, &error));
}

static void a_request_to_a_topic_that_is_gone_names_it(void **state)
{
	struct calls_stand *stand = *state;
	if (mock_error_of_topic_crashes())
		skip();
	calls_turn_for(stand, TOPIC_PRESENCE_MS);
	topic_show(stand, "in", false);
	readiness_await(stand, &stand->target, false);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 3, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
					  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	for (size_t i = 0; i < 2; i++) { /* Kafka refuses the first, and librdkafka perhaps the second */
		calls_call_with(stand, i, MOCK_WAIT_MS, "", TEXT("1"));
		calls_await_end(stand, i);
		assert_int_equal(stand->callers[i].status, 503);
		assert_non_null(strstr(stand->callers[i].body, "topic in"));
		assert_non_null(strstr(stand->callers[i].body, "create it, or start an engine again"));
	}
}

/* ---- creation ---- */

/* What librdkafka was asked to create, which the mock cannot. */
static struct {
	size_t count;
	char name[64]; /* of the last one */
	int partitions;
} created;

rd_kafka_NewTopic_t *rd_kafka_NewTopic_new(const char *topic, int num_partitions, int replication_factor, char *errstr,
					   size_t errstr_size)
{
	rd_kafka_NewTopic_t *(*make)(const char *, int, int, char *, size_t);
	void *found = dlsym(RTLD_NEXT, "rd_kafka_NewTopic_new");
	memcpy(&make, &found, sizeof make);
	created.count++;
	created.partitions = num_partitions;
	(void)snprintf(created.name, sizeof created.name, "%s", topic);
	return make(topic, num_partitions, replication_factor, errstr, errstr_size);
}

static void a_gateway_creates_each_topic_of_its_own_again(void **state)
{
	struct calls_stand *stand = *state;
	static const char *const own[GATEWAY_TOPICS] = {REPLIES, CLAIMS, CANCELS};
	const struct wanted_topic creates[GATEWAY_TOPICS] = {{.partitions = 1}, {.partitions = 2}, {.partitions = 3}};
	struct topic_presence_config config = {.brokers = stand->mock.brokers, .properties = mock_quick, .creates = creates};
	struct error error = {0};
	if (mock_error_of_topic_crashes())
		skip();
	rd_kafka_mock_topic_create(stand->mock.cluster, CLAIMS, 1, 1);
	memcpy(config.own, own, sizeof own);
	struct topic_presence *presence = topic_presence_open(stand->loop, &config, &stand->targets, &error);
	assert_non_null(presence);
	calls_turn_for(stand, TOPIC_PRESENCE_MS); /* they were there */
	assert_int_equal(created.count, 0);
	for (size_t i = 0; i < GATEWAY_TOPICS; i++) {
		created.count = 0;
		topic_show(stand, own[i], false);
		for (int turns = 0; turns < MOCK_WAIT_MS / MOMENT_MS && created.count == 0; turns++)
			calls_turn_for(stand, MOMENT_MS);
		assert_string_equal(created.name, own[i]);
		assert_int_equal(created.partitions, i + 1);
		topic_show(stand, own[i], true);
		for (int turns = 0; turns < MOCK_WAIT_MS / MOMENT_MS && topic_presence_lacks(presence, own[i]); turns++)
			calls_turn_for(stand, MOMENT_MS);
		assert_false(topic_presence_lacks(presence, own[i]));
	}
	topic_presence_close(presence);
}

/* The engine of the process has ensured it, so it was deleted since. */
static void a_topic_that_was_deleted_before_the_first_look_is_gone(void **state)
{
	struct calls_stand *stand = *state;
	struct error error;
	if (mock_error_of_topic_crashes())
		skip();
	topic_show(stand, "deleted", false);
	stand->target.outputs = "deleted";
	assert_true(calls_follow(stand->calls, &stand->targets, &error));
	calls_turn_for(stand, TOPICS_APPEAR_MS / 2);
	assert_true(stand_is_ready(stand, &stand->target, &error)); /* a broker may not know of it yet */
	readiness_await(stand, &stand->target, false);
	assert_false(stand_is_ready(stand, &stand->target, &error));
	assert_non_null(strstr(error.text, "topic deleted is gone; create it, or start an engine again"));
	assert_true(stand_is_ready(stand, NULL, &error));
	calls_call_with(stand, 0, MOCK_WAIT_MS, "", TEXT("1"));
	assert_int_equal(stand->callers[0].ended, 1);
	assert_int_equal(stand->callers[0].status, 503);
	assert_non_null(strstr(stand->callers[0].body, "topic deleted is gone; create it"));
	topic_show(stand, "deleted", true);
	readiness_await(stand, &stand->target, true);
}

static void absence_await(struct calls_stand *stand, const struct topic_presence *presence, const char *topic, bool is_absent)
{
	for (int turns = 0; turns < MOCK_WAIT_MS / MOMENT_MS && topic_presence_lacks(presence, topic) != is_absent; turns++)
		calls_turn_for(stand, MOMENT_MS);
	assert_true(topic_presence_lacks(presence, topic) == is_absent);
}

/* A gateway and an engine that start together: nobody has seen the topic of answers yet. */
static void a_topic_that_an_engine_may_be_creating_is_not_absent(void **state)
{
	struct calls_stand *stand = *state;
	const struct topic_presence_config config = {.brokers = stand->mock.brokers,
						     .properties = mock_quick,
						     .own = {REPLIES, CLAIMS, CANCELS},
						     .new_ms = 3 * TOPIC_PRESENCE_MS};
	struct gateway_target both[] = {stand->target, stand->target};
	struct gateway_targets targets = stand->targets;
	struct error error = {0};
	if (mock_error_of_topic_crashes())
		skip();
	topic_show(stand, "late", false);
	topic_show(stand, "never", false);
	both[0].outputs = "late";
	both[1].outputs = "never";
	targets.items = both;
	targets.count = 2;
	struct topic_presence *presence = topic_presence_open(stand->loop, &config, &targets, &error);
	assert_non_null(presence);
	calls_turn_for(stand, 2 * TOPIC_PRESENCE_MS);
	assert_null(topic_presence_absence(presence, "late"));
	topic_show(stand, "late", true);
	absence_await(stand, presence, "never", true);
	assert_null(topic_presence_absence(presence, "late"));
	assert_string_equal(topic_presence_absence(presence, "never"), "does not exist");
	topic_show(stand, "never", true);
	const int64_t created_ms = loop_now_ms(stand->loop);
	absence_await(stand, presence, "never", false);
	assert_true(loop_now_ms(stand->loop) - created_ms < TOPIC_PRESENCE_MS); /* an absent one is looked for more often */
	topic_presence_close(presence);
}

/* Files that leave a pipeline out, and have it again when an engine has made its topics anew. */
static void a_topic_that_is_wanted_again_is_not_absent_by_an_old_look(void **state)
{
	struct calls_stand *stand = *state;
	struct gateway_targets none = stand->targets;
	struct error error = {0};
	if (mock_error_of_topic_crashes())
		skip();
	topic_show(stand, "deleted", false);
	stand->target.outputs = "deleted";
	assert_true(calls_follow(stand->calls, &stand->targets, &error));
	readiness_await(stand, &stand->target, false);
	none.count = 0;
	assert_true(calls_follow(stand->calls, &none, &error));
	topic_show(stand, "deleted", true);
	assert_true(calls_follow(stand->calls, &stand->targets, &error));
	for (int turns = 0; turns < 2 * TOPIC_PRESENCE_MS / MOMENT_MS; turns++) {
		assert_true(stand_is_ready(stand, &stand->target, &error));
		calls_turn_for(stand, MOMENT_MS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALLS_STORY(a_gateway_whose_replies_topic_is_gone_is_not_ready),
		CALLS_STORY(a_pipeline_whose_topic_is_gone_is_not_ready),
		CALLS_STORY(a_call_without_a_topic_for_its_answer_names_it),
		CALLS_STORY(a_caller_is_refused_at_once_while_a_topic_for_its_answer_is_gone),
		CALLS_STORY(a_pipeline_of_direct_ingress_whose_topic_is_gone_is_not_ready),
		CALLS_STORY(a_request_to_a_topic_that_is_gone_names_it),
		CALLS_STORY(a_gateway_creates_each_topic_of_its_own_again),
		CALLS_STORY(a_topic_that_was_deleted_before_the_first_look_is_gone),
		CALLS_STORY(a_topic_that_an_engine_may_be_creating_is_not_absent),
		CALLS_STORY(a_topic_that_is_wanted_again_is_not_absent_by_an_old_look),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
