/* json_place.h: Place of a member in JSON text, for faults in a file of the user. A tree of parsed JSON does
 * not have it.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* The place of the value of that member of the outermost object; 1:1: there is none. `file` is borrowed. A key
 * with escapes is decoded in the arena. */
struct place json_place(struct text json, const char *file, const char *member, struct arena *arena);
