/* simulation_gap.h: Deletion of requests in a simulation run: as by retention, Kafka deletes records of a partition before the
 * workers have read them. Workers may run meanwhile, or none. Private to `sluice sim`.
 *
 * Each such request is in a gap that a worker is informed of; all others are answered. With `onGap: continue` the workers go on,
 * and count what they skip. With `onGap: stop` a worker that is informed of a gap stops, and nothing after it is committed.
 */
#pragma once

#include "simulation/simulation.h"

struct simulation;
struct simulation_line;

/* Starts as {0}: none. */
struct simulation_gap {
	size_t line;
	int64_t stop_us, delete_us; /* the workers are killed, or not if both are equal; 0: none, or it is over */
	bool down;		    /* the workers were killed */
	bool stops;		    /* the pipelines have `onGap: stop` */
	uint64_t ended;		    /* workers that ended because of a gap */
};

int64_t simulation_gap_due_us(const struct simulation_gap *gap); /* INT64_MAX: nothing is due */

/* Draws the deletion, if a pipeline has no state: what it counts is not known when requests are skipped. */
void simulation_gap_draw(struct simulation *simulation);

/* Kills the workers, or deletes the requests, when it is due. */
void simulation_gap_inject(struct simulation *simulation);

/* Notes which requests were skipped by now. */
void simulation_gap_look(struct simulation *simulation);

/* Checks at the end of the run that the workers have counted their gaps, and have stopped where they must. */
void simulation_gap_end(struct simulation *simulation);
