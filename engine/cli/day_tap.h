/* day_tap.h: Recorded outputs (lineage, logger) of the steps and models in a simulation run, and their checks: a
 * record follows from its request, and no answered request lacks one, unless it was lost in transit. Private to
 * `sluice sim`. */
#ifndef SLUICE_CLI_DAY_TAP_H
#define SLUICE_CLI_DAY_TAP_H

#include "cli/day_line.h"

#define DAY_TAPS_MAX (3 * (DAY_BLOCKS_MAX + 1) * DAY_LINES_MAX)

struct day_tap {
	const struct day_line *line;
	size_t blocks;	/* blocks that a request has passed when it is recorded */
	unsigned share; /* share of the requests, in percent */
	uint64_t records, told; /* number of recorded requests */
	bool *has;	/* for each request, whether it was recorded */
	struct day_reading reading;
};

struct day_taps {
	size_t count;
	struct day_tap items[DAY_TAPS_MAX];
	struct arena *arena; /* memory of one record */
	char *why;
};

/* Opens taps without lines. `why` is as for judges. False: memory. */
bool day_taps_open(struct day_taps *taps, char *why);
void day_taps_close(struct day_taps *taps); /* unopened ones are fine */

/* Adds the taps of a line, by its pipeline's settings. False: memory. */
bool day_taps_add(struct day_taps *taps, const struct day_line *line, struct arena *arena);

void day_taps_read(struct day_taps *taps, const struct twin *twin);
void day_taps_end(struct day_taps *taps, bool lost);
uint64_t day_taps_records(const struct day_taps *taps);

#endif
