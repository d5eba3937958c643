/* dev_lines.h: how the pipelines of an engine are, one live line each on a terminal, and
 * plain lines of what has changed elsewhere. For `sluice dev`.
 */
#ifndef SLUICE_CLI_DEV_LINES_H
#define SLUICE_CLI_DEV_LINES_H

#include <stdio.h>

#include "runtime/engine.h"

struct dev_lines;

/* `json`: a line of JSON each time. Times are those of the engine's loop. NULL: memory ran
 * out (SYSTEM). */
struct dev_lines *dev_lines_open(FILE *out, bool json, int64_t now_ms, struct error *error);
void dev_lines_close(struct dev_lines *lines); /* NULL is fine */

/* The lines of now, in the place of those before. */
void dev_lines_show(struct dev_lines *lines, const struct engine *engine, int64_t now_ms);

/* Makes room for something else to be said. */
void dev_lines_clear(struct dev_lines *lines);

#endif
