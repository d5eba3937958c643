/* plan_groups_test.c: which consumer groups a pipeline has, and which of them reads for a stage. */
#include "tests/unit/planning.h"

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

#define EXPLAINED(delivery, more, output)                                                                                          \
	PIPELINE("p")                                                                                                              \
	"  delivery: " delivery "\n  steps:\n"                                                                                     \
	"  - {name: a, model: {name: m}}\n"                                                                                        \
	"  - {name: e, inputs: [a], explain: {background: {rows: 2}" more "}}\n" output                                            \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\n"                                            \
	"spec: {storageUri: \"builtin:echo\"}\n"

/* Calls of models take long: nobody else's records wait for them. */
static void explainers_are_held_to_be_apart(const char *yaml)
{
	struct planning p;
	struct plan plan;
	struct plan_group groups[PLAN_GROUPS_MAX];
	planning_read(&p, yaml, step_kinds);
	planning_plan(&p, NULL, &plan);
	assert_int_equal(planning_errors(&p), 0);
	const struct pipeline_plan *explained = &plan.pipelines[0];
	assert_int_equal(plan_pipeline_groups(explained, groups), 2);
	assert_string_equal(groups[1].name, "sluice.default.explainers");
	assert_true(groups[1].exactly_once && groups[1].observes && groups[1].explains);
	assert_null(explained->observers_group);
	assert_string_equal(plan_stage_group(explained, 0), explained->group);
	assert_string_equal(plan_stage_group(explained, 1), groups[1].name);
	assert_string_equal(plan_topic_group(explained, topic_of_role(explained, TOPIC_STAGE)), groups[1].name);
	planning_close(&p);
}

static void explainers_have_a_group_of_their_own(void **state)
{
	(void)state;
	explainers_are_held_to_be_apart(EXPLAINED("at-least-once", "", "  output: {steps: [a]}\n"));
	explainers_are_held_to_be_apart(EXPLAINED("exactly-once", "", "  output: {steps: [a]}\n"));
}

/* What the answer needs, or is, is read by the group of the answers. */
static void explanations_of_the_answer_have_no_group(void **state)
{
	static const char *const yamls[] = {
		EXPLAINED("at-least-once", ", deliver: inline", "  output: {steps: [e]}\n"),
		EXPLAINED("at-least-once", ", deliver: on-request", "  output: {steps: [a]}\n"),
		EXPLAINED("at-least-once", "", "  output: {steps: [e]}\n"),
		EXPLAINED("at-least-once", "", ""),
	};
	(void)state;
	for (size_t i = 0; i < sizeof yamls / sizeof *yamls; i++) {
		struct planning p;
		struct plan plan;
		struct plan_group groups[PLAN_GROUPS_MAX];
		planning_read(&p, yamls[i], step_kinds);
		planning_plan(&p, NULL, &plan);
		assert_int_equal(planning_errors(&p), 0);
		assert_int_equal(plan_pipeline_groups(&plan.pipelines[0], groups), 1);
		assert_null(plan.pipelines[0].explainers_group);
		planning_close(&p);
	}
}

#define BOTH                                                                                                                       \
	PIPELINE("p")                                                                                                              \
	"  steps:\n"                                                                                                               \
	"  - {name: w, drift: {reference: {topic: before}}}\n"                                                                     \
	"  - {name: a, inputs: [w], model: {name: m}}\n"                                                                           \
	"  - {name: e, inputs: [a], explain: {background: {rows: 2}}}\n"                                                           \
	"  output: {steps: [a]}\n---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\n"                    \
	"spec: {storageUri: \"builtin:echo\"}\n"

/* All that this login of an engine may touch is listed, and each topic is read by one of the groups. */
static void a_pipeline_may_have_all_three_groups(void **state)
{
	struct planning p;
	struct plan plan;
	struct plan_group groups[PLAN_GROUPS_MAX];
	struct buffer out;
	(void)state;
	planning_read(&p, BOTH, step_kinds);
	planning_plan(&p, NULL, &plan);
	assert_int_equal(planning_errors(&p), 0);
	assert_int_equal(plan_pipeline_groups(&plan.pipelines[0], groups), 3);
	assert_false(groups[1].explains);
	assert_string_equal(groups[1].name, "sluice.default.observers");
	assert_string_equal(groups[2].name, "sluice.default.explainers");
	buffer_open(&out, (size_t)1 << 20);
	plan_print_text(&plan, &(struct plan_view){0}, &out);
	plan_print_text(&plan, &(struct plan_view){.acls = true}, &out);
	plan_print_json(&plan, &(struct plan_view){0}, &out);
	buffer_byte(&out, '\0');
	assert_false(buffer_failed(&out));
	assert_non_null(strstr(out.bytes, "group sluice.default.explainers, exactly once"));
	assert_non_null(strstr(out.bytes, "--group 'sluice.default.explainers'"));
	assert_non_null(strstr(out.bytes, "--transactional-id 'sluice.default.explainers.'"));
	assert_non_null(strstr(out.bytes, "\"explainersGroup\":\"sluice.default.explainers\""));
	buffer_close(&out);
	planning_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observers_have_a_group_of_their_own),
		cmocka_unit_test(explainers_have_a_group_of_their_own),
		cmocka_unit_test(explanations_of_the_answer_have_no_group),
		cmocka_unit_test(a_pipeline_may_have_all_three_groups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
