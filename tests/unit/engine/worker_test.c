/* One worker and one pipeline against the mock of a broker: what becomes of a record.
 * The worker runs in a thread of its own, by pthread_create(), as in an engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "kafka/client.h"
#include "message/avro/avro.h"
#include "message/json/json_write.h"
#include "message/avro/schemas.h"
#include "net/http/http_server.h"
#include "tests/unit/letters.h"
#include "tests/unit/worker_stand.h"

static const char doubles[] = "  - name: twice\n    expression: {set: {x: x * 2}}\n"
			      "  output: {steps: [twice]}\n";
static const char keeps_small[] = "  - name: small\n    filter: {keep: \"x < 10\", otherwise: drop}\n"
				  "  output: {steps: [small]}\n";
static const char calls[] = "  - name: away\n"
			    "  output: {steps: [away]}\n";

static void stand_start_with(struct stand *stand, const char *steps)
{
	stand_configure(stand, steps);
	stand_start(stand);
}

static void an_answer_leaves_under_the_key_and_id_of_its_request(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, doubles);
	stand_ask(stand, "r-1", 21, NULL, NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_int_equal(answer->key_len, 3);
	assert_memory_equal(answer->key, "key", 3);
	assert_true(record_says(answer, "\"r-1\""));
	assert_true(record_says(answer, "[42]"));
	rd_kafka_headers_t *headers; /* the request had none, and the format has room for all */
	assert_int_equal(rd_kafka_message_headers(answer, &headers), RD_KAFKA_RESP_ERR__NOENT);
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, 1);
	assert_int_equal(counts.failed, 0);
	assert_true(counts.commits >= 1);
}

#define FAILING(id) "{\"id\":\"" id "\",\"inputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}"

/* What the answer to a request without an id says of where the request was. */
static void expect_origin_of(struct stand *stand, const char *value, const char *header, const char *header_value,
			     const char *origin)
{
	mock_write(&stand->mock, NULL, value, header, header_value);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	const char *found = record_header(answer, "sluice-origin");
	assert_true(origin ? found && strcmp(found, origin) == 0 : !found);
}

static void expect_origin(struct stand *stand, const char *value, const char *header, const char *origin)
{
	expect_origin_of(stand, value, header, header ? "own" : NULL, origin);
}

static void an_answer_names_its_request_by_an_id_or_by_its_origin(void **state)
{
	static const char without[] = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}";
	struct stand *stand = *state;
	stand_start_with(stand, doubles);
	expect_origin(stand, without, NULL, "in/0/0");
	expect_origin(stand, "{", NULL, "in/0/1"); /* also an error */
	expect_origin(stand, without, "x-request-id", NULL);
	expect_origin(stand, without, "other", "in/0/3");
	expect_origin_of(stand, without, "x-request-id", "", "in/0/4"); /* an empty id names nothing */
	mock_write(&stand->mock, NULL, FAILING("r-1"), NULL, NULL);
	const rd_kafka_message_t *failed = mock_read(&stand->mock); /* its body has no place for the id */
	assert_string_equal(record_header(failed, "x-request-id"), "r-1");
	assert_null(record_header(failed, "sluice-origin"));
	char long_id[2048];
	snprintf(long_id, sizeof long_id, FAILING("%01500d"), 7);
	expect_origin(stand, long_id, NULL, "in/0/6");
	/* So it does in forms that have no place for an id. */
	expect_origin(stand, "{\"instances\":[1]}", NULL, "in/0/7");
	expect_origin(stand, "{\"data\":{\"ndarray\":[[1]]}}", NULL, "in/0/8");
	expect_origin_of(stand, "\x0A\x01p", "content-type", "application/x-protobuf", "in/0/9");
	/* And if a caller waits at a gateway: it may poll the answer, and others may have chosen its id. */
	expect_origin_of(stand, "{\"id\":\"r-2\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}",
			 "sluice-reply", "0/0123456789abcdef", "in/0/10");
	/* The id that a gateway gave counts for a request that has none. */
	mock_write(&stand->mock, NULL, without, "sluice-id", "given");
	assert_string_equal(record_header(mock_read(&stand->mock), "sluice-id"), "given");
	mock_write(&stand->mock, NULL, FAILING("r-3"), "sluice-id", "given");
	assert_null(record_header(mock_read(&stand->mock), "sluice-id"));
	(void)stand_stop(stand);
}

static void at_least_once_every_answer_leaves_and_its_offset_follows(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	stand->config.transaction.id = NULL;
	stand_start(stand);
	for (int i = 0; i < 3; i++) {
		char id[8], expected[8];
		snprintf(id, sizeof id, "r-%d", i);
		snprintf(expected, sizeof expected, "[%d]", 2 * i);
		stand_ask(stand, id, i, NULL, NULL);
		const rd_kafka_message_t *answer = mock_read(&stand->mock);
		assert_true(record_says(answer, expected));
	}
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.released, 3);
	assert_true(counts.commits >= 1);
	assert_int_equal(stand_committed(stand), 3);
}

/* What Kafka was not heard to have is sent again by the producer itself. */
static void at_least_once_a_lost_connection_loses_nothing(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	stand->config.transaction.id = NULL;
	stand_start(stand);
	for (int i = 0; i < 3; i++) {
		char id[8];
		snprintf(id, sizeof id, "\"r-%d\"", i);
		stand_ask(stand, (char[]){'r', '-', (char)('0' + i), '\0'}, i, NULL, NULL);
		mock_break_connections(&stand->mock);
		const rd_kafka_message_t *answer = mock_read(&stand->mock);
		assert_true(record_says(answer, id));
	}
	assert_int_equal(stand_stop(stand).answered, 3);
	assert_int_equal(stand_committed(stand), 3);
}

/* librdkafka calls it fatal, and may not go on: another producer does, from what is committed. */
static void at_least_once_a_producer_that_stops_is_replaced(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	stand->config.transaction.id = NULL;
	stand_start(stand);
	for (int i = 0; i < 6; i++) {
		char id[8];
		snprintf(id, sizeof id, "\"r-%d\"", i);
		if (i % 3 == 1)
			mock_forget_producers(&stand->mock, 1);
		stand_ask(stand, (char[]){'r', '-', (char)('0' + i), '\0'}, i, NULL, NULL);
		for (bool answered = false; !answered;) {
			const rd_kafka_message_t *answer = mock_read(&stand->mock);
			answered = record_says(answer, id);
		}
	}
	assert_int_equal(stand_stop(stand).resets, 2);
	assert_int_equal(stand_committed(stand), 6);
}

/* Kafka loses track of so many producers in a row, the first of which writes the first answer. */
static void start_with_producers_lost(struct stand *stand, size_t count)
{
	stand_configure(stand, doubles);
	stand->config.transaction.id = NULL;
	mock_forget_producers(&stand->mock, count);
	stand_start(stand);
}

static void at_least_once_three_producers_within_a_minute_are_replaced(void **state)
{
	struct stand *stand = *state;
	start_with_producers_lost(stand, 3);
	stand_ask(stand, "r-0", 0, NULL, NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "\"r-0\""));
	assert_int_equal(stand_stop(stand).resets, 3);
}

static void at_least_once_a_fourth_producer_within_a_minute_ends_the_worker(void **state)
{
	struct stand *stand = *state;
	start_with_producers_lost(stand, 4);
	stand_ask(stand, "r-0", 0, NULL, NULL);
	running_fail(&stand->running, "again and again");
}

static void a_header_stands_where_the_request_had_it(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, doubles);
	stand_ask(stand, "body", 1, "x-request-id", "head");
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_string_equal(record_header(answer, "x-request-id"), "head");
	stand_stop(stand);
}

static void a_header_that_a_step_set_stands_beside_those_of_the_request(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, "  - name: mark\n    postprocess: [{headers: {x-size: 'where(x > 5, \"large\", \"small\")'}}]\n"
				"  output: {steps: [mark]}\n");
	stand_ask(stand, "body", 7, "x-request-id", "head");
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_string_equal(record_header(answer, "x-size"), "large");
	assert_string_equal(record_header(answer, "x-request-id"), "head");
	stand_stop(stand);
}

static void bad_input_is_answered_and_stops_nobody(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, doubles);
	mock_write(&stand->mock, "key", "{\"inputs\":", NULL, NULL);
	stand_ask(stand, "late", 1, "x-deadline-ms", "soon");
	stand_ask(stand, "good", 2, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		const rd_kafka_message_t *answer = mock_read(&stand->mock);
		assert_string_equal(record_header(answer, "sluice-error"), "INPUT");
		assert_true(record_says(answer, i == 0 ? "JSON" : "x-deadline-ms"));
	}
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "\"good\""));
	assert_int_equal(stand_stop(stand).failed, 2);
}

/* Dead letters and answers on one topic show their order too: the letter goes first. */
static const char *const both_out[] = {"out", "out"};

static void configure_letters(struct stand *stand, const char *steps)
{
	stand_configure(stand, steps);
	stand->config.setup.writes = (struct topic_list){2, both_out};
	stand->stages[0].dead_letters = 1;
}

static void read_letter(struct stand *stand, struct letter *letter)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	assert_int_equal(record->key_len, 3);
	letter_open(letter, (struct text){record->payload, record->len});
}

static void bad_input_is_kept_as_a_dead_letter_beside_its_answer(void **state)
{
	struct stand *stand = *state;
	struct letter letter;
	configure_letters(stand, doubles);
	stand_start(stand);
	mock_write(&stand->mock, "key", "{\"inputs\":", "x-request-id", "poison");
	read_letter(stand, &letter);
	assert_string_equal(letter_kind(&letter), "INPUT");
	assert_true(text_is(letter_text(&letter, "payload"), "{\"inputs\":"));
	assert_true(text_is(letter_text(&letter, "id"), "poison"));
	assert_true(text_is(letter_text(&letter, "origin.topic"), "in"));
	assert_true(text_is(letter_text(&letter, "key"), "key"));
	assert_true(text_is(letter_text(&letter, "headers.name"), "x-request-id"));
	assert_true(text_is(letter_text(&letter, "step"), ""));
	letter_close(&letter);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_string_equal(record_header(answer, "sluice-error"), "INPUT");
	assert_int_equal(stand_stop(stand).dead_letters, 1);
}

/* With room for one record in its queue, the producer takes the letter and not yet the answer. */
static void a_full_producer_doubles_no_dead_letter(void **state)
{
	struct stand *stand = *state;
	struct letter letter;
	const struct property narrow[] = {{"queue.buffering.max.messages", "1"}, {"log_level", "0"}};
	configure_letters(stand, doubles);
	stand->config.transaction.properties = (struct properties){2, narrow};
	stand_start(stand);
	for (int i = 0; i < 2; i++) {
		mock_write(&stand->mock, "key", "poison", NULL, NULL);
		read_letter(stand, &letter);
		letter_close(&letter);
		const rd_kafka_message_t *answer = mock_read(&stand->mock);
		assert_string_equal(record_header(answer, "sluice-error"), "INPUT");
	}
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.dead_letters, 2);
	assert_int_equal(counts.failed, 2);
}

static void a_model_that_is_away_may_be_a_dead_letter_that_names_it(void **state)
{
	struct stand *stand = *state;
	struct letter letter;
	static const struct model_address nowhere = {.url = "http://127.0.0.1:1"};
	static const struct model_config away = {.name = "away", .addresses = {1, &nowhere}};
	configure_letters(stand, calls);
	stand->caller.model_count = 1;
	stand->caller.models = &away;
	stand->caller.outage_deadletter = true;
	stand_start(stand);
	stand_ask(stand, "r", 1, NULL, NULL);
	read_letter(stand, &letter);
	assert_string_equal(letter_kind(&letter), "REMOTE");
	assert_true(text_is(letter_text(&letter, "step"), "away"));
	assert_int_equal(letter_number(&letter, "attempts"), 3);
	letter_close(&letter);
	stand_stop(stand);
}

static void a_deadline_that_has_passed_is_answered_and_not_kept(void **state)
{
	struct stand *stand = *state;
	configure_letters(stand, doubles);
	stand_start(stand);
	stand_ask(stand, "past", 1, "x-deadline-ms", "1600000000000");
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_string_equal(record_header(answer, "sluice-error"), "LIMIT");
	assert_int_equal(stand_stop(stand).dead_letters, 0);
}

static void errors_that_are_not_to_be_answered_are_kept_only(void **state)
{
	struct stand *stand = *state;
	struct letter letter;
	configure_letters(stand, doubles);
	stand->stages[0].errors_off = true;
	stand_start(stand);
	mock_write(&stand->mock, "key", "poison", NULL, NULL);
	read_letter(stand, &letter);
	letter_close(&letter);
	stand_ask(stand, "good", 2, NULL, NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "\"good\""));
	assert_int_equal(stand_stop(stand).answered, 1);
}

static void an_answer_leaves_in_the_format_that_the_pipeline_says(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	stand->stages[0].format = &format_v1;
	stand_start(stand);
	stand_ask(stand, "r", 21, NULL, NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "predictions"));
	assert_true(record_says(answer, "42"));
	stand_stop(stand);
}

static void fields_of_an_event_become_tensors_where_the_pipeline_maps_them(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, "  - name: twice\n    expression: {set: {x: x * 2}}\n  output: {steps: [twice]}\n"
				"  input: {topic: in, tensors: {x: {path: trade.price, datatype: FP64}}}\n");
	mock_write(&stand->mock, "key", "{\"trade\": {\"price\": 10.5}}", NULL, NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "[21"));
	assert_int_equal(stand_stop(stand).failed, 0);
}

static void a_deadline_that_has_passed_is_a_limit(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, doubles);
	stand_ask(stand, "past", 1, "x-deadline-ms", "1600000000000");
	stand_ask(stand, "future", 1, "x-deadline-ms", "32503680000000");
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_string_equal(record_header(answer, "sluice-error"), "LIMIT");
	answer = mock_read(&stand->mock);
	assert_null(record_header(answer, "sluice-error"));
	stand_stop(stand);
}

static void a_dropped_message_leaves_no_answer_but_its_offset_moves_on(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, keeps_small);
	stand_ask(stand, "large", 11, NULL, NULL);
	stand_ask(stand, "small", 9, NULL, NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "\"small\""));
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.released, 2);
	assert_int_equal(counts.answered, 1);
}

static void a_call_that_cannot_begin_is_an_error_of_its_message(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, calls);
	stand_ask(stand, "r", 1, NULL, NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "no endpoint is known for model away"));
	stand_stop(stand);
}

/* The mock forgets what transactions commit, so a worker in doubt begins again where it
 * began: an answer may come twice here, but none may be missing, and their order holds. */
static void after_a_doubt_the_worker_goes_on_from_what_is_committed(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, doubles);
	for (int i = 0; i < 3; i++) {
		char id[8];
		snprintf(id, sizeof id, "r-%d", i);
		stand_ask(stand, id, i, NULL, NULL);
		(void)mock_read(&stand->mock);
		mock_break_connections(&stand->mock);
	}
	stand_ask(stand, "last", 9, NULL, NULL);
	for (bool last = false; !last;) {
		const rd_kafka_message_t *answer = mock_read(&stand->mock);
		last = record_says(answer, "\"last\"");
	}
	assert_true(stand_stop(stand).resets >= 1);
}

/* The most that is in flight while so many requests, which were there before it, are answered. */
static uint64_t most_in_flight(struct stand *stand, uint64_t asked)
{
	static char request[] = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}";
	static struct stage_counts counts;
	counts = (struct stage_counts){0};
	stand->stages[0].counts = &counts;
	for (uint64_t i = 0; i < asked; i++)
		assert_int_equal(rd_kafka_produce(stand->mock.in, 0, 0, request, sizeof request - 1, "key", 3, NULL), 0);
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), 0);
	stand_start(stand);
	uint64_t most = 0;
	for (int waited_ms = 0; waited_ms < MOCK_WAIT_MS && count_read(&counts.sums.released) < asked; waited_ms++) {
		uint64_t in_flight = count_read(&counts.sums.in_flight);
		most = in_flight > most ? in_flight : most;
		usleep(1000);
	}
	assert_int_equal(stand_stop(stand).answered, asked);
	return most;
}

#define WARM_MOST (2 * 500)

static void while_a_transaction_ends_no_more_is_taken_than_stays_warm(void **state)
{
	enum { ASKED = 4000, END_TXN = 26, LATE_MS = 1000 };
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	stand->config.limits.commit_ms = 1;
	rd_kafka_mock_broker_push_request_error_rtts(stand->mock.cluster, 1, END_TXN, (size_t)1, RD_KAFKA_RESP_ERR_NO_ERROR,
						     LATE_MS);
	assert_in_range(most_in_flight(stand, ASKED), 0, WARM_MOST);
}

static void while_the_producer_is_full_no_more_is_taken_than_stays_warm(void **state)
{
	enum { ASKED = 4000 };
	static const struct property narrow[] = {{"queue.buffering.max.messages", "200"}, {"log_level", "0"}};
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	stand->config.transaction.id = NULL;
	stand->config.transaction.properties = (struct properties){2, narrow};
	rd_kafka_mock_broker_set_rtt(stand->mock.cluster, 1, 50);
	assert_in_range(most_in_flight(stand, ASKED), 0, WARM_MOST);
}

static void a_worker_for_which_memory_runs_out_is_not_opened_and_leaves_nothing(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, doubles);
	uint64_t nth = 0;
	while (!stand->running.worker) {
		struct error error = {0};
		assert_in_range(++nth, 1, 1000);
		memory_fail_at(nth);
		stand->running.worker = worker_open(&stand->config, &error);
		if (!stand->running.worker)
			assert_int_equal(error.kind, ERROR_SYSTEM);
	}
	memory_fail_at(0);
	assert_true(nth > 10);
	worker_close(stand->running.worker);
	stand->running.worker = NULL;
}

/* ---- a registry of schemas ---- */

#define SCHEMA_NUMBER 7

/* Knows our request's schema as number 7, once it is told to, and takes our answer's as 12. */
struct fake_registry {
	struct loop *loop;
	struct http_server *server;
	pthread_t thread;
	struct buffer schema;
	char url[64];
	atomic_bool knows, over;
	atomic_uint asked;
};

static void on_registry_asked(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	struct fake_registry *registry = context;
	(void)method, (void)body;
	if (text_is(path, "/subjects/out-value/versions")) {
		http_server_answer(asked, 200, "application/json", TEXT("{\"id\":12}"), NULL, 0);
		return;
	}
	registry->asked++;
	if (registry->knows && text_is(path, "/schemas/ids/7"))
		http_server_answer(asked, 200, "application/json", buffer_view(&registry->schema), NULL, 0);
	else
		http_server_answer(asked, 503, "application/json", TEXT("{\"message\":\"not yet\"}"), NULL, 0);
}

static void *registry_run(void *context)
{
	struct fake_registry *registry = context;
	struct error error = {0};
	while (!registry->over)
		(void)loop_turn(registry->loop, 20, &error);
	return NULL;
}

static void registry_start(struct fake_registry *registry)
{
	struct error error = {0};
	const struct http_server_config config = {
		.body_bytes = 1 << 20, .connections = 10, .called = on_registry_asked, .context = registry};
	registry->loop = loop_open(&error);
	registry->server = http_server_open(registry->loop, &config, &error);
	assert_non_null(registry->server);
	snprintf(registry->url, sizeof registry->url, "http://127.0.0.1:%d", http_server_port(registry->server));
	buffer_open(&registry->schema, 1 << 20);
	buffer_string(&registry->schema, "{\"schema\":");
	json_write_string(&registry->schema, text_of(schema_json("request")));
	buffer_byte(&registry->schema, '}');
	assert_int_equal(pthread_create(&registry->thread, NULL, registry_run, registry), 0);
}

static void registry_stop(struct fake_registry *registry)
{
	registry->over = true;
	pthread_join(registry->thread, NULL);
	http_server_close(registry->server);
	loop_close(registry->loop);
	buffer_close(&registry->schema);
}

/* A request as Confluent's clients frame it: the number of its schema, then the record. */
static void ask_by_number(struct stand *stand, const char *id)
{
	static const unsigned char frame[] = {0, 0, 0, 0, SCHEMA_NUMBER};
	static const int64_t shape[] = {1};
	const size_t single_object = 10;
	struct arena *arena = arena_open(1 << 20);
	struct buffer bytes;
	struct error error = {0};
	int32_t *element;
	struct tensor *tensor = tensor_make(arena, TEXT("x"), DATATYPE_INT32, shape, 1, (void **)&element, &error);
	assert_non_null(tensor);
	*element = 21;
	const struct tensor *tensors[] = {tensor};
	const struct payload payload = {.tensors = {1, tensors}};
	const struct message message = {.arena = arena, .id = text_of(id)};
	buffer_open(&bytes, 1 << 20);
	assert_true(avro_request_encode(&message, &payload, &bytes, &error));
	char *value = bytes.bytes + single_object - sizeof frame;
	memcpy(value, frame, sizeof frame);
	assert_int_equal(rd_kafka_produce(stand->mock.in, 0, RD_KAFKA_MSG_F_COPY, value,
					  bytes.length - single_object + sizeof frame, NULL, 0, NULL),
			 0);
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), 0);
	buffer_close(&bytes);
	arena_close(arena);
}

static void a_record_whose_schema_is_asked_for_waits_in_its_place(void **state)
{
	struct stand *stand = *state;
	static struct fake_registry registry;
	registry_start(&registry);
	stand_configure(stand, doubles);
	stand->config.registry = (struct registry_config){.url = registry.url};
	stand_start(stand);
	ask_by_number(stand, "first");
	stand_ask(stand, "second", 1, NULL, NULL);
	for (unsigned waited_ms = 0; registry.asked < 2 && waited_ms < MOCK_WAIT_MS; waited_ms += 10)
		usleep(10000); /* it is asked again while it does not know */
	registry.knows = true;
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	static const unsigned char answer_frame[] = {0, 0, 0, 0, 12};
	assert_true(record_says(answer, "first"));
	assert_memory_equal(answer->payload, answer_frame, sizeof answer_frame);
	answer = mock_read(&stand->mock);
	assert_true(record_says(answer, "second"));
	struct worker_counts counts = stand_stop(stand);
	assert_int_equal(counts.answered, 2);
	assert_int_equal(counts.failed, 0);
	registry_stop(&registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_answer_leaves_under_the_key_and_id_of_its_request),
		STORY(an_answer_names_its_request_by_an_id_or_by_its_origin),
		STORY(at_least_once_every_answer_leaves_and_its_offset_follows),
		STORY(at_least_once_a_lost_connection_loses_nothing),
		STORY(at_least_once_a_producer_that_stops_is_replaced),
		STORY(at_least_once_three_producers_within_a_minute_are_replaced),
		STORY(at_least_once_a_fourth_producer_within_a_minute_ends_the_worker),
		STORY(a_header_stands_where_the_request_had_it),
		STORY(a_header_that_a_step_set_stands_beside_those_of_the_request),
		STORY(bad_input_is_answered_and_stops_nobody),
		STORY(bad_input_is_kept_as_a_dead_letter_beside_its_answer),
		STORY(a_full_producer_doubles_no_dead_letter),
		STORY(a_model_that_is_away_may_be_a_dead_letter_that_names_it),
		STORY(a_deadline_that_has_passed_is_answered_and_not_kept),
		STORY(errors_that_are_not_to_be_answered_are_kept_only),
		STORY(an_answer_leaves_in_the_format_that_the_pipeline_says),
		STORY(fields_of_an_event_become_tensors_where_the_pipeline_maps_them),
		STORY(a_deadline_that_has_passed_is_a_limit),
		STORY(a_dropped_message_leaves_no_answer_but_its_offset_moves_on),
		STORY(a_call_that_cannot_begin_is_an_error_of_its_message),
		STORY(a_worker_for_which_memory_runs_out_is_not_opened_and_leaves_nothing),
		STORY(while_a_transaction_ends_no_more_is_taken_than_stays_warm),
		STORY(while_the_producer_is_full_no_more_is_taken_than_stays_warm),
		STORY(after_a_doubt_the_worker_goes_on_from_what_is_committed),
		STORY(a_record_whose_schema_is_asked_for_waits_in_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
