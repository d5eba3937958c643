/* day_tap.h: what the steps and models of a simulated day's pipelines are said to have
 * given (lineage, logger), and what must hold of it: it follows from its request; none is
 * missing of what was answered, unless it was lost on the way. Private to `sluice sim`. */
#ifndef SLUICE_CLI_DAY_TAP_H
#define SLUICE_CLI_DAY_TAP_H

#include "cli/day_line.h"

#define DAY_TAPS_MAX (3 * (DAY_BLOCKS_MAX + 1) * DAY_LINES_MAX)

struct day_tap {
	const struct day_line *line;
	size_t blocks;	/* that a request went through when it was told */
	unsigned share; /* of the requests, in percent */
	uint64_t records, told; /* requests */
	bool *has;	/* of each request, whether it was told */
	struct day_reading reading;
};

struct day_taps {
	size_t count;
	struct day_tap items[DAY_TAPS_MAX];
	struct arena *arena; /* of one record */
	char *why;
};

/* Of no line yet. `why` is as for judges. False: memory. */
bool day_taps_open(struct day_taps *taps, char *why);
void day_taps_close(struct day_taps *taps); /* those that were never opened are fine */

/* The line is told, as its pipeline says. False: memory. */
bool day_taps_add(struct day_taps *taps, const struct day_line *line, struct arena *arena);

void day_taps_read(struct day_taps *taps, const struct twin *twin);
void day_taps_end(struct day_taps *taps, bool lost);
uint64_t day_taps_records(const struct day_taps *taps);

#endif
