/* quote.h: Quoting of text for JSON strings, for terminals, and for shells.
 *
 * In JSON strings, forbidden characters are escaped, and bytes that are not UTF-8 become the replacement
 * character, so that the output can always be read. Callable from any thread.
 */
#pragma once

#include <stdio.h>

#include "base/arena.h"
#include "base/text.h"

void buffer_quoted(struct buffer *buffer, struct text text);

/* For a terminal, without quotes. Control characters, those that change the direction of writing, and bytes
 * that are not UTF-8 are escaped as \u001b. So text from others cannot control a terminal or forge a line. */
void buffer_shown(struct buffer *buffer, struct text text);

/* The same between parts that are not escaped. */
void buffer_shown_around(struct buffer *buffer, const char *before, struct text text, const char *behind);

/* The same, but line ends stay: for lines whose parts are escaped already. */
void buffer_shown_lines(struct buffer *buffer, struct text text);

/* The same as buffer_shown() into an arena; "": memory ran out. */
const char *text_shown(struct text text, struct arena *arena);

#define NAME_SHOWN_BYTES 100

/* A name of others as sentences have it: the beginning of a long one, and "...". Borrowed, or in the arena; not escaped. */
struct text name_abridged(struct text name, struct arena *arena);

/* The same as buffer_shown(), written to a stream; line ends stay. */
void print_shown(FILE *stream, const char *string);

/* In single quotes if needed, so that the output can be pasted into a shell. */
void buffer_shell_word(struct buffer *buffer, struct text word);
