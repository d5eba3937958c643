/* The commands that talk to what `sluice run` runs, on the mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/http/http_server.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define INPUTS "sluice.default.pipeline.p.inputs"
#define TENSOR(value) "[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[" value "]}]"
#define ANSWER(value) "{\"outputs\":" TENSOR(value) "}"
#define REQUEST(value) "{\"inputs\":" TENSOR(value) "}"

static char requests[] = "/tmp/sluice-talk-XXXXXX";
static char pipeline[] = "/tmp/sluice-spec-XXXXXX";

/* The signal that ends an engine is left to it by every thread, the mock's among them. */
static int make_files(void **state)
{
	(void)state;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	int first = mkstemp(requests), second = mkstemp(pipeline);
	return first < 0 || second < 0 || close(first) || close(second);
}

static int remove_files(void **state)
{
	(void)state;
	return unlink(requests) || unlink(pipeline);
}

static struct said talk(const struct mock *mock, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct said talk(const struct mock *mock, const char *format, ...)
{
	char line[600];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	snprintf(line + length, sizeof line - (size_t)length, " --brokers %s", mock ? mock->brokers : "127.0.0.1:1");
	return say_with(step_kinds, line);
}

static void expect_header(const rd_kafka_message_t *message, const char *name, const char *wanted)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t length;
	assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
	assert_int_equal(rd_kafka_header_get_last(headers, name, &value, &length), 0);
	assert_int_equal(length, strlen(wanted));
	assert_memory_equal(value, wanted, length);
}

static void expect_body(const rd_kafka_message_t *message, const char *wanted)
{
	assert_int_equal(message->len, strlen(wanted));
	assert_memory_equal(message->payload, wanted, message->len);
}

/* ---- produce ---- */

/* The mock is read from `out`, so that is what the pipeline reads here. */
static void read_by_out(void)
{
	write_file(pipeline, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
			     "  input: {topic: out}\n  steps:\n  - {name: twice, expression: {set: {x: x * 2}}}\n"
			     "  output: {steps: [twice], topic: in}\n");
}

static void lines_are_produced_as_they_are_or_with_what_goes_around_them(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	write_file(requests, REQUEST("1") "\n\n{\"id\": \"r2\", \"key\": \"k\", \"headers\": {\"tier\": \"fast\"}, "
					  "\"request\": " REQUEST("2") "}\n" REQUEST("3"));
	struct said said = talk(&mock, "produce p %s -f %s", requests, pipeline);
	assert_string_equal(said.err, "");
	assert_string_equal(said.out, "3 acknowledged by out, 0 refused\n");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	const rd_kafka_message_t *message = mock_read(&mock);
	expect_body(message, REQUEST("1"));
	message = mock_read(&mock);
	expect_body(message, REQUEST("2"));
	expect_header(message, "x-request-id", "r2");
	expect_header(message, "tier", "fast");
	assert_int_equal(message->key_len, 1);
	assert_memory_equal(message->key, "k", 1);
	message = mock_read(&mock);
	expect_body(message, REQUEST("3"));
	mock_close(&mock);
}

static void a_line_that_is_refused_is_named_and_the_rest_go_on(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	write_file(requests, "{\"inputs\": [}\n[1]\n{\"id\": 7, \"request\": {}}\n" REQUEST("4") "\n");
	struct said said = talk(&mock, "produce p %s -f %s", requests, pipeline);
	expect_words(said.err, "line 1: the line is not JSON");
	expect_words(said.err, "line 2: the line is not a JSON object");
	expect_words(said.err, "line 3: `id` must be a string");
	assert_string_equal(said.out, "1 acknowledged by out, 3 refused\n");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	const rd_kafka_message_t *message = mock_read(&mock);
	expect_body(message, REQUEST("4"));
	mock_close(&mock);
}

/* However small the batch: until it has one to itself. */
static void what_the_broker_refuses_is_named_too(void **state)
{
	enum { REFUSALS = 12 };
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	write_file(requests, REQUEST("1") "\n");
	for (int i = 0; i < REFUSALS; i++)
		rd_kafka_mock_push_request_errors(mock.cluster, 0 /* Produce */, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	struct said said = talk(&mock, "produce p %s -f %s", requests, pipeline);
	expect_words(said.err, "line 1: the request has 67 bytes, and max.message.bytes of topic out is less; raise it");
	assert_string_equal(said.out, "0 acknowledged by out, 1 refused\n");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	mock_close(&mock);
}

/* A request of so many bytes, with blanks in it. */
static void write_request_of(size_t bytes)
{
	char request[2048];
	assert_true(bytes < sizeof request);
	memset(request, ' ', bytes);
	memcpy(request, REQUEST("1"), strlen(REQUEST("1")) - 1);
	request[bytes - 1] = '}';
	request[bytes] = 0;
	write_file(requests, request);
}

/* librdkafka counts some bytes for the record itself. */
static void a_request_that_is_too_large_has_its_size_and_the_limit(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	write_request_of(1000);
	struct said said = talk(&mock, "produce p %s -f %s --kafka-setting message.max.bytes=1000", requests, pipeline);
	expect_words(said.err, "line 1: the request has 1000 bytes, too many for message.max.bytes of the producer, which is 1000; "
			       "raise it by --kafka-setting message.max.bytes=2024, and max.message.bytes of topic out");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	said = talk(&mock, "produce p %s -f %s --kafka-setting message.max.bytes=2024", requests, pipeline);
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	said = talk(&mock, "infer p -f %s --pipelines %s --kafka-setting message.max.bytes=1000", requests, pipeline);
	expect_words(said.err, "the request has 1076 bytes, too many for message.max.bytes of the producer, which is 1000");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	mock_close(&mock);
}

static void requests_are_sent_in_the_format_that_is_asked_for(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	write_file(requests, REQUEST("7") "\n{\"headers\": {\"content-type\": \"application/json\"}, \"request\": " REQUEST(
				     "7") "}\n[1]\n");
	struct said said = talk(&mock, "produce p %s -f %s --request-format avro", requests, pipeline);
	assert_string_equal(said.out, "2 acknowledged by out, 1 refused\n");
	said_close(&said);
	for (int i = 0; i < 2; i++) {
		const rd_kafka_message_t *message = mock_read(&mock);
		expect_header(message, "content-type", "application/avro");
		assert_memory_equal(message->payload, "\xc3\x01", 2);
	}
	said = talk(&mock, "produce p %s -f %s --request-format binary", requests, pipeline);
	assert_string_equal(said.out, "2 acknowledged by out, 1 refused\n");
	said_close(&said);
	const rd_kafka_message_t *message = mock_read(&mock);
	assert_true(message->len > 4);
	assert_memory_equal((const char *)message->payload + message->len - 4, "\7\0\0\0", 4);
	mock_close(&mock);
}

/* As after a restart of a broker that has another idea of what came last. */
static void a_producer_that_has_come_to_its_end_is_replaced(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	write_file(requests, "{\"id\": \"r1\", \"key\": \"k\", \"headers\": {\"tier\": \"fast\"}, \"request\": " REQUEST(
				     "1") "}\n" REQUEST("2") "\n" REQUEST("3") "\n");
	rd_kafka_mock_push_request_errors(mock.cluster, 0 /* Produce */, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	struct said said = talk(&mock, "produce p %s -f %s", requests, pipeline);
	assert_string_equal(said.out, "3 acknowledged by out, 0 refused\n");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	const rd_kafka_message_t *message = mock_read(&mock);
	expect_body(message, REQUEST("1"));
	expect_header(message, "x-request-id", "r1");
	expect_header(message, "tier", "fast");
	assert_int_equal(message->key_len, 1);
	message = mock_read(&mock);
	expect_body(message, REQUEST("2"));
	assert_int_equal(message->key_len, 0);
	message = mock_read(&mock);
	expect_body(message, REQUEST("3"));
	mock_close(&mock);
}

static void a_producer_that_ends_again_and_again_names_what_it_could_not_send(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	write_file(requests, REQUEST("1") "\n" REQUEST("2") "\n");
	rd_kafka_mock_push_request_errors(mock.cluster, 0 /* Produce */, 4, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
					  RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
					  RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
					  RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	struct said said = talk(&mock, "produce p %s -f %s", requests, pipeline);
	expect_words(said.err, "line 1: Kafka's producer failed repeatedly");
	expect_words(said.err, "line 2: ");
	assert_string_equal(said.out, "0 acknowledged by out, 2 refused\n");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	mock_close(&mock);
}

static void topics_have_the_names_of_the_rule_without_files(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, INPUTS, 2, 1);
	write_file(requests, REQUEST("1") "\n");
	struct said said = talk(&mock, "produce p %s", requests);
	assert_string_equal(said.out, "1 acknowledged by " INPUTS ", 0 refused\n");
	said_close(&said);
	said = talk(&mock, "produce p %s -o json", requests);
	assert_string_equal(said.out, "{\"topic\": \"" INPUTS "\", \"acknowledged\": 1, \"refused\": 0}\n");
	said_close(&said);
	said = talk(&mock, "produce p %s -n other", requests);
	expect_words(said.err, "topic sluice.other.pipeline.p.inputs does not exist");
	expect_words(said.err, "--topics create");
	assert_int_not_equal(said.code, EXIT_GOOD);
	said_close(&said);
	mock_close(&mock);
}

static void what_cannot_be_meant_is_refused_before_kafka_is_asked(void **state)
{
	(void)state;
	read_by_out();
	static const struct {
		const char *line, *words;
	} rows[] = {
		{"produce p.twice", "`p.twice` is one of its steps"},
		{"produce p /nowhere/at/all", "cannot be read"},
		{"produce q /dev/null", "the files have no pipeline `q`"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct said said = talk(NULL, "%s -f %s", rows[i].line, pipeline);
		expect_words(said.err, rows[i].words);
		assert_int_equal(said.code, EXIT_MISUSE);
		said_close(&said);
	}
	struct said said = say_with(step_kinds, "produce p /dev/null");
	expect_words(said.err, "the address of Kafka is missing");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
}

/* ---- tail ---- */

static void write_answers(struct mock *mock)
{
	read_by_out(); /* answers leave to `in`, where the mock can write */
	mock_write(mock, "k", ANSWER("1"), "x-request-id", "first");
	mock_write(mock, NULL, "{\"error\":\"no such luck\"}", "sluice-error", "INPUT");
	mock_write(mock, NULL, ANSWER("3"), "x-request-id", "third");
	mock_write(mock, NULL, "what is this", NULL, NULL);
}

static void answers_are_shown_with_their_tensors_and_errors_with_their_words(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	write_answers(&mock);
	struct said said = talk(&mock, "tail p -f %s --from beginning --count 4", pipeline);
	assert_string_equal(said.err, "");
	assert_string_equal(said.out, "first  0:0\n  x  INT32[1]  [1]\n"
				      "  0:1\n  error INPUT \"no such luck\"\n"
				      "third  0:2\n  x  INT32[1]  [3]\n"
				      "  0:3\n  \"what is this\"\n");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	mock_close(&mock);
}

static void an_expression_chooses_and_what_it_cannot_be_said_of_is_counted(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	write_answers(&mock);
	struct said said = talk(&mock, "tail p -f %s --from beginning --where x>2 --idle 1s -o json", pipeline);
	expect_words(said.out, "{\"id\": \"third\", \"partition\": 0, \"offset\": 2, \"time_ms\": 1000, \"response\": {");
	assert_null(strstr(said.out, "first"));
	expect_words(said.out, "\"data\":[3]");
	const char *const first = strstr(said.err, "fails is left out, and so are later ones: tensor `x` is missing");
	const char *const all = strstr(said.err, "2 answers for which --where fails were left out");
	assert_true(first && all && first < all);
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	mock_close(&mock);
}

/* A registry that knows one schema, which is not ours. */
struct registry {
	struct loop *loop;
	struct http_server *server;
	atomic_uint asked;
	atomic_bool over;
};

static void on_asked(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	struct registry *registry = context;
	(void)method, (void)body;
	bool known = text_is(path, "/schemas/ids/7");
	registry->asked += known;
	http_server_answer(asked, known ? 200 : 404, "application/json",
			   known ? TEXT("{\"schema\": \"{\\\"type\\\": \\\"string\\\"}\"}") : TEXT("{}"), NULL, 0);
}

static void *registry_run(void *context)
{
	struct registry *registry = context;
	while (!registry->over)
		(void)loop_turn(registry->loop, 20, &(struct error){0});
	return NULL;
}

static void tail_asks_the_registry_for_schemas(void **state)
{
	(void)state;
	static char foreign[] = "\0\0\0\0\7\10\xff\xfe\xfd\xfc";
	struct mock mock;
	struct registry registry = {.loop = loop_open(&(struct error){0})};
	const struct http_server_config config = {.body_bytes = 1000, .connections = 10, .called = on_asked, .context = &registry};
	pthread_t thread;
	char text[1000];
	mock_open(&mock);
	registry.server = http_server_open(registry.loop, &config, &(struct error){0});
	assert_non_null(registry.server);
	int port = http_server_port(registry.server);
	assert_int_equal(pthread_create(&thread, NULL, registry_run, &registry), 0);
	snprintf(text, sizeof text,
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		 "  steps:\n  - {name: twice, expression: {set: {x: x * 2}}}\n  output: {steps: [twice], topic: in}\n---\n"
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\n"
		 "spec: {config: {kafkaConfig: {schemaRegistry: {url: \"http://127.0.0.1:%d\"}}}}\n",
		 port);
	write_file(pipeline, text);
	assert_int_equal(rd_kafka_produce(mock.in, 0, RD_KAFKA_MSG_F_COPY, foreign, sizeof foreign - 1, NULL, 0, NULL), 0);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	struct said said = talk(&mock, "tail p -f %s --from beginning --count 1", pipeline);
	registry.over = true;
	pthread_join(thread, NULL);
	assert_string_equal(said.err, "");
	expect_words(said.out, "10 bytes that are not an answer in a known format");
	assert_int_equal(registry.asked, 1);
	said_close(&said);
	http_server_close(registry.server);
	loop_close(registry.loop);
	mock_close(&mock);
}

static void tail_begins_at_the_end_unless_told_otherwise(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	write_answers(&mock);
	struct said said = talk(&mock, "tail p -f %s --idle 700ms", pipeline);
	assert_string_equal(said.out, "");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	mock_close(&mock);
}

static void what_tail_cannot_read_is_refused(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	struct said said = talk(&mock, "tail p --where x>");
	expect_words(said.err, "--where, column");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	said = talk(&mock, "tail p.twice -f %s", pipeline);
	expect_words(said.err, "pipeline `p` writes no topic of a step `twice`");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	rd_kafka_mock_topic_set_error(mock.cluster, "sluice.default.pipeline.p.step.twice.outputs",
				      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	said = talk(&mock, "tail p.twice");
	expect_words(said.err, "topic sluice.default.pipeline.p.step.twice.outputs cannot be read");
	assert_int_not_equal(said.code, EXIT_GOOD);
	said_close(&said);
	mock_close(&mock);
}

/* ---- infer ---- */

struct engine {
	char line[400];
	struct said said;
	pthread_t thread;
};

static void *run_engine(void *context)
{
	struct engine *engine = context;
	engine->said = say_with(step_kinds, engine->line);
	return NULL;
}

/* `sluice run` on the mock, in a thread; the pipeline reads `in` and answers to `out`. */
static void engine_start(struct engine *engine, struct mock *mock)
{
	rd_kafka_mock_topic_create(mock->cluster, "sluice.default.pipeline.p.errors", 1, 1);
	write_file(pipeline, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
			     "  delivery: at-least-once\n  input: {topic: in}\n"
			     "  steps:\n  - {name: twice, expression: {set: {x: x * 2}}}\n"
			     "  output: {steps: [twice], topic: out}\n");
	*engine = (struct engine){0};
	snprintf(engine->line, sizeof engine->line, "run %s --brokers %s --topics check --instance one", pipeline, mock->brokers);
	assert_int_equal(pthread_create(&engine->thread, NULL, run_engine, engine), 0);
	/* Once it answers it has its signals in hand. */
	mock_write(mock, NULL, REQUEST("1"), NULL, NULL);
	(void)mock_read(mock);
}

static void engine_stop(struct engine *engine)
{
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(pthread_join(engine->thread, NULL), 0);
	assert_int_equal(engine->said.code, EXIT_GOOD);
	said_close(&engine->said);
}

static void a_request_gets_its_own_answer(void **state)
{
	(void)state;
	struct mock mock;
	struct engine engine;
	mock_open(&mock);
	engine_start(&engine, &mock);
	write_file(requests, REQUEST("21"));
	struct said said = talk(&mock, "infer p -f %s --pipelines %s --id mine", requests, pipeline);
	assert_string_equal(said.err, "");
	assert_string_equal(said.out, "mine  0:1\n  x  INT64[1]  [42]\n");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	said = talk(&mock, "infer p -f %s --pipelines %s -o json", requests, pipeline);
	expect_words(said.out, "{\"id\": \"infer-");
	expect_words(said.out, "\"data\":[42]");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	said = talk(&mock, "infer p --tensor x=tests/data/npy/one.npy --pipelines %s --id array", pipeline);
	assert_string_equal(said.err, "");
	assert_string_equal(said.out, "array  0:3\n  x  INT64[1]  [42]\n");
	said_close(&said);
	write_file(requests, "{\"inputs\":[]}");
	said = talk(&mock, "infer p -f %s --pipelines %s", requests, pipeline);
	expect_words(said.err, "error: the request has an empty list of inputs");
	assert_string_equal(said.out, "");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	engine_stop(&engine);
	mock_close(&mock);
}

static void rows_of_files_are_requests(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	struct said said = talk(&mock, "produce p --tensor x=tests/data/npy/fp32.npy -f %s", pipeline);
	assert_string_equal(said.out, "2 acknowledged by out, 0 refused\n");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	const rd_kafka_message_t *message = mock_read(&mock);
	assert_memory_equal(message->payload, "\xc3\x01", 2);
	said = talk(&mock, "produce p --tensor x=tests/data/npy/empty.npy -f %s", pipeline);
	assert_string_equal(said.out, "0 acknowledged by out, 0 refused\n");
	said_close(&said);
	said = talk(&mock, "produce p %s --tensor x=tests/data/npy/fp32.npy", requests);
	expect_words(said.err, "and by --tensor too; choose one");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	said = talk(&mock, "produce p --tensor x=tests/data/npy/scalar.npy -f %s", pipeline);
	expect_words(said.err, "tensor x is a single number, and each request is a row");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	mock_close(&mock);
}

static void a_tensor_that_cannot_be_read_is_not_sent(void **state)
{
	static const struct {
		const char *options, *words;
		int code;
	} rows[] = {
		{"--tensor x", "`--tensor x` is not a name and a file; write it as in --tensor features=batch.npy", EXIT_MISUSE},
		{"--tensor =a.npy", "is not a name and a file", EXIT_MISUSE},
		{"--tensor x=tests/data/npy/one.npy --tensor x=tests/data/npy/one.npy", "has the name x twice", EXIT_MISUSE},
		{"--tensor x=/nowhere.npy", "/nowhere.npy", EXIT_MISUSE},
		{"--tensor x=tests/data/npy/complex.npy", "the file of tensor x has elements of type `<c16`", EXIT_FAULTS},
		{"--tensor x=tests/data/npy/one.npy -f other.json", "by --file, and by --tensor too; choose one", EXIT_MISUSE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct said said = talk(NULL, "infer p %s", rows[i].options);
		expect_words(said.err, rows[i].words);
		assert_int_equal(said.code, rows[i].code);
		said_close(&said);
	}
}

static void without_an_engine_no_answer_comes_in_time(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	read_by_out();
	write_file(requests, REQUEST("1"));
	struct said said = talk(&mock, "infer p -f %s --pipelines %s --timeout 3s", requests, pipeline);
	expect_words(said.err, "came in time; does `sluice run` run the pipeline");
	assert_int_equal(said.code, EXIT_FAULTS);
	said_close(&said);
	said = talk(&mock, "infer p");
	expect_words(said.err, "the request is missing");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_produced_as_they_are_or_with_what_goes_around_them),
		cmocka_unit_test(a_line_that_is_refused_is_named_and_the_rest_go_on),
		cmocka_unit_test(what_the_broker_refuses_is_named_too),
		cmocka_unit_test(a_request_that_is_too_large_has_its_size_and_the_limit),
		cmocka_unit_test(requests_are_sent_in_the_format_that_is_asked_for),
		cmocka_unit_test(a_producer_that_has_come_to_its_end_is_replaced),
		cmocka_unit_test(a_producer_that_ends_again_and_again_names_what_it_could_not_send),
		cmocka_unit_test(topics_have_the_names_of_the_rule_without_files),
		cmocka_unit_test(what_cannot_be_meant_is_refused_before_kafka_is_asked),
		cmocka_unit_test(answers_are_shown_with_their_tensors_and_errors_with_their_words),
		cmocka_unit_test(an_expression_chooses_and_what_it_cannot_be_said_of_is_counted),
		cmocka_unit_test(tail_asks_the_registry_for_schemas),
		cmocka_unit_test(tail_begins_at_the_end_unless_told_otherwise),
		cmocka_unit_test(what_tail_cannot_read_is_refused),
		cmocka_unit_test(a_request_gets_its_own_answer),
		cmocka_unit_test(rows_of_files_are_requests),
		cmocka_unit_test(a_tensor_that_cannot_be_read_is_not_sent),
		cmocka_unit_test(without_an_engine_no_answer_comes_in_time),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
