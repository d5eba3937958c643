/* header_number_test.c: Tests of the numbers of header names (message/records/header_name.h). */
#include "message/records/header_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gateway/access/access.h"
#include "message/records/explained.h"
#include "message/message.h"
#include "message/formats/oip_json.h"
#include "message/records/reply.h"

#define NAME_BYTES_MAX 40

#define ROW(name, text, place) {HEADER_##name, text, place},
static const struct {
	enum header_name name;
	const char *text;
	unsigned place;
} rows[] = {HEADER_NAME_ROWS(ROW)};

#define ROWS (sizeof rows / sizeof *rows)

static enum header_name found_of(const char *name)
{
	return header_name_find(text_of(name));
}

/* If it fails for a new row, its place is to be the one that is printed. If another row has that already, another FACTOR is to be
 * found. */
static void each_row_is_at_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const unsigned place = header_name_place(text_of(rows[i].text));
		if (place != rows[i].place)
			fail_msg("the place of %s in HEADER_NAME_ROWS is to be %u", rows[i].text, place);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(rows[j].place, place);
	}
}

static void each_name_is_found_in_any_case(void **state)
{
	char capitals[NAME_BYTES_MAX], mixed[NAME_BYTES_MAX];
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const size_t length = strlen(rows[i].text);
		assert_true(length < NAME_BYTES_MAX);
		for (size_t j = 0; j <= length; j++) {
			const char c = rows[i].text[j];
			assert_true(c == '\0' || c == '-' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
			capitals[j] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
			mixed[j] = j % 2 ? capitals[j] : c;
		}
		assert_int_equal(found_of(rows[i].text), rows[i].name);
		assert_int_equal(found_of(capitals), rows[i].name);
		assert_int_equal(found_of(mixed), rows[i].name);
		assert_true(text_is(header_name_text(rows[i].name), rows[i].text));
	}
}

/* Each byte of each name, changed to each other one: that is the name only if it is the other case of a letter. */
static void a_name_that_differs_in_one_byte_is_another(void **state)
{
	char name[NAME_BYTES_MAX];
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct text text = text_of(rows[i].text);
		memcpy(name, text.bytes, text.length);
		for (size_t j = 0; j < text.length; j++) {
			for (int c = 0; c <= UINT8_MAX; c++) {
				name[j] = (char)c;
				const enum header_name found = header_name_find((struct text){name, text.length});
				if (letter_lowered(name[j]) == text.bytes[j])
					assert_int_equal(found, rows[i].name);
				else
					assert_int_not_equal(found, rows[i].name);
			}
			name[j] = text.bytes[j];
		}
	}
}

static void names_without_a_row_are_other_ones(void **state)
{
	static const char *const others[] = {"",
					     "x",
					     "te",
					     "dnt",
					     "hos",
					     "hostx",
					     "via",
					     "user_agent",
					     "content-typ",
					     "content-types",
					     "accept-charset",
					     "cookie",
					     "sluice-",
					     "x-request-id-of-another-name-that-is-long"};
	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_int_equal(found_of(others[i]), HEADER_OTHER);
	assert_int_equal(header_name_find((struct text){0}), HEADER_OTHER);
	assert_int_equal(header_name_text(HEADER_OTHER).length, 0);
}

/* Other files say the same names where they send them. */
static void the_names_are_those_that_are_sent(void **state)
{
	static const struct {
		const char *sent;
		enum header_name name;
	} all[] = {
		{REPLY_ID_HEADER, HEADER_REQUEST_ID},
		{DEADLINE_HEADER, HEADER_DEADLINE},
		{OIP_LENGTH_HEADER, HEADER_OIP_LENGTH},
		{EXPLAIN_HEADER, HEADER_EXPLAIN},
		{EXPLAIN_REPLY_HEADER, HEADER_REPLY_EXPLANATION},
		{EXPLAIN_CALLER_HEADER, HEADER_CALLER},
		{ACCESS_API_KEY_HEADER, HEADER_API_KEY},
		{REPLY_HEADER, HEADER_REPLY},
		{REPLY_OUTCOME_HEADER, HEADER_OUTCOME},
		{REPLY_ERROR_HEADER, HEADER_ERROR},
		{REPLY_LIMIT_HEADER, HEADER_LIMIT},
		{REPLY_INPUT_HEADER, HEADER_INPUT},
		{REPLY_SUBMITTED_HEADER, HEADER_SUBMITTED},
		{REPLY_DEFAULT_ID_HEADER, HEADER_DEFAULT_ID},
	};
	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		assert_int_equal(found_of(all[i].sent), all[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_at_its_place),
		cmocka_unit_test(each_name_is_found_in_any_case),
		cmocka_unit_test(a_name_that_differs_in_one_byte_is_another),
		cmocka_unit_test(names_without_a_row_are_other_ones),
		cmocka_unit_test(the_names_are_those_that_are_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
