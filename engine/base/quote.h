/* quote.h: a text as a JSON string, or as a word of a shell, quotes and all.
 *
 * In the string, what JSON forbids bare is escaped; bytes that are no UTF-8 become the replacement
 * character, so that the output can always be read. Any thread may call.
 */
#ifndef SLUICE_BASE_QUOTE_H
#define SLUICE_BASE_QUOTE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/text.h"

void buffer_quoted(struct buffer *buffer, struct text text);

/* For a terminal: as it is, but control characters, those that turn the direction of writing, and bytes that are no UTF-8 are
 * escaped as \u001b, so that what others wrote commands no terminal and forges no line. Without quotes. */
void buffer_shown(struct buffer *buffer, struct text text);

/* The same, but line ends stay: of lines whose parts were escaped already. */
void buffer_shown_lines(struct buffer *buffer, struct text text);

/* The same as buffer_shown() into an arena; "" when memory ran out. */
const char *text_shown(struct text text, struct arena *arena);

/* The same, written to a stream; line ends stay. */
void print_shown(FILE *stream, const char *string);

/* In single quotes where it needs them, so that what is printed can be pasted. */
void buffer_shell_word(struct buffer *buffer, struct text word);

#endif
