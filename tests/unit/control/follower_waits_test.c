/* follower_waits_test.c: a follower whose change waits for a model prepares the changes that have nothing to do with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/keeper/document_check.h"
#include "steps/kinds.h"
#include "tests/unit/follow_stand.h"

#define PIPELINE(name, factor)                                                                                                     \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\n"                                       \
	"spec:\n  steps: [{name: s, expression: {set: {y: x * " factor "}}}]\n  output: {steps: [s]}\n"

static const struct engine_condition *condition(const char *kind, const char *name)
{
	const struct engine_condition *conditions = follow_stand.conditions.conditions.items;
	for (size_t i = 0; i < follow_stand.conditions.conditions.count; i++)
		if (text_is(conditions[i].kind, kind) && text_is(conditions[i].name, name))
			return &conditions[i];
	return NULL;
}

static bool is_ready_at(const char *name, int64_t version)
{
	const struct engine_condition *found = condition("Pipeline", name);
	return found && found->ready && found->version == version;
}

/* The keeper checks documents, so it finds what changes need. */
static int checked_open(void **state)
{
	static struct document_checker checker = {.kinds = step_kinds, .namespace = "default"};
	const int failed = follow_open(state);
	follow_stand.control.options.checker = document_check_of(&checker);
	follow_stand.control.now_ms = time_of_day_ms() - 2 * KEEPER_SILENT_MS; /* it has heard of all engines */
	control_keeper_start(&follow_stand.control);
	return failed;
}

static void p_is_applied(void)
{
	follow_apply("p", 0, PIPELINE("p", "2"));
}

static bool p_is_ready_at_1(void)
{
	return is_ready_at("p", 1);
}

static void the_model_of_one_is_away(void)
{
	follow_stand.refused = 2;
	atomic_store(&follow_stand.refusals, 1000000);
	follow_apply("p", 1, PIPELINE("p", "3"));
	follow_apply("q", 0, PIPELINE("q", "2"));
}

static bool the_other_is_active_before_it(void)
{
	const struct ledger_change *waiting = ledger_change_find(keeper_ledger(follow_stand.control.keeper), 2);
	return is_ready_at("q", 1) && p_is_ready_at_1() && waiting && waiting->record.phase == CHANGE_ACCEPTED;
}

static void the_model_is_back(void)
{
	atomic_store(&follow_stand.refusals, 0);
}

static bool p_is_ready_at_2(void)
{
	return is_ready_at("p", 2);
}

static void a_change_that_waits_for_its_model_holds_up_no_other(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"the other", the_model_of_one_is_away, the_other_is_active_before_it},
		{"version 2", the_model_is_back, p_is_ready_at_2},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(follow_was_said("change 2 waits: model `m` is not ready"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_change_that_waits_for_its_model_holds_up_no_other, checked_open, follow_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
