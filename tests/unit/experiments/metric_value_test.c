/* metric_value_test.c: Tests of the value of a metric: one that is a name alone is valid as long as the arena, and elements have
 * labels of their own. */
#include "experiments/outcomes/metric_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/planning.h"

#define STACK_BYTES 65536 /* more than a call of metric_evaluate() has there */
#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                       \
	"  steps: [{name: s, inputs: [p], expression: {set: {side: x > 0}}}]\n  output: {steps: [s]}\n  metrics:\n"                \
	"  - {name: won, type: counter, value: reward, labels: {paid: reward}}\n"                                                  \
	"  - {name: wait, type: gauge, value: latency_ms, labels: {took: latency_ms}}\n"

/* Writes over what calls have left on the stack. */
static __attribute__((noinline)) void stack_clear(void)
{
	volatile unsigned char bytes[STACK_BYTES];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = 0xff;
}

static void a_name_alone_is_valid_as_long_as_the_arena(void **state)
{
	static const double wanted[] = {3, 20};
	struct planning planning;
	struct plan plan;
	const struct tensors truth = {0};
	const struct payload answer = {0};
	const struct message message = {.id = TEXT("a")};
	const struct judged_answer judged = {
		.message = &message, .answer = &answer, .pipeline = "p", .latency_ms = 20, .truth = &truth, .reward = 3};
	struct arena *arena = arena_open((size_t)1 << 20);
	(void)state;
	planning_open(&planning, YAML);
	planning_plan(&planning, NULL, &plan);
	for (size_t i = 0; i < 2; i++) {
		struct judged_value value;
		char digits[METRIC_LABEL_DIGITS];
		assert_true(metric_evaluate(&plan.pipelines[0].metrics[i], &judged, arena, &value));
		stack_clear();
		assert_int_equal(value.value->count, 1);
		assert_true(*(const double *)value.value->data == wanted[i]);
		const struct text label = metric_label(&value, 0, 0, digits);
		if (!text_is(label, i == 0 ? "3.0" : "20.0"))
			fail_msg("the label is " TEXT_FORMAT, TEXT_ARGUMENTS(label));
	}
	planning_close(&planning);
	arena_close(arena);
}

static void an_element_has_its_label_or_that_of_all(void **state)
{
	const double numbers[] = {1, 2};
	const struct text words[] = {TEXT("a"), TEXT("b")};
	const struct tensor value = {.data = numbers, .count = 2, .datatype = DATATYPE_FP64};
	const struct tensor each = {.data = words, .count = 2, .datatype = DATATYPE_BYTES};
	const struct tensor one = {.data = words, .count = 1, .datatype = DATATYPE_BYTES};
	const struct judged_value judged = {.value = &value, .labels = {&each, &one}};
	char digits[METRIC_LABEL_DIGITS];
	(void)state;
	assert_true(text_is(metric_label(&judged, 0, 0, digits), "a") && text_is(metric_label(&judged, 0, 1, digits), "b"));
	assert_true(text_is(metric_label(&judged, 1, 1, digits), "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_alone_is_valid_as_long_as_the_arena),
		cmocka_unit_test(an_element_has_its_label_or_that_of_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
