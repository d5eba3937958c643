/* document.h: one YAML document into a resource of a spec. For spec.c alone. */
#ifndef SLUICE_SPEC_DOCUMENT_H
#define SLUICE_SPEC_DOCUMENT_H

#include "spec/resource.h"

/* Adds the resource, or several for a Kubernetes List; what is wrong goes to the
 * spec's faults. Running out of memory is seen in its arena. */
void document_read(struct spec *spec, const struct document *document, const struct spec_options *options);

#endif
