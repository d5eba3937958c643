/* secret.h: References to secrets in settings, so that no YAML file contains a secret: `env:NAME` is an
 * environment variable, `file:PATH` is the contents of a file, without the line's end.
 *
 * Whoever writes YAML also writes the address to which a secret goes. So a reference in YAML names only what the operator
 * provides for that: variables that begin with SLUICE_SECRET_, and files in the folder of --secrets. secret_bind() checks it, and
 * makes of it a reference that can be fetched: `file:DIR//NAME` is a file below the folder DIR, to which no link leads out. The
 * operator's own references, on the command line and in the environment, are fetched as they are.
 *
 * A fetched value is never printed: not in errors, nor in the output of commands.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define SECRET_VARIABLES "SLUICE_SECRET_" /* prefix of the variables that YAML may name */

/* The option of a command that fetches secrets which YAML names; `field` of `owner` is a const char *. */
#define SECRETS_ROW(owner, field)                                                                                                  \
	ROW("secrets", TEXT, owner, field, .word = "DIR", .variable = "SLUICE_SECRETS",                                            \
	    .help = "The folder of the secrets that YAML refers to as `file:NAME`. A link in it may not lead out of it. "          \
		    "Default: none; then YAML refers to variables `env:" SECRET_VARIABLES "NAME` alone.")

/* Whether `value` is such a reference, wherever it points. */
bool secret_is_reference(const char *value);

/* What is wrong with a reference in YAML, by its form, and what to write instead; NULL: nothing, or `value` is no reference. */
const char *secret_fault(const char *value);

/* Whether a setting of that name is a secret, wherever its value comes from. */
bool secret_is_named(const char *setting);

/* Whether a line of YAML has a secret itself: the name of such a setting, and behind it a value that is no reference. */
bool secret_is_written(struct text line);

/* The reference of YAML, as it can be fetched, in the arena; `folder` is that of --secrets, or NULL. Any other value is returned as
 * it is. NULL: a CONFIG error at `place`, since YAML may not name it, or it names a file and there is no folder; or SYSTEM. */
const char *secret_bind(const char *folder, const char *value, const char *setting, struct place place, struct arena *arena,
			struct error *error);

/* The value to which a reference points, in the arena; any other value is returned as it is. NULL: a CONFIG
 * error at `place` that names the setting and what is missing, or that the file has a byte of zero, which would end the value; or
 * SYSTEM. */
const char *secret_fetch(const char *value, const char *setting, struct place place, struct arena *arena, struct error *error);

/* The same for a reference of YAML, which is bound first. */
const char *secret_fetch_bound(const char *folder, const char *value, const char *setting, struct place place,
			       struct arena *arena, struct error *error);

/* The same for a key of YAML, by which something is signed or its sender known: an empty one is a CONFIG error, too. */
const char *secret_fetch_key(const char *folder, const char *value, const char *setting, struct place place, struct arena *arena,
			     struct error *error);
