/* Liveness of an engine's process: what it tells at its socket, and what a frozen or an ended one does not. */
#include "engine/run/liveness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

static char folder[] = "/tmp/sluice-liveness-XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	bool made = mkdtemp(folder) != NULL;
	snprintf(path, sizeof path, "%s/health", folder);
	return !made;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static void a_process_that_starts_is_alive(void **state)
{
	(void)state;
	struct error error = {0};
	struct liveness_report report;
	char line[200], why[200];
	struct liveness *liveness = liveness_open(path, "one", &error);
	assert_non_null(liveness);
	assert_true(liveness_ask(path, 2000, &report, &error));
	assert_string_equal(report.instance, "one");
	assert_false(report.is_running);
	assert_true(liveness_is_well(&report, 0, why, sizeof why));
	snprintf(line, sizeof line, "health --socket %s", path);
	struct said said = say(line);
	assert_int_equal(said.code, EXIT_GOOD);
	assert_string_equal(said.out, "one is alive: it is starting or stopping\n");
	said_close(&said);
	liveness_close(liveness);
	assert_int_equal(access(path, F_OK), -1);
	said = say(line);
	assert_int_equal(said.code, EXIT_FAULTS);
	expect_words(said.err, "no engine answers at");
	said_close(&said);
}

/* The engine takes signals by a descriptor, and its threads block them: one that did not would end the process at once. */
static void a_signal_to_the_process_is_left_to_the_engine(void **state)
{
	(void)state;
	struct error error = {0};
	sigset_t set, before;
	const struct timespec at_once = {0};
	struct liveness_report report;
	struct liveness *liveness = liveness_open(path, "one", &error);
	assert_non_null(liveness);
	assert_true(liveness_ask(path, 2000, &report, &error)); /* its thread runs */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(sigtimedwait(&set, NULL, &at_once), SIGTERM);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	liveness_close(liveness);
}

static void nothing_that_is_sent_changes_anything(void **state)
{
	(void)state;
	struct error error = {0};
	struct liveness_report report;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct liveness *liveness = liveness_open(path, "one", &error);
	static const char words[10000];
	memcpy(address.sun_path, path, strlen(path) + 1);
	for (int i = 0; i < 50; i++) {
		int model_request = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(model_request, (struct sockaddr *)&address, sizeof address), 0);
		(void)send(model_request, words, sizeof words, MSG_NOSIGNAL | MSG_DONTWAIT);
		close(model_request);
	}
	assert_true(liveness_ask(path, 2000, &report, &error));
	assert_string_equal(report.instance, "one");
	liveness_close(liveness);
}

static int64_t processor_us(void)
{
	struct rusage used;
	assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

/* Without a descriptor for it, a probe waits; meanwhile the thread does not turn. */
static void a_probe_that_gets_no_descriptor_waits_and_costs_nothing(void **state)
{
	(void)state;
	struct error error = {0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct rlimit limit, few;
	char line[200] = "";
	struct liveness *liveness = liveness_open(path, "one", &error);
	assert_non_null(liveness);
	memcpy(address.sun_path, path, strlen(path) + 1);
	const int probe = socket(AF_UNIX, SOCK_STREAM, 0), lowest_free = dup(probe);
	assert_true(probe >= 0 && lowest_free >= 0);
	close(lowest_free);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = (struct rlimit){(rlim_t)lowest_free, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	const int connected = connect(probe, (struct sockaddr *)&address, sizeof address);
	const int64_t began_us = processor_us();
	usleep(500000);
	const int64_t took_us = processor_us() - began_us;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	const ssize_t length = connected == 0 ? recv(probe, line, sizeof line - 1, 0) : 0;
	close(probe);
	liveness_close(liveness);
	assert_true(length > 0);
	expect_words(line, "one");
	assert_in_range(took_us, 0, 100000);
}

/* A process that can be asked, and does nothing else. */
static pid_t start_child(void)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct error mine = {0};
		struct liveness *liveness = liveness_open(path, "child", &mine);
		if (!liveness || write(ready[1], "r", 1) != 1)
			abort();
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

/* Connects until the listener of a frozen process takes no more. */
static size_t fill_listener(int *visitors, size_t most)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, strlen(path) + 1);
	for (size_t count = 0; count < most; count++) {
		visitors[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(visitors[count], (struct sockaddr *)&address, sizeof address) != 0) {
			close(visitors[count]);
			return count;
		}
	}
	return most;
}

static void *ask(void *context)
{
	struct error error = {0};
	struct liveness_report report;
	(void)context;
	return liveness_ask(path, 20000, &report, &error) ? "answered" : NULL;
}

static void a_probe_waits_while_others_are_before_it(void **state)
{
	(void)state;
	struct error error = {0};
	struct liveness_report report;
	int visitors[100];
	pthread_t thread;
	void *answered;
	pid_t child = start_child();
	kill(child, SIGSTOP);
	assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
	size_t count = fill_listener(visitors, sizeof visitors / sizeof *visitors);
	assert_in_range(count, 1, sizeof visitors / sizeof *visitors - 1);
	assert_false(liveness_ask(path, 50, &report, &error));
	assert_int_equal(pthread_create(&thread, NULL, ask, NULL), 0);
	(void)poll(NULL, 0, 50); /* it has most probably begun to ask */
	kill(child, SIGCONT);
	assert_int_equal(pthread_join(thread, &answered), 0);
	assert_non_null(answered);
	while (count > 0)
		close(visitors[--count]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void a_frozen_process_is_found(void **state)
{
	(void)state;
	struct error error = {0};
	struct liveness_report report;
	pid_t child = start_child();
	assert_true(liveness_ask(path, 2000, &report, &error));
	assert_string_equal(report.instance, "child");
	kill(child, SIGSTOP);
	assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
	assert_false(liveness_ask(path, 100, &report, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	expect_words(error.text, "is frozen");
	kill(child, SIGCONT);
	error = (struct error){0};
	assert_true(liveness_ask(path, 2000, &report, &error));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_false(liveness_ask(path, 100, &report, &error));
}

static void what_an_ended_process_left_is_replaced_and_nothing_else_is(void **state)
{
	(void)state;
	struct error error = {0};
	assert_int_equal(access(path, F_OK), 0); /* of the process that was killed */
	struct liveness *liveness = liveness_open(path, "two", &error);
	assert_non_null(liveness);
	assert_null(liveness_open(path, "three", &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	expect_words(error.text, "another engine answers");
	struct liveness_report report;
	error = (struct error){0};
	assert_true(liveness_ask(path, 2000, &report, &error));
	assert_string_equal(report.instance, "two");
	liveness_close(liveness);
	write_file(path, "precious");
	error = (struct error){0};
	assert_null(liveness_open(path, "two", &error));
	expect_words(error.text, "is not a socket");
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	char longest[300];
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	error = (struct error){0};
	assert_null(liveness_open(longest, "two", &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	error = (struct error){0};
	assert_null(liveness_open("/nowhere/at/all", "two", &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
}

static void a_loop_or_a_worker_that_does_not_turn_is_named(void **state)
{
	(void)state;
	char why[200];
	struct liveness_report report = {.is_running = true, .main_ms = 1000, .workers = 2, .worker_ms = 5000, .worker = "one.1"};
	assert_true(liveness_is_well(&report, 5000, why, sizeof why));
	assert_false(liveness_is_well(&report, 4999, why, sizeof why));
	assert_string_equal(why, "worker one.1 has not run for 5 s");
	report.main_ms = 7000;
	assert_false(liveness_is_well(&report, 6000, why, sizeof why));
	assert_string_equal(why, "the main loop has not run for 7 s");
	report.is_running = false;
	assert_true(liveness_is_well(&report, 0, why, sizeof why));
}

/* ---- an engine whose step does not come back ---- */

static atomic_bool is_stuck;

static enum step_verdict stuck_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step, (void)error;
	while (atomic_load(&is_stuck))
		usleep(10000);
	visit_emit(visit, visit_input(visit));
	return STEP_DONE;
}

static const struct option no_options[] = {{.type = OPTION_END}};
static const struct step_kind stuck_kind = {.name = "stuck",
					    .summary = "Does not come back.",
					    .example = "- name: n\n  stuck: {}\n",
					    .options = no_options,
					    .shape = SHAPE_PASSES,
					    .run = stuck_run};
static const struct step_kind *const kinds[] = {&stuck_kind, NULL};

#define STUCK                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  delivery: at-least-once\n"            \
	"  input: {topic: in}\n  steps:\n  - {name: a, stuck: {}}\n  output: {steps: [a], topic: out}\n"
#define PAUSE_MS 3000 /* a worker without work turns each second */

static void *engine_thread(void *line)
{
	struct said said = say_with(kinds, line);
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	return NULL;
}

/* False: it is not so within ten seconds. */
static bool wait_for_health(const char *within, int code, const char *words)
{
	char line[200];
	bool found = false;
	snprintf(line, sizeof line, "health --socket %s --within %s", path, within);
	for (int tries = 0; !found && tries < 200; tries++) {
		struct said said = say(line);
		found = said.code == code && (strstr(said.out, words) || strstr(said.err, words));
		said_close(&said);
		if (!found)
			usleep(50000);
	}
	return found;
}

static void a_worker_that_is_stuck_is_found_and_one_without_work_is_alive(void **state)
{
	(void)state;
	struct mock mock;
	pthread_t thread;
	sigset_t set;
	char yaml[100], line[400];
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, "sluice.default.pipeline.p.errors", 1, 1);
	snprintf(yaml, sizeof yaml, "%s/p.yaml", folder);
	write_file(yaml, STUCK);
	atomic_store(&is_stuck, true);
	snprintf(line, sizeof line, "run %s --brokers %s --topics check --instance one --health-socket %s", yaml, mock.brokers,
		 path);
	assert_int_equal(pthread_create(&thread, NULL, engine_thread, line), 0);
	assert_true(wait_for_health("10s", EXIT_GOOD, "one is alive: its main loop and 1 worker run"));
	usleep(PAUSE_MS * 1000);
	assert_true(wait_for_health("2500ms", EXIT_GOOD, "is alive"));
	mock_write(&mock, "key", "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[21]}]}", NULL, NULL);
	assert_true(wait_for_health("2500ms", EXIT_FAULTS, "one: worker one.0 has not run for "));
	atomic_store(&is_stuck, false);
	assert_true(wait_for_health("2500ms", EXIT_GOOD, "is alive"));
	kill(getpid(), SIGTERM);
	pthread_join(thread, NULL);
	assert_int_equal(access(path, F_OK), -1);
	unlink(yaml);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_that_starts_is_alive),
		cmocka_unit_test(a_signal_to_the_process_is_left_to_the_engine),
		cmocka_unit_test(nothing_that_is_sent_changes_anything),
		cmocka_unit_test(a_probe_that_gets_no_descriptor_waits_and_costs_nothing),
		cmocka_unit_test(a_probe_waits_while_others_are_before_it),
		cmocka_unit_test(a_frozen_process_is_found),
		cmocka_unit_test(what_an_ended_process_left_is_replaced_and_nothing_else_is),
		cmocka_unit_test(a_loop_or_a_worker_that_does_not_turn_is_named),
		cmocka_unit_test(a_worker_that_is_stuck_is_found_and_one_without_work_is_alive),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
