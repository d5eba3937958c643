/* bandit_trajectory_test.c: `sluice compute bandits` on tables of rewards: learners that explore leave an arm that has become bad.
 */
#include "tests/unit/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CASES "build/bandit_trajectory_test.json"
#define STEPS 3000
#define COUNTED 500 /* of the last steps */

static char cases[STEPS * 8 + 1024];

static void put(const char *text)
{
	const size_t length = strlen(cases);
	(void)snprintf(cases + length, sizeof cases - length, "%s", text);
}

/* How often the second arm is chosen at the end, where the first one is the best until the middle, and the second one then. */
static size_t chosen_at_the_end(const char *algorithm, const char *delay)
{
	size_t step = 0, count = 0;
	cases[0] = '\0';
	put("{\"name\": \"a\", \"params\": {\"explore\": 0.5, \"seed\": 7, \"algorithm\": \"");
	put(algorithm);
	put("\", \"delay\": ");
	put(delay);
	put("}, \"input\": {\"reward_table\": [");
	for (step = 0; step < STEPS; step++)
		put(step + 1 == STEPS ? "[0,1]]}}" : step < STEPS / 2 ? "[1,0]," : "[0,1],");
	write_file(CASES, cases);
	struct said said = say("compute bandits " CASES);
	assert_int_equal(said.code, EXIT_GOOD);
	const char *at = strstr(said.out, "\"chosen\":[");
	assert_non_null(at);
	at += strlen("\"chosen\":[");
	for (step = 0; step < STEPS; step++, at += 2)
		count += step >= STEPS - COUNTED && *at == '1';
	said_close(&said);
	return count;
}

/* All plays counted alike, the first arm would still be ahead: about 1,125 rewards of 1 among 1,500 against 375 of 1 among 750. */
static void thompson_finds_an_arm_that_has_become_the_best(void **state)
{
	(void)state;
	const char *const algorithms[] = {"thompson-beta", "thompson-normal", "thompson-student"};
	for (size_t i = 0; i < 3; i++) {
		const size_t prompt = chosen_at_the_end(algorithms[i], "0"), late = chosen_at_the_end(algorithms[i], "5");
		/* Its share is 3 / 4 with a deviation of 10. */
		if (prompt < COUNTED * 3 / 4 - 40 || late < COUNTED * 3 / 4 - 40)
			fail_msg("%s: %zu, and %zu with a delay, of %d", algorithms[i], prompt, late, COUNTED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(thompson_finds_an_arm_that_has_become_the_best)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
