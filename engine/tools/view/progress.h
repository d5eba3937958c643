/* progress.h: Progress line of a command that takes long: how much is done, and the time that is left.
 *
 * The line is on a terminal only, and replaced four times a second. The time left assumes the mean speed so far. It is not
 * shown in the first second, nor if the end is not known.
 */
#ifndef SLUICE_TOOLS_VIEW_PROGRESS_H
#define SLUICE_TOOLS_VIEW_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PROGRESS_LINE_MAX 256
#define PROGRESS_EVERY_MS 250

struct progress_line {
	FILE *terminal; /* NULL: there is none, and nothing is shown */
	int64_t begun_ns, shown_ns;
};

/* `wanted`: false where the output is for a program. Nothing is shown if `out` is not a terminal. */
void progress_begin(struct progress_line *progress, FILE *out, bool wanted, int64_t now_ns);

/* Whether a line is to be shown now. */
bool progress_due(const struct progress_line *progress, int64_t now_ns);

/* Writes `NN%, WORDS, TIME left` into `line`. `total` 0: the end is not known. */
void progress_print(const struct progress_line *progress, uint64_t done, uint64_t total, const char *words, int64_t now_ns,
		    char line[PROGRESS_LINE_MAX]);

/* Shows that line in place of the one before it. */
void progress_show(struct progress_line *progress, uint64_t done, uint64_t total, const char *words, int64_t now_ns);

/* Removes the line, before something else is written. */
void progress_clear(struct progress_line *progress);

#endif
