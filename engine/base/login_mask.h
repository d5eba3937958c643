/* login_mask.h: Mask of logins in URLs, for everything that is printed: plans, echoed files, faults, errors.
 *
 * error_set() and fault_add() mask their texts; other code that prints addresses must call this itself.
 * Callable from any thread.
 */
#ifndef SLUICE_BASE_LOGIN_MASK_H
#define SLUICE_BASE_LOGIN_MASK_H

#include "base/text.h"

/* Replaces the login of every URL in the text, as in `redis://:secret@host`, by three stars, in place. Returns
 * the new length, which is never larger. */
size_t mask_logins(char *bytes, size_t length);

/* The same for a string, and for the contents of a buffer. */
void mask_string(char *string);
void mask_buffer(struct buffer *buffer);

#endif
