/* url_mask.h: Mask of secrets in URLs, for everything that is printed: plans, echoed files, faults, errors, logs.
 *
 * Secrets are a URL's login, as in `redis://:secret@host`, and parameters of its query whose names tell that they are secret, as
 * `X-Amz-Signature`, `sig`, `access_token` and `api-key`. Parameters of `stub://` are options of a stub, and shown.
 *
 * error_set(), fault_add(), log_say(), command_note() and findings_add() mask their texts; other code that prints addresses must
 * call this itself. Callable from any thread.
 */
#pragma once

#include "base/text.h"

/* Replaces each secret of every URL in the text by three stars, in place. Returns the new length, which is never larger. */
size_t mask_urls(char *bytes, size_t length);

/* The same for a string, and for the contents of a buffer. */
void mask_string(char *string);
void mask_buffer(struct buffer *buffer);
