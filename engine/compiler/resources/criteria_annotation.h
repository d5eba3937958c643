/* criteria_annotation.h: Success criteria of an Experiment as its annotation `seldon.io/success-criteria` has them:
 * "accuracy>0.6,latency<100ms". Without `successCriteria` they are these. */
#ifndef SLUICE_COMPILER_RESOURCES_CRITERIA_ANNOTATION_H
#define SLUICE_COMPILER_RESOURCES_CRITERIA_ANNOTATION_H

#include "compiler/yaml/fault.h"
#include "compiler/yaml/node.h"

#define CRITERIA_FIELD "successCriteria"

/* What a document has its criteria in: the field, or the name of the annotation. */
const char *criteria_field(const struct node *document);

/* The `spec` of a document with the criteria of its annotation; or as it is, if it has some or the document has no such annotation.
 * What cannot be read is a fault at the annotation. */
const struct node *criteria_annotated(const struct node *document, const struct node *spec, struct arena *arena,
				      struct faults *faults);

#endif
