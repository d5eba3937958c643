/* refused_lines.h: List of the lines that a command could not send. The first REFUSED_LINES_SHOWN are printed as they come. The
 * others are counted by their reason, and summed up at the end.
 *
 * Two reasons are the same if they differ only in numbers and in what they quote in backticks. Beyond REFUSED_REASONS_MAX
 * reasons, lines are counted as of other reasons: every line is in the sums. Belongs to one thread.
 */
#pragma once

#include "compiler/yaml/workspace.h"

#define REFUSED_LINES_SHOWN 20	 /* lines: about what a screen shows */
#define REFUSED_REASONS_MAX 20	 /* that are counted apart */
#define REFUSED_REASON_BYTES 256 /* of a reason, which may be cut off */

struct refused_lines { /* starts as {.workspace = ...} */
	const struct workspace *workspace;
	uint64_t count;	 /* all */
	uint64_t others; /* that were not printed, of reasons beyond the limit */
	size_t reason_count;
	struct refused_reason {
		char kind[REFUSED_REASON_BYTES]; /* without what may differ */
		char first[REFUSED_REASON_BYTES];
		uint64_t line, count;
	} reasons[REFUSED_REASONS_MAX];
};

/* Adds a line, from 1; 0: it is of the command line. */
void refused_lines_add(struct refused_lines *lines, uint64_t line, const char *reason);

/* Prints the sums of what was not printed; nothing, if all was. */
void refused_lines_sum(const struct refused_lines *lines);
