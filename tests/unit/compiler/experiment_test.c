/* experiment_test.c: Tests of the choice of an experiment: the candidate of each message, by step and by call, and the
 * assignments in the message. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/experiment_stand.h"
#include "message/records/assigned.h"
#include "message/rows.h"
#include "message/records/stage_link.h"

#include <cmocka.h>

#define TWO "  default: old\n  candidates: [{name: old, weight: 70}, {name: new, weight: 30}]\n"

/* ---- units ---- */

#define UNITS 1000000
#define CHI_SQUARE_MOST 13.82 /* of 2 degrees of freedom: exceeded once in 1,000 */

static size_t choice_of(const struct graph_experiment *experiment, size_t unit)
{
	char text[32];
	int length = snprintf(text, sizeof text, "customer-%zu", unit);
	return assignment_of(experiment->assignment, (struct text){text, (size_t)length});
}

static void a_million_units_are_split_by_the_weights_and_two_pipelines_agree(void **state)
{
	(void)state;
	static const char yaml[] = EXPERIMENT "  candidates: [{name: a, weight: 5}, {name: b, weight: 3}, {name: c, weight: 2}]\n"
		PIPELINE BY_NAME "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\nspec:\n"
		"  output: {steps: [t]}\n  steps: [{name: t, route: {cases: [{when: \"true\", call: e}]}}]\n";
	static const double wanted[] = {0.5, 0.3, 0.2};
	size_t counts[3] = {0};
	planning_open(&planning, yaml);
	const struct resource *second = planning.spec.resources[2];
	const struct graph *other = graph_build(second, &planning.spec, planning.arena, planning.spec.faults);
	const struct graph_experiment *one = graph_experiment_find(planning.graph, 0, CALL_EXPERIMENT, "e");
	const struct graph_experiment *two = graph_experiment_find(other, 0, CALL_EXPERIMENT, "e");
	assert_true(one && two && one->count == 3);
	for (size_t i = 0; i < UNITS; i++) {
		size_t choice = choice_of(one, i);
		counts[choice]++;
		assert_int_equal(choice, choice_of(two, i));
	}
	double chi_square = 0;
	for (size_t i = 0; i < 3; i++) {
		double expected = wanted[i] * UNITS, error = (double)counts[i] - expected;
		assert_true(one->probabilities[i] == wanted[i]);
		chi_square += error * error / expected;
	}
	if (chi_square > CHI_SQUARE_MOST)
		fail_msg("chi-square %g: %zu %zu %zu", chi_square, counts[0], counts[1], counts[2]);
	planning_close(&planning);
}

static void a_key_keeps_its_candidate_and_without_one_the_origin_decides(void **state)
{
	(void)state;
	size_t news = 0;
	open_experiment(EXPERIMENT TWO PIPELINE BY_NAME);
	const char *first = candidate_of(message_keyed("a", "k", 1));
	assert_string_equal(candidate_of(message_keyed("b", "k", 2)), first);
	for (size_t i = 0; i < 40; i++)
		news += strcmp(candidate_of(message_keyed(NULL, NULL, i)), "new") == 0;
	assert_in_range(news, 4, 22);
	close_experiment();
}

static void a_unit_is_an_expression(void **state)
{
	(void)state;
	open_experiment(EXPERIMENT TWO "  unit: header(\"x-user\")\n  unitMissing: error\n" PIPELINE BY_NAME);
	const struct graph_experiment *experiment = planning.graph->experiments[0];
	const char *expected = experiment->shares[assignment_of(experiment->assignment, TEXT("u7"))].name;
	assert_string_equal(candidate_with("a", (struct header){TEXT("X-User"), TEXT("u7")}), expected);
	assert_true(text_is(chosen.unit, "u7"));
	scene_enter(&scene, message_keyed("b", "k", 1));
	expect_error("b", ERROR_INPUT, "experiment `e` needs a unit");
	close_experiment();
}

static void a_missing_unit_is_drawn_from_the_origin_and_not_from_the_key(void **state)
{
	(void)state;
	size_t news = 0;
	open_experiment(EXPERIMENT TWO "  unit: header(\"x-user\")\n" PIPELINE BY_NAME);
	for (size_t i = 0; i < 40; i++)
		news += strcmp(candidate_of(message_keyed(NULL, "one key", i)), "new") == 0;
	assert_in_range(news, 4, 22);
	assert_int_equal(chosen.unit.length, 0);
	close_experiment();
}

static struct step_counts counted;
static struct step_counts *const counted_step = &counted;

/* What an expression gives for a unit: its words, or why there is none. */
static void a_unit_is_one_value(void **state)
{
	static const struct {
		const char *unit, *tensors, *words, *reason;
	} rows[] = {
		{"x", "x=7", "7", NULL},
		{"x", "x=-0", "0", NULL},
		{"x > 0", "x=1", "true", NULL},
		{"x / (x - x)", "x=1", "Infinity", NULL},
		{"x", "x=7,8", NULL, "it has 2 values and must have one"},
		{"[1, 2, 3]", "x=7", NULL, "it has 3 values and must have one"},
		{"stack(x, x)", "x=7", NULL, "it has 2 values and must have one"},
		{"x / x", "x=0", NULL, "it is NaN"},
		{"x[3]", "x=7", NULL, ""},
		{"header(\\\"x-user\\\")", "x=7", NULL, ""},
	};
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		const bool needs = i >= COUNT(rows);
		const size_t row = i % COUNT(rows);
		char yaml[1024];
		(void)snprintf(yaml, sizeof yaml, EXPERIMENT TWO "  unit: \"%s\"\n%s" PIPELINE BY_NAME, rows[row].unit,
			       needs ? "  unitMissing: error\n" : "");
		counted = (struct step_counts){0};
		scene_counts = &counted_step;
		open_experiment(yaml);
		struct message *message = scene_message(&scene, "a", rows[row].tensors);
		message->origin = (struct origin){TEXT("t"), 3, 1};
		message->key = TEXT("k");
		if (needs && rows[row].reason) {
			scene_enter(&scene, message);
			expect_error("a", ERROR_INPUT, "experiment `e` needs a unit, and this request has none: ");
			expect_error("a", ERROR_INPUT, rows[row].reason);
		} else {
			(void)candidate_of(message);
			assert_true(text_is(chosen.unit, rows[row].words ? rows[row].words : ""));
		}
		assert_int_equal(counted.units_missing, rows[row].reason != NULL);
		close_experiment();
	}
	scene_counts = NULL;
}

static void an_override_of_a_number_meets_a_float(void **state)
{
	(void)state;
	open_experiment(EXPERIMENT TWO "  unit: x\n  overrides: {7: new}\n" PIPELINE BY_NAME);
	assert_string_equal(candidate_of(scene_message(&scene, "a", "x=7")), "new");
	assert_int_equal(chosen.reason, ASSIGNED_OVERRIDE);
	close_experiment();
}

static void a_unit_has_a_limit(void **state)
{
	(void)state;
	static char unit[1 << 20];
	memset(unit, 'u', sizeof unit);
	open_experiment(EXPERIMENT TWO PIPELINE BY_NAME);
	struct message *message = message_keyed("a", NULL, 1);
	message->key = (struct text){unit, sizeof unit};
	scene_enter(&scene, message);
	expect_error("a", ERROR_INPUT, "the unit of experiment `e` has 1048576 bytes, and at most 4096 are allowed");
	message = message_keyed("b", NULL, 1);
	message->key = (struct text){unit, EXPERIMENT_UNIT_BYTES_MAX + 1};
	scene_enter(&scene, message);
	expect_error("b", ERROR_INPUT, "4097 bytes");
	message = message_keyed("c", NULL, 1);
	message->key = (struct text){unit, EXPERIMENT_UNIT_BYTES_MAX};
	(void)candidate_of(message);
	close_experiment();
}

/* ---- layers and holdouts ---- */

static void units_of_other_parts_of_the_layer_get_the_default_and_are_not_exposed(void **state)
{
	static const struct {
		const char *audience, *reason;
	} rows[] = {
		{"  layer: {name: l, share: 50%}\n", "layer"},
		{"  holdout: 50%\n", "holdout"},
	};
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		char yaml[1024];
		size_t outside = 0;
		const bool is_thin = i >= COUNT(rows);
		const char *reason = rows[i % COUNT(rows)].reason;
		(void)snprintf(yaml, sizeof yaml,
			       EXPERIMENT "  default: old\n  exposures: %s\n  overrides: {k3: new}\n"
					  "  candidates: [{name: old, weight: 0}, {name: new, weight: 1}]\n%s" PIPELINE BY_NAME,
			       is_thin ? "thin" : "full", rows[i % COUNT(rows)].audience);
		open_experiment(yaml);
		for (size_t unit = 0; unit < 40; unit++) {
			const char *key = arena_print(scene_arena, "k%zu", unit), *got = candidate_of(message_keyed(NULL, key, 1));
			const bool is_outside = strcmp(assigned_reason_name(chosen.reason), reason) == 0;
			outside += is_outside;
			assert_string_equal(got, is_outside ? "old" : "new");
			assert_int_equal(chosen.exposed, !is_outside && !is_thin);
			assert_int_equal(chosen.carried, !is_outside && is_thin);
			assert_true(chosen.probability == 1 && text_is(chosen.variant, got));
			if (unit == 3)
				assert_int_equal(chosen.reason, ASSIGNED_OVERRIDE);
		}
		assert_in_range(outside, 9, 31);
		close_experiment();
	}
}

/* ---- uses ---- */

static void calls_of_the_default_and_of_the_name_are_split(void **state)
{
	static const char *const steps[] = {
		"  - {name: s, experiment: {name: e}}\n",
		"  - {name: s, model: {name: old}}\n",
		"  - {name: s, route: {cases: [{when: \"true\", call: e}]}}\n",
		"  - {name: s, route: {cases: [{when: \"true\", call: old}]}}\n",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++) {
		char yaml[1024];
		(void)snprintf(yaml, sizeof yaml, "%s%s%s", EXPERIMENT "  overrides: {k: new}\n" TWO, PIPELINE, steps[i]);
		open_experiment(yaml);
		assert_string_equal(candidate_of(message_keyed("a", "k", 1)), "new");
		expect_tensors("a", "y=1");
		close_experiment();
	}
	open_experiment(EXPERIMENT "  overrides: {k: new}\n" TWO PIPELINE "  - {name: s, model: {name: third}}\n");
	assert_string_equal(candidate_of(message_keyed("a", "k", 1)), "third");
	close_experiment();
}

static void an_experiment_in_a_step_splits_that_step_alone(void **state)
{
	(void)state;
	open_experiment("apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
			"spec:\n  output: {steps: [t]}\n  steps:\n  - name: s\n    experiment: {default: old, overrides: {k: new}, "
			"candidates: [{name: old, weight: 1}, {name: new, weight: 1}]}\n"
			"  - {name: t, inputs: [s], model: {name: old}}\n");
	struct message *message = message_keyed("a", "k", 1);
	assert_string_equal(candidate_of(message), "new");
	chosen_keep(message);
	assert_true(text_is(chosen.experiment, "p/s") && !chosen.next);
	scene_reply(&scene, "old", "z=2");
	expect_tensors("a", "z=2");
	close_experiment();
}

static void stages_and_bandits_decide_the_shares(void **state)
{
	static const struct {
		const char *spec;
		size_t count;
		double weights[4];
	} rows[] = {
		{"  default: base\n  candidates: [{name: canary, weight: 10}]\n  progressiveDeployment: {stages: [{weight: 20, "
		 "duration: 15m}, {weight: 100, duration: 15m}]}\n", 2, {20, 80}},
		{"  default: base\n  candidates: [{name: a, weight: 1}, {name: base, weight: 9}, {name: b, weight: 3}]\n"
		 "  progressiveDeployment: {stages: [{weight: 20, duration: 15m}]}\n", 3, {5, 80, 15}},
		{"  default: a\n  candidates: [{name: a, weight: 1}, {name: b, weight: 3}]\n"
		 "  progressiveDeployment: {enabled: false, stages: [{weight: 20, duration: 15m}]}\n", 2, {1, 3}},
		{"  candidates: [{name: a, weight: 0}, {name: b, weight: 0}]\n  bandits: {algorithm: ucb1}\n", 2, {1, 1}},
		{"  candidates: [{name: a, weight: 3}, {name: b, weight: 1}]\n  bandits: {algorithm: ucb1}\n", 2, {3, 1}},
		{"  default: a\n  candidates: []\n  mirror: {name: m, percent: 50}\n", 1, {1}},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char yaml[1024];
		struct share shares[ASSIGNMENT_WAYS_MAX];
		(void)snprintf(yaml, sizeof yaml, EXPERIMENT "%s", rows[i].spec);
		planning_open(&planning, yaml);
		assert_int_equal(planning_errors(&planning), 0);
		assert_int_equal(experiment_shares(planning.spec.resources[0]->spec, shares), rows[i].count);
		for (size_t j = 0; j < rows[i].count; j++)
			assert_true(fabs(shares[j].weight - rows[i].weights[j]) < 1e-9);
		planning_close(&planning);
	}
}

static void each_algorithm_has_its_learner(void **state)
{
	static const struct {
		const char *word;
		enum bandit_kind kind;
	} rows[] = {{"epsilon-greedy", BANDIT_EPSILON_GREEDY},
		    {"ucb1", BANDIT_UCB1},
		    {"thompson", BANDIT_THOMPSON_BETA},
		    {"thompson-gaussian", BANDIT_THOMPSON_STUDENT},
		    {"exp3", BANDIT_EXP3}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char yaml[1024];
		(void)snprintf(yaml, sizeof yaml, EXPERIMENT TWO "  bandits: {algorithm: %s, explore: 0.5}\n", rows[i].word);
		planning_open(&planning, yaml);
		assert_int_equal(planning_errors(&planning), 0);
		const struct bandit_options options = experiment_bandit(planning.spec.resources[0]->spec, 2, 0);
		assert_int_equal(options.kind, rows[i].kind);
		assert_true(options.explore == 0.5 && options.arms == 2);
		planning_close(&planning);
	}
}

/* ---- mirror and fallback ---- */

static void a_mirror_gets_copies_of_its_share(void **state)
{
	(void)state;
	open_experiment(EXPERIMENT TWO "  mirror: {name: shade, percent: 100}\n" PIPELINE BY_NAME);
	(void)candidate_of(message_keyed("a", "k", 1));
	assert_int_equal(scene.copy_count, 1);
	assert_string_equal(scene.copied[0], "shade");
	struct message *copied = message_keyed("b", "k", 2);
	copied->copied = true; /* a shadow request has no shadow of its own */
	(void)candidate_of(copied);
	assert_int_equal(scene.copy_count, 1);
	close_experiment();
	open_experiment(EXPERIMENT TWO "  mirror: {name: shade, percent: 0}\n" PIPELINE BY_NAME);
	(void)candidate_of(message_keyed("a", "k", 1));
	assert_int_equal(scene.copy_count, 0);
	close_experiment();
}

/* What the mirror is compared with: the candidate's reply, or that of the default if it answers instead. */
static void a_mirror_is_compared_with_the_result_of_the_call(void **state)
{
	(void)state;
	counted = (struct step_counts){0};
	scene_counts = &counted_step;
	open_experiment(EXPERIMENT "  fallback: default\n  overrides: {k: new, l: old}\n" TWO
				   "  mirror: {name: shade, percent: 100, tolerance: 5%}\n" PIPELINE BY_NAME);
	scene_enter(&scene, message_keyed("a", "k", 1));
	assert_true(scene.mirrored.tolerance == 0.05 && scene.mirrored.counts == &counted.mirror);
	assert_string_equal(scene.mirrored.experiment, "e");
	scene_fail(&scene, "new", ERROR_REMOTE, "new : gone");
	assert_int_equal(scene.mirrored_count, 0);
	scene_reply(&scene, "old", "y=7");
	assert_int_equal(scene.mirrored_count, 1);
	assert_true(scene.mirrored_number == 7);
	scene_enter(&scene, message_keyed("b", "l", 1));
	scene_fail(&scene, "old", ERROR_REMOTE, "old : gone");
	assert_int_equal(scene.mirrored_count, 2);
	assert_true(isnan(scene.mirrored_number));
	scene_counts = NULL;
	close_experiment();
}

static void a_candidate_that_fails_is_an_error_unless_the_default_answers(void **state)
{
	(void)state;
	open_experiment(EXPERIMENT "  overrides: {k: new, l: old}\n" TWO PIPELINE BY_NAME);
	scene_enter(&scene, message_keyed("a", "k", 1));
	scene_fail(&scene, "new", ERROR_REMOTE, "new : gone");
	expect_error("a", ERROR_REMOTE, "new : gone");
	close_experiment();
	open_experiment(EXPERIMENT "  fallback: default\n  overrides: {k: new, l: old}\n" TWO PIPELINE BY_NAME);
	struct message *message = message_keyed("a", "k", 1);
	scene_enter(&scene, message);
	scene_fail(&scene, "new", ERROR_REMOTE, "new : gone");
	chosen_keep(message);
	assert_int_equal(chosen.reason, ASSIGNED_FALLBACK);
	assert_true(text_is(chosen.variant, "new"));
	scene_reply(&scene, "old", "y=7");
	expect_tensors("a", "y=7");
	scene_enter(&scene, message_keyed("b", "l", 1));
	scene_fail(&scene, "old", ERROR_REMOTE, "old : gone"); /* the default has no other */
	expect_error("b", ERROR_REMOTE, "old : gone");
	scene_enter(&scene, message_keyed("c", "k", 1));
	scene_fail(&scene, "new", ERROR_REMOTE, "new : gone");
	scene_fail(&scene, "old", ERROR_REMOTE, "old : gone too");
	expect_error("c", ERROR_REMOTE, "old : gone too");
	close_experiment();
}

/* The default has the time that the candidate left. */
static void the_default_answers_within_the_deadline_of_the_request(void **state)
{
	(void)state;
	counted = (struct step_counts){0};
	scene_counts = &counted_step;
	open_experiment(EXPERIMENT "  fallback: default\n  overrides: {k: new}\n" TWO PIPELINE BY_NAME);
	struct message *message = message_keyed("a", "k", 1);
	message->deadline_ms = 50;
	scene_enter(&scene, message);
	scene_advance(&scene, 20);
	scene_fail(&scene, "new", ERROR_REMOTE, "new : gone");
	assert_non_null(scene_call(&scene, "old"));
	assert_ptr_equal(scene_call(&scene, "old")->message, message);
	scene_advance(&scene, 40); /* beyond the candidate's half */
	assert_int_equal(flow_due_ms(scene.flow), 50);
	scene_advance(&scene, 50);
	expect_error("a", ERROR_LIMIT,
		     "the deadline of the request has passed before its answer was ready: step `s` waited for model old");
	assert_int_equal(counted.fallbacks, 1);
	scene_counts = NULL;
	close_experiment();
}

/* Which model is asked for perturbations of a message whose answer is that of a candidate. */
static void perturbations_go_to_the_candidate_that_answered(void **state)
{
	static const char yaml[] =
		EXPERIMENT "  fallback: default\n  overrides: {k: new, l: old}\n" TWO
			   "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
			   "  output: {steps: [why]}\n  steps:\n  - {name: s, model: {name: old}}\n"
			   "  - {name: why, inputs: [s], explain: {deliver: inline, background: {rows: 2}}}\n";
	static const struct {
		const char *key, *chosen, *asked;
		bool fails;
	} rows[] = {{"k", "new", "new", false}, {"l", "old", "old", false}, {"k", "new", "old", true}};
	(void)state;
	open_experiment(yaml);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct message *message = scene_message(&scene, arena_print(scene_arena, "m%zu", i), "x=[2]1,2,3,4");
		message->key = text_of(rows[i].key);
		scene_enter(&scene, message);
		assert_string_equal(scene.calls[scene.call_count - 1]->name, rows[i].chosen);
		if (rows[i].fails)
			scene_fail(&scene, rows[i].chosen, ERROR_REMOTE, "gone");
		scene_reply(&scene, rows[i].asked, "y=[2]1,2");
		const struct call *call = scene.calls[scene.call_count - 1];
		assert_true(call->uncached);
		assert_string_equal(call->name, rows[i].asked);
		while (scene_call(&scene, rows[i].asked)) /* one for each row */
			scene_fail(&scene, rows[i].asked, ERROR_REMOTE, "gone");
	}
	close_experiment();
}

/* ---- exposures ---- */

static void exposures_are_written_as_the_experiment_asks(void **state)
{
	static const struct {
		const char *spec;
		bool exposes, carried;
	} rows[] = {
		{"", false, true},
		{"  exposures: full\n", true, false},
		{"  exposures: thin\n", false, true},
		{"  exposures: off\n", false, false},
		{"  bandits: {algorithm: ucb1}\n", true, false},
		{"  progressiveDeployment: {stages: [{weight: 20, duration: 15m}]}\n", true, false},
		{"  progressiveDeployment: {stages: [{weight: 20, duration: 15m}]}\n  exposures: thin\n", false, true},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char yaml[1024];
		(void)snprintf(yaml, sizeof yaml, EXPERIMENT TWO "%s" PIPELINE BY_NAME, rows[i].spec);
		open_experiment(yaml);
		assert_int_equal(planning.graph->experiments[0]->exposes, rows[i].exposes);
		assert_int_equal(planning.graph->experiments[0]->carried, rows[i].carried);
		(void)candidate_of(message_keyed("a", "k", 1));
		assert_int_equal(chosen.exposed, rows[i].exposes);
		close_experiment();
	}
}

/* ---- what the message keeps ---- */

static void assign(struct message *message, const char *experiment, const char *variant, double probability)
{
	const struct assigned one = {
		.experiment = text_of(experiment), .variant = text_of(variant), .probability = probability, .exposed = true};
	assert_non_null(assigned_add(message, &one));
}

static void assignments_are_kept_once_in_their_order_and_pass_between_stages(void **state)
{
	(void)state;
	const struct header own[] = {{TEXT("a"), TEXT("b")}, {TEXT(":assigned"), TEXT("forged\tx\t1\t0\n")}};
	struct carried carried = {0};
	struct message message = {.arena = scene_arena, .headers = {2, own}, .carried = &carried}, read = {.arena = scene_arena};
	struct stage_link link = {.from = TEXT("one")}, back;
	struct buffer out;
	struct error error = {0};
	assign(&message, "e", "a", 0.25);
	assign(&message, "f", "b", 1);
	assign(&message, "e", "a", 0.25);
	assert_true(text_is(assigned_header(&message, scene_arena), "e=a; probability=0.25, f=b; probability=1.0"));
	message.assigned->reason = ASSIGNED_FALLBACK;
	assert_true(text_is(assigned_header(&message, scene_arena), "e=a; probability=0.25, f=b; probability=1.0; fallback"));
	assert_true(text_is(assigned_route(&message, scene_arena), ":a_1::b_1:"));
	buffer_open(&out, 1 << 16);
	assert_true(stage_link_encode(&message, 1, &link, &out, &error));
	assert_true(stage_link_decode(&read, buffer_view(&out), &back, &error));
	assert_int_equal(read.headers.count, 1);
	assert_true(text_is(assigned_header(&read, scene_arena), "e=a; probability=0.25, f=b; probability=1.0; fallback"));
	assert_false(read.assigned->exposed); /* its exposure is the earlier stage's */
	buffer_close(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_units_are_split_by_the_weights_and_two_pipelines_agree),
		TEST(a_key_keeps_its_candidate_and_without_one_the_origin_decides),
		TEST(a_unit_is_an_expression),
		TEST(a_missing_unit_is_drawn_from_the_origin_and_not_from_the_key),
		TEST(a_unit_is_one_value),
		TEST(an_override_of_a_number_meets_a_float),
		TEST(a_unit_has_a_limit),
		TEST(calls_of_the_default_and_of_the_name_are_split),
		TEST(an_experiment_in_a_step_splits_that_step_alone),
		TEST(perturbations_go_to_the_candidate_that_answered),
		TEST(units_of_other_parts_of_the_layer_get_the_default_and_are_not_exposed),
		cmocka_unit_test(stages_and_bandits_decide_the_shares),
		cmocka_unit_test(each_algorithm_has_its_learner),
		TEST(a_mirror_gets_copies_of_its_share),
		TEST(a_mirror_is_compared_with_the_result_of_the_call),
		TEST(a_candidate_that_fails_is_an_error_unless_the_default_answers),
		TEST(the_default_answers_within_the_deadline_of_the_request),
		TEST(exposures_are_written_as_the_experiment_asks),
		TEST(assignments_are_kept_once_in_their_order_and_pass_between_stages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
