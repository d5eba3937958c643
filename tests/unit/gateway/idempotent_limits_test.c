/* idempotent_limits_test.c: room for open calls with idempotency keys: no caller takes that of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/calls/idempotent_limits.h"

static struct keyed_place place_of(unsigned char caller, size_t body_bytes)
{
	struct access_identity identity;
	memset(identity.bytes, caller, sizeof identity.bytes);
	return (struct keyed_place){keyed_caller(&identity, true), body_bytes};
}

static void a_caller_has_a_share_of_the_open_calls(void **state)
{
	static struct keyed_room room;
	struct keyed_place one = place_of(1, 0), other = place_of(2, 0);
	(void)state;
	for (size_t i = 0; i < KEYED_OPEN_MAX / KEYED_OPEN_SHARES; i++)
		assert_true(keyed_room_take(&room, &one));
	assert_false(keyed_room_take(&room, &one));
	assert_true(keyed_room_take(&room, &other));
	keyed_room_give(&room, &one);
	assert_true(keyed_room_take(&room, &one));
}

static void where_callers_are_not_told_apart_there_is_no_share(void **state)
{
	static struct keyed_room room;
	const struct access_identity anybody = {{7}};
	const struct keyed_place place = {keyed_caller(&anybody, false), 0};
	(void)state;
	for (size_t i = 0; i < KEYED_OPEN_MAX; i++)
		assert_true(keyed_room_take(&room, &place));
}

static void bodies_have_one_limit_until_they_are_given_back(void **state)
{
	static struct keyed_room room;
	struct keyed_place large = place_of(1, KEYED_BODIES_BYTES), small = place_of(2, 1);
	(void)state;
	assert_true(keyed_room_take(&room, &large));
	assert_false(keyed_room_take(&room, &small));
	keyed_room_give_body(&room, &large);
	assert_true(keyed_room_take(&room, &small));
	keyed_room_give(&room, &large); /* its body is not given back twice */
	keyed_room_give(&room, &small);
	assert_int_equal(room.body_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_caller_has_a_share_of_the_open_calls),
		cmocka_unit_test(where_callers_are_not_told_apart_there_is_no_share),
		cmocka_unit_test(bodies_have_one_limit_until_they_are_given_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
