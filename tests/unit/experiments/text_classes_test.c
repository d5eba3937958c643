/* text_classes_test.c: Tests of the classes of a text: the commonest values, also of more values than are counted. */
#include "experiments/bandits/text_classes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct text_classes *classes;

static int classes_begin(void **state)
{
	(void)state;
	classes = text_classes_open();
	return classes ? 0 : -1;
}

static int classes_end(void **state)
{
	(void)state;
	text_classes_close(classes);
	return 0;
}

static void add(const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		text_classes_add(classes, text_of(text));
}

static void the_commonest_come_first_and_ties_by_their_bytes(void **state)
{
	struct text texts[3];
	(void)state;
	add("b", 2);
	add("ab", 2);
	add("c", 5);
	add("a", 1);
	assert_int_equal(text_classes_commonest(classes, texts, 3), 3);
	assert_true(text_is(texts[0], "c") && text_is(texts[1], "ab") && text_is(texts[2], "b"));
	assert_int_equal(text_classes_total(classes), 10);
	assert_int_equal(text_classes_total(NULL), 0);
	add("b", 1);
	assert_int_equal(text_classes_commonest(classes, texts, 2), 2);
	assert_true(text_is(texts[1], "b"));
}

/* Each of a thousand others comes once, and takes a place. */
static void a_common_value_keeps_its_place_among_many_rare_ones(void **state)
{
	struct text texts[TEXT_CLASSES_ROOMS + 1];
	char rare[16];
	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		(void)snprintf(rare, sizeof rare, "rare-%zu", i);
		add(rare, 1);
		if (i % 10 == 0)
			add("common", 1);
	}
	assert_int_equal(text_classes_commonest(classes, texts, TEXT_CLASSES_ROOMS + 1), TEXT_CLASSES_ROOMS);
	assert_true(text_is(texts[0], "common"));
	assert_int_equal(text_classes_total(classes), 1100);
}

static void a_text_that_is_too_long_is_no_class(void **state)
{
	char text[CONTEXT_TEXT_BYTES_MAX + 2];
	struct text texts[2];
	(void)state;
	memset(text, 'x', sizeof text);
	text_classes_add(classes, (struct text){text, CONTEXT_TEXT_BYTES_MAX + 1});
	assert_int_equal(text_classes_commonest(classes, texts, 2), 0);
	text_classes_add(classes, (struct text){text, CONTEXT_TEXT_BYTES_MAX});
	text_classes_add(classes, (struct text){text, 0});
	assert_int_equal(text_classes_commonest(classes, texts, 2), 1);
	assert_int_equal(texts[0].length, CONTEXT_TEXT_BYTES_MAX);
	assert_int_equal(text_classes_total(classes), 3);
}

int main(void)
{
#define WITH_CLASSES(test) cmocka_unit_test_setup_teardown(test, classes_begin, classes_end)
	const struct CMUnitTest tests[] = {
		WITH_CLASSES(the_commonest_come_first_and_ties_by_their_bytes),
		WITH_CLASSES(a_common_value_keeps_its_place_among_many_rare_ones),
		WITH_CLASSES(a_text_that_is_too_long_is_no_class),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
