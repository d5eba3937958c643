/* meeting_test.c: how what comes of one request by several ways is matched, how long it
 * is waited for, and what becomes of what comes late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow/entrance.h"
#include "planning.h"

#define WINDOW_MS 100
#define FORGOTTEN_MS (WINDOW_MS + 10000)

/* Parts are letters; what each brings stands in a word: "+", "-" or "." (it came, it is
 * dead, nothing) of each source. */
static struct meetings *meetings;
static struct meeting_rule rule;
static struct meeting *last;

static void lay(enum join_type inputs, size_t input_count, enum join_type triggers, size_t trigger_count)
{
	rule = (struct meeting_rule){
		.inputs = {inputs, input_count}, .triggers = {triggers, trigger_count}, .window_ms = WINDOW_MS, .parties = 2};
	meetings = meetings_open(&rule);
	assert_non_null(meetings);
}

static int clear(void **state)
{
	(void)state;
	meetings_close(meetings);
	meetings = NULL;
	return 0;
}

static enum meeting_verdict come_at(const char *name, size_t party, const char *brings, const char *part, int64_t time_ms,
				    int64_t now_ms)
{
	unsigned char told[8] = {0};
	enum meeting_verdict verdict;
	struct error error = {0};
	for (size_t i = 0; brings[i]; i++)
		told[i] = brings[i] == '+' ? TOLD_CAME : brings[i] == '-' ? TOLD_DEAD : TOLD_NOTHING;
	const struct meeting_part taken = {
		.name = text_of(name), .party = party, .told = told, .time_ms = time_ms, .part = (void *)(uintptr_t)part};
	assert_true(meetings_take(meetings, &taken, now_ms, &verdict, &last, &error));
	return verdict;
}

static enum meeting_verdict come(const char *name, const char *brings, const char *part)
{
	return come_at(name, brings[0] == '.' ? 1 : 0, brings, part, 0, 0);
}

/* The parts of the last meeting, by source: "a.b". */
static const char *parts(const struct meeting *meeting)
{
	static char text[9];
	for (size_t i = 0; i < rule.inputs.count + rule.triggers.count; i++) {
		const char *part = meeting_part_of(meeting, i);
		text[i] = part ? *part : '.';
		text[i + 1] = '\0';
	}
	return text;
}

static size_t kept(const struct meeting *meeting)
{
	size_t next = 0, count = 0;
	while (meeting_next_part(meeting, &next))
		count++;
	return count;
}

static void an_inner_join_needs_each_of_its_sources(void **state)
{
	(void)state;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), MEETING_WAITS);
	assert_int_equal(come("s", ".+", "x"), MEETING_WAITS);
	assert_int_equal(come("r", ".+", "b"), MEETING_OPENS);
	assert_string_equal(parts(last), "ab");
	assert_int_equal(kept(last), 2);
	assert_int_equal(come("s", "+.", "y"), MEETING_OPENS);
	assert_string_equal(parts(last), "yx");
}

static void what_comes_of_two_sources_at_once_is_one_part(void **state)
{
	(void)state;
	lay(JOIN_INNER, 3, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.+", "a"), MEETING_WAITS);
	assert_int_equal(come("r", ".+", "b"), MEETING_OPENS);
	assert_string_equal(parts(last), "aba");
	assert_int_equal(kept(last), 2);
}

static void any_takes_the_first_and_lets_the_rest_pass(void **state)
{
	(void)state;
	lay(JOIN_ANY, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", ".+", "b"), MEETING_OPENS);
	assert_string_equal(parts(last), ".b");
	assert_int_equal(come("r", "+.", "a"), MEETING_IGNORES);
	/* All has come: the next of that name is another request. */
	assert_int_equal(come("r", "+.", "c"), MEETING_OPENS);
	assert_string_equal(parts(last), "c.");
}

static void an_outer_join_opens_when_all_is_settled(void **state)
{
	(void)state;
	lay(JOIN_OUTER, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), MEETING_WAITS);
	assert_int_equal(come("r", ".-", "x"), MEETING_OPENS);
	assert_string_equal(parts(last), "a.");
	assert_int_equal(come("s", ".-", "x"), MEETING_WAITS);
	assert_int_equal(come("s", "+.", "b"), MEETING_OPENS);
	assert_string_equal(parts(last), "b.");
}

static void an_outer_join_opens_with_what_there_is_when_its_window_closes(void **state)
{
	(void)state;
	bool opens;
	lay(JOIN_OUTER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 1000, 5), MEETING_WAITS);
	assert_int_equal(meetings_due_ms(meetings), 5 + WINDOW_MS);
	assert_null(meetings_expire(meetings, 5 + WINDOW_MS - 1, &opens));
	struct meeting *meeting = meetings_expire(meetings, 5 + WINDOW_MS, &opens);
	assert_non_null(meeting);
	assert_true(opens);
	assert_string_equal(parts(meeting), "a.");
	assert_null(meetings_expire(meetings, 5 + WINDOW_MS, &opens));
	assert_int_equal(come_at("r", 1, ".+", "b", 1000, 5 + WINDOW_MS), MEETING_IGNORES);
	assert_int_equal(meetings_due_ms(meetings), INT64_MAX);
}

static void what_comes_when_an_inner_joins_window_has_closed_is_late_once(void **state)
{
	(void)state;
	bool opens;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 0, 0), MEETING_WAITS);
	struct meeting *meeting = meetings_expire(meetings, WINDOW_MS, &opens);
	assert_non_null(meeting);
	assert_false(opens);
	assert_int_equal(kept(meeting), 1);
	assert_int_equal(come_at("r", 1, ".+", "b", 0, WINDOW_MS), MEETING_LATE);
	/* Then it is forgotten with the next window, and the name is free. */
	assert_int_equal(meetings_due_ms(meetings), FORGOTTEN_MS);
	assert_null(meetings_expire(meetings, FORGOTTEN_MS, &opens));
	assert_int_equal(come_at("r", 1, ".+", "c", 0, FORGOTTEN_MS), MEETING_WAITS);
}

static void a_window_is_of_record_time_and_closes_when_all_parties_are_past_it(void **state)
{
	(void)state;
	bool opens;
	lay(JOIN_OUTER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 1000, 0), MEETING_WAITS);
	assert_int_equal(come_at("s", 0, "+.", "b", 1000 + WINDOW_MS, 1), MEETING_WAITS);
	assert_null(meetings_expire(meetings, 1, &opens)); /* the other party may still bring it */
	assert_int_equal(come_at("t", 1, ".+", "c", 1000 + WINDOW_MS, 1), MEETING_WAITS);
	struct meeting *meeting = meetings_expire(meetings, 1, &opens);
	assert_non_null(meeting);
	assert_string_equal(parts(meeting), "a.");
	assert_null(meetings_expire(meetings, 1, &opens));
}

static void records_that_are_further_apart_than_the_window_are_not_joined(void **state)
{
	(void)state;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 1000, 0), MEETING_WAITS);
	assert_int_equal(come_at("r", 1, ".+", "b", 1001 + WINDOW_MS, 0), MEETING_LATE);
	assert_int_equal(come_at("r", 1, ".+", "c", 1000 + WINDOW_MS, 0), MEETING_OPENS);
	assert_string_equal(parts(last), "ac");
}

static void equal_names_meet_in_the_order_in_which_they_came(void **state)
{
	(void)state;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), MEETING_WAITS);
	assert_int_equal(come("r", "+.", "b"), MEETING_WAITS);
	assert_int_equal(come("r", ".+", "x"), MEETING_OPENS);
	assert_string_equal(parts(last), "ax");
	assert_int_equal(come("r", ".+", "y"), MEETING_OPENS);
	assert_string_equal(parts(last), "by");
}

static void triggers_must_come_and_give_nothing(void **state)
{
	(void)state;
	lay(JOIN_INNER, 1, JOIN_ANY, 2);
	assert_int_equal(come("r", "+..", "a"), MEETING_WAITS);
	assert_int_equal(come("r", "..+", "t"), MEETING_OPENS);
	assert_string_equal(parts(last), "a.t");
	assert_int_equal(come("s", ".+.", "t"), MEETING_WAITS);
	assert_int_equal(come("s", "+..", "b"), MEETING_OPENS);
}

static void what_must_go_on_does_so_with_what_there_is(void **state)
{
	(void)state;
	bool opens;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	rule.always = true;
	assert_int_equal(come("r", ".+", "b"), MEETING_WAITS);
	struct meeting *meeting = meetings_expire(meetings, WINDOW_MS, &opens);
	assert_non_null(meeting);
	assert_true(opens);
	assert_string_equal(parts(meeting), ".b");
}

static void a_window_is_closed_by_word_where_parts_are_kept_elsewhere_too(void **state)
{
	(void)state;
	static const char mark[] = "m";
	lay(JOIN_OUTER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 0, 0), MEETING_WAITS);
	assert_null(meetings_overdue(meetings, WINDOW_MS - 1));
	struct meeting *meeting = meetings_overdue(meetings, WINDOW_MS);
	assert_non_null(meeting);
	assert_ptr_equal(meetings_overdue(meetings, WINDOW_MS), meeting);
	meeting_acknowledge(meeting);
	assert_null(meetings_overdue(meetings, WINDOW_MS));
	assert_ptr_equal(meetings_next_open(meetings, TEXT("r"), NULL), meeting);
	assert_null(meetings_next_open(meetings, TEXT("r"), meeting));
	assert_true(meetings_conclude(meetings, meeting));
	assert_string_equal(parts(meeting), "a.");
	meeting_mark(meeting, (void *)(uintptr_t)mark);
	assert_null(meetings_next_open(meetings, TEXT("r"), NULL));
	assert_null(meetings_forgotten(meetings));
	assert_int_equal(come_at("r", 1, ".+", "b", 0, WINDOW_MS), MEETING_IGNORES);
	/* All has come: what stands for it elsewhere is not needed any more. */
	assert_ptr_equal(meetings_forgotten(meetings), mark);
	assert_null(meetings_forgotten(meetings));
}

static void what_was_kept_elsewhere_comes_again_as_it_was(void **state)
{
	(void)state;
	static const char mark[] = "m";
	const unsigned char told[] = {TOLD_CAME, TOLD_NOTHING};
	struct error error = {0};
	enum meeting_verdict verdict;
	lay(JOIN_ANY, 2, JOIN_INNER, 0);
	const struct meeting_part again = {
		.name = TEXT("r"), .told = told, .time_ms = -1, .again = true, .part = (void *)(uintptr_t) "a"};
	assert_true(meetings_take(meetings, &again, 0, &verdict, &last, &error));
	assert_int_equal(verdict, MEETING_WAITS);
	assert_non_null(meetings_recall(meetings, TEXT("gone"), told, true, (void *)(uintptr_t)mark, 0, &error));
	assert_int_equal(come_at("gone", 1, ".+", "b", 0, 0), MEETING_IGNORES);
	assert_ptr_equal(meetings_forgotten(meetings), mark);
	meetings_close(meetings);
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_non_null(meetings_recall(meetings, TEXT("over"), told, false, NULL, 0, &error));
	assert_int_equal(come_at("over", 1, ".+", "b", 0, 0), MEETING_LATE);
}

static void a_meeting_that_is_held_stays_with_its_parts_until_it_is_let_go(void **state)
{
	(void)state;
	static const char mark[] = "m";
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), MEETING_WAITS);
	assert_int_equal(come("r", ".+", "b"), MEETING_OPENS);
	struct meeting *held = last;
	meeting_hold(held);
	meeting_mark(held, (void *)(uintptr_t)mark);
	/* Nothing is matched with it, and it is not forgotten. */
	assert_int_equal(come("r", ".+", "c"), MEETING_WAITS);
	assert_int_equal(come("r", "+.", "d"), MEETING_OPENS);
	meetings_tidy(meetings, FORGOTTEN_MS);
	assert_null(meetings_forgotten(meetings));
	assert_int_equal(meetings_due_ms(meetings), INT64_MAX);
	assert_string_equal(parts(held), "ab");
	assert_int_equal(kept(held), 2);
	meetings_let_go(meetings, held);
	assert_ptr_equal(meetings_forgotten(meetings), mark);
	assert_null(meetings_forgotten(meetings));
}

/* What is of no use to a meeting says which one, so that it can be held for that record too. */
static void a_meeting_that_is_held_twice_stays_until_it_is_let_go_twice(void **state)
{
	(void)state;
	static const char mark[] = "m";
	lay(JOIN_ANY, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), MEETING_OPENS);
	struct meeting *held = last;
	meeting_mark(held, (void *)(uintptr_t)mark);
	meeting_hold(held);
	assert_int_equal(come("r", ".+", "b"), MEETING_IGNORES);
	assert_ptr_equal(last, held);
	meeting_hold(held);
	meetings_let_go(meetings, held);
	assert_null(meetings_forgotten(meetings));
	meetings_let_go(meetings, held);
	assert_ptr_equal(meetings_forgotten(meetings), mark);
	/* There is none that nothing is brought to. */
	assert_int_equal(come("r", ".-", "c"), MEETING_IGNORES);
	assert_null(last);
}

/* What may still come to it is matched with it, held or not. */
static void a_held_meeting_is_forgotten_in_its_time_only_when_it_is_let_go(void **state)
{
	(void)state;
	static const char mark[] = "m";
	lay(JOIN_ANY, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), MEETING_OPENS);
	struct meeting *held = last;
	meeting_hold(held);
	meeting_mark(held, (void *)(uintptr_t)mark);
	meetings_tidy(meetings, FORGOTTEN_MS);
	assert_null(meetings_forgotten(meetings));
	meetings_let_go(meetings, held);
	meetings_tidy(meetings, FORGOTTEN_MS - 1);
	assert_null(meetings_forgotten(meetings));
	assert_int_equal(meetings_due_ms(meetings), FORGOTTEN_MS);
	meetings_tidy(meetings, FORGOTTEN_MS);
	assert_ptr_equal(meetings_forgotten(meetings), mark);
}

static void many_names_are_kept_apart(void **state)
{
	(void)state;
	char name[16];
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof name, "r%d", i);
		assert_int_equal(come(name, "+.", "a"), MEETING_WAITS);
	}
	for (int i = 2000; i-- > 0;) {
		snprintf(name, sizeof name, "r%d", i);
		assert_int_equal(come(name, ".+", "b"), MEETING_OPENS);
	}
	assert_int_equal(meetings_due_ms(meetings), INT64_MAX);
}

static void an_entrance_tells_what_each_reference_selects(void **state)
{
	(void)state;
	struct planning planning;
	planning_open(&planning, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				 "  input: {externalInputs: [a.outputs.x, b.step.s.inputs, a.outputs.y], externalTriggers: [a],\n"
				 "    joinWindowMs: 7, joinType: outer, triggersJoinType: any, tensorMap: {a.outputs.y: z}}\n"
				 "  steps: [{name: s}]\n");
	const struct entrance *entrance = entrance_make(planning.graph, planning.arena);
	assert_non_null(entrance);
	assert_int_equal(entrance->point_count, 2);
	assert_int_equal(entrance->rule.inputs.count, 3);
	assert_int_equal(entrance->rule.inputs.type, JOIN_OUTER);
	assert_int_equal(entrance->rule.triggers.count, 1);
	assert_int_equal(entrance->rule.triggers.type, JOIN_ANY);
	assert_int_equal(entrance->rule.window_ms, 7);
	const struct tensor y = {.name = TEXT("y")}, *const tensors[] = {&y};
	const struct payload payload = {.tensors = {1, tensors}};
	unsigned char told[4];
	assert_true(entrance_tell(entrance, 0, &payload, told));
	assert_memory_equal(told, ((unsigned char[]){TOLD_DEAD, TOLD_NOTHING, TOLD_CAME, TOLD_CAME}), 4);
	assert_true(entrance_tell(entrance, 1, NULL, told));
	assert_memory_equal(told, ((unsigned char[]){TOLD_NOTHING, TOLD_DEAD, TOLD_NOTHING, TOLD_NOTHING}), 4);
	const struct payload *const came[] = {NULL, NULL, &payload};
	const struct payload *joined = entrance_join(entrance, came, planning.arena);
	assert_int_equal(joined->tensors.count, 1);
	assert_true(text_is(joined->tensors.items[0]->name, "z"));
	planning_close(&planning);
}

/* Whoever closes windows has asked first: what is open may still get its parts. */
static void one_that_is_patient_takes_what_is_late_by_its_records_time(void **state)
{
	(void)state;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	rule.patient = true;
	assert_int_equal(come_at("m", 0, "+.", "a", 1000, 0), MEETING_WAITS);
	assert_int_equal(come_at("n", 1, ".+", "b", 1000 + 5 * WINDOW_MS, 1), MEETING_WAITS);
	assert_int_equal(come_at("n", 0, "+.", "c", 1000, 2), MEETING_LATE);
	assert_int_equal(come_at("m", 1, ".+", "d", 1000 + 5 * WINDOW_MS, 3), MEETING_OPENS);
}

static void a_deadline_counts_when_the_window_has_passed(void **state)
{
	(void)state;
	unsigned char told[2] = {TOLD_CAME, TOLD_NOTHING};
	enum meeting_verdict verdict;
	struct error error = {0};
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	for (int i = 0; i < 3; i++) {
		const struct meeting_part part = {.name = text_of(i == 0 ? "a" : i == 1 ? "b" : "c"),
						  .told = told,
						  .time_ms = -1,
						  .deadline_ms = i == 0 ? 0 : i == 1 ? 3 * WINDOW_MS : WINDOW_MS / 2,
						  .part = &told};
		assert_true(meetings_take(meetings, &part, 0, &verdict, &last, &error));
	}
	assert_null(meetings_past_deadline(meetings, WINDOW_MS - 1));
	struct meeting *first = meetings_past_deadline(meetings, WINDOW_MS);
	assert_non_null(first);
	assert_true(text_is(meeting_name(first), "c"));
	meeting_acknowledge(first);
	assert_null(meetings_past_deadline(meetings, 3 * WINDOW_MS - 1));
	struct meeting *second = meetings_past_deadline(meetings, 3 * WINDOW_MS);
	assert_non_null(second);
	assert_true(text_is(meeting_name(second), "b"));
	meeting_acknowledge(second);
	assert_null(meetings_past_deadline(meetings, 100 * WINDOW_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_inner_join_needs_each_of_its_sources, clear),
		cmocka_unit_test_teardown(one_that_is_patient_takes_what_is_late_by_its_records_time, clear),
		cmocka_unit_test_teardown(a_deadline_counts_when_the_window_has_passed, clear),
		cmocka_unit_test_teardown(what_comes_of_two_sources_at_once_is_one_part, clear),
		cmocka_unit_test_teardown(any_takes_the_first_and_lets_the_rest_pass, clear),
		cmocka_unit_test_teardown(an_outer_join_opens_when_all_is_settled, clear),
		cmocka_unit_test_teardown(an_outer_join_opens_with_what_there_is_when_its_window_closes, clear),
		cmocka_unit_test_teardown(what_comes_when_an_inner_joins_window_has_closed_is_late_once, clear),
		cmocka_unit_test_teardown(a_window_is_of_record_time_and_closes_when_all_parties_are_past_it, clear),
		cmocka_unit_test_teardown(records_that_are_further_apart_than_the_window_are_not_joined, clear),
		cmocka_unit_test_teardown(equal_names_meet_in_the_order_in_which_they_came, clear),
		cmocka_unit_test_teardown(triggers_must_come_and_give_nothing, clear),
		cmocka_unit_test_teardown(what_must_go_on_does_so_with_what_there_is, clear),
		cmocka_unit_test_teardown(a_window_is_closed_by_word_where_parts_are_kept_elsewhere_too, clear),
		cmocka_unit_test_teardown(what_was_kept_elsewhere_comes_again_as_it_was, clear),
		cmocka_unit_test_teardown(a_meeting_that_is_held_stays_with_its_parts_until_it_is_let_go, clear),
		cmocka_unit_test_teardown(a_meeting_that_is_held_twice_stays_until_it_is_let_go_twice, clear),
		cmocka_unit_test_teardown(a_held_meeting_is_forgotten_in_its_time_only_when_it_is_let_go, clear),
		cmocka_unit_test_teardown(many_names_are_kept_apart, clear),
		cmocka_unit_test_teardown(an_entrance_tells_what_each_reference_selects, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
