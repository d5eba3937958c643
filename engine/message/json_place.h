/* json_place.h: where a member stands in JSON that was read as a tree, whose values
 * know no place: for faults in a file of the user's.
 */
#ifndef SLUICE_MESSAGE_JSON_PLACE_H
#define SLUICE_MESSAGE_JSON_PLACE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* The place of the value of that member of the outermost object; 1:1 when there is none.
 * `file` is borrowed; a key with escapes is made in the arena. */
struct place json_place(struct text json, const char *file, const char *member, struct arena *arena);

#endif
