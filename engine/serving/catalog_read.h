/* catalog_read.h: from the resources of a spec to the models of a catalog. */
#ifndef SLUICE_SERVING_CATALOG_READ_H
#define SLUICE_SERVING_CATALOG_READ_H

#include "serving/catalog.h"
#include "spec/resource.h"

/* Every Model, and what steps say themselves of where their model is, unless it is at
 * another server. `only`: the model of that name alone; NULL: all. `*count` grows by
 * those that were put. */
bool catalog_take_spec(struct catalog *catalog, const struct spec *spec, const char *only, size_t *count, struct error *error);

#endif
