/* number.h: numbers in texts, the same in every locale.
 *
 * Reading rounds correctly to the nearest double or float (halfway: to even),
 * whatever the number of digits; integers are exact or refused. Writing gives the
 * shortest text that reads back as the same number, and always with a point or an
 * exponent, so that 5.0 does not come back as an integer.
 *
 * Nothing here fails in another way than by its result, takes from the heap or
 * keeps state; any thread may call.
 */
#ifndef SLUICE_BASE_NUMBER_H
#define SLUICE_BASE_NUMBER_H

#include "base/text.h"

/* A decimal number taken apart but not yet rounded: digits * 10^exponent. */
struct decimal {
	uint64_t digits;
	int64_t exponent;
	bool negative;
	bool whole;	    /* written without point and exponent */
	bool cut;	    /* digits that do not fit were left off, not all of them 0 */
	struct text source; /* borrowed */
};

/* Takes the number that `text` begins with, by the grammar of JSON (no plus sign,
 * no leading zeros, digits on both sides of a point). The length taken; 0 when no
 * number stands there. What follows it is the caller's to judge. */
size_t decimal_scan(struct text text, struct decimal *decimal);

/* As many floats as `text` begins with, at most `most`, commas and perhaps a blank each between
 * them: the same numbers as decimal_scan() and the two below it make, in one go. One with an exponent,
 * or of more than 19 digits, ends the row: ask decimal_scan(). How many; `*length` is what they take. */
size_t number_scan_floats(struct text text, float *numbers, size_t most, size_t *length);
size_t number_scan_doubles(struct text text, double *numbers, size_t most, size_t *length);

/* So with integers of 1, 2, 4 or 8 bytes, which `natural` says have no sign. One that does not fit, or
 * has a point, ends the row as well. */
size_t number_scan_integers(struct text text, void *numbers, size_t size_bytes, bool natural, size_t most, size_t *length);

/* Infinite when it is beyond the largest; -0 stays. `decimal_to_double` is also
 * what a FP16 or BF16 is rounded from. */
double decimal_to_double(const struct decimal *decimal);
float decimal_to_float(const struct decimal *decimal);

/* Exact, or false: a fraction, or out of range. 1.0 and 1e3 are integers. */
bool decimal_to_int64(const struct decimal *decimal, int64_t *number);
bool decimal_to_uint64(const struct decimal *decimal, uint64_t *number);

/* The whole of `text` as a number; false when it is none or, for double, when it
 * is too large to be finite. */
bool number_read_double(struct text text, double *number);
bool number_read_int64(struct text text, int64_t *number);
bool number_read_uint64(struct text text, uint64_t *number);

#define NUMBER_TEXT_MAX 48 /* room that each of the writers needs; the text is shorter */

/* Write to `out`, without a NUL, and return the length. NaN and infinities are
 * written as NaN, Infinity and -Infinity. */
size_t number_write_double(char *out, double number);
size_t number_write_float(char *out, float number);
size_t number_write_int64(char *out, int64_t number);
size_t number_write_uint64(char *out, uint64_t number);

/* Many, as a list of JSON has them: a comma behind each, NaN and infinities in quotes. */
#define NUMBER_LIST_TEXT_MAX (NUMBER_TEXT_MAX + 3) /* room for each */
size_t number_write_floats(char *out, const float *numbers, size_t count);

#endif
