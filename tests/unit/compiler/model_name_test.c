/* Names of models: what precedes the slash may be left out, and the closest name counts. */
#include "compiler/graph/model_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_server_has_a_model_under_the_part_after_the_slash(void **state)
{
	(void)state;
	assert_string_equal(model_served_name("mine.canary.route/classifier"), "classifier");
	assert_string_equal(model_served_name("classifier"), "classifier");
}

static void parts_before_the_slash_may_be_left_out(void **state)
{
	(void)state;
	static const char *const names[] = {"classifier", "mine/classifier", "canary/classifier", "route/classifier",
					    "mine.canary/classifier", "mine.route/classifier", "canary.route/classifier"};
	static const char *const others[] = {"", "/", "route", "route/", "/classifie", "canary/other", "yours/classifier",
					     "canary.mine/classifier", "mine.mine/classifier", "min/classifier",
					     "mine.canary.route.more/classifier", "classifier/classifier"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const size_t fit = model_name_fit(text_of(names[i]), "mine.canary.route/classifier");
		assert_in_range(fit, 1, MODEL_NAME_WHOLE - 1);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_int_equal(model_name_fit(text_of(others[i]), "mine.canary.route/classifier"), 0);
	assert_int_equal(model_name_fit(TEXT("mine/classifier"), "classifier"), 0);
}

static void the_closest_name_counts(void **state)
{
	(void)state;
	const char *model = "mine.canary/classifier";
	assert_true(model_name_fit(TEXT("mine/classifier"), model) > model_name_fit(TEXT("classifier"), model));
	assert_true(model_name_fit(text_of(model), model) == MODEL_NAME_WHOLE);
	assert_true(model_name_fit(TEXT("classifier"), "classifier") == MODEL_NAME_WHOLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_has_a_model_under_the_part_after_the_slash),
		cmocka_unit_test(parts_before_the_slash_may_be_left_out),
		cmocka_unit_test(the_closest_name_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
