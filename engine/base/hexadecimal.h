/* hexadecimal.h: Digits of hexadecimal numbers in lower case, as digests and ids are written. Pure. */
#pragma once

#include "base/text.h"

/* Whether the text has no other characters. */
static inline bool text_is_hexadecimal(struct text text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!((text.bytes[i] >= '0' && text.bytes[i] <= '9') || (text.bytes[i] >= 'a' && text.bytes[i] <= 'f')))
			return false;
	return true;
}
