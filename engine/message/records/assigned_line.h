/* assigned_line.h: Line of an assignment, as headers of the engine's own records have it: one for each entry, between stages and in
 * dead letters. Its fields are separated by tabs, which no name of a resource has. */
#pragma once

#include "message/records/assigned.h"

/* Hash of the unit, by which an entry finds its unit again; 0: it has none. */
uint64_t assigned_unit_hash(const struct assigned *entry);
uint64_t unit_hash(struct text unit);

/* The lines of at least one entry; bytes NULL: memory ran out. */
struct text assigned_lines_write(const struct assigned *const *entries, size_t count, struct arena *arena);

/* Removes the first line. Lines of former releases have no table and no unit. */
struct assigned assigned_line_take(struct text *lines);
