/* state_forms_test.c: Tests of the forms of the state of stages: when a stage gets a changelog of its own, its name, and the labels
 * by which a control plane remembers it. */
#include "compiler/plan/state_forms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/keeper/document_check.h"
#include "control/keeper/state_labels.h"
#include "steps/kinds.h"
#include "tests/unit/control_stand.h"
#include "tests/unit/planning.h"

#define PIPELINE(steps, last)                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n" steps                       \
	"  output: {steps: [" last "]}\n"
#define COUNT(name) "  - {name: " name ", features: {set: {c: count(x over 1h)}}}\n"
#define WINDOW(name, sort) "  - {name: " name ", aggregate: {window: {" sort "}, set: {c: count()}}}\n"
#define FIRST "sluice.default.pipeline.p.stage.request.state"

/* ---- steps ---- */

static bool fit(const char *before, const char *now)
{
	return state_steps_fit(text_of(before), text_of(now));
}

static void steps_may_be_added_or_removed_and_not_replaced(void **state)
{
	(void)state;
	assert_true(fit("a=features", "a=features"));
	assert_true(fit("a=features", "a=features b=features"));
	assert_true(fit("a=features b=features", "b=features"));
	assert_true(fit("", "a=features"));
	assert_false(fit("a=features", "b=features"));
	assert_false(fit("a=features b=features", "b=features c=features"));
	assert_false(fit("a=features", "a=aggregate/count"));
	assert_false(fit("a=aggregate/count", "a=aggregate/session b=features"));
	assert_false(fit("a=features", "aa=features"));
}

static const char *steps_of(struct planning *planning, const char *yaml)
{
	struct plan plan;
	planning_open(planning, yaml);
	planning_plan(planning, NULL, &plan);
	assert_int_equal(plan.count, 1);
	const char *steps = stage_state_steps(&plan.pipelines[0], plan.pipelines[0].stage_count - 1, planning->arena);
	assert_false(arena_failed(planning->arena));
	return steps;
}

static void the_form_follows_from_the_steps_with_state(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *steps;
	} cases[] = {
		{PIPELINE("  - {name: s, expression: {set: {x: x}}}\n" COUNT("a"), "a"), "a=features"},
		{PIPELINE(WINDOW("a", "count: 3"), "a"), "a=aggregate/count"},
		{PIPELINE(WINDOW("a", "session: 1m"), "a"), "a=aggregate/session"},
		{PIPELINE(WINDOW("a", "tumbling: 1m"), "a"), "a=aggregate/hopping"},
		{PIPELINE(WINDOW("a", "hopping: 1m, every: 10s"), "a"), "a=aggregate/hopping"},
		{PIPELINE("  - {name: s, expression: {set: {x: x}}}\n", "s"), NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct planning planning;
		const char *steps = steps_of(&planning, cases[i].yaml);
		if (cases[i].steps ? !steps || strcmp(steps, cases[i].steps) != 0 : steps != NULL)
			fail_msg("%s: %s", cases[i].yaml, steps ? steps : "none");
		planning_close(&planning);
	}
}

/* Its changelog has parts of requests, which must not stay behind. */
static void a_stage_that_joins_has_no_forms(void **state)
{
	(void)state;
	struct planning planning;
	assert_null(steps_of(&planning, PIPELINE("  - {name: l, isolate: true, expression: {set: {x: x}}}\n"
						 "  - {name: r, isolate: true, expression: {set: {y: x}}}\n"
						 "  - {name: a, inputs: [l, r], features: {set: {c: count(x over 1h)}}}\n",
						 "a")));
	planning_close(&planning);
}

/* ---- names ---- */

static const char *changelog_of(const struct plan *plan)
{
	for (size_t i = 0; i < plan->pipelines[0].topic_count; i++)
		if (plan->pipelines[0].topics[i].role == TOPIC_STATE)
			return plan->pipelines[0].topics[i].name;
	fail_msg("there is no changelog");
	return NULL;
}

static void another_form_has_another_changelog(void **state)
{
	(void)state;
	struct planning first, second;
	struct plan before, now;
	struct state_form form = {"p", "request", "00c0ffee"};
	planning_open(&first, PIPELINE(COUNT("a"), "a"));
	planning_open(&second, PIPELINE(COUNT("b"), "b"));
	planning_plan(&first, NULL, &before);
	planning_plan(&second, NULL, &now);
	assert_string_equal(changelog_of(&before), FIRST); /* as releases without forms have it */
	assert_true(plan_name_changed(&before, &before, first.arena));
	assert_string_equal(changelog_of(&before), FIRST);
	assert_true(plan_name_changed(&before, &now, second.arena));
	const struct pipeline_plan *p = &now.pipelines[0];
	assert_true(strncmp(changelog_of(&now), "sluice.default.pipeline.p.stage.request.form-", 45) == 0);
	assert_true(changelog_is_of_stage(changelog_of(&now), p, &p->stages[0], second.arena));
	assert_true(changelog_is_of_stage(FIRST, p, &p->stages[0], second.arena));
	assert_false(changelog_is_of_stage("sluice.default.pipeline.p.stage.requests.state", p, &p->stages[0], second.arena));
	assert_false(changelog_is_of_stage("sluice.default.pipeline.p.stage.request", p, &p->stages[0], second.arena));
	assert_true(plan_name_changelogs(&now, &(struct state_forms){.count = 1, .items = &form}, second.arena));
	assert_string_equal(changelog_of(&now), "sluice.default.pipeline.p.stage.request.form-00c0ffee.state");
	planning_close(&first);
	planning_close(&second);
}

/* ---- with a keeper ---- */

static struct control_stand stand;
static struct document_checker checker = {.kinds = step_kinds, .namespace = "default", .prefix = "sluice"};

static int stand_setup(void **state)
{
	(void)state;
	control_open(&stand);
	stand.options.checker = document_check_of(&checker);
	control_keeper_start(&stand);
	return 0;
}

static int stand_teardown(void **state)
{
	(void)state;
	control_close(&stand);
	return 0;
}

/* Applies it, or with `to` rolls back, and returns the form of the new version: "" for the first. */
static const char *form_after(const char *yaml, int64_t to)
{
	static char form[STATE_FORM_DIGITS + 1];
	struct control_label lie = {TEXT(STATE_LABEL "p/request"), TEXT("deadbeef b=features")};
	const struct proposal_item item = {.kind = TEXT("Pipeline"),
					   .name = TEXT("p"),
					   .action = to ? PROPOSAL_ROLLBACK : PROPOSAL_APPLY,
					   .document = text_of(yaml),
					   .expected = PROPOSAL_EXPECTS_ANY,
					   .labels = {1, &lie},
					   .to = to};
	const struct control_verdict *verdict = control_ask(&stand, (struct proposal){.items = {1, &item}});
	if (verdict->outcome != VERDICT_ACCEPTED)
		fail_msg("%.*s", TEXT_ARGUMENTS(verdict->why));
	control_pass(&stand, 120000); /* no engine is live: the change is active */
	struct ledger_resource *resource = ledger_resource_find(keeper_ledger(stand.keeper), TEXT("Pipeline"), TEXT("p"));
	const struct control_label *labels = ledger_newest(resource)->record.labels.items;
	struct text pipeline, stage, found, steps;
	assert_int_equal(ledger_newest(resource)->record.labels.count, 2); /* its state, and the names that it needs */
	assert_true(state_label_read(&labels[0], &pipeline, &stage, &found, &steps));
	assert_true(text_is(pipeline, "p") && text_is(stage, "request"));
	memcpy(form, found.length ? found.bytes : "", found.length);
	form[found.length] = '\0';
	return form;
}

static bool misses(const char *rest)
{
	return state_labels_miss(keeper_ledger(stand.keeper), text_of(rest));
}

static void collect(int64_t keep)
{
	const struct proposal_item item = {
		.action = PROPOSAL_COLLECT, .kind = TEXT(""), .name = TEXT(""), .to = keep, .expected = PROPOSAL_EXPECTS_ANY};
	assert_int_equal(control_ask(&stand, (struct proposal){.items = {1, &item}})->outcome, VERDICT_ACCEPTED);
}

static void a_version_keeps_its_form_until_a_step_is_replaced(void **state)
{
	(void)state;
	char second[STATE_FORM_DIGITS + 1], rest[80];
	assert_string_equal(form_after(PIPELINE(COUNT("a"), "a"), 0), "");
	assert_string_equal(form_after(PIPELINE(COUNT("a") "  - {name: z, expression: {set: {c: c}}}\n", "z"), 0), "");
	(void)snprintf(second, sizeof second, "%s", form_after(PIPELINE(COUNT("b"), "b"), 0));
	assert_int_equal(strlen(second), STATE_FORM_DIGITS);
	assert_string_not_equal(second, "deadbeef"); /* what an applier claims does not count */
	assert_string_equal(form_after(NULL, 1), "");
	assert_string_equal(form_after(NULL, 3), second);
	(void)snprintf(rest, sizeof rest, "p.stage.request.form-%s.state", second);
	assert_false(misses(rest));
	assert_false(misses("p.stage.request.state"));
	assert_true(misses("p.stage.request.form-00c0ffee.state"));
	assert_false(misses("q.stage.request.state")); /* nothing is known of it */
	assert_false(misses("p.inputs"));
	collect(1);
	assert_false(misses(rest));
	assert_true(misses("p.stage.request.state"));
	assert_string_not_equal(form_after(PIPELINE(COUNT("a"), "a"), 0), ""); /* nobody remembers that it was the first */
}

static void a_kind_or_a_sort_of_windows_is_another_form(void **state)
{
	(void)state;
	assert_string_equal(form_after(PIPELINE(WINDOW("a", "count: 3"), "a"), 0), "");
	assert_string_equal(form_after(PIPELINE(WINDOW("a", "count: 9"), "a"), 0), "");
	assert_string_not_equal(form_after(PIPELINE(WINDOW("a", "session: 1m"), "a"), 0), "");
	assert_string_not_equal(form_after(PIPELINE(COUNT("a"), "a"), 0), "");
	assert_string_equal(form_after(PIPELINE(WINDOW("a", "count: 3"), "a"), 0), "");
}

/* The changelog that an effect of the document names, or "". */
struct effect_sought {
	enum plan_change_kind kind;
	char name[120];
};

static bool effect_take(void *context, const struct plan_changes *changes, struct arena *arena)
{
	struct effect_sought *sought = context;
	(void)arena;
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind == sought->kind)
			(void)snprintf(sought->name, sizeof sought->name, "%s", changes->items[i].name);
	return true;
}

static const char *effect_of(struct effect_sought *sought, const char *yaml)
{
	const struct proposal_item item = {
		.kind = TEXT("Pipeline"), .name = TEXT("p"), .action = PROPOSAL_APPLY, .document = text_of(yaml)};
	struct error error = {0};
	sought->name[0] = '\0';
	assert_true(document_check_effects(&checker, &(struct record_list){1, &item}, keeper_ledger(stand.keeper),
					   (struct document_effects){effect_take, sought}, &error));
	return sought->name;
}

static void an_apply_says_which_changelog_begins_and_which_is_left(void **state)
{
	(void)state;
	struct effect_sought added = {.kind = PLAN_STATE_ADDED}, left = {.kind = PLAN_STATE_LEFT};
	form_after(PIPELINE(COUNT("a"), "a"), 0);
	assert_string_equal(effect_of(&added, PIPELINE(COUNT("a"), "a")), "");
	assert_non_null(strstr(effect_of(&added, PIPELINE(COUNT("b"), "b")), "stage.request.form-"));
	assert_string_equal(effect_of(&left, PIPELINE(COUNT("b"), "b")), FIRST);
	form_after(PIPELINE(COUNT("b"), "b"), 0);
	assert_string_equal(effect_of(&added, PIPELINE(COUNT("a"), "a")), FIRST);
	assert_non_null(strstr(effect_of(&left, PIPELINE(COUNT("a"), "a")), "stage.request.form-"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stand_setup, stand_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_may_be_added_or_removed_and_not_replaced),
		cmocka_unit_test(the_form_follows_from_the_steps_with_state),
		cmocka_unit_test(a_stage_that_joins_has_no_forms),
		cmocka_unit_test(another_form_has_another_changelog),
		TEST(a_version_keeps_its_form_until_a_step_is_replaced),
		TEST(a_kind_or_a_sort_of_windows_is_another_form),
		TEST(an_apply_says_which_changelog_begins_and_which_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
