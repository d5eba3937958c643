/* base64.h: bytes as text, RFC 4648.
 *
 * Written with the standard alphabet and padding; read with either alphabet, with
 * or without padding, but without blanks. Any thread may call.
 */
#ifndef SLUICE_BASE_BASE64_H
#define SLUICE_BASE_BASE64_H

#include "base/text.h"

/* Room that reading or writing `length` bytes needs. */
static inline size_t base64_read_room(size_t length)
{
	return length / 4 * 3 + 3;
}
static inline size_t base64_write_room(size_t length)
{
	return (length / 3 + 1) * 4;
}

/* The bytes that `text` stands for, to `out`; false when it is no base64. */
bool base64_read(struct text text, char *out, size_t *length);

/* The same in the one form that JSON Web Signatures allow (RFC 7515, 2): the alphabet of addresses, without padding. So two
 * different texts never stand for the same bytes. */
bool base64url_read(struct text text, char *out, size_t *length);

/* Writes to `out`, without a NUL; the length. */
size_t base64_write(struct text bytes, char *out);

#endif
