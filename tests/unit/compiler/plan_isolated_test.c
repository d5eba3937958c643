/* plan_isolated_test.c: by which key the records of an isolated step come. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(name, inputs, more) \
	"  - {name: " name ", inputs: [" inputs "], features: {" more "set: {n_" name ": count(x over 5)}}}\n"
#define EXPRESSION(name, inputs) "  - {name: " name ", inputs: [" inputs "], isolate: true, expression: {set: {y: x}}}\n"

struct stand {
	struct planning planning;
	struct plan plan;
	const struct pipeline_plan *pipeline;
};

static void stand_open(struct stand *stand, const char *steps)
{
	planning_open_steps(&stand->planning, steps);
	planning_plan(&stand->planning, NULL, &stand->plan);
	assert_int_equal(planning_errors(&stand->planning), 0);
	stand->pipeline = &stand->plan.pipelines[0];
}

static void stand_close(struct stand *stand)
{
	planning_close(&stand->planning);
}

/* The stage of that name. */
static const struct stage *stage_named(const struct stand *stand, const char *name)
{
	for (size_t i = 0; i < stand->pipeline->stage_count; i++)
		if (strcmp(stand->pipeline->stages[i].name, name) == 0)
			return &stand->pipeline->stages[i];
	fail_msg("no stage %s among %zu", name, stand->pipeline->stage_count);
	return NULL;
}

/* What the records to that stage are keyed by, in the topic that it reads. */
static const char *topic_key(const struct stand *stand, const char *name)
{
	return stand->pipeline->topics[stage_named(stand, name)->topic].key;
}

static void an_isolated_step_has_its_records_by_its_own_key(void **state)
{
	(void)state;
	struct stand stand;
	stand_open(&stand, EXPRESSION("a", "p.inputs") "  - {name: b, inputs: [a, p.inputs], isolate: true, "
						       "features: {key: symbol, set: {n: count(y over 5)}}}\n"
						       "  output: {steps: [b]}\n");
	const struct stage *b = stage_named(&stand, "b");
	assert_true(b->isolated);
	assert_string_equal(b->key, "symbol");
	assert_string_equal(topic_key(&stand, "b"), "symbol");
	assert_non_null(strstr(b->reason, "`b` is marked isolate, and needs its records by `symbol`"));
	assert_non_null(strstr(stand.pipeline->order_reason, "as long as they have the same `symbol`"));
	const struct graph_next *next = &stand.pipeline->stages[0].graph->part->next[0];
	assert_int_equal(next->key, STAGE_KEY_EXPRESSION);
	assert_string_equal(stand.pipeline->graph->steps[next->key_step].name, "b");
	stand_close(&stand);
}

/* One that has none takes them as they come; one that remembers by the record's own has them by that again. */
static void one_without_a_key_has_them_as_they_come_or_by_the_records_own(void **state)
{
	(void)state;
	struct stand stand;
	stand_open(&stand, COUNT("a", "p.inputs", "key: symbol, ") EXPRESSION("b", "a, p.inputs")
				   "  - {name: c, inputs: [b], isolate: true, features: {set: {n: count(y over 5)}}}\n"
				   "  output: {steps: [c]}\n");
	assert_string_equal(stage_named(&stand, "b")->key, "symbol");
	assert_string_equal(topic_key(&stand, "b"), "symbol");
	assert_null(stage_named(&stand, "c")->key);
	assert_string_equal(topic_key(&stand, "c"), "the record's own");
	assert_non_null(strstr(stage_named(&stand, "c")->reason, "`c` is marked isolate, and needs its records by their own key"));
	stand_close(&stand);
}

/* Its key is told when all that it is told of is there. */
static void what_one_of_its_own_key_reads_is_joined_before_it(void **state)
{
	(void)state;
	struct stand stand;
	stand_open(&stand, EXPRESSION("a", "p.inputs") EXPRESSION("b", "p.inputs")
				   "  - {name: c, inputs: [a.outputs.y, b.outputs.y], tensorMap: {b.outputs.y: z}, isolate: true, "
				   "features: {key: z, set: {n: count(y over 5)}}}\n  output: {steps: [c]}\n");
	const struct stage *join = stage_named(&stand, "c.join");
	assert_int_equal(join->boundary, BOUNDARY_JOIN);
	assert_non_null(join->state);
	assert_int_equal(join->count, 0);
	assert_null(join->key);
	assert_string_equal(stage_named(&stand, "c")->key, "z");
	assert_true(stage_named(&stand, "c")->isolated);
	stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_isolated_step_has_its_records_by_its_own_key),
		cmocka_unit_test(one_without_a_key_has_them_as_they_come_or_by_the_records_own),
		cmocka_unit_test(what_one_of_its_own_key_reads_is_joined_before_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
