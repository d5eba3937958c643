/* plan_diff_test.c: Tests of the difference of two plans: what a change does to topics, groups and state. */
#include "compiler/print/plan_diff.h"

#include "tests/unit/planning.h"
#include "tests/unit/session.h"
#include "steps/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define PIPELINE(name, more, steps)                                                                                               \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n" more "  steps:\n" steps "---\n"
#define PLAIN "  - {name: a, expression: {set: {y: x}}}\n  output: {steps: [a]}\n"
#define COUNTING(name) "  - {name: " name ", features: {key: k, set: {n: count(x over 5)}}}\n  output: {steps: [" name "]}\n"
#define HOLDING(name) "  - {name: " name ", features: {set: {n: count(x over 5)}}}\n  output: {steps: [" name "]}\n"
#define P "sluice.default.pipeline.p."

struct differing {
	struct planning before, now;
	struct plan old, new;
	struct plan_changes changes;
};

static void differing_open(struct differing *differing, const char *before, const char *now)
{
	planning_open(&differing->before, before);
	planning_plan(&differing->before, NULL, &differing->old);
	assert_int_equal(planning_errors(&differing->before), 0);
	planning_open(&differing->now, now);
	planning_plan(&differing->now, NULL, &differing->new);
	assert_int_equal(planning_errors(&differing->now), 0);
	assert_true(plan_diff(&differing->old, &differing->new, differing->now.arena, &differing->changes));
}

static void differing_close(struct differing *differing)
{
	planning_close(&differing->before);
	planning_close(&differing->now);
}

/* The change of that kind and name (NULL: any); NULL: there is none. */
static const struct plan_change *change_of(const struct differing *differing, enum plan_change_kind kind, const char *name)
{
	for (size_t i = 0; i < differing->changes.count; i++) {
		const struct plan_change *change = &differing->changes.items[i];
		if (change->kind == kind && (!name || (change->name && strcmp(change->name, name) == 0)))
			return change;
	}
	return NULL;
}

static size_t changes_of(const struct differing *differing, enum plan_change_kind kind)
{
	size_t count = 0;
	for (size_t i = 0; i < differing->changes.count; i++)
		count += differing->changes.items[i].kind == kind;
	return count;
}

static void the_same_files_change_nothing(void **state)
{
	struct differing differing;
	struct buffer out;
	(void)state;
	differing_open(&differing, PIPELINE("p", "", PLAIN), PIPELINE("p", "", PLAIN));
	assert_int_equal(differing.changes.count, 0);
	buffer_open(&out, 10000);
	plan_changes_print_text(&differing.changes, differing.now.arena, &out);
	assert_true(text_is(buffer_view(&out), "no change of pipelines, groups, topics and state\n"));
	buffer_clear(&out);
	plan_changes_print_json(&differing.changes, &out);
	assert_non_null(strstr(out.bytes, "\"changes\""));
	buffer_close(&out);
	differing_close(&differing);
}

static void a_pipeline_that_comes_has_topics_of_its_own(void **state)
{
	struct differing differing;
	(void)state;
	differing_open(&differing, PIPELINE("p", "", PLAIN),
		       PIPELINE("p", "", PLAIN) PIPELINE("q", "  input: {topic: t}\n", PLAIN));
	assert_string_equal(change_of(&differing, PLAN_PIPELINE_ADDED, NULL)->pipeline, "q");
	assert_non_null(change_of(&differing, PLAN_TOPIC_ADDED, "sluice.default.pipeline.q.outputs"));
	assert_non_null(change_of(&differing, PLAN_TOPIC_NEEDED, "t"));
	assert_null(change_of(&differing, PLAN_TOPIC_LEFT, NULL));
	differing_close(&differing);
}

static void a_pipeline_that_goes_leaves_its_topics(void **state)
{
	struct differing differing;
	(void)state;
	differing_open(&differing, PIPELINE("p", "", PLAIN) PIPELINE("q", "  dataflow: {cleanTopicsOnDelete: true}\n", PLAIN),
		       PIPELINE("r", "", PLAIN));
	assert_int_equal(changes_of(&differing, PLAN_PIPELINE_REMOVED), 2);
	assert_non_null(change_of(&differing, PLAN_TOPIC_LEFT, P "outputs"));
	assert_non_null(change_of(&differing, PLAN_TOPIC_DELETED, "sluice.default.pipeline.q.outputs"));
	assert_null(change_of(&differing, PLAN_TOPIC_LEFT, "sluice.default.pipeline.q.outputs"));
	differing_close(&differing);
}

static void a_stateful_step_brings_a_changelog_and_another_group(void **state)
{
	struct differing differing;
	(void)state;
	differing_open(&differing, PIPELINE("p", "", PLAIN), PIPELINE("p", "", COUNTING("n")));
	assert_string_equal(change_of(&differing, PLAN_DELIVERY_CHANGED, NULL)->name, "exactly-once");
	expect_words(change_of(&differing, PLAN_GROUP_CHANGED, NULL)->why, "was sluice.default.at-least-once; it goes on");
	assert_int_equal(changes_of(&differing, PLAN_STATE_ADDED), 1);
	differing_close(&differing);
	differing_open(&differing, PIPELINE("p", "", COUNTING("n")), PIPELINE("p", "", PLAIN));
	assert_int_equal(changes_of(&differing, PLAN_STATE_LEFT), 1);
	assert_int_equal(changes_of(&differing, PLAN_STATE_ADDED), 0);
	differing_close(&differing);
}

static void a_stage_more_is_a_topic_more(void **state)
{
	static const char one[] = PIPELINE("p", "", PLAIN);
	static const char two[] = PIPELINE("p", "",
					   "  - {name: a, expression: {set: {y: x}}}\n"
					   "  - {name: b, inputs: [a], isolate: true, expression: {set: {z: y}}}\n"
					   "  output: {steps: [b]}\n");
	struct differing differing;
	(void)state;
	differing_open(&differing, one, two);
	assert_int_equal(changes_of(&differing, PLAN_TOPIC_ADDED), 1);
	assert_non_null(change_of(&differing, PLAN_TOPIC_ADDED, P "stage.b"));
	differing_close(&differing);
	differing_open(&differing, two, one);
	assert_int_equal(changes_of(&differing, PLAN_TOPIC_LEFT), 1);
	assert_non_null(change_of(&differing, PLAN_TOPIC_LEFT, P "stage.b"));
	differing_close(&differing);
}

#define RUNTIME(partitions) \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec:\n" \
	"  config: {kafkaConfig: {topics: {numPartitions: " partitions "}}}\n---\n"

static void other_partitions_are_told(void **state)
{
	struct differing differing;
	(void)state;
	differing_open(&differing, PIPELINE("p", "", PLAIN) RUNTIME("3"), PIPELINE("p", "", PLAIN) RUNTIME("6"));
	const struct plan_change *change = change_of(&differing, PLAN_TOPIC_CHANGED, P "inputs");
	assert_non_null(change);
	assert_non_null(strstr(change->why, "partitions: 6, was 3"));
	differing_close(&differing);
}

/* ---- the command ---- */

static struct said said_of(const char *options, const char *before, const char *now)
{
	char line[100];
	write_file("before.yaml", before);
	write_file("now.yaml", now);
	snprintf(line, sizeof line, "plan %s --diff before.yaml now.yaml", options);
	return say_with(step_kinds, line);
}

#define LEARNING(bandits)                                                                                                          \
	PIPELINE("p", "", "  - {name: s, experiment: {name: e}}\n  output: {steps: [s]}\n")                                        \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: m\n"                       \
	"  candidates: [{name: m, weight: 1}, {name: n, weight: 1}]\n" bandits "---\n"                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: \"http://m\"}\n---\n"          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: n}\nspec: {storageUri: \"http://n\"}\n---\n"
#define WARM(mean) LEARNING("  bandits: {algorithm: ucb1, warmStart: {m: {plays: 50, mean: " mean "}}}\n")
#define COLD LEARNING("  bandits: {algorithm: ucb1}\n")

static void another_warm_start_says_what_it_will_do(void **state)
{
	static const char begins[] =
		"if its bandits have a policy, they go on from it, and warmStart changes nothing; if they have "
		"none, or begin again, they start with it";
	static const char ends[] = "they start without it";
	static const struct {
		const char *before, *now, *words; /* NULL: nothing */
	} rows[] = {
		{WARM("0.5"), WARM("0.6"), begins}, {COLD, WARM("0.6"), begins},      {LEARNING(""), WARM("0.6"), begins},
		{WARM("0.6"), COLD, ends},	    {WARM("0.6"), WARM("0.6"), NULL}, {COLD, COLD, NULL},
		{WARM("0.6"), LEARNING(""), NULL},  {LEARNING(""), COLD, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct differing differing;
		differing_open(&differing, rows[i].before, rows[i].now);
		const struct plan_change *change = change_of(&differing, PLAN_WARM_START, "e");
		assert_int_equal(change != NULL, rows[i].words != NULL);
		if (change)
			expect_words(change->why, rows[i].words);
		differing_close(&differing);
	}
}

static void what_engines_would_refuse_is_told(void **state)
{
	(void)state;
	struct said said = said_of("", PIPELINE("p", "", HOLDING("n")), PIPELINE("p", "", HOLDING("m")));
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.out, "! engines that run files refuse it: pipeline p: ");
	said_close(&said);
	said = said_of("-o json", PIPELINE("p", "", PLAIN), PIPELINE("p", "", PLAIN));
	expect_words(said.out, "\"refused\":null");
	said_close(&said);
}

static void files_with_errors_are_not_compared(void **state)
{
	(void)state;
	struct said said = said_of("", PIPELINE("p", "", "  - {name: a, nonsense: {}}\n"), PIPELINE("p", "", PLAIN));
	assert_int_equal(said.code, EXIT_FAULTS);
	expect_words(said.err, "nonsense");
	said_close(&said);
	said = said_of("--acls", PIPELINE("p", "", PLAIN), PIPELINE("p", "", PLAIN));
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_files_change_nothing),
		cmocka_unit_test(a_pipeline_that_comes_has_topics_of_its_own),
		cmocka_unit_test(a_pipeline_that_goes_leaves_its_topics),
		cmocka_unit_test(a_stateful_step_brings_a_changelog_and_another_group),
		cmocka_unit_test(a_stage_more_is_a_topic_more),
		cmocka_unit_test(other_partitions_are_told),
		cmocka_unit_test(another_warm_start_says_what_it_will_do),
		cmocka_unit_test(what_engines_would_refuse_is_told),
		cmocka_unit_test(files_with_errors_are_not_compared),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
