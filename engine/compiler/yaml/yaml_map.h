/* yaml_map.h: Entries of one YAML map: rejects duplicate keys and resolves merge keys. For yaml.c only. */
#pragma once

#include "compiler/yaml/node.h"

/* Sets the entries of `map` (copied into the arena). Of duplicate keys the first counts, and the others are faults.
 * `<<` adds the entries of the map that it names, or of each map in a list, for keys that are not there yet. *merged
 * is the number of entries added so. False when memory ran out. */
bool yaml_map_finish(struct arena *arena, struct faults *faults, struct node *map, const struct node_entry *entries, size_t count,
		     size_t *merged);
