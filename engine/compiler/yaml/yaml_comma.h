/* yaml_comma.h: Repair of expressions that YAML splits at their commas. For yaml.c only. */
#ifndef SLUICE_COMPILER_YAML_YAML_COMMA_H
#define SLUICE_COMPILER_YAML_YAML_COMMA_H

#include "compiler/yaml/node.h"

/* In the braces of `{l: lag(v, 1)}` a comma ends a text, so that the rest becomes a key without a value. If an open
 * `(` of an entry is closed by the keys after it, a fault is added, and the entries are joined to the intended one
 * for further checks. False when memory ran out. */
bool yaml_commas_mend(struct arena *arena, struct faults *faults, struct node_entry *entries, size_t *count);

#endif
