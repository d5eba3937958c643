/* plan_groups_test.c: which consumer groups a pipeline has, and which of them reads for a stage. */
#include "planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps/kinds.h"

#define PIPELINE(name) "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n"
#define YAML(delivery)                                                                                                             \
	PIPELINE("p")                                                                                                              \
	"  delivery: " delivery "\n  steps: [{name: a, drift: {reference: {topic: before}}}]\n"                                    \
	"  output: {steps: [a]}\n---\n" PIPELINE("q") "  delivery: " delivery "\n  steps: [{name: b}]\n  output: {steps: [b]}\n"

static const struct topic *topic_of_role(const struct pipeline_plan *plan, enum topic_role role)
{
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == role)
			return &plan->topics[i];
	return NULL;
}

/* Whatever the delivery of their pipeline is: it is that of answers. */
static void observers_are_held_to_be_apart(const char *yaml, bool exactly_once)
{
	struct planning p;
	struct plan plan;
	struct plan_group groups[PLAN_GROUPS_MAX];
	size_t count;
	planning_read(&p, yaml, step_kinds);
	planning_plan(&p, NULL, &plan);
	assert_int_equal(planning_errors(&p), 0);
	const struct pipeline_plan *watched = &plan.pipelines[0], *plain = &plan.pipelines[1];
	assert_string_equal(watched->group, plain->group);
	assert_int_equal(plan_pipeline_groups(plain, groups), 1);
	assert_int_equal(groups[0].exactly_once, exactly_once);
	assert_int_equal(plan_pipeline_groups(watched, groups), 2);
	assert_string_equal(groups[1].name, "sluice.default.observers");
	assert_true(groups[1].exactly_once && groups[1].observes && !groups[0].observes);
	assert_string_equal(plan_stage_group(watched, 0), watched->group);
	assert_string_equal(plan_stage_group(watched, 1), groups[1].name);
	assert_string_equal(plan_topic_group(watched, &watched->topics[0]), watched->group);
	assert_string_equal(plan_topic_group(watched, topic_of_role(watched, TOPIC_STAGE)), groups[1].name);
	assert_string_equal(plan_topic_group(watched, topic_of_role(watched, TOPIC_STATE)), groups[1].name);
	assert_non_null(plan_groups(&plan, p.arena, &count));
	assert_int_equal(count, 2);
	planning_close(&p);
}

static void observers_have_a_group_of_their_own(void **state)
{
	(void)state;
	observers_are_held_to_be_apart(YAML("at-least-once"), false);
	observers_are_held_to_be_apart(YAML("exactly-once"), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observers_have_a_group_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
