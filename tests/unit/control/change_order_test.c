/* change_order_test.c: a change waits for those that have to do with it, and for no other: what one needs is found in the plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/keeper/change_order.h"
#include "control/keeper/document_check.h"
#include "steps/kinds.h"
#include "tests/unit/control_stand.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
#define MODEL(name, uri) HEAD "Model\nmetadata: {name: " name "}\nspec: {storageUri: 'stub://" uri "'}\n"
#define PIPELINE(name, model) HEAD "Pipeline\nmetadata: {name: " name "}\nspec:\n  steps: [{name: " model "}]\n"
#define READER(name, of)                                                                                                           \
	HEAD "Pipeline\nmetadata: {name: " name "}\nspec:\n  input: {externalInputs: [" of ".outputs]}\n  steps: [{name: n}]\n"
#define SPLIT(name, a, b)                                                                                                          \
	HEAD "Experiment\nmetadata: {name: " name "}\nspec:\n  default: " a "\n  candidates: [{name: " a                           \
	     ", weight: 50}, {name: " b ", weight: 50}]\n"
#define SERVER HEAD "Server\nmetadata: {name: s}\nspec: {serverConfig: mlserver}\n"

static struct control_stand stand;
static struct document_checker checker = {.kinds = step_kinds, .namespace = "default"};
static int64_t reports;

/* What engine `a` has prepared, and no more; change 0: nothing. */
static void engine_says(int64_t prepared)
{
	const struct engine_report report = {
		.engine = TEXT("a"), .started_ms = 1, .sequence = ++reports, .prepared = {prepared > 0, &prepared}};
	control_report(&stand, report);
}

/* Proposes a document; NULL: a deletion. Returns the number of its change. */
static int64_t propose(const char *kind, const char *name, const char *yaml)
{
	const struct proposal_item item = {.kind = text_of(kind),
					   .name = text_of(name),
					   .action = yaml ? PROPOSAL_APPLY : PROPOSAL_DELETE,
					   .document = text_of(yaml),
					   .expected = PROPOSAL_EXPECTS_ANY};
	const struct control_verdict *verdict = control_ask(&stand, (struct proposal){.items = {1, &item}});
	const struct verdict_fault *faults = verdict->faults.items;
	if (verdict->outcome != VERDICT_ACCEPTED)
		fail_msg("%.*s: %.*s", TEXT_ARGUMENTS(verdict->why), TEXT_ARGUMENTS(faults ? faults->text : TEXT("")));
	return verdict->change;
}

static int64_t in_force(const char *kind, const char *name)
{
	const struct ledger *ledger = keeper_ledger(stand.keeper);
	const struct ledger_resource *resource = ledger_resource_find(ledger, text_of(kind), text_of(name));
	const struct ledger_version *version = resource ? ledger_in_force(ledger, resource) : NULL;
	return version && version->record.action == CONTROL_APPLY ? version->record.version : 0;
}

static bool waits(int64_t change)
{
	return change_waits(keeper_ledger(stand.keeper), ledger_change_find(keeper_ledger(stand.keeper), change));
}

static void put_in_force(const char *kind, const char *name, const char *yaml)
{
	const int64_t change = propose(kind, name, yaml);
	engine_says(change);
	assert_true(in_force(kind, name) > 0);
}

static int order_setup(void **state)
{
	(void)state;
	control_open(&stand);
	stand.options.checker = document_check_of(&checker);
	control_keeper_start(&stand);
	control_pass(&stand, KEEPER_SILENT_MS);
	reports = 0;
	engine_says(0);
	put_in_force("Model", "m", MODEL("m", "echo"));
	put_in_force("Model", "n", MODEL("n", "echo"));
	put_in_force("Pipeline", "p", PIPELINE("p", "m"));
	put_in_force("Pipeline", "q", PIPELINE("q", "n"));
	return 0;
}

static int order_teardown(void **state)
{
	(void)state;
	control_close(&stand);
	return 0;
}

static void a_slow_change_holds_up_none_that_has_nothing_to_do_with_it(void **state)
{
	(void)state;
	const int64_t slow = propose("Model", "m", MODEL("m", "other"));
	const int64_t other = propose("Pipeline", "q", PIPELINE("q", "n") "  output: {steps: [n]}\n");
	assert_true(!waits(slow) && !waits(other));
	engine_says(other);
	assert_true(in_force("Pipeline", "q") == 2 && in_force("Model", "m") == 1);
	engine_says(slow);
	assert_int_equal(in_force("Model", "m"), 2);
}

static void versions_of_one_resource_take_effect_in_their_order(void **state)
{
	(void)state;
	const int64_t first = propose("Model", "m", MODEL("m", "one"));
	const struct proposal_item both[] = {
		{.kind = TEXT("Model"), .name = TEXT("n"), .document = TEXT(MODEL("n", "two")), .expected = PROPOSAL_EXPECTS_ANY},
		{.kind = TEXT("Model"), .name = TEXT("o"), .document = TEXT(MODEL("o", "two")), .expected = PROPOSAL_EXPECTS_ANY}};
	const int64_t second = control_ask(&stand, (struct proposal){.items = {2, both}})->change;
	const int64_t third = propose("Model", "o", MODEL("o", "three"));
	assert_true(!waits(first) && !waits(second) && waits(third));
	engine_says(third);
	assert_int_equal(in_force("Model", "o"), 0);
	engine_says(second);
	engine_says(third);
	assert_true(in_force("Model", "o") == 2 && in_force("Model", "m") == 1);
}

static void a_change_waits_for_what_its_documents_call_or_read(void **state)
{
	(void)state;
	const int64_t slow = propose("Model", "m", MODEL("m", "other"));
	assert_true(waits(propose("Pipeline", "r", PIPELINE("r", "m")))); /* calls it */
	assert_true(waits(propose("Pipeline", "t", READER("t", "p"))));	  /* reads a pipeline that calls it */
	assert_true(waits(propose("Experiment", "e", SPLIT("e", "m", "n"))));
	assert_true(waits(propose("Pipeline", "u", PIPELINE("u", "e")))); /* calls the experiment */
	assert_false(waits(slow));
}

static void a_change_waits_for_documents_that_call_or_read_what_it_changes(void **state)
{
	(void)state;
	const int64_t slow = propose("Pipeline", "p", PIPELINE("p", "m") "  output: {steps: [m]}\n");
	assert_true(waits(propose("Model", "m", MODEL("m", "other"))));
	assert_false(waits(slow));
}

/* The model may go when the pipeline that called it has another. */
static void a_deletion_waits_for_the_change_after_which_nothing_needs_it(void **state)
{
	(void)state;
	const int64_t moved = propose("Pipeline", "p", PIPELINE("p", "n"));
	const int64_t gone = propose("Model", "m", NULL);
	assert_true(waits(gone));
	engine_says(gone);
	assert_int_equal(in_force("Model", "m"), 1);
	engine_says(moved);
	engine_says(gone);
	assert_int_equal(in_force("Model", "m"), 0);
}

static void what_matters_to_all_waits_for_all_and_all_for_it(void **state)
{
	(void)state;
	(void)propose("Model", "m", MODEL("m", "other"));
	assert_true(waits(propose("Server", "s", SERVER)));
	assert_true(waits(propose("Pipeline", "q", PIPELINE("q", "n") "  output: {steps: [n]}\n")));
}

/* Another keeper, and an engine, know the order from the topic. */
static void the_order_is_on_the_topic(void **state)
{
	struct control_reader reader;
	(void)state;
	const int64_t slow = propose("Model", "m", MODEL("m", "other"));
	const int64_t after = propose("Pipeline", "r", PIPELINE("r", "m"));
	const int64_t other = propose("Model", "n", MODEL("n", "other"));
	control_compact(&stand);
	control_keeper_start(&stand);
	assert_true(!waits(slow) && waits(after) && !waits(other));
	control_reader(&stand, &reader);
	assert_true(change_waits(&reader.ledger, ledger_change_find(&reader.ledger, after)));
	assert_false(change_waits(&reader.ledger, ledger_change_find(&reader.ledger, other)));
	control_reader_close(&reader);
}

/* A former release wrote them. */
static void changes_without_labels_wait_for_each_other(void **state)
{
	(void)state;
	stand.options.checker = (struct keeper_checker){0};
	control_keeper_start(&stand);
	(void)propose("Model", "m", MODEL("m", "other"));
	assert_true(waits(propose("Model", "n", MODEL("n", "other"))));
	stand.options.checker = document_check_of(&checker);
	control_keeper_start(&stand);
	assert_true(waits(propose("Model", "o", MODEL("o", "other"))));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, order_setup, order_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_slow_change_holds_up_none_that_has_nothing_to_do_with_it),
		TEST(versions_of_one_resource_take_effect_in_their_order),
		TEST(a_change_waits_for_what_its_documents_call_or_read),
		TEST(a_change_waits_for_documents_that_call_or_read_what_it_changes),
		TEST(a_deletion_waits_for_the_change_after_which_nothing_needs_it),
		TEST(what_matters_to_all_waits_for_all_and_all_for_it),
		TEST(the_order_is_on_the_topic),
		TEST(changes_without_labels_wait_for_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
