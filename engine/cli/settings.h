/* settings.h: Defaults of options that many commands share: from environment variables and from a
 * settings file of the user's.
 *
 * Which options may stand there, their rows say (base/option.h, `variable`). What the command line says
 * goes before what the files of the command say, that before the environment, and that before the settings
 * file. The file is the one that SLUICE_SETTINGS names; without that variable
 * $XDG_CONFIG_HOME/sluice/settings, or ~/.config/sluice/settings where that is not set, if it is there. An
 * empty SLUICE_SETTINGS means none. Each of its lines is
 *
 *   NAME = VALUE
 *
 * or begins with `#`, or is empty. A `#` behind a blank begins a comment, too: a value that has one there
 * goes into an environment variable. Values are taken as they stand, without blanks around them. An option
 * that may be given several times may stand on several lines. Since it says where requests and logins go, a
 * file that anybody but the user or root could have written is refused.
 */
#ifndef SLUICE_CLI_SETTINGS_H
#define SLUICE_CLI_SETTINGS_H

#include "cli/command.h"

#define SETTINGS_BYTES_MAX ((size_t)64 << 10)
#define SETTINGS_LINES_MAX 1000

/* Fills in what the line did not give (`given`, by row) of the command's options. A CONFIG error names the
 * file and the line. Nothing where the command has no such option: then the file is not read. */
bool settings_apply(const struct command *command, const bool *given, struct arena *arena, void *options, struct error *error);

#endif
