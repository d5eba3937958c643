/* http_field.h: Values of HTTP header fields without the spaces around them. For the parsers of requests and of answers. */
#ifndef SLUICE_NET_HTTP_FIELD_H
#define SLUICE_NET_HTTP_FIELD_H

#include <stdbool.h>

#include "base/text.h"

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

#endif
