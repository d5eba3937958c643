/* Limits of the process that are too low for an engine are named before it starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/client/kafka.h"
#include "engine/setup/run_limits.h"
#include "tests/unit/session.h"
#include "steps/kinds.h"

#define MIB ((size_t)1 << 20)

/* Whether it may start under the limit, which is back when this returns. */
static bool may_start(__rlimit_resource_t which, size_t limit, size_t memory_bytes, size_t workers, struct error *error)
{
	struct rlimit before, lower;
	*error = (struct error){0};
	assert_int_equal(getrlimit(which, &before), 0);
	lower = (struct rlimit){limit, before.rlim_max};
	assert_int_equal(setrlimit(which, &lower), 0);
	bool may = run_limits_check(memory_bytes, true, workers, error);
	assert_int_equal(setrlimit(which, &before), 0);
	return may;
}

static void too_few_descriptors_are_named_with_the_limit(void **state)
{
	struct error error;
	(void)state;
	const size_t needed = RUN_DESCRIPTORS + 2 * RUN_DESCRIPTORS_OF_WORKER;
	assert_false(may_start(RLIMIT_NOFILE, 24, 256 * MIB, 2, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "(ulimit -n) is 24, and with 2 workers an engine needs 144"));
	assert_false(may_start(RLIMIT_NOFILE, needed - 1, 256 * MIB, 2, &error));
	assert_true(may_start(RLIMIT_NOFILE, needed, 256 * MIB, 2, &error));
}

static void a_command_with_too_few_descriptors_names_the_limit(void **state)
{
	struct rlimit before, lower;
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int missing = 1; missing >= 0; missing--) {
		struct arena *arena = arena_open((size_t)1 << 20);
		struct error error = {0};
		struct kafka kafka;
		const struct kafka_asked asked = {.brokers = "a:1"};
		lower = (struct rlimit){(rlim_t)(CLIENT_DESCRIPTORS - missing), before.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
		const bool good = kafka_find(NULL, &asked, arena, &kafka, &error);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_int_equal(good, !missing);
		if (missing)
			assert_non_null(strstr(error.text, "(ulimit -n) is 31, and a command that uses Kafka needs 32"));
		arena_close(arena);
	}
}

static void too_little_address_space_is_named_with_the_limit(void **state)
{
	struct error error;
	(void)state;
	const size_t needed = 256 * MIB + RUN_ADDRESS_BYTES + RUN_ADDRESS_BYTES_OF_WORKER;
	assert_false(may_start(RLIMIT_AS, needed - 1, 256 * MIB, 1, &error));
	assert_non_null(strstr(error.text, "(ulimit -v) is 767 MiB, and with this --memory and 1 worker an engine needs 768 MiB"));
	assert_true(may_start(RLIMIT_AS, needed, 256 * MIB, 1, &error));
}

static void what_nobody_chose_is_not_named_by_an_option(void **state)
{
	struct rlimit before, lower;
	struct error error = {0};
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	lower = (struct rlimit){700 * MIB, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_AS, &lower), 0);
	bool may = run_limits_check(256 * MIB, false, 1, &error);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	assert_false(may);
	assert_non_null(strstr(error.text, "(ulimit -v) is 700 MiB, and with its own broker and 1 worker an engine needs 768 MiB"));
	assert_null(strstr(error.text, "--memory"));
}

/* It ends at once, rather than half open. */
static void an_engine_for_development_names_the_limit_too(void **state)
{
	struct rlimit before, lower;
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	lower = (struct rlimit){RUN_DESCRIPTORS + RUN_DESCRIPTORS_OF_WORKER - 1, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
	struct said said = say_with(step_kinds, "dev pipelines/hello --port 0");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(said.code, EXIT_FAULTS);
	assert_non_null(strstr(said.err, "the limit on open files (ulimit -n) is 103, and with 1 worker an engine needs 104"));
	assert_string_equal(said.out, "");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_few_descriptors_are_named_with_the_limit),
		cmocka_unit_test(a_command_with_too_few_descriptors_names_the_limit),
		cmocka_unit_test(too_little_address_space_is_named_with_the_limit),
		cmocka_unit_test(what_nobody_chose_is_not_named_by_an_option),
		cmocka_unit_test(an_engine_for_development_names_the_limit_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
