/* subject_list_test.c: Tests of the subjects of a scrape: each label is found once, and there is no more than there is space for.
 */
#include "monitor/subject_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "observe/counts.h"
#include "tests/unit/arena_fixture.h"

static void a_label_is_found_or_made_once(void **state)
{
	(void)state;
	struct subject_list list;
	assert_true(subject_list_open(&list, 2, arena));
	struct metric_subject *score = subject_list_find(&list, 1, "score"), *other = subject_list_find(&list, 1, "rank");
	assert_non_null(score);
	assert_non_null(other);
	assert_ptr_not_equal(score, other);
	assert_ptr_equal(subject_list_find(&list, 1, "score"), score);
	assert_true(text_is(score->labels[1], "score"));
	assert_int_equal(score->labels[0].length, 0);
	assert_int_equal(list.count, 2);
}

static void a_full_list_takes_no_more(void **state)
{
	(void)state;
	struct subject_list list;
	assert_true(subject_list_open(&list, 1, arena));
	subject_list_add(&list, (struct metric_subject){{TEXT("a")}, NULL});
	subject_list_add(&list, (struct metric_subject){{TEXT("b")}, NULL});
	assert_int_equal(list.count, 1);
	assert_true(text_is(list.items[0].labels[0], "a"));
	assert_null(subject_list_find(&list, 0, "b"));
	assert_non_null(subject_list_find(&list, 0, "a"));
}

static void without_memory_the_list_stays_empty(void **state)
{
	(void)state;
	struct arena *small = arena_open(64);
	struct subject_list list;
	assert_false(subject_list_open(&list, 1000, small));
	subject_list_add(&list, (struct metric_subject){{TEXT("a")}, NULL});
	assert_int_equal(list.count, 0);
	assert_null(subject_list_find(&list, 0, "a"));
	arena_close(small);
}

static void counts_of_all_workers_are_summed(void **state)
{
	(void)state;
	struct model_counts counts[2] = {0};
	count_add(&counts[0].calls, 3);
	count_add(&counts[1].calls, 4);
	struct model_counts *sum = workers_sum(counts, 2, sizeof *counts, COUNT_WORDS_APART(struct model_counts), NULL, arena);
	assert_int_equal(count_read(&sum->calls), 7);
	assert_ptr_equal(workers_sum(counts, 1, sizeof *counts, COUNT_WORDS_APART(struct model_counts), sum, arena), sum);
	assert_int_equal(count_read(&sum->calls), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_label_is_found_or_made_once),
		cmocka_unit_test(a_full_list_takes_no_more),
		cmocka_unit_test(without_memory_the_list_stays_empty),
		cmocka_unit_test(counts_of_all_workers_are_summed),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
