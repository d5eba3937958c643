/* schema.h: JSON Schema of a kind of resource, printed from the rows that parse it. For editors that complete and
 * check YAML. */
#pragma once

#include "compiler/resources/resource.h"

/* Prints the schema of one kind. */
void schema_print(const struct resource_kind *kind, const struct step_kind *const *kinds, struct buffer *out);

/* Prints a schema of all kinds that have an apiVersion: a document must fit one of them. */
void schema_print_all(const struct step_kind *const *kinds, struct buffer *out);
