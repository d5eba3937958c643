/* csv_field.c: see csv_field.h. */
#include "source/csv_field.h"

#include <math.h>

#include "base/number.h"

static bool is_missing(struct text field)
{
	static const char *const words[] = {"nan", "na", "n/a", "#n/a", "<na>", "null", "none", "\\n"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_equal_caseless(field, text_of(words[i])))
			return true;
	return field.length == 0;
}

/* A number, or one that is infinite or too large to be finite: then infinite, as a tensor of messages has it. */
static bool number_any(struct text field, double *number)
{
	struct decimal decimal;
	const bool negative = field.length > 0 && field.bytes[0] == '-';
	const struct text size = text_from(field, negative);
	*number = negative ? -(double)INFINITY : (double)INFINITY;
	if (text_equal_caseless(size, TEXT("inf")) || text_equal_caseless(size, TEXT("infinity")))
		return true;
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
