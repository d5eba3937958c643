/* criteria_annotation_test.c: Tests of the annotation seldon.io/success-criteria of an Experiment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/planning.h"
#include "compiler/step/experiment.h"

#include <cmocka.h>

#define ANNOTATED(annotation)                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata:\n  name: e\n"                                           \
	"  annotations: {" annotation "}\nspec:\n  candidates: [{name: old, weight: 1}, {name: new, weight: 1}]\n"
#define CRITERIA(text) ANNOTATED("seldon.io/success-criteria: '" text "'")

static struct planning planning;

static size_t criteria_of(const char *yaml, const struct success_criterion **criteria)
{
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	const struct experiment_spec *spec = planning.spec.resources[0]->spec;
	*criteria = spec->criteria.items;
	return spec->criteria.count;
}

static void expect_criterion(const struct success_criterion *criterion, const char *metric, const char *operator, double threshold)
{
	assert_string_equal(criterion->metric, metric);
	assert_string_equal(criterion->operator, operator);
	assert_true(criterion->threshold == threshold);
	assert_int_equal(criterion->here.line, 5);
}

static void criteria_are_a_metric_and_its_limit(void **state)
{
	const struct success_criterion *criteria;
	(void)state;
	assert_int_equal(criteria_of(CRITERIA("accuracy>0.6,latency<100ms, error_rate <= 2%"), &criteria), 3);
	expect_criterion(&criteria[0], "accuracy", ">", 0.6);
	expect_criterion(&criteria[1], "latency_p95", "<", 100);
	expect_criterion(&criteria[2], "error_rate", "<=", 0.02);
	planning_close(&planning);
}

static void criteria_that_are_written_count_alone(void **state)
{
	const struct success_criterion *criteria;
	(void)state;
	assert_int_equal(criteria_of(CRITERIA("accuracy>0.6,latency<100ms") "  successCriteria: [{metricName: profit, threshold: "
									    "1, operator: \">\"}]\n",
				     &criteria),
			 1);
	assert_string_equal(criteria[0].metric, "profit");
	planning_close(&planning);
	assert_int_equal(criteria_of(ANNOTATED("seldon.io/experiment-type: canary"), &criteria), 0);
	planning_close(&planning);
}

static void what_is_no_criterion_is_refused_in_words(void **state)
{
	static const char *const bad[] = {CRITERIA("accuracy 0.6"), CRITERIA(">0.6"), CRITERIA("accuracy>0.6,,latency<1s"),
					  CRITERIA("accuracy=>0.6"), CRITERIA("latency<fast")};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		planning_open(&planning, bad[i]);
		assert_int_equal(planning_errors(&planning), 1);
		assert_non_null(strstr(planning_fault(&planning, "SL0308")->message, "which is no criterion; write a metric"));
		planning_close(&planning);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(criteria_are_a_metric_and_its_limit),
		cmocka_unit_test(criteria_that_are_written_count_alone),
		cmocka_unit_test(what_is_no_criterion_is_refused_in_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
