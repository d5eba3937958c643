/* catalog_read.h: Conversion of a spec's resources into models of a catalog. */
#ifndef SLUICE_MODELS_SERVER_CATALOG_READ_H
#define SLUICE_MODELS_SERVER_CATALOG_READ_H

#include "models/server/catalog.h"
#include "compiler/resources/resource.h"

/* Puts every Model into the catalog, and every model that a step itself locates, unless it is on another
 * server, or its Model says where it is served and the step only where its artifact is, or the step is built in. `only`: the models
 * that this name fits; NULL: all. `*count` grows by the number of models that were put. */
bool catalog_take_spec(struct catalog *catalog, const struct spec *spec, const char *only, size_t *count, struct error *error);

#endif
