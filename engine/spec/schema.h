/* schema.h: the JSON Schema of a kind of resource, printed from the rows that parse
 * it; for editors that complete and check YAML while one types. */
#ifndef SLUICE_SPEC_SCHEMA_H
#define SLUICE_SPEC_SCHEMA_H

#include "spec/resource.h"

/* One kind, as a schema of its own. */
void schema_print(const struct resource_kind *kind, const struct step_kind *const *kinds, struct buffer *out);

/* All kinds that have an apiVersion: a document must fit one of them. */
void schema_print_all(const struct step_kind *const *kinds, struct buffer *out);

#endif
