/* annotations.h: Annotations of resources that begin with seldon.io/ or sluice.io/: one table says which are supported, and by
 * which kinds of resources. Any other annotation is free. */
#pragma once

#include "compiler/yaml/fault.h"
#include "compiler/yaml/node.h"
#include "compiler/resources/resource.h"

/* Success criteria of an Experiment as its annotation `seldon.io/success-criteria` has them: "accuracy>0.6,latency<100ms".
 * Without `successCriteria` they are these. */
#define CRITERIA_FIELD "successCriteria"

/* What a document has its criteria in: the field, or the name of the annotation. */
const char *criteria_field(const struct node *document);

/* The `spec` of a document with the criteria of its annotation; or as it is, if it has some or the document has no such annotation.
 * What cannot be read is a fault at the annotation. */
const struct node *criteria_annotated(const struct node *document, const struct node *spec, struct arena *arena,
				      struct faults *faults);

/* Reports those of a document that are not supported there, with the next step; and values that cannot be read. One that only
 * Kubernetes or an ingress could support has no effect, as such a field has none. */
void annotations_check(const struct node *document, enum resource_type type, struct faults *faults);

/* The time that `seldon.io/rest-timeout` gives calls, in milliseconds; 0: none, or none that can be read. */
int64_t annotations_timeout_ms(const struct resource *resource);
