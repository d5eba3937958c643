/* keeper_time_test.c: Tests of the keeper over time: a clock that is set, a topic that is created again, and engines that
 * are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/keeper/keeper_parts.h"
#include "tests/unit/control_stand.h"

static struct control_stand stand;

static int keeper_setup(void **state)
{
	(void)state;
	control_open(&stand);
	control_keeper_start(&stand);
	return 0;
}

static int keeper_teardown(void **state)
{
	(void)state;
	control_close(&stand);
	return 0;
}

static void apply(const char *document, int64_t expected)
{
	const struct proposal_item item = {
		.kind = TEXT("Pipeline"), .name = TEXT("p"), .document = text_of(document), .expected = expected};
	assert_int_equal(control_ask(&stand, (struct proposal){.items = {1, &item}})->outcome, VERDICT_ACCEPTED);
}

static void engine_says(struct text engine, int64_t sequence, int64_t prepared)
{
	const struct engine_report report = {
		.engine = engine, .started_ms = 1, .sequence = sequence, .prepared = {prepared > 0, &prepared}};
	control_report(&stand, report);
}

/* The wall clock is set by an hour, forward and back: who is live stays live, and deadlines stay where they are. */
static void a_clock_that_is_set_decides_nothing(void **state)
{
	const int64_t steps[] = {3600000, -7200000};
	(void)state;
	control_pass(&stand, KEEPER_SILENT_MS);
	engine_says(TEXT("a"), 1, 0);
	apply("one", 0);
	for (size_t i = 0; i < 2; i++) {
		stand.now_ms += steps[i];
		keeper_shift(stand.keeper, steps[i]);
		control_pass(&stand, 1000);
		assert_int_equal(ledger_change_find(keeper_ledger(stand.keeper), 1)->record.phase, CHANGE_ACCEPTED);
		assert_true(keeper_due(stand.keeper) > stand.now_ms && keeper_due(stand.keeper) <= stand.now_ms + KEEPER_SILENT_MS);
	}
	engine_says(TEXT("a"), 2, 1);
	assert_int_equal(ledger_change_find(keeper_ledger(stand.keeper), 1)->record.phase, CHANGE_ACTIVE);
}

static size_t engines_counted(void)
{
	size_t count = 0;
	for (const struct list_node *node = stand.keeper->engines.first; node; node = node->next)
		count++;
	return count;
}

/* Pods have new names. */
static void engines_that_are_gone_are_forgotten(void **state)
{
	static char name[1 << 20];
	const char *why;
	(void)state;
	memset(name, 'a', sizeof name - 1);
	engine_says(TEXT("a"), 1, 0);
	engine_says(text_of(name), 1, 0);
	assert_int_equal(engines_counted(), 1);
	assert_int_equal(keeper_refused(stand.keeper, &why), 1);
	assert_string_equal(why, "the report is of an engine whose name is empty or too long");
	control_pass(&stand, KEEPER_FORGOTTEN_MS - 1);
	engine_says(TEXT("b"), 1, 0);
	assert_int_equal(engines_counted(), 2);
	control_pass(&stand, 1);
	engine_says(TEXT("b"), 2, 0);
	assert_int_equal(engines_counted(), 1);
}

/* `proposals` is deleted and created while the keeper reads it. */
static void an_offset_that_goes_back_ends_the_keeper(void **state)
{
	struct error error = {0};
	(void)state;
	apply("one", 0);
	apply("two", 1);
	assert_false(keeper_propose(stand.keeper, 0, stand.proposals[0], stand.now_ms, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_string_equal(error.text, "offset 0 of the proposals came after 1: the topic was deleted and created again");
}

/* Its verdict may be forgotten: the offset says that it was decided. */
static void a_proposal_before_the_offset_at_which_a_keeper_resumes_is_not_decided_again(void **state)
{
	const struct keeper_record *records;
	struct error error = {0};
	(void)state;
	apply("one", PROPOSAL_EXPECTS_ANY);
	apply("two", PROPOSAL_EXPECTS_ANY);
	control_keeper_start(&stand);
	struct proposal_item item = {
		.kind = TEXT("Pipeline"), .name = TEXT("p"), .document = TEXT("three"), .expected = PROPOSAL_EXPECTS_ANY};
	const struct proposal unheard = {
		.id = TEXT("x"), .namespace = TEXT("default"), .time_ms = stand.now_ms, .items = {1, &item}};
	const struct text value = control_encode(&stand, &proposal_form, &unheard);
	assert_true(keeper_propose(stand.keeper, 1, value, stand.now_ms, &error));
	assert_int_equal(keeper_records(stand.keeper, &records), 0);
	assert_true(keeper_propose(stand.keeper, 2, value, stand.now_ms, &error));
	assert_true(keeper_records(stand.keeper, &records) > 0);
}

/* As on a machine that was suspended, and whose clock was ahead before. */
static void an_engine_that_was_silent_is_heard_whatever_its_clock_says(void **state)
{
	(void)state;
	control_pass(&stand, KEEPER_SILENT_MS);
	control_report(&stand, (struct engine_report){.engine = TEXT("a"), .started_ms = 2000, .sequence = 9});
	apply("one", 0);
	const int64_t change = 1;
	control_report(&stand, (struct engine_report){
				       .engine = TEXT("a"), .started_ms = 1000, .sequence = 1, .prepared = {1, &change}});
	assert_int_equal(ledger_change_find(keeper_ledger(stand.keeper), 1)->record.phase, CHANGE_ACCEPTED); /* an old report */
	engine_says(TEXT("b"), 1, 0); /* so that the change is not in force while `a` is silent */
	control_pass(&stand, KEEPER_SILENT_MS / 2);
	engine_says(TEXT("b"), 2, 0);
	control_pass(&stand, KEEPER_SILENT_MS / 2);
	control_report(&stand, (struct engine_report){.engine = TEXT("a"), .started_ms = 1000, .sequence = 2});
	engine_says(TEXT("b"), 3, 1);
	assert_int_equal(ledger_change_find(keeper_ledger(stand.keeper), 1)->record.phase, CHANGE_ACCEPTED); /* `a` is not ready */
	control_report(&stand, (struct engine_report){
				       .engine = TEXT("a"), .started_ms = 1000, .sequence = 3, .prepared = {1, &change}});
	assert_int_equal(ledger_change_find(keeper_ledger(stand.keeper), 1)->record.phase, CHANGE_ACTIVE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, keeper_setup, keeper_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_clock_that_is_set_decides_nothing),
		TEST(an_offset_that_goes_back_ends_the_keeper),
		TEST(engines_that_are_gone_are_forgotten),
		TEST(a_proposal_before_the_offset_at_which_a_keeper_resumes_is_not_decided_again),
		TEST(an_engine_that_was_silent_is_heard_whatever_its_clock_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
