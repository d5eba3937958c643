/* yaml_comma.h: expressions that YAML cut at their commas. For yaml.c alone. */
#ifndef SLUICE_SPEC_YAML_COMMA_H
#define SLUICE_SPEC_YAML_COMMA_H

#include "spec/node.h"

/* In the braces of `{l: lag(v, 1)}` a comma ends a text, so that what follows is a key without a value. Where an
 * entry's open `(` is closed by the keys behind it, that is a fault, and the entries become the one that was meant,
 * for all that is checked further on. False when memory ran out. */
bool yaml_commas_mend(struct arena *arena, struct faults *faults, struct node_entry *entries, size_t *count);

#endif
