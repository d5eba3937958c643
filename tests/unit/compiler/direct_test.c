/* direct_test.c: Tests of direct ingress on a mock of a broker: a request past Kafka is answered first, and logged beside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message/formats/format.h"
#include "message/records/reply.h"
#include "net/http/http_server.h"
#include "net/loop.h"
#include "tests/unit/direct_stand.h"
#include "tests/unit/letters.h"

static void a_request_is_answered_and_the_exchange_is_logged_once(void **state)
{
	struct stand *stand = *state;
	direct_start(stand, direct_doubles);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	struct direct_message *answer = direct_reply();
	assert_false(answer->is_returned);
	assert_true(direct_reply_says(answer, "[42]"));
	assert_non_null(headers_find(answer->record.headers, TEXT(REPLY_HEADER)));
	direct_message_close(answer);
	const rd_kafka_message_t *logged = mock_read(&stand->mock);
	assert_true(record_says(logged, "[42]"));
	assert_string_equal(record_header(logged, "x-request-id"), "mine");
	assert_memory_equal(logged->key, "key", 3);
	stand_ask(stand, "usual", 2, NULL, NULL); /* behind the logged request, which is skipped */
	logged = mock_read(&stand->mock);
	assert_true(record_says(logged, "\"usual\""));
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, 2);
	assert_int_equal(counts.taken, 2);
	assert_int_equal(stand_committed(stand), 2);
}

static void a_request_whose_caller_has_left_is_dropped(void **state)
{
	struct stand *stand = *state;
	direct_start(stand, direct_doubles);
	direct_hub_leave(direct_stand_hub, DIRECT_CALLS_MAX + 7);
	assert_int_equal(direct_ask_of(DIRECT_CALLS_MAX + 7, "p", direct_x21), DIRECT_SENT);
	assert_int_equal(direct_ask_of(2 * DIRECT_CALLS_MAX + 7, "p", direct_x21), DIRECT_SENT); /* the next one in its slot */
	direct_message_close(direct_reply());
	assert_int_equal(stand_stop(stand).taken, 1);
}

static void the_logged_request_has_the_mark_and_not_the_address(void **state)
{
	struct stand *stand = *state;
	static const char *const in_only[] = {"out", "out"}; /* where the test reads */
	direct_start(stand, direct_doubles);
	(void)stand_stop(stand);
	stand->config.setup.writes = (struct topic_list){2, in_only};
	stand_start(stand);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	direct_message_close(direct_reply());
	const rd_kafka_message_t *request = mock_read(&stand->mock);
	assert_string_equal(record_header(request, REPLY_ANSWERED_HEADER), "p");
	assert_string_equal(record_header(request, "x-request-id"), "mine");
	assert_null(record_header(request, REPLY_HEADER));
	assert_true(record_says(request, "[21]"));
	(void)mock_read(&stand->mock);
	(void)stand_stop(stand);
}

static void an_error_is_answered_with_the_place_where_the_request_came_in(void **state)
{
	struct stand *stand = *state;
	direct_start(stand, direct_doubles);
	assert_int_equal(direct_ask("p", "{"), DIRECT_SENT);
	struct direct_message *answer = direct_reply();
	assert_true(direct_reply_says(answer, "\"kind\":\"INPUT\""));
	assert_true(direct_reply_says(answer, "\"place\":\"/v2/models/p/infer\""));
	direct_message_close(answer);
	assert_int_equal(stand_stop(stand).failed, 1);
}

static void the_answer_does_not_wait_for_a_broker(void **state)
{
	struct stand *stand = *state;
	direct_start(stand, direct_doubles);
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	struct direct_message *answer = direct_reply();
	assert_true(direct_reply_says(answer, "[42]"));
	direct_message_close(answer);
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
	const rd_kafka_message_t *logged = mock_read(&stand->mock);
	assert_true(record_says(logged, "[42]"));
	(void)stand_stop(stand);
}

static void a_pipeline_that_no_worker_takes_is_absent(void **state)
{
	struct stand *stand = *state;
	direct_start(stand, direct_doubles);
	assert_int_equal(direct_ask("q", direct_x21), DIRECT_ABSENT);
	(void)stand_stop(stand);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_ABSENT);
}

/* The answers are logged when the worker ends, though it was told to at once. */
static void a_worker_that_stops_logs_what_it_answered(void **state)
{
	struct stand *stand = *state;
	direct_start(stand, direct_doubles);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	direct_replies_pass(100);
	assert_int_equal(stand_stop(stand).answered, 100);
	for (size_t i = 0; i < 100; i++)
		(void)mock_read(&stand->mock);
}

/* A model that takes connections and never says anything. */
static struct silent_server {
	int listening;
	char url[64];
	struct model_address address;
	struct model_config config;
} silence;

static const char asks_silence[] = "  - name: m\n  output: {steps: [m]}\n";

static void silence_open(struct stand *stand)
{
	struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof place;
	silence.listening = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(silence.listening, (const struct sockaddr *)&place, sizeof place), 0);
	assert_int_equal(getsockname(silence.listening, (struct sockaddr *)&place, &length), 0);
	assert_int_equal(listen(silence.listening, 128), 0);
	(void)snprintf(silence.url, sizeof silence.url, "http://127.0.0.1:%d/v2/models/m/infer", ntohs(place.sin_port));
	silence.address = (struct model_address){.url = silence.url};
	silence.config = (struct model_config){.name = "m", .addresses = {1, &silence.address}};
	stand->caller.model_count = 1;
	stand->caller.models = &silence.config;
	stand->config.limits.drain_ms = 50; /* nothing else ends it */
}

/* The second request of the key has its reply, and stands behind the first, which the model never answers. */
static void a_worker_may_close_with_answered_requests_that_have_not_left(void **state)
{
	struct stand *stand = *state;
	direct_configure(stand, asks_silence);
	silence_open(stand);
	stand_start(stand);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	assert_int_equal(direct_ask("p", "{"), DIRECT_SENT);
	struct direct_message *answer = direct_reply();
	assert_true(direct_reply_says(answer, "\"kind\":\"INPUT\""));
	direct_message_close(answer);
	assert_int_equal(stand_stop(stand).answered, 0);
	assert_null(direct_hub_take(direct_stand_hub));
	close(silence.listening);
}

#define LINGER_MS 400 /* a batch is sent after it, and acknowledged after as long again */

/* The first answer's batch waits for its acknowledgement while the others are given, whose records are not sent yet. */
static void what_is_answered_while_a_batch_ends_is_logged_by_a_stop(void **state)
{
	static const struct property slow[] = {{"linger.ms", "400"}};
	static const char *const apart[] = {"out", "also"}; /* requests are logged where the worker does not read */
	struct stand *stand = *state;
	direct_configure(stand, direct_doubles);
	rd_kafka_mock_topic_create(stand->mock.cluster, "also", 1, 1);
	stand->config.setup.writes = (struct topic_list){2, apart};
	stand->config.transaction.properties = (struct properties){1, slow};
	stand->config.limits.commit_ms = 1;
	stand_start(stand);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	direct_replies_pass(1);
	(void)mock_read(&stand->mock); /* connections are open */
	(void)rd_kafka_mock_broker_set_rtt(stand->mock.cluster, 1, LINGER_MS);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	direct_replies_pass(1);
	(void)usleep((LINGER_MS + LINGER_MS / 2) * 1000);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	direct_replies_pass(20);
	assert_int_equal(stand_stop(stand).answered, 22);
	(void)rd_kafka_mock_broker_set_rtt(stand->mock.cluster, 1, 0);
	for (size_t i = 0; i < 21; i++)
		(void)mock_read(&stand->mock);
}

static void a_key_has_one_order(void **state)
{
	struct stand *stand = *state;
	char body[100], wanted[20];
	direct_start(stand, direct_doubles);
	for (int i = 0; i < 50; i++) {
		(void)snprintf(body, sizeof body,
			       "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[%d]}]}", i);
		assert_int_equal(direct_ask("p", body), DIRECT_SENT);
	}
	for (int i = 0; i < 50; i++) {
		const rd_kafka_message_t *logged = mock_read(&stand->mock);
		(void)snprintf(wanted, sizeof wanted, "[%d]", 2 * i);
		const bool is_next = record_says(logged, wanted);
		assert_true(is_next);
	}
	(void)stand_stop(stand);
}

static void what_was_answered_is_read_by_other_pipelines(void **state)
{
	struct stand *stand = *state;
	static const struct stage_point other = {.point = 0};
	struct arena *arena = arena_open((size_t)1 << 20);
	stand_configure(stand, "  - name: twice\n    expression: {set: {x: x * 2}}\n"
			       "  output: {steps: [twice]}\n  input: {externalInputs: [other.inputs]}\n");
	stand->stages[0].external_input = external_input_make(stand->planning[0].graph, arena);
	assert_non_null(stand->stages[0].external_input);
	stand->stages[0].points = &other;
	stand_start(stand);
	stand_ask(stand, "answered", 21, REPLY_ANSWERED_HEADER, "other");
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	const bool reads = record_says(answer, "[42]");
	assert_true(reads);
	(void)stand_stop(stand);
	arena_close(arena);
}

/* Also where the pipeline has no direct ingress any more. */
static void a_record_that_was_answered_is_skipped_by_any_engine(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, direct_doubles);
	stand_start(stand);
	stand_ask(stand, "answered", 1, REPLY_ANSWERED_HEADER, "p");
	stand_ask(stand, "open", 2, NULL, NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "\"open\""));
	assert_int_equal(stand_stop(stand).taken, 1);
}

/* Before, between and after records that are taken, which may be in flight. */
static void records_that_were_answered_are_passed_over_among_others(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, direct_doubles);
	for (int i = 0; i < 30; i++)
		stand_ask(stand, i % 3 == 1 ? "open" : "answered", 1, REPLY_ANSWERED_HEADER, i % 3 == 1 ? "other" : "p");
	stand_start(stand);
	for (int i = 0; i < 10; i++)
		assert_true(record_says(mock_read(&stand->mock), "\"open\""));
	assert_int_equal(stand_stop(stand).taken, 10);
}

/* A direct request is nowhere in Kafka when it is answered: its answer names no place that would be another's. */
static void an_answer_and_a_dead_letter_name_no_place_in_kafka(void **state)
{
	struct stand *stand = *state;
	struct letter letter;
	avro_value_t origin;
	int branch = -1;
	direct_configure(stand, "  - {name: a, expression: {set: {x: x * 2}}}\n"
				"  - {name: b, inputs: [a], filter: {keep: x < 100, otherwise: {error: too large}}}\n"
				"  output: {steps: [b]}\n");
	stand->stages[0].format = &format_avro;
	stand->stages[0].dead_letters = 0;
	stand->stages[0].errors_kept = true;
	stand_start(stand);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	letter_open_as(&letter, "response", (struct text){record->payload, record->len});
	assert_int_equal(avro_value_get_by_name(&letter.value, "origin", &origin, NULL), 0);
	assert_int_equal(avro_value_get_discriminant(&origin, &branch), 0);
	assert_int_equal(branch, 0); /* null */
	letter_close(&letter);
	const char *request = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[60]}]}";
	assert_int_equal(direct_ask("p", request), DIRECT_SENT);
	record = mock_read(&stand->mock);
	letter_open(&letter, (struct text){record->payload, record->len});
	assert_true(text_is(letter_text(&letter, "id"), "mine"));
	assert_int_equal(letter_text(&letter, "origin.topic").length, 0);
	assert_int_equal(letter_number(&letter, "origin.partition"), -1);
	assert_int_equal(letter_number(&letter, "origin.offset"), -1);
	letter_close(&letter);
	(void)stand_stop(stand);
}

/* A registry that takes the schema of answers once it is told to. */
static struct fake_registry {
	struct loop *loop;
	struct http_server *server;
	pthread_t thread;
	char url[64];
	atomic_bool takes, over;
} registry;

static void on_registry_asked(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)path, (void)body;
	const bool takes = registry.takes;
	http_server_answer(asked, takes ? 200 : 503, "application/json", takes ? TEXT("{\"id\":12}") : TEXT("{}"), NULL, 0);
}

static void *registry_run(void *context)
{
	struct error error = {0};
	while (!registry.over)
		(void)loop_turn(registry.loop, 20, &error);
	return context;
}

static void registry_start(void)
{
	struct error error = {0};
	const struct http_server_config config = {.body_bytes = 1 << 20, .connections = 10, .called = on_registry_asked};
	registry.loop = loop_open(&error);
	registry.server = http_server_open(registry.loop, &config, &error);
	assert_non_null(registry.server);
	(void)snprintf(registry.url, sizeof registry.url, "http://127.0.0.1:%d", http_server_port(registry.server));
	assert_int_equal(pthread_create(&registry.thread, NULL, registry_run, NULL), 0);
}

static void registry_stop(void)
{
	registry.over = true;
	pthread_join(registry.thread, NULL);
	http_server_close(registry.server);
	loop_close(registry.loop);
}

/* Before it has, an answer would be framed in a way that its readers do not know. */
static void until_a_registry_has_the_schema_of_answers_none_is_taken(void **state)
{
	struct stand *stand = *state;
	registry_start();
	direct_configure(stand, direct_doubles);
	stand->stages[0].format = &format_avro;
	stand->config.registry = (struct registry_config){.url = registry.url};
	stand_start(stand);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_ABSENT);
	registry.takes = true;
	for (unsigned waited_ms = 0; direct_ask("p", direct_x21) != DIRECT_SENT && waited_ms < MOCK_WAIT_MS; waited_ms += 10)
		(void)usleep(10000);
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	assert_memory_equal(record->payload, "\0\0\0\0\x0c", 5);
	(void)stand_stop(stand);
	registry_stop();
}

/* Two pipelines may read one topic, in groups of their own. */
static void a_record_that_another_pipeline_answered_is_taken(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, direct_doubles);
	stand->stages[0].mark = "sluice.default.p";
	stand_start(stand);
	stand_ask(stand, "answered", 1, REPLY_ANSWERED_HEADER, "sluice.default.p");
	stand_ask(stand, "theirs", 2, REPLY_ANSWERED_HEADER, "sluice.other.p");
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "\"theirs\""));
	assert_int_equal(stand_stop(stand).taken, 1);
}

/* A pipeline beside `p` that takes one request at a time, and whose model says nothing. */
static void configure_still(struct stand *stand)
{
	static const char *const three[] = {"out", "in", "also"};
	direct_configure(stand, direct_doubles);
	stand_configure_also(stand, asks_silence);
	silence_open(stand);
	stand->config.setup.writes = (struct topic_list){3, three};
	stand->planning[1].graph->name = "q";
	stand->stages[1].limits.in_flight = 1;
	stand->stages[1].requests = 2;
	stand->stages[1].by_key = true;
}

static void a_pipeline_that_stands_still_leaves_the_others_alone(void **state)
{
	struct stand *stand = *state;
	configure_still(stand);
	stand_start(stand);
	for (size_t i = 0; i < DIRECT_OPEN_MAX; i++)
		assert_int_equal(direct_ask("q", direct_x21), DIRECT_SENT);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(direct_ask("q", direct_x21), DIRECT_FULL);
		assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
		struct direct_message *answer = direct_reply();
		assert_true(direct_reply_says(answer, "[42]"));
		direct_message_close(answer);
	}
	assert_int_equal(stand_stop(stand).answered, 10);
	size_t returned = 0;
	for (struct direct_message *message = direct_hub_take(direct_stand_hub), *next; message; message = next, returned++) {
		next = message->next;
		assert_true(message->is_returned);
		direct_message_close(message);
	}
	assert_int_equal(returned, DIRECT_OPEN_MAX - 1);
	close(silence.listening);
}

/* It does not wait for the one that it has, whose model is silent until then. */
static void a_worker_that_stops_returns_at_once_what_waits_for_a_stage(void **state)
{
	static const char refusal[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
	struct stand *stand = *state;
	configure_still(stand);
	stand->config.limits.drain_ms = 10 * MOCK_WAIT_MS;
	stand_start(stand);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(direct_ask("q", direct_x21), DIRECT_SENT);
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	direct_replies_pass(1); /* so the others are in the worker */
	const int asked = accept(silence.listening, NULL, NULL);
	assert_true(asked >= 0);
	worker_stop(stand->running.worker);
	struct direct_message *message = direct_reply();
	assert_true(message->is_returned);
	direct_message_close(message);
	assert_int_equal(write(asked, refusal, strlen(refusal)), (ssize_t)strlen(refusal));
	assert_int_equal(stand_stop(stand).failed, 1);
	close(asked);
	close(silence.listening);
}

/* The first version takes one request, and its model never answers. */
static void what_waits_for_a_stage_enters_the_one_in_its_place(void **state)
{
	struct stand *stand = *state;
	direct_configure(stand, asks_silence);
	stand_configure_also(stand, direct_doubles); /* the steps of the second version */
	silence_open(stand);
	stand->config.setup.reads.count = stand->config.setup.stage_count = stand->config.consumer.assigned.count = 1;
	stand->stages[0].limits.in_flight = 1;
	stand_start(stand);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	const int asked = accept(silence.listening, NULL, NULL); /* the first one has entered */
	assert_true(asked >= 0);
	struct stage_config second = stand->stages[0];
	second.version = 2;
	second.graph = stand->planning[1].graph;
	second.limits.in_flight = 0;
	struct worker_setup changed = stand->config.setup;
	changed.stages = &second;
	worker_reload(stand->running.worker, &changed);
	direct_replies_pass(9);
	assert_int_equal(stand_stop(stand).taken, 10);
	assert_null(direct_hub_take(direct_stand_hub));
	close(asked);
	close(silence.listening);
}

/* Requests that are in flight past Kafka stay so when a producer is replaced. */
static void a_producer_that_is_replaced_drops_no_direct_request(void **state)
{
	struct stand *stand = *state;
	direct_configure(stand, asks_silence);
	stand_configure_also(stand, direct_doubles);
	stand->stages[1].requests = TOPIC_NOWHERE;
	silence_open(stand);
	stand_start(stand);
	assert_int_equal(direct_ask("p", "{"), DIRECT_SENT);
	direct_message_close(direct_reply()); /* this one leaves, and the next one stays */
	assert_int_equal(direct_ask("p", direct_x21), DIRECT_SENT);
	for (int i = 0; i < 2; i++) {
		if (i == 1)
			mock_forget_producers(&stand->mock, 1);
		stand_ask_at(stand, "also", "key", i == 0 ? "r-0" : "r-1", i);
		for (bool answered = false; !answered;) {
			const rd_kafka_message_t *answer = mock_read(&stand->mock);
			answered = record_says(answer, i == 0 ? "\"r-0\"" : "\"r-1\"");
		}
	}
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.resets, 1);
	assert_int_equal(counts.dropped_in_flight, 0);
	close(silence.listening);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECT_STORY(a_request_is_answered_and_the_exchange_is_logged_once),
		DIRECT_STORY(a_request_whose_caller_has_left_is_dropped),
		DIRECT_STORY(the_logged_request_has_the_mark_and_not_the_address),
		DIRECT_STORY(an_error_is_answered_with_the_place_where_the_request_came_in),
		DIRECT_STORY(the_answer_does_not_wait_for_a_broker),
		DIRECT_STORY(a_pipeline_that_no_worker_takes_is_absent),
		DIRECT_STORY(a_worker_that_stops_logs_what_it_answered),
		DIRECT_STORY(what_is_answered_while_a_batch_ends_is_logged_by_a_stop),
		DIRECT_STORY(a_worker_may_close_with_answered_requests_that_have_not_left),
		DIRECT_STORY(a_key_has_one_order),
		DIRECT_STORY(what_was_answered_is_read_by_other_pipelines),
		DIRECT_STORY(a_record_that_was_answered_is_skipped_by_any_engine),
		DIRECT_STORY(records_that_were_answered_are_passed_over_among_others),
		DIRECT_STORY(a_record_that_another_pipeline_answered_is_taken),
		DIRECT_STORY(a_pipeline_that_stands_still_leaves_the_others_alone),
		DIRECT_STORY(a_worker_that_stops_returns_at_once_what_waits_for_a_stage),
		DIRECT_STORY(what_waits_for_a_stage_enters_the_one_in_its_place),
		DIRECT_STORY(a_producer_that_is_replaced_drops_no_direct_request),
		DIRECT_STORY(until_a_registry_has_the_schema_of_answers_none_is_taken),
		DIRECT_STORY(an_answer_and_a_dead_letter_name_no_place_in_kafka),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
