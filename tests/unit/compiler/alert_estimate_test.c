/* alert_estimate_test.c: Tests of an alert on the estimated accuracy as the trigger of a rollback, from the probabilities of
 * messages to the command to the keeper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/conditions/alert_condition.h"
#include "message/record_form.h"
#include "control/records/records.h"
#include "control/keeper/rollback_command.h"
#include "monitor/alerts/drift_figures.h"
#include "tests/unit/observed.h"

#define ARENA_BYTES ((size_t)1 << 20)
#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
#define FILES                                                                                                                      \
	HEAD "Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: s, experiment: {name: e}}\n"                              \
	     "  - {name: watch, inputs: [s], drift: {tensors: [x], reference: {topic: before}, window: 40, "                       \
	     "estimate: {probabilities: p}}}\n"                                                                                    \
	     "  output: {steps: [s]}\n  alerts: [{name: worse, condition: estimated_accuracy < 0.9}]\n"                            \
	     "---\n" HEAD "Experiment\nmetadata: {name: e}\nspec:\n"                                                               \
	     "  candidates: [{name: a, weight: 1}, {name: b, weight: 1}]\n  default: a\n"                                          \
	     "  progressiveDeployment: {schedule: [20], every: 5m, rollback: {alerts: [worse]}}\n"

struct judging {
	const struct alert_condition *condition;
	struct arena *arena;
	size_t held, broken; /* judgements */
};

static void figures_judge(void *context, struct text group, const struct alert_values *values, bool is_present)
{
	struct judging *judging = context;
	(void)group, (void)is_present;
	const struct alert_judgement judgement = alert_condition_of_figures(judging->condition, values, "p", 1, judging->arena);
	judging->held += judgement.held;
	judging->broken += judgement.broken;
}

/* Judges the windows since the last look, and what is known now. */
static struct judging look(struct observed *observed, const struct graph *graph, const struct alert_condition *condition)
{
	const struct alert_values none = alert_values_unknown();
	struct arena *arena = arena_open(ARENA_BYTES);
	struct judging judging = {.condition = condition, .arena = observed->arena};
	verdict_board_turn(observed->board);
	drift_figures_each(&(struct drift_figures){.board = observed->board,
						   .graph = graph,
						   .others = &none,
						   .arena = arena,
						   .context = &judging,
						   .take = figures_judge});
	arena_close(arena);
	return judging;
}

static void expect_rollback(const struct alert_spec *alert, struct arena *arena)
{
	const struct alert_message message = {.status = "firing",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = text_of(alert->name.text),
					      .condition = expression_source(alert->condition),
					      .fired_at_ms = 1000,
					      .at_ms = 1000};
	const struct alert_action *action = alert->actions.items;
	struct proposal command;
	struct error error = {0};
	struct buffer record;
	buffer_open(&record, NOTICE_BYTES_MAX);
	assert_int_equal(alert->actions.count, 1);
	assert_int_equal(action->type, ALERT_ROLLBACK);
	assert_true(rollback_command_encode(&message, action->experiment.text, &record, &error));
	assert_true(record_decode(&proposal_form, buffer_view(&record), arena, &command, &error));
	const struct proposal_item *item = command.items.items;
	assert_true(command.items.count == 1 && text_is(item->kind, "RolloutCommand") && text_is(item->name, "e"));
	assert_true(text_is(item->document, "rollback"));
	assert_true(text_is(command.author, "alert worse of p") && text_is(command.reason, "estimated_accuracy < 0.9"));
	buffer_close(&record);
}

static void an_estimate_that_falls_rolls_the_experiment_back(void **state)
{
	(void)state;
	struct observed observed;
	struct planning files;
	struct alert_condition condition;
	observed_open(&observed, USUAL ", estimate: {probabilities: p}");
	planning_open(&files, FILES);
	assert_int_equal(planning_errors(&files), 0);
	const struct alert_spec *alert = files.graph->spec->alerts.items;
	const struct alert_sources sources = graph_figures(files.graph);
	assert_true(alert_condition_make(&condition, alert->condition, &sources, files.arena) && condition.of_figures);
	struct judging judging = look(&observed, files.graph, &condition);
	assert_true(judging.held == 0 && judging.broken == 0); /* no window has closed */
	observed_positives(&observed, 40, 0.95);
	judging = look(&observed, files.graph, &condition);
	assert_true(judging.held == 0 && judging.broken == 2); /* the window, and what is known now */
	observed_positives(&observed, 20, 0.95);
	observed_positives(&observed, 20, 0.3);
	judging = look(&observed, files.graph, &condition);
	assert_true(judging.held == 2 && judging.broken == 0);
	expect_rollback(alert, files.arena);
	planning_close(&files);
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_estimate_that_falls_rolls_the_experiment_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
