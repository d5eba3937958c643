/* refusal.h: Error answer by which a server refuses a request itself: one that its application never gets.
 *
 * It has the parts of all errors: the text, the kind, the place, and the request's id (message/records/reply.h). The place is the
 * request's path, or its head, if the path could not be read. A request without an id is given one, so that its caller
 * has something to quote.
 */
#pragma once

#include "base/error.h"
#include "base/number/random.h"
#include "base/text.h"

#define REFUSAL_ID_BYTES_MAX ((size_t)256) /* of a caller's id; a longer one is replaced */
#define REFUSAL_ID_SIZE (REFUSAL_ID_BYTES_MAX + 1)
#define REFUSAL_HEAD_PLACE "the request's head"

/* Writes the caller's id, or a new one, with a NUL. */
void refusal_id_write(struct random *ids, struct text asked, char out[REFUSAL_ID_SIZE]);

/* The kind of error that a server reports by that status of HTTP. */
enum error_kind refusal_kind(int status);

/* Appends the body. `path` is empty if it is not known. */
void refusal_body_write(struct buffer *out, int status, const char *words, struct text path, const char *id);
