/* mask.h: Logins in URLs, hidden before anything is printed: plans, echoed files, faults, errors.
 *
 * error_set() and fault_add() mask what they are given; whoever prints addresses otherwise does so itself. Any thread may call.
 */
#ifndef SLUICE_BASE_MASK_H
#define SLUICE_BASE_MASK_H

#include "base/text.h"

/* In place: the login of `redis://:secret@host` becomes three stars, wherever the URL stands. The new length, which is no more
 * than it was. */
size_t mask_logins(char *bytes, size_t length);

/* Of a string, and of what a buffer holds. */
void mask_string(char *string);
void mask_buffer(struct buffer *buffer);

#endif
