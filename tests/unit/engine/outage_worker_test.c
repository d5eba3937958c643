/* outage_worker_test.c: a worker whose model cannot be reached for longer than a join window. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/letters.h"
#include "net/http/http_server.h"
#include "tests/unit/worker_stand.h"

#define WINDOW_MS 150
#define OUTAGE_MS (4 * WINDOW_MS)

/* `b` joins what the model gives with what is made of the request. */
static const char joined[] = "  - name: m\n"
			     "  - name: twice\n    expression: {set: {z: x * 2}}\n"
			     "  - name: b\n    inputs: [m, twice.outputs.z]\n    joinWindowMs: 150\n"
			     "    expression: {set: {sum: y + z}}\n"
			     "  output: {steps: [b], joinWindowMs: 150}\n";
static const char *const both_out[] = {"out", "out"};

static void pause_ms(long ms)
{
	const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

/* ---- a model's server, which begins to listen when it is told ---- */

struct server {
	struct loop *loop;
	struct http_server *server;
	pthread_t thread;
	atomic_bool ending;
	int port;
	bool silent; /* it takes requests and answers none */
	char base[64], url[96];
	struct model_address address;
	struct model_config config;
};

static void on_called(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	const struct server *server = context;
	(void)method, (void)path, (void)body;
	if (!server->silent)
		http_server_answer(
			asked, 200, "application/json",
			TEXT("{\"model_name\":\"m\",\"outputs\":"
			     "[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[7]}]}"),
			NULL, 0);
}

static void *server_run(void *context)
{
	struct server *server = context;
	struct error error = {0};
	while (!atomic_load(&server->ending) && loop_turn(server->loop, 5, &error))
		;
	return NULL;
}

static void server_listen(struct server *server)
{
	struct error error = {0};
	const struct http_server_config config = {
		.port = server->port, .body_bytes = 1 << 16, .connections = 100, .called = on_called, .context = server};
	server->server = http_server_open(server->loop, &config, &error);
	assert_non_null(server->server);
	server->port = http_server_port(server->server);
}

static void server_start(struct server *server)
{
	server_listen(server);
	assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

/* Its port is known, and free, when it is away. */
static void server_configure(struct server *server, struct stand *stand)
{
	struct error error = {0};
	*server = (struct server){.loop = loop_open(&error)};
	assert_non_null(server->loop);
	server_listen(server);
	http_server_close(server->server);
	snprintf(server->base, sizeof server->base, "http://127.0.0.1:%d", server->port);
	snprintf(server->url, sizeof server->url, "%s/v2/models/m/infer", server->base);
	server->address = (struct model_address){.base = server->base, .url = server->url, .model = "m"};
	server->config = (struct model_config){.name = "m", .addresses = {1, &server->address}};
	stand->caller.model_count = 1;
	stand->caller.models = &server->config;
}

static void server_stop(struct server *server)
{
	atomic_store(&server->ending, true);
	pthread_join(server->thread, NULL);
	http_server_close(server->server);
	loop_close(server->loop);
}

/* ---- what comes of requests ---- */

static void configure(struct stand *stand, struct server *server, const char *steps)
{
	stand_configure(stand, steps);
	server_configure(server, stand);
	stand->config.setup.writes = (struct topic_list){2, both_out};
	stand->stages[0].dead_letters = 1;
}

static void expect_answer(struct stand *stand, const char *words)
{
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	if (!record_says(answer, words))
		fail_msg("`%.*s` does not say `%s`", (int)answer->len, (const char *)answer->payload, words);
}

static void requests_wait_for_a_model_that_is_away_for_longer_than_their_window(void **state)
{
	struct stand *stand = *state;
	struct server server;
	configure(stand, &server, joined);
	stand_start(stand);
	for (int i = 0; i < 20; i++)
		stand_ask(stand, "r", 21, NULL, NULL);
	pause_ms(OUTAGE_MS);
	server_start(&server);
	for (int i = 0; i < 20; i++)
		expect_answer(stand, "[49.0]");
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.failed, 0);
	assert_int_equal(counts.dead_letters, 0);
	server_stop(&server);
}

/* Too few fail in a row for the breaker: each call knows of its own that nobody answered. */
static void so_does_a_single_one(void **state)
{
	struct stand *stand = *state;
	struct server server;
	configure(stand, &server, joined);
	stand_start(stand);
	stand_ask(stand, "r", 21, NULL, NULL);
	pause_ms(OUTAGE_MS);
	server_start(&server);
	expect_answer(stand, "[49.0]");
	assert_int_equal(stand_stop(stand).failed, 0);
	server_stop(&server);
}

static const char calls_inner[] =
	"  - {name: call, route: {cases: [{when: 'true', call: inner}]}}\n"
	"  - {name: thrice, expression: {set: {t: x * 3}}}\n"
	"  - name: all\n    inputs: [call.outputs.sum, thrice.outputs.t]\n    joinWindowMs: 150\n"
	"    expression: {set: {sum: sum + t}}\n"
	"  output: {steps: [all], joinWindowMs: 150}\n"
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: inner}\nspec:\n  steps:\n"
	"  - name: m\n"
	"  - name: twice\n    expression: {set: {z: x * 2}}\n"
	"  - name: b\n    inputs: [m, twice.outputs.z]\n    joinWindowMs: 150\n    expression: {set: {sum: y + z}}\n"
	"  output: {steps: [b], joinWindowMs: 150}\n";

static void joins_of_a_pipeline_that_is_called_wait_and_so_do_its_callers(void **state)
{
	struct stand *stand = *state;
	struct server server;
	struct plan plan;
	configure(stand, &server, calls_inner);
	planning_plan(&stand->planning[0], NULL, &plan);
	const struct called_pipeline called = {.name = "inner", .graph = plan.pipelines[1].graph};
	stand->stages[0].graph = plan.pipelines[0].graph;
	stand->stages[0].called_count = 1;
	stand->stages[0].called = &called;
	stand_start(stand);
	stand_ask(stand, "r", 21, NULL, NULL);
	pause_ms(OUTAGE_MS);
	server_start(&server);
	expect_answer(stand, "[112.0]");
	assert_int_equal(stand_stop(stand).failed, 0);
	server_stop(&server);
}

static const char candidates_of_e[] = "  - {name: s, experiment: {name: e}}\n"
				      "  output: {steps: [s]}\n"
				      "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: inner}\n"
				      "spec: {steps: [{name: m}], output: {steps: [m]}}\n"
				      "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: spare}\n"
				      "spec: {steps: [{name: t, expression: {set: {t: x * 2}}}], output: {steps: [t]}}\n"
				      "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\n"
				      "spec:\n  resourceType: pipeline\n  default: spare\n  fallback: default\n"
				      "  candidates: [{name: inner, weight: 1}, {name: spare, weight: 0}]\n";

/* The model of a pipeline that is a candidate stays away: nothing waits for it, though no request has a deadline. */
static void the_default_answers_for_a_pipeline_whose_model_is_away(void **state)
{
	struct stand *stand = *state;
	struct server server;
	struct plan plan;
	configure(stand, &server, candidates_of_e);
	planning_plan(&stand->planning[0], NULL, &plan);
	const struct called_pipeline called[] = {{.name = "inner", .graph = plan.pipelines[1].graph},
						 {.name = "spare", .graph = plan.pipelines[2].graph}};
	stand->stages[0].graph = plan.pipelines[0].graph;
	stand->stages[0].called_count = 2;
	stand->stages[0].called = called;
	stand_start(stand);
	for (int i = 0; i < 20; i++)
		stand_ask(stand, "r", 21, NULL, NULL);
	for (int i = 0; i < 20; i++)
		expect_answer(stand, "[42]");
	assert_int_equal(stand_stop(stand).failed, 0);
	server_start(&server);
	server_stop(&server);
}

/* A server that takes its time is no outage. What its limit costs is kept, to be sent again. */
static void a_slow_model_meets_the_window_and_the_request_is_kept(void **state)
{
	struct stand *stand = *state;
	struct server server;
	struct letter letter;
	configure(stand, &server, joined);
	server.silent = true;
	server_start(&server);
	stand_start(stand);
	stand_ask(stand, "slow", 21, NULL, NULL);
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	letter_open(&letter, (struct text){record->payload, record->len});
	assert_string_equal(letter_kind(&letter), "LIMIT");
	assert_true(text_is(letter_text(&letter, "id"), "slow"));
	letter_close(&letter);
	expect_answer(stand, "the join window of 150 ms");
	assert_int_equal(stand_stop(stand).dead_letters, 1);
	server_stop(&server);
}

static void a_deadline_ends_the_request_during_the_outage(void **state)
{
	struct stand *stand = *state;
	struct server server;
	struct timespec now;
	char deadline[32];
	stand_configure(stand, joined);
	server_configure(&server, stand);
	stand_start(stand);
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(deadline, sizeof deadline, "%lld", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 + OUTAGE_MS);
	stand_ask(stand, "r", 21, "x-deadline-ms", deadline);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_non_null(record_header(answer, "sluice-error"));
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.failed, 1);
	loop_close(server.loop);
}

/* ---- the address is corrected, by another version of the pipeline ---- */

#define REQUESTS 20

struct correction {
	struct model_address dead_address;
	struct model_config dead;
	struct caller_config caller;
	struct stage_config stage;
	struct worker_setup setup;
};

/* The server of `m` listens, and the first version of the pipeline has another address. */
static void correction_configure(struct correction *correction, struct stand *stand, struct server *server)
{
	*correction = (struct correction){.dead_address = {.base = "http://127.0.0.1:1",
							   .url = "http://127.0.0.1:1/v2/models/m/infer",
							   .model = "m"},
					  .caller = stand->caller};
	correction->dead = (struct model_config){.name = "m", .addresses = {1, &correction->dead_address}};
	stand->caller.models = &correction->dead;
	server_start(server);
}

static void wait_until_taken(struct stand *stand, uint64_t count)
{
	for (int waited_ms = 0; worker_counts(stand->running.worker).taken < count; waited_ms++) {
		assert_in_range(waited_ms, 0, MOCK_WAIT_MS);
		pause_ms(1);
	}
}

static void correction_reload(struct correction *correction, struct stand *stand)
{
	static uint64_t versions;
	correction->stage = stand->stages[0];
	correction->stage.version = ++versions;
	correction->stage.caller = &correction->caller;
	correction->setup = stand->config.setup;
	correction->setup.stages = &correction->stage;
	worker_reload(stand->running.worker, &correction->setup);
}

/* All wait for the dead address when it is corrected, and are answered in their order. */
static void requests_are_answered_by_the_correction(struct stand *stand, struct server *server)
{
	struct correction correction;
	char id[16];
	correction_configure(&correction, stand, server);
	stand_start(stand);
	for (int i = 0; i < REQUESTS; i++) {
		snprintf(id, sizeof id, "r-%d.", i);
		stand_ask(stand, id, 21, NULL, NULL);
	}
	wait_until_taken(stand, REQUESTS);
	correction_reload(&correction, stand);
	for (int i = 0; i < REQUESTS; i++) {
		snprintf(id, sizeof id, "r-%d.", i);
		expect_answer(stand, id);
	}
	const struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, REQUESTS);
	assert_int_equal(counts.taken, REQUESTS);
	assert_int_equal(counts.released, REQUESTS);
	assert_int_equal(counts.failed + counts.dropped_in_flight, 0);
	server_stop(server);
}

static const char calls_m[] = "  - name: m\n  output: {steps: [m]}\n";

static void requests_that_wait_for_a_dead_address_are_answered_by_the_corrected_version(void **state)
{
	struct server server;
	configure(*state, &server, calls_m);
	requests_are_answered_by_the_correction(*state, &server);
}

static void so_are_they_at_least_once_by_key(void **state)
{
	struct stand *stand = *state;
	struct server server;
	configure(stand, &server, calls_m);
	stand->config.transaction.id = NULL;
	stand->stages[0].by_key = true;
	requests_are_answered_by_the_correction(stand, &server);
}

static void so_are_those_of_a_join(void **state)
{
	struct server server;
	configure(*state, &server, joined);
	requests_are_answered_by_the_correction(*state, &server);
}

static void so_are_those_that_wait_in_batches_of_a_step(void **state)
{
	struct server server;
	configure(*state, &server, "  - name: m\n    batch: {size: 7, windowMs: 20}\n  output: {steps: [m]}\n");
	requests_are_answered_by_the_correction(*state, &server);
}

static void so_are_those_whose_calls_are_batched(void **state)
{
	struct stand *stand = *state;
	struct server server;
	struct correction correction;
	configure(stand, &server, calls_m);
	correction_configure(&correction, stand, &server);
	correction.dead.batching = (struct model_batching){.rows_most = 4, .latency_ms = 5, .timeout_ms = 1000};
	stand_start(stand);
	for (int i = 0; i < REQUESTS; i++)
		stand_ask(stand, "r", 21, NULL, NULL);
	wait_until_taken(stand, REQUESTS);
	correction_reload(&correction, stand);
	for (int i = 0; i < REQUESTS; i++)
		expect_answer(stand, "[7");
	assert_int_equal(stand_stop(stand).answered, REQUESTS);
	server_stop(&server);
}

static void so_are_those_of_a_pipeline_that_is_called(void **state)
{
	struct stand *stand = *state;
	struct server server;
	struct plan plan;
	configure(stand, &server, calls_inner);
	planning_plan(&stand->planning[0], NULL, &plan);
	const struct called_pipeline called = {.name = "inner", .graph = plan.pipelines[1].graph};
	stand->stages[0].graph = plan.pipelines[0].graph;
	stand->stages[0].called_count = 1;
	stand->stages[0].called = &called;
	requests_are_answered_by_the_correction(stand, &server);
}

static const char choice_of_e[] = "  - {name: s, experiment: {name: e}}\n"
				  "  output: {steps: [s]}\n"
				  "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\n"
				  "spec:\n  default: m\n  candidates: [{name: m, weight: 1}, {name: other, weight: 0}]\n";

static void so_are_those_of_an_experiment(void **state)
{
	struct server server;
	configure(*state, &server, choice_of_e);
	requests_are_answered_by_the_correction(*state, &server);
}

static const char counts_replies[] = "  - name: m\n"
				     "  - {name: f, inputs: [m], features: {set: {count: count(y over 1h)}}}\n"
				     "  output: {steps: [f]}\n";
static const char *const with_state[] = {"out", "out", "state"};

/* The version that is corrected has counted some; those that wait are counted once, by the corrected one. */
static void a_partition_with_state_is_read_again_by_the_corrected_version(void **state)
{
	struct stand *stand = *state;
	struct server server;
	struct correction correction, back;
	char words[32];
	atomic_size_t open = 0; /* stages */
	assert_int_equal(rd_kafka_mock_topic_create(stand->mock.cluster, "state", 1, 1), 0);
	configure(stand, &server, counts_replies);
	stand->config.transaction.id = NULL;
	stand->config.setup.writes = (struct topic_list){3, with_state};
	stand->config.partition_state.bytes_max = 1 << 20;
	stand->stages[0].changelog = 2;
	stand->stages[0].users = &open;
	correction_configure(&correction, stand, &server);
	back = correction;
	stand->caller.models = &server.config;
	back.caller.models = &back.dead;
	stand_start(stand);
	for (int i = 0; i < REQUESTS; i++)
		stand_ask(stand, "r", 21, NULL, NULL);
	for (int i = 0; i < REQUESTS; i++)
		(void)mock_read(&stand->mock);
	correction_reload(&back, stand);
	while (worker_follows(stand->running.worker) != &back.setup)
		pause_ms(1);
	for (int i = 0; i < REQUESTS; i++)
		stand_ask(stand, "r", 21, NULL, NULL);
	wait_until_taken(stand, (uint64_t)2 * REQUESTS);
	correction_reload(&correction, stand);
	for (int i = REQUESTS; i < 2 * REQUESTS; i++) {
		snprintf(words, sizeof words, "[%d]", i + 1);
		expect_answer(stand, words);
	}
	for (int waited_ms = 0; atomic_load(&open) > 1; waited_ms++) { /* nothing holds those that were replaced */
		assert_in_range(waited_ms, 0, MOCK_WAIT_MS);
		pause_ms(1);
	}
	const struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, 2 * REQUESTS);
	assert_int_equal(counts.failed, 0);
	server_stop(&server);
}

/* One call is on its way to a server that answers nothing. Those behind it were not sent, and move at once; it does when its
 * attempt has timed out, for its next attempt. */
static void a_call_that_is_on_its_way_ends_and_its_next_attempt_is_the_corrected_version_s(void **state)
{
	struct stand *stand = *state;
	struct server server, silent;
	struct correction correction;
	configure(stand, &server, calls_m);
	server_configure(&silent, stand);
	silent.silent = true;
	silent.config.concurrency_least = silent.config.concurrency_most = 1;
	silent.config.timeout_ms = 500;
	server_start(&silent);
	correction_configure(&correction, stand, &server);
	correction.caller.models = &server.config;
	stand->caller.models = &silent.config;
	stand->config.transaction.id = NULL;
	stand->stages[0].by_key = true;
	stand_start(stand);
	stand_ask_at(stand, "in", "a", "first", 1);
	wait_until_taken(stand, 1);
	for (int i = 0; i < REQUESTS; i++)
		stand_ask_at(stand, "in", "b", "later", 1);
	wait_until_taken(stand, 1 + REQUESTS);
	correction_reload(&correction, stand);
	for (int i = 0; i < REQUESTS; i++)
		expect_answer(stand, "later");
	expect_answer(stand, "first");
	assert_int_equal(stand_stop(stand).answered, 1 + REQUESTS);
	server_stop(&server);
	server_stop(&silent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(requests_wait_for_a_model_that_is_away_for_longer_than_their_window),
		STORY(so_does_a_single_one),
		STORY(joins_of_a_pipeline_that_is_called_wait_and_so_do_its_callers),
		STORY(the_default_answers_for_a_pipeline_whose_model_is_away),
		STORY(a_slow_model_meets_the_window_and_the_request_is_kept),
		STORY(a_deadline_ends_the_request_during_the_outage),
		STORY(requests_that_wait_for_a_dead_address_are_answered_by_the_corrected_version),
		STORY(so_are_they_at_least_once_by_key),
		STORY(so_are_those_of_a_join),
		STORY(so_are_those_that_wait_in_batches_of_a_step),
		STORY(so_are_those_whose_calls_are_batched),
		STORY(so_are_those_of_a_pipeline_that_is_called),
		STORY(so_are_those_of_an_experiment),
		STORY(a_partition_with_state_is_read_again_by_the_corrected_version),
		STORY(a_call_that_is_on_its_way_ends_and_its_next_attempt_is_the_corrected_version_s),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
