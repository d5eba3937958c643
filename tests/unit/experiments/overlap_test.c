/* overlap_test.c: Tests of which two experiments have a table of their overlap: those without a layer that share a pipeline and a
 * metric. */
#include "experiments/analysis/overlap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/tensor.h"
#include "tests/unit/arena_fixture.h"

#define ORIGIN                                                                                                                     \
	{                                                                                                                          \
		{"in", 2}, 3, 7                                                                                                    \
	}

/* Each has one unit in both experiments, whose request `f1` has feedback. */
static const struct feedback_metric profit = {{"profit", 6}, 1}, latency = {{"latency_ms", 10}, 1};

/* Both experiments have the same unit; the request of the other is `f1`. */
static const struct overlap_case {
	const char *name;
	struct feedback feedback;
	const char *metric; /* of the join; default: the reward */
	const char *own_layer, *layer;
	bool measured, apart; /* the metric of the join is the latency; each has a pipeline of its own */
	size_t tables;
} cases[] = {
	{.name = "the reward is shared", .feedback = {.id = {"f1", 2}, .has_reward = true}, .tables = 1},
	{.name = "by its origin", .feedback = {.origin = ORIGIN, .has_reward = true}, .tables = 1},
	{.name = "by its unit", .feedback = {.unit = {"u", 1}, .has_reward = true}, .tables = 1},
	{.name = "feedback is for it", .feedback = {.id = {"f1", 2}, .experiment = {"f", 1}, .has_reward = true}, .tables = 1},
	{.name = "a metric is shared",
	 .feedback = {.id = {"f1", 2}, .metric_count = 1, .metrics = &profit},
	 .metric = "profit",
	 .tables = 1},
	{.name = "the truth is shared", .feedback = {.id = {"f1", 2}, .truth = {.count = 1}}, .metric = "accuracy", .tables = 1},
	{.name = "the join has another metric", .feedback = {.id = {"f1", 2}, .has_reward = true}, .metric = "profit"},
	{.name = "another request has it", .feedback = {.id = {"f2", 2}, .has_reward = true}},
	{.name = "its feedback has nothing", .feedback = {.id = {"f1", 2}}},
	{.name = "feedback is for our own", .feedback = {.id = {"f1", 2}, .experiment = {"e", 1}, .has_reward = true}},
	{.name = "the join has latencies only",
	 .feedback = {.id = {"f1", 2}, .metric_count = 1, .metrics = &latency},
	 .metric = "latency_ms",
	 .measured = true},
	{.name = "the other has a layer", .feedback = {.id = {"f1", 2}, .has_reward = true}, .layer = "l"},
	{.name = "our own has a layer", .feedback = {.id = {"f1", 2}, .has_reward = true}, .own_layer = "l"},
	{.name = "their pipelines differ", .feedback = {.id = {"f1", 2}, .has_reward = true}, .apart = true},
};

static size_t tables_of(const struct overlap_case *row)
{
	static struct joined joined;
	struct error error = {0};
	size_t count = 9;
	const struct exposure own = {.id = TEXT("e1"), .unit = TEXT("u"), .experiment = TEXT("e"), .variant = TEXT("a"),
				     .layer = text_of(row->own_layer)};
	const struct exposure other = {.id = TEXT("f1"), .unit = TEXT("u"), .experiment = TEXT("f"), .variant = TEXT("b"),
				       .layer = text_of(row->layer), .origin = ORIGIN};
	struct overlap *overlap = overlap_open(arena, "e");
	assert_non_null(overlap);
	joined.metric_count = 1;
	joined.metrics[0].name = text_of(row->metric ? row->metric : JOIN_REWARD);
	joined.metrics[0].measured = row->measured;
	assert_true(overlap_expose(overlap, &own, &error));
	if (row->apart)
		overlap_pipeline_end(overlap);
	assert_true(overlap_expose(overlap, &other, &error));
	assert_true(overlap_inform(overlap, &row->feedback, &error));
	assert_non_null(overlap_end(overlap, &joined, &count, &error));
	overlap_close(overlap);
	return count;
}

static void two_experiments_share_a_metric_and_a_pipeline_and_have_no_layer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const size_t count = tables_of(&cases[i]);
		if (count != cases[i].tables)
			fail_msg("%s: %zu tables", cases[i].name, count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_experiments_share_a_metric_and_a_pipeline_and_have_no_layer),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
