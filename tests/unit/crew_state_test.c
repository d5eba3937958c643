/* crew_state_test.c: files that are read again and would leave a step without its state are refused. */
#include "cli/crew_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "planning.h"

#define COUNT(name) "  - {name: " name ", features: {set: {n_" name ": count(x over 5)}}}\n"
#define NEXT(name, from) "  - {name: " name ", inputs: [" from "], features: {set: {n_" name ": count(x over 5)}}}\n"
#define OUTPUT(name) "  output: {steps: [" name "]}\n"

static struct error ask(const char *before, const char *now, struct name_list new_state)
{
	struct planning first, second;
	struct plan old, new;
	struct error error = {0};
	planning_open_steps(&first, before);
	planning_open_steps(&second, now);
	planning_plan(&first, NULL, &old);
	planning_plan(&second, NULL, &new);
	assert_true(crew_state_stays(&old, &new, new_state, &error) == (error.kind == ERROR_NONE));
	planning_close(&first);
	planning_close(&second);
	return error;
}

static void a_step_with_state_that_is_renamed_is_refused(void **state)
{
	(void)state;
	static const struct name names[] = {{.text = "p"}};
	struct error error = ask(COUNT("a") OUTPUT("a"), COUNT("b") OUTPUT("b"), (struct name_list){0});
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "holds state of step `a`, and the stage would have `b` instead"));
	error = ask(COUNT("a") OUTPUT("a"), COUNT("b") OUTPUT("b"), (struct name_list){1, names});
	assert_int_equal(error.kind, ERROR_NONE);
}

static void steps_may_come_or_go(void **state)
{
	(void)state;
	static const char one[] = COUNT("a") OUTPUT("a"), two[] = COUNT("a") NEXT("b", "a") OUTPUT("b");
	assert_int_equal(ask(one, one, (struct name_list){0}).kind, ERROR_NONE);
	assert_int_equal(ask(one, two, (struct name_list){0}).kind, ERROR_NONE);
	assert_int_equal(ask(two, one, (struct name_list){0}).kind, ERROR_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_with_state_that_is_renamed_is_refused),
		cmocka_unit_test(steps_may_come_or_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
