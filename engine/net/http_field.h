/* http_field.h: Values of HTTP header fields: surrounding spaces, and numbers. For the parsers of requests and of
 * answers. */
#ifndef SLUICE_NET_HTTP_FIELD_H
#define SLUICE_NET_HTTP_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "net/url.h"

static inline bool http_field_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static inline struct text http_field_trimmed(struct text text)
{
	while (text.length > 0 && http_field_blank(text.bytes[text.length - 1]))
		text.length--;
	while (text.length > 0 && http_field_blank(*text.bytes)) {
		text.bytes++;
		text.length--;
	}
	return text;
}

/* Parses a number of base 16 or 10, which has only digits: no sign, space or dot. False: there is no number, or it
 * does not fit. */
static inline bool http_field_number(struct text digits, unsigned base, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < digits.length; i++) {
		int digit = url_digit(digits.bytes[i]);
		if (digit < 0 || (unsigned)digit >= base || __builtin_mul_overflow(*number, base, number) ||
		    __builtin_add_overflow(*number, (unsigned)digit, number))
			return false;
	}
	return digits.length > 0;
}

#endif
