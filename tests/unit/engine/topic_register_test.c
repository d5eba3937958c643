/* topic_register_test.c: Tests of the register of topics: numbers stay, and lists that were handed out do not change. */
#include "engine/setup/topic_register.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/arena_fixture.h"

#define MANY 3000 /* more than there are lists: some topics share one */

static uint32_t number_of(struct topic_register *topics, unsigned which)
{
	char name[16];
	(void)snprintf(name, sizeof name, "topic-%u", which);
	return topic_register_number(topics, name);
}

static void a_name_keeps_its_number(void **state)
{
	(void)state;
	struct topic_register topics = {.arena = arena};
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(number_of(&topics, i), i);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(number_of(&topics, i), i);
	assert_int_equal(topics.count, MANY);
}

static void a_list_does_not_change_when_topics_come(void **state)
{
	(void)state;
	struct topic_register topics = {.arena = arena};
	for (unsigned i = 0; i < 16; i++)
		(void)number_of(&topics, i);
	const struct topic_list before = topic_register_list(&topics);
	for (unsigned i = 16; i < MANY; i++)
		(void)number_of(&topics, i);
	assert_int_equal(before.count, 16);
	assert_string_equal(before.names[0], "topic-0");
	assert_string_equal(before.names[15], "topic-15");
	assert_string_equal(topic_register_list(&topics).names[MANY - 1], "topic-2999");
}

static void the_name_is_copied(void **state)
{
	(void)state;
	struct topic_register topics = {.arena = arena};
	char name[] = "a";
	assert_int_equal(topic_register_number(&topics, name), 0);
	name[0] = 'b';
	assert_string_equal(topic_register_list(&topics).names[0], "a");
	assert_int_equal(topic_register_number(&topics, name), 1);
}

static void a_full_arena_gives_no_number(void **state)
{
	(void)state;
	struct arena *small = arena_open(1024);
	struct topic_register topics = {.arena = small};
	assert_int_equal(topic_register_number(&topics, "a"), TOPIC_NOWHERE);
	assert_int_equal(topics.count, 0);
	arena_close(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_keeps_its_number),
		cmocka_unit_test(a_list_does_not_change_when_topics_come),
		cmocka_unit_test(the_name_is_copied),
		cmocka_unit_test(a_full_arena_gives_no_number),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
