/* simulation_lineage.h: Recorded outputs (lineage, logger) of the steps and models in a simulation run, and their checks. A record
 * follows from its request, and no answered request lacks one, unless it was lost in transit. Private to `sluice sim`. */
#pragma once

#include "simulation/simulation_line.h"

#define LINEAGE_TOPICS_MAX (3 * (SIMULATION_BLOCKS_MAX + 1) * SIMULATION_LINES_MAX)

struct lineage_topic {
	const struct simulation_line *line;
	size_t blocks;		    /* blocks that a request has passed when it is recorded */
	unsigned share;		    /* share of the requests, in percent */
	uint64_t records, recorded; /* number of recorded requests */
	bool *has;		    /* for each request, whether it was recorded */
	struct simulation_reading reading;
};

struct simulation_lineage {
	size_t count;
	struct lineage_topic items[LINEAGE_TOPICS_MAX];
	struct arena *arena; /* memory of one record */
	char *why;
};

/* Opens it without topics. `why` is as for judges. False: memory. */
bool simulation_lineage_open(struct simulation_lineage *lineage, char *why);
void simulation_lineage_close(struct simulation_lineage *lineage); /* an unopened one is fine */

/* Adds the topics of a line, by its pipeline's settings. False: memory. */
bool simulation_lineage_add(struct simulation_lineage *lineage, const struct simulation_line *line, struct arena *arena);

void simulation_lineage_read(struct simulation_lineage *lineage, const struct simulated_kafka *kafka);
void simulation_lineage_end(struct simulation_lineage *lineage, bool lost); /* checks what must hold; `lost`: records may lack */
uint64_t simulation_lineage_records(const struct simulation_lineage *lineage);
