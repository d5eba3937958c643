/* number.h: Conversion between numbers and text, the same in every locale.
 *
 * Reading rounds correctly to the nearest double or float (halfway: to even), for any number of digits;
 * integers are exact or refused. Writing returns the shortest text that reads back as the same number. It
 * always has a decimal point or an exponent, so that 5.0 does not read back as an integer.
 *
 * Functions fail only by their result, do not allocate, and keep no state. Callable from any thread.
 */
#pragma once

#include "base/text.h"

/* A decimal number that is parsed but not rounded: digits * 10^exponent. */
struct decimal {
	uint64_t digits;
	int64_t exponent;
	bool negative;
	bool whole;	    /* written without a point or an exponent */
	bool cut;	    /* digits that do not fit were dropped, not all of them 0 */
	struct text source; /* borrowed */
};

/* Parses the number at the start of `text`, by the grammar of JSON (no plus sign, no leading zeros, digits on
 * both sides of a point). Returns its length; 0: there is no number. The caller must check what follows it. */
size_t decimal_scan(struct text text, struct decimal *decimal);

/* Parses up to `most` floats at the start of `text`, separated by commas with at most one space. The numbers
 * equal those of decimal_scan() and the two functions after it. A number with an exponent, or of more than 19
 * digits, ends the row: parse it with decimal_scan(). Returns the count; `*length` is the length of the text
 * that they take. */
size_t number_scan_floats(struct text text, float *numbers, size_t most, size_t *length);
size_t number_scan_doubles(struct text text, double *numbers, size_t most, size_t *length);

/* The same for integers of 1, 2, 4 or 8 bytes; `natural`: unsigned. A number that does not fit, or has a point,
 * also ends the row. */
size_t number_scan_integers(struct text text, void *numbers, size_t size_bytes, bool natural, size_t most, size_t *length);

/* Infinite if the number is beyond the largest; -0 is preserved. FP16 and BF16 are rounded from
 * `decimal_to_double` too. */
double decimal_to_double(const struct decimal *decimal);
float decimal_to_float(const struct decimal *decimal);

/* Exact, or false: a fraction, or out of range. 1.0 and 1e3 are integers. */
bool decimal_to_int64(const struct decimal *decimal, int64_t *number);
bool decimal_to_uint64(const struct decimal *decimal, uint64_t *number);

/* The whole of `text` as a number; false: it is not one or, for double, is too large to be finite. */
bool number_read_double(struct text text, double *number);
bool number_read_int64(struct text text, int64_t *number);
bool number_read_uint64(struct text text, uint64_t *number);

int digit_value(char byte); /* value of a hexadecimal digit of either case; -1: it is none */

/* The whole of `digits` as a number of base 10 or 16, without sign, space or point. Leading zeros are allowed. False:
 * there is no digit, another byte, or the number does not fit. */
bool digits_read(struct text digits, unsigned base, uint64_t *number);

#define NUMBER_TEXT_MAX 48 /* room that each of the writers needs; the text is shorter */

/* Writes to `out`, without a NUL, and returns the length. NaN and infinities are written as NaN, Infinity and
 * -Infinity. */
size_t number_write_double(char *out, double number);
size_t number_write_float(char *out, float number);
size_t number_write_int64(char *out, int64_t number);
size_t number_write_uint64(char *out, uint64_t number);
size_t number_write_hex(char *out, uint64_t number, size_t least); /* of base 16, at `least` so many digits, of at most 16 */

/* Writes many numbers as in a JSON list: a comma after each, NaN and infinities in quotes. */
#define NUMBER_LIST_TEXT_MAX (NUMBER_TEXT_MAX + 3) /* room for each */
size_t number_write_floats(char *out, const float *numbers, size_t count);
