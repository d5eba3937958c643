/* quote.h: a text as a JSON string, or as a word of a shell, quotes and all.
 *
 * In the string, what JSON forbids bare is escaped; bytes that are no UTF-8 become the replacement
 * character, so that the output can always be read. Any thread may call.
 */
#ifndef SLUICE_BASE_QUOTE_H
#define SLUICE_BASE_QUOTE_H

#include "base/text.h"

void buffer_quoted(struct buffer *buffer, struct text text);

/* In single quotes where it needs them, so that what is printed can be pasted. */
void buffer_shell_word(struct buffer *buffer, struct text word);

#endif
