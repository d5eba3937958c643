/* assigned_record.h: Record of the assignments of a failed request: a header of its dead letter.
 *
 * `sluice errors replay` sends the headers of a dead letter again, and this one too. An experiment then chooses what it chose
 * before the request failed, and names the table of then, whatever table is in force. An entry holds for one unit: a request whose
 * unit was edited is assigned anew, and so is one for which the experiment chose two candidates.
 *
 * A gateway passes on no header of this name. Who may write to the topic of a pipeline's requests may write this header too, and
 * chooses by it no more than by ROUTE_HEADER: a recorded choice is no exposure, and no rollout counts it.
 */
#ifndef SLUICE_MESSAGE_RECORDS_ASSIGNED_RECORD_H
#define SLUICE_MESSAGE_RECORDS_ASSIGNED_RECORD_H

#include "message/records/assigned.h"

/* Line of an assignment, as headers of the engine's own records have it: one for each entry, between stages and in dead
 * letters. Its fields are separated by tabs, which no name of a resource has. */
uint64_t unit_hash(struct text unit);

/* The lines of at least one entry; bytes NULL: memory ran out. */
struct text assigned_lines_write(const struct assigned *const *entries, size_t count, struct arena *arena);

/* Removes the first line. Lines of former releases have no table and no unit. */
struct assigned assigned_line_take(struct text *lines);

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

#endif
