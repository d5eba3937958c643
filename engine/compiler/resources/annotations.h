/* annotations.h: Annotations of resources that begin with seldon.io/ or sluice.io/: one table says which are supported, and by
 * which kinds of resources. Any other annotation is free. */
#ifndef SLUICE_COMPILER_RESOURCES_ANNOTATIONS_H
#define SLUICE_COMPILER_RESOURCES_ANNOTATIONS_H

#include "compiler/yaml/fault.h"
#include "compiler/yaml/node.h"
#include "compiler/resources/resource.h"

/* Reports those of a document that are not supported there, with the next step; and values that cannot be read. One that only
 * Kubernetes or an ingress could support has no effect, as such a field has none. */
void annotations_check(const struct node *document, enum resource_type type, struct faults *faults);

/* The time that `seldon.io/rest-timeout` gives calls, in milliseconds; 0: none, or none that can be read. */
int64_t annotations_timeout_ms(const struct resource *resource);

#endif
