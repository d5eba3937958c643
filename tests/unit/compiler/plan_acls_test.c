/* plan_acls_test.c: Tests of the rights in Kafka that `sluice plan --acls` shows. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps/kinds.h"

#define PIPELINE(name) "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n"

static void open_plan(struct planning *planning, struct plan *plan, const char *yaml)
{
	planning_read(planning, yaml, step_kinds);
	planning_plan(planning, NULL, plan);
	assert_int_equal(planning_errors(planning), 0);
}

/* With whatever else a view may ask for, of which nothing is to be seen. */
static const char *rights_of(const struct planning *planning, const struct plan *plan)
{
	const struct plan_view view = {.rate = 100, .acls = true, .targets = true};
	struct buffer out;
	buffer_open(&out, (size_t)1 << 20);
	plan_print_text(plan, &view, &out);
	assert_false(buffer_failed(&out));
	const char *text = arena_copy(planning->arena, out.bytes, out.length);
	buffer_close(&out);
	return text;
}

static void an_engine_gets_the_rights_it_needs_and_no_more(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  delivery: exactly-once\n  steps: [{name: a}]\n  input: {topic: its}\n  output: {steps: [a]}\n");
	const char *text = rights_of(&p, &plan);
	assert_non_null(strstr(text, " --operation Read --operation Describe --topic 'its'\n"));
	assert_non_null(strstr(
		text, " --operation Write --operation Describe --operation DescribeConfigs --operation Create --topic "
		      "'sluice.default.pipeline.p.outputs'\n"));
	assert_non_null(strstr(text, " --operation Read --operation Describe --group 'sluice.default.exactly-once'\n"));
	assert_non_null(strstr(text, " --operation Describe --group 'sluice.default.at-least-once'\n"));
	assert_non_null(strstr(text, " --transactional-id 'sluice.default.exactly-once.' --resource-pattern-type prefixed\n"));
	assert_non_null(strstr(text, " --operation Write --operation Describe --topic 'sluice.default.replies'\n"));
	planning_close(&p);
}

static void an_engine_reads_the_topic_of_a_reference(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: a, drift: {reference: {topic: before}}}]\n  output: {steps: [a]}\n");
	assert_non_null(strstr(rights_of(&p, &plan), " --operation Read --operation Describe --topic 'before'\n"));
	planning_close(&p);
}

static void rights_are_commands_that_a_shell_can_be_given(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan, PIPELINE("p") "  delivery: exactly-once\n  steps: [{name: a}]\n  output: {steps: [a]}\n");
	const char *line = rights_of(&p, &plan);
	size_t commands = 0;
	while (*line) {
		bool command = strncmp(line, "kafka-acls.sh ", 14) == 0;
		if (!command && *line != '#')
			fail_msg("a shell cannot run: %s", line);
		commands += command;
		line += strcspn(line, "\n") + 1;
	}
	assert_int_equal(commands, 26); /* nine of the engine, seven with --control, five of a gateway, five of apply */
	planning_close(&p);
}

static void a_gateway_writes_requests_and_reads_replies(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: a}]\n  input: {topic: its}\n  output: {steps: [a]}\n---\n"
		  PIPELINE("q") "  steps: [{name: b}]\n  output: {steps: [b]}\n");
	const char *rights = strstr(rights_of(&p, &plan), "# what a gateway's principal needs");
	assert_non_null(rights);
	assert_null(strstr(rights, "--allow-principal \"$PRINCIPAL\""));
	assert_non_null(strstr(rights, " --operation Read --operation Write --operation Describe --operation DescribeConfigs "
				       "--topic 'its'\n"));
	assert_non_null(strstr(rights, " --operation Read --operation Write --operation Describe --operation DescribeConfigs "
				       "--operation Create --topic 'sluice.default.pipeline.q.inputs'\n"));
	static const char reads[] = " --operation Read --operation Describe --operation Create --topic 'sluice.default.replies'\n";
	const char *replies = strstr(rights, reads);
	assert_non_null(replies);
	assert_null(strstr(replies + sizeof reads - 1, "sluice.default.replies")); /* once for both */
	assert_non_null(strstr(rights, " --operation Read --operation Write --operation Describe --operation Create --topic "
				     "'sluice.default.claims'\n"));
	assert_non_null(strstr(rights, " --operation Write --operation Describe --operation DescribeConfigs --operation Create "
				     "--topic 'sluice.default.cancels'\n"));
	assert_null(strstr(rights, "--group"));
	assert_non_null(strstr(rights, " --operation Read --operation Describe --topic 'sluice.default.pipeline.q.outputs'\n"));
	assert_null(strstr(rights, "--operation Write --topic 'sluice.default.pipeline.q.outputs'"));
	planning_close(&p);
}

static void a_gateway_reads_explanations_for_those_who_poll(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: a}, {name: why, inputs: [a], explain: {}}]\n  output: {steps: [a]}\n");
	const char *rights = strstr(rights_of(&p, &plan), "# what a gateway's principal needs");
	assert_non_null(rights);
	assert_non_null(
		strstr(rights, " --operation Read --operation Describe --topic 'sluice.default.pipeline.p.explanations'\n"));
	planning_close(&p);
}

/* Of two pipelines, the one with an experiment. */
static void a_gateway_writes_feedback_and_an_engine_reads_it(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: s, experiment: {name: e, candidates: [{name: m, weight: 1}]}}]\n"
		  "  output: {steps: [s]}\n---\n"
		  PIPELINE("q") "  steps: [{name: b}]\n  output: {steps: [b]}\n");
	const char *text = rights_of(&p, &plan), *gateway = strstr(text, "# what a gateway's principal needs");
	const char *reads = strstr(text, " --operation Read --operation Describe --operation DescribeConfigs --operation Create "
					 "--topic 'sluice.default.pipeline.p.feedback'\n");
	assert_true(reads && reads < gateway);
	assert_non_null(strstr(gateway, " --operation Write --operation Describe --operation DescribeConfigs --operation Create "
					"--topic 'sluice.default.pipeline.p.feedback'\n"));
	assert_null(strstr(text, "pipeline.q.feedback"));
	assert_null(strstr(text, "exposures"));
	planning_close(&p);
}

/* The engine that joins outcomes reads the answers of all engines, where a metric needs feedback on them. */
static void an_engine_reads_answers_for_metrics_of_truth(void **state)
{
	(void)state;
	static const char files[] = PIPELINE(
		"p") "  steps: [{name: s, experiment: {name: e, candidates: [{name: m, weight: 1}, {name: n, weight: 1}],\n"
		     "    bandits: {algorithm: epsilon-greedy, rewardMetric: gain}}}]\n  output: {steps: [s]}\n"
		     "  metrics: [{name: gain, type: counter, value: truth.y * answer.y}]\n---\n" PIPELINE(
			     "q") "  steps: [{name: b}]\n  output: {steps: [b]}\n"
				  "  metrics: [{name: gain, type: counter, value: answer.y}]\n";
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan, files);
	const char *text = rights_of(&p, &plan), *gateway = strstr(text, "# what a gateway's principal needs");
	const char *reads = strstr(text, " --operation Read --operation Describe --topic 'sluice.default.pipeline.p.outputs'\n");
	const char *others = strstr(text, " --operation Read --operation Describe --topic 'sluice.default.pipeline.q.outputs'\n");
	assert_true(reads && reads < gateway);
	const char *group = strstr(text, " --operation Read --operation Describe --group 'sluice.default.outcomes'\n");
	const char *id = strstr(text, " --operation Write --operation Describe --transactional-id 'sluice.default.outcomes.' "
				      "--resource-pattern-type prefixed\n");
	assert_true(!others || others > gateway);
	assert_true(group && group < gateway && id && id < gateway);
	planning_close(&p);
}

/* Only the pipeline of the experiment's name has the topic. */
static void a_keeper_writes_moves_to_the_topic_of_the_experiment(void **state)
{
	(void)state;
	static const char files[] =
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: m\n"
		"  candidates: [{name: m, weight: 1}, {name: n, weight: 1}]\n  progressiveDeployment: {schedule: [5, 100]}\n"
		"  actions: [{url: 'https://h.example/x'}, {type: topic}]\n---\n"
		PIPELINE("e") "  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n---\n"
		PIPELINE("p") "  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n";
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan, files);
	const char *text = rights_of(&p, &plan);
	assert_non_null(strstr(text, " --operation Write --operation Describe --operation DescribeConfigs --operation Create "
				     "--topic 'sluice.default.pipeline.e.moves'\n"));
	assert_null(strstr(text, "pipeline.p.moves"));
	planning_close(&p);
}

/* The lines of a section, from its title to the next one. */
static const char *section_of(const struct planning *planning, const char *text, const char *title)
{
	const char *begin = strstr(text, title);
	assert_non_null(begin);
	begin += strcspn(begin, "\n") + 1;
	const char *end = strstr(begin, "\n#");
	return arena_copy(planning->arena, begin, end ? (size_t)(end - begin) + 1 : strlen(begin));
}

static size_t lines_of(const char *text)
{
	size_t lines = 0;
	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

#define ALLOW(principal) "kafka-acls.sh --bootstrap-server \"$BOOTSTRAP\" --add --allow-principal \"" principal "\""
#define APPLIER ALLOW("${APPLIER_PRINCIPAL:-$PRINCIPAL}")

/* Two pipelines of a namespace have the rights once. */
static void an_engine_of_a_control_plane_has_its_topics(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: a}]\n  output: {steps: [a]}\n---\n"
		  PIPELINE("q") "  steps: [{name: b}]\n  output: {steps: [b]}\n");
	const char *text = rights_of(&p, &plan);
	const char *engine = section_of(&p, text, "# what it also needs for sluice run --control");
	assert_int_equal(lines_of(engine), 7);
	assert_non_null(strstr(engine, ALLOW("$PRINCIPAL") " --operation Read --operation Write --operation Describe "
				       "--operation DescribeConfigs --operation Create --topic 'sluice.default.control'\n"));
	assert_non_null(strstr(engine, " --operation Create --topic 'sluice.default.status'\n"));
	assert_non_null(strstr(engine, " --operation Create --topic 'sluice.default.feed'\n"));
	assert_non_null(strstr(engine, "\" --operation Read --operation Describe --operation DescribeConfigs --operation Create "
				       "--topic 'sluice.default.proposals'\n"));
	assert_non_null(strstr(engine, "\" --operation Read --operation Describe --operation DescribeConfigs --operation Create "
				       "--topic 'sluice.default.artifacts'\n"));
	assert_non_null(strstr(engine, " --operation Read --operation Describe --group 'sluice.default.keeper'\n"));
	assert_non_null(strstr(engine, " --operation Write --operation Describe --transactional-id 'sluice.default.keeper'\n"));
	planning_close(&p);
}

static void who_applies_writes_proposals_and_no_decisions(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan, PIPELINE("p") "  steps: [{name: a}]\n  output: {steps: [a]}\n");
	const char *applier = section_of(&p, rights_of(&p, &plan), "# what the principal of sluice apply,");
	assert_int_equal(lines_of(applier), 5);
	assert_non_null(strstr(applier, APPLIER " --operation Read --operation Describe --operation DescribeConfigs --topic "
					"'sluice.default.control'\n"));
	assert_non_null(strstr(applier, APPLIER " --operation Write --operation Describe --operation DescribeConfigs --topic "
					"'sluice.default.proposals'\n"));
	assert_non_null(strstr(applier, APPLIER " --operation Read --operation Describe --topic 'sluice.default.status'\n"));
	assert_non_null(strstr(applier, APPLIER " --operation Describe --operation DescribeConfigs --topic "
					"'sluice.default.feed'\n"));
	assert_non_null(strstr(applier, APPLIER " --operation Read --operation Write --operation Describe "
					"--operation DescribeConfigs --topic 'sluice.default.artifacts'\n"));
	planning_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_engine_gets_the_rights_it_needs_and_no_more),
		cmocka_unit_test(an_engine_reads_the_topic_of_a_reference),
		cmocka_unit_test(a_gateway_writes_requests_and_reads_replies),
		cmocka_unit_test(a_gateway_reads_explanations_for_those_who_poll),
		cmocka_unit_test(a_gateway_writes_feedback_and_an_engine_reads_it),
		cmocka_unit_test(an_engine_reads_answers_for_metrics_of_truth),
		cmocka_unit_test(a_keeper_writes_moves_to_the_topic_of_the_experiment),
		cmocka_unit_test(an_engine_of_a_control_plane_has_its_topics),
		cmocka_unit_test(who_applies_writes_proposals_and_no_decisions),
		cmocka_unit_test(rights_are_commands_that_a_shell_can_be_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
