/* day_loss.h: Loss of state in a simulation run: while no worker runs, Kafka loses the end of changelogs, or all of
 * them, or the references to them in the commits' metadata. Private to `sluice sim`.
 *
 * Workers that then start must not go on with less than their commits refer to: they stop and say so, and nothing
 * wrong is answered. Without references they cannot know, so only one of the two is lost.
 */
#ifndef SLUICE_CLI_DAY_LOSS_H
#define SLUICE_CLI_DAY_LOSS_H

#include "cli/day.h"

enum day_loss_kind { DAY_LOSS_OF_END, DAY_LOSS_OF_ALL, DAY_LOSS_OF_REFERENCES, DAY_LOSS_KINDS };

/* Starts as {0}: none. */
struct day_loss {
	enum day_loss_kind kind;
	int64_t stop_us, loss_us; /* the workers are killed, and start again after the loss; 0: none, or it is over */
	bool stopped;
	bool lost; /* records of a changelog */
	bool told; /* a worker has stopped because of that: requests may remain without an answer */
};

int64_t day_loss_due_us(const struct day_loss *loss); /* INT64_MAX: nothing is due */

/* Notes the error with which a worker has ended. True: it is about lost state, so it does not start again by itself. */
bool day_loss_note(struct day_loss *loss, const char *why);

struct day;

/* Draws the loss, and delays the faults that were drawn for the time in which no worker runs, or for later. */
void day_loss_draw(struct day *day);

/* Kills the workers, or takes from the twin what is lost, when it is due. */
void day_loss_strike(struct day *day);

#endif
