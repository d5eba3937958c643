/* number_wide_test.c: rows of floats are read and written with vectors as they are without, bit for bit. The plain way
 * is held against the C library by number_test.c and the fuzz target.
 *
 * NUMBER_FLOATS=1 tries each of the 2^32 floats, for some minutes; without it each 997th is tried. */
#include "base/number/number_wide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/number/number.h"
#include "tests/unit/payloads.h"

#define ROW 1024
#define TEXT_MOST (ROW * NUMBER_LIST_TEXT_MAX)

struct row {
	float numbers[ROW];
	size_t count;
	size_t length;
};

static void read_row(struct row *row, struct text text, size_t most, bool wide)
{
	memset(row, 0, sizeof *row);
	number_wide = wide;
	row->count = number_scan_floats(text, row->numbers, most, &row->length);
}

/* Both ways, from a copy that ends where the text ends: what looks further is found by AddressSanitizer and valgrind. */
static size_t read_both(struct text text, size_t most, struct row *row)
{
	static struct row other;
	char *copy = malloc(text.length ? text.length : 1);
	assert_non_null(copy);
	memcpy(copy, text.bytes, text.length);
	read_row(row, (struct text){copy, text.length}, most, true);
	read_row(&other, (struct text){copy, text.length}, most, false);
	if (memcmp(row, &other, sizeof other) != 0)
		fail_msg("read as %zu and as %zu numbers: %.*s", row->count, other.count, (int)text.length, text.bytes);
	free(copy);
	return row->length;
}

/* Both ways; how long it is. */
static size_t write_both(char *text, const float *numbers, size_t count)
{
	static char other[TEXT_MOST];
	number_wide = true;
	size_t length = number_write_floats(text, numbers, count);
	number_wide = false;
	if (number_write_floats(other, numbers, count) != length || memcmp(text, other, length) != 0)
		fail_msg("%.80s is written as %.80s", other, text);
	return length;
}

static int remember(void **state)
{
	static bool is_wide;
	is_wide = number_wide;
	*state = &is_wide;
	return 0;
}

static int restore(void **state)
{
	number_wide = *(bool *)*state;
	return 0;
}

static void skip_unless_wide(void **state)
{
	if (!*(bool *)*state)
		skip();
}

/* Of the list written, each number is read as it was; those in quotes are passed over. */
static void check_floats(const float *numbers, size_t count)
{
	static char text[TEXT_MOST];
	static struct row row;
	size_t length = write_both(text, numbers, count);
	size_t at = 0;
	for (size_t i = 0; i < count; at++) {
		at += read_both((struct text){text + at, length - at}, count - i, &row);
		assert_memory_equal(row.numbers, numbers + i, row.count * sizeof *numbers);
		i += row.count;
		if (i < count && text[at] == ',')
			at++;
		if (i < count && row.count == 0) {
			at = (size_t)((char *)memchr(text + at, ',', length - at) - text);
			i++;
		}
	}
}

static void floats_are_written_and_read_alike(void **state)
{
	skip_unless_wide(state);
	const char *given = getenv("NUMBER_FLOATS");
	uint64_t step = given ? strtoull(given, NULL, 10) : 997;
	static float numbers[ROW];
	size_t count = 0;
	for (uint64_t i = 0; i <= UINT32_MAX; i += step ? step : 1) {
		uint32_t bits = (uint32_t)i;
		memcpy(&numbers[count++], &bits, sizeof bits);
		if (count == ROW) {
			check_floats(numbers, count);
			count = 0;
		}
	}
	check_floats(numbers, count);
}

/* Sizes that are mixed, so that of four some are usual and some are not; and rows that are no whole fours. */
static void floats_of_all_sizes_stand_side_by_side(void **state)
{
	skip_unless_wide(state);
	uint64_t seed = 7;
	for (int i = 0; i < 20000; i++) {
		float numbers[19];
		size_t count = seed_next(&seed) % (sizeof numbers / sizeof *numbers);
		for (size_t j = 0; j < count; j++) {
			uint32_t bits = (uint32_t)(seed_next(&seed) >> 32);
			if (seed_next(&seed) % 3)
				bits = (bits & 0x807FFFFF) | (105 + (uint32_t)(seed_next(&seed) % 50)) << 23;
			numbers[j] = (float)((int64_t)(seed_next(&seed) % 20011) - 10000) / 100.0F;
			if (seed_next(&seed) % 2)
				memcpy(&numbers[j], &bits, sizeof bits);
		}
		check_floats(numbers, count);
	}
}

static size_t add_digits(char *to, uint64_t *seed, size_t most)
{
	size_t count = seed_next(seed) % (most + 1);
	for (size_t i = 0; i < count; i++)
		to[i] = "00123456789"[seed_next(seed) % 11];
	return count;
}

/* Numbers of every length, with and without a point, and now and then what is none: too many zeros or digits, no digit
 * on one side of a point, two points, exponents, two blanks, any byte. */
static size_t make_text(char *text, uint64_t *seed)
{
	size_t length = 0;
	size_t count = seed_next(seed) % 12;
	bool strange = seed_next(seed) % 4 == 0;
	size_t front = 1 + seed_next(seed) % 20;
	size_t behind = seed_next(seed) % 20;
	for (size_t i = 0; i < count; i++) {
		if (seed_next(seed) % 2)
			text[length++] = '-';
		if (!strange)
			text[length++] = "123456789"[seed_next(seed) % 9];
		length += add_digits(text + length, seed, front);
		if (behind > 0 && seed_next(seed) % 8)
			text[length++] = '.';
		length += add_digits(text + length, seed, behind);
		if (!strange && text[length - 1] == '.')
			text[length++] = '0';
		if (seed_next(seed) % 16 == 0)
			text[length++] = "eE.,-+ ]"[seed_next(seed) % 8];
		if (seed_next(seed) % 64 == 0)
			text[length++] = (char)seed_next(seed);
		text[length++] = ',';
		if (seed_next(seed) % 4 == 0)
			text[length++] = ' ';
	}
	if (length > 0 && seed_next(seed) % 2) {
		text[length - 1] = ']';
		length += (size_t)snprintf(text + length, 8, "}]}%.*s", (int)(seed_next(seed) % 4), "   ");
	}
	return length;
}

static void any_text_is_read_alike(void **state)
{
	skip_unless_wide(state);
	static struct row row;
	uint64_t seed = 11;
	char text[12 * 64];
	size_t read = 0;
	for (int i = 0; i < 300000; i++) {
		size_t length = make_text(text, &seed);
		(void)read_both((struct text){text, length}, 1 + seed_next(&seed) % 16, &row);
		read += row.count;
	}
	assert_true(read > 500000); /* not all of it was strange */
}

/* The halfway points between floats, which must not be rounded twice, and their neighbours; and what a double does not
 * hold exactly. */
static void floats_between_floats_are_read_alike(void **state)
{
	skip_unless_wide(state);
	static struct row row;
	uint64_t seed = 13;
	for (int i = 0; i < 100000; i++) {
		char text[64];
		double whole = (double)((seed_next(&seed) >> 40 | 1 << 23) * 2 + 1); /* 25 bits: halfway */
		int places = (int)(seed_next(&seed) % 8);
		double number = whole / (double)(UINT64_C(1) << seed_next(&seed) % 8);
		size_t length = (size_t)snprintf(text, sizeof text, "%.*f,1.0]", places, number);
		(void)read_both((struct text){text, length}, 2, &row);
		assert_int_equal(row.count, 2);
		assert_true(row.numbers[0] == strtof(text, NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floats_are_written_and_read_alike),
		cmocka_unit_test(floats_of_all_sizes_stand_side_by_side),
		cmocka_unit_test(any_text_is_read_alike),
		cmocka_unit_test(floats_between_floats_are_read_alike),
	};
	return cmocka_run_group_tests(tests, remember, restore);
}
