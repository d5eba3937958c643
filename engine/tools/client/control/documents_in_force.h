/* documents_in_force.h: Documents in force in the control plane of a namespace, which are read as files are
 * (compiler/resources/resource.h). For commands. */
#ifndef SLUICE_TOOLS_CLIENT_CONTROL_DOCUMENTS_IN_FORCE_H
#define SLUICE_TOOLS_CLIENT_CONTROL_DOCUMENTS_IN_FORCE_H

#include "control/records/ledger.h"
#include "compiler/resources/resource.h"

/* The documents, whose files are KIND/NAME. They borrow from the ledger; the list is in the arena. NULL: the arena is full. */
const struct spec_document *documents_in_force(const struct ledger *ledger, struct arena *arena, size_t *count);

#endif
