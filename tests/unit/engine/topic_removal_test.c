/* topic_removal_test.c: which topics go with a pipeline that is gone, while others come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/setup/topic_removal.h"
#include "steps/kinds.h"
#include "tests/unit/planning.h"

#define PIPELINE(name, spec)                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n  steps:\n"                      \
	"  - {name: s, expression: {set: {y: x}}}\n  output: {steps: [s]}\n" spec

static const char cleaned[] = PIPELINE("gone", "  dataflow: {cleanTopicsOnDelete: true}\n");
static const char other[] = PIPELINE("other", "");
static const char successor[] = PIPELINE("heir", "  input: {topic: sluice.default.pipeline.gone.inputs}\n");

struct stand {
	struct planning planning[3];
	struct revision revisions[3];
	struct arena *arena;
	struct topic_removal *list;
};

static const struct revision *deploy(struct stand *stand, size_t nth, const char *yaml)
{
	planning_read(&stand->planning[nth], yaml, step_kinds);
	planning_plan(&stand->planning[nth], NULL, &stand->revisions[nth].plan);
	assert_int_equal(planning_errors(&stand->planning[nth]), 0);
	return &stand->revisions[nth];
}

static int set_up(void **state)
{
	static struct stand stand;
	stand = (struct stand){.arena = arena_open((size_t)1 << 20)};
	const struct revision *before = deploy(&stand, 0, cleaned), *now = deploy(&stand, 1, other);
	assert_true(topic_removal_note(&stand.list, before, now, 0, stand.arena));
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	for (size_t i = 0; i < 3; i++)
		if (stand->planning[i].arena)
			planning_close(&stand->planning[i]);
	arena_close(stand->arena);
	return 0;
}

static bool goes(const struct stand *stand, const char *topic)
{
	for (size_t i = 0; i < stand->list->topic_count; i++)
		if (strcmp(stand->list->topics[i], topic) == 0)
			return true;
	return false;
}

static void the_topics_of_a_pipeline_that_is_gone_go_with_it(void **state)
{
	const struct stand *stand = *state;
	assert_non_null(stand->list);
	assert_null(stand->list->next);
	assert_string_equal(stand->list->pipeline, "gone");
	assert_true(goes(stand, "sluice.default.pipeline.gone.inputs"));
	assert_true(goes(stand, "sluice.default.pipeline.gone.outputs"));
}

/* They are removed some seconds later, and files may change meanwhile. */
static void a_topic_that_another_pipeline_reads_by_then_stays(void **state)
{
	struct stand *stand = *state;
	assert_true(topic_removal_note(&stand->list, &stand->revisions[1], deploy(stand, 2, successor), 1, stand->arena));
	assert_null(stand->list->next);
	assert_false(goes(stand, "sluice.default.pipeline.gone.inputs"));
	assert_true(goes(stand, "sluice.default.pipeline.gone.outputs"));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(the_topics_of_a_pipeline_that_is_gone_go_with_it),
		WITH(a_topic_that_another_pipeline_reads_by_then_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
