/* notice_receipts_test.c: Tests of receipts of notices: each owner takes its own, in their order. */
#include "monitor/alerts/notice_receipts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void each_owner_takes_its_own_receipts(void **state)
{
	static const char one, other;
	const struct notice_receipt made[] = {
		{.key = "1", .owner = &one}, {.key = "2", .owner = &other}, {.key = "3", .owner = &one}, {.key = "4"}};
	struct notice_receipts receipts = {0};
	char key[NOTICE_RECEIPT_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		notice_receipt_add(&receipts, &made[i]);
	assert_true(notice_receipt_take(&receipts, &other, key));
	assert_string_equal(key, "2");
	assert_false(notice_receipt_take(&receipts, &other, key));
	for (size_t i = 0; i < 3; i += 2) {
		assert_true(notice_receipt_take(&receipts, &one, key));
		assert_string_equal(key, made[i].key);
	}
	assert_false(notice_receipt_take(&receipts, &one, key));
	notice_receipts_clear(&receipts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_owner_takes_its_own_receipts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
