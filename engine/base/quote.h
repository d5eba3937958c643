/* quote.h: a text as a JSON string, quotes and all.
 *
 * What JSON forbids bare is escaped; bytes that are no UTF-8 become the replacement
 * character, so that the output can always be read. Any thread may call.
 */
#ifndef SLUICE_BASE_QUOTE_H
#define SLUICE_BASE_QUOTE_H

#include "base/text.h"

void buffer_quoted(struct buffer *buffer, struct text text);

#endif
