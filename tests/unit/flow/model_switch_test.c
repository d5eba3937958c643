/* model_switch_test.c: Tests of the model switch: which model the decision selects, what is sent on, and which decisions select
 * none. */
#include "flow/model_switch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/arena_fixture.h"

static const struct name models[] = {{.text = "cheap"}, {.text = "exact"}};
static const struct model_switch by_route = {.decision = {"route", 5}, .count = 2, .models = models};
static const struct step step = {.name = "score", .place = {.file = "p.yaml", .line = 3}};

/* An input of `x` and of a decision of so many elements. */
static struct payload *input_of(enum datatype datatype, const void *data, size_t count)
{
	struct payload *input = ARENA_NEW(arena, struct payload);
	struct tensor *x = ARENA_NEW(arena, struct tensor), *route = ARENA_NEW(arena, struct tensor);
	struct tensors_builder tensors;
	*x = (struct tensor){.name = TEXT("x"), .datatype = DATATYPE_FP64, .count = 1, .data = &(const double[]){1}};
	*route = (struct tensor){.name = TEXT("route"), .datatype = datatype, .count = count, .data = data};
	tensors_begin(&tensors, arena, 2);
	tensors_add(&tensors, x);
	tensors_add(&tensors, route);
	input->tensors = tensors_end(&tensors);
	return input;
}

static const char *chosen(enum datatype datatype, const void *data, size_t count, struct error *error)
{
	const char *model = NULL;
	const struct payload *rest = NULL;
	*error = (struct error){0};
	return model_switch_apply(&by_route, &step, input_of(datatype, data, count), arena, &model, &rest, error) ? model : NULL;
}

static void assert_refused(enum datatype datatype, const void *data, size_t count, const char *words)
{
	struct error error;
	assert_null(chosen(datatype, data, count, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_non_null(strstr(error.text, words));
}

static void an_integer_selects_by_its_place_in_the_list(void **state)
{
	(void)state;
	struct error error;
	assert_string_equal(chosen(DATATYPE_INT64, &(const int64_t[]){0}, 1, &error), "cheap");
	assert_string_equal(chosen(DATATYPE_UINT8, &(const uint8_t[]){1}, 1, &error), "exact");
}

static void a_text_selects_by_name(void **state)
{
	(void)state;
	struct error error;
	assert_string_equal(chosen(DATATYPE_BYTES, &(const struct text[]){TEXT("exact")}, 1, &error), "exact");
}

static void the_first_element_decides(void **state)
{
	(void)state;
	struct error error;
	assert_string_equal(chosen(DATATYPE_INT32, (const int32_t[]){1, 0, 7}, 3, &error), "exact");
}

static void the_decision_is_not_sent_on(void **state)
{
	(void)state;
	const char *model;
	const struct payload *rest;
	struct payload *input = input_of(DATATYPE_INT64, &(const int64_t[]){1}, 1);
	assert_true(model_switch_apply(&by_route, &step, input, arena, &model, &rest, &(struct error){0}));
	assert_int_equal(rest->tensors.count, 1);
	assert_true(text_is(rest->tensors.items[0]->name, "x"));
	assert_int_equal(input->tensors.count, 2); /* others read it whole */
}

static void what_is_not_in_the_list_selects_nothing(void **state)
{
	(void)state;
	assert_refused(DATATYPE_INT64, &(const int64_t[]){2}, 1, "is 2, and its list has the routes 0 to 1");
	assert_refused(DATATYPE_INT64, &(const int64_t[]){-1}, 1, "is -1,");
	assert_refused(DATATYPE_BYTES, &(const struct text[]){TEXT("Exact")}, 1, "names the model `Exact`");
}

static void a_decision_is_an_integer_or_a_name(void **state)
{
	(void)state;
	assert_refused(DATATYPE_FP64, &(const double[]){1}, 1, "is FP64 of 1 elements");
	assert_refused(DATATYPE_BOOL, &(const uint8_t[]){1}, 1, "is BOOL of 1 elements");
	assert_refused(DATATYPE_INT64, &(const int64_t[]){0}, 0, "is INT64 of 0 elements");
}

static void an_input_without_the_decision_names_the_step_and_its_place(void **state)
{
	(void)state;
	const struct payload input = {0};
	struct error error = {0};
	const char *model;
	const struct payload *rest;
	assert_false(model_switch_apply(&by_route, &step, &input, arena, &model, &rest, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_int_equal(error.place.line, 3);
	assert_non_null(strstr(error.text, "step `score` chooses a model by the tensor `route`, which did not come"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_integer_selects_by_its_place_in_the_list),
		cmocka_unit_test(a_text_selects_by_name),
		cmocka_unit_test(the_first_element_decides),
		cmocka_unit_test(the_decision_is_not_sent_on),
		cmocka_unit_test(what_is_not_in_the_list_selects_nothing),
		cmocka_unit_test(a_decision_is_an_integer_or_a_name),
		cmocka_unit_test(an_input_without_the_decision_names_the_step_and_its_place),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
