/* normal.h: a resource as it counts: aliases and merge keys written out, short forms
 * as long ones, defaults filled in, fields in the order of their rows. */
#ifndef SLUICE_SPEC_NORMAL_H
#define SLUICE_SPEC_NORMAL_H

#include "spec/resource.h"

/* The document of `resource`, in the arena. It is worth reading only when the spec had
 * no errors. NULL when memory ran out. */
const struct node *resource_normal(const struct resource *resource, const struct step_kind *const *kinds, struct arena *arena);

/* As YAML that reads back as the same tree, and as JSON. */
void node_print_yaml(const struct node *node, struct buffer *out);
void node_print_json(const struct node *node, struct buffer *out);

#endif
