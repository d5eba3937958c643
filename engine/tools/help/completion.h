/* completion.h: Shell completion scripts, printed from the rows of the commands.
 *
 * An argument in lower case in the usage line ("bash|zsh") is a word to be typed literally. Names of the user's files are looked
 * up by the script at each use, by `sluice completion names` (completion_names.h).
 */
#pragma once

#include "base/text.h"
#include "tools/help/command_row.h"

/* Appends the script of a shell: bash, zsh or fish. False: there is none for it. */
bool completion_print(const struct command *const *commands, const char *shell, struct buffer *out);
