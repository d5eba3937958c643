/* secret.h: settings that say where their value is instead of what it is, so that no
 * secret stands in a file of YAML: `env:NAME` is an environment variable, `file:PATH` the
 * contents of a file, without the line's end.
 *
 * What was fetched is never printed: not in errors, nor in what commands show.
 */
#ifndef SLUICE_BASE_SECRET_H
#define SLUICE_BASE_SECRET_H

#include "base/arena.h"
#include "base/error.h"

/* Whether `value` says where it is. */
bool secret_is_reference(const char *value);

/* Whether what stands under that name is a secret, wherever it comes from. */
bool secret_is_named(const char *setting);

/* The value that a reference stands for, in the arena; any other value is itself. NULL: a
 * CONFIG error at `place` that names the setting and what is not there, or SYSTEM. */
const char *secret_fetch(const char *value, const char *setting, struct place place, struct arena *arena, struct error *error);

#endif
