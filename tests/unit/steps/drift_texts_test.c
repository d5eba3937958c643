/* drift_texts_test.c: Tests of how texts of a column are learnt: as categories, or as free texts with their commonest values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "methods/drift/reference.h"
#include "steps/drift/drift_texts.h"

#define ARENA_BYTES ((size_t)16 << 20)
#define ROWS_MAX 200000

static struct arena *arena;
static struct drift_texts *texts;
static double fingerprints[ROWS_MAX];
static size_t rows;

static int set_up(void **state)
{
	(void)state;
	arena = arena_open(ARENA_BYTES);
	texts = arena ? drift_texts_open(arena) : NULL;
	rows = 0;
	return texts ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

static void text_come(struct text text)
{
	struct error error = {0};
	assert_true(rows < ROWS_MAX);
	assert_true(drift_texts_add(texts, text, &fingerprints[rows++], &error));
}

/* Texts `WORD-0`, `WORD-1` and so on, each so many times in a row. */
static void words_come(const char *word, int count, int times)
{
	char text[64];
	for (int i = 0; i < count * times; i++)
		text_come((struct text){text, (size_t)snprintf(text, sizeof text, "%s-%d", word, i / times)});
}

static void settle(void)
{
	assert_true(drift_texts_settle(texts, fingerprints, rows));
}

static bool categories_have(const char *name)
{
	return name_list_has(drift_texts_categories(texts), name);
}

static void up_to_a_thousand_texts_are_categories(void **state)
{
	(void)state;
	words_come("id", DRIFT_CATEGORIES_MAX, 2);
	settle();
	const struct name_list categories = drift_texts_categories(texts);
	assert_false(drift_texts_are_free(texts));
	assert_int_equal(categories.count, DRIFT_CATEGORIES_MAX);
	assert_string_equal(categories.items[0].text, "id-0");
	assert_string_equal(categories.items[999].text, "id-999");
	for (size_t i = 0; i < rows; i += 2) /* in their order */
		for (size_t j = 0; j < 2; j++)
			assert_int_equal(2 * (size_t)drift_texts_category(texts, fingerprints[i + j], i + j), i);
	assert_true(isnan(drift_texts_category(texts, (double)NAN, 0)));
}

static void more_are_free_texts(void **state)
{
	(void)state;
	words_come("id", DRIFT_CATEGORIES_MAX + 1, 2);
	settle();
	assert_true(drift_texts_are_free(texts));
	assert_int_equal(drift_texts_categories(texts).count, 0); /* none came five times */
	assert_true(drift_texts_category(texts, fingerprints[rows - 1], rows - 1) == 0);
}

/* Fewer are free as well, if a text is new more often than every tenth time. */
static void texts_that_mostly_come_once_are_free(void **state)
{
	(void)state;
	words_come("usual", 9, 10);
	words_come("once", 10, 1);
	settle();
	assert_false(drift_texts_are_free(texts));
	assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
	words_come("usual", 9, 10);
	words_come("once", 11, 1);
	settle();
	assert_true(drift_texts_are_free(texts));
}

/* The first half chooses, and its rows have no category; so a text that is common in the second half alone has none either. */
static void the_first_half_chooses_and_the_second_counts(void **state)
{
	(void)state;
	words_come("early", 3, 10);
	words_come("once", 500, 1);
	words_come("late", 3, 10);
	words_come("new", 500, 1);
	words_come("early", 1, 1);
	settle();
	assert_true(drift_texts_are_free(texts));
	assert_int_equal(drift_texts_categories(texts).count, 3);
	assert_true(categories_have("early-0") && categories_have("early-2") && !categories_have("late-0"));
	for (size_t i = 0; i < rows / 2; i++)
		assert_true(isnan(drift_texts_category(texts, fingerprints[i], i)));
	assert_true(drift_texts_category(texts, fingerprints[rows / 2], rows / 2) == 3);
	const size_t last = (size_t)drift_texts_category(texts, fingerprints[rows - 1], rows - 1);
	assert_string_equal(drift_texts_categories(texts).items[last].text, "early-0");
}

/* Five times at least, and one in a hundred; at most the fifty commonest. */
static void only_common_texts_are_categories(void **state)
{
	(void)state;
	words_come("four", 1, 4);
	words_come("five", 1, 5);
	words_come("once", 241, 1);
	words_come("new", 250, 1);
	settle();
	assert_int_equal(drift_texts_categories(texts).count, 1);
	assert_true(categories_have("five-0"));
	assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
	words_come("nine", 1, 9);
	words_come("ten", 1, 10);
	words_come("once", 981, 1);
	words_come("new", 1000, 1);
	settle();
	assert_int_equal(drift_texts_categories(texts).count, 1);
	assert_true(categories_have("ten-0"));
	assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
	words_come("rarer", 1, 10);
	words_come("usual", DRIFT_COMMON_MAX, 11);
	words_come("once", 440, 1);
	words_come("new", 1000, 1);
	settle();
	assert_int_equal(drift_texts_categories(texts).count, DRIFT_COMMON_MAX);
	assert_false(categories_have("rarer-0"));
}

/* A text that becomes common late is found, however many came before, and memory stays what it was. */
static void many_texts_take_no_more_memory(void **state)
{
	(void)state;
	words_come("once", 2 * DRIFT_CATEGORIES_MAX, 1);
	const size_t before = arena_taken(arena);
	words_come("more", 50000, 1);
	words_come("late", 5, 1200);
	words_come("last", 40000, 1);
	words_come("end", 50000, 1);
	assert_true(arena_taken(arena) - before <= DRIFT_CATEGORIES_MAX * (TEXTS_COMMON_BYTES_MAX + 64));
	settle();
	assert_int_equal(drift_texts_categories(texts).count, 5);
	assert_true(categories_have("late-0") && categories_have("late-4"));
}

/* So is one that comes among others that are new: what takes the place of another takes its count too. */
static void a_text_among_new_ones_is_found(void **state)
{
	char word[32];
	(void)state;
	words_come("twice", DRIFT_CATEGORIES_MAX, 2);
	for (int i = 0; i < 300; i++) {
		text_come(TEXT("late"));
		snprintf(word, sizeof word, "once-%d", i);
		words_come(word, 20, 1);
	}
	words_come("end", 8300, 1);
	settle();
	assert_int_equal(drift_texts_categories(texts).count, 1);
	assert_true(categories_have("late"));
}

static void long_free_texts_are_no_categories(void **state)
{
	(void)state;
	static char text[10 * TEXTS_COMMON_BYTES_MAX];
	memset(text, 'x', sizeof text);
	words_come("once", 2 * DRIFT_CATEGORIES_MAX, 1);
	for (int i = 0; i < 600; i++)
		text_come((struct text){text, i % 3 == 0   ? TEXTS_COMMON_BYTES_MAX
					      : i % 3 == 1 ? TEXTS_COMMON_BYTES_MAX + 1
							   : sizeof text});
	words_come("new", 2600, 1);
	settle();
	assert_int_equal(drift_texts_categories(texts).count, 1);
	assert_int_equal(strlen(drift_texts_categories(texts).items[0].text), TEXTS_COMMON_BYTES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(up_to_a_thousand_texts_are_categories, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_are_free_texts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(texts_that_mostly_come_once_are_free, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_first_half_chooses_and_the_second_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_common_texts_are_categories, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_texts_take_no_more_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_text_among_new_ones_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_free_texts_are_no_categories, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
