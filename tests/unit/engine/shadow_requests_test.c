/* shadow_requests_test.c: Tests of what is sent off the path changes nothing on it: not the answer, not when
 * it leaves, not what is committed, not when a worker ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/worker_stand.h"

static const char copied[] = "  - name: by\n"
			     "    traffic: {shares: [{weight: 1, to: double}], copies: [{call: m}]}\n"
			     "  - {name: double, inputs: [by], expression: {set: {x: x * 2}}}\n"
			     "  output: {steps: [double]}\n";

/* A model at a port where connections are taken, and nothing is ever said. */
struct silent_server {
	int listening;
	char url[64];
	struct model_address address;
	struct model_config config;
};

static void silence_open(struct silent_server *silence, struct stand *stand, bool listens)
{
	struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof place;
	silence->listening = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(silence->listening, (const struct sockaddr *)&place, sizeof place), 0);
	assert_int_equal(getsockname(silence->listening, (struct sockaddr *)&place, &length), 0);
	if (listens)
		assert_int_equal(listen(silence->listening, 128), 0);
	snprintf(silence->url, sizeof silence->url, "http://127.0.0.1:%d/v2/models/m/infer", ntohs(place.sin_port));
	silence->address = (struct model_address){.url = silence->url};
	silence->config = (struct model_config){.name = "m", .addresses = {1, &silence->address}};
	stand->caller.model_count = 1;
	stand->caller.models = &silence->config;
}

static void expect(struct stand *stand, const char *words)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	if (!record_says(record, words))
		fail_msg("\"%s\" is not in: %.*s", words, (int)record->len, (const char *)record->payload);
}

static void a_shadow_that_says_nothing_holds_up_neither_answers_nor_commits(void **state)
{
	struct stand *stand = *state;
	struct silent_server silence;
	stand_configure(stand, copied);
	silence_open(&silence, stand, true);
	stand->config.transaction.id = NULL;
	stand_start(stand);
	stand_ask(stand, "r-1", 21, NULL, NULL);
	expect(stand, "[42]");
	stand_ask(stand, "r-2", 4, NULL, NULL);
	expect(stand, "[8]");
	struct worker_counts counts = stand_stop(stand); /* drained, though both copies are out */
	assert_int_equal(counts.answered, 2);
	assert_int_equal(counts.copies, 2);
	assert_int_equal(stand_committed(stand), 2);
	close(silence.listening);
}

static void when_too_many_copies_are_out_further_ones_are_left_out(void **state)
{
	enum { REQUESTS = 700 };
	struct stand *stand = *state;
	struct silent_server silence;
	stand_configure(stand, copied);
	silence_open(&silence, stand, true);
	stand->config.transaction.id = NULL;
	stand_start(stand);
	for (int i = 0; i < REQUESTS; i++)
		stand_ask(stand, "r", 1, NULL, NULL);
	for (int i = 0; i < REQUESTS; i++)
		expect(stand, "[2]");
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, REQUESTS);
	assert_int_equal(counts.copies, 512);
	assert_int_equal(counts.copies_lost, REQUESTS - 512);
	close(silence.listening);
}

/* For an answer it would be waited for until the model is back. */
static void a_shadow_that_is_away_gets_no_copy_later(void **state)
{
	struct stand *stand = *state;
	struct silent_server silence;
	stand_configure(stand, copied);
	silence_open(&silence, stand, false);
	stand_start(stand);
	for (int i = 0; i < 20; i++) {
		stand_ask(stand, "r", 3, NULL, NULL);
		expect(stand, "[6]");
	}
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, 20);
	assert_int_equal(counts.copies_lost, 0);
	close(silence.listening);
}

/* A topic that the producer may not write: it is known after the record was accepted. */
static void a_tap_that_kafka_does_not_take_is_counted_and_holds_up_nothing(void **state)
{
	struct stand *stand = *state;
	const struct step_taps taps[] = {{{0, 0}, 1}};
	const struct timespec moment = {.tv_nsec = 10000000};
	if (mock_error_of_topic_crashes())
		skip();
	stand_configure(stand, "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n");
	rd_kafka_mock_topic_create(stand->mock.cluster, "closed", 1, 1);
	rd_kafka_mock_topic_set_error(stand->mock.cluster, "closed", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	stand->config.setup.taps = (struct topic_list){1, (const char *const[]){"closed"}};
	stand->stages[0].taps = taps;
	stand_start(stand);
	stand_ask(stand, "r", 21, NULL, NULL);
	expect(stand, "[42]");
	for (int turns = 0; turns < MOCK_WAIT_MS / 10 && worker_counts(stand->running.worker).taps_lost < 2; turns++)
		nanosleep(&moment, NULL);
	const struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, 1);
	assert_int_equal(counts.taps_lost, 2); /* what the step was sent, and what it gave */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_shadow_that_says_nothing_holds_up_neither_answers_nor_commits),
		STORY(when_too_many_copies_are_out_further_ones_are_left_out),
		STORY(a_shadow_that_is_away_gets_no_copy_later),
		STORY(a_tap_that_kafka_does_not_take_is_counted_and_holds_up_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
