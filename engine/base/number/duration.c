/* duration.c: see duration.h. Sums are computed in 128 bits, so that only the result has to be checked for
 * overflow. */
#include "base/number/duration.h"

#include <stdio.h>

#include "base/number/wide_integer.h"

#define MINUTE_NS ((int64_t)60 * NS_PER_S)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)

#define DIGITS_MAX 18 /* of a number; more cannot fit whatever the unit */

struct unit {
	struct text name;
	int64_t size_ns;
};

/* In the order in which a duration is printed; the other names of a unit stand behind. */
static const struct unit units[] = {
	{{"d", 1}, DAY_NS},	{{"h", 1}, HOUR_NS},	 {{"m", 1}, MINUTE_NS},	 {{"s", 1}, NS_PER_S},
	{{"ms", 2}, NS_PER_MS}, {{"min", 3}, MINUTE_NS}, {{"hour", 4}, HOUR_NS}, {{"hours", 5}, HOUR_NS},
};
#define UNITS_PRINTED 4 /* milliseconds are printed apart, since they may have a fraction */

static const struct unit *unit_find(struct text name)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (text_equal(units[i].name, name))
			return &units[i];
	return NULL;
}

/* Digits from `*at` on, as an integer; how many there were. */
static size_t take_digits(struct text text, size_t *at, int64_t *number)
{
	size_t begin = *at;
	for (*number = 0; *at < text.length && byte_is_digit(text.bytes[*at]); ++*at)
		if (*at - begin < DIGITS_MAX)
			*number = *number * 10 + (text.bytes[*at] - '0');
	return *at - begin;
}

const char *duration_read_or_none(struct text text, int64_t *duration_ns)
{
	static const char *const too_long = "is longer than the 292 years that can be counted in nanoseconds";
	wide_integer total = 0;
	size_t at = 0;
	while (at < text.length) {
		int64_t whole, fraction = 0;
		size_t digits = take_digits(text, &at, &whole), fraction_digits = 0;
		if (at < text.length && text.bytes[at] == '.') {
			at++;
			fraction_digits = take_digits(text, &at, &fraction);
		}
		if (digits + fraction_digits == 0)
			return "is no duration; write a number and its unit, like 250ms, 30s, 5m, 1h30m or 7d";
		if (digits > DIGITS_MAX || fraction_digits > DIGITS_MAX)
			return "has more digits than a duration can hold; write it in a larger unit";
		size_t begin = at;
		while (at < text.length && !byte_is_digit(text.bytes[at]) && text.bytes[at] != '.')
			at++;
		struct text name = {text.bytes + begin, at - begin};
		if (name.length == 0)
			return "has no unit; write ms, s, m, h or d after the number, without a space";
		const struct unit *unit = unit_find(name);
		if (!unit)
			return "has a unit that is none of ms, s, m, h and d; write for instance 250ms, 30s, 5m, 1h30m or 7d";
		wide_integer part = (wide_integer)fraction * unit->size_ns;
		for (size_t i = 0; i < fraction_digits; i++)
			part /= 10;
		total += (wide_integer)whole * unit->size_ns + part;
		if (total > INT64_MAX)
			return too_long;
	}
	*duration_ns = (int64_t)total;
	return text.length == 0 ? "is empty; write a number and its unit, like 30s" : NULL;
}

const char *duration_read(struct text text, int64_t *duration_ns)
{
	int64_t read_ns;
	const char *why = duration_read_or_none(text, &read_ns);
	if (!why && read_ns == 0)
		why = "is no time at all; a duration is above 0";
	if (!why)
		*duration_ns = read_ns;
	return why;
}

void duration_print(int64_t duration_ns, char out[DURATION_TEXT_MAX])
{
	size_t length = 0;
	for (size_t i = 0; i < UNITS_PRINTED; i++) {
		int64_t count = duration_ns / units[i].size_ns;
		duration_ns %= units[i].size_ns;
		if (count > 0)
			length += (size_t)snprintf(out + length, DURATION_TEXT_MAX - length, "%lld%s", (long long)count,
						   units[i].name.bytes);
	}
	if (duration_ns == 0)
		return;
	long long whole = (long long)(duration_ns / NS_PER_MS), rest = (long long)(duration_ns % NS_PER_MS);
	if (rest == 0) {
		(void)snprintf(out + length, DURATION_TEXT_MAX - length, "%lldms", whole);
		return;
	}
	char fraction[8];
	(void)snprintf(fraction, sizeof fraction, "%06lld", rest);
	size_t digits = 6;
	while (fraction[digits - 1] == '0')
		digits--;
	(void)snprintf(out + length, DURATION_TEXT_MAX - length, "%lld.%.*sms", whole, (int)digits, fraction);
}
