/* step_kinds.h: Parser of the kind of a step, by the rows of that kind. Private to the parser of options, which calls
 * it; it calls options_read() for the rows of a kind. */
#ifndef SLUICE_SPEC_STEP_KINDS_H
#define SLUICE_SPEC_STEP_KINDS_H

#include "spec/options.h"

/* Reads the kind key of a step: a map entry that no row names. True: it was read. */
bool step_kind_read(struct reading *reading, const struct node_entry *entry, void *step);

/* Gives a step without a kind key the default kind. */
void step_kind_fall_back(struct reading *reading, void *into);

#endif
