/* dev_lines.h: Status lines of the pipelines of an engine: one live line for each on a terminal, else plain lines of
 * changes. For `sluice dev`. */
#pragma once

#include <stdio.h>

#include "engine/run/engine.h"

struct dev_lines;

/* `json`: one line of JSON for each change. Times are those of the engine's loop. NULL: memory ran out (SYSTEM). */
struct dev_lines *dev_lines_open(FILE *out, bool json, int64_t now_ms, struct error *error);
void dev_lines_close(struct dev_lines *lines); /* NULL is fine */

/* Prints the current lines in place of the previous ones. */
void dev_lines_show(struct dev_lines *lines, const struct engine *engine, int64_t now_ms);

/* Erases the live lines before other output. */
void dev_lines_clear(struct dev_lines *lines);
