/* http_field.h: HTTP header fields: the spaces around values, and the names that belong to a connection. For the parsers
 * of requests and of answers, and for servers that send fields of others. */
#pragma once

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

/* Fields by which the server itself says how long an answer is, and what becomes of the connection. */
static inline bool http_field_is_of_connection(struct text name)
{
	static const char *const names[] = {"connection", "content-length", "keep-alive", "proxy-connection",
					    "te",	  "trailer",	    "transfer-encoding", "upgrade"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_equal_caseless(name, text_of(names[i])))
			return true;
	return false;
}
