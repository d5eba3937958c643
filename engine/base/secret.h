/* secret.h: References to secrets in settings, so that no YAML file contains a secret: `env:NAME` is an
 * environment variable, `file:PATH` is the contents of a file, without the line's end.
 *
 * A fetched value is never printed: not in errors, nor in the output of commands.
 */
#ifndef SLUICE_BASE_SECRET_H
#define SLUICE_BASE_SECRET_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Whether `value` is such a reference. */
bool secret_is_reference(const char *value);

/* Whether a setting of that name is a secret, wherever its value comes from. */
bool secret_is_named(const char *setting);

/* Whether a line of YAML has a secret itself: the name of such a setting, and behind it a value that is no reference. */
bool secret_is_written(struct text line);

/* The value to which a reference points, in the arena; any other value is returned as it is. NULL: a CONFIG
 * error at `place` that names the setting and what is missing, or that the file has a byte of zero, which would end the value; or
 * SYSTEM. */
const char *secret_fetch(const char *value, const char *setting, struct place place, struct arena *arena, struct error *error);

/* The same for a key, by which something is signed or its sender known: an empty one is a CONFIG error, too. */
const char *secret_fetch_key(const char *value, const char *setting, struct place place, struct arena *arena, struct error *error);

#endif
