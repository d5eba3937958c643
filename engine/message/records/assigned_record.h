/* assigned_record.h: Record of the assignments of a failed request: a header of its dead letter.
 *
 * `sluice errors replay` sends the headers of a dead letter again, and this one too. An experiment then chooses what it chose
 * before the request failed, and names the table of then, whatever table is in force. An entry holds for one unit: a request whose
 * unit was edited is assigned anew, and so is one for which the experiment chose two candidates.
 *
 * A gateway passes on no header of this name. Who may write to the topic of a pipeline's requests may write this header too, and
 * chooses by it no more than by ROUTE_HEADER: a recorded choice is no exposure, and no rollout counts it.
 */
#pragma once

#include "message/records/assigned.h"

#define ASSIGNED_RECORD_HEADER "sluice-assigned"

struct assigned_record {
	size_t count;
	struct assigned items[ASSIGNED_MAX]; /* more are not recorded, and are chosen anew */
};

/* Adds the entries of a message. */
void assigned_record_add(struct assigned_record *record, const struct message *message);

/* The headers of the message with the record in place of one that it was replayed with, whose entries stay where this one has none
 * of their experiment and unit. False: the arena is full. */
bool assigned_record_write(struct assigned_record *record, const struct message *message, struct headers *headers);

/* What an experiment had chosen for a unit of the request, before it failed. False: that is not recorded, or it is not one
 * candidate. */
bool assigned_record_find(struct headers headers, struct text experiment, struct text unit, struct assigned *found);
