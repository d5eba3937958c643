/* csv_field.c: see csv_field.h. */
#include "tools/source/csv_field.h"

#include <math.h>

#include "base/number/number.h"

#define NAMES_MISSING "its first line has numbers; write the names of the columns above it"

const char *csv_header_separator_fault(const struct csv_column *columns, size_t count)
{
	const struct text first = columns[0].name;
	const bool other = count == 1 && (memchr(first.bytes, ';', first.length) || memchr(first.bytes, '\t', first.length));
	return other ? "its first line has no comma; separate the columns by commas, and write decimals with a point" : NULL;
}

/* Whether all names are numbers; `are_places`: 0, 1, 2 and so on. */
static bool are_numbers(const struct csv_column *columns, size_t count, bool *are_places)
{
	*are_places = true;
	for (size_t i = 0; i < count; i++) {
		double number;
		if (!csv_field_number(columns[i].name, &number) || !isfinite(number))
			return false;
		*are_places = *are_places && number == (double)i;
	}
	return true;
}

const char *csv_header_missing(const struct csv_column *columns, size_t count)
{
	bool are_places;
	return are_numbers(columns, count, &are_places) && !are_places ? NAMES_MISSING : NULL;
}

const char *csv_header_fault(const struct csv_column *columns, size_t count)
{
	bool are_places;
	return are_numbers(columns, count, &are_places) ? NAMES_MISSING : csv_header_separator_fault(columns, count);
}

#define NUMBER_DIGITS_MAX 64 /* and commas: longer is no formatted number */
#define UNIT_BYTES_MAX 8     /* "minutes", "mmol/l" */

static bool is_missing(struct text field)
{
	static const char *const words[] = {"nan", "na", "n/a", "#n/a", "<na>", "null", "none", "\\n"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_equal_caseless(field, text_of(words[i])))
			return true;
	return field.length == 0;
}

/* The number with the 0 that it lacks before or behind its point, as .5 and 5. do, in `filled`; else the field. */
static struct text point_fill(struct text field, char filled[NUMBER_DIGITS_MAX + 1])
{
	size_t point = 0;
	while (point < field.length && field.bytes[point] != '.')
		point++;
	const bool before = point > 0 && byte_is_digit(field.bytes[point - 1]);
	const bool behind = point + 1 < field.length && byte_is_digit(field.bytes[point + 1]);
	if (point == field.length || before == behind || field.length > NUMBER_DIGITS_MAX)
		return field;
	const size_t at = behind ? point : point + 1; /* of the 0 */
	memcpy(filled, field.bytes, at);
	filled[at] = '0';
	memcpy(filled + at + 1, field.bytes + at, field.length - at);
	return (struct text){filled, field.length + 1};
}

/* A number, or one that is infinite or too large to be finite: then infinite, as a tensor of messages has it. */
static bool number_any(struct text field, double *number)
{
	struct decimal decimal;
	char filled[NUMBER_DIGITS_MAX + 1];
	const bool negative = field.length > 0 && field.bytes[0] == '-';
	const struct text size = text_from(field, negative);
	*number = negative ? -(double)INFINITY : (double)INFINITY;
	if (text_equal_caseless(size, TEXT("inf")) || text_equal_caseless(size, TEXT("infinity")))
		return true;
	field = point_fill(field, filled);
	if (field.length == 0 || decimal_scan(field, &decimal) != field.length)
		return false;
	*number = decimal_to_double(&decimal);
	return true;
}

bool csv_field_number(struct text field, double *number)
{
	field = text_trimmed(field, FIELD_SPACES);
	*number = NAN;
	if (is_missing(field))
		return true;
	if (field.bytes[0] == '+')
		field = text_from(field, 1);
	return number_any(field, number);
}

bool csv_field_flag(struct text field, double *number)
{
	field = text_trimmed(field, FIELD_SPACES);
	*number = NAN;
	if (is_missing(field))
		return true;
	*number = text_equal_caseless(field, TEXT("true"));
	return *number == 1 || text_equal_caseless(field, TEXT("false"));
}

/* Cuts a currency sign, or the percent sign, off either end; false: there is none. */
static bool sign_cut(struct text *field)
{
	static const char *const signs[] = {"$", "%", "\xE2\x82\xAC", "\xC2\xA3", "\xC2\xA5"}; /* and euro, pound, yen */
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		const struct text sign = text_of(signs[i]);
		if (text_starts_with(*field, sign))
			*field = text_from(*field, sign.length);
		else if (text_ends_with(*field, sign))
			field->length -= sign.length;
		else
			continue;
		*field = text_trimmed(*field, FIELD_SPACES);
		return true;
	}
	return false;
}

/* Whether the comma separates thousands, or is a decimal one: three digits follow, or nothing but digits. */
static bool comma_fits(struct text field, size_t comma)
{
	size_t digits = 0;
	for (size_t at = comma + 1; at < field.length && byte_is_digit(field.bytes[at]); at++)
		digits++;
	return comma > 0 && digits > 0 && (digits == 3 || comma + 1 + digits == field.length);
}

/* Cuts a minus or plus off the beginning; false: there is none. */
static bool minus_cut(struct text *field)
{
	const bool is_signed = field->length > 0 && (field->bytes[0] == '-' || field->bytes[0] == '+');
	*field = text_from(*field, is_signed);
	return is_signed;
}

bool csv_field_is_formatted(struct text field)
{
	char digits[NUMBER_DIGITS_MAX];
	size_t length = 0;
	field = text_trimmed(field, FIELD_SPACES);
	const bool is_signed = minus_cut(&field);
	bool formatted = sign_cut(&field);
	if (!is_signed)
		(void)minus_cut(&field);
	if (field.length > sizeof digits || field.length == 0 || !byte_is_digit(field.bytes[0]))
		return false;
	for (size_t i = 0; i < field.length; i++) {
		const bool comma = field.bytes[i] == ',';
		if (comma && !comma_fits(field, i))
			return false;
		formatted |= comma;
		if (!comma)
			digits[length++] = field.bytes[i];
	}
	struct decimal decimal;
	return formatted && decimal_scan((struct text){digits, length}, &decimal) == length;
}

/* ---- units ---- */

static bool is_unit_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '/' || (unsigned char)byte >= 0x80;
}

static bool is_ordinal(struct text unit)
{
	static const char *const ends[] = {"st", "nd", "rd", "th"};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (text_equal_caseless(unit, text_of(ends[i])))
			return true;
	return false;
}

bool csv_field_has_unit(struct text field)
{
	double number;
	field = text_trimmed(field, FIELD_SPACES);
	size_t begin = field.length;
	while (begin > 0 && is_unit_byte(field.bytes[begin - 1]))
		begin--;
	const struct text unit = text_from(field, begin), before = {field.bytes, begin};
	const struct text size = text_trimmed(before, FIELD_SPACES);
	if (unit.length == 0 || unit.length > UNIT_BYTES_MAX || size.length == 0)
		return false;
	const char last = size.bytes[size.length - 1];
	if (last != '.' && !byte_is_digit(last)) /* a word, as infinity */
		return false;
	if (size.length == before.length && (unit.length == 1 || is_ordinal(unit)))
		return false;
	return number_any(text_from(size, size.bytes[0] == '+'), &number) || csv_field_is_formatted(size);
}
