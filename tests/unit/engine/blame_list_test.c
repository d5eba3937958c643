/* blame_list_test.c: Tests of the list of records whose outputs Kafka refused: what is taken again, what a replacement ends, and
 * what a commit forgets. */
#include "engine/outputs/blame_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kafka/record.h"

static struct blame_list list;

static int list_begin(void **state)
{
	(void)state;
	list = (struct blame_list){0};
	return 0;
}

static int list_end(void **state)
{
	(void)state;
	blame_list_close(&list);
	return 0;
}

static bool note(int64_t offset, enum blame blame, bool again, struct error *error)
{
	*error = (struct error){0};
	return blame_list_note(&list, offset, blame, again, "too large", error);
}

static void the_lowest_record_is_taken_again_first(void **state)
{
	(void)state;
	struct error error;
	assert_int_equal(blame_list_first(&list), OFFSET_NONE);
	assert_true(note(9, BLAME_ANSWER, true, &error) && note(4, BLAME_ANSWER, true, &error) &&
		    note(7, BLAME_ANSWER, true, &error));
	assert_int_equal(blame_list_first(&list), 4);
	assert_string_equal(blame_list_find(&list, 7)->reason, "too large");
	assert_null(blame_list_find(&list, 5));
}

static void one_that_is_only_noted_is_not_taken_again(void **state)
{
	(void)state;
	struct error error;
	assert_true(note(4, BLAME_LETTER, false, &error));
	assert_int_equal(blame_list_first(&list), OFFSET_NONE);
	assert_non_null(blame_list_find(&list, 4));
}

static void both_outputs_of_a_record_may_be_refused(void **state)
{
	(void)state;
	struct error error;
	assert_true(note(4, BLAME_ANSWER, true, &error) && note(4, BLAME_LETTER, true, &error));
	assert_int_equal(list.count, 1);
	assert_int_equal(blame_list_find(&list, 4)->blame, BLAME_ANSWER | BLAME_LETTER);
}

static void a_replacement_ends_the_wait(void **state)
{
	(void)state;
	struct error error;
	assert_true(note(4, BLAME_ANSWER, true, &error) && note(6, BLAME_ANSWER, true, &error));
	blame_list_left(&list, 4, BLAME_ANSWER);
	blame_list_left(&list, 5, BLAME_ANSWER); /* Kafka refused nothing of it */
	assert_int_equal(blame_list_first(&list), 6);
}

static void a_replacement_that_is_refused_too_stops_the_worker(void **state)
{
	(void)state;
	struct error error;
	assert_true(note(4, BLAME_ANSWER, true, &error));
	assert_true(note(4, BLAME_ANSWER, true, &error)); /* the replacement has not left yet */
	blame_list_left(&list, 4, BLAME_ANSWER);
	assert_true(note(4, BLAME_LETTER, true, &error)); /* another output */
	blame_list_left(&list, 4, BLAME_ANSWER | BLAME_LETTER);
	assert_false(note(4, BLAME_ANSWER, true, &error));
	assert_int_equal(error.kind, ERROR_SYSTEM);
	assert_non_null(strstr(error.text, "a record that it refused: too large. Then start again"));
}

/* The answer without its exposures has left, and then two records of the same message are refused. */
static void an_output_that_is_refused_later_has_a_replacement_of_its_own(void **state)
{
	(void)state;
	struct error error;
	assert_true(note(4, BLAME_EXPOSURES, true, &error));
	blame_list_left(&list, 4, BLAME_EXPOSURES);
	assert_true(note(4, BLAME_ANSWER, true, &error) && note(4, BLAME_ANSWER, true, &error));
	assert_int_equal(blame_list_first(&list), 4);
	blame_list_left(&list, 4, BLAME_EXPOSURES | BLAME_ANSWER);
	assert_false(note(4, BLAME_ANSWER, true, &error));
}

static void what_is_committed_is_forgotten(void **state)
{
	(void)state;
	struct error error;
	for (int64_t offset = 0; offset < 8; offset++)
		assert_true(note(offset, BLAME_ANSWER, true, &error));
	blame_list_forget(&list, 5);
	assert_int_equal(list.count, 3);
	assert_int_equal(blame_list_first(&list), 5);
	assert_null(blame_list_find(&list, 4));
	assert_non_null(blame_list_find(&list, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_lowest_record_is_taken_again_first, list_begin, list_end),
		cmocka_unit_test_setup_teardown(one_that_is_only_noted_is_not_taken_again, list_begin, list_end),
		cmocka_unit_test_setup_teardown(both_outputs_of_a_record_may_be_refused, list_begin, list_end),
		cmocka_unit_test_setup_teardown(a_replacement_ends_the_wait, list_begin, list_end),
		cmocka_unit_test_setup_teardown(a_replacement_that_is_refused_too_stops_the_worker, list_begin, list_end),
		cmocka_unit_test_setup_teardown(an_output_that_is_refused_later_has_a_replacement_of_its_own, list_begin, list_end),
		cmocka_unit_test_setup_teardown(what_is_committed_is_forgotten, list_begin, list_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
