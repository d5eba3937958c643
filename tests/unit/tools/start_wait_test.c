/* start_wait_test.c: A start that waits for Kafka: what is tried again, what ends it, and what probes learn meanwhile. */
#include "tools/process/start_wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/kafka_wait.h"
#include "net/listen.h"

#define ANSWER_BYTES 2048
#define SOON_MS 10000

struct story {
	int port;
	int attempts;
	enum error_kind kinds[3]; /* by which the attempts end */
	char live[ANSWER_BYTES], ready[3][ANSWER_BYTES], asked[ANSWER_BYTES];
	bool was_over;
};

static void log_line_drop(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	(void)line;
}

static const struct log_sink drop_sink = {log_line_drop};

static const struct workspace no_workspace;

static int port_free(void)
{
	int port = 0;
	close(listen_open(NULL, &port, &(struct error){0}));
	return port;
}

/* Asks the port by a connection of its own, and reads to the end. */
static void answer_get(int port, const char *path, char answer[ANSWER_BYTES])
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char request[256];
	size_t length = 0;
	ssize_t more;
	int connection = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(connection, (const struct sockaddr *)&address, sizeof address), 0);
	(void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	assert_int_equal(send(connection, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	while (length < ANSWER_BYTES - 1 && (more = recv(connection, answer + length, ANSWER_BYTES - 1 - length, 0)) > 0)
		length += (size_t)more;
	answer[length] = '\0';
	close(connection);
}

static bool attempt(void *context, struct error *error)
{
	struct story *story = context;
	const int number = story->attempts++;
	kafka_wait_note("the list of its topics");
	answer_get(story->port, "/v1/health/live", story->live);
	answer_get(story->port, "/v2/health/ready", story->ready[number]);
	answer_get(story->port, "/v2/pipelines/p/infer", story->asked);
	return story->kinds[number] == ERROR_NONE ||
	       error_set(error, story->kinds[number], PLACE_NONE, "Kafka did \"not\" answer");
}

static enum start_end story_run(struct story *story, bool (*step)(void *context, struct error *error), struct error *error)
{
	const struct listening_asked listening = {.host = "127.0.0.1"};
	const struct metrics_asked metrics = {0};
	story->port = port_free();
	const struct start_wait_config config = {
		.workspace = &no_workspace,
		.log = &drop_sink,
		.listening = &listening,
		.http_port = story->port,
		.metrics = &metrics,
		.step = step,
		.context = story};
	return start_wait_run(&config, error);
}

static bool begins(const char *text, const char *words)
{
	return strncmp(text, words, strlen(words)) == 0;
}

static void what_kafka_did_not_answer_is_asked_again_and_probes_are_told(void **state)
{
	struct story story = {.kinds = {ERROR_REMOTE, ERROR_NONE}};
	struct error error = {0};
	(void)state;
	assert_int_equal(story_run(&story, attempt, &error), START_DONE);
	assert_int_equal(story.attempts, 2);
	assert_int_equal(error.kind, ERROR_NONE);
	assert_true(begins(story.live, "HTTP/1.1 200 "));
	assert_true(begins(story.ready[0], "HTTP/1.1 503 "));
	assert_non_null(strstr(story.ready[0], "{\"ready\":false,\"reason\":\"the start waits for Kafka: it has not given the "
					       "list of its topics\"}"));
	assert_non_null(strstr(story.ready[1], "the list of its topics; the last attempt: Kafka did \\\"not\\\" answer\"}"));
	assert_true(begins(story.asked, "HTTP/1.1 503 "));
	assert_non_null(strstr(story.asked, "Retry-After: 1\r\n"));
	assert_non_null(strstr(story.asked, "{\"error\":\"the start waits for Kafka: "));
}

static void any_other_failure_ends_it_at_once(void **state)
{
	static const enum error_kind kinds[] = {ERROR_CONFIG, ERROR_SYSTEM};
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct story story = {.kinds = {kinds[i]}};
		struct error error = {0};
		assert_int_equal(story_run(&story, attempt, &error), START_FAILED);
		assert_int_equal(story.attempts, 1);
		assert_int_equal(error.kind, kinds[i]);
		assert_string_equal(error.text, "Kafka did \"not\" answer");
	}
}

static bool attempt_without_end(void *context, struct error *error)
{
	struct story *story = context;
	const struct timespec pause = {.tv_nsec = 10000000};
	(void)error;
	assert_false(kafka_wait_is_over());
	kill(getpid(), SIGTERM);
	for (const int64_t until_ms = clock_ms() + SOON_MS; !kafka_wait_is_over() && clock_ms() < until_ms;)
		nanosleep(&pause, NULL);
	story->was_over = kafka_wait_is_over();
	return false;
}

static void a_signal_ends_the_waits_of_the_step(void **state)
{
	struct story story = {0};
	struct error error = {0};
	(void)state;
	assert_int_equal(story_run(&story, attempt_without_end, &error), START_STOPPED);
	assert_true(story.was_over);
	assert_int_equal(error.kind, ERROR_NONE);
}

static void a_port_that_is_taken_ends_it_at_once(void **state)
{
	struct story story = {.kinds = {ERROR_NONE}};
	struct error error = {0};
	int port = 0, taken = listen_open(NULL, &port, &error);
	const struct listening_asked listening = {.host = "127.0.0.1"};
	const struct metrics_asked metrics = {0};
	const struct start_wait_config config = {
		.workspace = &no_workspace,
		.log = &drop_sink,
		.listening = &listening,
		.http_port = port,
		.metrics = &metrics,
		.step = attempt,
		.context = &story};
	(void)state;
	assert_int_equal(start_wait_run(&config, &error), START_FAILED);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_int_equal(story.attempts, 0);
	close(taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_kafka_did_not_answer_is_asked_again_and_probes_are_told),
		cmocka_unit_test(any_other_failure_ends_it_at_once),
		cmocka_unit_test(a_signal_ends_the_waits_of_the_step),
		cmocka_unit_test(a_port_that_is_taken_ends_it_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
