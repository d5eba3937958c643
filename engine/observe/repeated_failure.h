/* repeated_failure.h: Failure of something that is tried again and again: it is logged when its reason changes. */
#pragma once

#include <string.h>

#include "base/error.h"

/* Whether the reason is another than that of the failure before, which it replaces. `last` begins as {0}. */
static inline bool failure_is_news(struct error *last, const struct error *failure)
{
	const bool is_news = strcmp(last->text, failure->text) != 0;
	*last = *failure;
	return is_news;
}
