/* text_test.c: texts that hold any byte, and the buffer that stops at its ceiling. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include "base/memory.h"

#include <cmocka.h>

static void texts_compare_by_every_byte(void **state)
{
	(void)state;
	assert_true(text_equal((struct text){"a\0b", 3}, (struct text){"a\0b", 3}));
	assert_false(text_equal((struct text){"a\0b", 3}, (struct text){"a\0c", 3}));
	assert_false(text_equal(TEXT("abc"), TEXT("ab")));
	assert_true(text_equal((struct text){NULL, 0}, TEXT("")));
	assert_true(text_equal_caseless(TEXT("Content-TYPE"), TEXT("content-type")));
	assert_false(text_equal_caseless(TEXT("a-b"), TEXT("a_b")));
	assert_true(text_starts_with(TEXT("stub://x"), TEXT("stub://")));
	assert_false(text_starts_with(TEXT("stub"), TEXT("stub://")));
	assert_true(text_is(text_trimmed(TEXT(" \t a b\t "), " \t"), "a b"));
	assert_true(text_is(text_trimmed(TEXT("\t a "), " "), "\t a"));
	assert_int_equal(text_trimmed(TEXT("   "), " ").length, 0);
	assert_int_equal(text_trimmed((struct text){0}, " ").length, 0);
	assert_int_equal(text_trimmed((struct text){"\0x\0", 3}, " ").length, 3);
	assert_true(text_is(text_unmarked(TEXT("\xEF\xBB\xBF{}")), "{}"));
	assert_int_equal(text_unmarked(TEXT("\xEF\xBB{}")).length, 4);
	assert_int_equal(text_unmarked((struct text){0}).length, 0);
}

/* By each byte at each place of texts of all lengths around the eight bytes that are compared at once. */
static void only_ascii_letters_are_the_same_in_both_cases(void **state)
{
	enum { LONGEST = 19 };
	char a[LONGEST], b[LONGEST];
	(void)state;
	for (size_t length = 1; length <= LONGEST; length++)
		for (size_t place = 0; place < length; place++)
			for (int byte = 0; byte < 256; byte++)
				for (int other = 0; other < 256; other++) {
					const bool same_letter =
						((byte | 0x20) == (other | 0x20)) && (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
					memset(a, 'x', length);
					memset(b, 'X', length);
					a[place] = (char)byte;
					b[place] = (char)other;
					if (text_equal_caseless((struct text){a, length}, (struct text){b, length}) !=
					    (byte == other || same_letter))
						fail_msg("bytes %d and %d at %zu of %zu", byte, other, place, length);
				}
	assert_true(text_equal_caseless((struct text){0}, TEXT("")));
}

static void the_end_of_a_text_is_compared(void **state)
{
	(void)state;
	assert_true(text_ends_with(TEXT("a.json"), TEXT(".json")));
	assert_true(text_ends_with(TEXT(".json"), TEXT(".json")));
	assert_false(text_ends_with(TEXT("json"), TEXT(".json")));
	assert_false(text_ends_with(TEXT("a.jsons"), TEXT(".json")));
	assert_false(text_ends_with(TEXT("a.jsom"), TEXT(".json")));
	assert_true(text_ends_with(TEXT("a"), TEXT("")));
	assert_true(text_ends_with((struct text){0}, (struct text){0}));
	assert_false(text_ends_with((struct text){0}, TEXT("a")));
	assert_false(text_ends_with((struct text){"b\0a", 3}, (struct text){"\0b", 2}));
}

static void a_text_is_taken_part_by_part(void **state)
{
	(void)state;
	struct text rest = TEXT("a//bc");
	assert_true(text_is(text_take_until(&rest, '/'), "a"));
	assert_true(text_is(rest, "/bc"));
	assert_true(text_is(text_take_until(&rest, '/'), "")); /* an empty part between two */
	assert_true(text_is(text_take_until(&rest, '/'), "bc"));
	assert_int_equal(rest.length, 0);
	assert_int_equal(text_take_until(&rest, '/').length, 0);
	rest = (struct text){"a\0/b", 4};
	assert_int_equal(text_take_until(&rest, '/').length, 2);
	assert_true(text_is(rest, "b"));
	rest = (struct text){0};
	assert_null(text_take_until(&rest, '/').bytes);
	assert_null(rest.bytes);
}

static void a_string_that_is_not_there_equals_only_another(void **state)
{
	(void)state;
	char key[] = "user";
	assert_true(strings_equal(key, "user"));
	assert_false(strings_equal("user", "use"));
	assert_false(strings_equal("", NULL));
	assert_false(strings_equal(NULL, ""));
	assert_true(strings_equal(NULL, NULL));
}

static void one_of_some_words_is_all_of_it(void **state)
{
	(void)state;
	static const char *const words[] = {"inf", "nan"};
	assert_true(text_is_one_of(TEXT("nan"), words, 2));
	assert_false(text_is_one_of(TEXT("nan"), words, 1));
	assert_false(text_is_one_of(TEXT("na"), words, 2));
	assert_false(text_is_one_of(TEXT("inf "), words, 2));
	assert_false(text_is_one_of(TEXT("inf"), words, 0));
}

static void names_of_every_length_compare_by_every_byte(void **state)
{
	(void)state;
	const char name[] = "abcdefghijklmnopqrstuvwxyz";
	for (size_t length = 0; length < sizeof name; length++) {
		char other[sizeof name];
		memcpy(other, name, sizeof name);
		other[length] = '#'; /* behind the last counts no more */
		assert_true(text_equal_short((struct text){name, length}, (struct text){other, length}));
		for (size_t at = 0; at < length; at++) {
			memcpy(other, name, sizeof name);
			other[at] = '#';
			assert_false(text_equal_short((struct text){name, length}, (struct text){other, length}));
		}
	}
	assert_false(text_equal_short(TEXT("abc"), TEXT("ab")));
	assert_true(text_equal_short((struct text){0}, TEXT("")));
}

static void only_well_formed_utf8_passes(void **state)
{
	(void)state;
	assert_true(text_is_utf8((struct text){0}));
	for (size_t i = 0; i < 20; i++) { /* at each place, alone among letters */
		char text[] = "aaaaaaaaaaaaaaaaaaaaa";
		text[i] = '\xC3';
		assert_false(text_is_utf8((struct text){text, sizeof text - 1}));
		text[i + 1] = '\xA9';
		assert_true(text_is_utf8((struct text){text, sizeof text - 1}));
		assert_false(text_is_utf8((struct text){text, i + 1}));
	}
	assert_true(text_is_utf8(TEXT("h\xC3\xA9 \xE4\xBD\xA0 \xF0\x9F\x98\x80")));
	assert_int_equal(text_characters(TEXT("h\xC3\xA9 \xE4\xBD\xA0 \xF0\x9F\x98\x80")), 6);
	static const char *const broken[] = {
		"\x80",             /* a continuation alone */
		"\xC3",             /* cut */
		"\xC0\xAF",         /* overlong / */
		"\xE0\x80\xAF",     /* overlong, three bytes */
		"\xED\xA0\x80",     /* a surrogate */
		"\xF4\x90\x80\x80", /* beyond the last code point */
		"\xFF",
		("\xE4\xBD" "a"),
	};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		assert_false(text_is_utf8(text_of(broken[i])));
}

static void a_buffer_grows_up_to_its_ceiling_and_no_further(void **state)
{
	(void)state;
	struct buffer buffer;
	buffer_open(&buffer, 1000);
	for (int i = 0; i < 1000; i++)
		buffer_byte(&buffer, 'x');
	assert_false(buffer_failed(&buffer));
	assert_int_equal(buffer.length, 1000);
	buffer_byte(&buffer, 'y');
	assert_true(buffer_failed(&buffer));
	assert_int_equal(buffer.length, 1000);
	buffer_clear(&buffer);
	buffer_print(&buffer, "%s=%d", "a", 1);
	assert_true(text_equal(buffer_view(&buffer), TEXT("a=1")));
	buffer_close(&buffer);
}

static void a_failed_buffer_takes_nothing_more(void **state)
{
	(void)state;
	struct buffer buffer;
	buffer_open(&buffer, 4);
	buffer_string(&buffer, "too long");
	buffer_string(&buffer, "ok");
	assert_true(buffer_failed(&buffer));
	assert_int_equal(buffer.length, 0);
	buffer_close(&buffer);
}

static void an_empty_heap_is_sticky_too(void **state)
{
	(void)state;
	struct buffer buffer;
	buffer_open(&buffer, 1000);
	memory_fail_at(1);
	buffer_string(&buffer, "a");
	memory_fail_at(0);
	assert_true(buffer_failed(&buffer));
	buffer_clear(&buffer);
	buffer_string(&buffer, "a");
	assert_false(buffer_failed(&buffer));
	buffer_close(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_compare_by_every_byte),
		cmocka_unit_test(only_ascii_letters_are_the_same_in_both_cases),
		cmocka_unit_test(the_end_of_a_text_is_compared),
		cmocka_unit_test(a_text_is_taken_part_by_part),
		cmocka_unit_test(a_string_that_is_not_there_equals_only_another),
		cmocka_unit_test(one_of_some_words_is_all_of_it),
		cmocka_unit_test(names_of_every_length_compare_by_every_byte),
		cmocka_unit_test(only_well_formed_utf8_passes),
		cmocka_unit_test(a_buffer_grows_up_to_its_ceiling_and_no_further),
		cmocka_unit_test(a_failed_buffer_takes_nothing_more),
		cmocka_unit_test(an_empty_heap_is_sticky_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
