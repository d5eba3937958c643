/* gateway_ready_test.c: Readiness of a gateway while a topic is gone, or cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/gateway_stand.h"

#define INPUTS "sluice.default.pipeline.p.inputs"
#define OUTPUTS "sluice.default.pipeline.p.outputs"
#define STEP "; create it, or start an engine again, which creates topics of sluice's own"
#define METHOD(name)                                                                                                               \
	":method", "POST", ":scheme", "http", ":path", "/inference.GRPCInferenceService/" name, ":authority", "localhost", "te",   \
		"trailers", "content-type", "application/grpc"
#define FETCH 1 /* Kafka's number of that request, as below */
#define LIST_OFFSETS 2
#define OPENS_MS 10000 /* far less than it waits for Kafka */
#define READY_BYTES 7 /* of an answer whose flag is set; one that is not set is left out */

static void await_heard(struct gateway_stand *stand, const char *words)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; !strstr(stand->puppet.heard, words);) {
		if (loop_now_ms(stand->loop) > until_ms)
			assert_string_equal(stand->puppet.heard, words);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

static void message_ask(struct gateway_stand *stand, struct puppet_line *line, int32_t id)
{
	char end[32];
	stand->puppet.heard[0] = '\0';
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, "\0\0\0\0\3\n\1p", 8);
	(void)snprintf(end, sizeof end, "%d end\n", (int)id);
	await_heard(stand, end);
}

static bool heard_bytes(const struct gateway_stand *stand, int32_t id, int bytes)
{
	char words[32];
	(void)snprintf(words, sizeof words, "%d data %d\n", (int)id, bytes);
	return strstr(stand->puppet.heard, words) != NULL;
}

static bool model_is_ready(struct gateway_stand *stand, struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, METHOD("ModelReady"), NULL);
	message_ask(stand, line, id);
	return heard_bytes(stand, id, READY_BYTES);
}

static bool server_is_ready(struct gateway_stand *stand, struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, METHOD("ServerReady"), NULL);
	message_ask(stand, line, id);
	return heard_bytes(stand, id, READY_BYTES);
}

/* Asks until the pipeline is ready, or is not. Returns the next free id of the connection. */
static int32_t model_await(struct gateway_stand *stand, struct puppet_line *line, int32_t id, bool is_ready)
{
	const int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS;
	for (; model_is_ready(stand, line, id) != is_ready; id += 2) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		for (const int64_t next_ms = loop_now_ms(stand->loop) + 200; loop_now_ms(stand->loop) < next_ms;)
			assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
	return id + 2;
}

static void topic_show(struct gateway_stand *stand, const char *topic, bool is_shown)
{
	rd_kafka_mock_topic_set_error(stand->mock.cluster, topic,
				      is_shown ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

static void a_pipeline_whose_topic_is_gone_is_not_ready_and_the_gateway_is(void **state)
{
	struct gateway_stand *stand = *state;
	static const char *const topics[] = {INPUTS, OUTPUTS};
	struct puppet_line *line = puppet_dial(&stand->puppet, gateway_grpc_port(stand->gateway));
	char reason[256];
	if (mock_error_of_topic_crashes())
		skip();
	int32_t id = model_await(stand, line, 1, true);
	assert_null(strstr(stand->puppet.heard, "sluice-reason"));
	for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
		topic_show(stand, topics[i], false);
		id = model_await(stand, line, id, false);
		(void)snprintf(reason, sizeof reason, "sluice-reason: topic %s is gone" STEP "\n", topics[i]);
		await_heard(stand, reason);
		await_heard(stand, "grpc-status: 0\n");
		assert_true(server_is_ready(stand, line, id));
		id += 2;
		puppet_headers(line, id, 0, METHOD("ModelInfer"), NULL);
		message_ask(stand, line, id);
		await_heard(stand, "grpc-status: 14\n");
		(void)snprintf(reason, sizeof reason, "grpc-message: topic %s is gone" STEP, topics[i]);
		await_heard(stand, reason);
		topic_show(stand, topics[i], true);
		id = model_await(stand, line, id + 2, true);
	}
}

static void a_gateway_whose_replies_topic_is_gone_is_not_ready(void **state)
{
	struct gateway_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&stand->puppet, gateway_grpc_port(stand->gateway));
	if (mock_error_of_topic_crashes())
		skip();
	int32_t id = model_await(stand, line, 1, true);
	topic_show(stand, "sluice.default.replies", false);
	id = model_await(stand, line, id, false);
	assert_false(server_is_ready(stand, line, id));
	await_heard(stand, "sluice-reason: topic sluice.default.replies, by which engines answer, is gone; create it");
	topic_show(stand, "sluice.default.replies", true);
	id = model_await(stand, line, id + 2, true);
	assert_true(server_is_ready(stand, line, id));
}

static bool gateway_becomes(struct gateway_stand *stand, bool is_ready)
{
	for (const int64_t until_ms = loop_now_ms(stand->loop) + MOCK_WAIT_MS; loop_now_ms(stand->loop) < until_ms;) {
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
		if (!gateway_unready(stand->gateway) == is_ready)
			return true;
	}
	return false;
}

/* Both the reader of replies and that of claims are refused. */
static void a_gateway_reads_replies_and_claims_again_when_kafka_allows_it_again(void **state)
{
	struct gateway_stand *stand = *state;
	struct puppet_line *line = puppet_dial(&stand->puppet, gateway_grpc_port(stand->gateway));
	int32_t id = model_await(stand, line, 1, true);
	for (int i = 0; i < 20; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, FETCH, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_true(gateway_becomes(stand, false));
	assert_non_null(strstr(gateway_unready(stand->gateway), "cannot be read any more: "));
	assert_non_null(strstr(gateway_unready(stand->gateway), "; give its login the right that `sluice plan --acls` lists"));
	puppet_headers(line, id, 0, METHOD("ModelInfer"), NULL);
	message_ask(stand, line, id);
	await_heard(stand, "grpc-message: the gateway cannot read replies now; try again later, or another gateway\n");
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, FETCH);
	assert_true(gateway_becomes(stand, true));
	id = model_await(stand, line, id + 2, true);
	assert_true(server_is_ready(stand, line, id));
}

static void a_broker_that_fails_for_a_moment_leaves_a_gateway_ready(void **state)
{
	struct gateway_stand *stand = *state;
	assert_true(gateway_becomes(stand, true));
	for (int i = 0; i < 10; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, FETCH, 1, RD_KAFKA_RESP_ERR_UNKNOWN);
	for (const int64_t until_ms = loop_now_ms(stand->loop) + 2000; loop_now_ms(stand->loop) < until_ms;) {
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
		assert_null(gateway_unready(stand->gateway));
	}
}

/* It opens within seconds, so that its loop answers probes. */
static void a_gateway_opens_though_kafka_does_not_answer_and_is_ready_when_it_does(void **state)
{
	struct gateway_stand *stand = *state;
	struct error error = {0};
	gateway_close(stand->gateway);
	for (int i = 0; i < 1000; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, LIST_OFFSETS, 1, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
	const int64_t begun_ms = clock_ms();
	stand->gateway = gateway_open(stand->loop, &stand->config, &stand->plan, &error);
	assert_string_equal(error.text, "");
	assert_non_null(stand->gateway);
	assert_in_range(clock_ms() - begun_ms, 0, OPENS_MS);
	assert_false(gateway_is_well(stand->gateway, &error));
	assert_non_null(strstr(gateway_unready(stand->gateway), "Kafka does not say where records end in "));
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, LIST_OFFSETS);
	assert_true(gateway_becomes(stand, true));
	assert_true(gateway_is_well(stand->gateway, &error));
}

#define READY_STORY(name) cmocka_unit_test_setup_teardown(name, gateway_stand_open, gateway_stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		READY_STORY(a_pipeline_whose_topic_is_gone_is_not_ready_and_the_gateway_is),
		READY_STORY(a_gateway_whose_replies_topic_is_gone_is_not_ready),
		READY_STORY(a_gateway_reads_replies_and_claims_again_when_kafka_allows_it_again),
		READY_STORY(a_gateway_opens_though_kafka_does_not_answer_and_is_ready_when_it_does),
		READY_STORY(a_broker_that_fails_for_a_moment_leaves_a_gateway_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
