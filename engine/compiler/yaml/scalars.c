/* scalars.c: Types of YAML scalars, and texts that contain numbers with units. */
#include "base/number/duration.h"
#include "base/number/number.h"
#include "compiler/yaml/options.h"

#define NUMBER_LENGTH_MAX 64 /* characters of a number that anybody writes by hand */

static bool is_flag(struct text text)
{
	static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
	return text_is_one_of(text, words, sizeof words / sizeof *words);
}

static struct text without_sign(struct text text)
{
	if (text.length > 0 && (text.bytes[0] == '-' || text.bytes[0] == '+'))
		return text_from(text, 1);
	return text;
}

static bool is_special(struct text text)
{
	static const char *const infinities[] = {".inf", ".Inf", ".INF"};
	static const char *const nans[] = {".nan", ".NaN", ".NAN"};
	return text_is_one_of(without_sign(text), infinities, 3) || text_is_one_of(text, nans, 3);
}

/* 0x1F and 0o17 are integers of YAML too. */
static bool is_based(struct text digits)
{
	if (digits.length < 3 || digits.bytes[0] != '0' || (digits.bytes[1] != 'x' && digits.bytes[1] != 'o'))
		return false;
	for (size_t i = 2; i < digits.length; i++) {
		char c = digits.bytes[i];
		bool hexadecimal = digits.bytes[1] == 'x' && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
		if (!hexadecimal && !byte_is_digit(c))
			return false;
	}
	return true;
}

static enum scalar_class number_class(struct text text)
{
	struct text digits = without_sign(text);
	if (is_special(text))
		return SCALAR_FLOAT;
	if (is_based(digits))
		return SCALAR_INTEGER;
	size_t at = 0, whole = 0, fraction = 0;
	for (; at < digits.length && byte_is_digit(digits.bytes[at]); at++)
		whole++;
	if (at == digits.length && whole > 0)
		return SCALAR_INTEGER;
	if (at < digits.length && digits.bytes[at] == '.')
		for (at++; at < digits.length && byte_is_digit(digits.bytes[at]); at++)
			fraction++;
	if (whole + fraction == 0)
		return SCALAR_TEXT;
	if (at < digits.length && (digits.bytes[at] == 'e' || digits.bytes[at] == 'E')) {
		struct text exponent = without_sign((struct text){digits.bytes + at + 1, digits.length - at - 1});
		for (at = 0; at < exponent.length && byte_is_digit(exponent.bytes[at]);)
			at++;
		return at > 0 && at == exponent.length ? SCALAR_FLOAT : SCALAR_TEXT;
	}
	return at == digits.length ? SCALAR_FLOAT : SCALAR_TEXT;
}

enum scalar_class scalar_classify(const struct node *node)
{
	if (node->quoted)
		return SCALAR_TEXT;
	if (is_flag(node->scalar))
		return SCALAR_FLAG;
	return number_class(node->scalar);
}

static bool special_number(struct text text, double *number)
{
	struct text word = without_sign(text);
	bool negative = text.length > 0 && text.bytes[0] == '-';
	if (is_special(text))
		*number = word.bytes[1] == 'i' || word.bytes[1] == 'I' ? (negative ? -__builtin_inf() : __builtin_inf())
								       : __builtin_nan("");
	return is_special(text);
}

bool scalar_number(struct text text, double *number)
{
	if (special_number(text, number))
		return true;
	/* JSON's grammar, which number_read_double() knows, wants digits around the point and no plus sign. */
	char json[NUMBER_LENGTH_MAX + 3];
	size_t length = 0;
	if (text.length == 0 || text.length > NUMBER_LENGTH_MAX || number_class(text) == SCALAR_TEXT)
		return false;
	for (size_t i = text.bytes[0] == '+'; i < text.length; i++) {
		bool point = text.bytes[i] == '.';
		if (point && (length == 0 || !byte_is_digit(json[length - 1])))
			json[length++] = '0';
		json[length++] = text.bytes[i];
		if (point && (i + 1 == text.length || !byte_is_digit(text.bytes[i + 1])))
			json[length++] = '0';
	}
	return number_read_double((struct text){json, length}, number);
}

/* How many bytes of `text` are a number. */
static size_t number_prefix(struct text text)
{
	size_t at = 0;
	while (at < text.length && (byte_is_digit(text.bytes[at]) || text.bytes[at] == '.' || (at == 0 && text.bytes[at] == '-')))
		at++;
	return at;
}

bool threshold_read(struct text text, struct threshold *threshold)
{
	static const struct {
		const char *sign;
		enum comparison comparison;
	} signs[] = {
		{"<=", COMPARE_LESS_EQUAL}, {">=", COMPARE_GREATER_EQUAL}, {"==", COMPARE_EQUAL},
		{"!=", COMPARE_NOT_EQUAL},  {"<", COMPARE_LESS},	   {">", COMPARE_GREATER},
	};
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		struct text sign = text_of(signs[i].sign);
		if (!text_starts_with(text, sign))
			continue;
		struct text rest = text_from(text, sign.length);
		while (rest.length > 0 && rest.bytes[0] == ' ')
			rest = text_from(rest, 1);
		size_t digits = number_prefix(rest);
		struct text unit = text_from(rest, digits);
		int64_t duration_ns;
		threshold->comparison = signs[i].comparison;
		threshold->percent = text_is(unit, "%");
		threshold->time = unit.length > 0 && !threshold->percent;
		if (threshold->time) {
			if (duration_read(rest, &duration_ns))
				return false;
			threshold->value = (double)duration_ns / 1e6;
			return true;
		}
		if (!scalar_number((struct text){rest.bytes, digits}, &threshold->value))
			return false;
		threshold->value /= unit.length > 0 ? 100 : 1;
		return true;
	}
	return false;
}

bool quantity_read(struct text text, double *quantity)
{
	static const struct {
		const char *suffix;
		double factor;
	} suffixes[] = {
		{"", 1},
		{"n", 1e-9},
		{"u", 1e-6},
		{"m", 1e-3},
		{"k", 1e3},
		{"M", 1e6},
		{"G", 1e9},
		{"T", 1e12},
		{"P", 1e15},
		{"E", 1e18},
		{"Ki", 1024.0},
		{"Mi", 1048576.0},
		{"Gi", 1073741824.0},
		{"Ti", 1099511627776.0},
		{"Pi", 1125899906842624.0},
		{"Ei", 1152921504606846976.0},
	};
	if (scalar_number(text, quantity))
		return *quantity >= 0;
	size_t digits = number_prefix(text);
	struct text suffix = text_from(text, digits);
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (text_is(suffix, suffixes[i].suffix) && scalar_number((struct text){text.bytes, digits}, quantity)) {
			*quantity *= suffixes[i].factor;
			return *quantity >= 0;
		}
	return false;
}
