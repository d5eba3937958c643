/* access_rate_test.c: buckets of callers, and what a full table does. */
#include "gateway/access/access_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct access_identity identity_of(uint32_t number)
{
	struct access_identity identity = {0};
	uint32_t mixed = number * UINT32_C(2654435761);
	memcpy(identity.bytes, &mixed, sizeof mixed);
	memcpy(identity.bytes + 8, &number, sizeof number);
	return identity;
}

static struct access_rate *rate_of(double per_second, int64_t burst)
{
	struct error error = {0};
	struct access_rate *rate = access_rate_open(per_second, burst, &error);
	assert_non_null(rate);
	return rate;
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
	(void)state;
	struct access_rate *rate = rate_of(4, 3);
	struct access_identity alice = identity_of(1), bob = identity_of(2);
	int64_t now_ms = 1000;
	for (int i = 0; i < 3; i++) {
		assert_false(access_rate_is_spent(rate, &alice, now_ms));
		assert_int_equal(access_rate_take(rate, &alice, now_ms), 0);
	}
	assert_true(access_rate_is_spent(rate, &alice, now_ms));
	assert_int_equal(access_rate_take(rate, &alice, now_ms), 250);
	assert_int_equal(access_rate_take(rate, &alice, now_ms + 100), 150); /* to ask takes nothing */
	assert_int_equal(access_rate_take(rate, &bob, now_ms), 0);
	assert_int_equal(access_rate_take(rate, &alice, now_ms + 249), 1);
	assert_int_equal(access_rate_take(rate, &alice, now_ms + 250), 0);
	assert_int_equal(access_rate_take(rate, &alice, now_ms + 250), 250);
	/* It fills up to its burst, however long the pause. */
	now_ms += 3600000;
	assert_false(access_rate_is_spent(rate, &alice, now_ms));
	for (int i = 0; i < 3; i++)
		assert_int_equal(access_rate_take(rate, &alice, now_ms), 0);
	assert_int_equal(access_rate_take(rate, &alice, now_ms), 250);
	access_rate_close(rate);
}

static void over_a_minute_nobody_gets_more_than_the_rate(void **state)
{
	(void)state;
	struct access_rate *rate = rate_of(1000, 10);
	struct access_identity alice = identity_of(1);
	size_t taken = 0;
	for (int64_t now_ms = 0; now_ms < 60000; now_ms++)
		for (int i = 0; i < 3; i++)
			taken += access_rate_take(rate, &alice, now_ms) == 0;
	assert_in_range(taken, 60000, 60010);
	access_rate_close(rate);
}

static void in_a_full_table_newcomers_share_one_bucket(void **state)
{
	(void)state;
	struct access_rate *rate = rate_of(1, 2);
	int64_t now_ms = 1000;
	for (uint32_t i = 0; i < ACCESS_RATE_IDENTITIES; i++) {
		struct access_identity one = identity_of(i);
		assert_int_equal(access_rate_take(rate, &one, now_ms), 0);
	}
	size_t taken = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		struct access_identity newcomer = identity_of(ACCESS_RATE_IDENTITIES + i);
		taken += access_rate_take(rate, &newcomer, now_ms) == 0;
	}
	assert_int_equal(taken, 2);
	/* Those who were there keep what they had. */
	for (uint32_t i = 0; i < ACCESS_RATE_IDENTITIES; i += 1000) {
		struct access_identity one = identity_of(i);
		assert_int_equal(access_rate_take(rate, &one, now_ms), 0);
		assert_int_equal(access_rate_take(rate, &one, now_ms), 1000);
	}
	/* Once buckets are full again, their places are free: each newcomer has a burst of its own. */
	now_ms += 2000;
	for (uint32_t i = 0; i < 1000; i++) {
		struct access_identity newcomer = identity_of(2 * ACCESS_RATE_IDENTITIES + i);
		assert_int_equal(access_rate_take(rate, &newcomer, now_ms), 0);
		assert_int_equal(access_rate_take(rate, &newcomer, now_ms), 0);
		assert_int_equal(access_rate_take(rate, &newcomer, now_ms), 1000);
	}
	access_rate_close(rate);
}

static void limits_are_checked(void **state)
{
	(void)state;
	static const struct {
		double per_second;
		int64_t burst;
		bool is_good;
	} rows[] = {{0, 1, false}, {-1, 1, false}, {1e6, 1, true}, {1.1e6, 1, false}, {1, 0, false}, {1, 1000000, true},
		    {1, 1000001, false}, {1e-9, 1000000, true}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error error = {0};
		struct access_rate *rate = access_rate_open(rows[i].per_second, rows[i].burst, &error);
		assert_true(!!rate == rows[i].is_good);
		assert_int_equal(error.kind, rows[i].is_good ? ERROR_NONE : ERROR_CONFIG);
		access_rate_close(rate);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
		cmocka_unit_test(over_a_minute_nobody_gets_more_than_the_rate),
		cmocka_unit_test(in_a_full_table_newcomers_share_one_bucket),
		cmocka_unit_test(limits_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
