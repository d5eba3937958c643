/* refused_lines_test.c: lines that a command refuses: the first are printed, and all others are in the sums. */
#include "tools/cli/command.h"
#include "tools/view/refused_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

struct fixture {
	struct session session;
	struct refused_lines refusals;
	char *said;
	size_t length;
};

static void fixture_open(struct fixture *fixture)
{
	*fixture = (struct fixture){0};
	fixture->session.err = open_memstream(&fixture->said, &fixture->length);
	fixture->session.arena = arena_open((size_t)1 << 20);
	fixture->refusals.workspace = command_workspace(&fixture->session);
}

/* Sums up, and returns how many lines were printed. */
static size_t fixture_sum(struct fixture *fixture)
{
	size_t lines = 0;
	refused_lines_sum(&fixture->refusals);
	fflush(fixture->session.err);
	for (size_t i = 0; i < fixture->length; i++)
		lines += fixture->said[i] == '\n';
	return lines;
}

static void fixture_close(struct fixture *fixture)
{
	fclose(fixture->session.err);
	free(fixture->said);
	arena_close(fixture->session.arena);
}

static void each_line_is_printed_up_to_the_limit(void **state)
{
	(void)state;
	struct fixture fixture;
	fixture_open(&fixture);
	for (uint64_t line = 1; line <= REFUSED_LINES_SHOWN; line++)
		refused_lines_add(&fixture.refusals, line, "no id");
	assert_int_equal(fixture_sum(&fixture), REFUSED_LINES_SHOWN);
	assert_non_null(strstr(fixture.said, "line 20: no id"));
	assert_null(strstr(fixture.said, "more were refused"));
	fixture_close(&fixture);
}

static void lines_beyond_the_limit_are_counted_by_reason(void **state)
{
	(void)state;
	struct fixture fixture;
	char reason[64];
	fixture_open(&fixture);
	for (uint64_t line = 1; line <= 5000; line++) {
		if (line % 5)
			snprintf(reason, sizeof reason, "time %llu is no time", (unsigned long long)line);
		else
			snprintf(reason, sizeof reason, "`id-%llu` is twice here", (unsigned long long)line);
		refused_lines_add(&fixture.refusals, line, reason);
	}
	/* 20 lines, then 4980, of which each fifth is of the other reason */
	assert_int_equal(fixture_sum(&fixture), REFUSED_LINES_SHOWN + 3);
	assert_int_equal(fixture.refusals.count, 5000);
	assert_non_null(strstr(fixture.said, "4980 more were refused:"));
	assert_non_null(strstr(fixture.said, "  3984, first line 21: time 21 is no time"));
	assert_non_null(strstr(fixture.said, "  996, first line 25: `id-25` is twice here"));
	fixture_close(&fixture);
}

static void reasons_beyond_their_limit_are_counted_together(void **state)
{
	(void)state;
	struct fixture fixture;
	char reason[2] = "A";
	fixture_open(&fixture);
	for (uint64_t line = 1; line <= REFUSED_LINES_SHOWN; line++)
		refused_lines_add(&fixture.refusals, line, "no id");
	for (uint64_t line = 1; line <= REFUSED_REASONS_MAX + 2; line++, reason[0]++)
		refused_lines_add(&fixture.refusals, REFUSED_LINES_SHOWN + line, reason);
	assert_int_equal(fixture_sum(&fixture), REFUSED_LINES_SHOWN + 1 + REFUSED_REASONS_MAX + 1);
	assert_non_null(strstr(fixture.said, "22 more were refused:"));
	assert_non_null(strstr(fixture.said, "  1, first line 40: T"));
	assert_non_null(strstr(fixture.said, "  2 for other reasons"));
	fixture_close(&fixture);
}

static void a_reason_longer_than_its_memory_is_cut_off(void **state)
{
	(void)state;
	struct fixture fixture;
	char reason[2 * REFUSED_REASON_BYTES];
	fixture_open(&fixture);
	memset(reason, 'x', sizeof reason);
	reason[sizeof reason - 1] = '\0';
	for (uint64_t line = 1; line <= REFUSED_LINES_SHOWN + 2; line++)
		refused_lines_add(&fixture.refusals, line, reason);
	assert_int_equal(fixture_sum(&fixture), REFUSED_LINES_SHOWN + 2);
	assert_int_equal(fixture.refusals.reasons[0].count, 2);
	assert_int_equal(strlen(fixture.refusals.reasons[0].first), REFUSED_REASON_BYTES - 1);
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_printed_up_to_the_limit),
		cmocka_unit_test(lines_beyond_the_limit_are_counted_by_reason),
		cmocka_unit_test(reasons_beyond_their_limit_are_counted_together),
		cmocka_unit_test(a_reason_longer_than_its_memory_is_cut_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
