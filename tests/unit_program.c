/* unit_program.c: the choice of one test function by a program's argument, teardowns after failures, and failures that show
 * values. */
#include "tests/unit_program.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/suggest.h"

enum {
	SHOWN_MAX = 4096, /* cmocka keeps no more of a failure */
	VALUE_MAX = 64,
	TESTS_MAX = 256,
	AROUND = 40, /* characters of a text before the place where it differs */
};

static const char *unit_chosen; /* a pattern of names; NULL: all */

/* glibc hands a constructor the arguments of main, which the tests' own main does not read. */
__attribute__((constructor)) static void unit_choose(int count, char **arguments)
{
	unit_chosen = count > 1 ? arguments[1] : NULL;
}

/* As cmocka_set_test_filter() matches. */
static bool pattern_matches(const char *pattern, const char *name)
{
	if (*pattern == '*')
		return pattern_matches(pattern + 1, name) || (*name && pattern_matches(pattern, name + 1));
	if (!*pattern || !*name)
		return *pattern == *name;
	return (*pattern == '?' || *pattern == *name) && pattern_matches(pattern + 1, name + 1);
}

static bool unit_none_matches(const struct CMUnitTest *tests, size_t count)
{
	struct suggestion nearest = suggest_begin(text_of(unit_chosen));
	for (size_t i = 0; i < count; i++) {
		if (pattern_matches(unit_chosen, tests[i].name))
			return false;
		suggest_offer(&nearest, text_of(tests[i].name));
	}
	fprintf(stderr, "No test function is called `%s`.", unit_chosen);
	if (nearest.nearest.bytes)
		fprintf(stderr, " Did you mean `%.*s`?\n", (int)nearest.nearest.length, nearest.nearest.bytes);
	else
		fputs(" They are:\n", stderr);
	for (size_t i = 0; !nearest.nearest.bytes && i < count; i++)
		fprintf(stderr, "  %s\n", tests[i].name);
	return true;
}

/* ---- teardowns after failures ---- */

unsigned unit_teardown_s = 20;

static CMFixtureFunction unit_group_setup, unit_group_teardown;
static void *unit_group_state;
static const struct CMUnitTest *unit_test; /* that runs */
static bool unit_failed;		   /* it has not returned */
static bool unit_is_stuck;		   /* a teardown was left */
static sigjmp_buf unit_way_out;

static void unit_on_alarm(int number)
{
	(void)number;
	siglongjmp(unit_way_out, 1);
}

/* cmocka passes the state of a group to its tests in place of theirs, in which each finds itself here. */
static int unit_set_up_group(void **state)
{
	const int result = unit_group_setup ? unit_group_setup(state) : 0;
	unit_group_state = *state;
	*state = NULL;
	return result;
}

static int unit_tear_down_group(void **state)
{
	*state = unit_group_state;
	return unit_group_teardown ? unit_group_teardown(state) : 0;
}

/* What was left may still be in use, so no other test begins after it. */
static int unit_set_up(void **state)
{
	if (unit_is_stuck) {
		fprintf(stderr, "The tests after %s were not run.\n", unit_test->name);
		fflush(stdout);
		_exit(1);
	}
	unit_test = *state;
	unit_failed = false;
	*state = unit_group_state ? unit_group_state : unit_test->initial_state;
	return unit_test->setup_func ? unit_test->setup_func(state) : 0;
}

static void unit_run_test(void **state)
{
	unit_failed = true;
	unit_test->test_func(state);
	unit_failed = false;
}

static int unit_tear_down(void **state)
{
	if (!unit_test->teardown_func)
		return 0;
	if (sigsetjmp(unit_way_out, 1)) {
		unit_is_stuck = true;
		fprintf(stderr, "%s failed, and its teardown waited for more than %u s.\n", unit_test->name, unit_teardown_s);
		return 0;
	}
	if (unit_failed) {
		(void)signal(SIGALRM, unit_on_alarm);
		(void)alarm(unit_teardown_s);
	}
	const int result = unit_test->teardown_func(state);
	(void)alarm(0);
	return result;
}

int unit_run(const char *group, const struct CMUnitTest *tests, size_t count, CMFixtureFunction setup, CMFixtureFunction teardown)
{
	struct CMUnitTest guarded[TESTS_MAX];
	assert(count <= TESTS_MAX);
	if (unit_chosen) {
		if (unit_none_matches(tests, count))
			return 1;
		cmocka_set_test_filter(unit_chosen);
	}
	for (size_t i = 0; i < count; i++)
		guarded[i] = (struct CMUnitTest){tests[i].name, unit_run_test, unit_set_up, unit_tear_down,
						 (void *)(uintptr_t)&tests[i]};
	unit_group_setup = setup;
	unit_group_teardown = teardown;
	return _cmocka_run_group_tests(group, guarded, count, unit_set_up_group, unit_tear_down_group);
}

/* A negative number has come as a large one. */
static const char *number_shown(LargestIntegralType value, char shown[static VALUE_MAX])
{
	int64_t number = (int64_t)value;
	int length = snprintf(shown, VALUE_MAX, "%" PRId64, number);
	if (number < INT16_MIN || number > UINT16_MAX)
		snprintf(shown + length, VALUE_MAX - (size_t)length, " (0x%" PRIx64 ")", (uint64_t)value);
	return shown;
}

/* `expression = value`, or the value alone where it is what the test says. */
static const char *named_shown(struct unit_number number, char shown[static SHOWN_MAX / 4])
{
	char value[VALUE_MAX];
	number_shown(number.value, value);
	if (strcmp(number.expression, value) == 0)
		snprintf(shown, SHOWN_MAX / 4, "%s", value);
	else
		snprintf(shown, SHOWN_MAX / 4, "%s = %s", number.expression, value);
	return shown;
}

static void unit_fail(const char *shown, struct unit_place place)
{
	_assert_true(0, shown, place.file, place.line);
}

static void unit_compare(bool good, struct unit_number actual, const char *relation, struct unit_number other,
			 struct unit_place place)
{
	if (good)
		return;
	char shown[SHOWN_MAX], left[SHOWN_MAX / 4], right[SHOWN_MAX / 4];
	snprintf(shown, sizeof shown, "%s %s %s", named_shown(actual, left), relation, named_shown(other, right));
	unit_fail(shown, place);
}

void unit_equal(struct unit_number actual, struct unit_number expected, struct unit_place place)
{
	unit_compare(actual.value == expected.value, actual, "should be", expected, place);
}

void unit_not_equal(struct unit_number actual, struct unit_number unwanted, struct unit_place place)
{
	unit_compare(actual.value != unwanted.value, actual, "should not be", unwanted, place);
}

void unit_in_range(struct unit_number actual, struct unit_number least, struct unit_number most, struct unit_place place)
{
	unit_compare(actual.value >= least.value, actual, "should be at least", least, place);
	unit_compare(actual.value <= most.value, actual, "should be at most", most, place);
}

void unit_text_equal(const char *expression, const char *actual, const char *expected, struct unit_place place)
{
	if (actual && expected && strcmp(actual, expected) == 0)
		return;
	if (!actual && !expected)
		return;
	char shown[SHOWN_MAX];
	size_t same = 0;
	while (actual && expected && actual[same] == expected[same])
		same++;
	size_t from = same > AROUND ? same - AROUND : 0;
	const char *cut = from ? "..." : "";
	const char *is = actual ? actual + from : "(NULL)", *should_be = expected ? expected + from : "(NULL)";
	snprintf(shown, sizeof shown, "%.200s differs at byte %zu\n  is:        %s%.1200s\n  should be: %s%.1200s", expression,
		 same, cut, is, cut, should_be);
	unit_fail(shown, place);
}
