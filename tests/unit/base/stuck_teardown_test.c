/* A test that fails, whose teardown waits for ever: the program ends, and says what failed. The program runs itself for that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHOSEN "STUCK_TEARDOWN_TEST" /* the environment of the program within */
#define OUTPUT_MAX 8192

static int wait_for_ever(void **state)
{
	(void)state;
	if (getenv(CHOSEN)[0] == 'w')
		pause();
	return 0;
}

static void this_one_fails(void **state)
{
	(void)state;
	const int taken = 3;
	assert_int_equal(taken, 4);
}

static void this_one_is_good(void **state)
{
	(void)state;
}

static int run_within(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(this_one_fails, wait_for_ever),
		cmocka_unit_test(this_one_is_good),
	};
	unit_teardown_s = 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the program within prints, with its exit status. */
static int output_of(const char *chosen, char output[static OUTPUT_MAX])
{
	int ends[2], status;
	size_t length = 0;
	assert_int_equal(pipe(ends), 0);
	const pid_t child = fork();
	if (child == 0) {
		(void)setenv(CHOSEN, chosen, 1);
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)dup2(ends[1], STDERR_FILENO);
		(void)execl("/proc/self/exe", "stuck_teardown_test", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	ssize_t got;
	while ((got = read(ends[0], output + length, OUTPUT_MAX - 1 - length)) > 0)
		length += (size_t)got;
	output[length] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_said(const char *output, const char *words)
{
	if (!strstr(output, words))
		fail_msg("`%s` is not in:\n%s", words, output);
}

static void a_teardown_that_waits_for_a_failed_test_is_left(void **state)
{
	char output[OUTPUT_MAX];
	(void)state;
	assert_int_not_equal(output_of("waits", output), 0);
	assert_said(output, "taken = 3 should be 4");
	assert_said(output, "[  FAILED  ] this_one_fails");
	assert_said(output, "this_one_fails failed, and its teardown waited for more than 1 s");
	assert_said(output, "The tests after this_one_fails were not run");
	assert_null(strstr(output, "OK ] this_one_is_good"));
}

static void a_teardown_that_ends_is_followed_by_the_other_tests(void **state)
{
	char output[OUTPUT_MAX];
	(void)state;
	assert_int_equal(output_of("ends", output), 1);
	assert_said(output, "taken = 3 should be 4");
	assert_said(output, "[       OK ] this_one_is_good");
	assert_null(strstr(output, "waited for more"));
}

int main(void)
{
	if (getenv(CHOSEN))
		return run_within();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_teardown_that_waits_for_a_failed_test_is_left),
		cmocka_unit_test(a_teardown_that_ends_is_followed_by_the_other_tests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
