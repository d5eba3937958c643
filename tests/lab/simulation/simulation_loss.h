/* simulation_loss.h: Loss of state in a simulation run, while no worker runs. Kafka loses the end of changelogs, or all of them, or
 * the references to them in the commits' metadata. Private to `sluice sim`.
 *
 * Workers that then start must not go on with less than their commits refer to: they stop and say so, and nothing
 * wrong is answered. Without references they cannot know, so only one of the two is lost.
 */
#pragma once

#include "simulation/simulation.h"

enum simulation_loss_kind { SIMULATION_LOSS_OF_END, SIMULATION_LOSS_OF_ALL, SIMULATION_LOSS_OF_REFERENCES, SIMULATION_LOSS_KINDS };

/* Starts as {0}: none. */
struct simulation_loss {
	enum simulation_loss_kind kind;
	int64_t stop_us, loss_us; /* the workers are killed, and start again after the loss; 0: none, or it is over */
	bool stopped;
	bool lost; /* records of a changelog */
	bool noticed; /* a worker has stopped because of that: requests may remain without an answer */
	bool is_observed; /* an observer has: windows may remain open */
};

int64_t simulation_loss_due_us(const struct simulation_loss *loss); /* INT64_MAX: nothing is due */

struct simulation;

/* Draws the loss, and delays the faults that were drawn for the time in which no worker runs, or for later. */
void simulation_loss_draw(struct simulation *simulation);

/* Kills the workers, or takes from the simulated Kafka what is lost, when it is due. */
void simulation_loss_inject(struct simulation *simulation);
