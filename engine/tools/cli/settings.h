/* settings.h: Defaults of options that many commands share, from environment variables and from the user's settings
 * file.
 *
 * The rows of the options decide which may be set there (base/option.h, `variable`). The command line overrides the
 * files of the command, those override the environment, and that overrides the settings file. SLUICE_SETTINGS names
 * the file. Without that variable it is $XDG_CONFIG_HOME/sluice/settings, or ~/.config/sluice/settings if that is not
 * set, if it exists. An empty SLUICE_SETTINGS means no file. Each of its lines is
 *
 *   NAME = VALUE
 *
 * or begins with `#`, or is empty. A `#` after a blank also begins a comment; a value that contains one must be set
 * by an environment variable. Values are taken literally, without blanks around them. An option that may be repeated
 * may be on several lines. The file determines where requests and logins are sent. So a file that anybody but the
 * user or root could have written is rejected.
 */
#pragma once

#include "tools/cli/command.h"

#define SETTINGS_BYTES_MAX ((size_t)64 << 10)
#define SETTINGS_LINES_MAX 1000

/* Fills the command's options that the command line did not give (`given`, by row). A CONFIG error has the file and
 * the line. If the command has no such option, the file is not read. */
bool settings_apply(const struct command *command, const bool *given, struct arena *arena, void *options, struct error *error);
