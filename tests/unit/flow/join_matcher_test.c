/* join_matcher_test.c: Tests of how what comes of one request by several ways is matched, how long it
 * is waited for, and what becomes of what comes late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow/external_input.h"
#include "tests/unit/planning.h"

#define WINDOW_MS 100
#define FORGOTTEN_MS (WINDOW_MS + 10000)

/* Parts are letters; what each brings stands in a word: "+", "-" or "." (it came, it is
 * dead, nothing) of each source. */
static struct matcher *matcher;
static struct join_rule rule;
static struct pending_join *last;

static void lay(enum join_type inputs, size_t input_count, enum join_type triggers, size_t trigger_count)
{
	rule = (struct join_rule){
		.inputs = {inputs, input_count}, .triggers = {triggers, trigger_count}, .window_ms = WINDOW_MS, .parties = 2};
	matcher = join_matcher_open(&rule);
	assert_non_null(matcher);
}

static int clear(void **state)
{
	(void)state;
	join_matcher_close(matcher);
	matcher = NULL;
	return 0;
}

static size_t kept(const struct pending_join *pending_join)
{
	size_t next = 0, count = 0;
	while (pending_join_next_part(pending_join, &next))
		count++;
	return count;
}

static enum join_verdict come_at(const char *name, size_t party, const char *brings, const char *part, int64_t time_ms,
				 int64_t now_ms)
{
	unsigned char states[8] = {0};
	enum join_verdict verdict;
	struct error error = {0};
	for (size_t i = 0; brings[i]; i++)
		states[i] = brings[i] == '+' ? SOURCE_CAME : brings[i] == '-' ? SOURCE_DEAD : SOURCE_UNKNOWN;
	const struct join_part taken = {
		.name = text_of(name), .party = party, .states = states, .time_ms = time_ms, .part = (void *)(uintptr_t)part};
	const bool needs_room = join_matcher_needs_room(matcher, &taken);
	assert_true(join_matcher_take(matcher, &taken, now_ms, &verdict, &last, &error));
	if (verdict == JOIN_WAITS)
		assert_true(needs_room);
	else if (verdict != JOIN_OPENS)
		assert_false(needs_room);
	else
		assert_int_equal(needs_room, kept(last) == 1); /* the part alone began the join */
	return verdict;
}

static enum join_verdict come(const char *name, const char *brings, const char *part)
{
	return come_at(name, brings[0] == '.' ? 1 : 0, brings, part, 0, 0);
}

/* The parts of the last join, by source: "a.b". */
static const char *parts(const struct pending_join *pending_join)
{
	static char text[9];
	for (size_t i = 0; i < rule.inputs.count + rule.triggers.count; i++) {
		const char *part = join_part_of(pending_join, i);
		text[i] = part ? *part : '.';
		text[i + 1] = '\0';
	}
	return text;
}

static void an_inner_join_needs_each_of_its_sources(void **state)
{
	(void)state;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), JOIN_WAITS);
	assert_int_equal(come("s", ".+", "x"), JOIN_WAITS);
	assert_int_equal(come("r", ".+", "b"), JOIN_OPENS);
	assert_string_equal(parts(last), "ab");
	assert_int_equal(kept(last), 2);
	assert_int_equal(come("s", "+.", "y"), JOIN_OPENS);
	assert_string_equal(parts(last), "yx");
}

static void what_comes_of_two_sources_at_once_is_one_part(void **state)
{
	(void)state;
	lay(JOIN_INNER, 3, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.+", "a"), JOIN_WAITS);
	assert_int_equal(come("r", ".+", "b"), JOIN_OPENS);
	assert_string_equal(parts(last), "aba");
	assert_int_equal(kept(last), 2);
}

static void any_takes_the_first_and_lets_the_rest_pass(void **state)
{
	(void)state;
	lay(JOIN_ANY, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", ".+", "b"), JOIN_OPENS);
	assert_string_equal(parts(last), ".b");
	assert_int_equal(come("r", "+.", "a"), JOIN_IGNORES);
	/* All has come: the next of that name is another request. */
	assert_int_equal(come("r", "+.", "c"), JOIN_OPENS);
	assert_string_equal(parts(last), "c.");
}

static void an_outer_join_opens_when_all_is_settled(void **state)
{
	(void)state;
	lay(JOIN_OUTER, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), JOIN_WAITS);
	assert_int_equal(come("r", ".-", "x"), JOIN_OPENS);
	assert_string_equal(parts(last), "a.");
	assert_int_equal(come("s", ".-", "x"), JOIN_WAITS);
	assert_int_equal(come("s", "+.", "b"), JOIN_OPENS);
	assert_string_equal(parts(last), "b.");
}

/* Closes the window of the join that is due, as its owner does. NULL: none is. */
static struct pending_join *expire(int64_t now_ms, bool *opens)
{
	join_matcher_tidy(matcher, now_ms);
	struct pending_join *pending_join = join_matcher_overdue(matcher, now_ms);
	if (pending_join)
		*opens = join_matcher_conclude(matcher, pending_join);
	return pending_join;
}

static void an_outer_join_opens_with_what_there_is_when_its_window_closes(void **state)
{
	(void)state;
	bool opens;
	lay(JOIN_OUTER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 1000, 5), JOIN_WAITS);
	assert_int_equal(join_matcher_due_ms(matcher), 5 + WINDOW_MS);
	assert_null(expire(5 + WINDOW_MS - 1, &opens));
	struct pending_join *pending_join = expire(5 + WINDOW_MS, &opens);
	assert_non_null(pending_join);
	assert_true(opens);
	assert_string_equal(parts(pending_join), "a.");
	assert_null(expire(5 + WINDOW_MS, &opens));
	assert_int_equal(come_at("r", 1, ".+", "b", 1000, 5 + WINDOW_MS), JOIN_IGNORES);
	assert_int_equal(join_matcher_due_ms(matcher), INT64_MAX);
}

static void what_comes_when_an_inner_joins_window_has_closed_is_late_once(void **state)
{
	(void)state;
	bool opens;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 0, 0), JOIN_WAITS);
	struct pending_join *pending_join = expire(WINDOW_MS, &opens);
	assert_non_null(pending_join);
	assert_false(opens);
	assert_int_equal(kept(pending_join), 1);
	assert_int_equal(come_at("r", 1, ".+", "b", 0, WINDOW_MS), JOIN_LATE);
	/* Then it is forgotten with the next window, and the name is free. */
	assert_int_equal(join_matcher_due_ms(matcher), FORGOTTEN_MS);
	assert_null(expire(FORGOTTEN_MS, &opens));
	assert_int_equal(come_at("r", 1, ".+", "c", 0, FORGOTTEN_MS), JOIN_WAITS);
}

static void a_window_is_of_record_time_and_closes_when_all_parties_are_past_it(void **state)
{
	(void)state;
	bool opens;
	lay(JOIN_OUTER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 1000, 0), JOIN_WAITS);
	assert_int_equal(come_at("s", 0, "+.", "b", 1000 + WINDOW_MS, 1), JOIN_WAITS);
	assert_null(expire(1, &opens)); /* the other party may still bring it */
	assert_int_equal(come_at("t", 1, ".+", "c", 1000 + WINDOW_MS, 1), JOIN_WAITS);
	struct pending_join *pending_join = expire(1, &opens);
	assert_non_null(pending_join);
	assert_string_equal(parts(pending_join), "a.");
	assert_null(expire(1, &opens));
}

static void records_that_are_further_apart_than_the_window_are_not_joined(void **state)
{
	(void)state;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 1000, 0), JOIN_WAITS);
	assert_int_equal(come_at("r", 1, ".+", "b", 1001 + WINDOW_MS, 0), JOIN_LATE);
	assert_int_equal(come_at("r", 1, ".+", "c", 1000 + WINDOW_MS, 0), JOIN_OPENS);
	assert_string_equal(parts(last), "ac");
}

static void equal_names_meet_in_the_order_in_which_they_came(void **state)
{
	(void)state;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), JOIN_WAITS);
	assert_int_equal(come("r", "+.", "b"), JOIN_WAITS);
	assert_int_equal(come("r", ".+", "x"), JOIN_OPENS);
	assert_string_equal(parts(last), "ax");
	assert_int_equal(come("r", ".+", "y"), JOIN_OPENS);
	assert_string_equal(parts(last), "by");
}

static void triggers_must_come_and_give_nothing(void **state)
{
	(void)state;
	lay(JOIN_INNER, 1, JOIN_ANY, 2);
	assert_int_equal(come("r", "+..", "a"), JOIN_WAITS);
	assert_int_equal(come("r", "..+", "t"), JOIN_OPENS);
	assert_string_equal(parts(last), "a.t");
	assert_int_equal(come("s", ".+.", "t"), JOIN_WAITS);
	assert_int_equal(come("s", "+..", "b"), JOIN_OPENS);
}

static void what_must_go_on_does_so_with_what_there_is(void **state)
{
	(void)state;
	bool opens;
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	rule.always = true;
	assert_int_equal(come("r", ".+", "b"), JOIN_WAITS);
	struct pending_join *pending_join = expire(WINDOW_MS, &opens);
	assert_non_null(pending_join);
	assert_true(opens);
	assert_string_equal(parts(pending_join), ".b");
}

static void a_window_is_closed_by_word_where_parts_are_kept_elsewhere_too(void **state)
{
	(void)state;
	static const char mark[] = "m";
	lay(JOIN_OUTER, 2, JOIN_INNER, 0);
	assert_int_equal(come_at("r", 0, "+.", "a", 0, 0), JOIN_WAITS);
	assert_null(join_matcher_overdue(matcher, WINDOW_MS - 1));
	struct pending_join *pending_join = join_matcher_overdue(matcher, WINDOW_MS);
	assert_non_null(pending_join);
	assert_ptr_equal(join_matcher_overdue(matcher, WINDOW_MS), pending_join);
	pending_join_acknowledge(pending_join);
	assert_null(join_matcher_overdue(matcher, WINDOW_MS));
	assert_ptr_equal(join_matcher_next_open(matcher, TEXT("r"), NULL), pending_join);
	assert_null(join_matcher_next_open(matcher, TEXT("r"), pending_join));
	assert_true(join_matcher_conclude(matcher, pending_join));
	assert_string_equal(parts(pending_join), "a.");
	pending_join_mark(pending_join, (void *)(uintptr_t)mark);
	assert_null(join_matcher_next_open(matcher, TEXT("r"), NULL));
	assert_null(join_matcher_forgotten(matcher));
	assert_int_equal(come_at("r", 1, ".+", "b", 0, WINDOW_MS), JOIN_IGNORES);
	/* All has come: what stands for it elsewhere is not needed any more. */
	assert_ptr_equal(join_matcher_forgotten(matcher), mark);
	assert_null(join_matcher_forgotten(matcher));
}

static void what_was_kept_elsewhere_comes_again_as_it_was(void **state)
{
	(void)state;
	static const char mark[] = "m";
	const unsigned char states[] = {SOURCE_CAME, SOURCE_UNKNOWN};
	struct error error = {0};
	enum join_verdict verdict;
	lay(JOIN_ANY, 2, JOIN_INNER, 0);
	const struct join_part again = {
		.name = TEXT("r"), .states = states, .time_ms = -1, .again = true, .part = (void *)(uintptr_t) "a"};
	assert_true(join_matcher_take(matcher, &again, 0, &verdict, &last, &error));
	assert_int_equal(verdict, JOIN_WAITS);
	assert_non_null(join_matcher_recall(matcher, TEXT("gone"), states, true, (void *)(uintptr_t)mark, 0, &error));
	assert_int_equal(come_at("gone", 1, ".+", "b", 0, 0), JOIN_IGNORES);
	assert_ptr_equal(join_matcher_forgotten(matcher), mark);
	join_matcher_close(matcher);
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_non_null(join_matcher_recall(matcher, TEXT("over"), states, false, NULL, 0, &error));
	assert_int_equal(come_at("over", 1, ".+", "b", 0, 0), JOIN_LATE);
}

static void a_meeting_that_is_held_stays_with_its_parts_until_it_is_let_go(void **state)
{
	(void)state;
	static const char mark[] = "m";
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), JOIN_WAITS);
	assert_int_equal(come("r", ".+", "b"), JOIN_OPENS);
	struct pending_join *held = last;
	pending_join_hold(held);
	pending_join_mark(held, (void *)(uintptr_t)mark);
	/* Nothing is matched with it, and it is not forgotten. */
	assert_int_equal(come("r", ".+", "c"), JOIN_WAITS);
	assert_int_equal(come("r", "+.", "d"), JOIN_OPENS);
	join_matcher_tidy(matcher, FORGOTTEN_MS);
	assert_null(join_matcher_forgotten(matcher));
	assert_int_equal(join_matcher_due_ms(matcher), INT64_MAX);
	assert_string_equal(parts(held), "ab");
	assert_int_equal(kept(held), 2);
	join_matcher_let_go(matcher, held);
	assert_ptr_equal(join_matcher_forgotten(matcher), mark);
	assert_null(join_matcher_forgotten(matcher));
}

/* What is of no use to a join says which one, so that it can be held for that record too. */
static void a_meeting_that_is_held_twice_stays_until_it_is_let_go_twice(void **state)
{
	(void)state;
	static const char mark[] = "m";
	lay(JOIN_ANY, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), JOIN_OPENS);
	struct pending_join *held = last;
	pending_join_mark(held, (void *)(uintptr_t)mark);
	pending_join_hold(held);
	assert_int_equal(come("r", ".+", "b"), JOIN_IGNORES);
	assert_ptr_equal(last, held);
	pending_join_hold(held);
	join_matcher_let_go(matcher, held);
	assert_null(join_matcher_forgotten(matcher));
	join_matcher_let_go(matcher, held);
	assert_ptr_equal(join_matcher_forgotten(matcher), mark);
	/* There is none that nothing is brought to. */
	assert_int_equal(come("r", ".-", "c"), JOIN_IGNORES);
	assert_null(last);
}

/* What may still come to it is matched with it, held or not. */
static void a_held_meeting_is_forgotten_in_its_time_only_when_it_is_let_go(void **state)
{
	(void)state;
	static const char mark[] = "m";
	lay(JOIN_ANY, 2, JOIN_INNER, 0);
	assert_int_equal(come("r", "+.", "a"), JOIN_OPENS);
	struct pending_join *held = last;
	pending_join_hold(held);
	pending_join_mark(held, (void *)(uintptr_t)mark);
	join_matcher_tidy(matcher, FORGOTTEN_MS);
	assert_null(join_matcher_forgotten(matcher));
	join_matcher_let_go(matcher, held);
	join_matcher_tidy(matcher, FORGOTTEN_MS - 1);
	assert_null(join_matcher_forgotten(matcher));
	assert_int_equal(join_matcher_due_ms(matcher), FORGOTTEN_MS);
	join_matcher_tidy(matcher, FORGOTTEN_MS);
	assert_ptr_equal(join_matcher_forgotten(matcher), mark);
}

static void many_names_are_kept_apart(void **state)
{
	(void)state;
	char name[16];
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof name, "r%d", i);
		assert_int_equal(come(name, "+.", "a"), JOIN_WAITS);
	}
	for (int i = 2000; i-- > 0;) {
		snprintf(name, sizeof name, "r%d", i);
		assert_int_equal(come(name, ".+", "b"), JOIN_OPENS);
	}
	assert_int_equal(join_matcher_due_ms(matcher), INT64_MAX);
}

static void an_entrance_tells_what_each_reference_selects(void **state)
{
	(void)state;
	struct planning planning;
	planning_open(&planning, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				 "  input: {externalInputs: [a.outputs.x, b.step.s.inputs, a.outputs.y], externalTriggers: [a],\n"
				 "    joinWindowMs: 7, joinType: outer, triggersJoinType: any, tensorMap: {a.outputs.y: z}}\n"
				 "  steps: [{name: s}]\n");
	const struct external_input *external_input = external_input_make(planning.graph, planning.arena);
	assert_non_null(external_input);
	assert_int_equal(external_input->point_count, 2);
	assert_int_equal(external_input->rule.inputs.count, 3);
	assert_int_equal(external_input->rule.inputs.type, JOIN_OUTER);
	assert_int_equal(external_input->rule.triggers.count, 1);
	assert_int_equal(external_input->rule.triggers.type, JOIN_ANY);
	assert_int_equal(external_input->rule.window_ms, 7);
	const struct tensor y = {.name = TEXT("y")}, *const tensors[] = {&y};
	const struct payload payload = {.tensors = {1, tensors}};
	unsigned char states[4];
	assert_true(external_input_tell(external_input, 0, &payload, states));
	assert_memory_equal(states, ((unsigned char[]){SOURCE_DEAD, SOURCE_UNKNOWN, SOURCE_CAME, SOURCE_CAME}), 4);
	assert_true(external_input_tell(external_input, 1, NULL, states));
	assert_memory_equal(states, ((unsigned char[]){SOURCE_UNKNOWN, SOURCE_DEAD, SOURCE_UNKNOWN, SOURCE_UNKNOWN}), 4);
	const struct payload *const came[] = {NULL, NULL, &payload};
	const struct payload *joined = external_input_join(external_input, came, planning.arena);
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
	assert_int_equal(come_at("m", 0, "+.", "a", 1000, 0), JOIN_WAITS);
	assert_int_equal(come_at("n", 1, ".+", "b", 1000 + 5 * WINDOW_MS, 1), JOIN_WAITS);
	assert_int_equal(come_at("n", 0, "+.", "c", 1000, 2), JOIN_LATE);
	assert_int_equal(come_at("m", 1, ".+", "d", 1000 + 5 * WINDOW_MS, 3), JOIN_OPENS);
}

static void a_deadline_counts_when_the_window_has_passed(void **state)
{
	(void)state;
	unsigned char states[2] = {SOURCE_CAME, SOURCE_UNKNOWN};
	enum join_verdict verdict;
	struct error error = {0};
	lay(JOIN_INNER, 2, JOIN_INNER, 0);
	for (int i = 0; i < 3; i++) {
		const struct join_part part = {.name = text_of(i == 0	? "a"
							       : i == 1 ? "b"
									: "c"),
					       .states = states,
					       .time_ms = -1,
					       .deadline_ms = i == 0   ? 0
							      : i == 1 ? 3 * WINDOW_MS
								       : WINDOW_MS / 2,
					       .part = &states};
		assert_true(join_matcher_take(matcher, &part, 0, &verdict, &last, &error));
	}
	assert_null(join_matcher_past_deadline(matcher, WINDOW_MS - 1));
	struct pending_join *first = join_matcher_past_deadline(matcher, WINDOW_MS);
	assert_non_null(first);
	assert_true(text_is(pending_join_name(first), "c"));
	pending_join_acknowledge(first);
	assert_null(join_matcher_past_deadline(matcher, 3 * WINDOW_MS - 1));
	struct pending_join *second = join_matcher_past_deadline(matcher, 3 * WINDOW_MS);
	assert_non_null(second);
	assert_true(text_is(pending_join_name(second), "b"));
	pending_join_acknowledge(second);
	assert_null(join_matcher_past_deadline(matcher, 100 * WINDOW_MS));
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
