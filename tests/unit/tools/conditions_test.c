/* conditions_test.c: Tests of what commands show and wait for of the conditions that engines report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tools/cli/command.h"
#include "tests/unit/apply_stand.h"
#include "tests/unit/status_stand.h"

/* What an engine writes to `status` about itself, or a resource. */
static void condition_reports(const char *engine, struct engine_condition condition)
{
	static int64_t sequence;
	condition.since_ms = time_of_day_ms();
	const struct engine_conditions conditions = {.namespace = TEXT("default"),
						     .engine = text_of(engine),
						     .sequence = ++sequence, /* cppcheck-suppress unknownEvaluationOrder */
						     .time_ms = time_of_day_ms(),
						     .conditions = {1, &condition}};
	status_append(&apply_stand.mock, apply_stand.config.topics.status, &conditions_form, &conditions);
}

static void engine_reports(const char *engine, int64_t version, bool ready, const char *what)
{
	condition_reports(engine, (struct engine_condition){.kind = TEXT("Model"),
							    .name = TEXT("m"),
							    .version = version,
							    .ready = ready,
							    .what = text_of(what),
							    .why = text_of(ready ? "" : "its server is away")});
}

static void itself_reports(const char *engine, const char *what, const char *why)
{
	condition_reports(engine, (struct engine_condition){.kind = CONDITION_OF_ENGINE,
							    .name = text_of(engine),
							    .ready = text_is(TEXT("Ready"), what),
							    .what = text_of(what),
							    .why = text_of(why)});
}

static void a_version_is_ready_when_all_engines_say_so(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_GOOD, "version 1 accepted", "apply %s --author ann", apply_stand.folder);
	apply_runs(EXIT_GOOD, "Model/m version 1 is active", "wait model/m --for active");
	apply_runs(EXIT_FAULTS, "no engine of namespace `default` reports", "wait model/m --timeout 1s");
	apply_runs(EXIT_GOOD, "No engine of this namespace reports, so nothing of it runs", "describe model/m");
	engine_reports("one", 1, true, "Ready");
	apply_runs(EXIT_GOOD, "Model/m version 1 is ready", "wait model/m --timeout 1s");
	engine_reports("two", 1, false, "Waiting");
	apply_runs(EXIT_FAULTS, "engine `two` runs version 1: Waiting its server is away", "wait model/m --timeout 1s");
	apply_runs(EXIT_GOOD, "its server is away", "describe model/m");
	apply_runs(EXIT_GOOD, "\"engine\": \"two\", \"live\": true, \"version\": 1, \"ready\": false", "describe model/m -o json");
	engine_reports("two", 0, true, "Ready");
	apply_runs(EXIT_FAULTS, "engine `two` runs version 0", "wait model/m --timeout 1s");
	apply_runs(EXIT_GOOD, "0 versions removed, 1 kept", "gc");
	apply_runs(EXIT_MISUSE, "has no version that was in force before", "rollback model/m");
	apply_runs(EXIT_GOOD, "version 2 accepted", "delete model/m");
	apply_runs(EXIT_MISUSE, "`Model/m` is deleted by version 2", "wait model/m");
}

/* What is in force need not run: the list of resources says so, and where. */
static void a_list_names_engines_that_run_nothing_of_it(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_GOOD, "version 1 accepted", "apply %s --author ann", apply_stand.folder);
	apply_runs(EXIT_GOOD, "no engine of this namespace reports, so nothing of it runs: start one", "get -o wide");
	engine_reports("one", 1, true, "Ready");
	itself_reports("two", "Failed", "a topic is gone");
	apply_runs(EXIT_GOOD, "\nengine two: Failed: a topic is gone\n", "get -o wide");
	itself_reports("two", "Ready", "");
	apply_runs(EXIT_GOOD, " Absent  ", "describe model/m");
	apply_runs(EXIT_GOOD, "\"engine\": \"two\", \"live\": true, \"version\": 0, \"ready\": false, \"what\": \"Absent\"",
		   "describe model/m -o json");
}

/* The keeper waits for an engine that reports and has prepared nothing. */
static void a_wait_that_ends_names_what_holds_up_an_engine(void **state)
{
	(void)state;
	const struct engine_report report = {.namespace = TEXT("default"), .engine = TEXT("two"), .started_ms = 1, .sequence = 1};
	status_append(&apply_stand.mock, apply_stand.config.topics.status, &report_form, &report);
	status_is_heard(&apply_stand.mock, apply_stand.config.topics.status);
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_GOOD, "version 1 accepted", "apply %s --author ann", apply_stand.folder);
	apply_runs(EXIT_FAULTS, "is not ready after 1 s: engines are preparing it", "wait model/m --timeout 1s");
	itself_reports("two", "Waiting", "there is no space");
	apply_runs(EXIT_FAULTS, "is not ready after 1 s: engine `two`: Waiting: there is no space", "wait model/m --timeout 1s");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, apply_keeper_setup, apply_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_version_is_ready_when_all_engines_say_so),
		TEST(a_list_names_engines_that_run_nothing_of_it),
		TEST(a_wait_that_ends_names_what_holds_up_an_engine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
