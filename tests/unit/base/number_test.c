/* number_test.c: Tests of what number.h promises, held against the C library and against
 * numbers worked out by hand. */
#include "base/number/number.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/payloads.h"

static double read_double(const char *string)
{
	struct decimal decimal;
	assert_int_equal(decimal_scan(text_of(string), &decimal), strlen(string));
	return decimal_to_double(&decimal);
}

static float read_float(const char *string)
{
	struct decimal decimal;
	assert_int_equal(decimal_scan(text_of(string), &decimal), strlen(string));
	return decimal_to_float(&decimal);
}

/* NaN has no place here, so equal bits are what is meant by the same. */
static bool same_double(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_float(float a, float b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static const char *written(double number)
{
	static char text[NUMBER_TEXT_MAX + 1];
	text[number_write_double(text, number)] = '\0';
	return text;
}

static const char *written_float(float number)
{
	static char text[NUMBER_TEXT_MAX + 1];
	text[number_write_float(text, number)] = '\0';
	return text;
}

static void only_the_grammar_of_json_is_a_number(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t length;
	} rows[] = {{"0", 1},	{"-0", 2},  {"10,", 2},	  {"1.5]", 3}, {"1e5 ", 3}, {"1E+05", 5}, {"-1.25e-3x", 8},
		    {"01", 0},	{"-", 0},   {"+1", 0},	  {".5", 0},   {"1.", 0},   {"1.e5", 0},  {"1e", 0},
		    {"1e+", 0}, {"NaN", 0}, {"-01.5", 0}, {"0x10", 1}, {"--1", 0},  {"1.5.5", 3}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct decimal decimal;
		assert_int_equal(decimal_scan(text_of(rows[i].text), &decimal), rows[i].length);
	}
	struct decimal decimal;
	assert_int_equal(decimal_scan((struct text){"123", 2}, &decimal), 2);
	assert_int_equal(decimal.digits, 12);
}

static void hard_doubles_are_read_to_the_nearest(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double number;
	} rows[] = {
		{"9007199254740993", 0x1p53}, /* halfway, to even */
		{"9007199254740993.00000000000000000000000000000000001", 9007199254740994.0},
		{"9007199254740992.99999999999999999999999999999999999", 0x1p53},
		{"9007199254740995", 9007199254740996.0},
		{"1.7976931348623157e308", DBL_MAX},
		{"1.7976931348623158e308", DBL_MAX},
		{"1.797693134862315807e308", DBL_MAX},
		{"1.797693134862315808e308", (double)INFINITY},
		{"1e400", (double)INFINITY},
		{"-1e999999999999999999999", -(double)INFINITY},
		{"2.2250738585072014e-308", DBL_MIN},
		{"2.2250738585072011e-308", 0x0.fffffffffffffp-1022},
		{"4.9406564584124654e-324", 0x1p-1074},
		{"2.4703282292062327208e-324", 0.0},
		{"2.4703282292062328e-324", 0x1p-1074},
		{"1e-400", 0.0},
		{"-0", -0.0},
		{"-0.0e5", -0.0},
		{"0e999999999999999", 0.0},
		{"1e23", 1e23},
		{"8.41e21", 8.41e21},
		{"0.1", 0x1.999999999999ap-4},
		{"6.0221409e23", 0x1.fe185d6c70058p+78},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!same_double(read_double(rows[i].text), rows[i].number))
			fail_msg("%s was read as %a", rows[i].text, read_double(rows[i].text));
}

static void a_number_with_a_thousand_digits_is_read_to_its_last(void **state)
{
	(void)state;
	/* 1 + 2^-53 is halfway between 1 and the next double. */
	const char *half = "1.00000000000000011102230246251565404236316680908203125";
	char text[2048];
	assert_true(same_double(read_double(half), 1.0));
	(void)snprintf(text, sizeof text, "%s%01500d", half, 0);
	assert_true(same_double(read_double(text), 1.0));
	text[strlen(text) - 1] = '1';
	assert_true(same_double(read_double(text), nextafter(1.0, 2.0)));
	/* Zeros that an exponent takes back. */
	(void)snprintf(text, sizeof text, "0.%01000d125e1001", 0);
	assert_true(same_double(read_double(text), 1.25));
	(void)snprintf(text, sizeof text, "125%01000de-1001", 0);
	assert_true(same_double(read_double(text), 12.5));
}

static void hard_floats_are_rounded_once(void **state)
{
	(void)state;
	/* Nearest to 1 as a double, and that halfway between two floats: rounding twice
	 * would give 1. */
	assert_true(same_float(read_float("1.00000005960464477540"), nextafterf(1.0F, 2.0F)));
	assert_true(same_float(read_float("1.000000059604644775390625"), 1.0F));
	assert_true(same_float(read_float("1.00000005960464477539062500000000000000000001"), nextafterf(1.0F, 2.0F)));
	assert_true(same_float(read_float("3.4028235e38"), FLT_MAX));
	assert_true(same_float(read_float("3.4028235677973366e38"), FLT_MAX));
	assert_true(same_float(read_float("3.4028235677973367e38"), (float)INFINITY));
	assert_true(same_float(read_float("1e-45"), 0x1p-149F));
	assert_true(same_float(read_float("7e-46"), 0.0F));
	assert_true(same_float(read_float("16777217"), 16777216.0F));
	assert_true(same_float(read_float("16777219"), 16777220.0F));
	assert_true(same_float(read_float("-0"), -0.0F));
}

static void decimals_are_read_as_the_c_library_reads_them(void **state)
{
	(void)state;
	uint64_t seed = 1;
	for (int i = 0; i < 300000; i++) {
		char text[64];
		uint64_t digits = seed_next(&seed) >> (seed_next(&seed) % 60);
		int exponent = (int)(seed_next(&seed) % 680) - 350;
		if (i & 1)
			exponent %= 40;
		(void)snprintf(text, sizeof text, "%llu%se%d", (unsigned long long)digits, i & 2 ? ".5" : "", exponent);
		if (!same_double(read_double(text), strtod(text, NULL)))
			fail_msg("%s was read as %a", text, read_double(text));
		if (!same_float(read_float(text), strtof(text, NULL)))
			fail_msg("%s was read as %a", text, (double)read_float(text));
	}
}

/* As many digits as surely fit, and more; whole, with a point at any place, signed. */
static void plain_floats_are_read_as_any_float(void **state)
{
	(void)state;
	uint64_t seed = 1;
	int plain = 0;
	for (int i = 0; i < 300000; i++) {
		char text[64];
		uint64_t digits = seed_next(&seed) >> (seed_next(&seed) % 64);
		uint64_t behind = seed_next(&seed) >> (seed_next(&seed) % 64);
		int zeros = (int)(seed_next(&seed) % 12);
		(void)snprintf(text, sizeof text, i & 1 ? "%s%llu.%.*s%llu,7" : "%s%llu,7", i & 2 ? "-" : "",
			       (unsigned long long)digits, zeros, "000000000000", (unsigned long long)behind);
		float number = -1;
		size_t length;
		(void)number_scan_floats(text_of(text), &number, 1, &length);
		plain += length > 0;
		if (length > 0 && (text[length] != ',' || !same_float(number, strtof(text, NULL))))
			fail_msg("%s was read as %a", text, (double)number);
	}
	assert_in_range(plain, 100000, 300000);
}

static void what_is_not_plainly_a_float_is_left_to_others(void **state)
{
	(void)state;
	static const char *const others[] = {"", "-", ".5", "1.", "01", "1e3", "2E-3", "1.5e1", "NaN", "12345678901234567890"};
	float number;
	size_t length;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_int_equal(number_scan_floats(text_of(others[i]), &number, 1, &length), 0);
}

/* `count` numbers of `text` are read, up to `rest`, each as the C library reads it. */
static void check_row(const char *text, size_t most, size_t count, const char *rest)
{
	float numbers[40];
	size_t length;
	size_t found = number_scan_floats(text_of(text), numbers, most, &length);
	if (found != count || strcmp(text + length, rest) != 0)
		fail_msg("of %s %zu were read, up to `%s`", text, found, text + length);
	for (size_t i = 0; i < count; i++) {
		if (!same_float(numbers[i], strtof(text, NULL)))
			fail_msg("%s begins with %a", text, (double)numbers[i]);
		text += strcspn(text, ",") + 1;
	}
}

static void floats_in_a_row_are_read_up_to_the_first_other(void **state)
{
	(void)state;
	check_row("1.5,-2,3.25, -0.0,0, 1234567.7654321]}]}                  ", 40, 6, "]}]}                  ");
	check_row("1.5,-2,3.25, -0.0,0, 1234567.7654321", 40, 6, "");
	check_row("0.1234567,0.12345678,1.123456789012,12345678.5,123456789,7   ", 40, 6, "   ");
	check_row("1.5,2.5,3.5,4.5                ", 2, 2, ",3.5,4.5                ");
	check_row("1.5,2.5,3.5,4.5                ", 0, 0, "1.5,2.5,3.5,4.5                ");
	check_row("1.5 ,2.5                            ", 40, 1, " ,2.5                            ");
	check_row("1.5,  2.5                           ", 40, 1, ",  2.5                           ");
	static const char *const others[] = {"",    "-",     "--1",   ".5",    "-.5",	"1.",	      "1.]",
					     "01",  "-01.5", "00",    "1e3",   "1.5e3", "1.5E-3",     "1.2e",
					     "NaN", "+1.5",  "  1.5", "\"1\"", "null",	"1.2345678e1"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		char text[80];
		char rest[80];
		for (int behind = 0; behind <= 40; behind += 20) {
			(void)snprintf(text, sizeof text, "2.5,%s%*s", others[i], behind, "");
			(void)snprintf(rest, sizeof rest, ",%s%*s", others[i], behind, "");
			check_row(text, 40, 1, rest);
		}
	}
}

/* Of any length and with the point anywhere, at any distance from the end of the row. */
static void doubles_in_a_row_are_read_as_the_c_library_reads_them(void **state)
{
	(void)state;
	uint64_t seed = 3;
	size_t read = 0;
	for (int i = 0; i < 300000; i++) {
		char text[120];
		unsigned long long digits = seed_next(&seed) >> (seed_next(&seed) % 64);
		unsigned long long behind = seed_next(&seed) >> (seed_next(&seed) % 64);
		(void)snprintf(text, sizeof text, i & 1 ? "-0.5, %s%llu.%llu%s" : "-0.5, %s%llu%.0llu%s", i & 2 ? "-" : "", digits,
			       i & 1 ? behind : 0, &",17]                                      "[i % 39]);
		double numbers[2];
		size_t length;
		size_t count = number_scan_doubles(text_of(text), numbers, 2, &length);
		read += count;
		assert_true(count >= 1 && same_double(numbers[0], -0.5));
		if (count == 1)
			assert_int_equal(length, 4);
		char *end;
		if (count == 2 && (!same_double(numbers[1], strtod(text + 6, &end)) || end != text + length))
			fail_msg("%s was read as %a", text, numbers[1]);
	}
	assert_true(read > 400000);
}

/* Where strtoll() and the type's bounds say that a number fits, it is read; nowhere else. */
static void integers_in_a_row_are_read_where_they_fit(void **state)
{
	(void)state;
	static const struct {
		size_t size_bytes;
		bool natural;
		const char *row;
		size_t count;
		size_t length;
	} rows[] = {
		{1, true, "0,255,256", 2, 5},
		{1, true, "7,-1", 1, 1},
		{1, true, "7,-0]", 2, 4},
		{1, false, "-128,127,128", 2, 8},
		{1, false, "127,-129", 1, 3},
		{2, true, "65535, 65536", 1, 5},
		{2, false, "-32768,32767,-32769", 2, 12},
		{4, true, "4294967295,4294967296", 1, 10},
		{4, false, "-2147483648,2147483647,2147483648", 2, 22},
		{8, false, "-9223372036854775808,9223372036854775807,9223372036854775808", 2, 40},
		{8, false, "9223372036854775807,-9223372036854775809", 1, 19},
		{8, true, "9999999999999999999,1", 2, 21},
		{8, true, "18446744073709551615", 0, 0}, /* of more than 19 digits: for decimal_scan() */
		{8, false, "1,2.0", 1, 1},
		{8, false, "1,2e3", 1, 1},
		{8, false, "1,02", 1, 1},
		{8, false, "1,", 1, 1},
		{8, false, "1,-", 1, 1},
		{8, false, "", 0, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned char numbers[3 * sizeof(int64_t)];
		size_t length;
		size_t size = rows[i].size_bytes;
		size_t count = number_scan_integers(text_of(rows[i].row), numbers, size, rows[i].natural, 3, &length);
		if (count != rows[i].count || length != rows[i].length)
			fail_msg("of %s %zu were read, %zu bytes", rows[i].row, count, length);
		const char *at = rows[i].row;
		for (size_t k = 0; k < count; k++) {
			unsigned long long expected = strtoull(at, NULL, 10); /* of -1 it makes what two's complement does */
			assert_memory_equal(numbers + k * size, &expected, size);
			at += strcspn(at, ",") + 1;
		}
	}
}

/* A half between two floats, and a little beside it: all with few enough digits to be read at once. */
static void floats_in_a_row_are_rounded_once(void **state)
{
	(void)state;
	uint64_t seed = 1;
	for (int i = 0; i < 200000; i++) {
		char text[120];
		unsigned long whole = 1UL << 22 | (unsigned long)(seed_next(&seed) >> 42);
		unsigned behind = (unsigned)(seed_next(&seed) % 10000000);
		static const char *const halves[] = {"5", "50", "5000000", "4999999", "5000001", "25", "75", "2500000", "7500001"};
		(void)snprintf(text, sizeof text, "%s%lu.%s,0.%07u,%lu.%07u,%lu,%u.%u]                    ", i & 1 ? "-" : "",
			       whole, halves[i % 9], behind, whole % 1000, behind, whole, behind % 100, behind % 1000);
		check_row(text, 40, 5, "]                    ");
	}
}

static void integers_are_exact_or_refused(void **state)
{
	(void)state;
	int64_t whole;
	uint64_t natural;
	assert_true(number_read_int64(TEXT("9223372036854775807"), &whole) && whole == INT64_MAX);
	assert_true(number_read_int64(TEXT("-9223372036854775808"), &whole) && whole == INT64_MIN);
	assert_false(number_read_int64(TEXT("9223372036854775808"), &whole));
	assert_false(number_read_int64(TEXT("-9223372036854775809"), &whole));
	assert_true(number_read_uint64(TEXT("18446744073709551615"), &natural) && natural == UINT64_MAX);
	assert_true(number_read_uint64(TEXT("18446744073709551615.000"), &natural) && natural == UINT64_MAX);
	assert_false(number_read_uint64(TEXT("18446744073709551616"), &natural));
	assert_false(number_read_uint64(TEXT("99999999999999999999"), &natural));
	assert_false(number_read_uint64(TEXT("-1"), &natural));
	assert_true(number_read_uint64(TEXT("-0"), &natural) && natural == 0);
	assert_true(number_read_int64(TEXT("1.0"), &whole) && whole == 1);
	assert_true(number_read_int64(TEXT("1.5e1"), &whole) && whole == 15);
	assert_true(number_read_int64(TEXT("1e18"), &whole) && whole == INT64_C(1000000000000000000));
	assert_true(number_read_int64(TEXT("1000000000000000000000e-3"), &whole) && whole == INT64_C(1000000000000000000));
	assert_true(number_read_int64(TEXT("0e99"), &whole) && whole == 0);
	assert_false(number_read_int64(TEXT("1e19"), &whole));
	assert_false(number_read_int64(TEXT("1e999"), &whole));
	assert_false(number_read_int64(TEXT("1.5"), &whole));
	assert_false(number_read_int64(TEXT("1e-1"), &whole));
	assert_false(number_read_int64(TEXT("1.00000000000000000000000000000000000001"), &whole));
	assert_false(number_read_int64(TEXT(""), &whole));
	assert_false(number_read_int64(TEXT("1 "), &whole));
}

static void a_whole_text_is_a_finite_number_or_none(void **state)
{
	(void)state;
	double number;
	assert_true(number_read_double(TEXT("-2.5e1"), &number) && same_double(number, -25.0));
	assert_false(number_read_double(TEXT("1e999"), &number));
	assert_false(number_read_double(TEXT("2.5ms"), &number));
	assert_false(number_read_double(TEXT("nan"), &number));
}

static void the_shortest_text_is_written(void **state)
{
	(void)state;
	assert_string_equal(written(0.1), "0.1");
	assert_string_equal(written(0.1 + 0.2), "0.30000000000000004");
	assert_string_equal(written(5.0), "5.0");
	assert_string_equal(written(-0.0), "-0.0");
	assert_string_equal(written(1e23), "1e23");
	assert_string_equal(written(1e16), "1e16");
	assert_string_equal(written(1234567890123456.0), "1234567890123456.0");
	assert_string_equal(written(120000.0), "120000.0");
	assert_string_equal(written(123.25), "123.25");
	assert_string_equal(written(0.00001), "0.00001");
	assert_string_equal(written(0.000001), "1e-6");
	assert_string_equal(written(-1.5e-7), "-1.5e-7");
	assert_string_equal(written(0x1p53), "9007199254740992.0");
	assert_string_equal(written(DBL_MAX), "1.7976931348623157e308");
	assert_string_equal(written(DBL_MIN), "2.2250738585072014e-308");
	assert_string_equal(written(0x1p-1074), "5e-324");
	assert_string_equal(written(2.0e-323), "2e-323");
	assert_string_equal(written(9.5367431640625e-7), "9.5367431640625e-7");
	assert_string_equal(written((double)NAN), "NaN");
	assert_string_equal(written(-(double)INFINITY), "-Infinity");
	assert_string_equal(written_float(0.1F), "0.1");
	assert_string_equal(written_float(16777216.0F), "16777216.0");
	assert_string_equal(written_float(FLT_MAX), "3.4028235e38");
	assert_string_equal(written_float(FLT_MIN), "1.1754944e-38");
	assert_string_equal(written_float(0x1p-149F), "1e-45");
	assert_string_equal(written_float(3.3e7F), "33000000.0");
	assert_string_equal(written_float((float)INFINITY), "Infinity");
}

static int significant_digits(const char *text)
{
	int digits = 0;
	int zeros = 0;
	for (const char *at = text; *at && *at != 'e'; at++) {
		if (*at < '0' || *at > '9' || (digits == 0 && *at == '0'))
			continue;
		digits++;
		zeros = *at == '0' ? zeros + 1 : 0;
	}
	return digits - zeros;
}

/* No text with a digit less may read back as the same number: the C library tells
 * how many digits are needed. */
static void every_number_comes_back_from_its_shortest_text(void **state)
{
	(void)state;
	uint64_t seed = 2;
	for (int i = 0; i < 200000; i++) {
		double number;
		uint64_t bits = seed_next(&seed);
		if (i % 4 == 1)
			bits &= UINT64_MAX << 52; /* powers of two: the step below is smaller */
		if (i % 4 == 2)
			bits &= UINT64_MAX >> 12; /* subnormal */
		memcpy(&number, &bits, sizeof number);
		if (isnan(number) || isinf(number))
			continue;
		const char *text = written(number);
		if (!same_double(strtod(text, NULL), number) || !same_double(read_double(text), number))
			fail_msg("%a was written as %s", number, text);
		char other[64];
		int precision = 0;
		do
			(void)snprintf(other, sizeof other, "%.*e", precision++, number);
		while (!same_double(strtod(other, NULL), number));
		if (significant_digits(text) > precision)
			fail_msg("%a was written as %s, and %d digits are enough", number, text, precision);
	}
	for (uint64_t bits = 1; bits < 0x7F800000; bits += 9973) {
		float number;
		uint32_t narrow = (uint32_t)bits;
		memcpy(&number, &narrow, sizeof number);
		const char *text = written_float(number);
		char other[64];
		int precision = 0;
		do
			(void)snprintf(other, sizeof other, "%.*e", precision++, (double)number);
		while (!same_float(strtof(other, NULL), number));
		assert_true(significant_digits(text) <= precision);
		if (!same_float(strtof(text, NULL), number) || !same_float(read_float(text), number))
			fail_msg("%a was written as %s", (double)number, text);
	}
}

/* Lists hold what the writer of one float writes, but for the quotes. */
static void floats_of_a_list_stand_as_json_has_them(void **state)
{
	(void)state;
	static const float numbers[] = {1.5F, (float)NAN, -(float)INFINITY, -0.0F, 1e-9F, 9999999.5F, 1e7F, 0.00001F, 16777216.0F};
	char text[sizeof numbers / sizeof *numbers * NUMBER_LIST_TEXT_MAX];
	size_t length = number_write_floats(text, numbers, sizeof numbers / sizeof *numbers);
	text[length] = '\0';
	assert_string_equal(text, "1.5,\"NaN\",\"-Infinity\",-0.0,1e-9,10000000.0,10000000.0,0.00001,16777216.0,");
}

/* Each exponent that floats have between a hundred thousandth and ten millions, its powers of two with
 * what stands beside them, and many others: printf's shortest that strtof reads back has no fewer
 * digits, and none of as many is nearer. */
static void usual_floats_are_written_as_short_and_near_as_can_be(void **state)
{
	(void)state;
	uint64_t seed = 5;
	for (uint32_t power = 105; power <= 155; power++)
		for (int i = 0; i < 2500; i++) {
			uint32_t drawn = (uint32_t)(seed_next(&seed) >> 41);
			uint32_t fraction = i < 8 ? (uint32_t)i : i < 16 ? 0x800000U - (uint32_t)(i - 7) : drawn;
			uint32_t bits = power << 23 | fraction | (uint32_t)(i & 1) << 31;
			float number;
			memcpy(&number, &bits, sizeof number);
			const char *text = written_float(number);
			char other[64];
			int precision = 0;
			do
				(void)snprintf(other, sizeof other, "%.*e", precision++, (double)number);
			while (!same_float(strtof(other, NULL), number));
			if (!same_float(strtof(text, NULL), number) || significant_digits(text) > precision)
				fail_msg("%a was written as %s, and is %s", (double)number, text, other);
			double off = fabs(strtod(text, NULL) - (double)number);
			if (significant_digits(text) == precision && off > fabs(strtod(other, NULL) - (double)number))
				fail_msg("%a was written as %s, and %s is nearer", (double)number, text, other);
		}
}

static void integers_are_written_whole(void **state)
{
	(void)state;
	uint64_t seed = 4;
	for (int i = 0; i < 100000; i++) {
		char own[NUMBER_TEXT_MAX + 1];
		char other[NUMBER_TEXT_MAX];
		uint64_t number = seed_next(&seed) >> (seed_next(&seed) % 64);
		own[number_write_uint64(own, number)] = '\0';
		(void)snprintf(other, sizeof other, "%llu", (unsigned long long)number);
		assert_string_equal(own, other);
		own[number_write_hex(own, number, (size_t)i % 17)] = '\0';
		(void)snprintf(other, sizeof other, "%0*llx", i % 17, (unsigned long long)number);
		assert_string_equal(own, other);
	}
	char text[NUMBER_TEXT_MAX];
	assert_int_equal(number_write_hex(text, 0, 0), 1);
	assert_memory_equal(text, "0", number_write_int64(text, 0));
	assert_memory_equal(text, "-9223372036854775808", number_write_int64(text, INT64_MIN));
	assert_int_equal(number_write_int64(text, INT64_MIN), 20);
	assert_memory_equal(text, "18446744073709551615", number_write_uint64(text, UINT64_MAX));
	for (uint64_t power = 10; power < UINT64_MAX / 10; power *= 10) /* where a digit is added */
		for (uint64_t number = power - 1; number <= power + 1; number++) {
			char other[NUMBER_TEXT_MAX];
			const size_t length = number_write_uint64(text, number);
			assert_int_equal(length, snprintf(other, sizeof other, "%llu", (unsigned long long)number));
			assert_memory_equal(text, other, length);
		}
	assert_int_equal(number_write_uint64(text, 100), 3);
	assert_memory_equal(text, "100", 3);
}

static void digits_alone_are_read_in_either_base(void **state)
{
	static const char *const none[] = {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "a", "18446744073709551616"};
	uint64_t number;
	(void)state;
	assert_true(digits_read(TEXT("0"), 10, &number) && number == 0);
	assert_true(digits_read(TEXT("007"), 10, &number) && number == 7);
	assert_true(digits_read(TEXT("9999999999999999999"), 10, &number) && number == UINT64_C(9999999999999999999));
	assert_true(digits_read(TEXT("00000000000000000007"), 10, &number) && number == 7);
	assert_true(digits_read(TEXT("18446744073709551615"), 10, &number) && number == UINT64_MAX);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(digits_read(text_of(none[i]), 10, &number));
	assert_true(digits_read(TEXT("1aF"), 16, &number) && number == 0x1AF);
	assert_true(digits_read(TEXT("ffffffffffffffff"), 16, &number) && number == UINT64_MAX);
	assert_false(digits_read(TEXT("10000000000000000"), 16, &number));
	assert_false(digits_read(TEXT("g"), 16, &number));
	assert_false(digits_read(TEXT("0x1"), 16, &number));
	assert_false(digits_read((struct text){"1\0", 2}, 16, &number));
}

static void digits_are_hexadecimal_in_either_case(void **state)
{
	static const char digits[] = "0123456789abcdef", capitals[] = "0123456789ABCDEF";
	(void)state;
	for (int i = 0; i < 16; i++)
		assert_true(digit_value(digits[i]) == i && digit_value(capitals[i]) == i);
	int known = 0;
	for (int byte = 0; byte < 256; byte++)
		known += digit_value((char)byte) >= 0;
	assert_int_equal(known, 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_grammar_of_json_is_a_number),
		cmocka_unit_test(hard_doubles_are_read_to_the_nearest),
		cmocka_unit_test(a_number_with_a_thousand_digits_is_read_to_its_last),
		cmocka_unit_test(hard_floats_are_rounded_once),
		cmocka_unit_test(decimals_are_read_as_the_c_library_reads_them),
		cmocka_unit_test(plain_floats_are_read_as_any_float),
		cmocka_unit_test(what_is_not_plainly_a_float_is_left_to_others),
		cmocka_unit_test(floats_in_a_row_are_read_up_to_the_first_other),
		cmocka_unit_test(floats_in_a_row_are_rounded_once),
		cmocka_unit_test(doubles_in_a_row_are_read_as_the_c_library_reads_them),
		cmocka_unit_test(integers_in_a_row_are_read_where_they_fit),
		cmocka_unit_test(integers_are_exact_or_refused),
		cmocka_unit_test(a_whole_text_is_a_finite_number_or_none),
		cmocka_unit_test(the_shortest_text_is_written),
		cmocka_unit_test(every_number_comes_back_from_its_shortest_text),
		cmocka_unit_test(floats_of_a_list_stand_as_json_has_them),
		cmocka_unit_test(usual_floats_are_written_as_short_and_near_as_can_be),
		cmocka_unit_test(integers_are_written_whole),
		cmocka_unit_test(digits_alone_are_read_in_either_base),
		cmocka_unit_test(digits_are_hexadecimal_in_either_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
