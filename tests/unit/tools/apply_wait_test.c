/* apply_wait_test.c: Tests of `--wait` of apply, delete and rollback, against a keeper on a broker and an engine that reports
 * late. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/records/records.h"
#include "tests/unit/apply_stand.h"
#include "tests/unit/status_stand.h"

#define LATER_MS 400
#define REPORT_MS 100 /* an engine reports each second, and one that does not for KEEPER_SILENT_MS is gone */

/* The engine, which reports in a thread of its own. */
static struct {
	pthread_t thread;
	atomic_bool stopping, fails;
	atomic_int runs, turns_to; /* versions of the model `m`; 0: it does not run it */
	_Atomic int64_t turns_ms;  /* when it runs that */
	int64_t sequence;
} engine;

static void conditions_report(int version)
{
	const struct engine_condition condition = {
		.kind = TEXT("Model"), .name = TEXT("m"), .version = version, .ready = true, .what = TEXT("Ready")};
	const struct engine_conditions record = {.namespace = TEXT("default"),
						 .engine = TEXT("one"),
						 .started_ms = 1,
						 .sequence = engine.sequence,
						 .time_ms = time_of_day_ms(),
						 .conditions = {version > 0, &condition}};
	status_append(&apply_stand.mock, apply_stand.config.topics.status, &conditions_form, &record);
}

static void failure_report(void)
{
	const struct failed_change failure = {1, TEXT("its model is away")};
	const struct engine_report report = {.namespace = TEXT("default"),
					     .engine = TEXT("one"),
					     .started_ms = 1,
					     .sequence = engine.sequence,
					     .failed = {1, &failure}};
	status_append(&apply_stand.mock, apply_stand.config.topics.status, &report_form, &report);
}

static void *engine_run(void *context)
{
	const struct timespec pause = {.tv_nsec = REPORT_MS * NS_PER_MS};
	while (!atomic_load(&engine.stopping)) {
		engine.sequence++;
		if (clock_ms() >= atomic_load(&engine.turns_ms))
			atomic_store(&engine.runs, atomic_load(&engine.turns_to));
		if (atomic_load(&engine.fails))
			failure_report();
		else
			conditions_report(atomic_load(&engine.runs));
		(void)nanosleep(&pause, NULL);
	}
	return context;
}

static int engine_setup(void **state)
{
	if (apply_keeper_setup(state) != 0)
		return 1;
	memset(&engine, 0, sizeof engine);
	return pthread_create(&engine.thread, NULL, engine_run, NULL);
}

static int engine_teardown(void **state)
{
	atomic_store(&engine.stopping, true);
	(void)pthread_join(engine.thread, NULL);
	return apply_teardown(state);
}

#define RUNS_WITH_LATER(later, words, ...)                                                                                         \
	do {                                                                                                                       \
		const int64_t turns_ms_ = clock_ms() + LATER_MS;                                                                   \
		atomic_store(&engine.turns_ms, turns_ms_);                                                                         \
		atomic_store(&engine.turns_to, later);                                                                             \
		apply_runs(0, words, __VA_ARGS__);                                                                                 \
		assert_true(clock_ms() >= turns_ms_);                                                                              \
		assert_int_equal(atomic_load(&engine.runs), later);                                                                \
	} while (0)

static void commands_wait_until_engines_follow(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	RUNS_WITH_LATER(1, "Model/m version 1 accepted (change 1)\nModel/m version 1 is ready\n", "apply %s --wait",
			apply_stand.folder);
	apply_runs(0, "Model/m unchanged\nModel/m version 1 is ready\n", "apply %s --wait", apply_stand.folder);
	apply_file("a.yaml", MODEL("m") "# other\n");
	RUNS_WITH_LATER(2, "\"name\": \"m\", \"version\": 2, \"state\": \"ready\"}\n", "apply %s --wait -o json",
			apply_stand.folder);
	RUNS_WITH_LATER(3, "Model/m version 3 is ready\n", "rollback model/m --wait");
	RUNS_WITH_LATER(0, "Model/m version 4 accepted (change 4)\nModel/m version 4 is gone\n", "delete model/m --wait");
}

static void a_change_that_fails_ends_the_wait_with_its_reason(void **state)
{
	(void)state;
	atomic_store(&engine.fails, true);
	apply_file("a.yaml", MODEL("m"));
	apply_runs(1, "version 1 of `Model/m` failed: ", "apply %s --wait", apply_stand.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commands_wait_until_engines_follow, engine_setup, engine_teardown),
		cmocka_unit_test_setup_teardown(a_change_that_fails_ends_the_wait_with_its_reason, engine_setup, engine_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
