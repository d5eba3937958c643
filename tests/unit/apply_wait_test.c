/* apply_wait_test.c: Tests of `--wait` of apply, delete and rollback, against a keeper on a broker and an engine that reports
 * late. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/records.h"
#include "tests/unit/apply_stand.h"
#include "tests/unit/status_stand.h"

#define LATER_MS 400

/* What the engine reports of the model `m`. */
static struct engine_condition condition;
static size_t conditions; /* 0: it does not run it */

static void engine_reports(void)
{
	static int64_t sequence;
	const struct engine_conditions record = {.namespace = TEXT("default"),
						 .engine = TEXT("one"),
						 .started_ms = 1,
						 .sequence = ++sequence, /* cppcheck-suppress unknownEvaluationOrder */
						 .time_ms = time_of_day_ms(),
						 .conditions = {conditions, &condition}};
	status_append(&apply_stand.mock, apply_stand.config.topics.status, &conditions_form, &record);
}

static void runs_version(int64_t version)
{
	condition = (struct engine_condition){
		.kind = TEXT("Model"), .name = TEXT("m"), .version = version, .ready = true, .what = TEXT("Ready")};
	conditions = version > 0 ? 1 : 0;
}

static void *report_later(void *context)
{
	const struct timespec pause = {.tv_nsec = LATER_MS * NS_PER_MS};
	(void)nanosleep(&pause, NULL);
	runs_version(*(const int64_t *)context);
	engine_reports();
	return NULL;
}

#define RUNS_WITH_LATER(later, words, ...)                                                                                         \
	do {                                                                                                                       \
		pthread_t thread;                                                                                                  \
		const int64_t version_ = (later), begun_ms_ = clock_ms();                                                          \
		assert_int_equal(pthread_create(&thread, NULL, report_later, (void *)(uintptr_t)&version_), 0);                    \
		apply_runs(0, words, __VA_ARGS__);                                                                                 \
		assert_true(clock_ms() - begun_ms_ >= LATER_MS);                                                                   \
		assert_int_equal(pthread_join(thread, NULL), 0);                                                                   \
	} while (0)

static void commands_wait_until_engines_follow(void **state)
{
	(void)state;
	runs_version(0);
	engine_reports();
	apply_file("a.yaml", MODEL("m"));
	RUNS_WITH_LATER(1, "Model/m version 1 accepted (change 1)\nModel/m version 1 is ready\n", "apply %s --wait",
			apply_stand.folder);
	engine_reports();
	apply_runs(0, "Model/m unchanged\nModel/m version 1 is ready\n", "apply %s --wait", apply_stand.folder);
	apply_file("a.yaml", MODEL("m") "# other\n");
	RUNS_WITH_LATER(2, "\"name\": \"m\", \"version\": 2, \"state\": \"ready\"}\n", "apply %s --wait -o json",
			apply_stand.folder);
	RUNS_WITH_LATER(3, "Model/m version 3 is ready\n", "rollback model/m --wait");
	engine_reports();
	RUNS_WITH_LATER(0, "Model/m version 4 accepted (change 4)\nModel/m version 4 is gone\n", "delete model/m --wait");
}

static void a_change_that_fails_ends_the_wait_with_its_reason(void **state)
{
	(void)state;
	const struct failed_change failure = {1, TEXT("its model is away")};
	const struct engine_report report = {
		.namespace = TEXT("default"), .engine = TEXT("one"), .started_ms = 1, .sequence = 1, .failed = {1, &failure}};
	status_append(&apply_stand.mock, apply_stand.config.topics.status, &report_form, &report);
	status_is_heard(&apply_stand.mock, apply_stand.config.topics.status);
	apply_file("a.yaml", MODEL("m"));
	apply_runs(1, "version 1 of `Model/m` failed: ", "apply %s --wait", apply_stand.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commands_wait_until_engines_follow, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_change_that_fails_ends_the_wait_with_its_reason, apply_keeper_setup,
						apply_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
