/* number_fuzz.c: numbers are read as the C library reads them in the C locale, and
 * come back from what is written. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/number/number.h"

#define LONGEST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_reading(struct text text)
{
	static char string[LONGEST + 1];
	struct decimal decimal;
	int64_t whole;
	size_t length = decimal_scan(text, &decimal);
	if (length == 0)
		return;
	memcpy(string, text.bytes, length);
	string[length] = '\0';
	double number = decimal_to_double(&decimal);
	float narrow = decimal_to_float(&decimal);
	double expected = strtod(string, NULL);
	float narrow_expected = strtof(string, NULL);
	check(memcmp(&number, &expected, sizeof number) == 0);
	check(memcmp(&narrow, &narrow_expected, sizeof narrow) == 0);
	size_t plain;
	(void)number_scan_floats(text, &narrow, 1, &plain);
	check(plain == 0 || (plain == length && memcmp(&narrow, &narrow_expected, sizeof narrow) == 0));
	(void)number_scan_doubles(text, &number, 1, &plain);
	check(plain == 0 || (plain == length && memcmp(&number, &expected, sizeof number) == 0));
	size_t count = number_scan_integers(text, &whole, sizeof whole, false, 1, &plain);
	check(count == 0 || (decimal.whole && plain == length && whole == strtoll(string, NULL, 10)));
	if (!decimal.whole)
		return;
	errno = 0;
	long long integer = strtoll(string, NULL, 10);
	bool taken = decimal_to_int64(&decimal, &whole);
	check(taken == (errno == 0) && (!taken || whole == integer));
}

/* Of a row no number is read that does not stand there alone, and nothing behind it. */
static void check_row(struct text text)
{
	float numbers[LONGEST / 2];
	size_t length;
	size_t count = number_scan_floats(text, numbers, LONGEST / 2, &length);
	check(length <= text.length && (count > 0 || length == 0));
	for (size_t i = 0; i < count; i++) {
		struct decimal decimal;
		size_t size = decimal_scan(text, &decimal);
		float alone = decimal_to_float(&decimal);
		check(size > 0 && memcmp(&alone, &numbers[i], sizeof alone) == 0);
		length -= size;
		size_t between = i + 1 < count ? 1 + (text.bytes[size + 1] == ' ') : 0;
		text = (struct text){text.bytes + size + between, text.length - size - between};
		length -= between;
	}
	check(length == 0);
}

static void check_writing(const uint8_t *data)
{
	char text[NUMBER_TEXT_MAX];
	struct decimal decimal;
	double number;
	float narrow;
	memcpy(&number, data, sizeof number);
	memcpy(&narrow, data, sizeof narrow);
	if (isfinite(number)) {
		size_t length = number_write_double(text, number);
		check(decimal_scan((struct text){text, length}, &decimal) == length);
		double again = decimal_to_double(&decimal);
		check(memcmp(&number, &again, sizeof number) == 0);
	}
	if (isfinite(narrow)) {
		size_t length = number_write_float(text, narrow);
		check(decimal_scan((struct text){text, length}, &decimal) == length);
		float again = decimal_to_float(&decimal);
		check(memcmp(&narrow, &again, sizeof narrow) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0) {
		struct text text = {(const char *)data, size < LONGEST ? size : LONGEST};
		check_reading(text);
		check_row(text);
	}
	if (size >= sizeof(double))
		check_writing(data);
	return 0;
}
