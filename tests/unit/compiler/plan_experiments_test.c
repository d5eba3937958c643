/* plan_experiments_test.c: Tests of what `sluice plan` says of the experiment of a step: whom it splits, what moves shares, and
 * where its exposures are. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "steps/kinds.h"

#define EXPERIMENT "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
#define TWO "  candidates: [{name: old, weight: 70}, {name: new, weight: 30}]\n"
#define PIPELINE                                                                                                                   \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec: {steps: [{name: s, experiment: {name: e}}], output: {steps: [s]}}\n"

static void expect_words(const char *yaml, bool json, const char *words)
{
	const struct plan_options options = {.kinds = step_kinds};
	const struct plan_view view = {0};
	struct planning p;
	struct plan plan;
	struct error error = {0};
	struct buffer out;
	planning_open(&p, yaml);
	assert_int_equal(planning_errors(&p), 0);
	assert_true(plan_make(&p.spec, &options, p.arena, &plan, &error));
	buffer_open(&out, (size_t)1 << 20);
	(json ? plan_print_json : plan_print_text)(&plan, &view, &out);
	if (!memmem(out.bytes, out.length, words, strlen(words)))
		fail_msg("no `%s` in:\n%.*s", words, (int)out.length, out.bytes);
	buffer_close(&out);
	planning_close(&p);
}

static void expect_runs(const char *yaml, const char *words)
{
	char expected[200];
	(void)snprintf(expected, sizeof expected, "runs   70 %% to old, 30 %% to new%s\n", words);
	expect_words(yaml, false, expected);
}

static void the_shares_are_those_of_the_units_that_are_split(void **state)
{
	(void)state;
	expect_runs(EXPERIMENT TWO PIPELINE, "");
	expect_runs(EXPERIMENT TWO "  layer: {name: l, from: 20%, share: 50%}\n  holdout: 5%\n" PIPELINE,
		    "; only units from 20 % to 70 % of layer `l`; 5 % of the units are held out");
}

static void who_else_moves_the_shares_is_named(void **state)
{
	(void)state;
	expect_runs(EXPERIMENT TWO "  bandits: {algorithm: ucb1}\n" PIPELINE, "; its bandits choose when they have learnt");
	expect_runs(EXPERIMENT TWO "  promotionPolicy: {automatic: true}\n" PIPELINE,
		    "; a rollout moves them, as `sluice experiments rollout e` explains");
	expect_runs(EXPERIMENT "  candidates: [{name: old, weight: 1}, {name: new, weight: 1}]\n"
			       "  progressiveDeployment: {schedule: [30, 100]}\n" PIPELINE,
		    "; a rollout moves them, as `sluice experiments rollout e` explains");
}

static void who_answers_for_a_candidate_that_fails_is_named(void **state)
{
	(void)state;
	expect_runs(EXPERIMENT TWO "  fallback: default\n" PIPELINE,
		    "; old answers if another fails, or uses up half of the time that is left");
	expect_words(EXPERIMENT TWO "  fallback: default\n" PIPELINE, true, "\"learns\":false,\"fallback\":\"old\",");
}

static void json_has_them_as_members(void **state)
{
	(void)state;
	expect_words(EXPERIMENT TWO "  layer: {name: l, from: 20%, share: 50%}\n  holdout: 5%\n" PIPELINE, true,
		     "\"experiment\":{\"name\":\"e\",\"layer\":\"l\",\"from\":0.2,\"share\":0.5,"
		     "\"holdout\":0.05,\"learns\":false,\"rolledOut\":false}");
	expect_words(EXPERIMENT TWO "  bandits: {algorithm: ucb1}\n" PIPELINE, true,
		     "\"experiment\":{\"name\":\"e\",\"holdout\":0.0,\"learns\":true,\"rolledOut\":false}");
	expect_words(EXPERIMENT TWO "  promotionPolicy: {automatic: true}\n" PIPELINE, true,
		     "\"learns\":false,\"rolledOut\":true}");
}

/* Bandits write exposures, and a mirror's replies are records too. */
static void records_of_a_request_have_exposures_and_shadows(void **state)
{
	(void)state;
	expect_words(EXPERIMENT TWO PIPELINE, false, "1 record written (1 answer), about");
	expect_words(EXPERIMENT TWO "  exposures: full\n" PIPELINE, false, "2 records written (1 answer, 1 exposure), about");
	expect_words(EXPERIMENT TWO "  mirror: {name: other, percent: 25}\n  bandits: {algorithm: ucb1}\n" PIPELINE, false,
		     "2.25 records written (1 answer, 1 exposure, 0.25 of mirrors), about");
	expect_words(EXPERIMENT TWO "  mirror: {name: other, percent: 25}\n" PIPELINE, true, "\"exposures\":0,\"shadows\":0.25,");
}

/* An Avro answer has no unit but its key. */
static void thin_exposures_of_another_unit_are_written_where_answers_are_avro(void **state)
{
	static const struct {
		const char *spec, *format;
		bool exposes, carried;
	} rows[] = {
		{"  exposures: thin\n", "avro", false, true},
		{"  exposures: thin\n  unit: x\n", "avro", true, false},
		{"  exposures: thin\n  unit: x\n", "json", false, true},
		{"  unit: x\n", "avro", true, false},
		{"  exposures: full\n  unit: x\n", "avro", true, false},
		{"  exposures: off\n  unit: x\n", "avro", false, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		char yaml[1024];
		(void)snprintf(yaml, sizeof yaml,
			       EXPERIMENT TWO
			       "%s---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
			       "spec: {steps: [{name: s, experiment: {name: e}}], output: {steps: [s], format: %s}}\n",
			       rows[i].spec, rows[i].format);
		planning_open(&p, yaml);
		assert_int_equal(p.graph->experiment_count, 1);
		assert_int_equal(p.graph->experiments[0]->exposes, rows[i].exposes);
		assert_int_equal(p.graph->experiments[0]->carried, rows[i].carried);
		planning_close(&p);
	}
}

/* The stage of the choice gives no answer, so none can have them. */
static void thin_exposures_are_written_where_another_stage_answers(void **state)
{
	static const char pipeline[] = "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				       "  steps:\n  - {name: s, experiment: {name: e}}\n"
				       "  - {name: t, inputs: [s], isolate: true, model: {name: old}}\n  output: {steps: [t]}\n";
	(void)state;
	char yaml[1024];
	(void)snprintf(yaml, sizeof yaml, EXPERIMENT TWO "%s", pipeline);
	expect_words(yaml, false, "sluice.default.pipeline.p.exposures");
	expect_words(yaml, false, "1 exposure");
	expect_words(yaml, false, "another stage than that of step `s` answers, so the exposures of its experiments are written");
	(void)snprintf(yaml, sizeof yaml, EXPERIMENT TWO "  exposures: off\n%s", pipeline);
	expect_words(yaml, true, "\"exposures\":0");
}

/* Then metrics and alerts see nothing of it, and the plan says so. */
static void a_mirror_is_said_to_be_compared_where_its_stage_answers(void **state)
{
	static const char pipeline[] =
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		"  - {name: s, traffic: {experiment: x, shares: [{to: t, weight: 1}],\n"
		"                        copies: [{call: m, mirror: true}]}}\n"
		"  - {name: t, inputs: [s]%s, model: {name: old}}\n  output: {steps: [t]}\n"
		"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: m}\n"
		"spec: {steps: [{name: u, model: {name: new}}], output: {steps: [u]}}\n";
	char yaml[1024];
	(void)state;
	(void)snprintf(yaml, sizeof yaml, pipeline, "");
	expect_words(yaml, false, "a shadow copy, not part of the answer, but compared with it");
	(void)snprintf(yaml, sizeof yaml, pipeline, ", isolate: true");
	expect_words(yaml, false, "a shadow copy, not part of the answer, and compared with it by commands alone");
	expect_words(yaml, false,
		     "another stage than that of step `s` answers, so engines do not compare the replies of its mirror `m`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shares_are_those_of_the_units_that_are_split),
		cmocka_unit_test(who_else_moves_the_shares_is_named),
		cmocka_unit_test(who_answers_for_a_candidate_that_fails_is_named),
		cmocka_unit_test(json_has_them_as_members),
		cmocka_unit_test(a_mirror_is_said_to_be_compared_where_its_stage_answers),
		cmocka_unit_test(records_of_a_request_have_exposures_and_shadows),
		cmocka_unit_test(thin_exposures_of_another_unit_are_written_where_answers_are_avro),
		cmocka_unit_test(thin_exposures_are_written_where_another_stage_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
