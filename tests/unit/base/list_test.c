/* list_test.c: Tests of what a list keeps in which order, and what its nodes know. */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

struct word {
	const char *text;
	struct list_node node;
};

static struct word a = {.text = "a"}, b = {.text = "b"}, c = {.text = "c"};
static struct list words;

/* The words, forwards and then backwards. */
static const char *both_ways(void)
{
	static char shown[32];
	size_t length = 0;
	shown[0] = '\0';
	for (struct list_node *node = words.first; node; node = node->next)
		length += (size_t)snprintf(shown + length, sizeof shown - length, "%s", LIST_OWNER(node, struct word, node)->text);
	length += (size_t)snprintf(shown + length, sizeof shown - length, " ");
	for (struct list_node *node = words.last; node; node = node->previous)
		length += (size_t)snprintf(shown + length, sizeof shown - length, "%s", LIST_OWNER(node, struct word, node)->text);
	return shown;
}

static int empty_words(void **state)
{
	(void)state;
	while (words.first)
		list_remove(words.first);
	return 0;
}

static void nodes_stand_where_they_were_added(void **state)
{
	(void)state;
	assert_string_equal(both_ways(), " ");
	list_add(&words, &b.node);
	assert_string_equal(both_ways(), "b b");
	list_add(&words, &c.node);
	list_add_first(&words, &a.node);
	assert_string_equal(both_ways(), "abc cba");
	list_remove(&c.node);
	list_add_behind(&words, &a.node, &c.node);
	assert_string_equal(both_ways(), "acb bca");
}

static void any_node_is_removed_and_in_no_list_then(void **state)
{
	(void)state;
	struct word *all[] = {&a, &b, &c};
	static const char *const left[] = {"bc cb", "ac ca", "ab ba"};
	for (size_t i = 0; i < 3; i++) {
		empty_words(NULL);
		for (size_t j = 0; j < 3; j++)
			list_add(&words, &all[j]->node);
		assert_ptr_equal(all[i]->node.list, &words);
		list_remove(&all[i]->node);
		assert_string_equal(both_ways(), left[i]);
		assert_null(all[i]->node.list);
		list_remove(&all[i]->node); /* and once more is fine */
		assert_string_equal(both_ways(), left[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(nodes_stand_where_they_were_added, empty_words),
		cmocka_unit_test_teardown(any_node_is_removed_and_in_no_list_then, empty_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
