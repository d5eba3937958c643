/* simulation_tap.h: Recorded outputs (lineage, logger) of the steps and models in a simulation run, and their checks. A record
 * follows from its request, and no answered request lacks one, unless it was lost in transit. Private to `sluice sim`. */
#ifndef SLUICE_SIMULATION_SIMULATION_TAP_H
#define SLUICE_SIMULATION_SIMULATION_TAP_H

#include "simulation/simulation_line.h"

#define SIMULATION_TAPS_MAX (3 * (SIMULATION_BLOCKS_MAX + 1) * SIMULATION_LINES_MAX)

struct simulation_tap {
	const struct simulation_line *line;
	size_t blocks;		/* blocks that a request has passed when it is recorded */
	unsigned share;		/* share of the requests, in percent */
	uint64_t records, recorded; /* number of recorded requests */
	bool *has;		/* for each request, whether it was recorded */
	struct simulation_reading reading;
};

struct simulation_taps {
	size_t count;
	struct simulation_tap items[SIMULATION_TAPS_MAX];
	struct arena *arena; /* memory of one record */
	char *why;
};

/* Opens taps without lines. `why` is as for judges. False: memory. */
bool simulation_taps_open(struct simulation_taps *taps, char *why);
void simulation_taps_close(struct simulation_taps *taps); /* unopened ones are fine */

/* Adds the taps of a line, by its pipeline's settings. False: memory. */
bool simulation_taps_add(struct simulation_taps *taps, const struct simulation_line *line, struct arena *arena);

void simulation_taps_read(struct simulation_taps *taps, const struct simulated_kafka *kafka);
void simulation_taps_end(struct simulation_taps *taps, bool lost);
uint64_t simulation_taps_records(const struct simulation_taps *taps);

#endif
