/* experiment_ways_test.c: Tests of experiments whose choices are the ways of a step `traffic`, as those of a SeldonDeployment with
 * several predictors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/unit/flow_scene.h"
#include "message/records/assigned.h"
#include "tests/unit/planning.h"

#include <cmocka.h>

#define DEPLOYMENT(annotations)                                                                                                    \
	"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d" annotations "}\nspec:\n"            \
	"  predictors:\n"                                                                                                          \
	"  - {name: main, traffic: 80, graph: {name: old, type: MODEL}}\n"                                                         \
	"  - {name: canary, traffic: 20, graph: {name: new, type: MODEL}}\n"
#define EXPOSED ", annotations: {sluice.io/exposures: full}"
#define MESSAGES 400

static struct planning planning;

static void ways_open(const char *yaml)
{
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	scene_open(&scene, planning.graph, scene_arena, false);
}

static void ways_close(void)
{
	scene_close(&scene);
	scene = (struct scene){0};
	planning_close(&planning);
}

static struct message *message_of(const char *key, size_t number)
{
	struct message *message = scene_message(&scene, arena_print(scene_arena, "m%zu", scene.message_count), "x=1");
	message->origin = (struct origin){TEXT("t"), 3, (int64_t)number};
	message->key = text_of(key);
	return message;
}

struct way {
	bool canary;
	struct assigned assigned; /* without texts, which are freed with the answer */
};

/* Sends a message, and expects an assignment by which its way went. The variant has the predictor's name, and what is called that
 * of the node's model. */
static struct way expect_way(struct message *message, const char *unit)
{
	scene_enter(&scene, message);
	const char *name = scene.calls[scene.call_count - 1]->name;
	assert_non_null(message->assigned);
	const struct assigned *assigned = message->assigned;
	const struct way way = {strcmp(name, "d/new") == 0,
				{.probability = assigned->probability,
				 .reason = assigned->reason,
				 .table = assigned->table,
				 .exposed = assigned->exposed}};
	assert_null(assigned->next);
	assert_true(text_is(assigned->experiment, "d"));
	assert_true(text_is(assigned->variant, way.canary ? "canary" : "main"));
	assert_true(text_is(assigned->unit, unit));
	scene_reply(&scene, name, "y=1");
	return way;
}

static void predictors_are_an_experiment_of_the_name_of_their_deployment(void **state)
{
	(void)state;
	planning_open(&planning, DEPLOYMENT(""));
	assert_int_equal(planning.graph->experiment_count, 1);
	const struct graph_experiment *experiment = planning.graph->experiments[0];
	assert_string_equal(experiment->name, "d");
	assert_string_equal(experiment->spec->default_name.text, "main");
	assert_true(experiment->count == 2 && experiment->probabilities[0] == 0.8 && experiment->probabilities[1] == 0.2);
	assert_string_equal(experiment->shares[1].name, "canary");
	assert_false(experiment->exposes);
	assert_ptr_equal(experiment->assignment, planning.graph->steps[0].assignment); /* units stay where they were */
	planning_close(&planning);
}

static void each_message_is_assigned_to_the_way_that_it_goes(void **state)
{
	size_t canary = 0;
	(void)state;
	ways_open(DEPLOYMENT(""));
	for (size_t i = 0; i < MESSAGES; i++) {
		char key[16];
		(void)snprintf(key, sizeof key, "k%zu", i);
		const struct way way = expect_way(message_of(key, i), key);
		assert_true(!way.assigned.exposed && way.assigned.reason == ASSIGNED_WEIGHT);
		assert_true(way.assigned.probability == (way.canary ? 0.2 : 0.8));
		assert_int_equal(way.assigned.table, planning.graph->steps[0].assignment->version);
		assert_int_equal(way.canary, assignment_of(planning.graph->steps[0].assignment, text_of(key)) == 1);
		canary += way.canary;
		if (i % 50 == 49) { /* a scene has space for some */
			ways_close();
			ways_open(DEPLOYMENT(""));
		}
	}
	assert_in_range(canary, 40, 120);
	ways_close();
}

static void an_annotation_of_the_deployment_exposes_them(void **state)
{
	(void)state;
	ways_open(DEPLOYMENT(EXPOSED));
	assert_true(planning.graph->experiments[0]->exposes);
	assert_true(expect_way(message_of("k", 1), "k").assigned.exposed);
	ways_close();
}

static void a_route_chooses_the_way(void **state)
{
	static const struct {
		const char *route;
		bool canary;
	} rows[] = {{":canary:", true}, {":main_2:", false}};
	(void)state;
	ways_open(DEPLOYMENT(""));
	for (size_t i = 0; i < 3; i++) {
		struct message *message = message_of("k", 1);
		struct header *header = ARENA_NEW(message->arena, struct header);
		*header = (struct header){TEXT(ROUTE_HEADER), i < 2 ? text_of(rows[i].route) : TEXT(":old:")};
		message->headers = (struct headers){1, header};
		const struct way way = expect_way(message, "k");
		assert_int_equal(way.assigned.reason, i < 2 ? ASSIGNED_ROUTE : ASSIGNED_WEIGHT); /* the last is of no choice */
		assert_true(i == 2 || (way.canary == rows[i].canary && way.assigned.probability == 1));
	}
	ways_close();
}

/* No share refuses a request: its key chooses, and is no unit. */
static void a_key_that_is_too_long_for_a_unit_has_a_way(void **state)
{
	static char key[EXPERIMENT_UNIT_BYTES_MAX + 1];
	(void)state;
	memset(key, 'k', sizeof key);
	ways_open(DEPLOYMENT(""));
	struct message *message = message_of("", 1);
	message->key = (struct text){key, sizeof key};
	assert_int_equal(expect_way(message, "").canary,
			 assignment_of(planning.graph->steps[0].assignment, (struct text){key, sizeof key}) == 1);
	ways_close();
}

static void a_message_without_a_key_is_counted(void **state)
{
	static struct step_counts counts[4];
	static struct step_counts *const of_steps[] = {&counts[0], &counts[1], &counts[2], &counts[3]};
	(void)state;
	scene_counts = of_steps;
	ways_open(DEPLOYMENT(""));
	scene_counts = NULL;
	(void)expect_way(message_of("k", 1), "k");
	assert_int_equal(counts[0].units_missing, 0);
	(void)expect_way(message_of("", 1), "");
	assert_int_equal(counts[0].units_missing, 1);
	ways_close();
}

static void one_predictor_or_shares_without_a_name_are_no_experiment(void **state)
{
	(void)state;
	planning_open(&planning, "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d}\nspec:\n"
				 "  predictors:\n  - {name: main, graph: {name: old, type: MODEL}}\n");
	assert_int_equal(planning_errors(&planning), 0);
	assert_int_equal(planning.graph->experiment_count, 0);
	planning_close(&planning);
	planning_open_steps(&planning, "  - {name: s, traffic: {shares: [{weight: 1, call: a}, {weight: 1, call: b}]}}\n"
				       "  output: {steps: [s]}\n");
	assert_int_equal(planning.graph->experiment_count, 0);
	planning_close(&planning);
}

/* ---- a shadow ---- */

#define SHADOW "  - {name: next, shadow: true, graph: {name: newer, type: MODEL}}\n"
#define ALONE                                                                                                                      \
	"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d}\nspec:\n  predictors:\n"            \
	"  - {name: main, graph: {name: old, type: MODEL}}\n"

static void the_shadow_is_the_mirror_of_the_predictors(void **state)
{
	(void)state;
	ways_open(DEPLOYMENT("") SHADOW);
	const struct graph_experiment *experiment = planning.graph->experiments[0];
	assert_string_equal(experiment->spec->mirror_name.text, "d-next");
	assert_int_equal(experiment->spec->mirror_percent, 100);
	assert_true(experiment->count == 2 && graph_step_mirrors(planning.graph, 0) && !graph_step_mirrors(planning.graph, 1));
	scene_enter(&scene, message_of("k", 1));
	assert_int_equal(scene.copy_count, 1);
	assert_string_equal(scene.copied[0], "d-next");
	assert_true(scene.mirrored.of_answer && scene.mirrored.tolerance == 0.001);
	assert_string_equal(scene.mirrored.experiment, "d");
	assert_true(scene.messages[0]->assigned->mirrored);
	ways_close();
}

static void a_shadow_is_compared_with_the_answer(void **state)
{
	(void)state;
	ways_open(ALONE SHADOW);
	(void)expect_way(message_of("k", 1), "k");
	assert_int_equal(scene.mirrored_count, 1);
	assert_true(scene.mirrored_number == 1);
	scene_enter(&scene, message_of("k", 2));
	scene_fail(&scene, "d/old", ERROR_REMOTE, "d/old : gone");
	assert_int_equal(scene.mirrored_count, 2);
	assert_true(isnan(scene.mirrored_number));
	struct message *abandoned = message_of("k", 3);
	scene_enter(&scene, abandoned);
	flow_abandon(scene.flow, abandoned);
	assert_int_equal(scene.unmirrored_count, 1);
	scene_enter(&scene, message_of("k", 4));
	ways_close();
	ways_open(ALONE SHADOW);
	struct message *copied = message_of("k", 5);
	copied->copied = true; /* a shadow request has no shadow of its own */
	scene_enter(&scene, copied);
	assert_int_equal(scene.copy_count, 0);
	ways_close();
}

/* The shadow is asked for all of them. */
static void a_shadow_is_compared_with_outputs_that_the_request_does_not_want(void **state)
{
	const struct text names[] = {TEXT("y")};
	(void)state;
	ways_open(ALONE SHADOW);
	struct message *message = message_of("k", 1);
	message->wanted = (struct tensors_wanted){1, names};
	scene_enter(&scene, message);
	scene_reply(&scene, "d/old", "y=1 z=2");
	expect_tensors("m0", "y=1");
	assert_int_equal(scene.mirrored_count, 1);
	assert_int_equal(scene.mirrored_tensors, 2);
	ways_close();
}

#define MIRRORED(name, inputs, model, mirror)                                                                                      \
	"  - {name: " name inputs ", traffic: {experiment: " name ", shares: [{weight: 1, call: " model "}], "                     \
	"copies: [{call: " mirror ", mirror: true}]}}\n"
#define PLAIN "  - {name: first, expression: {set: {z: x}}}\n"

static void steps_open(const char *steps, bool tapped)
{
	planning_open_steps(&planning, steps);
	assert_int_equal(planning_errors(&planning), 0);
	scene_open(&scene, planning.graph, scene_arena, tapped);
}

/* Its place is empty again when the copy was left out, or refused for space. */
static void a_message_has_one_copy_whatever_became_of_it(void **state)
{
	(void)state;
	for (size_t refused = 0; refused < 2; refused++) {
		steps_open(MIRRORED("one", "", "a", "b") MIRRORED("two", ", inputs: [one]", "c", "d") "  output: {steps: [two]}\n",
			   false);
		scene.refuses_copies = refused > 0;
		struct message *message = message_of("k", 1);
		scene_enter(&scene, message);
		scene_reply(&scene, "a", "y=1");
		assert_int_equal(scene.copy_count, 1);
		assert_string_equal(scene.copied[0], "b");
		assert_int_equal(message->assigned->mirrored + message->assigned->next->mirrored, 1);
		ways_close();
	}
}

/* A step that is not of the answer runs after it, as its output is tapped. */
static void a_message_that_is_answered_has_no_copy(void **state)
{
	(void)state;
	steps_open(PLAIN MIRRORED("late", ", inputs: [first]", "a", "b") "  output: {steps: [first]}\n", true);
	scene_enter(&scene, message_of("k", 1));
	assert_int_equal(scene.call_count, 1);
	assert_int_equal(scene.copy_count, 0);
	ways_close();
}

static void a_mirror_of_ways_is_one_of_an_experiment(void **state)
{
	static const char *const wrong[] = {
		"{shares: [{weight: 1, call: a}], copies: [{call: b, mirror: true}]}",
		"{experiment: e, shares: [{weight: 1, call: a}], copies: [{call: b, mirror: true}, {call: c, mirror: true}]}",
		"{experiment: e, shares: [{weight: 1, call: a}], copies: [{call: b, mirror: true, percent: 0.5}]}"};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char steps[256];
		(void)snprintf(steps, sizeof steps, "  - {name: s, traffic: %s}\n  output: {steps: [s]}\n", wrong[i]);
		planning_open_steps(&planning, steps);
		assert_int_equal(planning_errors(&planning), 1);
		planning_close(&planning);
	}
}

static void two_choices_have_two_names(void **state)
{
	(void)state;
	planning_open_steps(&planning, "  - {name: s, traffic: {experiment: e, shares: [{weight: 1, call: a, as: b}, "
				       "{weight: 1, call: b}]}}\n  output: {steps: [s]}\n");
	assert_int_equal(planning_errors(&planning), 1);
	planning_close(&planning);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)
	const struct CMUnitTest tests[] = {
		TEST(predictors_are_an_experiment_of_the_name_of_their_deployment),
		TEST(each_message_is_assigned_to_the_way_that_it_goes),
		TEST(an_annotation_of_the_deployment_exposes_them),
		TEST(a_route_chooses_the_way),
		TEST(a_key_that_is_too_long_for_a_unit_has_a_way),
		TEST(a_message_without_a_key_is_counted),
		TEST(one_predictor_or_shares_without_a_name_are_no_experiment),
		TEST(the_shadow_is_the_mirror_of_the_predictors),
		TEST(a_shadow_is_compared_with_the_answer),
		TEST(a_shadow_is_compared_with_outputs_that_the_request_does_not_want),
		TEST(a_message_has_one_copy_whatever_became_of_it),
		TEST(a_message_that_is_answered_has_no_copy),
		TEST(a_mirror_of_ways_is_one_of_an_experiment),
		TEST(two_choices_have_two_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
