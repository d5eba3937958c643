/* assigned_line.h: Line of an assignment, as headers of the engine's own records have it: one for each entry, between stages and in
 * dead letters. Its fields are separated by tabs, which no name of a resource has. */
#ifndef SLUICE_MESSAGE_ASSIGNED_LINE_H
#define SLUICE_MESSAGE_ASSIGNED_LINE_H

#include "message/assigned.h"

/* Hash of the unit, by which an entry finds its unit again; 0: it has none. */
uint64_t assigned_unit_hash(const struct assigned *entry);
uint64_t unit_hash(struct text unit);

size_t assigned_line_room(const struct assigned *entry);
char *assigned_line_put(char *to, const struct assigned *entry); /* returns its end */

/* Removes the first line. Lines of former releases have no table and no unit. */
struct assigned assigned_line_take(struct text *lines);

#endif
