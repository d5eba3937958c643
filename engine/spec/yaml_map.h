/* yaml_map.h: the entries of one YAML map: no key twice, merge keys resolved. For
 * yaml.c alone. */
#ifndef SLUICE_SPEC_YAML_MAP_H
#define SLUICE_SPEC_YAML_MAP_H

#include "spec/node.h"

/* Gives `map` the entries that were composed for it (copied into the arena). Of a key
 * that stands twice the first counts, the others are faults. `<<` adds the entries of
 * the map that it names, or of each in a list, where the key is not there yet; *merged
 * says how many came so. False when memory ran out. */
bool yaml_map_finish(struct arena *arena, struct faults *faults, struct node *map, const struct node_entry *entries, size_t count,
		     size_t *merged);

#endif
