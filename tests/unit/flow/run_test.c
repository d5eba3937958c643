/* `sluice run`: what it refuses before anything starts, and one engine on the mock of a
 * broker. It runs in a thread, by pthread_create(), and is told to stop by a signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/listen.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define PIPELINE "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
#define RUNTIME "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nspec: {config: {"
#define DOUBLES "  steps:\n  - {name: twice, expression: {set: {x: x * 2}}}\n  output: {steps: [twice]}\n"

static char file[] = "/tmp/sluice-run-XXXXXX";

static int make_file(void **state)
{
	(void)state;
	int descriptor = mkstemp(file);
	return descriptor < 0 || close(descriptor);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

/* Refused with these words, and so quickly that nobody was asked: nothing listens there. */
static void expect_refusal(const char *text, const char *more, const char *words)
{
	char line[400];
	write_file(file, text);
	snprintf(line, sizeof line, "run -f %s %s", file, more);
	struct said said = say_with(step_kinds, line);
	if (!strstr(said.err, words))
		fail_msg("\"%s\" is not in: %s", words, said.err);
	assert_int_not_equal(said.code, EXIT_GOOD);
	said_close(&said);
}

#define BROKERS "--brokers 127.0.0.1:1"

static void ports_of_several_namespaces_are_apart(void **state)
{
	(void)state;
	static const struct {
		const char *ports, *words;
	} rows[] = {
		{"--http 8080 --grpc 8081", "--http 8080 and --grpc 8081 are too near: 2 namespaces have as many ports of each"},
		{"--http 8080 --grpc 8080 --metrics 0.0.0.0:8079", "--http 8080 and --metrics 8079 are too near"},
		{"--http 65535", "--http 65535 leaves no port for the last of 2 namespaces; give a lower one"},
		{"--metrics here", "`--metrics here` is no address"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char line[400];
		(void)snprintf(line, sizeof line, "run --control --namespaces a,b %s " BROKERS, rows[i].ports);
		struct said said = say_with(step_kinds, line);
		if (!strstr(said.err, rows[i].words))
			fail_msg("\"%s\" is not in: %s", rows[i].words, said.err);
		assert_int_equal(said.code, EXIT_MISUSE);
		said_close(&said);
	}
}

static void what_cannot_run_yet_is_refused_with_its_reason(void **state)
{
	(void)state;
	static const struct {
		const char *spec, *words;
	} rows[] = {
		{"  steps:\n  - {name: watch, drift: {reference: no-such}}\n  output: {steps: [watch]}\n",
		 "no-such cannot be read"},
		{"  steps:\n  - {name: a}\n  output: {steps: [a]}\n", "model `a` has no endpoint"},
		{"  steps:\n  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a], format: yaml}\n",
		 "output.format `yaml` is not a format"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[1000];
		snprintf(text, sizeof text, PIPELINE "%s", rows[i].spec);
		expect_refusal(text, BROKERS, rows[i].words);
	}
}

static void a_name_or_an_amount_that_no_engine_can_have_is_refused(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"--memory 99999999999Ti", "--memory is at most 1024Ti"},
		{"--memory 1025Ti", "--memory is at most 1024Ti"},
		{"--state-memory 1025Ti", "--state-memory is at most 1024Ti"},
		{"--state-memory 0", "--state-memory is 0"},
		{"--instance=", "--instance is empty"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char more[100];
		snprintf(more, sizeof more, BROKERS " %s", rows[i][0]);
		expect_refusal(PIPELINE DOUBLES, more, rows[i][1]);
	}
}

static void a_model_without_a_server_is_refused(void **state)
{
	(void)state;
	expect_refusal(PIPELINE "  steps:\n  - {name: a, model: {storageUri: \"stub://add10\"}}\n  output: {steps: [a]}\n", BROKERS,
		       "stub://add10, a stub, which is not a server; serve it by `sluice models serve`, and give --server a=");
}

static void all_models_without_an_endpoint_are_named_with_the_field_to_write(void **state)
{
	(void)state;
#define DEPLOYMENT(name)                                                                                                           \
	"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: " name "}\nspec:\n"                    \
	"  predictors: [{name: p, graph: {name: node, type: TRANSFORMER, children: [{name: last}]}}]\n---\n"
	expect_refusal(DEPLOYMENT("one") DEPLOYMENT("other"), BROKERS,
		       "model `one/node` has no endpoint: there is no Server among the files; write `endpoint: {service_host: "
		       "HOST, service_port: PORT}` in the node `node`, or give --server one/node=http://HOST:PORT; nor have "
		       "`one/last`, `other/node`, `other/last`");
	expect_refusal(PIPELINE "  steps: [{name: a}, "
				"{name: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb}, "
				"{name: ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc}, "
				"{name: ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd}]\n",
		       BROKERS, "nor have `bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, "
				"`ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc` and 1 more, which "
				"`sluice plan` lists");
}

static void two_readers_of_one_topic_are_refused(void **state)
{
	(void)state;
	expect_refusal(PIPELINE "  input: {topic: t}\n" DOUBLES
				"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\nspec:\n"
				"  input: {topic: t}\n" DOUBLES,
		       BROKERS,
		       "pipelines `p` and `q` read the same topic `t` in one group, so each would receive only a part of its "
		       "records; let `q` read the inputs of `p`, by `externalInputs: [p.inputs]`");
}

static void protection_that_is_not_in_force_is_refused_unless_it_is_said(void **state)
{
	(void)state;
	static const char asks[] = PIPELINE DOUBLES RUNTIME
		"kafkaConfig: {bootstrap.servers: \"127.0.0.1:1\", consumer: {debug: nonsense}, producer: {debug: nonsense}}, "
		"securityConfig: {encryption: {enabled: true}}}}\n";
	expect_refusal(asks, "", "--insecure-ignore-security");
	expect_refusal(asks, "--insecure-ignore-security", "nonsense"); /* goes on to the next obstacle */
}

static void settings_of_librdkafka_are_passed_through(void **state)
{
	(void)state;
	expect_refusal(PIPELINE DOUBLES RUNTIME
		       "kafkaConfig: {bootstrap.servers: \"127.0.0.1:1\", producer: {compression.type: nonsense}}}}\n",
		       "", "refuses compression.type");
}

static void without_brokers_it_asks_where_kafka_is(void **state)
{
	(void)state;
	expect_refusal(PIPELINE DOUBLES, "", "the address of Kafka is missing");
	expect_refusal(PIPELINE DOUBLES RUNTIME "kafkaConfig: {enabled: false}}}\n", "", "kafkaConfig.enabled is false");
	expect_refusal(RUNTIME "kafkaConfig: {}}}\n", "", "there is no pipeline");
}

/* ---- on the mock ---- */

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

static void block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

#define BINDS "  delivery: at-least-once\n  input: {topic: in}\n"
#define ANSWERS "  output: {steps: [a], topic: out}\n"

static void engine_start(struct engine *engine, struct mock *mock, const char *text)
{
	block_signals();
	mock_open(mock);
	rd_kafka_mock_topic_create(mock->cluster, "sluice.default.pipeline.p.errors", 1, 1);
	write_file(file, text);
	snprintf(engine->line, sizeof engine->line, "run %s --brokers %s --topics check --instance one", file, mock->brokers);
	assert_int_equal(pthread_create(&engine->thread, NULL, run_engine, engine), 0);
}

static void engine_stop(struct engine *engine, struct mock *mock)
{
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(pthread_join(engine->thread, NULL), 0);
	assert_int_equal(engine->said.code, EXIT_GOOD);
	mock_close(mock);
}

/* What it makes of 21. */
static void ask(struct mock *mock, char *answer, size_t size)
{
	mock_write(mock, "key", "{\"id\":\"r\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[21]}]}",
		   NULL, NULL);
	const rd_kafka_message_t *record = mock_read(mock);
	snprintf(answer, size, "%.*s", (int)record->len, (const char *)record->payload);
}

static void an_engine_answers_until_it_is_told_to_stop(void **state)
{
	(void)state;
	struct mock mock;
	struct engine engine = {0};
	char answer[400];
	engine_start(&engine, &mock, PIPELINE BINDS "  steps:\n  - {name: a, expression: {set: {x: x * 2}}}\n" ANSWERS);
	ask(&mock, answer, sizeof answer);
	assert_non_null(strstr(answer, "[42]"));
	engine_stop(&engine, &mock);
	assert_string_equal(engine.said.out, "");
	assert_non_null(strstr(engine.said.err,
			       "p: reads in, answers to out, dead letters to sluice.default.pipeline.p.errors; at least once"));
	assert_non_null(strstr(engine.said.err, "p: ended; taken 1, released 1, answered 1"));
	said_close(&engine.said);
}

/* Until it says so: nothing else tells when the files were read. */
static void ask_until(struct mock *mock, const char *words)
{
	char answer[400];
	for (int tries = 0; tries < 1000; tries++) {
		ask(mock, answer, sizeof answer);
		if (strstr(answer, words))
			return;
	}
	fail_msg("no answer says %s; the last: %s", words, answer);
}

static void wait_until_taken(int number)
{
	sigset_t pending;
	for (int tries = 0; tries < 2000; tries++) {
		assert_int_equal(sigpending(&pending), 0);
		if (!sigismember(&pending, number))
			return;
		usleep(10000);
	}
	fail_msg("the signal %d is not taken", number);
}

static void files_are_read_again_and_those_with_faults_change_nothing(void **state)
{
	(void)state;
	struct mock mock;
	struct engine engine = {0};
	engine_start(&engine, &mock, PIPELINE BINDS "  steps:\n  - {name: a, expression: {set: {x: x * 2}}}\n" ANSWERS);
	ask_until(&mock, "[42]");
	write_file(file, PIPELINE BINDS "  steps:\n  - {name: a, expression: {set: {x: x * 3}}}\n" ANSWERS);
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	ask_until(&mock, "[63]");
	write_file(file, PIPELINE BINDS "  steps:\n  - {name: a, expression: {set: {x: x *}}}\n" ANSWERS);
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	wait_until_taken(SIGHUP);
	usleep(300000); /* the files are read at once then */
	write_file(file, PIPELINE BINDS "  steps:\n  - {name: a, expression: {set: {x: x * 4}}}\n" ANSWERS);
	ask_until(&mock, "[63]");
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	ask_until(&mock, "[84]");
	engine_stop(&engine, &mock);
	assert_non_null(strstr(engine.said.err, "p: changed; requests in flight finish with the former version"));
	assert_non_null(strstr(engine.said.err, "The running version is unchanged"));
	assert_non_null(strstr(engine.said.err, "expression"));
	said_close(&engine.said);
}

/* A server that takes a request and answers two bytes a second: what it has cannot be waited for. */
struct trickle {
	int listener, port;
	atomic_bool over;
	atomic_int model_requests;
	pthread_t thread;
};

static void *trickle_serve(void *context)
{
	struct trickle *trickle = context;
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
	while (!atomic_load(&trickle->over)) {
		struct pollfd wanted = {.fd = trickle->listener, .events = POLLIN};
		int model_request = poll(&wanted, 1, 50) > 0 ? accept(trickle->listener, NULL, NULL) : -1;
		if (model_request < 0)
			continue;
		atomic_fetch_add(&trickle->model_requests, 1);
		bool there = send(model_request, head, sizeof head - 1, MSG_NOSIGNAL) > 0;
		while (there && !atomic_load(&trickle->over)) {
			poll(NULL, 0, 500);
			there = send(model_request, "x", 1, MSG_NOSIGNAL) == 1;
		}
		close(model_request);
	}
	return NULL;
}

static void trickle_open(struct trickle *trickle)
{
	struct error error = {0};
	*trickle = (struct trickle){0};
	trickle->listener = listen_open("127.0.0.1", &trickle->port, &error);
	assert_true(trickle->listener >= 0);
	assert_int_equal(pthread_create(&trickle->thread, NULL, trickle_serve, trickle), 0);
}

static void trickle_close(struct trickle *trickle)
{
	atomic_store(&trickle->over, true);
	pthread_join(trickle->thread, NULL);
	close(trickle->listener);
}

static void write_slow_file(const struct trickle *trickle)
{
	char text[600];
	snprintf(text, sizeof text,
		 PIPELINE BINDS "  steps:\n  - {name: a, model: {local: \"http://127.0.0.1:%d/tree.json\"}}\n" ANSWERS,
		 trickle->port);
	write_file(file, text);
}

static void wait_for_visitors(const struct trickle *trickle, int model_requests)
{
	for (int tries = 0; tries < 1000 && atomic_load(&trickle->model_requests) < model_requests; tries++)
		usleep(10000);
	assert_int_equal(atomic_load(&trickle->model_requests), model_requests);
}

static void read_again_with_a_slow_file(const struct trickle *trickle, int model_requests)
{
	write_slow_file(trickle);
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	wait_for_visitors(trickle, model_requests);
}

/* The fetch would last ten seconds, until its server is found too slow. */
static void a_slow_file_keeps_nobody_from_signals(void **state)
{
	(void)state;
	struct mock mock;
	struct engine engine = {0};
	struct trickle trickle;
	trickle_open(&trickle);
	engine_start(&engine, &mock, PIPELINE BINDS "  steps:\n  - {name: a, expression: {set: {x: x * 2}}}\n" ANSWERS);
	ask_until(&mock, "[42]");
	read_again_with_a_slow_file(&trickle, 1);
	ask_until(&mock, "[42]");
	int64_t began_ms = clock_ms();
	write_file(file, PIPELINE BINDS "  steps:\n  - {name: a, expression: {set: {x: x * 3}}}\n" ANSWERS);
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	ask_until(&mock, "[63]");
	assert_in_range(clock_ms() - began_ms, 0, 4000);
	read_again_with_a_slow_file(&trickle, 2);
	began_ms = clock_ms();
	engine_stop(&engine, &mock);
	assert_in_range(clock_ms() - began_ms, 0, 4000);
	said_close(&engine.said);
	trickle_close(&trickle);
}

static void a_topic_that_is_missing_stops_it_when_topics_are_only_checked(void **state)
{
	(void)state;
	struct mock mock;
	char more[200];
	mock_open(&mock);
	snprintf(more, sizeof more, "--brokers %s --topics check", mock.brokers);
	expect_refusal(PIPELINE "  input: {topic: in}\n" DOUBLES, more, "--topics create");
	expect_refusal(PIPELINE "  input: {topic: nowhere}\n" DOUBLES, more,
		       "topic nowhere does not exist, and sluice does not create it");
	mock_close(&mock);
}

/* Before anything runs, too: where the process is a container's first, nobody else would end it. */
static void a_slow_file_keeps_nobody_from_signals_at_the_start(void **state)
{
	(void)state;
	struct engine engine = {0};
	struct trickle trickle;
	trickle_open(&trickle);
	block_signals();
	write_slow_file(&trickle);
	snprintf(engine.line, sizeof engine.line, "run %s " BROKERS, file);
	assert_int_equal(pthread_create(&engine.thread, NULL, run_engine, &engine), 0);
	wait_for_visitors(&trickle, 1);
	int64_t began_ms = clock_ms();
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(pthread_join(engine.thread, NULL), 0);
	assert_in_range(clock_ms() - began_ms, 0, 4000);
	assert_int_equal(engine.said.code, EXIT_GOOD);
	assert_string_equal(engine.said.err, "");
	said_close(&engine.said);
	trickle_close(&trickle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_run_yet_is_refused_with_its_reason),
		cmocka_unit_test(ports_of_several_namespaces_are_apart),
		cmocka_unit_test(a_name_or_an_amount_that_no_engine_can_have_is_refused),
		cmocka_unit_test(a_model_without_a_server_is_refused),
		cmocka_unit_test(all_models_without_an_endpoint_are_named_with_the_field_to_write),
		cmocka_unit_test(two_readers_of_one_topic_are_refused),
		cmocka_unit_test(protection_that_is_not_in_force_is_refused_unless_it_is_said),
		cmocka_unit_test(settings_of_librdkafka_are_passed_through),
		cmocka_unit_test(without_brokers_it_asks_where_kafka_is),
		cmocka_unit_test(an_engine_answers_until_it_is_told_to_stop),
		cmocka_unit_test(files_are_read_again_and_those_with_faults_change_nothing),
		cmocka_unit_test(a_slow_file_keeps_nobody_from_signals),
		cmocka_unit_test(a_slow_file_keeps_nobody_from_signals_at_the_start),
		cmocka_unit_test(a_topic_that_is_missing_stops_it_when_topics_are_only_checked),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
