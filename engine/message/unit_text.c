/* unit_text.c: see unit_text.h. */
#include "message/unit_text.h"

#include <math.h>

#include "message/key.h"

#define INTEGER_END 9223372036854775808.0 /* 2^63: doubles from here on do not fit an int64 */

static bool number_is_whole(double number)
{
	return fabs(number) < INTEGER_END && trunc(number) == number;
}

struct text unit_of_tensor(const struct tensor *tensor, struct arena *arena)
{
	if (tensor->count == 0 || datatype_rows[tensor->datatype].class != CLASS_FLOAT)
		return key_of_tensor(tensor, arena);
	char *digits = arena_take_raw(arena, NUMBER_TEXT_MAX);
	const double number = tensor_number(tensor, 0);
	if (!digits)
		return (struct text){0};
	if (number_is_whole(number))
		return (struct text){digits, number_write_int64(digits, (int64_t)number)};
	const bool is_double = tensor->datatype == DATATYPE_FP64;
	return (struct text){digits, is_double ? number_write_double(digits, number) : number_write_float(digits, (float)number)};
}

struct text unit_of_decimal(const struct decimal *decimal, struct arena *arena)
{
	char *digits = arena_take_raw(arena, NUMBER_TEXT_MAX);
	int64_t whole;
	uint64_t natural;
	if (!digits)
		return (struct text){0};
	if (decimal_to_int64(decimal, &whole))
		return (struct text){digits, number_write_int64(digits, whole)};
	if (decimal_to_uint64(decimal, &natural) && decimal->whole)
		return (struct text){digits, number_write_uint64(digits, natural)};
	return (struct text){digits, number_write_double(digits, decimal_to_double(decimal))};
}
