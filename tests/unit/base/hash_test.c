/* hash_test.c: Tests of the hashes of texts: their values never change, and the borders of texts count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

/* By the reference implementation, `xxhsum -H1`. */
static void a_text_has_the_published_hash(void **state)
{
	(void)state;
	assert_true(hash_text(TEXT(""), 0) == UINT64_C(0xef46db3751d8e999));
	assert_true(hash_text(TEXT("abc"), 0) == UINT64_C(0x44bc2cf5ad770999));
	assert_true(hash_text((struct text){0}, 0) == hash_text(TEXT(""), 0));
	assert_true(hash_text(TEXT("abc"), 1) != hash_text(TEXT("abc"), 0));
	assert_int_equal(hash_key(TEXT("abc")), 0xad770999);
}

static void the_borders_of_listed_texts_count(void **state)
{
	(void)state;
	const uint64_t split = hash_text_next(TEXT("c"), hash_text_next(TEXT("ab"), 0));
	assert_true(split != hash_text_next(TEXT("bc"), hash_text_next(TEXT("a"), 0)));
	assert_true(split != hash_text_next(TEXT("abc"), 0));
	assert_true(split == hash_text_next(TEXT("c"), hash_text_next(TEXT("ab"), 0)));
	assert_true(hash_text_next(TEXT(""), 0) != hash_text_next(TEXT(""), hash_text_next(TEXT(""), 0)));
	/* States of steps have its values: the hash of the bytes, seeded by that of their number in 8 bytes. */
	assert_true(hash_text_next(TEXT("abc"), 9) == hash_bytes("abc", 3, hash_bytes("\3\0\0\0\0\0\0", 8, 9)));
	assert_true(hash_text_next((struct text){0}, 7) == hash_text_next(TEXT(""), 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_has_the_published_hash),
		cmocka_unit_test(the_borders_of_listed_texts_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
