/* held_slot_test.c: Tests of a slot whose values readers hold while a writer replaces them. */
#include "base/held_slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct number {
	struct held_value held;
	int is;
};

static struct held_value *number_of(int is)
{
	struct arena *arena = arena_open(4096);
	struct number *made = ARENA_NEW(arena, struct number);
	*made = (struct number){{.arena = arena}, is};
	return &made->held;
}

static int number_at(const struct held_value *value)
{
	return ((const struct number *)value)->is;
}

static void an_empty_slot_holds_nothing(void **state)
{
	(void)state;
	struct held_slot slot = {.replaced = NULL};
	assert_null(held_slot_hold(&slot));
	held_slot_release(&slot);
	held_slot_close(&slot);
}

static void a_held_value_stays_until_its_reader_releases_it(void **state)
{
	(void)state;
	struct held_slot slot = {.replaced = NULL};
	held_slot_replace(&slot, number_of(1));
	const struct held_value *first = held_slot_hold(&slot);
	held_slot_replace(&slot, number_of(2));
	held_slot_replace(&slot, number_of(3));
	assert_int_equal(number_at(first), 1);
	const struct held_value *third = held_slot_hold(&slot);
	assert_int_equal(number_at(third), 3);
	held_slot_release(&slot);
	assert_non_null(slot.replaced);
	held_slot_release(&slot);
	held_slot_replace(&slot, NULL);
	assert_null(slot.replaced);
	assert_null(held_slot_value(&slot));
	held_slot_close(&slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_slot_holds_nothing),
		cmocka_unit_test(a_held_value_stays_until_its_reader_releases_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
