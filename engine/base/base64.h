/* base64.h: Base64 encoding and decoding, RFC 4648.
 *
 * Writing uses the standard alphabet and padding. Reading accepts either alphabet, with or without padding, but
 * no spaces. Callable from any thread.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"

/* Bytes of output that reading or writing `length` bytes needs. */
static inline size_t base64_read_room(size_t length)
{
	return length / 4 * 3 + 3;
}
static inline size_t base64_write_room(size_t length)
{
	return (length / 3 + 1) * 4;
}

/* Decodes `text` to `out`; false: it is not base64. */
bool base64_read(struct text text, char *out, size_t *length);

/* Decodes `text` into the arena. False: it is not base64, or the arena is full (arena_failed()). */
bool base64_read_into(struct arena *arena, struct text text, struct text *bytes);

/* As base64_read(), in the only form that JSON Web Signatures allow (RFC 7515, 2): the URL-safe alphabet, without
 * padding. So two different texts never decode to the same bytes. */
bool base64url_read(struct text text, char *out, size_t *length);

/* Encodes to `out`, without a NUL; returns the length. */
size_t base64_write(struct text bytes, char *out);
