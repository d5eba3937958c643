/* line_stream.h: lines for people as JSON, an object a line with the time: what an engine
 * says, for whoever gathers logs. Written from any thread, as any stream.
 */
#ifndef SLUICE_CLI_LINE_STREAM_H
#define SLUICE_CLI_LINE_STREAM_H

#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

/* What is written into it comes out of `to`, each line when it ends; `to` is borrowed.
 * fclose() ends it. NULL: memory ran out. */
FILE *line_stream_open(FILE *to, struct error *error);

/* One such line, alone. */
void line_stream_say(FILE *to, struct text line);

#endif
