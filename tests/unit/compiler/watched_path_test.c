/* watched_path_test.c: Tests of the path for the observer of a step `drift`: it carries each message of the step's share, with the
 * step's inputs, and no other; it counts each message; and it marks messages where the marks are read, and only there. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flow/flow.h"
#include "tests/unit/graphs.h"
#include "tests/unit/letters.h"
#include "message/records/carried.h"
#include "observe/counts.h"
#include "compiler/step/assignment.h"
#include "steps/kinds.h"

#define ARENA_BYTES ((size_t)1 << 20)
#define MESSAGES 1000
#define STEPS_MAX 4
#define HEAD                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"                             \
	"  - {name: doubled, expression: {set: {x: x * 2}}}\n"                                                                     \
	"  - {name: watch, inputs: [doubled], drift: {tensors: [x], reference: r.json, share: "
#define UNREAD "}}\n  output: {steps: [doubled]}\n"
#define READ                                                                                                                       \
	"}}\n  - {name: told, inputs: [watch], expression: {set: {score: drift_score}, keep: [score]}}\n"                          \
	"  output: {steps: [told]}\n"

struct path {
	struct planning planning;
	struct plan plan;
	struct flow *flow;
	struct step_counts counts[STEPS_MAX];
	struct step_counts *counted[STEPS_MAX];
	size_t answers, carried, drawn, wrong; /* wrong: carried and not drawn, the reverse, or without the step's inputs */
	char answer[256];
};

static bool path_draws(struct path *path, const struct message *message)
{
	const struct graph *graph = path->plan.pipelines[0].stages[0].graph;
	const struct step observer = step_seen(graph, graph->part->next[0].observers[0]);
	const struct sample sample = step_sample(&observer);
	return sample_has(&sample, message);
}

static bool has_inputs_of_watch(const struct message *message)
{
	for (size_t i = 0; i < message->carried->count; i++) {
		const struct given *given = &message->carried->items[i];
		char tensors[64];
		if (!text_is(given->step, "watch") || !given->inputs || !given->payload)
			continue;
		payload_print(given->payload, tensors, sizeof tensors);
		return strcmp(tensors, "x=6") == 0;
	}
	return false;
}

static void on_call(void *context, struct call *call)
{
	(void)context, (void)call;
	fail();
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct path *path = context;
	(void)outcome;
	const bool drawn = path_draws(path, message);
	path->answers += answer->payload != NULL;
	path->drawn += drawn;
	path->carried += message->carried != NULL;
	path->wrong += drawn != (message->carried != NULL) || (drawn && !has_inputs_of_watch(message));
	if (answer->payload)
		payload_print(answer->payload, path->answer, sizeof path->answer);
}

static void path_open(struct path *path, const char *yaml)
{
	const struct flow_environment environment = {
		.context = path, .call = on_call, .finished = on_finished, .step_counts = path->counted};
	struct error error = {0};
	*path = (struct path){0};
	for (size_t i = 0; i < STEPS_MAX; i++)
		path->counted[i] = &path->counts[i];
	planning_read(&path->planning, yaml, step_kinds);
	planning_plan(&path->planning, NULL, &path->plan);
	assert_int_equal(planning_errors(&path->planning), 0);
	path->flow = flow_open(path->plan.pipelines[0].stages[0].graph, &environment, &error);
	assert_string_equal(error.text, "");
}

static void path_run(struct path *path, const char *yaml)
{
	path_open(path, yaml);
	struct arena *arena = arena_open(ARENA_BYTES);
	struct error error = {0};
	for (int i = 0; i < MESSAGES; i++) {
		char key[16];
		arena_reset(arena);
		struct message message = {.arena = arena,
					  .key = {key, (size_t)snprintf(key, sizeof key, "key-%d", i % 5)},
					  .origin = {.topic = TEXT("in"), .offset = i},
					  .payload = *payload_made(arena, "x=3")};
		assert_true(flow_enter(path->flow, &message, i, &error));
	}
	arena_close(arena);
	flow_close(path->flow);
	assert_int_equal(path->answers, MESSAGES);
	assert_int_equal(path->wrong, 0);
	assert_int_equal(path->carried, path->drawn);
}

static uint64_t counted(const struct path *path, const char *step)
{
	const struct graph *graph = path->plan.pipelines[0].stages[0].graph;
	uint64_t sum = 0;
	for (size_t i = 0; i < graph->count; i++)
		for (size_t j = 0; j <= DURATION_LIMITS && strcmp(graph->steps[i].name, step) == 0; j++)
			sum += path->counts[i].duration.buckets[j];
	return sum;
}

static void a_share_is_carried_with_the_inputs_of_the_step_and_no_other(void **state)
{
	struct path path;
	(void)state;
	path_run(&path, HEAD "10%" UNREAD);
	assert_in_range(path.drawn, MESSAGES / 20, MESSAGES / 5);
	assert_string_equal(path.answer, "x=6");
	planning_close(&path.planning);
}

static void each_message_is_carried_where_all_are_watched(void **state)
{
	struct path path;
	(void)state;
	path_run(&path, HEAD "100%" UNREAD);
	assert_int_equal(path.carried, MESSAGES);
	planning_close(&path.planning);
}

static void each_message_is_counted_at_the_step_though_nobody_reads_its_marks(void **state)
{
	struct path path;
	(void)state;
	path_run(&path, HEAD "10%" UNREAD);
	assert_int_equal(counted(&path, "watch"), MESSAGES);
	assert_int_equal(counted(&path, "doubled"), MESSAGES);
	planning_close(&path.planning);
}

static void marks_that_are_read_are_made_for_all(void **state)
{
	struct path path;
	(void)state;
	path_run(&path, HEAD "10%" READ);
	assert_string_equal(path.answer, "score=0");
	assert_in_range(path.drawn, MESSAGES / 20, MESSAGES / 5);
	assert_int_equal(counted(&path, "watch"), MESSAGES);
	planning_close(&path.planning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_is_carried_with_the_inputs_of_the_step_and_no_other),
		cmocka_unit_test(each_message_is_carried_where_all_are_watched),
		cmocka_unit_test(each_message_is_counted_at_the_step_though_nobody_reads_its_marks),
		cmocka_unit_test(marks_that_are_read_are_made_for_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
