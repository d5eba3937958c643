/* documents_in_force.h: Documents in force in the control plane of a namespace, which are read as files are (spec/resource.h). For
 * commands. */
#ifndef SLUICE_CLIENT_DOCUMENTS_IN_FORCE_H
#define SLUICE_CLIENT_DOCUMENTS_IN_FORCE_H

#include "control/ledger.h"
#include "spec/resource.h"

/* The documents, whose files are KIND/NAME. They borrow from the ledger; the list is in the arena. NULL: the arena is full. */
const struct spec_document *documents_in_force(const struct ledger *ledger, struct arena *arena, size_t *count);

#endif
